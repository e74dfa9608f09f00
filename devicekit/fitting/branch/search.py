"""Search behind every fit: bounded Levenberg-Marquardt on the simulated trajectory, compiled.

Works on one curve in the rising coordinate: y[n] is the state after n pulses (NaN where it was not read),
w[n] its weight. Parameters are (theta, x0): the law's parameters and the free starting state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.models import kernel
from devicekit.models.law import Law
from devicekit.models.registry import LAWS
from devicekit.system.jit import compiled

QUICK_STARTS, QUICK_TOLERANCE, QUICK_ITERATIONS = 4, 1e-3, 40
THOROUGH_STARTS, THOROUGH_TOLERANCE, MAX_ITERATIONS = 16, 1e-5, 250
EXHAUSTIVE_TOLERANCE, EXHAUSTIVE_ITERATIONS = 1e-6, 1000
# number and size of the hops as a share of the box, and the largest box size used
HOPS, HOP, LONGEST_HOP = 16, 0.2, 10.0
FINALISTS = 4  # of an exhaustive search: only the best starts of a first round go on


@dataclass(frozen=True)
class Box:
    """Bounds and weak Gaussian prior of (theta, x0); each array has shape (p + 1,)."""

    lower: np.ndarray
    upper: np.ndarray
    prior_mean: np.ndarray
    prior_precision: np.ndarray  # already multiplied by the noise variance: adds to J'J
    noise_variance: float

    @classmethod
    def of(cls, law: Law, start: float, start_half_width: float, noise_variance: float) -> Box:
        """Return the law's bounds and priors, with the start within `start_half_width` of `start` [of the window]."""
        mean, precision = law.prior_arrays()
        return cls(
            lower=np.append(law.lower, start - start_half_width),
            upper=np.append(law.upper, start + start_half_width),
            prior_mean=np.append(mean, start),
            prior_precision=np.append(precision * noise_variance, 0.0),
            noise_variance=noise_variance,
        )

    def of_other(self, law: Law) -> Box:
        """Return the bounds and priors of another law, with the same start and noise."""
        middle = 0.5 * float(self.lower[-1] + self.upper[-1])
        return Box.of(law, middle, float(self.upper[-1]) - middle, self.noise_variance)


@dataclass(frozen=True)
class Optimum:
    """Result of a search: parameters (p + 1,), weighted sum of squares with and without the prior."""

    parameters: np.ndarray
    objective: float
    sse: float
    converged: bool
    at_bound: np.ndarray


@compiled
def _evaluate(law, parameters, y, w, gain, prior_mean, prior_precision, jj, jr):  # type: ignore[no-untyped-def]
    """Return the weighted sum of squares without and with the prior; fill J'J and J'r of the whole.

    Every row of y is one train. With gain K > 0 the state is corrected by each reading before the next
    pulse, x <- x + K (y - x), so that residuals are innovations; K = 0 lets the trajectory run free.
    """
    m = parameters.size
    p = m - 1
    theta = parameters[:p]
    at_x, at_mid = np.empty(kernel.MAX_SHAPE), np.empty(kernel.MAX_SHAPE)
    mid = kernel.middle_and_gradient(law, theta[1:], at_mid)
    s = np.empty(m)
    jj[:, :] = 0.0
    jr[:] = 0.0
    sse = 0.0
    for row in range(y.shape[0]):
        x = parameters[p]
        s[:] = 0.0
        s[p] = 1.0
        for n in range(y.shape[1]):
            weight = w[row, n]
            if weight > 0.0:
                residual = x - y[row, n]
                sse += weight * residual * residual
                for j in range(m):
                    weighted = weight * s[j]
                    jr[j] += weighted * residual
                    for k in range(j + 1):
                        jj[j, k] += weighted * s[k]
                if gain > 0.0:
                    x -= gain * residual
                    for j in range(m):
                        s[j] *= 1.0 - gain
            log_rate = theta[0] + kernel.ell(law, x, theta[1:], at_x) - mid
            if log_rate == -np.inf:
                continue
            rho = np.exp(min(log_rate, kernel.LARGEST_LOG_RATE))
            x += rho
            if x > kernel.LARGEST_STATE:
                x = kernel.LARGEST_STATE
                s[:] = 0.0
            elif log_rate <= kernel.LARGEST_LOG_RATE:
                q = max(1.0 + rho * at_x[0], kernel.SMALLEST_SLOPE)
                for j in range(m):
                    s[j] *= q
                s[0] += rho
                for j in range(1, p):
                    s[j] += rho * (at_x[j] - at_mid[j])
    penalty = 0.0
    for j in range(m):
        difference = parameters[j] - prior_mean[j]
        penalty += prior_precision[j] * difference * difference
        jr[j] += prior_precision[j] * difference
        jj[j, j] += prior_precision[j]
        for k in range(j):
            jj[k, j] = jj[j, k]
    return sse, sse + penalty


@compiled
def _solve_damped(jj, jr, damping, free, step):  # type: ignore[no-untyped-def]
    """Solve (J'J + damping * diag) step = -J'r over the free parameters by Cholesky; False if singular."""
    m = jr.size
    low = np.zeros((m, m))
    z = np.zeros(m)
    for j in range(m):
        step[j] = 0.0
        if not free[j]:
            continue
        for k in range(j + 1):
            if not free[k]:
                continue
            value = jj[j, k]
            if j == k:
                value += damping * (jj[j, j] + 1e-12)
            for i in range(k):
                value -= low[j, i] * low[k, i]
            if j == k:
                if value <= 0.0:
                    return False
                low[j, j] = np.sqrt(value)
            else:
                low[j, k] = value / low[k, k]
        total = -jr[j]
        for i in range(j):
            total -= low[j, i] * z[i]
        z[j] = total / low[j, j]
    for j in range(m - 1, -1, -1):
        if not free[j]:
            continue
        total = z[j]
        for i in range(j + 1, m):
            total -= low[i, j] * step[i]
        step[j] = total / low[j, j]
    return True


@compiled
def _descend(law, start, y, w, gain, lower, upper, prior_mean, prior_precision, tolerance, max_iterations):  # type: ignore[no-untyped-def]
    """Run Levenberg-Marquardt from `start`; a parameter pushed against its bound is fixed there for the step."""
    m = start.size
    parameters = np.minimum(np.maximum(start, lower), upper)
    trial, step = np.empty(m), np.empty(m)
    jj, jr = np.empty((m, m)), np.empty(m)
    trial_jj, trial_jr = np.empty((m, m)), np.empty(m)
    free = np.ones(m, np.bool_)
    sse, objective = _evaluate(law, parameters, y, w, gain, prior_mean, prior_precision, jj, jr)
    damping, growth = 1e-3, 2.0
    small = 0
    for _ in range(max_iterations):
        for j in range(m):
            at_lower = parameters[j] <= lower[j] and jr[j] > 0.0
            at_upper = parameters[j] >= upper[j] and jr[j] < 0.0
            free[j] = not (at_lower or at_upper) and upper[j] > lower[j]
        improved = False
        trial_sse, trial_objective = sse, objective
        while damping < 1e10:
            if _solve_damped(jj, jr, damping, free, step):
                for j in range(m):
                    trial[j] = min(max(parameters[j] + step[j], lower[j]), upper[j])
                trial_sse, trial_objective = _evaluate(
                    law, trial, y, w, gain, prior_mean, prior_precision, trial_jj, trial_jr
                )
                if trial_objective < objective:
                    improved = True
                    break
            damping *= growth
            growth *= 2.0
        if not improved:
            return parameters, objective, sse, True
        # Nielsen: the better the quadratic model predicted the decrease, the less damping next time
        foretold = 0.0
        for j in range(m):
            foretold += step[j] * (damping * (jj[j, j] + 1e-12) * step[j] - jr[j])
        ratio = (objective - trial_objective) / max(foretold, 1e-300)
        damping = max(damping * max(1.0 / 3.0, 1.0 - (2.0 * ratio - 1.0) ** 3), 1e-12)
        growth = 2.0
        decrease = (objective - trial_objective) / (objective + 1e-300)
        for j in range(m):
            parameters[j] = trial[j]
        sse, objective = trial_sse, trial_objective
        jj, trial_jj = trial_jj, jj
        jr, trial_jr = trial_jr, jr
        small = small + 1 if decrease < tolerance else 0
        if small >= 2:
            return parameters, objective, sse, True
    return parameters, objective, sse, False


@compiled
def _scaled_start(law, shape, x_first, x_last, n_pulses):  # type: ignore[no-untyped-def]
    """Return L such that this shape takes `n_pulses` from x_first to x_last: e^L = (1/n) INT dx / shape(x)."""
    points = 32
    scratch = np.empty(kernel.MAX_SHAPE)
    mid = kernel.middle_and_gradient(law, shape, scratch)
    total = 0.0
    width = (x_last - x_first) / points
    for k in range(points):
        log_shape = kernel.ell(law, x_first + (k + 0.5) * width, shape, scratch) - mid
        if log_shape < -30.0:
            return np.inf
        total += np.exp(-log_shape) * width
    return np.log(total / n_pulses)


@compiled
def _score_library(law, shapes, y, w, x0, x_first, x_last, n_pulses, lower, upper):  # type: ignore[no-untyped-def]
    """Return the sum of squares of one trajectory for each library shape; inf where it cannot make the curve."""
    scores = np.full(shapes.shape[0], np.inf)
    starts = np.empty((shapes.shape[0], shapes.shape[1] + 2))
    for s in range(shapes.shape[0]):
        level = _scaled_start(law, shapes[s], x_first, x_last, n_pulses)
        if not np.isfinite(level):
            continue
        starts[s, 0] = min(max(level, lower[0]), upper[0])
        for j in range(shapes.shape[1]):
            starts[s, 1 + j] = shapes[s, j]
        starts[s, -1] = x0
        x = kernel.simulate(law, starts[s, :-1], x0, y.size - 1)
        total = 0.0
        for n in range(y.size):
            if w[n] > 0.0:
                total += w[n] * (x[n] - y[n]) ** 2
        scores[s] = total
    return scores, starts


def library_starts(law: Law, y: np.ndarray, w: np.ndarray, box: Box, count: int) -> np.ndarray:
    """Return the `count` best library starts, one from each corner of the shape space before any second one."""
    seen = np.flatnonzero(w > 0)
    readings = y[seen]
    first = readings[0]
    last = float(np.median(readings[-max(len(readings) // 10, 1) :]))
    # scale by the pulse that first reaches 90 % of the way, since a long plateau would distort it
    target = first + 0.9 * (last - first)
    reached = int(seen[np.argmax(readings >= target)]) if (readings >= target).any() else int(seen[-1])
    shapes = np.array(law.start_shapes, float).reshape(len(law.start_shapes), len(law.parameters) - 1)
    scores, starts = _score_library(
        law.id, shapes, y, w, float(first), float(first), float(target), max(reached, 1), box.lower, box.upper
    )
    order = [int(k) for k in np.argsort(scores, kind="stable") if np.isfinite(scores[k])]
    corners = [tuple(corner) for corner in np.sign(shapes).tolist()]
    best: dict[tuple[float, ...], int] = {}
    for k in order:
        best.setdefault(corners[k], k)
    leaders = list(best.values())
    chosen = (leaders + [k for k in order if k not in leaders])[:count]
    if len(chosen) == 0:
        return np.array([[-3.0, *([0.0] * shapes.shape[1]), first]])
    return starts[chosen]


def descend(
    law: Law,
    start: np.ndarray,
    y: np.ndarray,
    w: np.ndarray,
    box: Box,
    tolerance: float = THOROUGH_TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
    gain: float = 0.0,
) -> Optimum:
    """Return the optimum reached from one start; a parameter whose bounds coincide is fixed.

    `y` and `w` may be one curve (n + 1,) or several trains (rows, n + 1); `gain` is that of an innovations
    fit, 0 for a free-running trajectory.
    """
    found, objective, sse, converged = _descend(
        law.id,
        np.ascontiguousarray(start),
        np.atleast_2d(np.where(w > 0, y, 0.0)),
        np.atleast_2d(np.ascontiguousarray(w, float)),
        gain,
        box.lower,
        box.upper,
        box.prior_mean,
        box.prior_precision,
        tolerance,
        max_iterations,
    )
    at_bound = (box.lower < box.upper) & ((found <= box.lower) | (found >= box.upper))
    return Optimum(found, float(objective), float(sse), bool(converged), at_bound)


def search(law: Law, y: np.ndarray, w: np.ndarray, box: Box, noise: float, *, exhaustive: bool = False) -> Optimum:
    """Run a multi-start search: 4 starts, 16 more careful ones where those look poor, and the laws nested in this one.

    Parameters
    ----------
    law : Law
        Update law.
    y, w : ndarray, shape (n + 1,)
        Mean curve in the rising coordinate [1] (any value where w is 0) and weights >= 0.
    box : Box
        Bounds and prior.
    noise : float
        Standard deviation of the readings [1], to judge whether a fit is good enough.
    exhaustive : bool
        Where the 4 starts look poor, follow all 16 to the end and hop on from the best: for single fits, where a
        tenth of a second does not matter.

    Returns
    -------
    Optimum
        Never worse than that of a law nested in this one.
    """
    best = _search_alone(law, y, w, box, noise, exhaustive)
    for name in law.nested:
        lesser = search(LAWS[name], y, w, box.of_other(LAWS[name]), noise)
        start = law.embed(name, lesser.parameters)
        best = min(best, descend(law, start, y, w, box), key=lambda optimum: optimum.objective)
    return best


def _search_alone(law: Law, y: np.ndarray, w: np.ndarray, box: Box, noise: float, exhaustive: bool) -> Optimum:
    """Return the best optimum from the law's own starts."""
    y = np.where(w > 0, y, 0.0)

    def run(starts: list[np.ndarray], tolerance: float, iterations: int) -> list[Optimum]:
        optima = [descend(law, start, y, w, box, tolerance, iterations) for start in starts]
        return sorted(optima, key=lambda optimum: optimum.objective)

    starts = list(library_starts(law, y, w, box, THOROUGH_STARTS))
    quick = run(starts[:QUICK_STARTS], QUICK_TOLERANCE, QUICK_ITERATIONS)
    rms = np.sqrt(quick[0].sse / np.count_nonzero(w))
    if rms <= 2 * noise * np.sqrt(w[w > 0].mean()) and not quick[0].at_bound.any():
        return run([quick[0].parameters], THOROUGH_TOLERANCE, MAX_ITERATIONS)[0]
    if exhaustive:
        best = run(starts, THOROUGH_TOLERANCE, MAX_ITERATIONS)[0]
        # on very clean curves the landscape has many shallow basins: hop from the best one
        rng = np.random.default_rng(0)
        reach = HOP * np.minimum(box.upper - box.lower, LONGEST_HOP)
        hops = [best.parameters + reach * rng.standard_normal(reach.size) for _ in range(HOPS)]
        hopped = run([*hops, best.parameters], THOROUGH_TOLERANCE, MAX_ITERATIONS)[0]
        return run([hopped.parameters], EXHAUSTIVE_TOLERANCE, EXHAUSTIVE_ITERATIONS)[0]
    rest = run(starts[QUICK_STARTS:], THOROUGH_TOLERANCE, QUICK_ITERATIONS)
    finalists = sorted([*quick, *rest], key=lambda optimum: optimum.objective)[:FINALISTS]
    return run([optimum.parameters for optimum in finalists], THOROUGH_TOLERANCE, MAX_ITERATIONS)[0]


def scores(
    law: Law, parameters: np.ndarray, y: np.ndarray, w: np.ndarray, box: Box, gain: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the curvature J'J of all trains with the prior (m, m), and each train's gradient J'r (rows, m)."""
    m = parameters.size
    curvature, gradient = np.empty((m, m)), np.empty(m)
    y = np.where(w > 0, y, 0.0)
    _evaluate(law.id, parameters, y, w, gain, box.prior_mean, box.prior_precision, curvature, gradient)
    each = np.empty((len(y), m))
    none, scratch = np.zeros(m), np.empty((m, m))
    for row in range(len(y)):
        _evaluate(law.id, parameters, y[row : row + 1], w[row : row + 1], gain, none, none, scratch, each[row])
    return curvature, each


def jacobian(law: Law, parameters: np.ndarray, n_pulses: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the trajectory (n + 1,) and its exact Jacobian (n + 1, p + 1) with respect to (theta, x0)."""
    states = np.empty(n_pulses + 1)
    sensitivities = np.empty((n_pulses + 1, parameters.size))
    kernel.simulate_with_sensitivities(law.id, parameters[:-1], parameters[-1], states, sensitivities)
    return states, sensitivities
