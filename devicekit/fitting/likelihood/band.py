"""Bands on a rate curve: within the measured states by the trains, beyond them by a wide default."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.printing import Printed
from devicekit.core.statistics import normal_quantile, t_quantile
from devicekit.fitting.likelihood.fit import TrainFit
from devicekit.models import kernel
from devicekit.models.law import Law
from devicekit.system.algebra import draw_normal, product

CHANCE = 2.0  # variances of a local error attributed to chance
DRAWS = 2000  # of the parameters, for a band that holds the whole curve
D2D_LN_RATE, D2D_DEGREES = 0.1, 2  # prior scatter of few devices, and its weight in devices


@dataclass(frozen=True)
class LocalErrors:
    """Errors of the rate along the trains, each the mean over a part of the pulses, with standard errors.

    Attributes
    ----------
    at : ndarray, shape (n,)
        States on the rising coordinate, ascending [1].
    error, sd : ndarray, shape (n,)
        Of the rate [1 per pulse].
    """

    at: np.ndarray
    error: np.ndarray
    sd: np.ndarray

    def excess(self, x: np.ndarray) -> np.ndarray:
        """Return the variance of the law's error at each x beyond chance; 0 where chance explains it."""
        error, sd = np.interp(x, self.at, self.error), np.interp(x, self.at, self.sd)
        return np.maximum(error**2 - CHANCE * sd**2, 0.0)


@dataclass(frozen=True)
class RateBand(Printed):
    """Laws with their covariance, of one device or of the mean of a few.

    Attributes
    ----------
    law : Law
    parameters : ndarray, shape (D, p + 1)
        (theta, x0) of each device.
    covariance : ndarray, shape (D, p + 1, p + 1)
    between : float
        Standard deviation of ln rate over devices; 0 for one device.
    degrees : float
        Of the t quantile; infinite for the normal one.
    method : str
        Method as text.
    left : LocalErrors or None
        Errors of the law's rate along the trains, from one-step errors.
    """

    law: Law
    parameters: np.ndarray
    covariance: np.ndarray
    between: float
    degrees: float
    method: str
    left: LocalErrors | None = None

    def rate_and_sd(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rate (mean over devices) on the rising coordinate and its standard deviation, shaped as x."""
        rates, variances = [], []
        for own, covariance in zip(self.parameters, self.covariance, strict=True):
            rates.append(kernel.rates(self.law.id, own[:-1], x))
            variances.append(rate_variance(self.law, own, covariance, x))
        rate, many = np.mean(rates, axis=0), len(rates)
        variance = np.mean(variances, axis=0) / many + (self.between * rate) ** 2 / many
        if self.left is not None:
            variance = variance + self.left.excess(x)
        return rate, np.sqrt(variance)

    def factor_of_all(self, x: np.ndarray, level: float) -> float:
        """Return the factor on the band's half width so that it holds the rate at all x at once [1].

        Estimated from draws of the parameters with a fixed seed.
        """
        rng = np.random.default_rng(29)
        rate, sd = self.rate_and_sd(x)
        drawn = np.zeros((DRAWS, x.size))
        for own, covariance in zip(self.parameters, self.covariance, strict=True):
            gradient = kernel.rate_gradients(self.law.id, own[:-1], x)
            p = gradient.shape[1]
            drawn += product(draw_normal(rng, covariance[:p, :p], DRAWS), gradient.T)
        drawn /= len(self.parameters)
        drawn += self.between * rate / np.sqrt(len(self.parameters)) * rng.standard_normal((DRAWS, 1))
        if self.left is not None:  # local errors are independent of the parameters
            drawn += np.sqrt(self.left.excess(x)) * rng.standard_normal((DRAWS, 1))
        largest = np.max(np.abs(drawn) / np.where(sd > 0, sd, np.inf), axis=1)
        return max(float(np.quantile(largest, level)) / normal_quantile(0.5 + level / 2), 1.0)

    def ends(self, x: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and upper end at each x, at least 0."""
        rate, sd = self.rate_and_sd(x)
        return ends(rate, quantile(level, self.degrees) * sd)


def rate_variance(law: Law, parameters: np.ndarray, covariance: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the variance of the rate at each x by the delta method, from the covariance of (theta, x0)."""
    gradient = kernel.rate_gradients(law.id, parameters[:-1], x)
    p = gradient.shape[1]
    return np.maximum(np.einsum("ij,jk,ik->i", gradient, covariance[:p, :p], gradient), 0.0)


def quantile(level: float, degrees: float) -> float:
    """Return half the width of a band in standard deviations."""
    return normal_quantile(0.5 + level / 2) if np.isinf(degrees) else t_quantile(0.5 + level / 2, degrees)


def ends(rate: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper end about a rate: down by `half`, at most to 0; up by e^(half / rate), at most 2 `half`.

    Rates are positive and their errors multiply: an error of half the rate is as likely to double it as to halve it.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        factor = np.where(rate > 0, rate * np.exp(half / rate), np.inf)
    return np.maximum(rate - half, 0.0), np.maximum(rate + half, np.minimum(factor, rate + 2.0 * half))


def widen_outside(
    x: np.ndarray, lower: np.ndarray, upper: np.ndarray, reach: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Widen the ends where x is outside the measured states: from 0 to the end allowed at the last of them.

    There a law continues by its form, but a device may stop; the law's own band is not evidence against that.
    """
    lower, upper = lower.copy(), upper.copy()
    for outside, edge in ((x > reach[1], reach[1]), (x < reach[0], reach[0])):
        if outside.any() and not outside.all():
            inside = np.flatnonzero(~outside)
            nearest = inside[np.argmin(np.abs(x[inside] - edge))]
            lower[outside] = 0.0
            upper[outside] = np.maximum(upper[outside], upper[nearest])
        elif outside.all():
            lower[:] = 0.0
    return lower, upper


def mean_band(found: TrainFit, cycles: int) -> RateBand:
    """Return the band of the mean of a few devices, or of the only one."""
    many = len(found.parameters)
    words = f"likelihood of whole trains (extended Kalman filter), {cycles} {'cycle' if cycles == 1 else 'cycles'}"
    if many == 1:
        return RateBand(found.law, found.parameters, found.covariance, 0.0, np.inf, words)
    levels = found.parameters[:, 0]
    squares = float(np.sum((levels - levels.mean()) ** 2))
    degrees = D2D_DEGREES + many - 1
    between = float(np.sqrt((D2D_DEGREES * D2D_LN_RATE**2 + squares) / degrees))
    method = f"{words}; mean of {many} devices, t({degrees})"
    return RateBand(found.law, found.parameters, found.covariance, between, degrees, method)


def device_band(found: TrainFit, device: int, cycles: int) -> RateBand:
    """Return the band of one of the devices."""
    alone = slice(device, device + 1)
    words = mean_band(found, cycles).method.partition(";")[0]
    return RateBand(found.law, found.parameters[alone], found.covariance[alone], 0.0, np.inf, words)
