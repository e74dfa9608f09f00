"""Power step: ell = d ln(1 - kappa x), the PowStep device of aihwkit."""

from __future__ import annotations

import math

import numpy as np

from devicekit.models.law import Law, Prior, equation, named

SMALLEST_BASE = 1e-12  # below this 1 - kappa x counts as 0: the device is saturated and does not move


@equation
def ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """Return ell = d ln(1 - kappa x); shape is (kappa, d)."""
    u = 1.0 - shape[0] * x
    if u <= SMALLEST_BASE:
        return -math.inf
    log_u = math.log(u)
    gradient[0] = -shape[1] * shape[0] / u
    gradient[1] = -shape[1] * x / u
    gradient[2] = log_u
    return shape[1] * log_u


LAW = Law(
    name="powstep",
    title="power step",
    doi="10.1109/AICAS51828.2021.9458494",
    parameters=("L", "kappa", "d"),
    lower=(-14.0, 0.0, 0.0),
    upper=(1.0, 1.9, 8.0),
    distances={"kappa": Prior(-0.7, 0.8)},  # most trains end short of saturation, few far from it
    ell=ell,
    start_shapes=tuple((kappa, d) for kappa in (0.5, 0.9, 0.99, 1.1) for d in (0.5, 1.0, 2.0, 4.0)),
    to_published=named("L", "kappa", "d"),
    nested={
        "linear": lambda theta: np.append(theta, [0.0, 1.0]),
        "softbounds": lambda theta: np.append(theta, 1.0),
    },
)
