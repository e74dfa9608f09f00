"""A power law of the pulse number."""

from __future__ import annotations

import numpy as np

from devicekit.models.law import CurveLaw


def power(t: np.ndarray, start: float, span: float, exponent: float, ratio: float = 1.0) -> np.ndarray:
    """Return x = start + span t^exponent, t = n / N in [0, 1], exponent > 0; independent of the window's ratio."""
    return start + span * np.power(t, exponent)


LAW = CurveLaw(
    name="power",
    title="power law of the pulse number",
    doi="",
    shape="exponent",
    lower=0.02,
    upper=8.0,
    guesses=(0.3, 1.0, 2.0),
    curve=power,
)
