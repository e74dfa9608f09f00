"""Variance components of values of which some are only known to lie beyond a bound, such as V_set beyond a sweep.

Unknown values are drawn from what the model says of them given all others (Gibbs steps), and the likelihood is averaged
over the draws. Draws use fixed numbers, so that a result can be repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.population.nested import Components, Design, fit

DRAWS, BURN, THIN = 100, 40, 3  # sets of values, steps before the first, and from one to the next
ROUNDS = 4  # of drawing and fitting
FAR = 8.0  # standard deviations from the mean beyond which a tail is not inverted


@dataclass(frozen=True, eq=False)
class Values:
    """Values with their groups; those of which `low` and `high` differ lie between the two.

    Attributes
    ----------
    low, high : ndarray, shape (n,)
        Equal where the value is known; infinite without a bound.
    x : ndarray, shape (n, p)
        Regressors, the constant first.
    groups : sequence of ndarray of int, shape (n,)
        Outermost level first.
    levels : tuple of str
    """

    low: np.ndarray
    high: np.ndarray
    x: np.ndarray
    groups: Sequence[np.ndarray]
    levels: tuple[str, ...]

    @property
    def unknown(self) -> np.ndarray:
        """Mask of the values that are only bounded, shape (n,)."""
        return self.low != self.high


def fit_values(values: Values, seed: int = 0) -> Components:
    """Fit variance components, with bounds where a value is not known.

    Parameters
    ----------
    values : Values
    seed : int
        Seed of the draws.
    """
    unknown = values.unknown
    start = np.where(np.isfinite(values.low), values.low, values.high)
    found = fit(Design.of(start, values.x, values.groups, values.levels))
    if not unknown.any():
        return found
    for turn in range(ROUNDS):
        drawn = _draw(values, found, start, np.random.default_rng([seed, turn]))
        start = drawn[:, -1]
        design = Design.of(drawn, values.x, values.groups, values.levels).drawn_at(found.variances)
        found = fit(design, np.maximum(found.variances, 1e-3 * found.variances.sum()))
    return found


def _draw(values: Values, found: Components, start: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return sets of complete values, shape (n, DRAWS), given the variances.

    A step needs sums over the innermost groups only, to which known values contribute the same in each.
    """
    at, unknown, residual = start.copy(), np.flatnonzero(values.unknown), float(found.variances[-1])
    root, x = np.sqrt(residual), values.x[unknown]
    levels = [*values.groups] or [np.zeros(len(at), int)]
    inner = levels[-1]
    number = int(inner.max()) + 1
    sizes = [np.bincount(each).astype(float) for each in values.groups]
    place = np.zeros((len(levels), number), int)  # group of each innermost group
    place[:, inner] = levels
    known = np.where(values.unknown, 0.0, at)
    sums_x = np.stack([np.bincount(inner, column, number) for column in values.x.T], axis=1)
    sums_known, cross_known = np.bincount(inner, known, number), values.x.T @ known
    sums_size, of_unknown = np.bincount(inner, minlength=number), inner[unknown]
    effects = [np.zeros(len(size)) for size in sizes]
    rotation = np.linalg.inv(values.x.T @ values.x)
    half = np.linalg.cholesky(rotation) * root
    beta, total, drawn = found.solution.beta, np.zeros(number), at[unknown]
    low, high, sets = values.low[unknown], values.high[unknown], []
    for step in range(BURN + THIN * DRAWS):
        rest = sums_known + np.bincount(of_unknown, drawn, number) - sums_x @ beta - sums_size * total
        for k, (size, variance) in enumerate(zip(sizes, found.variances, strict=False)):
            own = place[k]
            if variance > 0:
                precision = size / residual + 1.0 / variance
                centre = np.bincount(own, rest, len(size)) + size * effects[k]
                new = centre / residual / precision + rng.standard_normal(len(size)) / np.sqrt(precision)
                change = (new - effects[k])[own]
                effects[k], total, rest = new, total + change, rest - sums_size * change
        beta = rotation @ (cross_known + x.T @ drawn - sums_x.T @ total) + half @ rng.standard_normal(x.shape[1])
        drawn = _between(low, high, x @ beta + total[of_unknown], root, rng)
        if step >= BURN and (step - BURN) % THIN == 0:
            at[unknown] = drawn
            sets.append(at.copy())
    return np.stack(sets, axis=1)


def _between(
    low: np.ndarray, high: np.ndarray, mean: np.ndarray, deviation: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw normal values between bounds."""
    from scipy.special import ndtr, ndtri

    upper = low > mean  # draw in the tail that is more exact
    a, b = (low - mean) / deviation, (high - mean) / deviation
    a, b = np.where(upper, -b, a), np.where(upper, -a, b)
    a, b = np.clip(a, -FAR, FAR), np.clip(b, -FAR, FAR)
    share = ndtr(a) + rng.random(len(a)) * (ndtr(b) - ndtr(a))
    drawn = np.clip(ndtri(np.clip(share, 1e-300, 1.0)), a, b)
    return mean + deviation * np.where(upper, -drawn, drawn)
