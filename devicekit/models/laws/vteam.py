"""VTEAM's window at one amplitude: ell = -exp((x - a) / w)."""

from __future__ import annotations

import math

import numpy as np

from devicekit.models.law import Law, equation, named


@equation
def ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """Return ell = -exp((x - a) / w), VTEAM's window at one amplitude; shape is (a, w)."""
    z = (x - shape[0]) / shape[1]
    if z > 6.0:
        return -math.inf
    e = math.exp(z)
    gradient[0] = -e / shape[1]
    gradient[1] = e / shape[1]
    gradient[2] = e * z / shape[1]
    return -e


LAW = Law(
    name="vteam",
    title="VTEAM window",
    doi="10.1109/TCSII.2015.2433536",
    parameters=("L", "a", "w"),
    lower=(-14.0, -2.0, 0.02),
    upper=(1.0, 3.0, 5.0),
    ell=ell,
    start_shapes=tuple((a, w) for a in (-0.5, 0.2, 0.6, 1.0, 2.0) for w in (0.1, 0.3, 1.0)),
    to_published=named("L", "a", "w"),
    nested={"linear": lambda theta: np.append(theta, [3.0, 0.02])},  # the wall far beyond the window
)
