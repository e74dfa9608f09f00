"""One voltage sweep: points, legs and excursions, and conductances of legs at the read voltage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from devicekit.features.dc.compliance import assign_limit
from devicekit.features.dc.segments import Excursion, Segment, excursions, longest, split_segments
from devicekit.features.stats import noise_of_bends
from devicekit.readers.borders import is_current_driven

WIDE = 2.5  # multiple of the read voltage for the wider range of a fit, if the usual range gives no level
FEWEST = 8  # readings of a leg nearest to 0 V from which its noise is estimated
PINCHED = 0.1  # share of the reach about 0 V where the current of a loop passes 0
CHARGING = 0.3  # share of the median current that a capacitance draws there, in the direction of the sweep
LIMITED = 0.95  # share of the compliance from which a current counts as limited
ODD = 4  # second differences that a switch disturbs at most, in two legs
DENSE = 3 * FEWEST  # readings of a leg from which a switch disturbs few of its second differences


def each_sweep(frame: pd.DataFrame) -> Iterator[tuple[Any, Any, pd.DataFrame]]:
    """Yield device, cycle and rows of each sweep of a table, in order of appearance."""
    for (device, cycle), rows in frame.groupby(["device_id", "cycle"], sort=False):
        yield device, cycle, rows


def _deviation(bends: np.ndarray) -> float:
    """Return the standard deviation of the noise from second differences, without the few that a switch makes.

    The larger of two estimates: from their median, and from their squares without the four largest. Noise that grows
    with the current shows in the squares.
    """
    sizes = np.sort(np.abs(bends))
    rest = sizes[:-ODD] if sizes.size > 2 * ODD else sizes[:0]
    squares = float(np.sqrt((rest @ rest) / (6 * rest.size))) if rest.size else 0.0
    return max(noise_of_bends(bends), squares)


@dataclass(frozen=True, eq=False)
class Sweep:
    """Voltage sweep: points, legs, and excursions with their current limits."""

    device: str
    cycle: int
    v: np.ndarray
    i: np.ndarray
    parts: tuple[Segment, ...]
    excursions: tuple[Excursion, ...]
    of_transistor: bool = False

    @staticmethod
    def of(key: Any, rows: pd.DataFrame) -> Sweep:
        """Build the sweep of a group (device_id, cycle) of a sweep table.

        A compliance that is not stated in a column, or stated and never approached, is searched in the current.
        """
        v, i = rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)
        known = np.isfinite(v) & np.isfinite(i)
        stated = rows["compliance_a"].to_numpy(float)[known] if "compliance_a" in rows else np.full(known.sum(), np.nan)
        v, i = v[known], i[known]
        i = i - _offset(i[v == 0])
        parts = split_segments(v)
        found = [assign_limit(v, i, each, stated) for each in excursions(v, parts)]
        return Sweep(str(key[0]), int(key[1]), v, i, parts, tuple(found), "third_voltage_v" in rows)

    @property
    def reach(self) -> float:
        """Largest |V| [V]; 0 without a leg."""
        return float(np.abs(self.v).max(initial=0.0)) if self.parts else 0.0

    @cached_property
    def other(self) -> str:
        """What it shows instead of switching: "transistor", "capacitive", "current_driven", or ""."""
        if self.of_transistor:
            return "transistor"
        if is_current_driven(self.v, self.i):
            return "current_driven"
        step = np.gradient(self.v) if self.v.size > 1 else self.v
        near = np.abs(self.v) <= PINCHED * self.reach
        ways = [sign * self.i[near & (sign * step > 0)] for sign in (1, -1)]
        if min(each.size for each in ways) < 3:
            return ""
        least = CHARGING * float(np.median(np.abs(self.i)))
        clear = all(each.mean() > max(least, 4 * each.std() / np.sqrt(each.size)) for each in ways)
        return "capacitive" if clear else ""

    def part(self, sign: int, rising: bool) -> Segment | None:
        """Return the longest leg of that sign and direction."""
        return longest(self.parts, sign, rising)

    def conductance(self, part: Segment | None, read: float, widest: float = 1.5) -> float:
        """Fit I = G V through the origin over half to one and a half times the read voltage [S].

        At a noise floor it is twice as precise as a point or a median; a sinh-shaped HRS comes out 1 % high.
        """
        if part is None:
            return float("nan")
        v, i = self._near(part, read, widest)
        return float((v @ i) / (v @ v)) if v.size else float("nan")

    def _near(self, part: Segment, read: float, widest: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the points of a leg about the read voltage; the nearest ones if there are none.

        A current at its limit says little of the state, and is left out where another point remains.
        """
        v, i = self.v[part.start : part.stop], self.i[part.start : part.stop]
        near = (np.abs(v) >= 0.5 * read) & (np.abs(v) <= widest * read)
        limit = next((each.limit for each in self.excursions if part in (each.up, each.back)), None)
        free = near & (np.abs(i) < LIMITED * limit) if limit else near
        near = free if free.any() else near
        if not near.any():
            distance = np.where(v != 0, np.abs(np.abs(v) - read), np.inf)
            near = np.isfinite(distance) & (distance == distance.min())
        return v[near], i[near]

    def level(self, part: Segment | None, read: float) -> float:
        """Return the conductance of a leg [S]; over a wider range where the noise hides it."""
        near = self.conductance(part, read)
        return near if part is None or near > 0 else self.conductance(part, read, WIDE)

    def error(self, part: Segment, other: Segment | None, read: float, widest: float = 1.5) -> float:
        """Return the standard error of a leg's conductance from the current noise about the read voltage [S].

        The noise is that of this leg and another one together. For legs of few readings, where a switch may lie near
        the read voltage, it is that of the quieter one. NaN with too few readings.
        """
        legs_ = [each for each in (part, other) if each is not None]
        bends = [self._bends(each, read) for each in legs_]
        if min(each.stop - each.start for each in legs_) >= DENSE:
            bends = [np.concatenate(bends)]
        noise = min((_deviation(each) for each in bends if each.size), default=float("nan"))
        v = self._near(part, read, widest)[0]
        size = float(np.sqrt(v @ v))  # 0 without voltages, or if their squares underflow
        return noise / size if size > 0 else float("nan")

    def _bends(self, part: Segment, read: float) -> np.ndarray:
        """Return second differences of the current over the readings of a leg nearest to 0 V, in order of voltage."""
        v, i = np.abs(self.v[part.start : part.stop]), self.i[part.start : part.stop]
        order = np.argsort(v, kind="stable")
        many = max(FEWEST, int((v <= WIDE * read).sum()))
        return np.diff(i[order[:many]], 2)

    def least(self, part: Segment, read: float) -> float:
        """Return the conductance below which noise hides a level over the wider range [S]: two standard errors."""
        v, i = self._near(part, read, WIDE)
        if v.size < 3:
            return float("nan")
        rest = i - (v @ i) / (v @ v) * v
        return 2 * float(np.sqrt((rest @ rest) / (v.size - 1) / (v @ v)))


def _offset(at_zero: np.ndarray) -> float:
    """Return the offset current of the instrument [A]: the mean at 0 V, if it is far outside its own scatter, else 0.

    Subtracting three noisy readings would add their noise to every HRS.
    """
    if at_zero.size < 3:
        return 0.0
    mean, error = float(at_zero.mean()), float(at_zero.std(ddof=1) / np.sqrt(at_zero.size))
    return mean if abs(mean) > 10 * error else 0.0
