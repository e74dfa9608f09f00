"""Noise that depends on the state: its size relative to the middle of the window."""

from __future__ import annotations

import numpy as np

from devicekit.system.jit import inlined

FARTHEST = 0.6  # from the middle of the window [1]: the tilt is constant beyond


@inlined
def state_factor(slope, x):  # type: ignore[no-untyped-def]
    """Return exp(slope (x - 1/2)) at the state x: with the tilt of a deviation, or twice that for its variance."""
    return np.exp(slope * min(max(x - 0.5, -FARTHEST), FARTHEST))


def tilt_factor(tilt: float, x: np.ndarray) -> np.ndarray:
    """Return the factor on a deviation at states of any shape on the rising coordinate."""
    return np.asarray(np.exp(tilt * np.clip(x - 0.5, -FARTHEST, FARTHEST)))
