"""Slope of a power spectrum, 1/f^g, over its middle decades, with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.records import Estimate, Record, column, internal, part
from devicekit.core.statistics import t_quantile

LEAST_SPECTRUM = 1024  # readings below which no slope is given
SEGMENTS = 8
HIGHEST = 0.2  # of the sampling rate: above, aliases from beyond half the rate count


@dataclass(frozen=True, kw_only=True)
class Spectrum(Record):
    """Power spectrum 1/f^g over a band."""

    exponent: Estimate = column(name="slope", flat=True, doc="exponent g with its 95 % interval; NaN if refused")
    band_low_hz: float = column(unit="Hz", default=float("nan"), doc="lowest frequency of the fit")
    band_high_hz: float = column(unit="Hz", default=float("nan"), doc="highest frequency of the fit")
    frequency_hz: tuple[float, ...] = internal("frequencies of the averaged spectrum", default=())
    density: tuple[float, ...] = internal("averaged spectrum [square of the readings' unit / Hz]", default=())
    refused = part("exponent.reason", name="slope_refused", doc="reason of a refusal")


def slope(value: np.ndarray, step: float) -> Spectrum:
    """Fit the slope of the power spectrum over its middle decades (Welch, doi:10.1109/TAU.1967.1161901).

    Parameters
    ----------
    value : ndarray, shape (n,)
        Readings, evenly sampled.
    step : float
        Sampling step [s].

    Returns
    -------
    Spectrum
        Half-overlapping segments of a quarter of the record, Hann's window; logarithmic bins from the fourth frequency
        to a fifth of the sampling rate; weights by the number of independent values in a bin.
    """
    if value.size < LEAST_SPECTRUM:
        return _refuse(f"{value.size} readings, fewer than {LEAST_SPECTRUM}")
    from scipy import signal

    length = 2 * value.size // (SEGMENTS + 1)
    frequency, density = signal.welch(value, 1.0 / step, "hann", length, length // 2, detrend="linear")
    inside = (np.arange(frequency.size) >= 4) & (frequency <= HIGHEST / step) & (density > 0)
    frequency, density = frequency[inside], density[inside]
    if frequency.size < 8:
        return _refuse("the spectrum has too few frequencies")
    edges = np.geomspace(frequency[0], frequency[-1] * 1.0001, 13)
    place = np.searchsorted(edges, frequency, "right")
    x, y, worth = [], [], []
    for k in np.unique(place):
        own = place == k
        x.append(float(np.log(frequency[own]).mean()))
        y.append(float(np.log(density[own].mean())))
        # independent values: Hann's window spreads a line over 1.5 frequencies, half overlap costs a twentieth
        worth.append(max(own.sum() / 1.5, 1.0) * 0.95 * SEGMENTS)
    return _line(np.array(x), np.array(y), np.array(worth), frequency)


def _refuse(reason: str) -> Spectrum:
    return Spectrum(exponent=Estimate(float("nan"), reason=reason))


def _line(x: np.ndarray, y: np.ndarray, worth: np.ndarray, frequency: np.ndarray) -> Spectrum:
    """Fit the weighted line; its interval follows the scatter or the number of values, whichever is wider."""
    y = y + 0.5 / worth  # mean of the log of an average of `worth` exponentials
    middle = float((worth * x).sum() / worth.sum())
    square = float((worth * (x - middle) ** 2).sum())
    b = float((worth * (x - middle) * y).sum() / square)
    a = float((worth * y).sum() / worth.sum())
    scatter = float((worth * (y - a - b * (x - middle)) ** 2).sum()) / (x.size - 2)
    wide = t_quantile(0.975, x.size - 2) * float(np.sqrt(max(scatter, 1.0) / square))
    return Spectrum(
        exponent=Estimate(-b, -b - wide, -b + wide),
        band_low_hz=float(frequency[0]),
        band_high_hz=float(frequency[-1]),
        frequency_hz=tuple(np.exp(x).tolist()),
        density=tuple(np.exp(y).tolist()),
    )
