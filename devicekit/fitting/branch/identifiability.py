"""Directions of a law's parameters that a curve determines, and those that it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from devicekit.core.records import Record, column, internal
from devicekit.fitting.branch import search
from devicekit.models.law import Law
from devicekit.system.algebra import svd

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True, eq=False)
class Identifiability(Record):
    """Information of the data on the parameters of one branch, without the prior."""

    parameters: tuple[str, ...] = column(doc="names of theta and x0")
    singular_values: np.ndarray = column(
        doc="singular values of the trajectory's Jacobian with respect to changes of each parameter by its prior-scale "
        "unit, in units of the noise of one reading: above 1 a direction is determined, below 1 it is hidden by noise"
    )
    directions: np.ndarray = internal("parameter combinations that belong to the singular values, as rows, (m, m)")
    determined: int = column(doc="number of determined directions")
    condition: float = column(doc="largest over smallest singular value; None if it is infinite")
    correlation: np.ndarray = internal(
        "correlation of the estimates, prior included, (m, m); NaN for parameters at a bound"
    )

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
    scale = np.array([law.priors[name].sd if name in law.priors else 1.0 for name in law.names])
    jacobian = sensitivities[np.isfinite(x)] * scale / noise
    _, values, directions = svd(jacobian)
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.sqrt(np.diag(covariance))
        correlation = covariance / np.outer(sd, sd)
    return Identifiability(
        parameters=law.names,
        singular_values=values,
        directions=directions,
        determined=int((values > 1).sum()),
        condition=float(values[0] / values[-1]) if values[-1] > 0 else np.inf,
        correlation=correlation,
    )
