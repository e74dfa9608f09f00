"""Restricted likelihood of nested random effects (wafer, die, cell, cycle) of an unbalanced design.

    y = X beta + u_wafer + u_die + u_cell + e,   u_k ~ N(0, v_k),  e ~ N(0, v)

Each level adds a block of rank one to every group's covariance, so that sums over groups, from the innermost outwards,
give log-determinant and quadratic forms exactly in a time that goes with the number of groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from devicekit.core.estimates import Estimate
from devicekit.core.statistics import chi2_quantile
from devicekit.population.likelihood import each_likelihood, reduce_groups, restricted_likelihood

LEAST = 1e-8  # share of the total variance that counts as none
STEPS = 30  # of the search for an end of an interval
PRECISION = 1e-4  # of the logarithm of an end


@dataclass(frozen=True, eq=False)
class Design:
    """Values of a nested design, summed over the innermost groups.

    Attributes
    ----------
    levels : tuple of str
        Names of the levels, outermost first; the residual is not among them.
    parents : tuple of ndarray
        Of each level, innermost first: number of the group one level further out.
    sizes : ndarray, shape (groups,)
        Values in each innermost group.
    sums : ndarray, shape (groups, p + m)
        Sums of the regressors and of the m sets of values.
    square_x : ndarray, shape (p, p)
    cross : ndarray, shape (p, m)
    square_y : ndarray, shape (m,)
    n : int
        Number of values.
    centre : float
        That was subtracted from all values, so that sums of squares are exact.
    base : ndarray, shape (m,), optional
        Log-likelihood of each set where the sets were drawn; the likelihood is then the mean ratio to it, which is
        that of the known values alone (Geyer and Thompson 1992, doi:10.1111/j.2517-6161.1992.tb01443.x).
    """

    levels: tuple[str, ...]
    parents: tuple[np.ndarray, ...]
    sizes: np.ndarray
    sums: np.ndarray
    square_x: np.ndarray
    cross: np.ndarray
    square_y: np.ndarray
    n: int
    centre: float = 0.0
    base: np.ndarray | None = None

    @classmethod
    def of(cls, y: np.ndarray, x: np.ndarray, groups: Sequence[np.ndarray], levels: Sequence[str]) -> Design:
        """Sum up the values.

        Parameters
        ----------
        y : ndarray, shape (n,) or (n, m)
            Values; m sets of them where some are imputed.
        x : ndarray, shape (n, p)
            Regressors, the constant first.
        groups : sequence of ndarray of int, shape (n,)
            Number of the group of each value at each level, outermost first; groups of different parents differ.
        levels : sequence of str
        """
        centre = float(y.mean())
        y = (y[:, None] if y.ndim == 1 else y) - centre
        inner = groups[-1] if groups else np.zeros(len(y), int)
        names, first, own = np.unique(inner, return_index=True, return_inverse=True)
        both = np.hstack([x, y])
        sums = np.stack([np.bincount(own, column, len(names)) for column in both.T], axis=1)
        parents, at = [], first
        for level in range(len(groups) - 1, 0, -1):
            _, start, found = np.unique(groups[level - 1][at], return_index=True, return_inverse=True)
            parents.append(found)
            at = at[start]
        if groups:
            parents.append(np.zeros(len(np.unique(groups[0])), int))
        sizes = np.bincount(own, minlength=len(names)).astype(float)
        return cls(tuple(levels), tuple(parents), sizes, sums, x.T @ x, x.T @ y, (y * y).sum(axis=0), len(y), centre)

    @cached_property
    def arrays(self) -> tuple[Any, ...]:
        """The same for compiled code."""
        offsets = np.cumsum([0, *(len(each) for each in self.parents)])
        parents = np.concatenate([*self.parents, np.zeros(0, int)]).astype(np.int64)
        p = len(self.square_x)
        sums = self.sizes, self.sums, p, self.square_x, self.cross, self.square_y, float(self.n)
        return offsets, parents, *sums, self.base if self.base is not None else np.zeros(len(self.square_y))

    def drawn_at(self, variances: np.ndarray) -> Design:
        """Return the design with the sets of values as draws at these variances."""
        return replace(self, base=each_likelihood(variances, *self.arrays[:-1]))

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of groups of each level, outermost first."""
        return tuple(len(each) for each in reversed(self.parents))

    @property
    def degrees(self) -> tuple[int, ...]:
        """Degrees of freedom of each component by an analysis of variance, outermost first, the residual last."""
        counts = (1, *self.counts, self.n)
        return tuple(max(here - above, 1) for above, here in pairwise(counts))


@dataclass(frozen=True, eq=False)
class Solution:
    """Restricted likelihood at some variances, and the regression that goes with them."""

    loglik: float
    beta: np.ndarray
    covariance: np.ndarray


def solve(design: Design, variances: np.ndarray) -> Solution:
    """Compute the restricted log-likelihood and the generalised least squares.

    Parameters
    ----------
    design : Design
    variances : ndarray, shape (levels + 1,)
        Outermost first, the residual last and above 0.
    """
    _, xx, xy, *_ = reduce_groups(variances, *design.arrays[:-1])
    covariance = np.linalg.inv(xx)
    beta = (covariance @ xy).mean(axis=1)
    beta[0] += design.centre
    return Solution(float(restricted_likelihood(variances, *design.arrays)[0]), beta, covariance)


def _search(design: Design, start: np.ndarray, scale: float, fixed: int | None = None) -> tuple[np.ndarray, float]:
    """Return the variances of greatest likelihood, in units of `scale`; one of them may be fixed at its start."""
    from scipy.optimize import minimize

    free = np.array([k for k in range(len(start)) if k != fixed], int)
    at, arrays = start * scale, design.arrays
    if not free.size:
        return start, float(restricted_likelihood(at, *arrays)[0])

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        at[free] = values * scale
        loglik, slope = restricted_likelihood(at, *arrays)
        return -loglik, -scale * slope[free]

    bounds = [(LEAST if k == len(start) - 1 else 0.0, None) for k in free]
    options = {"ftol": 1e-13, "gtol": 1e-6} if fixed is None else {"ftol": 1e-10, "gtol": 1e-3}
    found = minimize(loss, start[free], jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    at[free] = found.x * scale
    return at / scale, -float(found.fun)


@lru_cache(maxsize=64)
def critical(degrees: int) -> float:
    """Return twice the drop of the log-likelihood at the ends of a 95 % interval of a variance.

    Exact for a variance that is estimated by chi-squared of so many degrees of freedom; 3.84 of many.
    """
    from scipy import special
    from scipy.optimize import brentq

    def covered(drop: float) -> float:
        level = 1.0 + drop / degrees
        low = -float(np.real(special.lambertw(-np.exp(-level), 0)))
        high = -float(np.real(special.lambertw(-np.exp(-level), -1)))
        return float(
            special.gammainc(degrees / 2, degrees * high / 2) - special.gammainc(degrees / 2, degrees * low / 2)
        )

    if degrees > 500:
        return float(chi2_quantile(np.array([0.95]), 1.0)[0])
    return float(brentq(lambda drop: covered(drop) - 0.95, 0.5, 12.0))


@dataclass(frozen=True, eq=False)
class Components:
    """Variance components of greatest restricted likelihood.

    Attributes
    ----------
    design : Design
    variances : ndarray, shape (levels + 1,)
        Outermost first, the residual last [square of the unit]; never negative.
    solution : Solution
        Regression at these variances.
    """

    design: Design
    variances: np.ndarray
    solution: Solution

    @property
    def names(self) -> tuple[str, ...]:
        """Levels, the residual last."""
        return (*self.design.levels, "cycle")


def fit(design: Design, near: np.ndarray | None = None) -> Components:
    """Fit the variance components by restricted maximum likelihood, `near` some variances if these are known."""
    rest = float(np.mean(design.square_y - (design.cross * np.linalg.solve(design.square_x, design.cross)).sum(axis=0)))
    scale = max(rest / max(design.n - len(design.square_x), 1), 1e-300)
    k = len(design.levels) + 1
    starts = (
        [near / scale]
        if near is not None
        else [np.full(k, 1.0 / k), np.append(np.full(k - 1, 0.05), 0.8), np.append(np.full(k - 1, 1.0), 0.2)]
    )
    found, _ = max((_search(design, start, scale) for start in starts), key=lambda pair: pair[1])
    found[:-1][found[:-1] < LEAST * found.sum()] = 0.0
    return Components(design, found * scale, solve(design, found * scale))


def interval(found: Components, which: int) -> Estimate:
    """Return the standard deviation of one component with its 95 % profile interval; the lower end may be 0."""
    scale = float(found.variances.sum())
    best = found.variances / scale
    top = float(restricted_likelihood(found.variances, *found.design.arrays)[0])
    allowed = float(np.sqrt(0.5 * critical(found.design.degrees[which])))
    last = np.maximum(best, 1e-4)

    def outside(value: float) -> float:
        """Return how far a value of the variance lies outside the interval: the root of the drop, less its border."""
        nonlocal last
        start = np.maximum(last, 1e-6)
        start[which] = value
        last, loglik = _search(found.design, start, scale, which)
        return float(np.sqrt(max(top - loglik, 0.0))) - allowed

    value, middle = float(np.sqrt(found.variances[which])), max(float(best[which]), 1e-6)
    if found.design.degrees[which] < 2:
        return Estimate(value, reason="two groups do not bound it; three do")
    upper = _border(outside, middle, 4.0)
    if upper is None:
        return Estimate(value, reason="the data do not bound it")
    last = np.maximum(best, 1e-4)
    at_zero = best[which] == 0 or (which < len(best) - 1 and outside(0.0) < 0)
    lower = None if at_zero else _border(outside, middle, 0.25)
    ends = np.sqrt(np.array([lower or 0.0, upper]) * scale)
    return Estimate(value, float(ends[0]), float(ends[1]))


def _border(outside: Callable[[float], float], inner: float, factor: float) -> float | None:
    """Return where a function of a variance crosses 0, in steps of a factor from a value at which it is below 0.

    The root of a drop of a log-likelihood is nearly straight in the logarithm of a variance. None if it stays below 0.
    """
    from scipy.optimize import brentq

    at = lru_cache(lambda u: outside(float(np.exp(u))))
    near, step = float(np.log(inner)), float(np.log(factor))
    for _ in range(STEPS):
        if near + min(step, 0.0) < np.log(LEAST):
            return None
        if at(near + step) >= 0:
            return float(np.exp(brentq(at, near, near + step, xtol=PRECISION) if at(near) < 0 else near))
        near += step
    return None
