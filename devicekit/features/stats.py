"""Spreads over cycles and devices, and probability plots, shared by all figures of merit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.quantities import CONDUCTANCES, GLOSSARY
from devicekit.core.records import Estimate, Record, cell, column
from devicekit.core.scalars import Scalar
from devicekit.core.statistics import VarianceComponents, anova, chi2_quantile, f_quantile, t_quantile
from devicekit.core.statistics import clopper_pearson as clopper_pearson
from devicekit.core.text import PREFIXED, Switched, conductance, format_number, span
from devicekit.features.definitions import QUANTITIES

_LABELLED = {*QUANTITIES, "v_form_v"}
FEW = 10  # values below which a standard deviation is shown with its confidence interval


def label_of(quantity: str) -> str:
    """Return the label of a number of a sweep or of a forming voltage, or the name of any other quantity."""
    return {**QUANTITIES, "v_form_v": GLOSSARY["v_form_v"]}[quantity].label if quantity in _LABELLED else quantity


class Undetermined(ValueError):
    """Error: the data do not determine what is fitted to them."""


@dataclass(frozen=True, kw_only=True)
class Spread(Record):
    """Spread of one quantity over cycles and devices.

    The 95 % confidence intervals of C2C and D2D are for normal values: chi-squared, and Williams and Tukey's for D2D.
    For two values they extend from 0.45 to 32 times the standard deviation.
    """

    quantity: str = column("quantity", text=label_of, doc="name of the quantity")
    unit: str = column(doc="unit of the median and the quantiles")
    n: int = column("values", text=str, doc="number of values")
    n_devices: int = column(doc="number of devices")
    median: float = column(doc="median of all values")
    low: float = column(doc="5 % quantile of all values; one value has none")
    high: float = column(doc="95 % quantile of all values; one value has none")
    c2c: Estimate | None = column(
        pair="c2c_range",
        doc="standard deviation over the cycles of one device, pooled: in decades if the scale is log10, else in the "
        "unit of the median; None with fewer than two",
    )
    d2d: Estimate | None = column(
        pair="d2d_range",
        doc="the same over devices, the contribution of C2C removed (one-way analysis of variance, clipped at 0)",
    )
    scale: str = column(doc="linear or log10")

    @property
    def deviation_unit(self) -> str:
        """Unit of C2C and D2D."""
        return "decades" if self.scale == "log10" else self.unit

    def scalars(self, by: str = "") -> tuple[Scalar, ...]:
        """Return median, C2C and D2D, those of a conductance in decades; `by` says how the quantity is defined."""
        label, stem = label_of(self.quantity), re.sub(r"_(v|s)$", "", self.quantity)
        shown = [Scalar(self.quantity, f"{label}, median", self.median, self.unit, by=by)]
        unit = self.deviation_unit
        for name, found in (("c2c", self.c2c), ("d2d", self.d2d)):
            if found is not None:
                words, full = f"{label}, {name.upper()} sd", f"{stem}_{name}_{unit.lower()}".rstrip("_")
                shown.append(Scalar(full, words, found.value, unit, low=found.low, high=found.high, by=by))
        return tuple(shown)

    @cell("median")
    def median_text(self) -> str:
        """Median with its unit."""
        return conductance(self.median) if self.is_conductance else format_number(self.median, self.unit)

    @property
    def is_conductance(self) -> bool:
        """True if a page can switch it to a resistance."""
        return self.quantity in CONDUCTANCES

    @cell("5 % to 95 %")
    def range_text(self) -> str:
        """5 % and 95 % quantile; one value has none."""
        if self.n == 1:
            return "–"
        text = span(self.low, self.high, self.unit, 4)
        if not self.is_conductance:
            return text
        return Switched(text, span(1.0 / self.high, 1.0 / self.low, "ohm", 4))

    @cell("C2C standard deviation")
    def c2c_text(self) -> str:
        """C2C with its unit."""
        return self._deviation_text(self.c2c)

    @cell("D2D standard deviation")
    def d2d_text(self) -> str:
        """D2D with its unit."""
        return self._deviation_text(self.d2d)

    def _deviation_text(self, found: Estimate | None) -> str:
        shown = format_number(found.value if found else None, self.deviation_unit)
        return f"{shown} ({more})" if (more := self.interval_text(found)) else shown

    def interval_text(self, found: Estimate | None) -> str:
        """Format the 95 % confidence interval of C2C or D2D with two digits; "" unless the values are few."""
        if self.n >= FEW or found is None or not found.value or found.ends is None:
            return ""
        if self.deviation_unit in PREFIXED:
            return f"95 %: {span(*found.ends, self.deviation_unit, 2)}"
        return f"95 %: {found.ends[0]:.2g} to {found.ends[1]:.2g} {self.deviation_unit}"


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
    low, median, high = np.quantile(y, [0.05, 0.5, 0.95])
    if y.size == 1:
        low = high = np.nan
    c2c, d2d = _deviations(found, y.size, n_devices)
    return Spread(
        quantity=quantity,
        unit=unit,
        n=int(y.size),
        n_devices=n_devices,
        median=float(median),
        low=float(low),
        high=float(high),
        c2c=c2c,
        d2d=d2d,
        scale="log10" if log else "linear",
    )


def spreads(rows: pd.DataFrame, quantities: Iterable[str] = QUANTITIES) -> dict[str, Spread]:
    """Return the spreads of the numbers of sweeps (`devicekit.features.definitions.QUANTITIES`) that have values."""
    known = [QUANTITIES[name] for name in quantities]
    found = {each.name: spread(rows[each.name], rows["device_id"], each.name, each.unit, each.log) for each in known}
    return {name: each for name, each in found.items() if each is not None}


def _deviations(found: VarianceComponents, n: int, n_devices: int) -> tuple[Estimate | None, Estimate | None]:
    """Return C2C and D2D with their 95 % confidence intervals.

    Exact for C2C of normal values. For D2D those of Williams (doi:10.1093/biomet/49.1-2.278) and Tukey, exact if every
    device has the same number of cycles, and without C2C.
    """
    tails = np.array([0.975, 0.025])
    spare, between = n - n_devices, n_devices - 1
    ends: list[np.ndarray | None] = [None, None]
    if found.within is not None and spare > 0:
        ends[0] = np.sqrt(found.within * spare / chi2_quantile(tails, spare))
    if found.between is not None and found.size is not None:
        within = found.within or 0.0
        square = found.between * found.size + within
        level = np.ones(2) if spare < 1 else f_quantile(tails, between, spare)
        above = np.maximum(square - level * within, 0.0)
        ends[1] = np.sqrt(above * between / (found.size * chi2_quantile(tails, between)))
    return _deviation(found.within, ends[0]), _deviation(found.between, ends[1])


def _deviation(variance: float | None, ends: np.ndarray | None) -> Estimate | None:
    if variance is None:
        return None
    return Estimate(float(np.sqrt(max(variance, 0.0))), *(() if ends is None else map(float, ends)))


def mean_estimate(values: np.ndarray) -> Estimate:
    """Return the mean of values, two or more, with Student's 95 % interval."""
    wide = t_quantile(0.975, len(values) - 1) * float(values.std(ddof=1)) / float(np.sqrt(len(values)))
    return Estimate.symmetric(float(values.mean()), wide)


@dataclass(frozen=True, kw_only=True)
class Weibull(Record):
    """Weibull distribution of a positive quantity: F(x) = 1 - exp(-(x / scale)^shape), fitted by likelihood."""

    quantity: str = column(doc="name of the quantity")
    shape: float = column(doc="exponent; large for a narrow distribution")
    scale: float = column(doc="value below which 63 % lie")
    n: int = column(doc="number of values")


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
    return Weibull(quantity=quantity, shape=float(shape), scale=float(scale), n=int(x.size))


def noise_of_bends(bends: np.ndarray) -> float:
    """Return the standard deviation of white noise by the median size of second differences [their unit]; 0 of none."""
    return float(np.median(np.abs(bends))) / (0.6745 * np.sqrt(6)) if bends.size else 0.0


def holm(p: np.ndarray) -> np.ndarray:
    """Correct p values for their number (Holm 1979, Scand. J. Statist. 6, 65); NaN stays NaN and is not counted."""
    found = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(order.size, 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return found


def ranks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sorted finite values and their median-rank probabilities (i - 0.3) / (n + 0.4)."""
    x = np.sort(values[np.isfinite(values)])
    return x, (np.arange(1, x.size + 1) - 0.3) / (x.size + 0.4)
