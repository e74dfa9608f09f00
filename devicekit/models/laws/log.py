"""Logarithmic: ell = -k x, the rate of G ~ ln(1 + n / tau)."""

from __future__ import annotations

import numpy as np

from devicekit.models.law import Law, equation, named


@equation
def ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """Return ell = -k x, the rate of G ~ ln(1 + n / tau); shape is (k,)."""
    gradient[0] = -shape[0]
    gradient[1] = -x
    return -shape[0] * x


LAW = Law(
    name="log",
    title="logarithmic",
    doi="",
    parameters=("L", "k"),
    lower=(-14.0, -20.0),
    upper=(1.0, 40.0),
    ell=ell,
    start_shapes=((-3.0,), (0.0,), (2.0,), (6.0,), (15.0,)),
    to_published=named("L", "k"),
)
