"""Mean step of a branch: the unit of steps per window, asymmetry and the idealised cards."""

from __future__ import annotations

import numpy as np

from devicekit.models import kernel

_GRID = np.linspace(0.0, 1.0, 101)


def mean_step(law: int, theta: tuple[float, ...], cap: float) -> float:
    """Return the mean step over the window, fraction of it; at least 1e-12.

    Parameters
    ----------
    law : int
        Number of the update law.
    theta : tuple of float
        Its parameters on the rising coordinate.
    cap : float
        Largest fitted step.
    """
    return max(float(np.minimum(kernel.rates(law, np.array(theta), _GRID), cap).mean()), 1e-12)
