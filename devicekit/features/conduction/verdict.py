"""Verdict: the set of mechanisms that a leg does not exclude."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.features.conduction.fit import MOST_LEAK, MOST_SERIES, Fitted, fit_all
from devicekit.features.conduction.prepare import Leg
from devicekit.features.merit import Sample

EVIDENCE = 6.0  # BIC above the best mechanism that excludes
REFERENCE = 12.0  # BIC above a smooth curve that excludes
DECIDES = 1.0  # BIC above a smooth curve beyond which a single remaining mechanism is not decided
CROSSES = ("sclc", "trap_filled")  # recognised where they leave the ohmic part: a power law alone is not enough
MISFIT = 0.05  # misfit as a share of I below which nothing is excluded
NOISES = 3.0  # misfit in multiples of the noise below which nothing is excluded
MEASURED = 0.15  # misfit as a share of I that excludes on measured legs
NEAR = 0.15  # distance of a slope from 1 up to which it is ohmic,
SURE = 0.12  # if its standard error is at most this
NEARLY = 1.2  # largest slope that counts as "nearly ohmic"
WARMS = 3.0  # factor between temperatures above which a current is not tunnelling alone
EQUAL = 2.0  # difference of BIC below which two mechanisms are equally good
EDGE = 1e-3


@dataclass(frozen=True, eq=False)
class Verdict:
    """Mechanisms that legs of one state leave.

    Attributes
    ----------
    word : str
        "decided", "undecided", "nearly_ohmic", or "none" (mixed, or not in the list).
    left : tuple of str
        Mechanisms that are not excluded, the best first.
    fits : tuple of Fitted
        All mechanisms, the best first.
    legs : tuple of Leg
    smooth : float
        Least BIC of smooth curves that are not mechanisms.
    """

    word: str
    left: tuple[str, ...]
    fits: tuple[Fitted, ...]
    legs: tuple[Leg, ...]
    smooth: float

    def shows(self, name: str) -> float:
        """Return the BIC of a mechanism above that of other smooth curves; above `DECIDES` the mechanism is not shown.

        Infinite for a power law without a visible ohmic part; minus infinite for an ohmic current, which is recognised
        by its slope.
        """
        fitted = self.fitted(name)
        if name == "ohmic":
            return -np.inf
        return np.inf if name in CROSSES and fitted.at_limit else fitted.bic - self.smooth

    @property
    def best(self) -> Fitted:
        """The fit with the least BIC."""
        return self.fits[0]

    def fitted(self, name: str) -> Fitted:
        """Return the fit of one mechanism."""
        return next(each for each in self.fits if each.form.name == name)

    def excess(self, fitted: Fitted) -> float:
        """Return BIC of a fit above that of the best one."""
        return fitted.bic - self.best.bic


def judge(legs: Sequence[Leg], sample: Sample, *, measured: bool = True) -> Verdict:
    """Judge which mechanisms the legs of one state leave.

    Parameters
    ----------
    legs : sequence of Leg
        One leg, or several temperatures of one state.
    sample : Sample
        Properties of the film.
    measured : bool
        Exclude at a misfit above 15 %, whatever the noise.
    """
    fits = tuple(sorted(fit_all(legs, sample), key=lambda each: each.bic))
    reference = sum(leg.reference for leg in legs)
    kept = [each for each in fits if _possible(each, fits[0].bic, reference, legs, measured)]
    warms = _warms(legs)
    names = [each.form.name for each in kept if not (warms and each.form.athermal)]
    if {"sclc", "trap_filled"} <= set(names):
        by_name = {each.form.name: each for each in kept}
        if by_name["sclc"].bic <= by_name["trap_filled"].bic + EQUAL:
            names.remove("trap_filled")
    smooth = sum(leg.smooth for leg in legs)
    word = "undecided" if names else "none"
    if len(names) == 1 and Verdict("", (), fits, tuple(legs), smooth).shows(names[0]) <= DECIDES:
        word = "decided"
    straight = [_straight(leg) for leg in legs]
    ohmic = next(each for each in fits if each.form.name == "ohmic")
    if names and all(straight) and ohmic in kept and ohmic.bic <= fits[0].bic + EQUAL:
        return Verdict("decided", ("ohmic",), fits, tuple(legs), smooth)
    if all(_nearly(leg) for leg in legs):
        names = list(dict.fromkeys(["ohmic", *names]))
        word = "nearly_ohmic"
    return Verdict(word, tuple(names), fits, tuple(legs), smooth)


def _possible(each: Fitted, best: float, reference: float, legs: Sequence[Leg], measured: bool) -> bool:
    if not each.bic < min(best + EVIDENCE, reference + REFERENCE):
        return False
    if max(each.series) > MOST_SERIES - EDGE or max(each.leak) > MOST_LEAK - EDGE:
        return False
    for misfit, leg in zip(each.misfits, legs, strict=True):
        if misfit > max(NOISES * leg.noise, MISFIT) or (measured and misfit > MEASURED):
            return False
    return True


def _warms(legs: Sequence[Leg]) -> bool:
    """Return whether the current changes with the temperature by more than tunnelling through a barrier can."""
    low, high = max(leg.v[0] for leg in legs), min(leg.v[-1] for leg in legs)
    if len(legs) < 2 or not high > low:
        return False
    at = np.log(0.5 * (low + high))
    found = [float(np.interp(at, np.log(leg.v), leg.y) + np.log(leg.mean_a)) for leg in legs]
    return max(found) - min(found) > np.log(WARMS)


def _straight(leg: Leg) -> bool:
    """Return whether both ends have a slope of 1 in d ln I / d ln V."""
    return all(abs(slope - 1.0) <= NEAR + 2.0 * error and error <= SURE for slope, error in leg.slopes())


def _nearly(leg: Leg) -> bool:
    """Return whether neither end is steeper than 1.2, or flatter than 1 / 1.2."""
    return all(1.0 / NEARLY <= slope <= NEARLY for slope, _ in leg.slopes())
