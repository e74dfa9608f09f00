"""Noise that depends on the state: how much larger it is there than in the middle of the window."""

from __future__ import annotations

import numpy as np

from devicekit.jit import inlined

FARTHEST = 0.6  # from the middle of the window [1]: beyond, the tilt adds nothing


@inlined
def lean(slope, x):  # type: ignore[no-untyped-def]
    """exp(slope (x - 1/2)) at the state x: with the tilt of a deviation, or twice that of its variance."""
    return np.exp(slope * min(max(x - 0.5, -FARTHEST), FARTHEST))


def tilted(tilt: float, x: np.ndarray) -> np.ndarray:
    """Return what a deviation is multiplied by at states of any shape on the rising coordinate."""
    return np.asarray(np.exp(tilt * np.clip(x - 0.5, -FARTHEST, FARTHEST)))
