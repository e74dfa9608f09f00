"""Repeated readings without a pulse between: they separate reading error from the effect of a pulse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from devicekit.device.blocks import Window
from devicekit.fitting.branch.trains import Trains
from devicekit.tables import PulseTable

FEWEST = 5  # degrees of freedom: a standard deviation known to a third of its value


@dataclass(frozen=True)
class Rereads:
    """Scatter of repeated readings.

    Attributes
    ----------
    sd : float
        Standard deviation of one reading about the mean of its repeats [of the window].
    degrees : float
        Degrees of freedom of it.
    share : float
        Variance of a fitted reading over that of a single one: 1 / n where each is the mean of n.
    stated : bool
        Whether the file marks them as repeats of one pulse. Otherwise they are the last reading of a train and the
        first of the next, and only their scatter shows whether a pulse lies between.
    """

    sd: float
    degrees: float
    share: float = 1.0
    stated: bool = True


def scatter_of_repeats(table: PulseTable, direction: str, window: Window) -> Rereads | None:
    """Estimate the scatter of readings of one pulse about their mean; None if hardly any were repeated."""
    squares, degrees, shares = 0.0, 0, []
    for _, _, index, values in table.traces(direction):
        state = window.to_state(values)
        seen = np.isfinite(state)
        _, place, count = np.unique(index[seen], return_inverse=True, return_counts=True)
        mean = np.bincount(place, state[seen]) / count
        squares += float(np.sum((state[seen] - mean[place]) ** 2))
        degrees += int(np.sum(count - 1))
        shares.append(1.0 / count)
    if degrees < FEWEST or squares == 0.0:
        return None
    return Rereads(float(np.sqrt(squares / degrees)), float(degrees), float(np.mean(np.concatenate(shares))))


def scatter_at_junctions(sets: Mapping[str, Trains], window: Window) -> Rereads | None:
    """Estimate the scatter between the last reading of a train and the first of the next; None if pairs are few.

    Readings copied from one train to the next carry no information; if most were copied, none is used.
    """
    if len(sets) < 2:
        return None
    degrees, squares = 0, 0.0
    for device in dict.fromkeys(sets["ltp"].devices):
        own = {direction: trains.of(device) for direction, trains in sets.items()}
        ordered = [
            (int(cycle), place, window.to_state(row))
            for place, direction in enumerate(("ltp", "ltd"))
            for cycle, row in zip(own[direction].cycles, own[direction].values, strict=True)
        ]
        for differences in _differences(sorted(ordered, key=lambda each: each[:2])):
            moved = differences[differences != 0.0]
            if moved.size > 1 and moved.size > differences.size / 2:
                squares += float(np.sum((moved - moved.mean()) ** 2))
                degrees += moved.size - 1
    if degrees < FEWEST or squares == 0.0:
        return None
    return Rereads(float(np.sqrt(squares / degrees / 2.0)), float(degrees), stated=False)


def _differences(ordered: Sequence[tuple[int, int, np.ndarray]]) -> list[np.ndarray]:
    """Return first minus preceding last readings: LTD after LTP, and LTP after the previous cycle's LTD."""
    within, across = [], []
    for (cycle, place, row), (next_cycle, next_place, next_row) in pairwise(ordered):
        first, last = next_row[np.isfinite(next_row)], row[np.isfinite(row)]
        if first.size == 0 or last.size == 0 or place == next_place:
            continue
        if next_cycle == cycle:
            within.append(first[0] - last[-1])
        elif next_cycle == cycle + 1 and place == 1:
            across.append(first[0] - last[-1])
    return [np.array(within), np.array(across)]
