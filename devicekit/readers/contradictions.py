"""Evidence in a record against turns: readings that turn elsewhere, a lost reading, slow starts, wrong directions."""

from __future__ import annotations

import itertools
import math

import numpy as np

from devicekit.readers.kink import Kinks, Noise
from devicekit.readers.turns import Lengths, Record, monotone_misfit, spread_indices

CLEAR = 9.2  # 2 ln 100: difference in misfit between places, one of which is a hundred times more likely
SLOW = (4, 8)  # pulses after which a slow train may get faster
ANY = tuple(range(1, 36))


def find_contradiction(
    record: Record, kinks: Kinks, turns: np.ndarray, each: float, largest: float
) -> tuple[str, bool]:
    """Find what contradicts a set of turns in the profiles of single turns.

    Parameters
    ----------
    record : Record
    kinks : Kinks
    turns : ndarray of int
        Position of the reading at each turn.
    each, largest : float
        Misfit above the best place's allowed on the mean and at one turn.

    Returns
    -------
    text : str
        Contradiction in words; empty if there is none.
    is_certain : bool
        True if more turns contradict than a few, which can happen by chance.
    """
    limit = each * turns.size + 4 * math.sqrt(2 * turns.size) + 9
    total, misfits, runs, text = 0.0, 0, [0.0, 0.0], ""
    for number, place in enumerate(turns.tolist()):
        found = record.profile(kinks, turns, number)
        if found is None:  # a train too short for a profile
            continue
        excess = found.excess(place)
        total += excess
        misfits += found.per_freedom > 4
        runs = [max(run + excess - found.excess(place + shift), 0.0) for run, shift in zip(runs, (-1, 1), strict=True)]
        if misfits > 0.1 * turns.size:
            return f"the readings around position {place + 1} do not look like a turn between two such trains", False
        if excess > largest or total > limit:
            text = text or f"the readings around position {place + 1} turn at {found.best + 1}"
        if max(runs) > CLEAR + 2 * math.log(turns.size + 1):
            text = text or _describe_shift(place)
        if total > limit:
            return text, True
    return text, False


def _describe_shift(place: int) -> str:
    return f"the turns up to position {place + 1} are one pulse off, as if a reading were lost"


def find_lost_reading(record: Record, kinks: Kinks, lengths: Lengths) -> str:
    """Find evidence for a lost or repeated reading, which the reading before the first pulse would compensate.

    The turns before it are then one pulse off. Their mean shows that better than each of them.
    """
    turns, shift = lengths.turns(record.trains), -1 if lengths.opens else 1
    limit = CLEAR * (1.5 if lengths.opens else 0.5)  # readings are lost more often than repeated
    for last in spread_indices(turns.size):
        gain = 0.0
        for kind in (0, 1):
            centres = turns[kind : last + 1 : 2]
            if not centres.size:
                continue
            found = kinks.profile(record.values, centres, record.sign(kind), *lengths.around(kind))
            gain += found.excess(found.centre) - found.excess(found.centre + shift) if found else 0.0
        if gain > limit:
            return _describe_shift(int(turns[last]))
    return ""


def find_slow_start(record: Record, kinks: Kinks, turns: np.ndarray) -> str:
    """Find trains that get faster after a turn, by fits to the mean of all turns of a kind.

    The place of a turn is then unclear: other fits take the flat start of a train for the end of the train before.
    """
    noise = kinks.noise
    if turns.size == 1:  # nothing repeats, so that the curvature of a train may look like steps
        noise = Noise(noise.over(1), 0.0)
    lengths = np.diff(np.r_[-1, turns, record.values.size - 1])
    for kind in range(min(turns.size, 2)):
        around = int(lengths[kind:-1:2].min()), int(lengths[kind + 1 :: 2].min())
        fast, *slow = (
            Kinks(noise, each).profile(record.values, turns[kind::2], record.sign(kind), *around)
            for each in ((), *((pulses,) for pulses in SLOW))
        )
        if fast and any(each and fast.misfit.min() > each.misfit.min() + 14 for each in slow):
            return "trains start slowly, so that a turn cannot be distinguished from the flat part around it"
    return ""


def find_late_turn(record: Record, turns: np.ndarray) -> str:
    """Find a turn after a reading that is more extreme by more than the noise."""
    for number, place in enumerate(turns.tolist()):
        if place < 1 or place >= record.filled.size:
            continue
        before, at_turn = record.sign(number) * record.filled[place - 1 : place + 1]
        if before - at_turn > 4 * record.noise.sd:
            return f"the reading at position {place + 1} may be the last of one train or the first of the next"
    return ""


def find_wrong_direction(record: Record, turns: np.ndarray) -> str:
    """Find a train that runs against its direction by more than its noise."""
    for number, (first, last) in enumerate(itertools.pairwise([0, *turns.tolist(), record.values.size - 1])):
        train = record.sign(number) * record.filled[first : last + 1]
        along, against = monotone_misfit(train)[-1], monotone_misfit(-train)[-1]
        if along > against + CLEAR * record.noise.over(train.size / 4):
            return f"the readings from position {first + 1} to {last + 1} run in the other direction"
    return ""


def have_flat_turns(record: Record, turns: np.ndarray) -> bool:
    """Return whether both peaks and valleys seem later, as in trains that start slowly."""
    kinks = Kinks(record.noise)
    later: tuple[list[int], list[int]] = ([], [])
    for number in spread_indices(turns.size):
        found = record.profile(kinks, turns, number)
        if found is not None:
            later[number % 2].append(found.best - int(turns[number]))
    return any(later) and all(float(np.median(each)) >= 2 for each in later if each)
