"""Curves of several programmes against one shape and the values of a law of the pulse, by weighted least squares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from devicekit.fitting.branch.fit import build_box
from devicekit.fitting.branch.trains import estimate_noise
from devicekit.fitting.pulses.noise import Path, choose_readings
from devicekit.models import kernel
from devicekit.models.law import Law

LIFTS = (0.0, 1e-12, 1e-9, 1e-6)  # of the mean variance

# (values, programme number) -> ln of each pulse's factor (N,), and its derivatives (N, f)
Factors = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


class Problem:
    """Curves of all programmes against (theta, values of a law, starts), weighted by the inverse of their noise."""

    def __init__(self, law: Law, curves: list[np.ndarray], factors: Factors, bounds: tuple[np.ndarray, np.ndarray]):
        self.law, self.curves, self.factors = law, curves, factors
        self.p, self.f = law.n_parameters, bounds[0].size
        boxes = [build_box(law, x, estimate_noise(x)) for x in curves]
        self.lower = np.concatenate([law.lower, bounds[0], [box.lower[-1] for box in boxes]])
        self.upper = np.concatenate([law.upper, bounds[1], [box.upper[-1] for box in boxes]])
        mean, precision = law.prior_arrays()
        self.mean, self.pull = mean, np.sqrt(precision)
        self.seen = [choose_readings(x) for x in curves]
        self.roots: list[np.ndarray | float] = [1.0 / max(estimate_noise(x), 1e-3) for x in curves]
        self._at: np.ndarray | None = None

    def paths(self, z: np.ndarray) -> list[Path]:
        """Return the curves with their derivatives, kept for the Jacobian."""
        found, self._full = [], []
        for g, x in enumerate(self.curves):
            ln_factors, by_pulse = self.factors(z[self.p : self.p + self.f], g)
            states, steady = np.empty(x.size), np.empty(x.size - 1)
            full = np.empty((x.size, self.p + self.f + 1))
            kernel.driven_with_sensitivities(
                self.law.id, z[: self.p], z[self.p + self.f + g], ln_factors, by_pulse, states, full, steady
            )
            found.append(Path(states, full[:, 0].copy(), full[:, -1].copy(), steady))
            self._full.append(full)
        return found

    def _evaluated(self, z: np.ndarray) -> None:
        if self._at is not None and np.array_equal(self._at, z):
            return
        own = self.p + self.f
        residuals, rows = [self.pull * (z[: self.p] - self.mean)], [np.zeros((self.p, z.size))]
        rows[0][:, : self.p] = np.diag(self.pull)
        for g, path in enumerate(self.paths(z)):
            seen, root = self.seen[g], self.roots[g]
            full = np.zeros((seen.size, z.size))
            full[:, :own] = self._full[g][seen, :own]
            full[:, own + g] = self._full[g][seen, own]
            away = path.states[seen] - self.curves[g][seen]
            residuals.append(root * away if isinstance(root, float) else root @ away)
            rows.append(root * full if isinstance(root, float) else root @ full)
        self._at, self._residuals, self._rows = z.copy(), np.concatenate(residuals), np.vstack(rows)

    def residuals(self, z: np.ndarray) -> np.ndarray:
        self._evaluated(z)
        return self._residuals

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        self._evaluated(z)
        return self._rows

    def weigh(self, sigmas: list[np.ndarray]) -> None:
        """Weight readings by the inverse of these covariances from now on."""
        self.roots = [_root(sigma) for sigma in sigmas]
        self._at = None

    def solve(self, starts: list[np.ndarray]) -> np.ndarray:
        """Return the minimum of the sum of squares, from the best of these starts."""
        from scipy.optimize import least_squares

        inside = [np.clip(start, self.lower + 1e-9, self.upper - 1e-9) for start in starts]
        found = [
            least_squares(
                self.residuals, z, self.jacobian, bounds=(self.lower, self.upper), x_scale="jac", max_nfev=200
            )
            for z in inside
        ]
        return np.asarray(min(found, key=lambda each: each.cost).x)

    def chi2(self, z: np.ndarray) -> float:
        """Return the weighted sum of squares without the priors' part."""
        return float(np.sum(self.residuals(z)[self.p :] ** 2))

    def covariance(self, z: np.ndarray) -> np.ndarray:
        """Return the inverse curvature, 0 at bounds."""
        reach = 1e-6 * np.minimum(self.upper - self.lower, 1e3)
        free = np.flatnonzero((z > self.lower + reach) & (z < self.upper - reach))
        j = self.jacobian(z)[:, free]
        scale = np.sqrt((j**2).sum(axis=0))
        scale[scale == 0] = 1.0
        found = np.zeros((z.size, z.size))
        inverse = np.linalg.pinv((j / scale).T @ (j / scale), rcond=1e-12, hermitian=True)
        found[np.ix_(free, free)] = inverse / np.outer(scale, scale)
        return found

    @property
    def n_readings(self) -> int:
        return sum(seen.size for seen in self.seen)


def _root(sigma: np.ndarray) -> np.ndarray:
    """Return the inverse of the lower root of a covariance; its diagonal is lifted if rounding made it indefinite."""
    size = float(np.trace(sigma)) / len(sigma)
    for lift in LIFTS:
        try:
            return np.linalg.inv(np.linalg.cholesky(sigma + lift * size * np.eye(len(sigma))))
        except np.linalg.LinAlgError:
            continue
    return np.diag(1.0 / np.sqrt(np.maximum(np.diag(sigma), 1e-12)))
