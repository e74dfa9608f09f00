"""Truths of the fitting tables: eq. (2) parameters drawn within its bounds."""

from __future__ import annotations

import numpy as np

from devicekit.models import kernel
from devicekit.models.laws.eq2 import LAW as EQ2


def random_truth(rng: np.random.Generator) -> np.ndarray:
    """Eq. (2) parameters within the bounds: 100 pulses cover 60 % of the window, no step exceeds 15 %."""
    while True:
        theta = np.array(
            [
                rng.uniform(-6, -2.5),
                rng.uniform(-3, 1.2),
                rng.uniform(-1, 4),
                rng.uniform(-15, 15),
                rng.uniform(-6, 6),
                rng.uniform(-2, 3),
            ]
        )
        x = kernel.simulate(EQ2.id, theta, 0.0, 100)
        if 0.6 <= x[-1] <= 1.0 and np.diff(x).max() <= 0.15:
            return theta


def gradual_truth(rng: np.random.Generator) -> np.ndarray:
    """The same, drawn where a branch has no sharp features: kappa, d, h >= 0 and |f| <= 8."""
    while True:
        theta = np.array(
            [
                rng.uniform(-6, -2.5),
                rng.uniform(0, 1.1),
                rng.uniform(0.3, 3),
                rng.uniform(-8, 8),
                rng.uniform(-4, 4),
                rng.uniform(0, 2),
            ]
        )
        x = kernel.simulate(EQ2.id, theta, 0.0, 100)
        if 0.6 <= x[-1] <= 1.0 and np.diff(x).max() <= 0.15:
            return theta


def truths(kind: str, count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    if kind == "eq2":
        return [random_truth(rng) for _ in range(count)]
    if kind == "eq2, gradual":
        return [gradual_truth(rng) for _ in range(count)]
    if kind == "exponential":
        constants = rng.uniform(0.15, 1.5, count)  # A over the number of pulses
        bounds = 1.0 / -np.expm1(-1.0 / constants)
        steps = -np.expm1(-1.0 / (100 * constants)) * bounds
        kappas = 1.0 / bounds
        levels = np.log(steps * (1 - kappas / 2))
        return [np.array([level, kappa, 1.0, 0.0, 0.0, 0.0]) for level, kappa in zip(levels, kappas, strict=True)]
    return [np.array([np.log(rng.uniform(0.007, 0.01)), 0.0, 1.0, 0.0, 0.0, 0.0]) for _ in range(count)]
