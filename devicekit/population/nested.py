"""Restricted likelihood of nested random effects (wafer, die, cell, cycle) of an unbalanced design.

    y = X beta + u_wafer + u_die + u_cell + e,   u_k ~ N(0, v_k),  e ~ N(0, v)

Each level adds a block of rank one to every group's covariance, so that sums over groups, from the innermost outwards,
give log-determinant and quadratic forms exactly in a time that goes with the number of groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from devicekit.core.estimates import Estimate
from devicekit.core.statistics import chi2_quantile
from devicekit.system.jit import compiled

LEAST = 1e-8  # share of the total variance that counts as none
RESTARTS = 4  # of a search
STEPS = 60  # of the search for an end of an interval
PRECISION = 2e-3  # of the logarithm of an end


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
    base: np.ndarray | None = None

    @classmethod
    def of(cls, y: np.ndarray, x: np.ndarray, groups: Sequence[np.ndarray], levels: Sequence[str]) -> Design:
        """Sum up the values.

        Parameters
        ----------
        y : ndarray, shape (n,) or (n, m)
            Values; m sets of them where some are imputed.
        x : ndarray, shape (n, p)
            Regressors, the constant among them.
        groups : sequence of ndarray of int, shape (n,)
            Number of the group of each value at each level, outermost first; groups of different parents differ.
        levels : sequence of str
        """
        y = y[:, None] if y.ndim == 1 else y
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
        return cls(tuple(levels), tuple(parents), sizes, sums, x.T @ x, x.T @ y, (y * y).sum(axis=0), len(y))

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
        return replace(self, base=_each(variances, *self.arrays[:-1]))

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of groups of each level, outermost first."""
        return tuple(len(each) for each in reversed(self.parents))

    @property
    def degrees(self) -> tuple[int, ...]:
        """Degrees of freedom of each component by an analysis of variance, outermost first, the residual last."""
        counts = (1, *self.counts, self.n)
        return tuple(max(here - above, 1) for above, here in pairwise(counts))


@compiled
def _reduce(variances, offsets, parents, sizes, sums, p, square_x, cross, square_y, n):  # type: ignore[no-untyped-def]
    """Return ln |V|, X'V^-1X, X'V^-1Y and the diagonal of Y'V^-1Y; groups of all levels in one row, innermost first."""
    residual = variances[-1]
    m = cross.shape[1]
    xx, xy, yy = square_x / residual, cross / residual, square_y / residual
    logdet = n * np.log(residual)
    weight, total = sizes / residual, sums / residual
    for level in range(offsets.size - 1):
        variance = variances[variances.size - 2 - level]
        parent = parents[offsets[level] : offsets[level + 1]]
        groups = parent.max() + 1
        weight_out, total_out = np.zeros(groups), np.zeros((groups, p + m))
        for g in range(parent.size):
            grown = 1.0 + variance * weight[g]
            share = variance / grown
            logdet += np.log(grown)
            for a in range(p):
                for b in range(p):
                    xx[a, b] -= share * total[g, a] * total[g, b]
                for b in range(m):
                    xy[a, b] -= share * total[g, a] * total[g, p + b]
            for b in range(m):
                yy[b] -= share * total[g, p + b] * total[g, p + b]
            weight_out[parent[g]] += weight[g] / grown
            for b in range(p + m):
                total_out[parent[g], b] += total[g, b] / grown
        weight, total = weight_out, total_out
    return logdet, xx, xy, yy


@compiled
def _each(variances, offsets, parents, sizes, sums, p, square_x, cross, square_y, n):  # type: ignore[no-untyped-def]
    """Return the restricted log-likelihood of each set of values."""
    logdet, xx, xy, rest = _reduce(variances, offsets, parents, sizes, sums, p, square_x, cross, square_y, n)
    for k in range(p):  # by Cholesky's decomposition, which solves for X'V^-1Y on the way
        for j in range(k):
            xx[k, k] -= xx[k, j] * xx[k, j]
        if xx[k, k] <= 0.0:
            return np.full(rest.size, -np.inf)
        root = np.sqrt(xx[k, k])
        logdet += 2.0 * np.log(root)
        xx[k, k] = root
        for i in range(k + 1, p):
            for j in range(k):
                xx[i, k] -= xx[i, j] * xx[k, j]
            xx[i, k] /= root
        for b in range(rest.size):
            for j in range(k):
                xy[k, b] -= xx[k, j] * xy[j, b]
            xy[k, b] /= root
            rest[b] -= xy[k, b] * xy[k, b]
    return -0.5 * (logdet + rest)


@compiled
def _restricted(  # type: ignore[no-untyped-def]
    variances, offsets, parents, sizes, sums, p, square_x, cross, square_y, n, base
):
    """Return the log of the mean over the sets of their likelihood ratios to `base`."""
    each = _each(variances, offsets, parents, sizes, sums, p, square_x, cross, square_y, n) - base
    top = each.max()
    return top + np.log(np.exp(each - top).mean()) if top > -np.inf else top


@compiled
def _slope(  # type: ignore[no-untyped-def]
    variances, free, offsets, parents, sizes, sums, p, square_x, cross, square_y, n, base
):
    """Return the restricted log-likelihood and its derivatives by the free variances."""
    here = _restricted(variances, offsets, parents, sizes, sums, p, square_x, cross, square_y, n, base)
    slope = np.empty(free.size)
    at = variances.copy()
    for k in range(free.size):
        step = 1e-6 * max(variances[free[k]], 1e-3 * variances.sum())
        at[free[k]] += step
        then = _restricted(at, offsets, parents, sizes, sums, p, square_x, cross, square_y, n, base)
        slope[k] = (then - here) / step
        at[free[k]] = variances[free[k]]
    return here, slope


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
    _, xx, xy, _ = _reduce(variances, *design.arrays[:-1])
    covariance = np.linalg.inv(xx)
    return Solution(float(_restricted(variances, *design.arrays)), (covariance @ xy).mean(axis=1), covariance)


def _search(design: Design, start: np.ndarray, scale: float, fixed: int | None = None) -> tuple[np.ndarray, float]:
    """Return the variances of greatest likelihood, in units of `scale`; one of them may be fixed at its start."""
    from scipy.optimize import minimize

    free = np.array([k for k in range(len(start)) if k != fixed], int)
    at, arrays = start * scale, design.arrays
    if not free.size:
        return start, float(_restricted(at, *arrays))

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        at[free] = values * scale
        loglik, slope = _slope(at, free, *arrays)
        return -loglik, -scale * slope

    bounds = [(LEAST if k == len(start) - 1 else 0.0, None) for k in free]
    best, least = start[free], np.inf
    for _ in range(RESTARTS):  # a bound or a step of differences may end the search early
        found = minimize(loss, best, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12, "gtol": 1e-6})
        gain, best, least = least - float(found.fun), found.x, float(found.fun)
        if gain < 1e-6:
            break
        best = np.maximum(best, 1e-3 * best.sum())
    at[free] = found.x * scale
    return at / scale, -least


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
    top = float(_restricted(found.variances, *found.design.arrays))
    allowed = 0.5 * critical(found.design.degrees[which])

    def inside(value: float) -> bool:
        """Return whether a value of the variance is in the interval."""
        start = np.maximum(best, 1e-4)
        start[which] = value
        return _search(found.design, start, scale, which)[1] > top - allowed

    def border(within: float, beyond: float) -> float:
        """Return the end of the interval between two values, on a logarithmic scale."""
        while abs(np.log(beyond / within)) > PRECISION:
            middle = float(np.sqrt(within * beyond))
            within, beyond = (middle, beyond) if inside(middle) else (within, middle)
        return float(np.sqrt(within * beyond))

    value = float(np.sqrt(found.variances[which]))
    low = high = max(float(best[which]), 1e-6)
    for _ in range(STEPS):
        high *= 2.0
        if not inside(high):
            break
    else:
        return Estimate(value, reason="the data do not bound it")
    upper = border(max(high / 2.0, low), high) if high > 2.0 * low or inside(low) else low
    lower = 0.0
    if best[which] > 0 and (which == len(best) - 1 or not inside(0.0)):
        while low > LEAST and inside(low):
            low /= 2.0
        lower = border(min(2.0 * low, float(best[which])), low) if low > LEAST else 0.0
    ends = np.sqrt(np.array([lower, upper]) * scale)
    return Estimate(value, float(ends[0]), float(ends[1]))
