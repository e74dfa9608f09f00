"""Segments of a voltage sweep between its turns (legs), and excursions away from 0 V and back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NOISE = 0.02  # share of the largest |V|: turns smaller than this are noise, voltages below it have no sign
NEAR_HOME = 0.25  # share of its reach at which a second excursion of one sign must start
LEAST_REACH = 0.1  # share of the sweep's reach that a second excursion must have
LEAST_POINTS = 4


@dataclass(frozen=True)
class Segment:
    """Leg of a voltage sweep between two turns: positions `start` to `stop` (not included)."""

    start: int
    stop: int
    sign: int
    rising: bool  # |V| grows


@dataclass(frozen=True)
class Excursion:
    """One way up in |V| and, if the sweep has one, the way back of the same sign.

    Attributes
    ----------
    up, back : Segment
        `back` is None where the sweep ends at the turn, or goes on elsewhere.
    limit : float or None
        Compliance in force [A].
    source : str
        Origin of `limit`: "stated" (in a column), "data" (a plateau), or "".
    """

    up: Segment
    back: Segment | None
    limit: float | None = None
    source: str = ""

    @property
    def sign(self) -> int:
        """Sign of its voltage."""
        return self.up.sign

    @property
    def span(self) -> slice:
        """Positions of its points."""
        return slice(self.up.start, max(self.up.stop, self.back.stop) if self.back else self.up.stop)


def split_segments(voltage: np.ndarray) -> tuple[Segment, ...]:
    """Split one sweep into legs: the voltage has one sign, and its magnitude only rises or only falls.

    Turns smaller than 2 % of the range of |V| are noise. Between two signs, the point nearest to 0 V begins the next
    leg, the first of several.
    """
    size = np.abs(np.nan_to_num(np.asarray(voltage, float)))
    sign = np.sign(np.nan_to_num(np.asarray(voltage, float)))
    span = size.max(initial=0.0)
    if size.size < 2 or span == 0:
        return ()
    quiet = np.where(size > NOISE * span, sign, 0)
    known = np.flatnonzero(quiet)
    following = known[np.minimum(np.searchsorted(known, np.arange(size.size)), known.size - 1)]
    side = quiet[following]
    found: list[Segment] = []
    edges = np.r_[0, np.flatnonzero(np.diff(side)) + 1, size.size]
    for number in range(1, edges.size - 1):  # of the points near 0 V, those after the lowest belong to the next leg
        first, last = edges[number], following[edges[number]]
        edges[number] = first + int(np.argmin(size[first : last + 1]))
    for start, stop in itertools.pairwise(edges):
        found.extend(_one_sign(size[start:stop], int(start), int(side[start]), NOISE * span))
    return tuple(found)


def _one_sign(size: np.ndarray, start: int, sign: int, noise: float) -> list[Segment]:
    """Split |V| of one sign into rising and falling parts (zigzag with a small threshold)."""
    turns: list[int] = []
    extreme, heading = 0, 0
    for k in range(1, size.size):
        if heading == 0 and abs(size[k] - size[extreme]) > noise:
            heading, extreme = (1 if size[k] > size[extreme] else -1), k
        elif heading and heading * (size[k] - size[extreme]) >= 0:
            extreme = k
        elif heading and heading * (size[extreme] - size[k]) > noise:
            turns.append(extreme)
            heading, extreme = -heading, k
    ends = [0, *turns, size.size]
    parts = []
    for number, (first, last) in enumerate(itertools.pairwise(ends)):
        # the turning point closes a leg and opens the next
        stop = last + 1 if number < len(turns) else last
        if stop - first > 1:
            rising = bool(size[stop - 1] > size[first])
            parts.append(Segment(start + first, start + stop, sign, rising))
    return parts


def longest(parts: Sequence[Segment], sign: int, rising: bool) -> Segment | None:
    """Return the longest leg of that sign and direction; the first one of equal length."""
    found = [part for part in parts if part.sign == sign and part.rising == rising]
    return max(found, key=lambda part: part.stop - part.start) if found else None


def excursions(voltage: np.ndarray, parts: Sequence[Segment]) -> tuple[Excursion, ...]:
    """Return the excursions of a sweep: for each sign its longest way up, and any other that starts near 0 V.

    A sweep that sets and resets at one polarity has two of one sign. Pieces of a leg that voltage noise cuts off start
    elsewhere and do not count.

    Parameters
    ----------
    voltage : ndarray, shape (n,)
        Voltage of the sweep [V].
    parts : sequence of Segment
        Legs of the sweep.
    """
    size = np.abs(voltage)
    reach = float(size.max(initial=0.0))
    found = []
    for sign in (1, -1):
        main = longest(parts, sign, True)
        if main is None:
            continue
        others = [part for part in parts if part.sign == sign and part.rising and part != main]
        whole = [part for part in others if _from_home(size[part.start : part.stop], reach)]
        if whole and _from_home(size[main.start : main.stop], reach):
            ups = sorted([main, *whole], key=lambda part: part.start)
            found += [
                Excursion(up, _way_back(parts, up, until)) for up, until in zip(ups, [*ups[1:], None], strict=True)
            ]
        else:
            found.append(Excursion(main, _way_back(parts, main, None)))
    return tuple(sorted(found, key=lambda each: each.up.start))


def _from_home(size: np.ndarray, reach: float) -> bool:
    top = float(size.max())
    return size.size >= LEAST_POINTS and top >= LEAST_REACH * reach and float(size.min()) <= NEAR_HOME * top


def _way_back(parts: Sequence[Segment], up: Segment, until: Segment | None) -> Segment | None:
    """Return the longest falling leg of the same sign after `up`, and before the next excursion of that sign."""
    later = [part for part in parts if part.start >= up.stop - 1 and (until is None or part.start < until.start)]
    return longest(later, up.sign, False)
