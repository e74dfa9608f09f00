"""Spearman's rank correlation of two rankings, and its interval over all resamples of their devices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from devicekit.core.intervals import LEVEL

MOST_DEVICES = 9  # of which all 24,310 different resamples are taken; ten have 92,378
DRAWS = (50_000, 400_000)  # where seeds, or more devices, are drawn: the second where the first is not clear
AGREES = 0.7  # rank correlation, from which rankings are called alike
SURE = 5.0  # standard errors between the share of resamples beyond a limit and that of a tail
TAIL = (1 - LEVEL) / 2
_DIGITS = 12  # digits in which equal means and equal correlations are equal, in whatever order they were added up


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's rank correlation; NaN if all values of one are the same."""
    return float(_spearman(x[None], y[None])[0])


def rank_interval(first: Sequence[np.ndarray], second: Sequence[np.ndarray], seed: int = 0) -> tuple[float, float]:
    """Return the bootstrap interval of the rank correlation, over resampled devices and the seeds of each.

    Parameters
    ----------
    first, second : sequence of numpy.ndarray
        Values of each device, one a seed, in the same order of devices.
    seed : int
        Of the draws of seeds. Resamples of up to nine devices are not drawn: all are taken, with their weights.

    Returns
    -------
    tuple of float
        The lowest and the highest correlation beyond which lie less than 2.5 % each. Resamples without a correlation
        (one device only) are left out; NaN if none has one.
    """
    sides, n = (first, second), len(first)
    exact = n <= MOST_DEVICES and all(len(values) == 1 for values in (*first, *second))
    for draws in DRAWS:
        found, weights = _correlations(sides, draws, np.random.default_rng(seed), exact)
        if exact or not len(found) or _is_clear(found, weights, draws):
            break
    return _ends(found, weights)


def _correlations(
    sides: tuple[Sequence[np.ndarray], ...], draws: int, rng: np.random.Generator, exact: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the correlations of resamples that have one, and their probabilities."""
    picked, weights = _resamples(len(sides[0]), draws, rng)
    if not exact:
        repeats = np.ceil(draws * weights).astype(int)  # likelier resamples of devices get more draws of seeds
        picked, weights = np.repeat(picked, repeats, axis=0), np.repeat(weights / repeats, repeats)
    found = np.round(_spearman(*(_draw_means(side, picked, draws, rng) for side in sides)), _DIGITS)
    known = np.isfinite(found)
    return found[known], weights[known] / max(weights[known].sum(), 1e-300)


def _is_clear(found: np.ndarray, weights: np.ndarray, draws: int) -> bool:
    """Return whether other draws would leave 0 on the same side of the low end, and `AGREES` of the high end."""
    error = math.sqrt(TAIL / draws)
    return all(abs(weights[side].sum() - TAIL) > SURE * error for side in (found <= 0, found >= AGREES))


def _resamples(n: int, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return resamples of n devices as a row of indices each, and their probabilities."""
    if n > MOST_DEVICES:
        return rng.integers(n, size=(draws, n)), np.full(draws, 1.0 / draws)
    picked = np.array(list(itertools.combinations_with_replacement(range(n), n)))
    times = (picked[:, :, None] == np.arange(n)).sum(axis=1)
    orders = np.array([math.factorial(k) for k in range(n + 1)])[times].prod(axis=1)
    return picked, math.factorial(n) / (orders * float(n) ** n)


def _draw_means(side: Sequence[np.ndarray], picked: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return the mean of each picked device over seeds drawn anew."""
    means = np.round([values[0] for values in side], _DIGITS)[picked]
    for k, values in enumerate(side):
        if len(values) > 1:
            here, known = picked == k, _seed_means(values, draws, rng)
            means[here] = known[rng.integers(len(known), size=int(here.sum()))]
    return np.asarray(means)


def _seed_means(values: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return equally likely means of a device's seeds, drawn anew: all n^n, or as many draws where there are more."""
    n = len(values)
    every = n**n <= draws
    drawn = np.array(list(itertools.product(values, repeat=n))) if every else rng.choice(values, (draws, n))
    return np.round(drawn.mean(axis=1), _DIGITS)


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the rank correlation of each row."""
    a, b = (_ranks(each) - (each.shape[1] - 1) / 2 for each in (x, y))
    norm = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    with np.errstate(invalid="ignore"):
        return np.asarray((a * b).sum(axis=1) / np.where(norm > 0, norm, np.nan))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks within each row from 0, the mean rank of equal values."""
    if values.shape[1] > MOST_DEVICES:
        from scipy.stats import rankdata

        return np.asarray(rankdata(values, axis=1) - 1.0)
    ranks = np.full(values.shape, -0.5)  # for few columns faster than sorting
    for column in values.T:
        ranks += (column[:, None] < values) + 0.5 * (column[:, None] == values)
    return ranks


def _ends(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return the ends of a weighted distribution, each the outermost value with 2.5 % at or beyond it."""
    if not len(values):
        return float("nan"), float("nan")
    order = np.argsort(values, kind="stable")
    ordered, weights, tail = values[order], weights[order], TAIL - 1e-9  # exactly 2.5 % count, whatever the last digit
    low = ordered[np.searchsorted(np.cumsum(weights), tail)]
    high = ordered[::-1][np.searchsorted(np.cumsum(weights[::-1]), tail)]
    return float(low), float(high)
