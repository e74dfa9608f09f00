"""Soft bounds: the step of a pulse is linear in the state, ell = ln(1 - kappa x), kappa of either sign.

The LinearStep and SoftBounds devices of aihwkit."""

from __future__ import annotations

import math

import numpy as np

from devicekit.models.law import Law, Prior, equation, named

SMALLEST_BASE = 1e-12  # below this 1 - kappa x counts as 0: the device is saturated and does not move


@equation
def ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """Return ell = ln(1 - kappa x), -inf beyond the bound x = 1 / kappa; shape is (kappa,)."""
    u = 1.0 - shape[0] * x
    if u <= SMALLEST_BASE:
        return -math.inf
    gradient[0] = -shape[0] / u
    gradient[1] = -x / u
    return math.log(u)


LAW = Law(
    name="softbounds",
    title="soft bounds / linear step",
    doi="10.1109/AICAS51828.2021.9458494",
    parameters=("L", "kappa"),
    lower=(-14.0, -60.0),
    upper=(1.0, 1.9),
    distances={"kappa": Prior(-0.7, 0.8)},  # most trains end short of saturation, few far from it
    ell=ell,
    start_shapes=((-10.0,), (-2.0,), (0.1,), (0.6,), (0.9,), (0.99,), (1.2,)),
    to_published=named("L", "kappa"),
    nested={"linear": lambda theta: np.append(theta, 0.0), "exponential": np.copy},
)
