"""Means and variance components with gaps, quantiles and tails, for fits and figures of merit.

The latter use scipy.special directly, because importing scipy.stats takes half a second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


def nanmean(values: np.ndarray) -> np.ndarray:
    """Return the mean over the first axis of finite values; NaN where there is none (without a warning)."""
    count = np.isfinite(values).sum(axis=0)
    total = np.where(np.isfinite(values), values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def nanvar(values: np.ndarray) -> np.ndarray:
    """Return the unbiased variance over the first axis of finite values; NaN below two (without a warning)."""
    finite = np.isfinite(values)
    count = finite.sum(axis=0)
    squares = np.where(finite, values - nanmean(values), 0.0) ** 2
    return np.divide(squares.sum(axis=0), count - 1, out=np.full(count.shape, np.nan), where=count > 1)


JOINT = 5  # readings before the end of rows that align the mean of the others


def mean_curve(rows: np.ndarray) -> np.ndarray:
    """Return the mean over rows with gaps or different ends, without a step where their number changes.

    This is the plain mean of rows that are read at the same places. Between two readings a row's distance from the mean
    is interpolated linearly.

    Where some rows end, the mean of the others is shifted by its difference from the mean of all over the last `JOINT`
    readings before. Otherwise a high row that continues alone would lift the curve.

    Parameters
    ----------
    rows : ndarray, shape (K, N + 1)
        NaN where nothing was read, and beyond the end of a row.
    """
    finite = np.isfinite(rows)
    ends = np.where(finite.any(axis=1), rows.shape[1] - 1 - np.argmax(finite[:, ::-1], axis=1), -1)
    inside = np.arange(rows.shape[1]) <= ends[:, None]
    if (finite.any(axis=0) & inside & ~finite).any():  # where one row was not read, but others were
        first = nanmean(_fill_gaps(rows, ends))
        rows = np.where(finite.any(axis=0), first + _fill_gaps(rows - first, ends), np.nan)
    mean = nanmean(rows)
    shift = 0.0
    for end in np.unique(ends[ends >= 0])[:-1]:
        before = slice(max(end - JOINT + 1, 0), end + 1)
        on = nanmean(rows[ends > end])
        apart = mean[before] - (on[before] + shift)
        apart = apart[np.isfinite(apart)]
        shift += float(apart.mean()) if apart.size else 0.0
        mean[end + 1 :] = on[end + 1 :] + shift
    return mean


def _fill_gaps(rows: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the rows with straight lines between their readings, and NaN beyond their ends."""
    filled, at = np.full(rows.shape, np.nan), np.arange(rows.shape[1])
    for row, own, end in zip(rows, filled, ends, strict=True):
        read = np.flatnonzero(np.isfinite(row))
        if read.size:
            own[read[0] : end + 1] = np.interp(at[read[0] : end + 1], read, row[read])
    return filled


def levels(rows: np.ndarray) -> np.ndarray:
    """Return the level of each row, shape (K,): its mean distance from the mean curve, plus that curve's mean."""
    curve = mean_curve(rows)
    return np.asarray(np.nanmean(rows - curve, axis=1) + np.nanmean(curve))


class VarianceComponents(NamedTuple):
    """Components of a one-way random-effects analysis of variance; None if undetermined.

    Attributes
    ----------
    within, between : float or None
        Variances [square of the input's unit]; `between` is not clipped, so it can be negative. With one value per
        group the two cannot be separated: `between` then contains one draw of `within`.
    size : float or None
        Mean number of values per group, as used for `between`.
    """

    within: float | None
    between: float | None
    size: float | None


def anova(groups: list[np.ndarray]) -> VarianceComponents:
    """Return within-group and between-group variance at each pulse, averaged over pulses.

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


def normal_quantile(q: float) -> float:
    """Return the quantile of the standard normal distribution."""
    from scipy import special

    return float(special.ndtri(q))


def normal_quantiles(q: np.ndarray) -> np.ndarray:
    """Return quantiles of the standard normal distribution, same shape."""
    from scipy import special

    return np.asarray(special.ndtri(q))


def t_quantile(q: float, degrees: float) -> float:
    """Return the quantile of Student's t distribution."""
    from scipy import special

    return float(special.stdtrit(degrees, q))


def chi2_quantile(q: np.ndarray, degrees: float) -> np.ndarray:
    """Return quantiles of the chi-squared distribution."""
    from scipy import special

    return np.asarray(2.0 * special.gammaincinv(degrees / 2, q))


def chi2_tail(x: float, degrees: float) -> float:
    """Return the probability that chi-squared is larger than x."""
    from scipy import special

    return float(special.chdtrc(degrees, x))


def f_quantile(q: np.ndarray, above: float, below: float) -> np.ndarray:
    """Return quantiles of the F distribution, degrees of freedom `above` and `below`."""
    from scipy import special

    return np.asarray(special.fdtri(above, below, q))


def f_tail(x: float, above: float, below: float) -> float:
    """Return the probability that F, degrees of freedom `above` and `below`, is larger than x."""
    from scipy import special

    return float(special.fdtrc(above, below, x))


def mean_above_zero(value: float, error: float) -> float:
    """Return the mean of a normal distribution with this mean and standard deviation, truncated below 0."""
    if not error > 0:
        return float(np.maximum(value, 0.0))
    from scipy.special import log_ndtr

    at = value / error
    return float(value + error * np.exp(-0.5 * at**2 - 0.5 * np.log(2.0 * np.pi) - log_ndtr(at)))


def clopper_pearson(hits: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share from `hits` of `n` trials (Clopper and Pearson, doi:10.1093/biomet/26.4.404).

    Parameters
    ----------
    hits, n : float
        0 <= hits <= n, n at least 1; not whole if dependent trials count as fewer.
    level : float
        Confidence level, 0..1.
    """
    from scipy.special import betaincinv

    tail = (1.0 - level) / 2.0
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1.0 - tail)) if hits < n else 1.0
    return low, high


class Line(NamedTuple):
    """Straight line by least squares: its slope, the correlation, and the p value of no slope."""

    slope: float
    correlation: float
    p_value: float


def line(x: np.ndarray, y: np.ndarray) -> Line:
    """Fit the line of y against x, at least three values that are not all equal; as scipy.stats.linregress."""
    from scipy import special

    dx, dy = x - x.mean(), y - y.mean()
    square, mixed, other = np.mean(dx * dx), np.mean(dx * dy), np.mean(dy * dy)
    r = float(np.clip(mixed / np.sqrt(square * other), -1.0, 1.0))
    spare = x.size - 2
    t = r * np.sqrt(spare / ((1.0 - r + 1e-20) * (1.0 + r + 1e-20)))
    return Line(float(mixed / square), r, float(2.0 * special.stdtr(spare, -abs(t))))
