"""Means and variance components with gaps, shared by fits and figures of merit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


def nanmean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is finite; NaN where nothing is (and no warning)."""
    count = np.isfinite(values).sum(axis=0)
    total = np.where(np.isfinite(values), values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def nanvar(values: np.ndarray) -> np.ndarray:
    """Unbiased variance over the first axis of what is finite; NaN where fewer than two are (and no warning)."""
    finite = np.isfinite(values)
    count = finite.sum(axis=0)
    squares = np.where(finite, values - nanmean(values), 0.0) ** 2
    return np.divide(squares.sum(axis=0), count - 1, out=np.full(count.shape, np.nan), where=count > 1)


class VarianceComponents(NamedTuple):
    """Components of a one-way random-effects analysis of variance; None where the data do not tell.

    Attributes
    ----------
    within, between : float or None
        Variances [square of the input's unit]; `between` is not clipped, so it can be negative. With one value a
        group the two cannot be told apart: `between` then contains one draw of `within`.
    size : float or None
        Mean number of values a group that `between` was computed with.
    """

    within: float | None
    between: float | None
    size: float | None


def anova(groups: list[np.ndarray]) -> VarianceComponents:
    """Within-group and between-group variance at each pulse, averaged over pulses.

    Parameters
    ----------
    groups : list of ndarray, shape (K_d, N + 1)
        Values of each group, such as the trains of each device; NaN where there is none.

    Returns
    -------
    VarianceComponents
    """
    counts = np.array([np.isfinite(group).sum(axis=0) for group in groups], float)
    means = np.array([nanmean(group) for group in groups])
    total, present = counts.sum(axis=0), (counts > 0).sum(axis=0)
    squares = sum(np.nansum((group - mean) ** 2, axis=0) for group, mean in zip(groups, means, strict=True))
    spare = total - present
    within = float(np.mean(squares[spare > 0] / spare[spare > 0])) if (spare > 0).any() else None
    both = present > 1
    if not both.any():
        return VarianceComponents(within, None, None)
    counts, means, total, present = counts[:, both], means[:, both], total[both], present[both]
    grand = np.nansum(counts * means, axis=0) / total
    between_squares = np.nansum(counts * (means - grand) ** 2, axis=0) / (present - 1)
    size = (total - (counts**2).sum(axis=0) / total) / (present - 1)
    between = float(np.mean((between_squares - (within or 0.0)) / size))
    return VarianceComponents(within, between, float(np.mean(size)))
