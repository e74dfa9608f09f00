"""NeuroSim's exponential: the soft bound whose rate falls, 0 < kappa."""

from __future__ import annotations

import math

import numpy as np

from devicekit.models.law import Coefficient, Law
from devicekit.models.laws import softbounds


def _exponential(theta: np.ndarray, direction: str) -> dict[str, float]:
    """Return A [pulses] of G = B (1 - e^(-n/A)) + G0, from the step (1 - e^(-1/A)) (B - x)."""
    level, kappa = float(theta[0]), float(theta[1])
    fraction = math.exp(level) * kappa / (1.0 - kappa / 2.0)
    constant = -1.0 / math.log1p(-fraction) if 0.0 < fraction < 1.0 else math.inf
    published = {
        "first_step": math.exp(level) / (1.0 - kappa / 2.0),
        "bound": 1.0 / kappa if kappa else math.inf,
    }
    return {key: value for key, value in {**published, "A_pulses": constant}.items() if math.isfinite(value)}


LAW = Law(
    name="exponential",
    title="NeuroSim exponential",
    doi="10.1109/TCAD.2018.2789723",
    parameters=("L", "kappa"),
    lower=(-14.0, 1e-4),
    upper=(1.0, 1.9),
    ell=softbounds.ell,
    start_shapes=((0.1,), (0.6,), (0.9,), (0.99,), (1.2,)),
    to_published=_exponential,
    settable={
        "first_step": Coefficient("L", lambda value, _: math.log(value) if value > 0 else -math.inf, is_scale=True),
        "bound": Coefficient("kappa", lambda value, _: 1.0 / value if value else math.inf),
    },
)
