"""Truths and trains for the coverage of bands, from formulas written out in NumPy, without devicekit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Rate = Callable[[np.ndarray], np.ndarray]
PULSES = 100
LAWS = ("eq2", "softbounds", "powstep")
NOISES: dict[str, dict[str, float]] = {
    "read 1 %": {"read": 0.01},
    "increments 0.2 %": {"increment": 0.002},
    "increments 0.4 %": {"increment": 0.004},
    "increments 1 %": {"increment": 0.01},
    "increments 2 %": {"increment": 0.02},
    "cycle rate 5 %": {"rate": 0.05, "increment": 0.004},
    "offset 1 %": {"offset": 0.01, "increment": 0.004},
}
READ = 0.005  # of the window, where nothing else is said


def _eq2(level: float, kappa: float, d: float, f: float, g: float, h: float) -> Rate:
    def log_shape(x: np.ndarray | float) -> np.ndarray:
        return d * np.log(np.maximum(1 - kappa * x, 1e-300)) - h * np.log1p(np.exp(f * x + g))

    middle = log_shape(0.5)
    return lambda x: np.where(1 - kappa * x > 1e-12, np.exp(np.minimum(level + log_shape(x) - middle, 1.0)), 0.0)


def _bounded(level: float, kappa: float, power: float) -> Rate:
    return lambda x: np.exp(level) * np.maximum(1 - kappa * x, 0.0) ** power / (1 - kappa / 2) ** power


def truth(law: str, rng: np.random.Generator) -> Rate:
    """The step at a state x in 0..1 of a device whose 100 pulses cover 60 to 110 % of the window, none above 25 %."""
    while True:
        level = rng.uniform(-6.0, -2.5)
        if law == "eq2":
            rate = _eq2(
                level,
                rng.uniform(0, 1.1),
                rng.uniform(0.3, 3),
                rng.uniform(-8, 8),
                rng.uniform(-4, 4),
                rng.uniform(0, 2),
            )
        elif law == "softbounds":
            rate = _bounded(level, rng.uniform(-2.0, 1.2), 1.0)
        else:
            rate = _bounded(level, rng.uniform(0.5, 1.1), rng.uniform(0.3, 3.0))
        path = trains(rate, np.random.default_rng(0), 1, read=0.0)[0]
        if 0.6 <= path[-1] <= 1.1 and np.diff(path).max() <= 0.25:
            return rate


def trains(
    rate: Rate,
    rng: np.random.Generator,
    cycles: int,
    *,
    read: float = READ,
    increment: float = 0.0,
    rate_sd: float = 0.0,
    offset: float = 0.0,
) -> np.ndarray:
    """Readings after 0 ... 100 pulses, shape (cycles, 101); deviations as fractions of the window."""
    faster = np.exp(rate_sd * rng.standard_normal(cycles))
    shift = offset * rng.standard_normal(cycles)
    x = np.zeros(cycles)
    y = np.empty((cycles, PULSES + 1))
    for n in range(PULSES + 1):
        y[:, n] = x + shift + read * rng.standard_normal(cycles)
        x = x + rate(x) * faster + increment * rng.standard_normal(cycles)
    return y
