"""Law and noise of greatest posterior density, for one device or several that share their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.statistics import chi2_tail
from devicekit.fitting.likelihood.filter import (
    DEVIATIONS,
    HELD,
    MEMORY,
    NOISES,
    READ_TILT,
    STEP,
    TILT,
    information,
    innovations,
    log_likelihood,
    standard_deviations,
)
from devicekit.models.law import Law

PRIOR_SD = {
    **{"increment": 0.004, "read": 0.004, "offset": 0.008, "ln_rate": 0.05, "start": 0.005, "step": 0.2},
    "held": 0.004,
}
PRIOR_LN = {
    **{"increment": 1.2, "read": 1.2, "offset": 1.0, "ln_rate": 0.8, "start": 1.0, "step": 1.0, "held": 1.2},
    **{"memory": 1.0, "tilt": 0.5, "read_tilt": 0.5},  # of ln(m / (1 - m)), and as it is
}
LARGEST = {
    **{"increment": 0.5, "read": 0.5, "offset": 1.0, "ln_rate": 0.7, "start": 0.5, "step": 3.0, "held": 0.5},
}
SMALLEST = 1e-6  # of the window
LIKELY_MEMORY = 0.4  # ln(m / (1 - m)) of m = .6
LARGEST_MEMORY, LARGEST_TILT = 2.2, 2.0  # of ln(m / (1 - m)), m from .1 to .9; 2: e^2 from one end to the other
LEAST_GAIN = 6.0  # of the log-likelihood: by chance once in 400 (held and memory) and once in 2000 (a tilt)
AT_CEILING = 0.95  # of the largest deviation that is tried
NONE = 1e-5  # smaller deviations count as 0
WIDTH_OF_START = 0.3  # of the window, on both sides of the first reading
MOST_TRAINS = 200  # of all devices: a standard deviation to 5 % from cycles, to 1 % from readings
MOST_JOINT = 24  # trains of several devices whose laws are fitted together with the noise
FEW_TRAINS = 4
MOST_MENDED = 10  # trains
LONGEST_MEND = 0.7  # standard errors, longest step of the bias correction
ITERATIONS, ENOUGH, TRIALS = 100, 1e-3, 16
AGAIN = 3  # further climbs from the end of one
ROUGHLY = 0.1  # of the log-likelihood, enough to decide whether there is more noise; its values are refined later
LIGHT = 1e-2  # damping
HALF = 0.35  # of ln of a deviation: half its variance
LONGEST_STEP = 1.5  # of ln of a standard deviation, in one iteration
LEAST_FORESEEN = 0.5  # of the required gain: the prediction by one step of the curvature is rough
ESTIMABLE = 0.7  # a standard deviation is estimable if the data narrow its prior to this share
UNLIKELY = 1e-3  # p value of the law below which its trains are not used to estimate noise
Q = len(NOISES)
READ = NOISES.index("read")
FURTHER = ("step", "held", "memory", "tilt", "read_tilt")  # kinds of noise tried after the others


@dataclass(frozen=True)
class TrainFit:
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
        names = (*self.law.parameters, "x0")
        return tuple(name for name, sd in zip(names, np.diag(self.covariance[device]), strict=True) if sd == 0.0)

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


def bounds_of_noise() -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest noise numbers tried, in the order of `NOISES`."""
    lower = [*(np.log(SMALLEST) for _ in DEVIATIONS), -LARGEST_MEMORY, -LARGEST_TILT, -LARGEST_TILT]
    return np.array(lower), np.array(
        [*np.log([LARGEST[name] for name in DEVIATIONS]), LARGEST_MEMORY, LARGEST_TILT, LARGEST_TILT]
    )


def prior_of_noise() -> tuple[np.ndarray, np.ndarray]:
    """Return mean and precision of the normal priors of these numbers."""
    mean = [*np.log([PRIOR_SD[name] for name in DEVIATIONS]), LIKELY_MEMORY, 0.0, 0.0]
    return np.array(mean), np.array([PRIOR_LN[name] ** -2.0 for name in NOISES])


def _bounds(law: Law, starts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    lower = np.array([np.append(law.lower, start[-1] - WIDTH_OF_START) for start in starts])
    upper = np.array([np.append(law.upper, start[-1] + WIDTH_OF_START) for start in starts])
    return lower, upper


def _solve_symmetric(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve a symmetric system; return the shortest solution if a parameter has no effect."""
    try:
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(matrix, hermitian=True) @ right


class _Problem:
    """Posterior of all devices' (theta, x0) and their common noise, z = (device, device, ..., noise)."""

    def __init__(self, law: Law, trains: Sequence[np.ndarray], starts: Sequence[np.ndarray]) -> None:
        self.law, self.trains = law, trains
        self.readings = sum(each.size for each in trains)
        self.q, self.d = law.n_parameters + 1, len(trains)
        mean, precision = law.prior_arrays()
        lower, upper = _bounds(law, starts)
        least, most = bounds_of_noise()
        self.lower, self.upper = np.concatenate([lower.ravel(), least]), np.concatenate([upper.ravel(), most])
        own = [np.append(mean, start[-1]) for start in starts]
        likely, sure = prior_of_noise()
        self.mean = np.concatenate([*own, likely])
        self.precision = np.concatenate([np.tile(np.append(precision, 0.0), self.d), sure])
        self.free = np.ones(self.mean.size, bool)
        self.free[[NOISES.index(name) - Q for name in FURTHER]] = False
        noise = np.arange(self.d * self.q, self.mean.size)
        self._places = [np.concatenate([np.arange(k * self.q, (k + 1) * self.q), noise]) for k in range(self.d)]

    def own(self, k: int) -> slice:
        return slice(k * self.q, (k + 1) * self.q)

    def places(self, k: int) -> np.ndarray:
        """Return where the parameters of device k and the noise are in z."""
        return self._places[k]

    def log_likelihood(self, z: np.ndarray) -> float:
        return float(sum(log_likelihood(self.law.id, z[self.places(k)], each) for k, each in enumerate(self.trains)))

    def objective(self, z: np.ndarray) -> float:
        total = self.log_likelihood(z)
        away = (z - self.mean)[self.free]
        return float(total - 0.5 * np.sum(self.precision[self.free] * away**2))

    def curvature(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the information with the priors, and the gradient."""
        size = z.size
        hessian, gradient = np.zeros((size, size)), np.zeros(size)
        m = self.q + Q
        fisher = np.empty((m, m))
        for k, each in enumerate(self.trains):
            at = self.places(k)
            scores = np.empty((len(each), m))
            information(self.law.id, z[at], each, self.free[at], fisher, scores)
            hessian[np.ix_(at, at)] += fisher
            gradient[at] += scores.sum(axis=0)
        hessian[np.diag_indices(size)] += self.precision
        return hessian, gradient - self.precision * (z - self.mean)

    def climb(self, z: np.ndarray, enough: float = ENOUGH) -> tuple[np.ndarray, float]:
        """Climb from z to the maximum by Fisher scoring with damping; return the position and the objective.

        `enough`: the gain of a step below which it stops.
        """
        z = np.clip(z, self.lower, self.upper)
        top, damping = self.objective(z), 1e-3
        for _ in range(ITERATIONS):
            hessian, gradient = self.curvature(z)
            held = ((z <= self.lower) & (gradient < 0)) | ((z >= self.upper) & (gradient > 0))
            free = np.flatnonzero(self.free & ~held)
            block = hessian[np.ix_(free, free)]
            for _ in range(TRIALS):
                damped = block + damping * np.diag(np.diag(block) + 1e-9)
                step = np.zeros(z.size)
                step[free] = _solve_symmetric(damped, gradient[free])
                step[-Q:] = np.clip(step[-Q:], -LONGEST_STEP, LONGEST_STEP)
                trial = np.clip(z + step, self.lower, self.upper)
                height = self.objective(trial)
                if np.isfinite(height) and height > top - 1e-12:
                    break
                damping *= 5.0
            else:
                return z, top
            gain, z, top = height - top, trial, height
            if gain < enough and damping <= LIGHT:  # a shortened step gives no information on the maximum
                break
            damping = max(damping / 10.0, 1e-9)
        return z, top

    def predict_maximum(self, z: np.ndarray, values: dict[int, float]) -> float:
        """Predict the height of the maximum with more noise numbers free, by one step from these values."""
        before = self.free.copy()
        trial = self._with(z, values)
        hessian, gradient = self.curvature(trial)
        free = np.flatnonzero(self.free & ~self.at_bound(trial))
        found = self.objective(trial) + 0.5 * float(
            gradient[free] @ _solve_symmetric(hessian[np.ix_(free, free)], gradient[free])
        )
        self.free[:] = before
        return found

    def try_values(self, z: np.ndarray, values: dict[int, float], least: float) -> tuple[np.ndarray, float] | None:
        """Climb with these noise numbers free; return None and restore them if the maximum is below `least`."""
        before = self.free.copy()
        asked, top = self.climb(self._with(z, values), ROUGHLY)
        # a fluctuation with a long memory looks like an increment: it must gain twice as much
        lasting = HELD in values and asked[MEMORY - Q] >= self.upper[MEMORY - Q]
        if top > least + (np.log(self.readings) if lasting else 0.0):
            return asked, top
        self.free[:] = before
        return None

    def _with(self, z: np.ndarray, values: dict[int, float]) -> np.ndarray:
        """Return z with these noise numbers, which are free from now on."""
        trial = z.copy()
        for k, value in values.items():
            trial[k - Q], self.free[k - Q] = value, True
        return trial

    def at_bound(self, z: np.ndarray) -> np.ndarray:
        return (z <= self.lower) | (z >= self.upper)

    def covariance(self, z: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the inverse of the curvature at z, 0 at bounds, and the log of its determinant."""
        hessian = self.curvature(z)[0]
        free = np.flatnonzero(self.free & ~self.at_bound(z))
        block = hessian[np.ix_(free, free)]
        inside = _solve_symmetric(block, np.eye(free.size))
        found = np.zeros_like(hessian)
        found[np.ix_(free, free)] = inside
        return found, float(np.linalg.slogdet(inside)[1])

    def without_bias(self, z: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """Correct the noise for what the law's parameters absorbed of it, as in restricted maximum likelihood.

        A law follows part of each train's random walk. Integrating its parameters out adds -ln det H / 2 of their
        curvature; this takes one step to the maximum of the sum, of at most `LONGEST_MEND` standard errors.
        """
        own = np.flatnonzero(self.free & ~self.at_bound(z))
        own = own[own < self.d * self.q]

        def determinant(at: np.ndarray) -> float:
            hessian = self.curvature(at)[0]
            return float(np.linalg.slogdet(hessian[np.ix_(own, own)])[1])

        base = determinant(z)
        slope = np.zeros(z.size)
        for k in range(z.size - Q, z.size):
            if self.free[k]:
                moved = z.copy()
                moved[k] += 0.05
                slope[k] = -0.5 * (determinant(moved) - base) / 0.05
        error = np.sqrt(np.diag(covariance))[-Q:]
        found = z.copy()
        longest = LONGEST_MEND * error
        found[-Q:] += np.clip((covariance @ slope)[-Q:], -longest, longest)
        return np.clip(found, self.lower, self.upper)


def fit_trains(law: Law, trains: Sequence[np.ndarray], starts: Sequence[np.ndarray], noise: float) -> TrainFit:
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

    Returns
    -------
    TrainFit
        The noise has a weak log-normal prior (`PRIOR_SD`, `PRIOR_LN`), which decides what a single cycle cannot show:
        how offset, ln rate and start scatter over cycles. For the covariance the ln of those deviations is raised by
        half the square of its error, so that a band covers their possible values, not only the most likely ones.
    """
    most = max(MOST_TRAINS // len(trains), 1)
    trains = [np.ascontiguousarray(each[:most], float) for each in trains]
    problem = _Problem(law, trains, starts)
    own = np.concatenate([np.asarray(start, float) for start in starts])
    repeats = max(len(each) for each in trains)
    size = float(np.clip(noise, 10 * SMALLEST, 0.1))
    tops = []
    few = sum(map(len, trains)) <= FEW_TRAINS  # there may be two explanations
    given = len(trains) > 1 and sum(map(len, trains)) > MOST_JOINT
    if given:  # mean curves determine the laws; a search for hundreds of parameters at once is slow and may stall
        problem.free[:-Q] = False
    for by_pulse, by_reading in ((0.3, 1.0), (1.0, 0.3)) if few else ((0.6, 0.8),):
        guess = np.log([by_pulse * size, by_reading * size, 0.5 * size, 0.02, 0.5 * size, SMALLEST, SMALLEST])
        z, top = problem.climb(np.concatenate([own, guess, [LIKELY_MEMORY, 0.0, 0.0]]))
        covariance, volume = problem.covariance(z)
        tops.append((top + 0.5 * volume, top, z, covariance))
    _, top, z, covariance = max(tops, key=lambda each: each[0])
    asked = _add_noise_kinds(problem, z, top, repeats > 1)
    if asked is not None:
        z = asked if given else _climb_from_both(problem, asked, own)
        covariance = problem.covariance(z)[0]
    problem.free[:-Q] = True
    if given:
        covariance = problem.covariance(z)[0]
    mended, variances = z, np.diag(covariance)
    if sum(map(len, trains)) <= MOST_MENDED:  # with more trains the bias is negligible
        mended = problem.without_bias(z, covariance)
        # where a trajectory just meets a bound of the linearisation, one of the two may be far too small
        variances = np.maximum(variances, np.diag(problem.covariance(mended)[0]))
    return _result(problem, mended, np.sqrt(variances)[-Q:], (mended - z)[-Q:])


def _climb_from_both(problem: _Problem, z: np.ndarray, own: np.ndarray) -> np.ndarray:
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


def _add_noise_kinds(problem: _Problem, z: np.ndarray, top: float, repeats: bool) -> np.ndarray | None:
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


def _without_tilts(problem: _Problem, z: np.ndarray, top: float) -> tuple[np.ndarray, float]:
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
    problem = _Problem(found.law, [np.ascontiguousarray(trains[:MOST_TRAINS])], [found.parameters[0]])
    problem.free[-Q:] |= found.present
    hessian: np.ndarray = problem.curvature(np.concatenate([found.parameters[0], found.noise]))[0]
    return hessian


def _result(problem: _Problem, z: np.ndarray, error: np.ndarray, mended: np.ndarray) -> TrainFit:
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
        height,
        sum(len(each) for each in problem.trains),
    )


def _log_likelihood_drop(problem: _Problem, z: np.ndarray, height: float, k: int) -> float:
    """Return how much the log-likelihood falls without one kind of noise."""
    without = z.copy()
    without[z.size - Q + k] = np.log(NONE) - 2.5
    return height - problem.log_likelihood(without)


def _p_value(problem: _Problem, z: np.ndarray) -> float:
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
