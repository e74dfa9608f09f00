"""A linear device: every pulse moves the state by the same step, ell = 0."""

from __future__ import annotations

import numpy as np

from devicekit.models.law import Law, equation, named


@equation
def ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """Return ell = 0: every pulse makes the same step; shape is empty."""
    gradient[0] = 0.0
    return 0.0


LAW = Law(
    name="linear",
    title="linear device",
    doi="",
    parameters=("L",),
    lower=(-14.0,),
    upper=(1.0,),
    ell=ell,
    start_shapes=((),),
    to_published=named("L"),
)
