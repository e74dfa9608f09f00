"""Convergence of chains, and the number of independent draws they are worth."""

from __future__ import annotations

import numpy as np


def split_rhat(values: np.ndarray) -> float:
    """Return split R-hat of ranks turned into normal scores (Vehtari et al. 2021, doi 10.1214/20-BA1221)."""
    from scipy.stats import norm, rankdata

    half = values.shape[1] // 2
    split = np.concatenate([values[:, :half], values[:, -half:]])
    scores = norm.ppf((rankdata(split).reshape(split.shape) - 0.375) / (split.size + 0.25))
    within = float(np.mean(scores.var(axis=1, ddof=1)))
    if within == 0.0:
        return 1.0
    between = float(scores.mean(axis=1).var(ddof=1))
    return float(np.sqrt((half - 1) / half + between / within))


def effective_size(values: np.ndarray) -> float:
    """Return the effective sample size of all chains, by Geyer's initial positive pairs of autocorrelations."""
    count, length = values.shape
    centred = values - values.mean(axis=1, keepdims=True)
    size = 2 ** int(np.ceil(np.log2(2 * length)))
    power = np.abs(np.fft.rfft(centred, size, axis=1)) ** 2
    covariance = np.fft.irfft(power, size, axis=1)[:, :length].mean(axis=0) / length
    between = float(values.mean(axis=1).var(ddof=1)) if count > 1 else 0.0
    total = covariance[0] * length / (length - 1) * (length - 1) / length + between
    if total == 0.0:
        return float(values.size)
    correlation = 1.0 - (covariance[0] - covariance) / total
    pairs = correlation[0 : length - 1 : 2] + correlation[1:length:2]
    positive = np.flatnonzero(pairs < 0)
    kept = np.minimum.accumulate(pairs[: positive[0] if positive.size else None])
    return float(values.size / max(2.0 * kept.sum() - 1.0, 1e-9))
