"""Verdicts over many legs: of a state at one polarity, of both polarities, of several temperatures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from devicekit.core.records import Record, cell, column, derived
from devicekit.core.text import listed, percent
from devicekit.features.conduction.forms import FORMS, TITLES
from devicekit.features.conduction.states import StateLeg, state_name
from devicekit.features.conduction.verdict import DECIDES, Verdict, judge
from devicekit.features.definitions import SIDES
from devicekit.features.merit import Sample

LOST = 0.03  # share of legs on which the true mechanism is excluded
CHANCE = 0.05  # probability of that many such legs below which a mechanism is excluded overall
RECTIFIES = 1.5  # ratio of the currents of the two polarities above which a device is not symmetric
SYMMETRIC = frozenset(form.name for form in FORMS if form.symmetric)


VERDICTS = {
    "decided": "decided",
    "undecided": "undecided",
    "nearly_ohmic": "I nearly proportional to V; mechanism not decided",
    "none": "none of the mechanisms",
    "no_range": "too few points or too short a range",
}
CUTS = {
    "floor": "in the noise floor",
    "compliance": "at the compliance",
    "moving": "where I rises more slowly than V",
}  # parts of a leg that are left out


def _of_verdict(number: Callable[[Verdict], object], **how: Any) -> Any:
    """Declare a number of the verdict on legs; None if their range is too short."""
    return derived(**how)(lambda judged: None if judged.verdict is None else number(judged.verdict))


@dataclass(frozen=True, eq=False, kw_only=True)
class JudgedLegs(Record):
    """A leg, or legs of one device at several temperatures, with the verdict; None if the range is too short."""

    legs: tuple[StateLeg, ...] = column(row=False)
    verdict: Verdict | None = column(row=False)

    @derived(inline=True)
    def first(self) -> StateLeg:
        """First leg."""
        return self.legs[0]

    @derived()
    def temperatures_k(self) -> str:
        """Temperatures of the legs [K], of those that are known."""
        return "; ".join(f"{leg.temperature:g}" for leg in self.legs if leg.temperature is not None)

    low_v = _of_verdict(lambda found: found.legs[0].v[0], unit="V", doc="least voltage of the first leg")
    high_v = _of_verdict(lambda found: found.legs[0].v[-1], unit="V", doc="largest voltage of the first leg")
    n = _of_verdict(lambda found: sum(one.n for one in found.legs), doc="points of all legs")
    n_effective = _of_verdict(
        lambda found: sum(one.n_effective for one in found.legs), doc="effective number of points of all legs"
    )
    noise = _of_verdict(lambda found: found.legs[0].noise, doc="standard deviation of ln I about a smooth curve")
    misfit = _of_verdict(lambda found: found.best.misfit, doc="weighted rms of ln I less ln of the best fit")
    cut = _of_verdict(lambda found: "; ".join(found.legs[0].cut), doc="parts of the first leg that are left out")

    @derived(name="verdict")
    def word(self) -> str:
        """Verdict: decided, undecided, nearly_ohmic, none or no_range."""
        return self.verdict.word if self.verdict else "no_range"

    @derived()
    def mechanisms(self) -> str:
        """Mechanisms that are not excluded."""
        return "; ".join(self.verdict.left) if self.verdict else ""


@dataclass(frozen=True, eq=False, kw_only=True)
class StateVerdict(Record):
    """Remaining mechanisms of one state at one polarity."""

    state: str = column("state", text=state_name, doc='hrs, lrs, or "state" if nothing switches')
    sign: int = column(json=False, row=False, doc="sign of the voltage")

    @derived("polarity")
    def polarity(self) -> str:
        """Sign of the voltage: positive or negative."""
        return SIDES[self.sign]

    word: str = column("verdict", name="verdict", text=VERDICTS.get, doc="a key of `VERDICTS`")
    left: tuple[str, ...] = column(
        json=False, row=False, doc="mechanisms that are not excluded, those with the best fits first"
    )

    @derived()
    def mechanisms(self) -> str:
        """Mechanisms that are not excluded, those with the best fits first."""
        return "; ".join(self.left)

    @cell("not excluded")
    def titles(self) -> str:
        """Titles of the mechanisms that are not excluded."""
        return listed([TITLES[name] for name in self.left]) or "–"

    judged: tuple[JudgedLegs, ...] = column(
        json=False, row=False, doc="legs that count: falling ones, or rising ones if there are none"
    )

    @derived(name="legs")
    def number(self) -> int:
        """Number of legs with a verdict."""
        return len(self.counted)

    @cell("sweep branches used")
    def branches(self) -> str:
        """Number of legs with a verdict, and their direction."""
        return f"{self.number}, |V| {'rising' if self.only_rising else 'falling'}"

    only_rising: bool = column(
        default=False,
        doc="true without falling legs: then nothing is decided, unless falling legs at the other polarity agree",
    )
    state_moved: bool = column(
        default=False, doc="true if the rising legs leave none of the mechanisms that the falling ones leave"
    )
    rectifies: bool | None = column(
        default=None, doc="true if the polarities differ by more than a factor of 1.5; None if only one was measured"
    )

    @derived("misfit of ln I (rms, best mechanism)", text=percent)
    def misfit(self) -> float:
        """Median over legs of the misfit of the best remaining mechanism, or of the best one if none remains."""
        shown = [each.verdict for each in self.counted if each.verdict is not None]
        found = [each.fitted(self.left[0]).misfit if self.left else each.best.misfit for each in shown]
        return float(np.median(found)) if found else float("nan")

    @cell("points left out")
    def cuts(self) -> str:
        """Parts of the legs that are left out."""
        found = {cut for one in self.counted for leg in one.legs if leg.leg is not None for cut in leg.leg.cut}
        return ", ".join(words for cut, words in CUTS.items() if cut in found) or "–"

    @property
    def counted(self) -> list[JudgedLegs]:
        """Legs with enough range for a verdict."""
        return [each for each in self.judged if each.verdict is not None]

    @property
    def shown(self) -> JudgedLegs | None:
        """Leg to show: the one with the widest range of currents."""
        return max(self.counted, key=lambda each: each.verdict.legs[0].decades, default=None)  # type: ignore[union-attr]

    @property
    def text(self) -> str:
        """State and polarity for people: "LRS at positive voltage"."""
        return f"{state_name(self.state)} at {self.polarity} voltage"


def verdicts(legs: Sequence[StateLeg], sample: Sample) -> tuple[StateVerdict, ...]:
    """Return the verdict of each state at each polarity.

    Parameters
    ----------
    legs : sequence of StateLeg
    sample : Sample
    """
    found = []
    for side in dict.fromkeys(each.side for each in legs):
        own = [each for each in legs if each.side == side]
        falling = _judge_legs([each for each in own if not each.rising], sample)
        rising = _judge_legs([each for each in own if each.rising], sample)
        found.append(_judge_state(side, falling, rising))
    return tuple(_compare_polarities(found))


def _judge_legs(legs: Sequence[StateLeg], sample: Sample) -> list[JudgedLegs]:
    """Judge each leg on its own; legs of one device at several temperatures are judged together."""
    groups: dict[str, dict[float | None, list[StateLeg]]] = {}
    for each in legs:
        groups.setdefault(each.device_id, {}).setdefault(each.temperature, []).append(each)
    found = []
    for by_temperature in groups.values():
        ready = {kelvin: [each for each in own if each.leg is not None] for kelvin, own in by_temperature.items()}
        warm = {kelvin: own for kelvin, own in ready.items() if own and kelvin is not None}
        if len(warm) > 1:
            for together in zip(*warm.values(), strict=False):
                found.append(_judge_together(together, sample))
        else:
            found += [_judge_together([each], sample) for own in by_temperature.values() for each in own]
    return found


def _judge_together(legs: Sequence[StateLeg], sample: Sample) -> JudgedLegs:
    ready = [each.leg for each in legs if each.leg is not None]
    return JudgedLegs(legs=tuple(legs), verdict=judge(ready, sample) if len(ready) == len(legs) else None)


def _judge_state(side: tuple[str, int], falling: list[JudgedLegs], rising: list[JudgedLegs]) -> StateVerdict:
    usable = [each for each in falling if each.verdict is not None]
    legs = falling if usable or not rising else rising
    word, left = _combine_verdicts([each.verdict for each in legs if each.verdict is not None])
    only_rising = legs is rising
    moved = False
    if not only_rising:
        _, other = _combine_verdicts([each.verdict for each in rising if each.verdict is not None])
        moved = bool(left and other) and not set(left) & set(other)
    elif word in ("decided", "nearly_ohmic"):
        word = "undecided"
    return StateVerdict(
        state=side[0],
        sign=side[1],
        word=word,
        left=left,
        judged=tuple(legs),
        only_rising=only_rising,
        state_moved=moved,
    )


def _combine_verdicts(each: Sequence[Verdict]) -> tuple[str, tuple[str, ...]]:
    """Return word and mechanisms over several legs; one excluded on more legs than chance explains is excluded."""
    n = len(each)
    if n == 0:
        return "no_range", ()
    counts = Counter(name for one in each for name in one.left)
    excess = {form.name: float(np.median([one.excess(one.fitted(form.name)) for one in each])) for form in FORMS}
    left = sorted((name for name in counts if _at_least(n - counts[name], n) >= CHANCE), key=lambda name: excess[name])
    words = Counter(one.word for one in each)
    ohmic = words["nearly_ohmic"] + sum(one.word == "decided" and one.left == ("ohmic",) for one in each)
    if words["nearly_ohmic"] and 2 * ohmic > n:
        return ("decided" if left == ["ohmic"] and 2 * words["nearly_ohmic"] < n else "nearly_ohmic"), tuple(left)
    return ("decided" if _is_decided(left, each) else "undecided" if left else "none"), tuple(left)


def _is_decided(left: Sequence[str], each: Sequence[Verdict]) -> bool:
    """Return whether one mechanism remains and no other smooth curve fits better, by the median over legs."""
    return len(left) == 1 and float(np.median([one.shows(left[0]) for one in each])) <= DECIDES


def _at_least(k: int, n: int) -> float:
    """Return the probability of k or more of n legs on which a true mechanism is excluded."""
    from scipy.special import bdtrc

    return 1.0 if k == 0 else float(bdtrc(k - 1, n, LOST))


def _compare_polarities(found: list[StateVerdict]) -> list[StateVerdict]:
    """Return the verdicts after comparing the two polarities of each state."""
    by_side = {(each.state, each.sign): each for each in found}
    shown = []
    for each in found:
        other = by_side.get((each.state, -each.sign))
        if other is None or other.shown is None or each.shown is None or each.state_moved or other.state_moved:
            shown.append(each)
            continue
        rectifies = _rectifies(each, other)
        asymmetric = rectifies and each.word != "nearly_ohmic"
        left = tuple(name for name in each.left if name not in SYMMETRIC) if asymmetric else each.left
        word = each.word
        if left != each.left:
            sure = not each.only_rising and _is_decided(left, [one.verdict for one in each.counted if one.verdict])
            word = "none" if not left else "decided" if sure else "undecided"
        if each.only_rising and not other.only_rising and not rectifies:
            agrees = other.word == "decided" and other.left == left
            straight = other.word == "nearly_ohmic" and "ohmic" in left
            word = "decided" if agrees else "nearly_ohmic" if straight else word
        shown.append(replace(each, rectifies=rectifies, left=left, word=word))
    return shown


def _rectifies(one: StateVerdict, other: StateVerdict) -> bool | None:
    """Return whether the two legs of each sweep differ, all in the same sense; None if no sweep has both."""
    pairs = [
        (a.first, b.first)
        for a in one.counted
        for b in other.counted
        if (a.first.device_id, a.first.cycle) == (b.first.device_id, b.first.cycle)
    ]
    senses = [_stronger_polarity(*pair) for pair in pairs]
    known = {each for each in senses if each is not None}
    return None if not known else known in ({1}, {-1})


def _stronger_polarity(one: StateLeg, other: StateLeg) -> int | None:
    """Return 1 or -1 if one polarity carries more by the factor, 0 if neither; None if their ranges do not overlap."""
    a, b = one.leg, other.leg
    if a is None or b is None:
        return None
    low, high = max(a.v[0], b.v[0]), min(a.v[-1], b.v[-1])
    if not high > 1.2 * low:
        return None
    at = np.log(np.linspace(0.5 * (low + high), high, 3))
    ratio = [np.interp(at, np.log(leg.v), leg.y) + np.log(leg.mean_a) for leg in (a, b)]
    apart = ratio[0] - ratio[1]
    limit = max(np.log(RECTIFIES), 3.0 * float(np.hypot(a.noise, b.noise)))
    return 1 if (apart > limit).all() else -1 if (apart < -limit).all() else 0
