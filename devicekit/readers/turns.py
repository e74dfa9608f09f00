"""Number and rough ends of the trains in a record of concatenated rising and falling trains."""

from __future__ import annotations

import itertools
import math
from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np

from devicekit.readers.kink import REACH, Kinks, Noise, Profile, estimate_noise

SLACK = 25.0  # misfit above that of the best monotone fits at which a place may still be the turn


def find_extremes(values: list[float], threshold: float) -> tuple[list[int], bool]:
    """Return the positions of extremes between moves above a threshold, and whether the first move rises."""
    turns: list[int] = []
    low = high = direction = 0
    first = 0
    for k in range(1, len(values)):
        value = values[k]
        if value > values[high]:
            high = k
        if value < values[low]:
            low = k
        if direction >= 0 and values[high] - value > threshold:
            if direction > 0:  # else it is the first train, which starts the record
                turns.append(high)
            first = first or -1
            direction, low, high = -1, k, k
        elif direction <= 0 and value - values[low] > threshold:
            if direction < 0:
                turns.append(low)
            first = first or 1
            direction, low, high = 1, k, k
    rising = first > 0 if first else values[-1] >= values[0]
    return turns, rising


def monotone_misfit(values: np.ndarray) -> np.ndarray:
    """Return the sum of squares about the best rising fit of the first k + 1 readings for every k (pooled neighbours).

    Parameters
    ----------
    values : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (n,)
    """
    found = []
    sums: list[float] = []
    counts: list[int] = []
    squares = explained = 0.0
    for value in (values - values.mean()).tolist():
        total, size = value, 1
        squares += value * value
        while sums and sums[-1] * size >= total * counts[-1]:
            last, number = sums.pop(), counts.pop()
            explained -= last * last / number
            total, size = total + last, size + number
        sums.append(total)
        counts.append(size)
        explained += total * total / size
        found.append(squares - explained)
    return np.maximum(np.array(found), 0.0)


def find_kink(values: np.ndarray, sign: int, slack: float = 0.0) -> tuple[int, int, float]:
    """Return the rough turn of a piece with one turn, from monotone fits before and after it.

    Parameters
    ----------
    values : ndarray, shape (n,)
    sign : int
        1 for a peak, -1 for a valley.
    slack : float
        Allowed misfit above the least [unit of the readings squared].

    Returns
    -------
    best : int
        Position that fits best.
    last : int
        Last position within the slack: all places on a flat end fit equally well, and the next train starts fast.
    gain : float
        Reduction of the misfit by the turn [unit of the readings squared].
    """
    rising = monotone_misfit(sign * values)
    falling = monotone_misfit(sign * values[::-1])[::-1]
    both = (rising + np.append(falling[1:], 0.0))[: max(values.size - 1, 1)]
    best = int(np.argmin(both))
    return best, int(np.flatnonzero(both <= both[best] + slack)[-1]), float(min(rising[-1], falling[0]) - both[best])


def spread_indices(number: int) -> list[int]:
    """Return up to 40 evenly spaced indices below a number; more would not add information."""
    return np.unique(np.linspace(0, number - 1, min(number, 40)).astype(int)).tolist()


@dataclass(frozen=True)
class Lengths:
    """Lengths of the trains of every cycle that add up to the length of a record.

    Parameters
    ----------
    first, second : int
        Pulses of the first, third, ... and of the second, fourth, ... train.
    opens : bool
        True if the record starts with a reading before the first pulse.
    score : float
        Misfit; the least is the best.
    """

    first: int
    second: int
    opens: bool
    score: float = 0.0

    @property
    def period(self) -> int:
        """Pulses of a cycle."""
        return self.first + self.second

    @property
    def same(self) -> bool:
        """True if all trains are of one length."""
        return self.first == self.second

    def turns(self, trains: int) -> np.ndarray:
        """Return the position of the reading at each turn."""
        number = np.arange(trains - 1)
        return int(self.opens) - 1 + (number // 2 + 1) * self.first + (number + 1) // 2 * self.second

    def around(self, kind: int) -> tuple[int, int]:
        """Return the pulses before and after the turns 0, 2, ... (kind 0) or 1, 3, ... (kind 1)."""
        return (self.first, self.second) if kind == 0 else (self.second, self.first)


@dataclass
class Record:
    """One column of readings, its trains counted.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Readings, not all the same; NaN where one is missing.

    Attributes
    ----------
    turns, earliest : ndarray of int
        Last and likeliest position of the reading at each turn, by monotone fits alone.
    rising : bool
        True if the record starts with a rising train.
    counted : tuple of int
        Trains by moves of a third of the range, and by smaller moves.
    """

    values: np.ndarray
    filled: np.ndarray = field(init=False)
    range: float = field(init=False)
    noise: Noise = field(init=False)
    rising: bool = field(init=False)
    turns: np.ndarray = field(init=False)
    earliest: np.ndarray = field(init=False)
    counted: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        finite = np.flatnonzero(np.isfinite(self.values))
        self.filled = np.interp(np.arange(self.values.size), finite, self.values[finite])
        self.range = float(np.ptp(self.filled))
        self.noise = estimate_noise(self.values)
        turns, self.rising = find_extremes(self.filled.tolist(), self.range / 3)
        self.turns = self.earliest = np.array(turns, int)
        self.counted = self.trains, self._trains_by_smaller_moves()
        if not self.too_short:
            self._recentre()
            self.noise = estimate_noise(self.values, self.turns)

    @property
    def trains(self) -> int:
        """Number of trains."""
        return self.turns.size + 1

    @property
    def too_short(self) -> bool:
        """True if the trains are too short to show a kink."""
        return self.trains > 1 and self.values.size < 3 * self.trains

    def sign(self, number: int) -> int:
        """Return 1 if that turn is a peak, -1 if it is a valley."""
        return 1 if (number % 2 == 0) == self.rising else -1

    def away(self, turns: np.ndarray) -> float:
        """Return the median distance of turns from the range of places by monotone fits [pulses]."""
        return float(np.median(np.maximum(np.maximum(self.earliest - turns, turns - self.turns), 0)))

    def profile(self, kinks: Kinks, turns: np.ndarray, number: int, centre: int | None = None) -> Profile | None:
        """Return the profile of one of several turns about its place or `centre`; None if its trains are too short."""
        edges = turns[number - 1] if number else -1, turns[number], [*turns[number + 1 :][:1], self.values.size - 1][0]
        place = turns[number] if centre is None else centre
        before, after = int(edges[1] - edges[0]), int(edges[2] - edges[1])
        return kinks.profile(self.values, np.array([place]), self.sign(number), before, after)

    def profile_near(self, kinks: Kinks, number: int) -> Profile | None:
        """Return the profile of one turn, shifted until its best place is not at the edge."""
        centre = int(self.turns[number])
        for _ in range(3):
            found = self.profile(kinks, self.turns, number, centre)
            if found is None or not found.at_edge or not 0 < found.best < self.values.size - 1:
                break
            centre = found.best
        return found

    def some_profiles(self, kinks: Kinks) -> dict[int, Profile]:
        """Return the profiles of some evenly spread turns by their number."""
        found = {number: self.profile_near(kinks, number) for number in spread_indices(self.turns.size)}
        return {number: profile for number, profile in found.items() if profile is not None}

    def mean_profiles(self, kinks: Kinks, lengths: Lengths) -> dict[int, Profile]:
        """Return the profiles of the means of turns 0, 2, ... and 1, 3, ... by the number of the first of them.

        A mean is far less noisy than one turn.
        """
        turns = lengths.turns(self.trains)
        profiles = {}
        for kind in (0, 1):
            centres = turns[kind::2] + int(np.median(self.turns[kind::2] - turns[kind::2]))
            for _ in range(3):
                found = kinks.profile(self.values, centres, self.sign(kind), *lengths.around(kind))
                if found is None or not found.at_edge:
                    break
                centres = centres + found.best - found.centre
            if found is not None:
                profiles[kind] = found
        return profiles

    def with_ends(self) -> Record:
        """Return the record with incomplete trains at its start or end counted.

        Random steps of the state look like such a train; with random steps none is counted.
        """
        again = copy(self)
        if self.noise.ratio or self.too_short:
            return again
        edges = np.r_[0, self.turns, self.values.size - 1]
        limit = (12 + 4 * math.log(self.values.size)) * self.noise.variance
        at, _, gain = find_kink(self.filled[edges[-2] :], self.sign(self.turns.size))
        if gain > limit:
            again.turns, again.earliest = (np.append(each, edges[-2] + at) for each in (self.turns, self.earliest))
        at, _, gain = find_kink(self.filled[: edges[1] + 1], -self.sign(0))
        if gain > limit and at < edges[1]:
            again.turns, again.earliest = (np.append(at, each) for each in (again.turns, again.earliest))
            again.rising = not self.rising
        return again

    def _trains_by_smaller_moves(self) -> int:
        """Count trains by moves down to a sixth of the range, or to the noise, with single outliers smoothed."""
        threshold = max(self.range / 6, 8 * math.sqrt(self.noise.over(self.values.size / self.trains / 4)))
        if threshold >= self.range / 3:
            return self.trains
        middle = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(self.filled, 1, mode="edge"), 3), axis=1)
        return len(find_extremes(middle.tolist(), threshold)[0]) + 1

    def _recentre(self) -> None:
        """Locate the turns by monotone fits from the middle of a train to the middle of the next."""
        edges = np.r_[0, (self.turns[1:] + self.turns[:-1]) // 2, self.values.size - 1]
        places = [
            first + np.array(find_kink(self.filled[first : last + 1], self.sign(number), self._slack)[:2])
            for number, (first, last) in enumerate(itertools.pairwise(edges.tolist()))
        ]
        if self.turns.size:
            self.earliest, self.turns = np.array(places, int).T

    @property
    def _slack(self) -> float:
        return SLACK * self.noise.over(1)


def find_closing_lengths(record: Record) -> list[Lengths]:
    """Return lengths that add up to the record and give about the same turns, the closest first."""
    first_kind, second_kind = (record.trains + 1) // 2, record.trains // 2
    lengths = np.diff(np.r_[0, record.turns, record.values.size - 1])
    about = round(float(np.median(lengths[::2])))
    found = []
    for opens in (False, True):
        for first in range(max(about - REACH, 1), about + REACH + 1):
            rest = record.values.size - opens - first_kind * first
            if rest < second_kind or rest % second_kind:
                continue
            each = Lengths(first, rest // second_kind, opens)
            away = record.away(each.turns(record.trains))
            if away <= REACH:
                found.append(replace(each, score=away))
    return sorted(found, key=lambda each: (each.score, abs(each.first - each.second)))
