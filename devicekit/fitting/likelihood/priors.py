"""Priors and limits of the noise of trains."""

from __future__ import annotations

import numpy as np

from devicekit.fitting.likelihood.filter import DEVIATIONS, NOISES

PRIOR_SD = {
    **{"increment": 0.004, "read": 0.004, "offset": 0.008, "ln_rate": 0.05, "start": 0.005, "step": 0.2, "held": 0.004}
}
PRIOR_LN = {
    **{"increment": 1.2, "read": 1.2, "offset": 1.0, "ln_rate": 0.8, "start": 1.0, "step": 1.0, "held": 1.2},
    **{"memory": 1.0, "tilt": 0.5, "read_tilt": 0.5},  # of ln(m / (1 - m)), and as it is
}
LARGEST = {**{"increment": 0.5, "read": 0.5, "offset": 1.0, "ln_rate": 0.7, "start": 0.5, "step": 3.0, "held": 0.5}}
SMALLEST = 1e-6  # of the window
LIKELY_MEMORY = 0.4  # ln(m / (1 - m)) of m = .6
LARGEST_MEMORY, LARGEST_TILT = 2.2, 2.0  # of ln(m / (1 - m)), m from .1 to .9; 2: e^2 from one end to the other
Q = len(NOISES)
FURTHER = ("step", "held", "memory", "tilt", "read_tilt")  # kinds of noise tried after the others


def bounds_of_noise() -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest noise numbers tried, in the order of `NOISES`."""
    lower = [*(np.log(SMALLEST) for _ in DEVIATIONS), -LARGEST_MEMORY, -LARGEST_TILT, -LARGEST_TILT]
    upper = [*np.log([LARGEST[name] for name in DEVIATIONS]), LARGEST_MEMORY, LARGEST_TILT, LARGEST_TILT]
    return np.array(lower), np.array(upper)


def prior_of_noise() -> tuple[np.ndarray, np.ndarray]:
    """Return mean and precision of the normal priors of these numbers."""
    mean = [*np.log([PRIOR_SD[name] for name in DEVIATIONS]), LIKELY_MEMORY, 0.0, 0.0]
    return np.array(mean), np.array([PRIOR_LN[name] ** -2.0 for name in NOISES])
