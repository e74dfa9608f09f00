"""Yakopcic's window: constant rate below xp, an exponential fall to the bound above."""

from __future__ import annotations

import math

import numpy as np

from devicekit.models.law import Law, equation, named


@equation
def ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """Return ell = 0 below xp, else -alpha (x - xp) + ln((1 - x) / (1 - xp)); shape is (xp, alpha)."""
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


LAW = Law(
    name="yakopcic",
    title="Yakopcic window",
    doi="10.1109/LED.2011.2163292",
    parameters=("L", "xp", "alpha"),
    lower=(-14.0, 0.0, -10.0),
    upper=(1.0, 0.98, 30.0),
    ell=ell,
    start_shapes=tuple((xp, alpha) for xp in (0.05, 0.3, 0.6, 0.9) for alpha in (-2.0, 0.5, 3.0, 10.0)),
    to_published=named("L", "xp", "alpha"),
)
