"""Borders of sweeps: points of departure from the first voltage, checked against equal lengths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.readers.turns import find_extremes

HOME = 0.02  # share of the range within which a voltage is the first one
LEAST = 0.1  # share of the range that a sweep covers at least; less is noise about the first voltage
NEAR = 0.02  # share of a length by which a border may be off: measured voltages are noisy
EVEN, FEWEST_STEPS = 0.8, 8  # share of even steps of what is swept, and steps that show it
MOST_TURNS = 3  # of one sweep: up, down, up again and back


@dataclass(frozen=True)
class Borders:
    """Borders of the cycles of a table, and how they were found.

    Parameters
    ----------
    found : {"stated", "agreed", "inferred"}
        By the file or an option; by two independent ways that agree; or by one.
    cycles, least, most : int
        Number of cycles, and rows of the shortest and of the longest.
    """

    found: str
    cycles: int
    least: int
    most: int

    @property
    def points(self) -> str:
        """Rows of a cycle, in words."""
        return f"{self.least} points each" if self.least == self.most else f"{self.least} to {self.most} points"


def describe_borders(found: Iterable[str], sizes: Sequence[int] | np.ndarray) -> Borders:
    """Return the borders of all parts of a table: the weakest way of finding them counts."""
    ways = set(found)
    way = next((each for each in ("inferred", "agreed") if each in ways), "stated")
    return Borders(way, len(sizes), int(min(sizes, default=0)), int(max(sizes, default=0)))


def is_current_driven(voltage: np.ndarray, current: np.ndarray) -> bool:
    """Return whether a current was swept and the voltage measured: only the current moves in even steps.

    Parameters
    ----------
    voltage, current : ndarray, shape (n,)
        Voltage [V] and current [A]; rows with a NaN are ignored.
    """
    known = np.isfinite(voltage) & np.isfinite(current)
    return _evenness(current[known]) >= EVEN > 2 * _evenness(voltage[known])


def find_swept(frame: pd.DataFrame, name: str, warnings: list[CodedWarning]) -> str:
    """Return the column that was swept, the voltage or the current; a current is reported."""
    if "current_a" in frame and is_current_driven(
        *(frame[each].to_numpy(float) for each in ("voltage_v", "current_a"))
    ):
        warnings.append(CodedWarning("current_driven", f"{name}: the current was swept and the voltage measured"))
        return "current_a"
    return "voltage_v"


def _evenness(values: np.ndarray) -> float:
    """Return the share of steps that are as long as the median one, on a linear or a logarithmic scale."""
    shares = [0.0]
    for x in (values, np.log(np.abs(values[values != 0]))):
        steps = np.abs(np.diff(x))
        steps = steps[steps > 1e-9 * np.ptp(x)] if x.size else steps
        if steps.size >= FEWEST_STEPS:
            middle = np.median(steps)
            shares.append(float((np.abs(steps - middle) <= 0.05 * middle).mean()))
    return max(shares)


def split_sweeps(voltage: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the number of each point's voltage sweep, and how the borders were found.

    A new sweep starts where the voltage leaves its first value again in a direction in which the sweep has left it
    before: 0, 1, 0, -1, 0 is one sweep, and so is 0, 1, 0. If the sweeps are then of one length, within the noise of
    the voltage, both ways agree, and the equal lengths are taken.

    Parameters
    ----------
    voltage : ndarray, shape (n,)
        Voltage [V]; NaN is ignored.

    Returns
    -------
    number : ndarray of int, shape (n,)
        From 1.
    found : {"agreed", "inferred"}
    """
    number = np.ones(voltage.size, int)
    finite = np.flatnonzero(np.isfinite(voltage))
    v = voltage[finite]
    if v.size < 4 or np.ptp(v) == 0:
        return number, "agreed"
    starts = _find_departures((v - v[0]) / np.ptp(v))
    if not starts.size:
        turns = find_extremes(v.tolist(), float(np.ptp(v)) / 3)[0]
        return number, "agreed" if len(turns) <= MOST_TURNS else "inferred"
    equal = _equal_starts(v, starts)
    steps = np.zeros(voltage.size, int)
    steps[finite[starts if equal is None else equal]] = 1
    return number + np.cumsum(steps), "inferred" if equal is None else "agreed"


def _find_departures(away: np.ndarray) -> np.ndarray:
    """Return the first point of each sweep after the first, of voltages as shares of the range from the first one."""
    side = np.where(np.abs(away) > HOME, np.sign(away), 0.0)
    edges = np.flatnonzero(np.diff(side, prepend=0.0))  # a run on one side of the first voltage, or at it
    stops = np.append(edges[1:], side.size)
    starts: list[int] = []
    taken: set[float] = set()
    last = 0
    for first, stop in zip(edges.tolist(), stops.tolist(), strict=True):
        if side[first] == 0 or np.abs(away[first:stop]).max() <= LEAST:
            continue
        if side[first] in taken:
            home = np.abs(away[last:first])  # points about the first voltage since the last excursion
            starts.append(
                last + int(np.flatnonzero(home <= home.min() * (1 + 1e-9) + 1e-12)[-1]) if home.size else first
            )
            taken = set()
        taken.add(side[first])
        last = stop
    return np.array(starts, int)


def _equal_starts(v: np.ndarray, starts: np.ndarray) -> np.ndarray | None:
    """Return the starts of sweeps of one length that agree with points of departure; None if there are none.

    The last sweep may be longer by the point that the others share with the next.
    """
    length, more = divmod(v.size, starts.size + 1)
    equal = length * np.arange(1, starts.size + 1)
    steps = np.abs(np.diff(v))
    near = max(HOME * float(np.ptp(v)), float(np.median(steps)))
    off = int(np.abs(starts - equal).max())
    if more > 1 or off > NEAR * length or (off and bool((np.abs(v[equal] - v[0]) > near).any())):
        return None
    return equal
