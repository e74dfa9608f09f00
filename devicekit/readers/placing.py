"""The turns of a record that concatenates rising and falling trains: placed to the pulse, or left to the user.

A record is split on the best authority there is: lengths that the user states, lengths that are equal in every cycle,
each turn by itself. Where none of these is good enough nothing is split, and `Unclear` says what was seen.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from devicekit.readers.kink import Kinks, Noise, Profile
from devicekit.readers.turns import Lengths, Record, find_closing_lengths, monotone_misfit, spread_indices
from devicekit.text import count, percent

CONTENT = 9.2  # 2 ln 100: a place is a hundred times likelier than one whose misfit is larger by this
FOUND = (2.5, 16.0)  # misfit above the best place's, allowed on the mean and at one turn, of lengths found here
STATED = (4.0, 30.0)  # the same of lengths that the user states
SLOW = (4, 8)  # pulses after which a train that starts slowly may get faster
FEW_TURNS = 2
ANY = tuple(range(1, 36))


@dataclass(frozen=True)
class Found:
    """Where a record turns.

    Parameters
    ----------
    turns : ndarray of int
        Position of the reading at each turn.
    how : str
        On which authority: "equal lengths", "single turns", "stated" or "one train".
    opens : bool
        Whether a reading before the first pulse opens the record.
    rising : bool
        Whether the record starts with a rising train.
    says : str
        The authority, in words.
    """

    turns: np.ndarray
    how: str
    opens: bool
    rising: bool
    says: str


EXTREME = 400  # power of two


class Unclear(Exception):
    """The turns cannot be told well enough.

    Parameters
    ----------
    seen : tuple of str
        What was seen in the record.
    guesses : tuple of Lengths
        Lengths that may be the right ones, the likeliest first.
    rising : bool
        Whether the record starts with a rising train.
    """

    def __init__(self, seen: tuple[str, ...], guesses: tuple[Lengths, ...] = (), rising: bool = True) -> None:
        super().__init__("; ".join(seen))
        self.seen, self.guesses, self.rising = seen, guesses, rising


class Contradiction(Exception):
    """The lengths that the user states do not fit the record."""


def find_turns(values: np.ndarray, pulses: tuple[int, ...] | None = None) -> Found:
    """The turns of a record on the best authority there is.

    Conductances that cover a decade or more are looked at as logarithms as well; the two must not contradict.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Readings, one or more of them finite.
    pulses : tuple of int, optional
        Lengths of LTP and LTD trains that the user states, or one for both.

    Raises
    ------
    Unclear
        If the turns cannot be told.
    Contradiction
        If the record cannot consist of trains of the stated lengths.
    """
    values = np.where(np.isfinite(values), values, np.nan)
    size = int(np.frexp(np.nanmax(np.abs(values)))[1])
    if abs(size) > EXTREME:  # the squares of such values would be 0 or infinite
        values = np.ldexp(values, -size)
    found: list[Found] = []
    failed: list[Unclear | Contradiction] = []
    for scale in [np.log(values), values] if grows_with_readings(values) else [values]:
        try:
            found.append(_place(scale, pulses))
        except (Unclear, Contradiction) as error:
            failed.append(error)
    if not found or (failed and found[0].how == "one train"):
        raise failed[0]
    if len(found) == 2 and not np.array_equal(found[0].turns, found[1].turns):
        raise Unclear(("the turns of the logarithms are not those of the readings",), (), found[0].rising)
    return found[0]


def grows_with_readings(values: np.ndarray) -> bool:
    """Return whether readings cover a decade or more and their noise grows with them, so that logarithms are even."""
    low, high = np.nanquantile(values, (0.05, 0.95))
    if np.nanmin(values) <= 0 or high < 10 * low or values.size < 8:
        return False
    bend = np.abs(values[:-2] - 2 * values[1:-1] + values[2:])
    upper = values[1:-1] > math.sqrt(low * high)
    there = np.isfinite(bend)
    noise = [float(np.median(bend[there & half])) if (there & half).any() else 0.0 for half in (upper, ~upper)]
    return noise[0] > math.sqrt(high / low) * noise[1]


def _place(values: np.ndarray, pulses: tuple[int, ...] | None) -> Found:
    """The turns of a record whose noise is alike everywhere."""
    finite = values[np.isfinite(values)]
    if finite.size < 4 or finite.min() == finite.max():
        return Found(np.empty(0, int), "one train", True, bool(finite[-1] >= finite[0]), "")
    record = Record(values)
    ended = record.with_ends()
    if pulses is not None:
        return by_statement(record, ended, pulses)
    trains, smaller = record.counted
    doubted = smaller not in (trains, ended.trains)
    if ended.trains == 1 and not doubted:
        return Found(record.turns, "one train", True, record.rising, "")
    seen = [f"{trains} trains by moves of a third of the range, {smaller} by smaller ones"] if doubted else []
    seen = seen or [count(ended.trains, "train")]
    if not record.too_short:
        seen.append(f"noise of {percent(record.noise.sd / record.range)} of the range")
    if doubted or record.too_short:
        raise Unclear(tuple(seen), (), record.rising)
    kinks = Kinks(record.noise)
    misfits = [found.per_freedom for found in record.some_profiles(kinks).values()]
    if misfits:  # residuals tell the noise better than second differences do, but a wrong shape adds to them
        more = min(max(float(np.mean(misfits)), 1.0), 1.6)
        kinks = Kinks(replace(record.noise, variance=more * record.noise.variance))
    return _by_either(record, ended, kinks, seen)


def _by_either(record: Record, ended: Record, kinks: Kinks, seen: list[str]) -> Found:
    """The turns by equal lengths, or else each by itself."""
    guesses: tuple[Lengths, ...] = ()
    for each in (record, ended) if ended.trains > record.trains else (record,):
        try:
            return by_lengths(each, kinks)
        except Unclear as error:
            seen, guesses = [*seen, *error.seen], error.guesses
    try:
        found = by_turns(ended, kinks)
        near = [
            turns
            for turns in (guess.turns(ended.trains) for guess in guesses)
            if 0 < np.abs(turns - found.turns).max() <= 2
        ]
        # Turns that are nearly those of equal lengths are either, unless the equal lengths are ruled out.
        if all(objection(ended, kinks, turns, *FOUND)[1] for turns in near):
            return found
    except Unclear as error:
        seen = [*seen, *error.seen]
    raise Unclear(tuple(seen), (guesses or tuple(find_closing_lengths(ended)))[:3], ended.rising)


def by_lengths(record: Record, kinks: Kinks) -> Found:
    """The turns by lengths that are equal in every cycle.

    Raises
    ------
    Unclear
        With the lengths that come nearest.
    """
    candidates = equal_lengths(record, kinks)
    chosen = only_one(candidates, record.trains)
    if chosen is None:
        raise Unclear(
            ("several equal lengths fit alike" if candidates else "no equal lengths close the record",),
            tuple(candidates),
        )
    turns = chosen.turns(record.trains)
    against = (
        objection(record, kinks, turns, *FOUND)[0]
        or hidden_loss(record, kinks, chosen)
        or slow_start(record, kinks, turns)
    )
    if against:
        raise Unclear((f"with equal lengths {chosen.first} + {chosen.second}, {against}",), tuple(candidates))
    says = f"every cycle has {chosen.first} + {chosen.second} pulses"
    return Found(turns, "equal lengths", chosen.opens, record.rising, says)


def equal_lengths(record: Record, kinks: Kinks) -> list[Lengths]:
    """Lengths that may be those of every cycle, the best first; two trains always close, and say nothing."""
    candidates = find_closing_lengths(record) if record.trains >= 3 else []
    if len({each.period for each in candidates}) > 1:
        profiles = record.some_profiles(kinks)
        candidates = [replace(each, score=_score(each.turns(record.trains), profiles)) for each in candidates]
        least = min(each.score for each in candidates)
        near = {each.period for each in candidates if each.score <= least + CONTENT * (1 + each.same)}
        if len(near) == 1:
            candidates = [each for each in candidates if each.period in near]
    if len({each.period for each in candidates}) == 1:
        means = record.mean_profiles(kinks, candidates[len(candidates) // 2])
        candidates = [replace(each, score=_score(each.turns(record.trains), means)) for each in candidates]
    return sorted(candidates, key=lambda each: each.score)


def _score(turns: np.ndarray, profiles: dict[int, Profile]) -> float:
    """Misfit that turns add to that of the best places."""
    return sum(found.excess(int(turns[number]), clip=True) for number, found in profiles.items())


def only_one(candidates: list[Lengths], trains: int) -> Lengths | None:
    """The only lengths in contention, or the only ones in contention that are the same up and down."""
    if not candidates:
        return None
    least = candidates[0].score
    near = [each for each in candidates if each.score <= least + CONTENT]
    # Trains of one length are the rule, so that others must beat them by more. Of three trains, many lengths close.
    same = [each for each in candidates if each.same and each.score <= least + 2 * CONTENT]
    if len(near) == 1:
        return near[0] if same in ([], near) else None
    return same[0] if len(same) == 1 and same[0].score <= least + CONTENT / (1 if trains > 3 else 2) else None


def objection(record: Record, kinks: Kinks, turns: np.ndarray, each: float, largest: float) -> tuple[str, bool]:
    """Return what the single turns hold against a set of turns.

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
    says : str
        Empty if they hold nothing against it.
    sure : bool
        Whether that is no matter of one turn or a few, which chance can bring about.
    """
    limit = each * turns.size + 4 * math.sqrt(2 * turns.size) + 9
    total, misfits, runs, says = 0.0, 0, [0.0, 0.0], ""
    for number, place in enumerate(turns.tolist()):
        found = record.profile(kinks, turns, number)
        if found is None:  # a train too short to say anything
            continue
        excess = found.excess(place)
        total += excess
        misfits += found.per_freedom > 4
        runs = [max(run + excess - found.excess(place + shift), 0.0) for run, shift in zip(runs, (-1, 1), strict=True)]
        if misfits > 0.1 * turns.size:
            return f"the readings around position {place + 1} are no turn between two such trains", False
        if excess > largest or total > limit:
            says = says or f"the readings around position {place + 1} turn at {found.best + 1}"
        if max(runs) > CONTENT + 2 * math.log(turns.size + 1):
            says = says or _shifted(place)
        if total > limit:
            return says, True
    return says, False


def _shifted(place: int) -> str:
    return f"the turns up to position {place + 1} lie one pulse away, as if a reading were lost"


def hidden_loss(record: Record, kinks: Kinks, lengths: Lengths) -> str:
    """Return what speaks for a reading that is lost, or was taken twice, which the opening reading would make up for.

    The turns before it lie one pulse away then. Their mean tells that better than each of them.
    """
    turns, shift = lengths.turns(record.trains), -1 if lengths.opens else 1
    limit = CONTENT * (1.5 if lengths.opens else 0.5)  # readings get lost rather than doubled
    for last in spread_indices(turns.size):
        gain = 0.0
        for kind in (0, 1):
            centres = turns[kind : last + 1 : 2]
            if not centres.size:
                continue
            found = kinks.profile(record.values, centres, record.sign(kind), *lengths.around(kind))
            gain += found.excess(found.centre) - found.excess(found.centre + shift) if found else 0.0
        if gain > limit:
            return _shifted(int(turns[last]))
    return ""


def slow_start(record: Record, kinks: Kinks, turns: np.ndarray) -> str:
    """Return whether trains that get faster after a turn fit better, on the mean of all turns of a kind.

    The place of a turn is not to be told then: the other fits take the flat start of a train for the train before.
    """
    noise = kinks.noise
    if turns.size == 1:  # nothing repeats, so that the bend of a train may have passed for steps
        noise = Noise(noise.over(1), 0.0)
    lengths = np.diff(np.r_[-1, turns, record.values.size - 1])
    for kind in range(min(turns.size, 2)):
        around = int(lengths[kind:-1:2].min()), int(lengths[kind + 1 :: 2].min())
        fast, *slow = (
            Kinks(noise, each).profile(record.values, turns[kind::2], record.sign(kind), *around)
            for each in ((), *((pulses,) for pulses in SLOW))
        )
        if fast and any(each and fast.misfit.min() > each.misfit.min() + 14 for each in slow):
            return "trains start slowly, so that a turn cannot be told from what is flat around it"
    return ""


def by_turns(record: Record, kinks: Kinks) -> Found:
    """The turns, each by itself.

    Raises
    ------
    Unclear
        If one turn's place is known to worse than one pulse, or half of them to worse than 0.4.
    """
    turns, spreads, misfits = record.turns.copy(), [], 0
    for number in range(turns.size):
        found = record.profile_near(kinks, number)
        if found is None:
            raise Unclear(("the trains are too short to show their turns",))
        # A trace that is flat on both sides of a turn is fitted well, but pulses later than it can turn.
        beyond = found.best < record.earliest[number] - 3 or found.best > record.turns[number] + 3
        misfits += found.per_freedom > 4 or beyond
        if found.at_edge or found.spread > 1 or misfits > 0.1 * turns.size:
            raise Unclear((f"the turn near position {found.best + 1} cannot be placed to a pulse",))
        turns[number] = found.best
        spreads.append(found.spread)
    if turns.size <= FEW_TURNS and (late := _after_the_extreme(record, turns)):
        raise Unclear((late,))
    middle, largest = float(np.median(spreads)), max(spreads)
    if middle > 0.4 or (np.diff(turns) < 1).any():
        raise Unclear((f"half of the turns are known to no better than {middle:.1f} pulses",))
    if slow := slow_start(record, kinks, turns):
        raise Unclear((slow,))
    known = " and at worst ".join(f"{max(each, 0.1):.1g}" for each in (middle, largest))
    says = f"each turn placed by itself, to {known} pulses (one standard deviation)"
    return Found(turns, "single turns", True, record.rising, says)


def _after_the_extreme(record: Record, turns: np.ndarray) -> str:
    """Return which turn lies after a reading that is further than its own, by more than noise."""
    for number, place in enumerate(turns.tolist()):
        if place < 1 or place >= record.filled.size:
            continue
        before, own = record.sign(number) * record.filled[place - 1 : place + 1]
        if before - own > 4 * record.noise.sd:
            return f"the reading at position {place + 1} may be the last of one train or the first of the next"
    return ""


def by_statement(record: Record, ended: Record, pulses: tuple[int, ...]) -> Found:
    """The turns by the lengths of LTP and LTD trains that a user states.

    Where the count of the trains is in doubt, the statement settles it.

    Raises
    ------
    Contradiction
        If the record cannot consist of such trains.
    """
    counted = [(each, each.trains) for each in (record, ended)]
    if len(set(record.counted)) > 1 or 10 * record.noise.sd > record.range / 3:
        counted += [(record, trains) for trains in range(1, record.values.size // min(pulses) + 2)]
    for each, trains in counted:
        first, second = (pulses[0], pulses[-1]) if each.rising else (pulses[-1], pulses[0])
        opens = record.values.size - (trains + 1) // 2 * first - trains // 2 * second
        if opens in (0, 1):
            turns = Lengths(first, second, bool(opens)).turns(trains)
            break
    else:
        said = " and ".join(map(str, pulses))
        raise Contradiction(f"{count(record.trains, 'train')} of {said} pulses are not {record.values.size} readings")
    away = each.away(turns) if trains == each.trains > 1 else 0.0
    if away > max(3.0, 0.15 * min(pulses)):
        raise Contradiction(f"the readings turn {away:.0f} pulses away from where such trains do")
    against = wrong_way(each, turns) or objection(each, Kinks(record.noise), turns, *STATED)[0]
    if trains == 2 and away <= 1:  # one turn, a pulse from where it seems to be: whoever was there knows better
        against = wrong_way(each, turns)
    if against and flat_turns(each, turns):  # such a shape contradicts if no monotone trains will do
        against = wrong_way(each, turns) or objection(each, Kinks(record.noise, slow=ANY), turns, *STATED)[0]
    if against:
        raise Contradiction(against)
    says = f"{pulses[0]} LTP and {pulses[-1]} LTD pulses, as stated"
    return Found(turns, "stated", bool(opens), each.rising, says)


def wrong_way(record: Record, turns: np.ndarray) -> str:
    """Return which train runs against its direction, if one does beyond its noise."""
    for number, (first, last) in enumerate(itertools.pairwise([0, *turns.tolist(), record.values.size - 1])):
        train = record.sign(number) * record.filled[first : last + 1]
        along, against = monotone_misfit(train)[-1], monotone_misfit(-train)[-1]
        if along > against + CONTENT * record.noise.over(train.size / 4):
            return f"the readings from position {first + 1} to {last + 1} run the other way"
    return ""


def flat_turns(record: Record, turns: np.ndarray) -> bool:
    """Return whether peaks and valleys alike seem to lie later: no lengths do that, but trains that start slowly do."""
    kinks = Kinks(record.noise)
    later: tuple[list[int], list[int]] = ([], [])
    for number in spread_indices(turns.size):
        found = record.profile(kinks, turns, number)
        if found is not None:
            later[number % 2].append(found.best - int(turns[number]))
    return any(later) and all(float(np.median(each)) >= 2 for each in later if each)
