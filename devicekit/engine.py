"""The search behind every fit: bounded Levenberg-Marquardt on the simulated trajectory, compiled.

Works on one curve in the rising coordinate: y[n] is the state after n pulses (NaN where it was not read),
w[n] its weight. Parameters are (theta, x0): the law's parameters and the free starting state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from devicekit.models import kernel
from devicekit.models.law import Law

QUICK_STARTS, QUICK_TOLERANCE = 4, 1e-3
THOROUGH_STARTS, THOROUGH_TOLERANCE = 16, 1e-5
MAX_ITERATIONS = 200


@dataclass(frozen=True)
class Box:
    """Bounds and weak Gaussian prior of (theta, x0); each array has shape (p + 1,)."""

    lower: np.ndarray
    upper: np.ndarray
    prior_mean: np.ndarray
    prior_precision: np.ndarray  # already multiplied by the noise variance: adds to J'J

    @classmethod
    def of(cls, law: Law, start: float, start_half_width: float, noise_variance: float) -> Box:
        mean, precision = law.prior_arrays()
        return cls(
            lower=np.append(law.lower, start - start_half_width),
            upper=np.append(law.upper, start + start_half_width),
            prior_mean=np.append(mean, start),
            prior_precision=np.append(precision * noise_variance, 0.0),
        )


@dataclass(frozen=True)
class Optimum:
    """Result of a search: parameters (p + 1,), weighted sum of squares with and without the prior."""

    parameters: np.ndarray
    objective: float
    sse: float
    converged: bool
    at_bound: np.ndarray


@njit(cache=True, error_model="numpy")
def _objective(law, parameters, y, w, prior_mean, prior_precision, states, sensitivities):  # type: ignore[no-untyped-def]
    p = parameters.size - 1
    kernel.simulate_with_sensitivities(law, parameters[:p], parameters[p], states, sensitivities)
    sse = 0.0
    for n in range(y.size):
        if w[n] > 0.0:
            sse += w[n] * (states[n] - y[n]) ** 2
    penalty = 0.0
    for j in range(p + 1):
        penalty += prior_precision[j] * (parameters[j] - prior_mean[j]) ** 2
    return sse, sse + penalty


@njit(cache=True, error_model="numpy")
def _normal_equations(y, w, states, sensitivities, parameters, prior_mean, prior_precision, jj, jr):  # type: ignore[no-untyped-def]
    m = parameters.size
    jj[:, :] = 0.0
    jr[:] = 0.0
    for n in range(y.size):
        if w[n] <= 0.0:
            continue
        residual = states[n] - y[n]
        for j in range(m):
            weighted = w[n] * sensitivities[n, j]
            jr[j] += weighted * residual
            for k in range(j + 1):
                jj[j, k] += weighted * sensitivities[n, k]
    for j in range(m):
        jr[j] += prior_precision[j] * (parameters[j] - prior_mean[j])
        jj[j, j] += prior_precision[j]
        for k in range(j):
            jj[k, j] = jj[j, k]


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def _descend(law, start, y, w, lower, upper, prior_mean, prior_precision, tolerance, max_iterations):  # type: ignore[no-untyped-def]
    """Levenberg-Marquardt from `start`; a parameter pushed against its bound is held there for the step."""
    m = start.size
    parameters = np.minimum(np.maximum(start, lower), upper)
    trial = np.empty(m)
    step = np.empty(m)
    states, trial_states = np.empty(y.size), np.empty(y.size)
    sensitivities, trial_sensitivities = np.empty((y.size, m)), np.empty((y.size, m))
    jj, jr = np.empty((m, m)), np.empty(m)
    free = np.ones(m, np.bool_)
    sse, objective = _objective(law, parameters, y, w, prior_mean, prior_precision, states, sensitivities)
    damping = 1e-3
    small = 0
    for _ in range(max_iterations):
        _normal_equations(y, w, states, sensitivities, parameters, prior_mean, prior_precision, jj, jr)
        for j in range(m):
            at_lower = parameters[j] <= lower[j] and jr[j] > 0.0
            at_upper = parameters[j] >= upper[j] and jr[j] < 0.0
            free[j] = not (at_lower or at_upper) and upper[j] > lower[j]
        improved = False
        while damping < 1e10:
            if _solve_damped(jj, jr, damping, free, step):
                for j in range(m):
                    trial[j] = min(max(parameters[j] + step[j], lower[j]), upper[j])
                trial_sse, trial_objective = _objective(
                    law, trial, y, w, prior_mean, prior_precision, trial_states, trial_sensitivities
                )
                if trial_objective < objective:
                    improved = True
                    break
            damping *= 5.0
        if not improved:
            return parameters, objective, sse, True
        decrease = (objective - trial_objective) / (objective + 1e-300)
        parameters[:] = trial
        states[:] = trial_states
        sensitivities[:, :] = trial_sensitivities
        sse, objective = trial_sse, trial_objective
        damping = max(damping * 0.2, 1e-12)
        small = small + 1 if decrease < tolerance else 0
        if small >= 2:
            return parameters, objective, sse, True
    return parameters, objective, sse, False


@njit(cache=True, error_model="numpy")
def _scaled_start(law, shape, x_first, x_last, n_pulses):  # type: ignore[no-untyped-def]
    """L such that this shape takes `n_pulses` from x_first to x_last: e^L = (1/n) INT dx / shape(x)."""
    points = 32
    scratch = np.empty(kernel.MAX_SHAPE)
    mid = kernel.ell(law, 0.5, shape, scratch)
    total = 0.0
    width = (x_last - x_first) / points
    for k in range(points):
        log_shape = kernel.ell(law, x_first + (k + 0.5) * width, shape, scratch) - mid
        if log_shape < -30.0:
            return np.inf
        total += np.exp(-log_shape) * width
    return np.log(total / n_pulses)


@njit(cache=True, error_model="numpy")
def _score_library(law, shapes, y, w, x0, x_first, x_last, n_pulses, lower, upper):  # type: ignore[no-untyped-def]
    """Sum of squares of one trajectory for each library shape; inf where the shape cannot make the curve."""
    scores = np.full(shapes.shape[0], np.inf)
    starts = np.empty((shapes.shape[0], shapes.shape[1] + 2))
    for s in range(shapes.shape[0]):
        level = _scaled_start(law, shapes[s], x_first, x_last, n_pulses)
        if not np.isfinite(level):
            continue
        starts[s, 0] = min(max(level, lower[0]), upper[0])
        starts[s, 1:-1] = shapes[s]
        starts[s, -1] = x0
        x = kernel.simulate(law, starts[s, :-1], x0, y.size - 1)
        total = 0.0
        for n in range(y.size):
            if w[n] > 0.0:
                total += w[n] * (x[n] - y[n]) ** 2
        scores[s] = total
    return scores, starts


def _library_starts(law: Law, y: np.ndarray, w: np.ndarray, box: Box, count: int) -> np.ndarray:
    """The `count` best library starts, no two from the same corner of the shape space before all corners had one."""
    seen = np.flatnonzero(w > 0)
    readings = y[seen]
    first = readings[0]
    last = float(np.median(readings[-max(len(readings) // 10, 1) :]))
    # 90 % of the way, and the pulse that first gets there: a long plateau would spoil the scale
    target = first + 0.9 * (last - first)
    reached = int(seen[np.argmax(readings >= target)]) if (readings >= target).any() else int(seen[-1])
    shapes = np.array(law.start_shapes, float).reshape(len(law.start_shapes), len(law.parameters) - 1)
    scores, starts = _score_library(
        law.id, shapes, y, w, float(first), float(first), float(target), max(reached, 1), box.lower, box.upper
    )
    order = [int(k) for k in np.argsort(scores, kind="stable") if np.isfinite(scores[k])]
    corners = [tuple(np.sign(shapes[k]).tolist()) for k in order]
    leaders = [k for rank, k in enumerate(order) if corners[rank] not in corners[:rank]]
    chosen = (leaders + [k for k in order if k not in leaders])[:count]
    if len(chosen) == 0:
        return np.array([[-3.0, *([0.0] * shapes.shape[1]), first]])
    return starts[chosen]


def descend(
    law: Law, start: np.ndarray, y: np.ndarray, w: np.ndarray, box: Box, tolerance: float = THOROUGH_TOLERANCE
) -> Optimum:
    """The optimum reached from one start; a parameter whose bounds coincide stays where it is."""
    found, objective, sse, converged = _descend(
        law.id, np.ascontiguousarray(start), np.ascontiguousarray(np.where(w > 0, y, 0.0)),
        np.ascontiguousarray(w, float), box.lower, box.upper, box.prior_mean, box.prior_precision,
        tolerance, MAX_ITERATIONS,
    )  # fmt: skip
    at_bound = (found <= box.lower) | (found >= box.upper)
    return Optimum(found, float(objective), float(sse), bool(converged), at_bound)


def search(law: Law, y: np.ndarray, w: np.ndarray, box: Box, noise: float) -> Optimum:
    """Best optimum of a multi-start search: 4 starts, and 16 more careful ones where those look poor.

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

    Returns
    -------
    Optimum
    """
    y = np.where(w > 0, y, 0.0)

    def run(starts: np.ndarray, tolerance: float) -> Optimum:
        optima = [descend(law, start, y, w, box, tolerance) for start in starts]
        return min(optima, key=lambda optimum: optimum.objective)

    starts = _library_starts(law, y, w, box, THOROUGH_STARTS)
    quick = run(starts[:QUICK_STARTS], QUICK_TOLERANCE)
    rms = np.sqrt(quick.sse / np.count_nonzero(w))
    if rms <= 2 * noise * np.sqrt(w[w > 0].mean()) and not quick.at_bound.any():
        return run(quick.parameters[None, :], THOROUGH_TOLERANCE)
    thorough = run(np.vstack([starts, quick.parameters[None, :]]), THOROUGH_TOLERANCE)
    return thorough if thorough.objective <= quick.objective else quick


def jacobian(law: Law, parameters: np.ndarray, n_pulses: int) -> tuple[np.ndarray, np.ndarray]:
    """Trajectory (n + 1,) and its exact Jacobian (n + 1, p + 1) with respect to (theta, x0)."""
    states = np.empty(n_pulses + 1)
    sensitivities = np.empty((n_pulses + 1, parameters.size))
    kernel.simulate_with_sensitivities(law.id, parameters[:-1], parameters[-1], states, sensitivities)
    return states, sensitivities
