r"""Laws with a window function of their own: ExpStep, logarithmic, VTEAM, Yakopcic, and a free piecewise rate."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from devicekit.models.law import Law, named

NODES = 6  # of the piecewise rate, evenly over [0, 1]


@njit(cache=True, error_model="numpy")
def expstep_ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """ell = ln(1 - A e^(gamma x)), -inf where that is not positive; shape is (A, gamma)."""
    e = math.exp(min(shape[1] * x, 300.0))
    u = 1.0 - shape[0] * e
    if u <= 1e-12:
        return -math.inf
    gradient[0] = -shape[0] * shape[1] * e / u
    gradient[1] = -e / u
    gradient[2] = -shape[0] * x * e / u
    return math.log(u)


@njit(cache=True, error_model="numpy")
def log_ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """ell = -k x, the rate of G ~ ln(1 + n / tau); shape is (k,)."""
    gradient[0] = -shape[0]
    gradient[1] = -x
    return -shape[0] * x


@njit(cache=True, error_model="numpy")
def vteam_ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """ell = -exp((x - a) / w), VTEAM's window at one amplitude; shape is (a, w)."""
    z = (x - shape[0]) / shape[1]
    if z > 6.0:
        return -math.inf
    e = math.exp(z)
    gradient[0] = -e / shape[1]
    gradient[1] = e / shape[1]
    gradient[2] = e * z / shape[1]
    return -e


@njit(cache=True, error_model="numpy")
def yakopcic_ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """ell = 0 below xp, else -alpha (x - xp) + ln((1 - x) / (1 - xp)); shape is (xp, alpha)."""
    xp, alpha = shape[0], shape[1]
    gradient[0] = gradient[1] = gradient[2] = 0.0
    if x <= xp:
        return 0.0
    if x >= 1.0 - 1e-12:
        return -math.inf
    gradient[0] = -alpha - 1.0 / (1.0 - x)
    gradient[1] = alpha + 1.0 / (1.0 - xp)
    gradient[2] = -(x - xp)
    return -alpha * (x - xp) + math.log((1.0 - x) / (1.0 - xp))


@njit(cache=True, error_model="numpy")
def piecewise_ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """Log of a rate that is linear between NODES values e^v; shape is (v1, ..., v5), v0 = 0."""
    for j in range(NODES):
        gradient[j] = 0.0
    position = min(max(x, 0.0), 1.0) * (NODES - 1)
    k = min(int(position), NODES - 2)
    t = position - k
    left = 1.0 if k == 0 else math.exp(shape[k - 1])
    right = math.exp(shape[k])
    value = (1.0 - t) * left + t * right
    if 0.0 < x < 1.0:
        gradient[0] = (right - left) * (NODES - 1) / value
    if k > 0:
        gradient[k] = (1.0 - t) * left / value
    gradient[k + 1] = t * right / value
    return math.log(value)


EXPSTEP = Law(
    id=5, name="expstep", title="exponential step", doi="10.1109/AICAS51828.2021.9458494",
    parameters=("L", "A", "gamma"),
    lower=(-14.0, -20.0, -20.0), upper=(1.0, 0.95, 20.0), priors={},
    start_shapes=tuple((a, g) for a in (-5.0, -0.5, 0.05, 0.3, 0.8) for g in (-10.0, -3.0, 1.0, 3.0)),
    to_published=named("L", "A", "gamma"),
)  # fmt: skip

LOGARITHMIC = Law(
    id=6, name="log", title="logarithmic", doi="", parameters=("L", "k"), lower=(-14.0, -20.0), upper=(1.0, 40.0),
    priors={}, start_shapes=((-3.0,), (0.0,), (2.0,), (6.0,), (15.0,)), to_published=named("L", "k"),
)  # fmt: skip

VTEAM = Law(
    id=7, name="vteam", title="VTEAM window", doi="10.1109/TCSII.2015.2433536", parameters=("L", "a", "w"),
    lower=(-14.0, -2.0, 0.02), upper=(1.0, 3.0, 5.0), priors={},
    start_shapes=tuple((a, w) for a in (-0.5, 0.2, 0.6, 1.0, 2.0) for w in (0.1, 0.3, 1.0)),
    to_published=named("L", "a", "w"),
)  # fmt: skip

YAKOPCIC = Law(
    id=8, name="yakopcic", title="Yakopcic window", doi="10.1109/LED.2011.2163292", parameters=("L", "xp", "alpha"),
    lower=(-14.0, 0.0, -10.0), upper=(1.0, 0.98, 30.0), priors={},
    start_shapes=tuple((xp, alpha) for xp in (0.05, 0.3, 0.6, 0.9) for alpha in (-2.0, 0.5, 3.0, 10.0)),
    to_published=named("L", "xp", "alpha"),
)  # fmt: skip

PIECEWISE = Law(
    id=9, name="piecewise", title=f"piecewise linear rate, {NODES} nodes", doi="",
    parameters=("L", *(f"v{k}" for k in range(1, NODES))), lower=(-14.0, *(-12.0,) * (NODES - 1)),
    upper=(1.0, *(12.0,) * (NODES - 1)), priors={},
    start_shapes=tuple(tuple(slope * k for k in range(1, NODES)) for slope in (-0.6, -0.2, 0.0, 0.2)),
    to_published=named("L", *(f"v{k}" for k in range(1, NODES))),
)  # fmt: skip
