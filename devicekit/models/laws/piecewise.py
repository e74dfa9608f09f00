"""A free rate, linear between nodes that are evenly spaced over [0, 1]."""

from __future__ import annotations

import math

import numpy as np

from devicekit.models.law import Law, equation, named

NODES = 6


@equation
def ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """Return the log of a rate that is linear between NODES values e^v; shape is (v1, ..., v5), v0 = 0."""
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


LAW = Law(
    name="piecewise",
    title=f"piecewise linear rate, {NODES} nodes",
    doi="",
    parameters=("L", *(f"v{k}" for k in range(1, NODES))),
    lower=(-14.0, *(-12.0,) * (NODES - 1)),
    upper=(1.0, *(12.0,) * (NODES - 1)),
    ell=ell,
    start_shapes=tuple(tuple(slope * k for k in range(1, NODES)) for slope in (-0.6, -0.2, 0.0, 0.2)),
    to_published=named("L", *(f"v{k}" for k in range(1, NODES))),
    nested={"linear": lambda theta: np.append(theta, np.zeros(NODES - 1))},
)
