"""Compiled switch over the update laws, used by the fit, by `DeviceArray` and by the network.

A law is addressed by its integer id and by `theta` = (L, shape parameters); x is the rising coordinate.
Rates are total: 0 where the law says "saturated", never NaN, never above `LARGEST_LOG_RATE`.
"""

from __future__ import annotations

import math

import numpy as np

from devicekit.models.law import MAX_SHAPE, Law
from devicekit.models.registry import LAWS
from devicekit.system.jit import borrowing, compiled, switch

LARGEST_LOG_RATE = 1.0  # a pulse that moves the state by more than e windows only occurs in a diverging search
LARGEST_STATE = 3.0
SMALLEST_SLOPE = -1.0  # of x + rho(x); beyond it sensitivities explode when a trial step overshoots

# Laws whose scale can be fixed have a second number, under which theta[0] is ln of the rate without ell(1/2).
_SCALED = [law for law in LAWS.values() if any(each.is_scale for each in law.coefficients.values())]
FIRST_SCALED = len(LAWS)
SCALED = {law.name: FIRST_SCALED + k for k, law in enumerate(_SCALED)}
ell = switch([law.ell for law in (*LAWS.values(), *_SCALED)], "ell", "x, shape, gradient", "-math.inf", __name__)
ell.__doc__ = (
    "Return the log of the shape of law number `law` at x and its gradient (x first, then the shape parameters)."
)


@borrowing
def middle_and_gradient(law: int, shape: np.ndarray, gradient: np.ndarray) -> float:
    """Return ell(1/2) and its gradient; 0 if the law does not move there, so that L scales the bare shape."""
    if law >= FIRST_SCALED:
        gradient[:] = 0.0
        return 0.0
    value = ell(law, 0.5, shape, gradient)
    if value == -math.inf:
        gradient[:] = 0.0
        return 0.0
    return value


@compiled
def middle(law: int, theta: np.ndarray) -> float:
    """Return ell(1/2): subtract it once per device, not once per pulse."""
    return middle_and_gradient(law, theta[1:], np.empty(MAX_SHAPE))


@borrowing
def rate(law: int, theta: np.ndarray, ell_middle: float, x: float, scratch: np.ndarray) -> float:
    """Return rho(x) >= 0, the step of one pulse at x; `scratch` has MAX_SHAPE numbers."""
    log_rate = theta[0] + ell(law, x, theta[1:], scratch) - ell_middle
    return math.exp(min(log_rate, LARGEST_LOG_RATE))


@compiled
def rates(law: int, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return rho at each x, shape of x (1-d)."""
    scratch = np.empty(MAX_SHAPE)
    mid = middle(law, theta)
    out = np.empty(x.size)
    for k in range(x.size):
        out[k] = rate(law, theta, mid, x[k], scratch)
    return out


def rates_uncompiled(law: Law, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the same for a few x, without the time that compiled code takes to load."""
    shape, scratch = getattr(law.ell, "py_func", law.ell), np.empty(MAX_SHAPE)
    try:
        with np.errstate(all="ignore"):
            mid, *at_x = (shape(each, theta[1:], scratch) for each in (0.5, *x.tolist()))
    except (ArithmeticError, ValueError):  # where compiled code gives inf or NaN
        return np.asarray(rates(law.id, theta, x))
    log_rates = theta[0] + np.array(at_x) - (0.0 if mid == -math.inf else mid)
    return np.exp(np.minimum(log_rates, LARGEST_LOG_RATE))


@compiled
def rate_gradients(law: int, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return d rho / d theta at each x, shape (len(x), len(theta))."""
    p = theta.size
    at_x, at_mid = np.empty(MAX_SHAPE), np.empty(MAX_SHAPE)
    mid = middle_and_gradient(law, theta[1:], at_mid)
    out = np.zeros((x.size, p))
    for k in range(x.size):
        log_rate = theta[0] + ell(law, x[k], theta[1:], at_x) - mid
        if log_rate == -math.inf or log_rate > LARGEST_LOG_RATE:
            continue
        rho = math.exp(log_rate)
        out[k, 0] = rho
        for j in range(1, p):
            out[k, j] = rho * (at_x[j] - at_mid[j])
    return out


@compiled
def simulate_driven(law: int, theta: np.ndarray, x0: float, ln_factors: np.ndarray) -> np.ndarray:
    """Return states x_0 ... x_n under pulses that differ, shape (n + 1,): pulse k has exp(ln_factors[k]) of a step."""
    scratch = np.empty(MAX_SHAPE)
    mid = middle(law, theta)
    out = np.empty(ln_factors.size + 1)
    x = x0
    out[0] = x
    for n in range(ln_factors.size):
        log_rate = theta[0] + ell(law, x, theta[1:], scratch) - mid + ln_factors[n]
        x = min(x + math.exp(min(log_rate, LARGEST_LOG_RATE)), LARGEST_STATE)
        out[n + 1] = x
    return out


@compiled
def simulate(law: int, theta: np.ndarray, x0: float, n_pulses: int) -> np.ndarray:
    """Return states x_0 ... x_n under `n_pulses` pulses, shape (n_pulses + 1,)."""
    return simulate_driven(law, theta, x0, np.zeros(n_pulses))


@compiled
def driven_with_sensitivities(
    law: int,
    theta: np.ndarray,
    x0: float,
    ln_factors: np.ndarray,
    by_pulse: np.ndarray,
    states: np.ndarray,
    sensitivities: np.ndarray,
    steady: np.ndarray,
) -> None:
    """Fill the same as `simulate_with_sensitivities`, for pulses that differ.

    Parameters
    ----------
    law : int
    theta, x0 : ndarray, shape (p,), and float
    ln_factors : ndarray, shape (n,)
        ln of the factor on each pulse's step.
    by_pulse : ndarray, shape (n, f)
        Derivatives of them by f parameters of the pulses' law.
    states : ndarray, shape (n + 1,)
        Filled.
    sensitivities : ndarray, shape (n + 1, p + f + 1)
        Filled with d state / d (theta, f parameters, x0).
    steady : ndarray, shape (n,)
        Filled with q = 1 + d step / d x, the share of a deviation left after a pulse.
    """
    p, f = theta.size, by_pulse.shape[1]
    last = p + f
    at_x, at_mid = np.empty(MAX_SHAPE), np.empty(MAX_SHAPE)
    mid = middle_and_gradient(law, theta[1:], at_mid)
    x = x0
    states[0] = x
    sensitivities[0, :] = 0.0
    sensitivities[0, last] = 1.0
    for n in range(ln_factors.size):
        log_rate = theta[0] + ell(law, x, theta[1:], at_x) - mid + ln_factors[n]
        alive = log_rate != -math.inf
        capped = log_rate > LARGEST_LOG_RATE
        rho = math.exp(min(log_rate, LARGEST_LOG_RATE)) if alive else 0.0
        q = 1.0
        if alive and not capped:
            q = max(1.0 + rho * at_x[0], SMALLEST_SLOPE)
        x += rho
        if x > LARGEST_STATE:
            x = LARGEST_STATE
            q = 0.0
            alive = False
        states[n + 1] = x
        steady[n] = q
        for j in range(last + 1):
            sensitivities[n + 1, j] = q * sensitivities[n, j]
        if alive and not capped:
            sensitivities[n + 1, 0] += rho
            for j in range(1, p):
                sensitivities[n + 1, j] += rho * (at_x[j] - at_mid[j])
            for j in range(f):
                sensitivities[n + 1, p + j] += rho * by_pulse[n, j]


@compiled
def simulate_with_sensitivities(
    law: int, theta: np.ndarray, x0: float, states: np.ndarray, sensitivities: np.ndarray
) -> None:
    """Fill `states` (n + 1,) and `sensitivities` (n + 1, p + 1): d state / d (theta, x0), exact.

    S_{n+1} = (1 + rho'(x_n)) S_n + d rho / d theta, S_0 = (0, ..., 0, 1).
    """
    n = states.size - 1
    driven_with_sensitivities(law, theta, x0, np.zeros(n), np.empty((n, 0)), states, sensitivities, np.empty(n))


@compiled
def slopes(law: int, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return q(x) = 1 + d rho / dx at each x (1-d), clipped to [0.2, 1.3] as the variance recursions need it."""
    at_x = np.empty(MAX_SHAPE)
    mid = middle(law, theta)
    out = np.ones(x.size)
    for k in range(x.size):
        log_rate = theta[0] + ell(law, x[k], theta[1:], at_x) - mid
        if log_rate != -math.inf:
            out[k] = 1.0 + math.exp(min(log_rate, LARGEST_LOG_RATE)) * at_x[0]
    return np.minimum(np.maximum(out, 0.2), 1.3)
