"""Tests of the one-step errors that remain when law and noise are fitted.

By the likelihood each error over its standard deviation is a standard normal number, independent of earlier errors, of
the pulse and of the state. A true law with true noise fails each of four tests once in a thousand times or less: a
smooth course over the pulses, correlation of neighbours, a size that depends on the state, and outlying errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.statistics import chi2_tail
from devicekit.fitting.likelihood.band import LocalErrors
from devicekit.fitting.likelihood.filter import innovations, standard_deviations
from devicekit.fitting.likelihood.fit import MOST_TRAINS, TrainFit
from devicekit.models import kernel
from devicekit.system.algebra import product, svd

# cosines in the pulse number, and polynomials in its logarithm: laws fit the first pulses worst
WAVES, LATE = 8, 6
UNLIKELY = 5e-4  # p value of a course, or of the correlations
PARTS, FEWEST_OF_PART, LEAST_GAIN = 10, 4, 0.02  # of the pulses, for errors of the rate along them
LAGS = 4  # readings apart that are correlated
FARTHEST = 9.0  # cap on the squared error for a slope on the state, so that single outliers do not set it
HINT = 0.1  # p value of a course below which the law may miss the trains
LARGE, FAR = 3.5, 6.0  # standard deviations of a slope of the squares on the state, and of their kurtosis


@dataclass(frozen=True)
class Misfit:
    """Test results of a branch.

    Attributes
    ----------
    course_p : float
        p value of a smooth course over the pulses of the mean errors, of which the fitted law takes up its degrees of
        freedom; 1 for single cycles.
    correlations : tuple of float
        Of errors 1, 2, ... readings apart [1].
    correlations_p : float
        p value of all of them together.
    state_z : float
        Slope of the squares on the state, over its standard deviation.
    tails_z : float
        Excess kurtosis, over its standard deviation.
    """

    course_p: float
    correlations: tuple[float, ...]
    correlations_p: float
    state_z: float
    tails_z: float

    @property
    def shape(self) -> bool:
        """True if the law misses the course of the trains."""
        return self.course_p < UNLIKELY

    @property
    def _place(self) -> str:
        """Part of the trains with the larger errors."""
        return f"larger near the {'end' if self.state_z > 0 else 'start'} of the trains"

    @property
    def noise(self) -> tuple[str, ...]:
        """Ways in which errors differ from the noise model, as text."""
        largest = max(self.correlations, key=abs, default=0.0)
        found = (
            (self.correlations_p < UNLIKELY, f"correlated ({largest:+.2f} at most)"),
            (abs(self.state_z) > LARGE, f"{self._place} (z = {abs(self.state_z):.1f})"),
            (self.tails_z > FAR, f"more often outlying than for a normal distribution (z = {self.tails_z:.0f})"),
        )
        return tuple(words for here, words in found if here)


def basis(points: int) -> np.ndarray:
    """Return orthonormal smooth functions over the pulses, shape (functions, points)."""
    n = np.arange(points)
    late = np.log1p(n) / np.log1p(max(points - 1, 1))
    rows = [np.cos(np.pi * k * (n + 0.5) / points) for k in range(WAVES)]
    rows += [np.polynomial.legendre.Legendre.basis(k + 1)(2.0 * late - 1.0) for k in range(LATE)]
    kept = min(len(rows), points)
    return np.ascontiguousarray(svd(np.array(rows[:kept]).T)[0].T)


def standardised_errors(found: TrainFit, trains: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return standardised one-step errors of each device's trains (K, N + 1), NaN where unread, and the law's path.

    Parameters
    ----------
    found : TrainFit
    trains : sequence of ndarray, shape (K, N + 1)
        Of each device, on the rising coordinate, in the order of `found.parameters`.
    """
    result = []
    for parameters, rows in zip(found.parameters, trains, strict=True):
        y = np.ascontiguousarray(rows[: max(MOST_TRAINS // len(trains), 1)], float)
        errors, spreads = np.empty(y.shape), np.empty(y.shape)
        innovations(found.law.id, np.concatenate([parameters, found.noise]), y, errors, spreads, np.empty(len(y)))
        scaled = np.where(spreads > 0, errors / np.sqrt(np.where(spreads > 0, spreads, 1.0)), np.nan)
        path = kernel.simulate(found.law.id, np.ascontiguousarray(parameters[:-1]), parameters[-1], y.shape[1] - 1)
        result.append((scaled, path))
    return result


def local_errors(found: TrainFit, device: int, rows: np.ndarray) -> LocalErrors | None:
    """Return the errors of a device's rate along its trains, from means over cycles of one-step errors.

    A filter that corrects by a share G of each reading is wrong by the error of the rate over G on average; this is
    averaged over a tenth of the pulses.

    Parameters
    ----------
    found : TrainFit
    device : int
        Which of its devices.
    rows : ndarray, shape (K, N + 1)
        Trains of the device on the rising coordinate.

    Returns
    -------
    LocalErrors or None
        None for fewer than two trains, since scatter of updates could explain any shape then.
    """
    y = np.ascontiguousarray(rows[:MOST_TRAINS], float)
    if len(y) < 2 or y.shape[1] < 2 * FEWEST_OF_PART:
        return None
    parameters = found.parameters[device]
    errors, spreads = np.empty(y.shape), np.empty(y.shape)
    innovations(found.law.id, np.concatenate([parameters, found.noise]), y, errors, spreads, np.empty(len(y)))
    seen = (spreads > 0).sum(axis=0)
    many = np.maximum(seen, 1)
    mean, variance = errors.sum(axis=0) / many, spreads.sum(axis=0) / many
    sd = {name: value for name, value in standard_deviations(found.noise).items() if found.sd(name)}
    of_reading = sd.get("read", 0.0) ** 2 + sd.get("held", 0.0) ** 2
    path = kernel.simulate(found.law.id, np.ascontiguousarray(parameters[:-1]), parameters[-1], y.shape[1] - 1)
    read = np.flatnonzero(seen > 0)[1:]  # the first error is that of the start
    part = max(read.size // PARTS, FEWEST_OF_PART)
    if read.size < part:
        return None
    gain = np.clip(1.0 - of_reading / variance[read], LEAST_GAIN, 1.0)
    at, error, squares = (
        np.lib.stride_tricks.sliding_window_view(each, part).mean(axis=1)
        for each in (path[read - 1], gain * mean[read], gain**2 * variance[read] / seen[read])
    )
    of_it = np.sqrt(squares / part)
    order = np.argsort(at, kind="stable")
    return LocalErrors(at[order], error[order], of_it[order])


def misfit(found: TrainFit, trains: Sequence[np.ndarray]) -> Misfit:
    """Run the tests; parameters as of `standardised_errors`."""
    course, degrees, slope, size, fourth, second, count = 0.0, 0, 0.0, 0.0, 0.0, 0.0, 0
    products, pairs = np.zeros(LAGS), np.zeros(LAGS)
    for n, (scaled, path) in enumerate(standardised_errors(found, trains)):
        seen = np.isfinite(scaled)
        u = np.where(seen, scaled, 0.0)
        if not seen.any():
            continue
        if len(u) > 1:
            many = seen.sum(axis=0)
            mean = u.sum(axis=0) / np.sqrt(np.maximum(many, 1))
            functions = basis(int((many > 0).sum()))
            course += float(np.sum(product(functions, mean[many > 0]) ** 2))
            degrees += len(functions) - int(np.count_nonzero(np.diag(found.covariance[n])[:-1]))
        for k in range(1, min(LAGS + 1, u.shape[1])):
            products[k - 1] += np.sum(u[:, k:] * u[:, :-k])
            pairs[k - 1] += np.sum(seen[:, k:] & seen[:, :-k])
        at = np.where(seen, np.clip(path, 0.0, 1.0), 0.0)
        centred = np.where(seen, at - at.sum() / seen.sum(), 0.0)
        squares = np.clip(u**2, 0.0, FARTHEST)
        slope += float(np.sum(centred * (squares - squares[seen].mean())))
        size += float(np.sum(centred**2) * squares[seen].var())
        fourth, second, count = fourth + float(np.sum(u**4)), second + float(np.sum(u**2)), count + int(seen.sum())
    z = products / np.sqrt(np.maximum(pairs, 1))
    kurtosis = count * fourth / second**2 - 3.0 if second > 0 else 0.0
    return Misfit(
        chi2_tail(course, degrees) if degrees > 0 else 1.0,
        tuple((products / np.maximum(pairs, 1)).tolist()),
        chi2_tail(float(np.sum(z**2)), LAGS),
        slope / np.sqrt(size) if size > 0 else 0.0,
        kurtosis / np.sqrt(24.0 / max(count, 1)),
    )
