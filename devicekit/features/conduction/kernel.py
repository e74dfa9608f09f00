"""Compiled currents of the conduction mechanisms with a series resistance and a leak, and their fit.

A form is a number (its position in `devicekit.features.conduction.forms.FORMS`) with two shape parameters a, b for
voltages u = V / Vmax of one leg. A leg has voltages in (0, 1], logarithms y of its currents, and weights; the scale of
its current is free, so that the unit of the current has no influence.

A leg may have a series resistance, which takes the share `rho` of the voltage at the top, and a parallel leak, which
carries the share `leak` of the current there: with J the current over that at the top,
u + rho J(u) = V / Vmax and J(u) = (1 - leak) f(u) / f(1 - rho) + leak u / (1 - rho).
"""

from __future__ import annotations

import math

import numpy as np

from devicekit.system.jit import borrowing, compiled

# numbers of the forms, in the order of FORMS
OHMIC, SCLC, TRAP_FILLED, SCHOTTKY, SIMMONS_SCHOTTKY, POOLE_FRENKEL = range(6)
FOWLER_NORDHEIM, TAT, DIRECT, HOPPING, THERMIONIC, THERMIONIC_FIELD = range(6, 12)

NOTHING = -1e30  # logarithm of no current: where a form does not hold
NEWTON = 60  # steps of the solution for u
CLOSE = 1e-13
STEP = 1e-6  # of the derivative by a shape parameter
ROUNDS = 80  # of the fit
SETTLED = 1e-10  # relative change of the sum of squares at which it ends


@borrowing
def log_form(form: int, u: float, a: float, b: float) -> float:
    """Return ln f(u) of a form without its scale; NOTHING where it does not hold."""
    if form == OHMIC:
        return math.log(u)
    if form == SCLC:
        return math.log(u) + math.log1p(a * u)
    if form == TRAP_FILLED:
        z = b * math.log(u / a)
        return math.log(u) + (math.log1p(math.exp(z)) if z < 30.0 else z)
    if form == SCHOTTKY:
        return a * math.sqrt(u) + math.log(-math.expm1(-b * u))
    if form in (SIMMONS_SCHOTTKY, POOLE_FRENKEL):
        return math.log(u) + a * math.sqrt(u)
    if form == FOWLER_NORDHEIM:
        return 2.0 * math.log(u) - a / u
    if form == TAT:
        return -a / u
    if form == DIRECT:
        low, high = a - 0.5 * u, a + 0.5 * u
        if low <= 0.0:
            return NOTHING
        rest = low - high * math.exp(-b * (math.sqrt(high) - math.sqrt(low)))
        return math.log(rest) - b * math.sqrt(low) if rest > 0.0 else NOTHING
    if form == HOPPING:
        return a * u + math.log(-math.expm1(-2.0 * a * u))
    if form == THERMIONIC:
        return u / a + math.log(-math.expm1(-u / a))
    return math.log(u) + a * u * u


@borrowing
def log_slope(form: int, u: float, a: float, b: float) -> float:
    """Return d ln f / du of a form; 0 where it does not hold."""
    if form == OHMIC:
        return 1.0 / u
    if form == SCLC:
        return 1.0 / u + a / (1.0 + a * u)
    if form == TRAP_FILLED:
        z = b * math.log(u / a)
        return 1.0 / u + b / u / (1.0 + math.exp(-z) if z > -700.0 else 1e300)
    if form == SCHOTTKY:
        x = b * u
        return 0.5 * a / math.sqrt(u) + (b / math.expm1(x) if x < 700.0 else 0.0)
    if form in (SIMMONS_SCHOTTKY, POOLE_FRENKEL):
        return 1.0 / u + 0.5 * a / math.sqrt(u)
    if form == FOWLER_NORDHEIM:
        return 2.0 / u + a / (u * u)
    if form == TAT:
        return a / (u * u)
    if form == DIRECT:
        low, high = a - 0.5 * u, a + 0.5 * u
        if low <= 0.0:
            return 0.0
        less = math.exp(-b * (math.sqrt(high) - math.sqrt(low)))
        rest = low - high * less
        if rest <= 0.0:
            return 0.0
        up = -0.5 * (1.0 - 0.5 * b * math.sqrt(low)) - 0.5 * less * (1.0 - 0.5 * b * math.sqrt(high))
        return up / rest
    if form == HOPPING:
        return a / math.tanh(a * u)
    if form == THERMIONIC:
        return 1.0 / a / -math.expm1(-u / a)
    return 1.0 / u + 2.0 * a * u


@borrowing
def _log_share(form: int, u: float, a: float, b: float, top: float, at_top: float, leak: float) -> float:
    """Return ln J(u): current over that at the top, with a leak."""
    own = log_form(form, u, a, b) - at_top
    if leak <= 0.0:
        return own
    return math.log((1.0 - leak) * math.exp(min(own, 700.0)) + leak * u / top)


@borrowing
def _inner(form: int, v: float, a: float, b: float, rho: float, leak: float, start: float) -> float:
    """Solve u + rho J(u) = v for u by Newton's method within a bracket; rho above 0."""
    top = 1.0 - rho
    at_top = log_form(form, top, a, b)
    low, high = 0.0, v
    u = min(max(start, 1e-12), v)
    for _ in range(NEWTON):
        own = math.exp(min(log_form(form, u, a, b) - at_top, 300.0)) * (1.0 - leak)
        total = own + leak * u / top
        miss = u + rho * total - v
        if miss > 0.0:
            high = u
        else:
            low = u
        rise = 1.0 + rho * (own * log_slope(form, u, a, b) + leak / top)
        step = miss / rise
        following = u - step
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - u) <= CLOSE * v:
            return following
        u = following
    return u


@borrowing
def predict(
    form: int, v: np.ndarray, a: float, b: float, rho: float, leak: float, out: np.ndarray, inner: np.ndarray
) -> None:
    """Write ln J at each voltage v (ascending) into `out`, and the voltage on the device into `inner`."""
    top = 1.0 - rho
    at_top = log_form(form, top, a, b)
    if not at_top > 0.5 * NOTHING:
        out[:] = NOTHING
        return
    u = 0.0
    before = 0.0
    for k in range(v.size):
        u = _inner(form, v[k], a, b, rho, leak, u + (v[k] - before) * top) if rho > 0.0 else v[k]
        before = v[k]
        inner[k] = u
        out[k] = _log_share(form, u, a, b, top, at_top, leak)


@borrowing
def sensitivities(
    form: int,
    v: np.ndarray,
    inner: np.ndarray,
    value: np.ndarray,
    a: float,
    b: float,
    rho: float,
    leak: float,
    out: np.ndarray,
) -> None:
    """Write d ln J / d (a, b, rho, leak) at each voltage into `out`, shape (4, n), from the results of `predict`."""
    top = 1.0 - rho
    at_top = log_form(form, top, a, b)
    step_a, step_b = STEP * max(abs(a), 1e-3), STEP * max(abs(b), 1e-3)
    top_a, top_b = log_form(form, top, a + step_a, b), log_form(form, top, a, b + step_b)
    for k in range(v.size):
        u = inner[k]
        total = math.exp(value[k])
        own = math.exp(min(log_form(form, u, a, b) - at_top, 700.0)) * (1.0 - leak)
        rise = own * log_slope(form, u, a, b) + leak / top
        damped = 1.0 / (1.0 + rho * rise)
        out[0, k] = (_log_share(form, u, a + step_a, b, top, top_a, leak) - value[k]) / step_a * damped
        out[1, k] = (_log_share(form, u, a, b + step_b, top, top_b, leak) - value[k]) / step_b * damped
        by_rho = own * log_slope(form, top, a, b) + leak * u / (top * top)  # of J at this u, through the top
        out[2, k] = by_rho / total - rise / total * (total + rho * by_rho) * damped
        out[3, k] = (u / top - own / (1.0 - leak)) / total * damped


@borrowing
def _leg_parameters(form: int, shape: np.ndarray, scales: np.ndarray, out: np.ndarray) -> None:
    """Return a, b of one leg from the shared parameters (logarithms) and what scales each for that leg."""
    out[0] = math.exp(shape[0]) * scales[0]
    out[1] = math.exp(shape[1]) * scales[1]


@compiled
def evaluate(
    form: int,
    theta: np.ndarray,
    scales: np.ndarray,
    v: np.ndarray,
    y: np.ndarray,
    w: np.ndarray,
    ends: np.ndarray,
    columns: np.ndarray,
    residual: np.ndarray,
    jacobian: np.ndarray,
    want: bool,
) -> float:
    """Compute the weighted residuals of all legs, each leg's scale solved for, and their derivatives if wanted.

    Parameters
    ----------
    theta : ndarray, shape (2 + 2 n_legs,)
        Logarithms of the two shape parameters, then rho of each leg, then leak of each leg.
    scales : ndarray, shape (n_legs, 2)
        Factor of a shape parameter for each leg.
    v, y, w : ndarray, shape (n,)
        Voltages over the largest one of the leg, ln I, and square roots of weights, leg after leg.
    ends : ndarray, shape (n_legs + 1,)
        Where legs begin and end.
    columns : ndarray, shape (k,)
        Which parameters are free.

    Returns
    -------
    float
        Sum of squares; a huge one where the form does not hold.
    """
    n_legs = ends.size - 1
    ab = np.empty(2)
    total = 0.0
    if want:
        jacobian[:] = 0.0
    for j in range(n_legs):
        first, last = ends[j], ends[j + 1]
        size = last - first
        _leg_parameters(form, theta, scales[j], ab)
        rho, leak = theta[2 + j], theta[2 + n_legs + j]
        inner, value = np.empty(size), np.empty(size)
        predict(form, v[first:last], ab[0], ab[1], rho, leak, value, inner)
        weight = 0.0
        mean = 0.0
        for k in range(size):
            if not abs(value[k]) < -0.5 * NOTHING:
                return 1e30
            weight += w[first + k] ** 2
            mean += w[first + k] ** 2 * (y[first + k] - value[k])
        mean /= weight
        for k in range(size):
            residual[first + k] = w[first + k] * (y[first + k] - value[k] - mean)
            total += residual[first + k] ** 2
        if not want:
            continue
        each = np.empty((4, size))
        sensitivities(form, v[first:last], inner, value, ab[0], ab[1], rho, leak, each)
        for column in range(columns.size):
            which = columns[column]
            if which < 2:
                row, factor = which, ab[which]
            elif which == 2 + j:
                row, factor = 2, 1.0
            elif which == 2 + n_legs + j:
                row, factor = 3, 1.0
            else:
                continue
            mean = 0.0
            for k in range(size):
                mean += w[first + k] ** 2 * each[row, k]
            mean /= weight
            for k in range(size):
                jacobian[first + k, column] = -factor * w[first + k] * (each[row, k] - mean)
    return total


@compiled
def fit(
    form: int,
    start: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    columns: np.ndarray,
    scales: np.ndarray,
    v: np.ndarray,
    y: np.ndarray,
    w: np.ndarray,
    ends: np.ndarray,
) -> tuple[np.ndarray, float]:
    """Fit by least squares within bounds (Levenberg-Marquardt); parameters not in `columns` stay as given.

    Returns
    -------
    theta : ndarray
        As in `evaluate`.
    float
        Sum of squares.
    """
    theta = np.minimum(np.maximum(start, low), high)
    n, size = v.size, columns.size
    residual, jacobian = np.empty(n), np.empty((n, size))
    other, trial = np.empty(n), theta.copy()
    best = evaluate(form, theta, scales, v, y, w, ends, columns, residual, jacobian, True)
    if size == 0 or best >= 1e30:
        return theta, best
    damping = 1e-3
    for _ in range(ROUNDS):
        gradient = jacobian.T @ residual
        normal = jacobian.T @ jacobian
        held = np.zeros(size, np.bool_)
        for i in range(size):
            at = theta[columns[i]]
            held[i] = (at <= low[columns[i]] and gradient[i] > 0.0) or (at >= high[columns[i]] and gradient[i] < 0.0)
        moved = False
        for _ in range(12):
            matrix = normal.copy()
            right = -gradient.copy()
            for i in range(size):
                if held[i] or not normal[i, i] > 0.0:
                    matrix[i, :] = 0.0
                    matrix[:, i] = 0.0
                    matrix[i, i] = 1.0
                    right[i] = 0.0
                else:
                    matrix[i, i] *= 1.0 + damping
                    matrix[i, i] += 1e-14
            step = np.linalg.solve(matrix, right)
            if not np.isfinite(step).all():
                damping *= 10.0
                continue
            for i in range(size):
                c = columns[i]
                limit = 2.0 if c < 2 else 0.3
                trial[c] = min(max(theta[c] + min(max(step[i], -limit), limit), low[c]), high[c])
            value = evaluate(form, trial, scales, v, y, w, ends, columns, other, jacobian, False)
            if value < best:
                moved = True
                break
            damping *= 6.0
        if not moved:
            break
        gain = best - value
        theta[:] = trial
        damping = max(damping * 0.15, 1e-9)
        best = evaluate(form, theta, scales, v, y, w, ends, columns, residual, jacobian, True)
        if gain <= SETTLED * best:
            break
    return theta, best
