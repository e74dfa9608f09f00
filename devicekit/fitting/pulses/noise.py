r"""Noise about the curves of a joint fit: readings, updates, and the rate from repeat to repeat.

.. math::
    \Sigma = (\sigma_\mathrm{read}^2 I + \sigma_\mathrm{inc}^2 M M^T) / T + \sigma_\mathrm{rate}^2 b b^T / K

for the mean of T trains in K repeats, with M the part of each update left at each later reading and b the derivative
of the curve by ln rate. Weighted by its inverse, a curve has independent residuals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.statistics import mean_curve
from devicekit.device.blocks import Window
from devicekit.fitting.likelihood.priors import PRIOR_SD
from devicekit.fitting.pulses.programmes import Programme

PRIOR_DEGREES = 2.0  # weight of the prior of the rate's scatter, in repeats
SMALLEST = 1e-5  # of the window: least scatter of a reading
MOST_READINGS = 250  # of a curve, whose covariance is inverted


@dataclass(frozen=True)
class Noise:
    """Standard deviations: of a reading and of an update (fractions of the window), and of ln rate over repeats."""

    read: float
    increment: float
    ln_rate: float


@dataclass(frozen=True, eq=False)
class Path:
    """A fitted curve: states (N + 1,), derivative by ln rate and by the start (N + 1,), and q of each pulse (N,)."""

    states: np.ndarray
    by_level: np.ndarray
    by_start: np.ndarray
    steady: np.ndarray


def walk(steady: np.ndarray) -> np.ndarray:
    """Return how much of the update of pulse k is left at reading n, shape (N + 1, N)."""
    size = steady.size
    left = np.zeros((size + 1, size))
    for n in range(size):
        left[n + 1] = steady[n] * left[n]
        left[n + 1, n] = 1.0
    return left


def choose_readings(x: np.ndarray) -> np.ndarray:
    """Return the positions of the readings that a fit uses: all, or some of very many."""
    seen = np.flatnonzero(np.isfinite(x))
    if seen.size <= MOST_READINGS:
        return seen
    return seen[np.unique(np.linspace(0, seen.size - 1, MOST_READINGS).astype(int))]


def _moments(residuals: np.ndarray, steady: np.ndarray) -> tuple[float, float, float]:
    """Return sums of squares and of neighbouring products of one-pulse changes of the residuals, and their number."""
    change = residuals[:, 1:] - steady * residuals[:, :-1]
    products = change[:, 1:] * change[:, :-1]
    return float(np.nansum(change**2)), float(np.nansum(products)), float(np.isfinite(change).sum())


def estimate(programmes: list[Programme], paths: list[Path], window: Window) -> Noise:
    """Estimate the noise by moments, from all programmes of one direction at once."""
    squares = products = number = 0.0
    rest, readings = 0.0, 0.0
    for each, path in zip(programmes, paths, strict=True):
        rows = each.trains.rising(window)
        away = rows - path.states
        factor = 1.0
        if len(rows) > 1:
            away = away - mean_curve(away)
            factor = len(rows) / (len(rows) - 1)
        a, b, n = _moments(away, path.steady)
        squares, products, number = squares + factor * a, products + factor * b, number + n
        rest, readings = rest + float(np.nansum(away**2)), readings + float(np.isfinite(away).sum())
    if number < 8:  # not every pulse was read: attribute the residuals to reading noise
        return Noise(max(float(np.sqrt(rest / max(readings, 1.0))), SMALLEST), 0.0, PRIOR_SD["ln_rate"])
    read = max(-products / number, 0.0)
    increment = max(squares / number - 2.0 * read, 0.0)
    first = Noise(max(float(np.sqrt(read)), SMALLEST), float(np.sqrt(increment)), 0.0)
    return Noise(first.read, first.increment, _scatter_of_rates(programmes, paths, window, first))


def _scatter_of_rates(programmes: list[Programme], paths: list[Path], window: Window, noise: Noise) -> float:
    """Return the standard deviation of ln rate over repeats, with a prior that counts as two of them."""
    total, degrees = 0.0, 0.0
    for each, path in zip(programmes, paths, strict=True):
        rows = each.clusters(window)
        if len(rows) < 2:
            continue
        per = each.trains_read / len(rows)  # trains of a repeat
        seen = choose_readings(np.where(np.isfinite(rows).all(axis=0), 0.0, np.nan))
        if seen.size < 4:
            continue
        sigma = covariance_of(path, seen, Noise(noise.read, noise.increment, 0.0), per, 1)
        design = np.stack([path.by_level[seen], path.by_start[seen]], axis=1)
        weighted = np.linalg.solve(sigma, design)
        spread = np.linalg.pinv(design.T @ weighted)
        off = (rows - rows.mean(axis=0))[:, seen]
        levels = off @ weighted @ spread[0]
        many = len(rows) - 1
        total += many * max(float(np.sum(levels**2)) / many - float(spread[0, 0]), 0.0)
        degrees += many
    prior = PRIOR_SD["ln_rate"]
    return float(np.sqrt((PRIOR_DEGREES * prior**2 + total) / (PRIOR_DEGREES + degrees)))


def covariance_of(path: Path, seen: np.ndarray, noise: Noise, trains: float, repeats: int) -> np.ndarray:
    """Return the covariance of the mean curve's readings at the positions `seen`."""
    left = walk(path.steady)[seen]
    sigma = noise.read**2 * np.eye(seen.size) + noise.increment**2 * (left @ left.T)
    by = path.by_level[seen]
    return sigma / trains + noise.ln_rate**2 / repeats * np.outer(by, by)
