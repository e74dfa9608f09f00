"""A record that concatenates rising and falling trains: how many there are, and roughly where each ends."""

from __future__ import annotations

import itertools
import math
from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np

from devicekit.readers.kink import REACH, Kinks, Noise, Profile, noise_of

SLACK = 25.0  # misfit by which a place may be worse than the best one of monotone fits and still be the turn


def zigzag(values: list[float], threshold: float) -> tuple[list[int], bool]:
    """Positions of the extremes between moves of more than a threshold, and whether the first move rises."""
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
            if direction > 0:  # else this is the first train, which opens at the start
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


def turning_points(values: np.ndarray) -> np.ndarray:
    """First position of each train after the first one, roughly: noise shifts it by several pulses.

    A turn counts if the sequence moves by at least a third of its range between turns (zigzag rule).
    """
    finite = np.flatnonzero(np.isfinite(values))
    y = values[finite]
    if y.size < 4:
        return np.empty(0, int)
    turns, _ = zigzag(y.tolist(), float(y.max() - y.min()) / 3)
    return finite[np.array(turns, int)] + 1 if turns else np.empty(0, int)


def monotone_misfit(values: np.ndarray) -> np.ndarray:
    """Sum of squares about the best rising fit of the first k + 1 readings, for every k, by pooling neighbours.

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


def kink_between(values: np.ndarray, sign: int, slack: float = 0.0) -> tuple[int, int, float]:
    """Return where a piece turns that turns once, from monotone fits before and after: roughly, at no cost.

    Parameters
    ----------
    values : ndarray, shape (n,)
    sign : int
        1 for a peak, -1 for a valley.
    slack : float
        Misfit above the least that a place may have [unit of the readings squared].

    Returns
    -------
    best : int
        Position that fits best.
    last : int
        Last position within the slack: on a flat end no place is better than another, but the next train starts fast.
    gain : float
        What the turn gains over none [unit of the readings squared].
    """
    rising = monotone_misfit(sign * values)
    falling = monotone_misfit(sign * values[::-1])[::-1]
    both = (rising + np.append(falling[1:], 0.0))[: max(values.size - 1, 1)]
    best = int(np.argmin(both))
    return best, int(np.flatnonzero(both <= both[best] + slack)[-1]), float(min(rising[-1], falling[0]) - both[best])


def spread_indices(number: int) -> list[int]:
    """Up to 40 of so many things, spread evenly: more would tell no more."""
    return np.unique(np.linspace(0, number - 1, min(number, 40)).astype(int)).tolist()


@dataclass(frozen=True)
class Lengths:
    """Lengths of the trains of every cycle, the first train's kind first, which close a record.

    Parameters
    ----------
    first, second : int
        Pulses of the first, third, ... and of the second, fourth, ... train.
    opens : bool
        Whether a reading before the first pulse opens the record.
    score : float
        What speaks against them; the least is the best.
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
        """Position of the reading at each turn."""
        number = np.arange(trains - 1)
        return int(self.opens) - 1 + (number // 2 + 1) * self.first + (number + 1) // 2 * self.second

    def around(self, kind: int) -> tuple[int, int]:
        """Pulses before and after the turns 0, 2, ... (kind 0) or 1, 3, ... (kind 1)."""
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
        Whether the record starts with a rising train.
    counted : tuple of int
        Trains by moves of a third of the range, and by smaller ones.
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
        self.noise = noise_of(self.values)
        turns, self.rising = zigzag(self.filled.tolist(), self.range / 3)
        self.turns = self.earliest = np.array(turns, int)
        self.counted = self.trains, self._trains_by_smaller_moves()
        if not self.too_short:
            self._recentre()
            self.noise = noise_of(self.values, self.turns)

    @property
    def trains(self) -> int:
        """How many trains there are."""
        return self.turns.size + 1

    @property
    def too_short(self) -> bool:
        """True if the trains are too short to show a kink."""
        return self.trains > 1 and self.values.size < 3 * self.trains

    def sign(self, number: int) -> int:
        """1 if that turn is a peak, -1 if a valley."""
        return 1 if (number % 2 == 0) == self.rising else -1

    def away(self, turns: np.ndarray) -> float:
        """Median distance of as many turns from where the record may turn by monotone fits alone [pulses]."""
        return float(np.median(np.maximum(np.maximum(self.earliest - turns, turns - self.turns), 0)))

    def profile(self, kinks: Kinks, turns: np.ndarray, number: int, centre: int | None = None) -> Profile | None:
        """Profile of one of several turns, about its place or another; None where its trains are too short."""
        edges = turns[number - 1] if number else -1, turns[number], [*turns[number + 1 :][:1], self.values.size - 1][0]
        place = turns[number] if centre is None else centre
        before, after = int(edges[1] - edges[0]), int(edges[2] - edges[1])
        return kinks.profile(self.values, np.array([place]), self.sign(number), before, after)

    def profile_near(self, kinks: Kinks, number: int) -> Profile | None:
        """Profile of one turn, moved until its best place is not the last one tried."""
        centre = int(self.turns[number])
        for _ in range(3):
            found = self.profile(kinks, self.turns, number, centre)
            if found is None or not found.at_edge or not 0 < found.best < self.values.size - 1:
                break
            centre = found.best
        return found

    def some_profiles(self, kinks: Kinks) -> dict[int, Profile]:
        """Profiles of some turns, spread over the record, by their number."""
        found = {number: self.profile_near(kinks, number) for number in spread_indices(self.turns.size)}
        return {number: profile for number, profile in found.items() if profile is not None}

    def mean_profiles(self, kinks: Kinks, lengths: Lengths) -> dict[int, Profile]:
        """Profiles of the mean of all turns 0, 2, ... and 1, 3, ..., by the number of the first of them.

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
        """The same record with the trains counted that it cuts short at its start or end.

        Random steps of the state look like such a train, so that none is counted where there are any.
        """
        again = copy(self)
        if self.noise.ratio or self.too_short:
            return again
        edges = np.r_[0, self.turns, self.values.size - 1]
        limit = (12 + 4 * math.log(self.values.size)) * self.noise.variance
        at, _, gain = kink_between(self.filled[edges[-2] :], self.sign(self.turns.size))
        if gain > limit:
            again.turns, again.earliest = (np.append(each, edges[-2] + at) for each in (self.turns, self.earliest))
        at, _, gain = kink_between(self.filled[: edges[1] + 1], -self.sign(0))
        if gain > limit and at < edges[1]:
            again.turns, again.earliest = (np.append(at, each) for each in (again.turns, again.earliest))
            again.rising = not self.rising
        return again

    def _trains_by_smaller_moves(self) -> int:
        """The count down to moves of a sixth of the range, as far as the noise lets, with single outliers smoothed."""
        threshold = max(self.range / 6, 8 * math.sqrt(self.noise.over(self.values.size / self.trains / 4)))
        if threshold >= self.range / 3:
            return self.trains
        middle = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(self.filled, 1, mode="edge"), 3), axis=1)
        return len(zigzag(middle.tolist(), threshold)[0]) + 1

    def _recentre(self) -> None:
        """Place the turns by monotone fits before and after, from the middle of a train to the middle of the next."""
        edges = np.r_[0, (self.turns[1:] + self.turns[:-1]) // 2, self.values.size - 1]
        places = [
            first + np.array(kink_between(self.filled[first : last + 1], self.sign(number), self._slack)[:2])
            for number, (first, last) in enumerate(itertools.pairwise(edges.tolist()))
        ]
        if self.turns.size:
            self.earliest, self.turns = np.array(places, int).T

    @property
    def _slack(self) -> float:
        return SLACK * self.noise.over(1)


def find_closing_lengths(record: Record) -> list[Lengths]:
    """Lengths that close the record and put its turns about where they were seen, the nearest first."""
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
