"""Slope of a power spectrum, 1/f^g, over its middle decades, with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.statistics import t_quantile

LEAST_SPECTRUM = 1024  # readings below which no slope is given
SEGMENTS = 8
HIGHEST = 0.2  # of the sampling rate: above, aliases from beyond half the rate count


@dataclass(frozen=True)
class Slope:
    """Exponent g of a power spectrum 1/f^g over a band, with its 95 % interval; None if refused.

    Attributes
    ----------
    value, low, high : float or None
    band_hz : (float, float)
        Lowest and highest frequency of the fit [Hz].
    frequency_hz, density : tuple of float
        Averaged spectrum of the fit [Hz], [square of the readings' unit / Hz].
    refused : str
        Reason of a refusal.
    """

    value: float | None
    low: float | None
    high: float | None
    band_hz: tuple[float, float] = (float("nan"), float("nan"))
    frequency_hz: tuple[float, ...] = ()
    density: tuple[float, ...] = ()
    refused: str = ""


def slope(value: np.ndarray, step: float) -> Slope:
    """Fit the slope of the power spectrum over its middle decades (Welch, doi:10.1109/TAU.1967.1161901).

    Parameters
    ----------
    value : ndarray, shape (n,)
        Readings, evenly sampled.
    step : float
        Sampling step [s].

    Returns
    -------
    Slope
        Half-overlapping segments of a quarter of the record, Hann's window; logarithmic bins from the fourth frequency
        to a fifth of the sampling rate; weights by the number of independent values in a bin.
    """
    if value.size < LEAST_SPECTRUM:
        return Slope(None, None, None, refused=f"{value.size} readings, fewer than {LEAST_SPECTRUM}")
    from scipy import signal

    length = 2 * value.size // (SEGMENTS + 1)
    frequency, density = signal.welch(value, 1.0 / step, "hann", length, length // 2, detrend="linear")
    inside = (np.arange(frequency.size) >= 4) & (frequency <= HIGHEST / step) & (density > 0)
    frequency, density = frequency[inside], density[inside]
    if frequency.size < 8:
        return Slope(None, None, None, refused="the spectrum has too few frequencies")
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


def _line(x: np.ndarray, y: np.ndarray, worth: np.ndarray, frequency: np.ndarray) -> Slope:
    """Fit the weighted line; its interval follows the scatter or the number of values, whichever is wider."""
    y = y + 0.5 / worth  # mean of the log of an average of `worth` exponentials
    middle = float((worth * x).sum() / worth.sum())
    square = float((worth * (x - middle) ** 2).sum())
    b = float((worth * (x - middle) * y).sum() / square)
    a = float((worth * y).sum() / worth.sum())
    scatter = float((worth * (y - a - b * (x - middle)) ** 2).sum()) / (x.size - 2)
    wide = t_quantile(0.975, x.size - 2) * float(np.sqrt(max(scatter, 1.0) / square))
    band = (float(frequency[0]), float(frequency[-1]))
    return Slope(-b, -b - wide, -b + wide, band, tuple(np.exp(x).tolist()), tuple(np.exp(y).tolist()))
