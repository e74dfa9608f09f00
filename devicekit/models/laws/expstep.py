"""Exponential step: ell = ln(1 - A e^(gamma x)), the ExpStep device of aihwkit."""

from __future__ import annotations

import math

import numpy as np

from devicekit.models.law import Law, equation, named


@equation
def ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """Return ell = ln(1 - A e^(gamma x)), -inf where that is not positive; shape is (A, gamma)."""
    e = math.exp(min(shape[1] * x, 300.0))
    u = 1.0 - shape[0] * e
    if u <= 1e-12:
        return -math.inf
    gradient[0] = -shape[0] * shape[1] * e / u
    gradient[1] = -e / u
    gradient[2] = -shape[0] * x * e / u
    return math.log(u)


LAW = Law(
    name="expstep",
    title="exponential step",
    doi="10.1109/AICAS51828.2021.9458494",
    parameters=("L", "A", "gamma"),
    lower=(-14.0, -20.0, -20.0),
    upper=(1.0, 0.95, 20.0),
    ell=ell,
    start_shapes=tuple((a, g) for a in (-5.0, -0.5, 0.05, 0.3, 0.8) for g in (-10.0, -3.0, 1.0, 3.0)),
    to_published=named("L", "A", "gamma"),
    nested={"linear": lambda theta: np.append(theta, [0.0, 0.0])},
)
