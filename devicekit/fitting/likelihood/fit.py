"""Law and noise of greatest posterior density, for one device or several that share their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.printing import Printed
from devicekit.core.statistics import chi2_tail
from devicekit.fitting.likelihood.filter import (
    DEVIATIONS,
    HELD,
    MEMORY,
    NOISES,
    READ_TILT,
    STEP,
    TILT,
    innovations,
    standard_deviations,
)
from devicekit.fitting.likelihood.priors import FURTHER, LARGEST, LIKELY_MEMORY, PRIOR_LN, PRIOR_SD, SMALLEST, Q
from devicekit.fitting.likelihood.problem import ROUGHLY, Problem
from devicekit.models.law import Law

LEAST_GAIN = 6.0  # of the log-likelihood: by chance once in 400 (held and memory) and once in 2000 (a tilt)
AT_CEILING = 0.95  # of the largest deviation that is tried
NONE = 1e-5  # smaller deviations count as 0
MOST_TRAINS = 200  # of all devices: a standard deviation to 5 % from cycles, to 1 % from readings
MOST_JOINT = 24  # trains of several devices whose laws are fitted together with the noise
FEW_TRAINS = 4
MOST_MENDED = 10  # trains
AGAIN = 3  # further climbs from the end of one
HALF = 0.35  # of ln of a deviation: half its variance
LEAST_FORESEEN = 0.5  # of the required gain: the prediction by one step of the curvature is rough
ESTIMABLE = 0.7  # a standard deviation is estimable if the data narrow its prior to this share
UNLIKELY = 1e-3  # p value of the law below which its trains are not used to estimate noise
READ = NOISES.index("read")


@dataclass(frozen=True)
class TrainFit(Printed):
    """Laws and noise by the likelihood of whole trains.

    Attributes
    ----------
    law : Law
    parameters : ndarray, shape (D, p + 1)
        (theta, x0) of each device.
    covariance : ndarray, shape (D, p + 1, p + 1)
        Of the parameters, with the noise's own uncertainty and the priors; 0 at a bound.
    noise, noise_error : ndarray, shape (10,)
        In the order of `NOISES`: ln of the standard deviations (fractions of the window), ln(m / (1 - m)) of the memory
        and the tilts; and their errors.
    present : ndarray of bool, shape (10,)
        Whether the trains are less likely without it.
    estimable : ndarray of bool, shape (10,)
        Whether the trains determine it, or only the prior.
    p_value : float
        Of the law, by the means over cycles of the one-step errors at each pulse; 1 for single cycles.
    log_likelihood : float
        At the maximum, before the noise is corrected for what the law absorbed of it; never below that of a nested law.
    n_trains : int
    """

    law: Law
    parameters: np.ndarray
    covariance: np.ndarray
    noise: np.ndarray
    noise_error: np.ndarray
    present: np.ndarray
    estimable: np.ndarray
    p_value: float
    log_likelihood: float
    n_trains: int

    def at_bound(self, device: int) -> tuple[str, ...]:
        """Return the names of a device's parameters at a bound."""
        sds = np.diag(self.covariance[device])
        return self.law.names_at_bound(sds == 0.0)

    def sd(self, name: str) -> float | None:
        """Return a deviation, memory or tilt; 0 if the trains are as likely without it, None if undetermined."""
        k = NOISES.index(name)
        if not self.estimable[k]:
            return None
        return standard_deviations(self.noise)[name] if self.present[k] else 0.0

    def interval(self, name: str) -> tuple[float, float] | None:
        """Return the 95 % interval; from 0 if the trains are as likely without it, None if undetermined."""
        k = NOISES.index(name)
        if not self.estimable[k] or self.noise_error[k] == 0.0:
            return None
        ends = []
        for end in (-1.96, 1.96):
            moved = self.noise.copy()
            moved[k] += end * self.noise_error[k]
            ends.append(standard_deviations(moved)[name])
        if not np.isfinite(ends).all():  # a curvature that is no variance, as of two trains of few readings
            return None
        return (ends[0] if self.present[k] or k >= TILT else 0.0), ends[1]

    @property
    def at_ceiling(self) -> tuple[str, ...]:
        """Deviations at the largest value tried: the trains ask for more, or for another kind of noise."""
        largest = [np.log(AT_CEILING * LARGEST[name]) for name in DEVIATIONS]
        return tuple(
            name
            for name, value, most, here in zip(DEVIATIONS, self.noise, largest, self.present, strict=False)
            if here and value >= most
        )


def fit_trains(
    law: Law,
    trains: Sequence[np.ndarray],
    starts: Sequence[np.ndarray],
    noise: float,
    nested: Sequence[tuple[Law, Sequence[np.ndarray]]] = (),
) -> TrainFit:
    """Fit the laws and the noise of greatest posterior density.

    Parameters
    ----------
    law : Law
    trains : sequence of ndarray, shape (K_d, N_d + 1)
        Trains of each device on the rising coordinate, in fractions of the window; NaN where nothing was read.
    starts : sequence of ndarray, shape (p + 1,)
        (theta, x0) of each device's mean curve, from which the search starts.
    noise : float
        Standard deviation of one reading about a smooth curve, a first guess.
    nested : sequence of (Law, starts)
        Laws nested in it, the simplest first (`devicekit.models.registry.ladder`): they are fitted first, the search
        starts from their fits too, and the result is never less likely.

    Returns
    -------
    TrainFit
        The noise has a weak log-normal prior (`PRIOR_SD`, `PRIOR_LN`), which decides what a single cycle cannot show:
        how offset, ln rate and start scatter over cycles. For the covariance the ln of those deviations is raised by
        half the square of its error, so that a band covers their possible values, not only the most likely ones.
    """
    most = max(MOST_TRAINS // len(trains), 1)
    trains = [np.ascontiguousarray(each[:most], float) for each in trains]
    found: dict[str, tuple[Problem, np.ndarray]] = {}
    for each, own in (*nested, (law, starts)):
        found[each.name] = _find_maximum(Problem(each, trains, own), own, noise, found)
    problem, z = found[law.name]
    covariance = problem.covariance(z)[0]
    mended, variances = z, np.diag(covariance)
    if sum(map(len, trains)) <= MOST_MENDED:  # with more trains the bias is negligible
        mended = problem.without_bias(z, covariance)
        # where a trajectory just meets a bound of the linearisation, one of the two may be far too small
        variances = np.maximum(variances, np.diag(problem.covariance(mended)[0]))
    return _result(problem, mended, np.sqrt(variances)[-Q:], (mended - z)[-Q:], problem.log_likelihood(z))


def _find_maximum(
    problem: Problem, starts: Sequence[np.ndarray], noise: float, fitted: dict[str, tuple[Problem, np.ndarray]]
) -> tuple[Problem, np.ndarray]:
    """Return the maximum of a law from its mean curves and from the laws nested in it that were fitted before."""
    own = np.concatenate([np.asarray(start, float) for start in starts])
    size = float(np.clip(noise, 10 * SMALLEST, 0.1))
    count = sum(map(len, problem.trains))
    tops = []
    few = count <= FEW_TRAINS  # there may be two explanations
    given = problem.d > 1 and count > MOST_JOINT
    if given:  # mean curves determine the laws; a search for hundreds of parameters at once is slow and may stall
        problem.free[:-Q] = False
    for by_pulse, by_reading in ((0.3, 1.0), (1.0, 0.3)) if few else ((0.6, 0.8),):
        guess = np.log([by_pulse * size, by_reading * size, 0.5 * size, 0.02, 0.5 * size, SMALLEST, SMALLEST])
        z, top = problem.climb(np.concatenate([own, guess, [LIKELY_MEMORY, 0.0, 0.0]]))
        tops.append((top + 0.5 * problem.covariance(z)[1], top, z))
    _, top, z = max(tops, key=lambda each: each[0])
    asked = _add_noise_kinds(problem, z, top, max(len(each) for each in problem.trains) > 1)
    if asked is not None:
        z = asked if given else _climb_from_both(problem, asked, own)
    for name in problem.law.nested if not given else ():
        if name in fitted:
            z = _at_least(problem, z, name, *fitted[name])
    problem.free[:-Q] = True
    return problem, z


def _at_least(problem: Problem, z: np.ndarray, name: str, lesser: Problem, other: np.ndarray) -> np.ndarray:
    """Return the higher of a maximum and of the one reached from a nested law's, which is more likely than that law."""
    start = np.concatenate(
        [*(problem.law.embed(name, each) for each in other[:-Q].reshape(lesser.d, lesser.q)), other[-Q:]]
    )
    at, top = problem.climb(np.concatenate([start[:-Q], z[-Q:]]))
    if top > problem.objective(z):
        z = at
    if problem.log_likelihood(z) >= lesser.log_likelihood(other):
        return z
    kinds = problem.free.copy()
    problem.free[-Q:] = lesser.free[-Q:]
    at = max(problem.climb(start)[0], start, key=problem.log_likelihood)
    if problem.log_likelihood(at) > problem.log_likelihood(z):
        return at
    problem.free[:] = kinds
    return z


def _climb_from_both(problem: Problem, z: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return the higher of two maxima with the noise found: from its own law, and from that of the mean curve.

    A climb can end at a kink of the rate; each continues with light damping again as long as it gains.
    """
    found = []
    for start in (z, np.concatenate([own, z[-Q:]])):
        at, top = problem.climb(start)
        for _ in range(AGAIN):
            before = top
            at, top = problem.climb(at)
            if top < before + ROUGHLY:
                break
        found.append((top, at))
    return max(found, key=lambda each: each[0])[1]


def _add_noise_kinds(problem: Problem, z: np.ndarray, top: float, repeats: bool) -> np.ndarray | None:
    """Return the maximum with the further kinds of noise that the trains ask for; None if there are none.

    One step of the curvature predicts whether a kind of noise can gain enough; if so it is fitted, one after the other.
    Scatter in proportion to the step comes last, because the others mimic it; a tilt that it explains is dropped again.
    """
    readings = problem.readings
    wanted = {
        # more for many readings: second-order effects of large increments mimic a little of each
        **dict.fromkeys(("held", "read_tilt", "tilt"), max(LEAST_GAIN, np.log(readings))),
        **({"step": 2 * np.log(readings)} if repeats else {}),
    }
    likely = [
        name
        for name, least in wanted.items()
        if problem.predict_maximum(z, _first_values(name, z[-Q:])) > top + LEAST_FORESEEN * least
    ]
    if not likely:
        return None
    found = None

    def predicted(name: str) -> float:
        return problem.predict_maximum(z, _first_values(name, z[-Q:]))

    for group in (["held"], ["tilt", "read_tilt"], ["step"] if "step" in likely else []):
        # the one with the larger gain first, since it can explain the other's
        for name in sorted(group, key=lambda each: -predicted(each)) if len(group) > 1 else group:
            asked = problem.try_values(z, _first_values(name, z[-Q:]), top + wanted[name])
            if asked is not None:
                found, top = asked
                z = found
    if found is not None and problem.free[STEP - Q]:
        found, top = _without_tilts(problem, found, top)
    return None if found is None else problem.climb(found)[0]


def _without_tilts(problem: Problem, z: np.ndarray, top: float) -> tuple[np.ndarray, float]:
    """Return the maximum without tilts that are within two standard errors of 0."""
    error = np.sqrt(np.diag(problem.covariance(z)[0]))
    gone = [k - Q for k in (TILT, READ_TILT) if problem.free[k - Q] and abs(z[k - Q]) < 2.0 * error[k - Q]]
    if not gone:
        return z, top
    problem.free[gone] = False
    without = z.copy()
    without[gone] = 0.0
    return problem.climb(without)


def _first_values(name: str, noise: np.ndarray) -> dict[int, float]:
    """Return starting values for one more kind of noise; a fluctuation takes a part of the read noise."""
    if name == "step":
        return {STEP: float(np.log(PRIOR_SD["step"]))}
    if name in ("tilt", "read_tilt"):
        return {NOISES.index(name): 0.0}
    whole = float(max(noise[READ], noise[NOISES.index("increment")]))
    return {READ: float(noise[READ] - HALF), HELD: whole - HALF, MEMORY: LIKELY_MEMORY}


def curvature(found: TrainFit, trains: np.ndarray) -> np.ndarray:
    """Return the information of one device's trains with the priors, at its fit: of (theta, x0, ln deviations).

    Parameters
    ----------
    found : TrainFit
        Of one device.
    trains : ndarray, shape (K, N + 1)
        Its trains on the rising coordinate.
    """
    problem = Problem(found.law, [np.ascontiguousarray(trains[:MOST_TRAINS])], [found.parameters[0]])
    problem.free[-Q:] |= found.present
    hessian: np.ndarray = problem.curvature(np.concatenate([found.parameters[0], found.noise]))[0]
    return hessian


def _result(problem: Problem, z: np.ndarray, error: np.ndarray, mended: np.ndarray, top: float) -> TrainFit:
    lifted, own = z.copy(), slice(z.size - Q, z.size - Q + len(DEVIATIONS))
    lifted[own] = np.minimum(z[own] + 0.5 * error[: len(DEVIATIONS)] ** 2, problem.upper[own])
    wide = problem.covariance(lifted)[0]
    q = problem.q
    blocks = np.array([wide[problem.own(k), problem.own(k)] for k in range(problem.d)])
    height = problem.log_likelihood(z)
    free = problem.free[-Q:]
    present = np.array(
        [free[k] and _log_likelihood_drop(problem, z, height, k) > 0.5 for k in range(MEMORY)]
        + [free[HELD], free[TILT], free[READ_TILT]]
    )
    prior = np.array([PRIOR_LN[name] for name in NOISES])
    repeats = max(len(each) for each in problem.trains)
    by_readings = np.array([name in ("increment", "read", *FURTHER[1:]) for name in NOISES])
    estimable = by_readings | ((repeats > 1) & ((error < ESTIMABLE * prior) | ~present))
    return TrainFit(
        problem.law,
        z[:-Q].reshape(problem.d, q),
        blocks,
        z[-Q:],
        np.hypot(error, mended),  # the bias correction has an error too
        present,
        estimable,
        _p_value(problem, z),
        top,
        sum(len(each) for each in problem.trains),
    )


def _log_likelihood_drop(problem: Problem, z: np.ndarray, height: float, k: int) -> float:
    """Return how much the log-likelihood falls without one kind of noise."""
    without = z.copy()
    without[z.size - Q + k] = np.log(NONE) - 2.5
    return height - problem.log_likelihood(without)


def _p_value(problem: Problem, z: np.ndarray) -> float:
    """Return the p value of the law: one-step errors, averaged over cycles at each pulse, have variance 1 / cycles."""
    total, readings = 0.0, 0
    for k, each in enumerate(problem.trains):
        if len(each) < 2:
            continue
        errors, spreads = np.empty(each.shape), np.empty(each.shape)
        innovations(problem.law.id, z[problem.places(k)], each, errors, spreads, np.empty(len(each)))
        seen = spreads > 0
        scaled = np.where(seen, errors / np.sqrt(np.where(seen, spreads, 1.0)), 0.0)
        many = seen.sum(axis=0)
        total += float(np.sum(scaled.sum(axis=0) ** 2 / np.maximum(many, 1)))
        readings += int((many > 0).sum())
    return chi2_tail(total, readings) if readings else 1.0
