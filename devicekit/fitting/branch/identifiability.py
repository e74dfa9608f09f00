"""Directions of a law's parameters that a curve determines, and those that it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.fitting.branch import search
from devicekit.models.law import Law

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Identifiability:
    """Information of the data on the parameters of one branch, without the prior.

    Attributes
    ----------
    parameters : tuple of str
        Names of theta and x0.
    singular_values : ndarray
        Of the trajectory's Jacobian with respect to changes of each parameter by its prior-scale unit, in
        units of the noise of one reading: above 1 a direction is determined, below 1 it is hidden by noise.
    directions : ndarray, shape (m, m)
        Rows: the parameter combinations that belong to the singular values.
    determined : int
        Number of determined directions.
    condition : float
        Largest over smallest singular value.
    correlation : ndarray, shape (m, m)
        Of the estimates, prior included; NaN for parameters at a bound.
    """

    parameters: tuple[str, ...]
    singular_values: np.ndarray
    directions: np.ndarray
    determined: int
    condition: float
    correlation: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            "parameters": list(self.parameters),
            "singular_values": self.singular_values.tolist(),
            "determined": self.determined,
            "condition": self.condition if np.isfinite(self.condition) else None,
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the correlation matrix."""
        from devicekit.fitting.figures import correlation
        from devicekit.plot import axes

        ax = axes(ax)
        correlation(self.parameters, self.correlation, self.determined).draw(ax)
        return ax


def identifiability(
    law: Law, parameters: np.ndarray, covariance: np.ndarray, x: np.ndarray, noise: float
) -> Identifiability:
    """Decompose the fitted trajectory's Jacobian by singular values.

    Each parameter is scaled by the width of its prior (1 for those without), the size of a large change.

    Parameters
    ----------
    law : Law
        The fitted law.
    parameters : ndarray, shape (p + 1,)
        theta and x0.
    covariance : ndarray, shape (p + 1, p + 1)
        Of the parameters.
    x : ndarray, shape (N + 1,)
        Mean measured curve; NaN where nothing was read.
    noise : float
        That of the readings, or the fit's rms residual if that is larger, fraction of the window.
    """
    _, sensitivities = search.jacobian(law, parameters, x.size - 1)
    scale = np.array([law.priors[name].sd if name in law.priors else 1.0 for name in (*law.parameters, "x0")])
    jacobian = sensitivities[np.isfinite(x)] * scale / noise
    _, values, directions = np.linalg.svd(jacobian, full_matrices=False)
    sd = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.outer(sd, sd)
    return Identifiability(
        parameters=(*law.parameters, "x0"),
        singular_values=values,
        directions=directions,
        determined=int((values > 1).sum()),
        condition=float(values[0] / values[-1]) if values[-1] > 0 else np.inf,
        correlation=correlation,
    )
