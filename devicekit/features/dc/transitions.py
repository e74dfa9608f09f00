"""Transitions of a sweep (set, reset or neither), and the polarity of a device from many of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.records import Record, column
from devicekit.core.text import count
from devicekit.features.dc.segments import Excursion, Segment
from devicekit.features.dc.switching import Switching, cut
from devicekit.features.dc.trace import WIDE, Sweep
from devicekit.features.definitions import SIDES

LEAST_SWITCHING = np.log(2.0)  # ln of G_LRS / G_HRS below which an excursion does not switch
CLEAR = 6.0  # standard errors by which two levels must differ for a switch
MAJORITY = 0.8  # share of the sets (or resets) that decides their sign
BOTH = 0.2  # resets at the sign of the sets, as a share of the sets, below which they are outliers; and the reverse


@dataclass(frozen=True, eq=False)
class Transition:
    """Transition of the state in one excursion.

    Attributes
    ----------
    excursion : Excursion
    kind : str
        "set", "reset", "none" (on/off below 2), or "unknown" (a state was not read, or the two differ by no more than
        the noise).
    before, after : float
        Conductances at the read voltage [S]; NaN if not read, or hidden by noise.
    leg : Switching
        The whole way up. Where noise hides a level, it has the least conductance that would be visible.
    """

    excursion: Excursion
    kind: str
    before: float
    after: float
    leg: Switching

    @property
    def sign(self) -> int:
        """Sign of its voltage."""
        return self.excursion.sign


def transitions(sweep: Sweep, read: float, following: float = float("nan")) -> tuple[Transition, ...]:
    """Return the transition that each excursion of a sweep makes.

    The state after it is read on the way back; without one, at the start of the next leg, in this sweep or the next.
    Such a reading counts only if the way up itself goes from one state to the other.

    Parameters
    ----------
    sweep : Sweep
    read : float
        Size of the voltage at which states are read [V].
    following : float
        Conductance where the next sweep of the device starts [S]; NaN if there is none.
    """
    found = []
    for each in sweep.excursions:
        later = [part for part in sweep.parts if part.start >= each.up.stop - 1]
        part = each.back or (later[0] if later else None)
        after = following if part is None else sweep.level(part, read)
        found.append(_transition(sweep, each, read, after, part))
    return tuple(found)


def _transition(sweep: Sweep, each: Excursion, read: float, after: float, part: Segment | None) -> Transition:
    before = sweep.level(each.up, read)
    low = sweep.conductance(each.up, read, WIDE)
    low = sweep.least(each.up, read) if low <= 0 else low
    high = sweep.least(part, read) if part is not None and after <= 0 else after
    v = np.abs(sweep.v[each.up.start : each.up.stop])
    i = each.sign * sweep.i[each.up.start : each.up.stop]
    keep = v >= 0.5 * read  # below, I/V is offset and noise
    leg = Switching(v[keep], i[keep], sweep.conductance(each.up, read), high, each.limit, low)
    start = before if before > 0 else low
    kind = "unknown"
    if start > 0 and high > 0:
        change = float(np.log(high / start))
        kind = "none" if abs(change) < LEAST_SWITCHING else "set" if change > 0 else "reset"
        if kind != "none" and _in_noise(sweep, each.up, part, read, after):
            kind, before, after = "unknown", float("nan"), float("nan")
        if each.back is None and not _reaches_level(leg, change):
            kind, after = "unknown", float("nan")
    return Transition(each, kind, _positive(before), _positive(after), leg)


def _in_noise(sweep: Sweep, up: Segment, part: Segment | None, read: float, after: float) -> bool:
    """Return whether the levels before and after differ by no more than the noise explains.

    Both use the same range of voltages, as a curved current has another conductance over a wider one.
    """
    if part is None:
        return bool(abs(max(after, 0.0) - max(sweep.level(up, read), 0.0)) <= CLEAR * sweep.error(up, None, read))
    widest = 1.5 if sweep.conductance(up, read) > 0 and sweep.conductance(part, read) > 0 else WIDE
    error = np.hypot(sweep.error(up, part, read, widest), sweep.error(part, up, read, widest))
    levels = [max(sweep.conductance(each, read, widest), 0.0) for each in (up, part)]
    return bool(abs(levels[1] - levels[0]) <= CLEAR * error)


def _positive(value: float) -> float:
    return value if value > 0 else float("nan")


def _reaches_level(leg: Switching, change: float) -> bool:
    """Return whether the way up goes from one level to the other, and ends near the one read elsewhere."""
    if abs(change) < LEAST_SWITCHING:
        return False
    shown = cut(leg) if change > 0 else leg
    ln_g = shown.ln_g[np.isfinite(shown.ln_g)]
    if ln_g.size == 0:
        return False
    beyond = ln_g - np.log(leg.after)
    if change < 0:  # a curved HRS ends above the level at the read voltage, but below the LRS
        near = beyond[-1] >= -LEAST_SWITCHING and ln_g[-1] <= np.log(leg.level)
        return bool(near and beyond.min() <= -0.5 * change)
    return bool((shown.hit or beyond[-1] >= -0.5 * change) and beyond[-1] <= LEAST_SWITCHING)


@dataclass(frozen=True, kw_only=True)
class Polarity(Record):
    """Signs of the voltage at which a device sets and resets, over all sweeps."""

    word: str = column(doc="one of `devicekit.features.definitions.POLARITIES`")
    set_sign: int = column(doc="1 or -1; 0 if unknown")
    reset_sign: int = column(doc="1 or -1; 0 if unknown")
    sets: tuple[int, int] = column(doc="numbers of sets at positive and at negative voltage")
    resets: tuple[int, int] = column(doc="numbers of resets at positive and at negative voltage")

    @property
    def expected(self) -> tuple[int, int]:
        """Signs at which a set and a reset count: if one is unknown, the opposite of the other, or 0 for any."""
        return self.set_sign or -self.reset_sign, self.reset_sign or -self.set_sign

    def sentence(self) -> str:
        """Return the polarity in a sentence."""
        set_at, reset_at = SIDES.get(self.set_sign, ""), SIDES.get(self.reset_sign, "")
        if self.word == "bipolar":
            return f"Bipolar: it sets at {set_at} and resets at {reset_at} voltage."
        if self.word == "unipolar":
            return f"Unipolar: it sets and resets at {set_at} voltage."
        if self.word == "set_only":
            return f"It sets at {set_at} voltage; no reset was found, so the polarity is unknown."
        if self.word == "reset_only":
            return f"It resets at {reset_at} voltage; no set was found, so the polarity is unknown."
        if self.word == "unknown":
            return "No sweep switches, so the polarity is unknown."
        parts = [
            f"{count(sum(numbers), name)} ({numbers[0]} at positive and {numbers[1]} at negative voltage)"
            for name, numbers in (("set", self.sets), ("reset", self.resets))
            if sum(numbers)
        ]
        return f"The polarity is unclear: {' and '.join(parts)}."


def polarity(found: Sequence[Transition]) -> Polarity:
    """Find the polarity of a device from the excursions of all sweeps.

    A sign counts if at least 80 % of the sets (or resets) have it. Resets at the sign of the sets make the device
    unipolar unless they are outliers, fewer than a fifth of the sets (and the reverse).

    Parameters
    ----------
    found : sequence of Transition
    """
    sets, resets = _numbers(found, "set"), _numbers(found, "reset")
    set_sign, reset_sign = _sign(sets), _sign(resets)
    word = ""
    if (any(sets) and not set_sign) or (any(resets) and not reset_sign):
        word, set_sign, reset_sign = "mixed", 0, 0
    elif set_sign and set_sign == reset_sign:
        if sum(resets) < BOTH * sum(sets):
            reset_sign = 0
        elif sum(sets) < BOTH * sum(resets):
            set_sign = 0
        else:
            word = "unipolar"
    words = {(True, True): "bipolar", (True, False): "set_only", (False, True): "reset_only"}
    word = word or words.get((bool(set_sign), bool(reset_sign)), "unknown")
    return Polarity(word=word, set_sign=set_sign, reset_sign=reset_sign, sets=sets, resets=resets)


def _numbers(found: Sequence[Transition], kind: str) -> tuple[int, int]:
    """Return how many transitions of a kind are at positive and at negative voltage."""
    signs = [each.sign for each in found if each.kind == kind]
    return signs.count(1), signs.count(-1)


def _sign(numbers: tuple[int, int]) -> int:
    """Return the sign of the majority, from the numbers at positive and at negative voltage; 0 without one."""
    total = sum(numbers)
    return next((sign for sign, n in zip((1, -1), numbers, strict=True) if total and n >= MAJORITY * total), 0)
