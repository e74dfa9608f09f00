"""Turns of a record of concatenated rising and falling trains, located to the pulse.

A record is split by the lengths that the user states, by lengths that are equal in every cycle, or turn by turn. If
none of these is good enough, nothing is split, and `Unclear` holds the evidence for a question.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from devicekit.core.text import count, percent
from devicekit.readers.contradictions import (
    ANY,
    CLEAR,
    find_contradiction,
    find_late_turn,
    find_lost_reading,
    find_slow_start,
    find_wrong_direction,
    have_flat_turns,
)
from devicekit.readers.kink import Kinks, Profile
from devicekit.readers.turns import Lengths, Record, find_closing_lengths

FOUND = (2.5, 16.0)  # misfit above that of the best place, allowed on the mean and at one turn, for lengths found here
STATED = (4.0, 30.0)  # the same for lengths that the user states
FEW_TURNS = 2


@dataclass(frozen=True)
class Found:
    """The turns of a record.

    Parameters
    ----------
    turns : ndarray of int
        Position of the reading at each turn.
    how : str
        Method: "equal lengths", "single turns", "stated" or "one train".
    opens : bool
        True if the record starts with a reading before the first pulse.
    rising : bool
        True if the record starts with a rising train.
    explanation : str
        The method, in words.
    against : str
        What in the readings contradicts lengths that the user states; empty if nothing does.
    """

    turns: np.ndarray
    how: str
    opens: bool
    rising: bool
    explanation: str
    against: str = ""


EXTREME = 400  # power of two


class Unclear(Exception):
    """The turns are not clear in the readings.

    Parameters
    ----------
    evidence : tuple of str
        Observations on the record.
    guesses : tuple of Lengths
        Possible lengths, the most likely first.
    rising : bool
        True if the record starts with a rising train.
    """

    def __init__(self, evidence: tuple[str, ...], guesses: tuple[Lengths, ...] = (), rising: bool = True) -> None:
        super().__init__("; ".join(evidence))
        self.evidence, self.guesses, self.rising = evidence, guesses, rising


class Contradiction(Exception):
    """Trains of the lengths that the user states do not add up to the record."""


def find_turns(values: np.ndarray, pulses: tuple[int, ...] | None = None) -> Found:
    """Find the turns of a record by the best method.

    Conductances that cover a decade or more are also split as logarithms; the two results must agree.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Readings, at least one of them finite.
    pulses : tuple of int, optional
        Lengths of LTP and LTD trains that the user states, or one for both.

    Raises
    ------
    Unclear
        If the turns are not clear.
    Contradiction
        If trains of the stated lengths do not add up to the record.
    """
    values = np.where(np.isfinite(values), values, np.nan)
    size = int(np.frexp(np.nanmax(np.abs(values)))[1])
    if abs(size) > EXTREME:  # the squares of such values would be 0 or infinite
        values = np.ldexp(values, -size)
    found: list[Found] = []
    failed: list[Unclear | Contradiction] = []
    for scale in [np.log(values), values] if grows_with_readings(values) else [values]:
        try:
            found.append(_find_turns_of(scale, pulses))
        except (Unclear, Contradiction) as error:
            failed.append(error)
    if not found or (failed and found[0].how == "one train"):
        raise failed[0]
    if len(found) == 2 and not np.array_equal(found[0].turns, found[1].turns):
        raise Unclear(("the turns of the logarithms differ from those of the readings",), (), found[0].rising)
    return found[0]


def grows_with_readings(values: np.ndarray) -> bool:
    """Return whether readings cover a decade or more and their noise grows with them."""
    low, high = np.nanquantile(values, (0.05, 0.95))
    if np.nanmin(values) <= 0 or high < 10 * low or values.size < 8:
        return False
    bend = np.abs(values[:-2] - 2 * values[1:-1] + values[2:])
    upper = values[1:-1] > math.sqrt(low * high)
    there = np.isfinite(bend)
    noise = [float(np.median(bend[there & half])) if (there & half).any() else 0.0 for half in (upper, ~upper)]
    return noise[0] > math.sqrt(high / low) * noise[1]


def _find_turns_of(values: np.ndarray, pulses: tuple[int, ...] | None) -> Found:
    """Find the turns of a record with uniform noise."""
    finite = values[np.isfinite(values)]
    if finite.size < 4 or finite.min() == finite.max():
        return Found(np.empty(0, int), "one train", True, bool(finite[-1] >= finite[0]), "")
    record = Record(values)
    ended = record.with_ends()
    if pulses is not None:
        return use_stated_lengths(record, ended, pulses)
    trains, smaller = record.counted
    doubted = smaller not in (trains, ended.trains)
    if ended.trains == 1 and not doubted:
        return Found(record.turns, "one train", True, record.rising, "")
    seen = [f"{trains} trains by moves of a third of the range, {smaller} by smaller moves"] if doubted else []
    seen = seen or [count(ended.trains, "train")]
    if not record.too_short:
        seen.append(f"noise of {percent(record.noise.sd / record.range)} of the range")
    if doubted or record.too_short:
        raise Unclear(tuple(seen), (), record.rising)
    kinks = Kinks(record.noise)
    misfits = [found.per_freedom for found in record.some_profiles(kinks).values()]
    if misfits:  # residuals estimate the noise better than second differences, but a wrong shape adds to them
        more = min(max(float(np.mean(misfits)), 1.0), 1.6)
        kinks = Kinks(replace(record.noise, variance=more * record.noise.variance))
    return _use_lengths_or_turns(record, ended, kinks, seen)


def _use_lengths_or_turns(record: Record, ended: Record, kinks: Kinks, seen: list[str]) -> Found:
    """Find the turns by equal lengths, or else turn by turn."""
    guesses: tuple[Lengths, ...] = ()
    for each in (record, ended) if ended.trains > record.trains else (record,):
        try:
            return use_equal_lengths(each, kinks)
        except Unclear as error:
            seen, guesses = [*seen, *error.evidence], error.guesses
    try:
        found = use_single_turns(ended, kinks)
        near = [
            turns
            for turns in (guess.turns(ended.trains) for guess in guesses)
            if 0 < np.abs(turns - found.turns).max() <= 2
        ]
        # Turns close to those of equal lengths are ambiguous unless the equal lengths are excluded.
        if all(find_contradiction(ended, kinks, turns, *FOUND)[1] for turns in near):
            return found
    except Unclear as error:
        seen = [*seen, *error.evidence]
    raise Unclear(tuple(seen), (guesses or tuple(find_closing_lengths(ended)))[:3], ended.rising)


def use_equal_lengths(record: Record, kinks: Kinks) -> Found:
    """Find the turns by lengths that are equal in every cycle.

    Raises
    ------
    Unclear
        With the most likely lengths.
    """
    candidates = list_equal_lengths(record, kinks)
    chosen = choose_lengths(candidates, record.trains)
    if chosen is None:
        raise Unclear(
            ("several equal lengths fit equally well" if candidates else "no equal lengths fit the record",),
            tuple(candidates),
        )
    turns = chosen.turns(record.trains)
    contradiction = (
        find_contradiction(record, kinks, turns, *FOUND)[0]
        or find_lost_reading(record, kinks, chosen)
        or find_slow_start(record, kinks, turns)
    )
    if contradiction:
        seen = f"with equal lengths {chosen.first} + {chosen.second}, {contradiction}"
        raise Unclear((seen,), tuple(candidates))
    explanation = f"every cycle has {chosen.first} + {chosen.second} pulses"
    return Found(turns, "equal lengths", chosen.opens, record.rising, explanation)


def list_equal_lengths(record: Record, kinks: Kinks) -> list[Lengths]:
    """Return possible lengths of every cycle, the best first; two trains fit any lengths and give none."""
    candidates = find_closing_lengths(record) if record.trains >= 3 else []
    if len({each.period for each in candidates}) > 1:
        profiles = record.some_profiles(kinks)
        candidates = [replace(each, score=_score(each.turns(record.trains), profiles)) for each in candidates]
        least = min(each.score for each in candidates)
        near = {each.period for each in candidates if each.score <= least + CLEAR * (1 + each.same)}
        if len(near) == 1:
            candidates = [each for each in candidates if each.period in near]
    if len({each.period for each in candidates}) == 1:
        means = record.mean_profiles(kinks, candidates[len(candidates) // 2])
        candidates = [replace(each, score=_score(each.turns(record.trains), means)) for each in candidates]
    return sorted(candidates, key=lambda each: each.score)


def _score(turns: np.ndarray, profiles: dict[int, Profile]) -> float:
    """Return the misfit of turns above that of the best places."""
    return sum(found.excess(int(turns[number]), clip=True) for number, found in profiles.items())


def choose_lengths(candidates: list[Lengths], trains: int) -> Lengths | None:
    """Return the only plausible lengths, or the only plausible ones that are the same up and down."""
    if not candidates:
        return None
    least = candidates[0].score
    near = [each for each in candidates if each.score <= least + CLEAR]
    # Trains usually have one length, so that others must fit clearly better. Many lengths fit three trains.
    same = [each for each in candidates if each.same and each.score <= least + 2 * CLEAR]
    if len(near) == 1:
        return near[0] if same in ([], near) else None
    return same[0] if len(same) == 1 and same[0].score <= least + CLEAR / (1 if trains > 3 else 2) else None


def use_single_turns(record: Record, kinks: Kinks) -> Found:
    """Find each turn separately.

    Raises
    ------
    Unclear
        If the place of one turn is known to worse than one pulse, or half of them to worse than 0.4 pulses.
    """
    turns, spreads, misfits = record.turns.copy(), [], 0
    for number in range(turns.size):
        found = record.profile_near(kinks, number)
        if found is None:
            raise Unclear(("the trains are too short to locate their turns",))
        # A trace that is flat on both sides of a turn is fitted well, but several pulses too late.
        beyond = found.best < record.earliest[number] - 3 or found.best > record.turns[number] + 3
        misfits += found.per_freedom > 4 or beyond
        if found.at_edge or found.spread > 1 or misfits > 0.1 * turns.size:
            raise Unclear((f"the turn near position {found.best + 1} cannot be located to a pulse",))
        turns[number] = found.best
        spreads.append(found.spread)
    if turns.size <= FEW_TURNS and (late := find_late_turn(record, turns)):
        raise Unclear((late,))
    middle, largest = float(np.median(spreads)), max(spreads)
    if middle > 0.4 or (np.diff(turns) < 1).any():
        raise Unclear((f"half of the turns are known only to {middle:.1f} pulses or worse",))
    if slow := find_slow_start(record, kinks, turns):
        raise Unclear((slow,))
    known = " and at worst ".join(f"{max(each, 0.1):.1g}" for each in (middle, largest))
    explanation = f"each turn located separately, to {known} pulses (one standard deviation)"
    return Found(turns, "single turns", True, record.rising, explanation)


def use_stated_lengths(record: Record, ended: Record, pulses: tuple[int, ...]) -> Found:
    """Find the turns by the lengths of LTP and LTD trains that the user states.

    If the number of trains is unclear, the stated lengths decide it. Readings that contradict them are named in
    `against`: who measured knows the lengths, and saturated trains seem to turn early.

    Raises
    ------
    Contradiction
        If such trains do not add up to the record.
    """
    size = record.values.size
    if len(pulses) != 2 and size - sum(pulses) in (0, 1):  # one train, or every train by its length
        return _use_every_length(record, pulses)
    if len(pulses) > 2:
        raise Contradiction(f"trains of {sum(pulses)} pulses in all do not give {size} readings")
    counted = [(each, each.trains) for each in (record, ended)]
    if len(set(record.counted)) > 1 or 10 * record.noise.sd > record.range / 3:
        counted += [(record, trains) for trains in range(1, size // min(pulses) + 2)]
    for each, trains in counted:
        first, second = (pulses[0], pulses[-1]) if each.rising else (pulses[-1], pulses[0])
        opens = size - (trains + 1) // 2 * first - trains // 2 * second
        if opens in (0, 1):
            turns = Lengths(first, second, bool(opens)).turns(trains)
            break
    else:
        lengths = " and ".join(map(str, pulses))
        trains_seen = count(record.trains, "train")
        raise Contradiction(f"{trains_seen} of {lengths} pulses do not give {size} readings")
    explanation = f"{pulses[0]} LTP and {pulses[-1]} LTD pulses, as stated"
    against = _contradict_stated(each, turns, trains, min(pulses))
    return Found(turns, "stated", bool(opens), each.rising, explanation, against)


def _use_every_length(record: Record, pulses: tuple[int, ...]) -> Found:
    """Find the turns by the length of every train, stated in order; the first train decides the directions."""
    opens = record.values.size > sum(pulses)
    ends = int(opens) - 1 + np.cumsum(pulses)
    record = copy(record)
    record.rising = bool(record.filled[ends[0]] >= record.filled[0])
    explanation = f"{', '.join(map(str, pulses))} pulses, as stated"
    against = _contradict_stated(record, ends[:-1], len(pulses), min(pulses))
    return Found(ends[:-1], "stated", opens, record.rising, explanation, against)


def _contradict_stated(record: Record, turns: np.ndarray, trains: int, shortest: int) -> str:
    """Return what in the readings contradicts the turns of stated lengths; empty if nothing does."""
    away = record.away(turns) if trains == record.trains > 1 else 0.0
    if away > max(3.0, 0.15 * shortest):
        return f"the readings turn {away:.0f} pulses away from the ends of such trains"
    wrong = find_wrong_direction(record, turns)
    if wrong or (trains == 2 and away <= 1):  # one turn, at most one pulse off: the user knows better
        return wrong
    found = find_contradiction(record, Kinks(record.noise), turns, *STATED)[0]
    if found and have_flat_turns(record, turns):  # contradicts only if no monotone trains fit
        return find_contradiction(record, Kinks(record.noise, slow=ANY), turns, *STATED)[0]
    return found
