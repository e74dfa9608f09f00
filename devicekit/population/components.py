"""Variance components of each quantity over wafers, dies, cells and cycles, and what conditions do to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.estimates import Estimate
from devicekit.core.quantities import Quantity
from devicekit.core.records import Record, cell, column
from devicekit.core.statistics import t_quantile
from devicekit.core.text import percent, span
from devicekit.features.stats import holm
from devicekit.population.censoring import Values, fit_values
from devicekit.population.join import QUANTITIES
from devicekit.population.nested import Components, interval

PLURAL = {"wafer": "wafers", "die": "dies", "cell": "cells", "file": "files", "cycle": "cycles"}
FEWEST = 6  # values from which components are given
MOST_FILES = 0.9  # files for each value, up to which files are a level of their own
MOST_MISSING = 0.05  # share of values without a condition, up to which the others tell its effect
MOST_HIDDEN = 0.5  # share of values that are only bounds, above which nothing is given
DECADES = 3.0  # ratio of the largest to the smallest level of a condition, from which its logarithm is used
SIGNIFICANT = 0.05


def label(quantity: str) -> str:
    """Return the label of a quantity."""
    return QUANTITIES[quantity].label


def unit_of(quantity: Quantity) -> str:
    """Return the unit of differences and deviations."""
    return "decades" if quantity.log else quantity.unit


@dataclass(frozen=True, kw_only=True)
class Component(Record):
    """Standard deviation of a quantity between the groups of one level."""

    quantity: str = column("quantity", text=label, doc="name of the quantity")
    level: str = column("between", text=PLURAL.get, doc="wafer, die, cell, file or cycle")
    groups: int = column("groups", doc="number of groups of the level; of cycles the values")
    sd: Estimate = column(doc="standard deviation in `unit`, with its 95 % profile interval; cautious from 0 on")
    unit: str = column(doc="unit of the deviation; decades of a conductance")

    @cell("standard deviation")
    def sd_text(self) -> str:
        """Standard deviation with its unit."""
        return f"{self.sd.value:.3g} {self.unit}"

    @cell("95 % interval")
    def interval_text(self) -> str:
        """Interval with its unit."""
        return span(*self.sd.ends, "", 3) + f" {self.unit}" if self.sd.ends else self.sd.reason or "–"

    share: float = column("share of the variance", text=percent, doc="share of the sum of all components, 0..1")


@dataclass(frozen=True, kw_only=True)
class Effect(Record):
    """Effect of a condition on a quantity, the other conditions held."""

    quantity: str = column("quantity", text=label, doc="name of the quantity")
    factor: str = column("condition", doc="name of the condition")
    change: Estimate = column(doc="change of the quantity from the lowest to the highest level, with a 95 % interval")
    unit: str = column(doc="unit of the change; decades of a conductance")
    levels: int = column("levels", doc="number of levels")
    low: float = column(doc="lowest level, in SI units")
    high: float = column(doc="highest level, in SI units")
    level_unit: str = column(doc="unit of the levels")

    @cell("from, to")
    def range_text(self) -> str:
        """Lowest and highest level."""
        return (
            span(self.low, self.high, self.level_unit)
            if self.level_unit in ("A", "m", "s")
            else (f"{self.low:g} to {self.high:g} {self.level_unit}".strip())
        )

    @cell("change")
    def change_text(self) -> str:
        """Change with its interval."""
        if self.change.ends is None:
            return self.change.reason or "–"
        low, high = self.change.ends
        return f"{self.change.value:+.3g} {self.unit} (95 %: {low:+.3g} to {high:+.3g})"

    varies: str = column("varies", doc="within cells, or between cells, dies or wafers")
    degrees: int = column(doc="degrees of freedom of the test")
    p: float = column(doc="p value of this test alone")
    p_holm: float = column(
        "p, all conditions",
        text="{:.2g}".format,
        default=np.nan,
        doc="p by Holm for all conditions and quantities",
    )
    curvature_p: float = column(default=np.nan, doc="p of a square term, with three levels or more")

    @property
    def seen(self) -> bool:
        """True if it is significant among all conditions and quantities."""
        return self.p_holm < SIGNIFICANT


@dataclass(frozen=True, kw_only=True)
class Factor:
    """A condition that varies: its values, and how they enter a regression.

    Attributes
    ----------
    name : str
        Column of the steps.
    label, unit : str
    log : bool
        Whether its logarithm is used.
    """

    name: str
    label: str
    unit: str
    log: bool

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Return the values as they enter a regression."""
        return np.log10(values) if self.log else values


LABELS = {"compliance_a": ("current limit", "A"), "key_rate": ("sweep rate", "V/s"), "rate_v_s": ("sweep rate", "V/s")}
UNITS = {"thickness": "m", "temperature": "K", "width": "s", "size": "m", "resistance": "ohm", "rate": "V/s"}


def find_factors(values: pd.DataFrame, missing: bool = False) -> list[Factor]:
    """Return the numeric conditions that vary over the values of a quantity; or those that too many names do not hold.

    Parameters
    ----------
    values : pandas.DataFrame
    missing : bool
        Whether those are returned that are missing in more than a few names.
    """
    names = [name for name in values if str(name).startswith("key_") and pd.api.types.is_numeric_dtype(values[name])]
    found = []
    for name in ["compliance_a", *map(str, names)]:
        known = values[name].dropna() if name in values else pd.Series(dtype=float)
        if known.nunique() < 2 or not np.isfinite(known).all():
            continue
        if (len(values) - len(known) > MOST_MISSING * len(values)) != missing:
            continue
        own = name.removeprefix("key_")
        words, unit = LABELS.get(name, (own, UNITS.get(own, "")))
        log = bool(known.min() > 0 and known.max() >= DECADES * known.min())
        found.append(Factor(name=name, label=words, unit=unit, log=log))
    return found


def missing(values: pd.DataFrame, quantity: str) -> list[str]:
    """Return a sentence for each condition that too many names do not hold for its effect to be tested."""
    found = []
    for each in find_factors(values, missing=True):
        absent = f"{int(values[each.name].isna().sum())} of {len(values)} values"
        words = f"The {each.label} of {absent} of {label(quantity)} is not known: its effect is not tested."
        found.append(words)
    return found


@dataclass(frozen=True, eq=False)
class Model:
    """Mixed model of one quantity.

    Attributes
    ----------
    quantity : Quantity
    values : pandas.DataFrame
        One row per value: low, high and the keys.
    found : Components
    factors : list of Factor
        That enter, in the order of the regressors after the constant.
    x : ndarray, shape (n, p)
    groups : dict of str to ndarray
        Group of each value by level, of the levels that differ.
    """

    quantity: Quantity
    values: pd.DataFrame
    found: Components
    factors: list[Factor]
    x: np.ndarray
    groups: dict[str, np.ndarray]

    @property
    def residual(self) -> str:
        """Name of the innermost level."""
        return "cycle" if "cell" in self.groups else "cell"


def scale(values: pd.DataFrame, quantity: Quantity) -> tuple[np.ndarray, np.ndarray]:
    """Return bounds of the values on the scale of the analysis: decades of a conductance."""
    low, high = values["low"].to_numpy(float), values["high"].to_numpy(float)
    if not quantity.log:
        return low, high
    with np.errstate(divide="ignore"):
        return np.log10(low), np.log10(high)


def group_levels(values: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the group of each value at each level that differs from the next inner one, outermost first.

    Wafers and dies are levels if the names hold them, files if those of a cell hold several cycles each.
    """
    cell = values["cell"].astype(str)
    names = {
        "wafer": values["wafer"].astype(str),
        "die": values["wafer"].astype(str) + "\0" + values["die"].astype(str),
        "cell": cell,
        "file": cell + "\0" + values["file"].astype(str) if "file" in values else cell,
    }
    levels = [each for each in ("wafer", "die") if (values[each].astype(str) != "").any()] + ["cell"]
    if names["cell"].nunique() < names["file"].nunique() < MOST_FILES * len(values):
        levels.append("file")
    found: dict[str, np.ndarray] = {}
    above = 1
    for k, level in enumerate(levels):
        codes = pd.factorize(names[level])[0]
        inner = names[levels[k + 1]].nunique() if k + 1 < len(levels) else len(values)
        number = int(codes.max()) + 1 if len(codes) else 0
        if above < number < inner:
            found[level] = codes
            above = number
    return found


def fit_model(values: pd.DataFrame, quantity: str, factors: Sequence[Factor], seed: int = 0) -> Model | None:
    """Fit the mixed model of one quantity; None where the values are too few, or mostly bounds.

    Parameters
    ----------
    values : pandas.DataFrame
        See `devicekit.population.join.values_of`.
    quantity : str
    factors : sequence of Factor
        Conditions to enter; those that others determine are left out, and values without one of them.
    seed : int
        Seed of the draws for values that are only bounds.
    """
    about = QUANTITIES[quantity]
    values = values.dropna(subset=[each.name for each in factors])
    if len(values) < FEWEST or values["cell"].nunique() < 2:
        return None
    low, high = scale(values, about)
    if (low != high).mean() > MOST_HIDDEN or np.ptp(low[low == high]) == 0:
        return None
    x, entered = np.ones((len(values), 1)), list[Factor]()
    for factor in factors:
        z = factor.scaled(values[factor.name].to_numpy(float))
        wider = np.column_stack([x, (z - z.mean()) / max(z.std(), 1e-300)])
        if len(values) > wider.shape[1] + 3 and np.linalg.cond(wider) < 30.0:
            x, entered = wider, [*entered, factor]
    groups = group_levels(values)
    found = fit_values(Values(low, high, x, list(groups.values()), tuple(groups)), seed)
    return Model(about, values, found, entered, x, groups)


def components_of(model: Model) -> list[Component]:
    """Return the components with their intervals, the outermost first."""
    total = float(model.found.variances.sum())
    counts = [*model.found.design.counts, model.found.design.n]
    return [
        Component(
            quantity=model.quantity.name,
            level=name,
            groups=counts[k],
            sd=interval(model.found, k),
            unit=unit_of(model.quantity),
            share=float(model.found.variances[k]) / total,
        )
        for k, name in enumerate([*model.groups, model.residual])
    ]


def stratum(groups: dict[str, np.ndarray], values: np.ndarray) -> str:
    """Return the innermost level within whose groups a condition varies; "" if it varies between the outermost only."""
    whole = float(((values - values.mean()) ** 2).sum())
    for name in reversed(groups):
        spread = pd.Series(values).groupby(groups[name]).transform(lambda own: own - own.mean())
        if float((spread**2).sum()) > 0.05 * whole:
            return name
    return ""


def _varies(model: Model, factor: Factor) -> tuple[str, int]:
    """Return where a condition varies, and the degrees of freedom of its test.

    These are those of the groups within which it varies, less one for each condition that varies there too.
    """
    where = {each.name: stratum(model.groups, model.values[each.name].to_numpy(float)) for each in model.factors}
    own = where[factor.name]
    terms = sum(each == own for each in where.values())
    names = list(model.groups)
    numbers = [1, *(int(codes.max()) + 1 for codes in model.groups.values()), model.found.design.n]
    at = names.index(own) + 1 if own else 0
    words = f"within {PLURAL[own]}" if own else f"between {PLURAL[next(iter(names), model.residual)]}"
    return words, numbers[at + 1] - numbers[at] - terms


def effects_of(model: Model) -> list[Effect]:
    """Return what each condition does to the quantity, without correction for the number of tests."""
    found = []
    for k, factor in enumerate(model.factors, 1):
        z = factor.scaled(model.values[factor.name].to_numpy(float))
        reach = float(np.ptp(z)) / float(z.std())
        varies, degrees = _varies(model, factor)
        value = float(model.found.solution.beta[k]) * reach
        error = float(np.sqrt(model.found.solution.covariance[k, k])) * reach
        levels = np.unique(model.values[factor.name])
        enough = degrees >= 1
        wide = t_quantile(0.975, degrees) * error if enough else np.nan
        change = Estimate.symmetric(value, wide) if enough else Estimate(np.nan, reason="one group a level")
        curved = _curvature(model, z, degrees) if enough and len(levels) > 2 else np.nan
        found.append(
            Effect(
                quantity=model.quantity.name,
                factor=factor.label,
                change=change,
                unit=unit_of(model.quantity),
                levels=len(levels),
                low=float(levels[0]),
                high=float(levels[-1]),
                level_unit=factor.unit,
                varies=varies,
                degrees=degrees,
                p=p_value(value / error, degrees) if enough else np.nan,
                curvature_p=curved,
            )
        )
    return found


def p_value(t: float, degrees: float) -> float:
    """Return the two-sided p value of Student's t."""
    from scipy import special

    return float(2.0 * special.stdtr(degrees, -abs(t)))


def _curvature(model: Model, z: np.ndarray, degrees: int) -> float:
    """Return the p value of a square term, at the variances of the model."""
    if degrees < 2:
        return np.nan
    from devicekit.population.nested import Design, solve

    u = (z - z.mean()) / z.std()
    x = np.column_stack([model.x, u**2 - np.mean(u**2)])
    if np.linalg.cond(x) > 100.0:
        return np.nan
    design = Design.of(centres(model), x, list(model.groups.values()), tuple(model.groups))
    found = solve(design, model.found.variances)
    return p_value(float(found.beta[-1] / np.sqrt(found.covariance[-1, -1])), degrees - 1)


def centres(model: Model) -> np.ndarray:
    """Return one value for each row: the mean of the draws of one that is only a bound."""
    low, high = scale(model.values, model.quantity)
    known = low == high
    bound = np.where(np.isfinite(low), low, high)
    deviation = float(np.sqrt(model.found.variances[-1]))
    return np.where(known, low, bound + np.where(np.isfinite(low), 0.8, -0.8) * deviation)


def correct(found: Sequence[Effect]) -> tuple[Effect, ...]:
    """Return the effects of all quantities with p values corrected by Holm's step-down."""
    from dataclasses import replace

    corrected = holm(np.array([each.p for each in found], float))
    return tuple(replace(each, p_holm=float(p)) for each, p in zip(found, corrected, strict=True))
