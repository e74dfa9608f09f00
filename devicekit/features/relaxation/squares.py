"""Sum of squares of a decay: amplitudes are solved for, so that it is a function of one or two numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BELOW, ABOVE = 3.0, 30.0  # tau is searched from the first reading over 3 to 30 times the longest delay
SHAPES = {"stretched": (0.15, 1.0), "power": (0.05, 20.0)}  # beta; exponent
NEAREST = 1.25  # least ratio of two time constants
SCAN = 25  # places of a first scan
_ZOOM, _TIMES = 9, 6
_MOST = 2_000_000  # numbers in memory at a time


@dataclass(frozen=True, eq=False)
class Data:
    """Data of a fit: readings, linear regressors, and delays since each pulse.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Readings.
    others : ndarray, shape (n, p)
        Columns whose coefficients are free: a constant, the number of pulses so far.
    delays : ndarray, shape (n, m)
        Time since each pulse [s]; NaN before it.
    groups : ndarray, shape (m,), optional
        Number of the amplitude of each pulse, from 0; one amplitude if not given.
    weight : ndarray, shape (n,), optional
        Number of readings averaged in each y.
    """

    y: np.ndarray
    others: np.ndarray
    delays: np.ndarray
    groups: np.ndarray | None = None
    weight: np.ndarray | None = None

    @property
    def span(self) -> tuple[float, float]:
        """Shortest and longest delay above 0 [s]."""
        known = self.delays[np.isfinite(self.delays) & (self.delays > 0)]
        return float(known.min()), float(known.max())


def size_of(data: Data) -> float:
    """Return the largest magnitude of the readings, by which they are divided while they are fitted."""
    return float(np.abs(data.y).max(initial=0.0)) or 1.0


class Problem:
    """Sum of squares of one kernel against its one or two nonlinear parameters, the rest solved for."""

    def __init__(self, data: Data, name: str) -> None:
        self.name = name
        root = np.ones(len(data.y)) if data.weight is None else np.sqrt(data.weight)
        self.root = root
        self.size = size_of(data)
        self.y = data.y / self.size * root
        self.basis: np.ndarray = np.linalg.qr(data.others * root[:, None])[0]
        self.rest = self.y - self.basis @ (self.basis.T @ self.y)
        self.delays, self.after = np.where(np.isfinite(data.delays), data.delays, 0.0), np.isfinite(data.delays)
        groups = np.zeros(data.delays.shape[1], int) if data.groups is None else data.groups
        self.groups = [groups == number for number in range(int(groups.max()) + 1)]
        first, last = data.span
        self.tau = (np.log(first / BELOW), np.log(last * ABOVE))
        low, high = SHAPES.get(name, (0.0, 0.0))
        self.shape = (np.log(low), np.log(high)) if name == "power" else (low, high)
        self.nonlinear = {"exponential": 1, "stretched": 2, "power": 2, "double": 2}[name]
        self.amplitudes = len(self.groups) * (2 if name == "double" else 1)

    def columns(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the decaying columns, (b, n, amplitudes), for b values of ln tau and of the shape."""
        t = self.delays
        if self.name == "double":
            parts = [np.exp(-t / np.exp(w)[:, None, None]) for w in (u, v)]
        elif self.name == "exponential":
            parts = [np.exp(-t / np.exp(u)[:, None, None])]
        elif self.name == "stretched":
            parts = [np.exp(-((t / np.exp(u)[:, None, None]) ** v[:, None, None]))]
        else:
            parts = [(1.0 + t / np.exp(u)[:, None, None]) ** -np.exp(v)[:, None, None]]
        sums = [np.where(self.after, part, 0.0)[:, :, own].sum(axis=2) for part in parts for own in self.groups]
        return np.stack(sums, axis=2) * self.root[None, :, None]

    def squares(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the sum of squares at each of b values."""
        u, v = np.broadcast_arrays(np.atleast_1d(u), np.atleast_1d(v))
        size = max(1, _MOST // max(1, self.delays.size))
        return np.concatenate([self._squares(u[k : k + size], v[k : k + size]) for k in range(0, len(u), size)])

    def _squares(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        x = self.columns(u, v)
        x = x - self.basis @ (self.basis.T @ x)
        gram, right = np.einsum("bni,bnj->bij", x, x), np.einsum("bni,n->bi", x, self.rest)
        whole = float(self.rest @ self.rest)
        if self.amplitudes == 1:
            return whole - right[:, 0] ** 2 / np.maximum(gram[:, 0, 0], 1e-300)
        diagonal = np.einsum("bii->bi", gram)
        if self.name != "double":
            small = 1e-12 * diagonal[:, :, None] * np.eye(self.amplitudes)
            found = np.linalg.solve(gram + small + 1e-300 * np.eye(self.amplitudes), right[:, :, None])[:, :, 0]
            return whole - (found * right).sum(axis=1)
        determinant = gram[:, 0, 0] * gram[:, 1, 1] - gram[:, 0, 1] ** 2
        first = gram[:, 1, 1] * right[:, 0] - gram[:, 0, 1] * right[:, 1]
        second = gram[:, 0, 0] * right[:, 1] - gram[:, 0, 1] * right[:, 0]
        alone = right**2 / np.maximum(diagonal, 1e-300)
        both = (first * right[:, 0] + second * right[:, 1]) / np.maximum(determinant, 1e-300)
        apart = (first * second > 0) & (determinant > 1e-12 * diagonal[:, 0] * diagonal[:, 1])
        return whole - np.where(apart, both, alone.max(axis=1))  # a share below 0 leaves the other term alone

    def along(self, u: float) -> tuple[float, float]:
        """Return the least sum of squares at one ln tau, and its shape; of two time constants u is the shorter."""
        if self.nonlinear == 1:
            return float(self.squares(np.array([u]), np.zeros(1))[0]), 0.0
        low, high = (u + np.log(NEAREST), self.tau[1] + np.log(NEAREST)) if self.name == "double" else self.shape
        v, least = zoom(lambda w: self.squares(np.full(w.size, u), w), low, high)
        return least, v

    def across(self, v: float) -> tuple[float, float]:
        """Return the least sum of squares at one shape, and the ln tau where it is."""
        high = min(self.tau[1], v - np.log(NEAREST)) if self.name == "double" else self.tau[1]
        u, least = zoom(lambda w: self.squares(w, np.full(w.size, v)), self.tau[0] - np.log(NEAREST), high)
        return least, u


def zoom(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> tuple[float, float]:
    """Return where a function of one number is least, by a scan and ever finer ones around its best place."""
    at = np.linspace(low, high, SCAN)
    for _ in range(_TIMES):
        values = function(at)
        best = int(np.argmin(values))
        low, high = at[max(best - 1, 0)], at[min(best + 1, len(at) - 1)]
        x, least = float(at[best]), float(values[best])
        at = np.linspace(low, high, _ZOOM)
    return x, least
