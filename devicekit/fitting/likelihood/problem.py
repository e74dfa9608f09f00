"""Posterior of the laws of devices and of their common noise, and the climb to its maximum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.fitting.likelihood.filter import HELD, MEMORY, NOISES, information, log_likelihood
from devicekit.fitting.likelihood.priors import FURTHER, Q, bounds_of_noise, prior_of_noise
from devicekit.models.law import Law
from devicekit.system.algebra import pinv, product, solve

WIDTH_OF_START = 0.3  # of the window, on both sides of the first reading
LONGEST_MEND = 0.7  # standard errors, longest step of the bias correction
ITERATIONS, ENOUGH, TRIALS = 100, 1e-3, 16
ROUGHLY = 0.1  # of the log-likelihood, enough to decide whether there is more noise; its values are refined later
LIGHT, STUCK = 1e-2, 1e4  # damping; the second: at a kink of the rate, where no step of use is left
LONGEST_STEP = 1.5  # of ln of a standard deviation, in one iteration


def _bounds(law: Law, starts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    lower = np.array([np.append(law.lower, start[-1] - WIDTH_OF_START) for start in starts])
    upper = np.array([np.append(law.upper, start[-1] + WIDTH_OF_START) for start in starts])
    return lower, upper


def _solve_symmetric(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve a symmetric system; return the shortest solution if a parameter has no effect."""
    found, logarithm = solve(matrix, right)
    return found if logarithm > -np.inf else product(pinv(matrix), right)


def _ln_determinant(matrix: np.ndarray) -> float:
    return solve(matrix, np.zeros(len(matrix)))[1]


class Problem:
    """Posterior of all devices' (theta, x0) and their common noise, z = (device, device, ..., noise)."""

    def __init__(self, law: Law, trains: Sequence[np.ndarray], starts: Sequence[np.ndarray]) -> None:
        self.law, self.trains = law, trains
        self.readings = sum(each.size for each in trains)
        self.q, self.d = law.n_parameters + 1, len(trains)
        mean, precision = law.prior_arrays()
        lower, upper = _bounds(law, starts)
        least, most = bounds_of_noise()
        self.lower, self.upper = np.concatenate([lower.ravel(), least]), np.concatenate([upper.ravel(), most])
        own = [np.append(mean, start[-1]) for start in starts]
        likely, sure = prior_of_noise()
        self.mean = np.concatenate([*own, likely])
        self.precision = np.concatenate([np.tile(np.append(precision, 0.0), self.d), sure])
        self.free = np.ones(self.mean.size, bool)
        self.free[[NOISES.index(name) - Q for name in FURTHER]] = False
        noise = np.arange(self.d * self.q, self.mean.size)
        self._places = [np.concatenate([np.arange(k * self.q, (k + 1) * self.q), noise]) for k in range(self.d)]

    def own(self, k: int) -> slice:
        return slice(k * self.q, (k + 1) * self.q)

    def places(self, k: int) -> np.ndarray:
        """Return where the parameters of device k and the noise are in z."""
        return self._places[k]

    def log_likelihood(self, z: np.ndarray) -> float:
        return float(sum(log_likelihood(self.law.id, z[self.places(k)], each) for k, each in enumerate(self.trains)))

    def objective(self, z: np.ndarray) -> float:
        total = self.log_likelihood(z)
        away = (z - self.mean)[self.free]
        return float(total - 0.5 * np.sum(self.precision[self.free] * away**2))

    def curvature(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the information with the priors, and the gradient."""
        size = z.size
        hessian, gradient = np.zeros((size, size)), np.zeros(size)
        m = self.q + Q
        fisher = np.empty((m, m))
        for k, each in enumerate(self.trains):
            at = self.places(k)
            scores = np.empty((len(each), m))
            information(self.law.id, z[at], each, self.free[at], fisher, scores)
            hessian[np.ix_(at, at)] += fisher
            gradient[at] += scores.sum(axis=0)
        hessian[np.diag_indices(size)] += self.precision
        return hessian, gradient - self.precision * (z - self.mean)

    def climb(self, z: np.ndarray, enough: float = ENOUGH) -> tuple[np.ndarray, float]:
        """Climb from z to the maximum by Fisher scoring with damping; return the position and the objective.

        `enough`: the gain of a step below which it stops.
        """
        z = np.clip(z, self.lower, self.upper)
        top, damping = self.objective(z), 1e-3
        for _ in range(ITERATIONS):
            hessian, gradient = self.curvature(z)
            held = ((z <= self.lower) & (gradient < 0)) | ((z >= self.upper) & (gradient > 0))
            free = np.flatnonzero(self.free & ~held)
            block = hessian[np.ix_(free, free)]
            for _ in range(TRIALS):
                damped = block + damping * np.diag(np.diag(block) + 1e-9)
                step = np.zeros(z.size)
                step[free] = _solve_symmetric(damped, gradient[free])
                step[-Q:] = np.clip(step[-Q:], -LONGEST_STEP, LONGEST_STEP)
                trial = np.clip(z + step, self.lower, self.upper)
                height = self.objective(trial)
                if np.isfinite(height) and height > top - 1e-12:
                    break
                damping *= 5.0
            else:
                return z, top
            gain, z, top = height - top, trial, height
            # a shortened step gives no information on the maximum
            if gain < enough and (damping <= LIGHT or damping >= STUCK):
                break
            damping = max(damping / 10.0, 1e-9)
        return z, top

    def predict_maximum(self, z: np.ndarray, values: dict[int, float]) -> float:
        """Predict the height of the maximum with more noise numbers free, by one step from these values."""
        before = self.free.copy()
        trial = self._with(z, values)
        hessian, gradient = self.curvature(trial)
        free = np.flatnonzero(self.free & ~self.at_bound(trial))
        found = self.objective(trial) + 0.5 * float(
            np.sum(gradient[free] * _solve_symmetric(hessian[np.ix_(free, free)], gradient[free]))
        )
        self.free[:] = before
        return found

    def try_values(self, z: np.ndarray, values: dict[int, float], least: float) -> tuple[np.ndarray, float] | None:
        """Climb with these noise numbers free; return None and restore them if the maximum is below `least`."""
        before = self.free.copy()
        asked, top = self.climb(self._with(z, values), ROUGHLY)
        # a fluctuation with a long memory looks like an increment: it must gain twice as much
        lasting = HELD in values and asked[MEMORY - Q] >= self.upper[MEMORY - Q]
        if top > least + (np.log(self.readings) if lasting else 0.0):
            return asked, top
        self.free[:] = before
        return None

    def _with(self, z: np.ndarray, values: dict[int, float]) -> np.ndarray:
        """Return z with these noise numbers, which are free from now on."""
        trial = z.copy()
        for k, value in values.items():
            trial[k - Q], self.free[k - Q] = value, True
        return trial

    def at_bound(self, z: np.ndarray) -> np.ndarray:
        return (z <= self.lower) | (z >= self.upper)

    def covariance(self, z: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the inverse of the curvature at z, 0 at bounds, and the log of its determinant."""
        hessian = self.curvature(z)[0]
        free = np.flatnonzero(self.free & ~self.at_bound(z))
        block = hessian[np.ix_(free, free)]
        inside = _solve_symmetric(block, np.eye(free.size))
        if not (np.diag(inside) > 0).all():  # a parameter has no effect, such as a shape of equal steps: not known
            inside = _solve_symmetric(block + 1e-10 * block.max() * np.eye(free.size), np.eye(free.size))
        found = np.zeros_like(hessian)
        found[np.ix_(free, free)] = inside
        return found, _ln_determinant(inside)

    def without_bias(self, z: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """Correct the noise for what the law's parameters absorbed of it, as in restricted maximum likelihood.

        A law follows part of each train's random walk. Integrating its parameters out adds -ln det H / 2 of their
        curvature; this takes one step to the maximum of the sum, of at most `LONGEST_MEND` standard errors.
        """
        own = np.flatnonzero(self.free & ~self.at_bound(z))
        own = own[own < self.d * self.q]
        own = own[np.diag(self.curvature(z)[0])[own] > 0]  # one without effect absorbs nothing

        def determinant(at: np.ndarray) -> float:
            hessian = self.curvature(at)[0]
            return _ln_determinant(hessian[np.ix_(own, own)])

        base = determinant(z)
        slope = np.zeros(z.size)
        for k in range(z.size - Q, z.size):
            if self.free[k]:
                moved = z.copy()
                moved[k] += 0.05
                slope[k] = -0.5 * (determinant(moved) - base) / 0.05
        error = np.sqrt(np.diag(covariance))[-Q:]
        found = z.copy()
        longest = LONGEST_MEND * error
        found[-Q:] += np.clip(product(covariance, slope)[-Q:], -longest, longest)
        return np.clip(found, self.lower, self.upper)
