"""Scaling of features of any range to inputs of 0 to 1: one channel above the mean, one below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

GRID = 4096  # inputs are rounded to 1 / 4096, so that rounding errors do not change the spikes
POPULATION = 32  # features up to which few features are repeated, to average the random spikes
FULL = 2.5  # standard deviations from the mean at which a channel saturates


@dataclass(frozen=True)
class TwoSided:
    """Two channels per feature, max(z, 0) and max(-z, 0) of z = (x - mean) / (2.5 sd), clipped at 1, and one of ones.

    Attributes
    ----------
    unit : ndarray, shape (features,)
        Largest magnitude of each feature; prevents overflow of squares.
    middle, span : ndarray, shape (features,)
        Mean and 2.5 standard deviations, over `unit`; the span of a constant feature is infinite.
    """

    unit: np.ndarray
    middle: np.ndarray
    span: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray) -> Self:
        """Fit the scaling to samples x, shape (n, features)."""
        size = np.abs(x).max(axis=0).astype(float)
        unit = np.where(size > 0, size, 1.0)
        scaled = x / unit
        sd = scaled.std(axis=0)
        constant = x.max(axis=0) == x.min(axis=0)  # rounding errors are not a deviation
        return cls(unit, scaled.mean(axis=0), np.where((sd > 0) & ~constant, FULL * sd, np.inf))

    def channels(self, x: np.ndarray) -> np.ndarray:
        """Return inputs of 0 to 1, shape (n, channels); few features are repeated, and the last channel is 1."""
        with np.errstate(over="ignore"):  # far outside of the fitted range: saturated
            z = np.clip((x / self.unit - self.middle) / self.span, -1.0, 1.0)
        copies = max(POPULATION // z.shape[1], 1)
        pairs = round_to_grid(np.hstack([np.maximum(z, 0.0), np.maximum(-z, 0.0)]))
        return np.hstack([np.tile(pairs, copies), np.ones((len(z), 1))])


def round_to_grid(x: np.ndarray) -> np.ndarray:
    """Round inputs to a grid, so that rounding errors of the scaling do not change spikes."""
    return np.asarray(np.rint(x * GRID) / GRID)
