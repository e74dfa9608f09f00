"""Final solve of a single fit: Levenberg-Marquardt by MINPACK in lmfit's coordinates, and lmfit's result of it.

Importing lmfit takes over a second, and most fits only need the point where MINPACK ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.fitting.branch import search
from devicekit.models import kernel
from devicekit.models.law import Law

MOST_EVALUATIONS = 100
TOLERANCE = 1.5e-8  # lmfit's tolerances of the sum of squares and of the parameters
SMALLEST = 1e-15  # an internal value below it is 0 to lmfit


@dataclass(frozen=True)
class LmfitProblem:
    """The bounded trajectory fit as an `lmfit.Minimizer` with its exact Jacobian."""

    minimizer: Any
    jacobian: Callable[[Any], np.ndarray]

    def solve(self) -> Any:
        """Return the `MinimizerResult` of Levenberg-Marquardt from the starting values."""
        return self.minimizer.minimize(method="leastsq", Dfun=self.jacobian, col_deriv=False)


@dataclass(frozen=True, eq=False)
class FinalSolve:
    """The bounded trajectory fit of one curve with its prior, started where the search ended.

    Attributes
    ----------
    law : Law
    x, w : ndarray, shape (N + 1,)
        The curve on the rising coordinate, and the weight of each reading.
    box : Box
    start, fixed : ndarray, shape (p + 1,)
        Starting values of (theta, x0), and which of them stay there.
    """

    law: Law
    x: np.ndarray
    w: np.ndarray
    box: search.Box
    start: np.ndarray
    fixed: np.ndarray

    def residual(self, p: np.ndarray) -> np.ndarray:
        """Return the weighted residuals of the readings, then those of the prior."""
        seen, pull = self.w > 0, np.sqrt(self.box.prior_precision)
        states = kernel.simulate(self.law.id, p[:-1], p[-1], self.x.size - 1)
        misfit = np.sqrt(self.w[seen]) * (states[seen] - self.x[seen])
        return np.concatenate([misfit, (pull * (p - self.box.prior_mean))[pull > 0]])

    def jacobian(self, p: np.ndarray, free: np.ndarray) -> np.ndarray:
        """Return the derivatives of the residuals by the free parameters."""
        seen, pull = self.w > 0, np.sqrt(self.box.prior_precision)
        _, sensitivities = search.jacobian(self.law, p, self.x.size - 1)
        full = np.vstack([np.sqrt(self.w[seen])[:, None] * sensitivities[seen], np.diag(pull)[pull > 0]])
        return full[:, free]

    def problem(self) -> LmfitProblem:
        """Build the same problem for lmfit."""
        import lmfit

        parameters = lmfit.Parameters()
        for k, name in enumerate(self.law.names):
            low, high = float(self.box.lower[k]), float(self.box.upper[k])
            ends = {"min": low, "max": high} if low < high else {}  # lmfit has no bounds that coincide
            parameters.add(name, value=float(self.start[k]), vary=not bool(self.fixed[k]), **ends)

        def values(given: Any) -> np.ndarray:
            return np.array([given[name].value for name in self.law.names])

        def jacobian(given: Any) -> np.ndarray:
            return self.jacobian(values(given), np.array([given[name].vary for name in self.law.names], bool))

        minimizer = lmfit.Minimizer(
            lambda given: self.residual(values(given)), parameters, calc_covar=True, max_nfev=MOST_EVALUATIONS
        )
        return LmfitProblem(minimizer, jacobian)

    def solve(self) -> tuple[np.ndarray, float]:
        """Return the parameters (p + 1,) and their sum of squares, equal to lmfit's to the last bit, without lmfit."""
        from scipy.optimize import leastsq

        lower, upper, free = self.box.lower, self.box.upper, ~self.fixed
        if not free.any() or not (np.isfinite(lower[free]) & np.isfinite(upper[free])).all():
            return self._by_lmfit()
        low, span = lower[free], upper[free] - lower[free]
        first = np.arcsin(2 * (np.clip(self.start[free], low, upper[free]) - low) / span - 1)
        first[np.abs(first) < SMALLEST] = 0.0
        p = np.clip(self.start, lower, upper)

        def external(inside: np.ndarray) -> np.ndarray:
            p[free] = np.clip(low + (np.sin(inside) + 1) * span / 2.0, low, upper[free])
            return p

        def slope(inside: np.ndarray) -> np.ndarray:
            return self.jacobian(external(inside), free) * (np.cos(inside) * span / 2.0)

        with np.errstate(all="ignore"):
            inside, _, info, _, _ = leastsq(
                lambda inside: self.residual(external(inside)),
                first,
                Dfun=slope,
                full_output=True,
                ftol=TOLERANCE,
                xtol=TOLERANCE,
                maxfev=2 * MOST_EVALUATIONS,
            )
            if info["nfev"] >= MOST_EVALUATIONS - 2:  # lmfit has its own limit of evaluations
                return self._by_lmfit()
            end = external(np.asarray(inside)).copy()
            return end, float(np.sum(self.residual(end) ** 2))

    def _by_lmfit(self) -> tuple[np.ndarray, float]:
        result = self.problem().solve()
        end = np.array([result.params[name].value for name in self.law.names])
        return end, float(np.sum(np.asarray(result.residual) ** 2))
