"""Which directions of a law's parameters a curve determines, and which it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.errors import UsageError
from devicekit.fitting.branch import search

MOST_PROFILED = 4

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devicekit.fitting.result import BranchFit


@dataclass(frozen=True)
class Identifiability:
    """What the data tell about the parameters of one branch, the prior left out.

    Attributes
    ----------
    parameters : tuple of str
        Names of theta and x0.
    singular_values : ndarray
        Of the trajectory's Jacobian with respect to changes of each parameter by its prior-scale unit, in
        units of the noise of one reading: above 1 a direction is seen, below 1 it drowns in the noise.
    directions : ndarray, shape (m, m)
        Rows: the parameter combinations that belong to the singular values.
    determined : int
        Number of directions seen.
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
        """Plain values, for JSON."""
        return {
            "parameters": list(self.parameters),
            "singular_values": self.singular_values.tolist(),
            "determined": self.determined,
            "condition": self.condition if np.isfinite(self.condition) else None,
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Correlation matrix (see `devicekit.plot.plot_correlation`)."""
        from devicekit.plot import plot_correlation

        return plot_correlation(self, ax)


def profile_intervals(fit: BranchFit, level: float = 0.95) -> dict[str, tuple[float, float]]:
    """Profile-likelihood intervals of the parameters by lmfit, for simple laws only.

    Parameters
    ----------
    fit : BranchFit
        At most 4 free parameters, x0 included: with more, directions that the data do not determine make the
        intervals endless; the band on the rate curve is the answer there.
    level : float
        Confidence, 0 to 1.

    Returns
    -------
    mapping of str to (float, float)
        Lower and upper end; infinite where the likelihood does not fall off.

    Raises
    ------
    UsageError
        If the fit has more than 4 free parameters.
    """
    import lmfit

    from devicekit.fitting.branch.fit import box_of, lmfit_problem

    names = (*fit.law.parameters, "x0")
    fixed = np.array([name in fit.at_bound for name in names])
    if (~fixed).sum() > MOST_PROFILED:
        raise UsageError(
            f"profile intervals are meaningful up to {MOST_PROFILED} free parameters, this fit has {(~fixed).sum()}: "
            "use the band of the rate curve, or a simpler law"
        )
    seen = np.isfinite(fit.x).astype(float)
    box = box_of(fit.law, fit.x, fit.noise)
    minimizer = lmfit_problem(fit.law, fit.x, seen, box, fit.parameters, fixed).minimizer
    found = lmfit.conf_interval(minimizer, minimizer.minimize(), sigmas=[level])
    return {name: (float(ends[0][1]), float(ends[-1][1])) for name, ends in found.items()}


def identifiability(fit: BranchFit) -> Identifiability:
    """Singular value decomposition of the fitted trajectory's Jacobian.

    Each parameter is scaled by the width of its prior (1 for those without): a change that one would call
    large. The noise is that of the readings, or the fit's rms residual if that is larger.

    Parameters
    ----------
    fit : BranchFit
        A fitted branch.
    """
    law = fit.law
    _, sensitivities = search.jacobian(law, fit.parameters, fit.x.size - 1)
    scale = np.array([law.priors[name].sd if name in law.priors else 1.0 for name in (*law.parameters, "x0")])
    noise = max(fit.noise, fit.rms, 1e-12)
    jacobian = sensitivities[np.isfinite(fit.x)] * scale / noise
    _, values, directions = np.linalg.svd(jacobian, full_matrices=False)
    sd = np.sqrt(np.diag(fit.covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = fit.covariance / np.outer(sd, sd)
    return Identifiability(
        parameters=(*law.parameters, "x0"),
        singular_values=values,
        directions=directions,
        determined=int((values > 1).sum()),
        condition=float(values[0] / values[-1]) if values[-1] > 0 else np.inf,
        correlation=correlation,
    )
