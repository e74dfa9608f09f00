"""Spreads over cycles and devices, and probability plots, shared by all figures of merit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.statistics import VarianceComponents, anova, chi2_quantile, f_quantile
from devicekit.core.statistics import clopper_pearson as clopper_pearson


@dataclass(frozen=True)
class Spread:
    """Spread of one quantity over cycles and devices.

    Attributes
    ----------
    quantity, unit : str
        Name; unit of `median`, `low`, `high`.
    n, n_devices : int
        Number of values and of devices.
    median, low, high : float
        Median, 5 % and 95 % quantile of all values; one value has no quantiles (NaN).
    c2c, d2d : float or None
        Standard deviation over the cycles of one device (pooled), and over devices with the contribution of C2C
        removed (one-way analysis of variance, clipped at 0). None with fewer than two.
        In decades (log10) if `scale` is "log10", else in `unit`.
    scale : {"linear", "log10"}
    c2c_range, d2d_range : (float, float) or None
        95 % confidence interval of each, for normal values: chi-squared, and Williams and Tukey's for D2D. For two
        values it extends from 0.45 to 32 times the standard deviation.
    """

    quantity: str
    unit: str
    n: int
    n_devices: int
    median: float
    low: float
    high: float
    c2c: float | None
    d2d: float | None
    scale: str
    c2c_range: tuple[float, float] | None = None
    d2d_range: tuple[float, float] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return asdict(self)


def spread(values: pd.Series, device: pd.Series, quantity: str, unit: str, log: bool = False) -> Spread | None:
    """Return median, quantiles, C2C and D2D of one quantity; None if no value is finite (and positive, on a log scale).

    Parameters
    ----------
    values, device : pandas.Series, shape (n,)
        One value per cycle, and its device.
    log : bool
        Use log10(values) for the spreads: for conductances, which are log-normal.
    quantity, unit : str
        Name, and unit of the values.
    """
    y = values.to_numpy(float)
    keep = np.isfinite(y) & ((y > 0) | (not log))
    if not keep.any():
        return None
    y, groups = y[keep], pd.factorize(device[keep])[0]
    scaled = np.log10(y) if log else y
    n_devices = int(groups.max()) + 1
    found = anova([scaled[groups == k][:, None] for k in range(n_devices)])
    c2c = None if found.within is None else float(np.sqrt(found.within))
    d2d = None if found.between is None else float(np.sqrt(max(found.between, 0.0)))
    low, median, high = np.quantile(y, [0.05, 0.5, 0.95])
    if y.size == 1:
        low = high = np.nan
    return Spread(
        quantity,
        unit,
        int(y.size),
        n_devices,
        float(median),
        float(low),
        float(high),
        c2c,
        d2d,
        "log10" if log else "linear",
        *_ranges(found, y.size, n_devices),
    )


def _ranges(
    found: VarianceComponents, n: int, n_devices: int
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Return 95 % confidence intervals of C2C and D2D.

    Exact for C2C of normal values. For D2D those of Williams (doi:10.1093/biomet/49.1-2.278) and Tukey, exact if every
    device has the same number of cycles, and without C2C.
    """
    tails = np.array([0.975, 0.025])
    spare, between = n - n_devices, n_devices - 1
    c2c = d2d = None
    if found.within is not None and spare > 0:
        c2c = np.sqrt(found.within * spare / chi2_quantile(tails, spare))
    if found.between is not None and found.size is not None:
        within = found.within or 0.0
        square = found.between * found.size + within
        level = np.ones(2) if spare < 1 else f_quantile(tails, between, spare)
        above = np.maximum(square - level * within, 0.0)
        d2d = np.sqrt(above * between / (found.size * chi2_quantile(tails, between)))
    return tuple(None if each is None else (float(each[0]), float(each[1])) for each in (c2c, d2d))  # type: ignore[return-value]


@dataclass(frozen=True)
class Weibull:
    """Weibull distribution of a positive quantity: F(x) = 1 - exp(-(x / scale)^shape), fitted by likelihood."""

    quantity: str
    shape: float
    scale: float
    n: int

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return asdict(self)


def weibull(values: np.ndarray, quantity: str) -> Weibull | None:
    """Fit a Weibull distribution to magnitudes; None with fewer than 5 distinct values.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Values of one sign; their magnitudes are used.
    quantity : str
        Name of the quantity.
    """
    x = np.abs(values[np.isfinite(values)])
    x = x[x > 0]
    if np.unique(x).size < 5:
        return None
    from scipy import stats

    shape, _, scale = stats.weibull_min.fit(x, floc=0)
    return Weibull(quantity, float(shape), float(scale), int(x.size))


def ranks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sorted finite values and their median-rank probabilities (i - 0.3) / (n + 0.4)."""
    x = np.sort(values[np.isfinite(values)])
    return x, (np.arange(1, x.size + 1) - 0.3) / (x.size + 0.4)
