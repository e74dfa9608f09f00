"""Features of any range as inputs of 0 to 1: one channel for above the mean, one for below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

GRID = 4096  # inputs are rounded to 1 / 4096, so that rounding errors do not change the spikes
POPULATION = 32  # features that a table of few features is repeated up to: averages the spikes' randomness
FULL = 2.5  # standard deviations from the mean at which a channel fires as often as it can


@dataclass(frozen=True)
class TwoSided:
    """Two channels a feature, max(z, 0) and max(-z, 0) of z = (x - mean) / (2.5 sd), cut off at 1, and one of ones.

    Attributes
    ----------
    unit : ndarray, shape (features,)
        Largest size of each feature: squares of the largest floats would overflow.
    middle, span : ndarray, shape (features,)
        Mean and 2.5 standard deviations, over `unit`; a span without end for what never changes.
    """

    unit: np.ndarray
    middle: np.ndarray
    span: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray) -> Self:
        """By the samples x, shape (n, features)."""
        size = np.abs(x).max(axis=0).astype(float)
        unit = np.where(size > 0, size, 1.0)
        scaled = x / unit
        sd = scaled.std(axis=0)
        constant = x.max(axis=0) == x.min(axis=0)  # its rounding error is no deviation
        return cls(unit, scaled.mean(axis=0), np.where((sd > 0) & ~constant, FULL * sd, np.inf))

    def channels(self, x: np.ndarray) -> np.ndarray:
        """Inputs of 0 to 1 of samples x, shape (n, channels): few features are repeated, and the last one is 1."""
        with np.errstate(over="ignore"):  # far outside what was fitted: full
            z = np.clip((x / self.unit - self.middle) / self.span, -1.0, 1.0)
        copies = max(POPULATION // z.shape[1], 1)
        pairs = round_to_grid(np.hstack([np.maximum(z, 0.0), np.maximum(-z, 0.0)]))
        return np.hstack([np.tile(pairs, copies), np.ones((len(z), 1))])


def round_to_grid(x: np.ndarray) -> np.ndarray:
    """Inputs on the grid, by which a rounding error of the scaling changes no spike."""
    return np.asarray(np.rint(x * GRID) / GRID)
