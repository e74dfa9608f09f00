"""Two populations compared, such as process splits: cycles of one cell are not independent, and cells are the units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from devicekit.core.estimates import Estimate
from devicekit.core.records import Record, cell, column, internal
from devicekit.core.statistics import t_quantile
from devicekit.core.text import percent
from devicekit.features.stats import holm
from devicekit.population.components import Factor, find_factors, fit_model, label, p_value, stratum, unit_of
from devicekit.population.join import DEAD, QUANTITIES, values_of

PERMUTATIONS = 9999
FEWEST_CELLS = 3  # of each population
FEWEST_UNITS = 3  # wafers or dies of both populations together, of which one has two at least
ALIKE = 0.1  # correlation of a condition with the populations, up to which it does not differ between them
_OUTSIDE = {"wafers": (), "dies": ("wafer",), "cells": ("wafer", "die")}  # levels that the populations share, or are


@dataclass(frozen=True, kw_only=True)
class Comparison(Record):
    """Difference of two populations in one quantity."""

    quantity: str = column("quantity", text=lambda name: label(name) if name in QUANTITIES else name, doc="quantity")
    first: str = column(doc="name of the first population")
    second: str = column(doc="name of the second")
    n_cells: tuple[int, int] = column(
        "cells", name="cells", text=lambda pair: f"{pair[0]}, {pair[1]}", doc="cells of each"
    )
    difference: Estimate = column(doc="second minus first: of means by the mixed model, of shares for yields")
    unit: str = column(doc="unit of the difference")

    @cell("second minus first (95 %)")
    def difference_text(self) -> str:
        """Difference with its interval."""
        if self.unit == "share":
            text = percent(self.difference.value)
            return (
                f"{text} ({percent(self.difference.low)} to {percent(self.difference.high)})"
                if self.difference.ends
                else text
            )
        if self.difference.ends is None:
            return f"{self.difference.value:+.3g} {self.unit}"
        low, high = self.difference.ends
        return f"{self.difference.value:+.3g} {self.unit} ({low:+.3g} to {high:+.3g})"

    p: float = column("p", text="{:.2g}".format, doc="p value of no difference: Student's t over the units")
    p_permutation: float = column("p by permutation", text="{:.2g}".format, doc="p value by permuting whole units")
    p_holm: float = column("p, all tests", text="{:.2g}".format, default=np.nan, doc="p corrected for all tests")
    unit_of_test: str = column("units", doc="what is permuted: cells, dies or wafers")
    degrees: int = column(doc="degrees of freedom of the interval")

    not_held: tuple[str, ...] = internal(
        "conditions that differ between the populations and cannot be held", default=()
    )

    @property
    def seen(self) -> bool:
        """True if it is significant among all tests."""
        return self.p_holm < 0.05


def compare(
    steps: pd.DataFrame, cells: pd.DataFrame, by: str, names: tuple[str, str], seed: int = 0
) -> list[Comparison]:
    """Compare two populations in all quantities and in the yield of working cells.

    Parameters
    ----------
    steps, cells : pandas.DataFrame
        See `devicekit.population.join`.
    by : str
        Column of both that names the population.
    names : (str, str)
        Its two values.
    seed : int
        Seed of the permutations.
    """
    states = dict(zip(cells["cell"], cells["state"], strict=True))
    found = []
    for quantity in QUANTITIES:
        values = values_of(steps, quantity, states)
        values = values[values[by].astype(str).isin(names)] if len(values) else values
        if len(values) and (own := _compare_values(values, quantity, by, names, seed)) is not None:
            found.append(own)
    own = _compare_yields(cells, by, names, seed)
    found += [own] if own is not None else []
    corrected = holm(np.array([each.p for each in found], float))
    return [replace(each, p_holm=float(p)) for each, p in zip(found, corrected, strict=True)]


def _units(values: pd.DataFrame, by: str, names: Sequence[str]) -> tuple[str, pd.Series]:
    """Return the outermost level of which no unit is in both populations, and that has a spread within them.

    Of one wafer a population the spread between wafers is unknown, and dies are the next units; of one die cells are.
    """
    levels = {
        "wafers": values["wafer"].astype(str),
        "dies": values["wafer"].astype(str) + "\0" + values["die"].astype(str),
        "cells": values["cell"].astype(str),
    }
    for name, codes in levels.items():
        groups = values.groupby(codes)[by].nunique()
        numbers = [codes[values[by].astype(str) == each].nunique() for each in names]
        if name != "cells" and (groups == 1).all() and sum(numbers) >= FEWEST_UNITS:
            return name, codes
    return "cells", levels["cells"]


def _compare_values(
    values: pd.DataFrame, quantity: str, by: str, names: tuple[str, str], seed: int
) -> Comparison | None:
    second = (values[by].astype(str) == names[1]).to_numpy()
    numbers = tuple(int(values.loc[where, "cell"].nunique()) for where in (~second, second))
    if min(numbers) < FEWEST_CELLS:
        return None
    unit, codes = _units(values, by, names)
    own = values.assign(_second=second.astype(float), _unit=codes)
    if unit == "dies":
        own["die"] = codes  # of two wafers they may have the same names
    for level in _OUTSIDE[unit]:
        own[level] = ""
    held = _conditions(own, by)
    factor = Factor(name="_second", label=by, unit="", log=False)
    model = fit_model(own, quantity, [factor, *held], seed)
    if model is None or not model.factors or model.factors[0].name != "_second":
        return None
    own, entered = model.values, model.factors[1:]
    step = 1.0 / float(own["_second"].std(ddof=0))
    value = float(model.found.solution.beta[1]) * step
    error = float(np.sqrt(model.found.solution.covariance[1, 1])) * step
    between = sum(_is_between(own, each) for each in entered)
    degrees = own["_unit"].nunique() - 2 - between
    if degrees < 1:
        return None
    rest = model.x[:, 2:] @ model.found.solution.beta[2:]
    return Comparison(
        quantity=quantity,
        first=names[0],
        second=names[1],
        n_cells=(numbers[0], numbers[1]),
        difference=Estimate.symmetric(value, t_quantile(0.975, degrees) * error),
        unit=unit_of(model.quantity),
        p=p_value(value / error, degrees),
        p_permutation=np.nan if between else _permute(own, rest, quantity, seed),
        unit_of_test=unit,
        degrees=degrees,
        not_held=tuple(_not_held(own, by, model.x[:, [0, *range(2, model.x.shape[1])]], entered)),
    )


def _is_between(own: pd.DataFrame, factor: Factor) -> bool:
    """Return whether a condition varies between units only, and costs a degree of freedom."""
    return not stratum({"unit": pd.factorize(own["_unit"])[0]}, own[factor.name].to_numpy(float))


def _conditions(own: pd.DataFrame, by: str) -> list[Factor]:
    """Return the conditions that are held: as many of those between units as leave a degree of freedom."""
    found, free = [], own["_unit"].nunique() - 3
    for each in find_factors(own):
        if each.name == by:
            continue
        known = own[own[each.name].notna()]
        costs = _is_between(known, each)
        if not costs or free > 0:
            found.append(each)
            free -= costs
    return found


def _not_held(own: pd.DataFrame, by: str, x: np.ndarray, entered: Sequence[Factor]) -> list[str]:
    """Return the conditions that differ between the populations beyond what those that are held explain."""
    second, known = own["_second"].to_numpy(float), {by, *(each.name for each in entered)}
    found = []
    for each in find_factors(own):
        rows = own[each.name].notna().to_numpy()
        z = each.scaled(own[each.name].to_numpy(float)[rows])
        z = (z - z.mean()) / z.std()
        rest = z - x[rows] @ np.linalg.lstsq(x[rows], z, rcond=None)[0]
        if each.name not in known and rest.std() > 0.05 and np.ptp(second[rows]) > 0:
            found += [each.label] if abs(np.corrcoef(rest, second[rows])[0, 1]) > ALIKE else []
    words = [str(name) for name in own if str(name).startswith("key_") and name != by]
    for name in (each for each in words if not pd.api.types.is_numeric_dtype(own[each])):
        sides = [set(own.loc[second == side, name].dropna().astype(str)) for side in (0.0, 1.0)]
        found += [name.removeprefix("key_")] if all(sides) and not sides[0] & sides[1] else []
    return found


def _permute(values: pd.DataFrame, rest: np.ndarray, quantity: str, seed: int) -> float:
    """Return the p value of the difference of the means of units, with the populations of whole units permuted."""
    size = values["low"].to_numpy(float)
    size = np.log10(size) if QUANTITIES[quantity].log else size
    frame = values[["cell"]].assign(unit=values["_unit"], size=size - rest, second=values["_second"] > 0.5)
    of_cells = frame.groupby(["unit", "cell"], sort=False).agg(size=("size", "mean"), second=("second", "first"))
    units = of_cells.groupby("unit", sort=False).agg(size=("size", "mean"), second=("second", "first"))
    y, z = units["size"].to_numpy(float), units["second"].to_numpy(bool)
    return permuted(y, z, seed)


def permuted(y: np.ndarray, z: np.ndarray, seed: int) -> float:
    """Return the p value of the difference of two means of units, one of them where z is true."""
    rng = np.random.default_rng(seed)
    order = rng.permuted(np.tile(z, (PERMUTATIONS, 1)), axis=1)
    ones = z.sum()
    drawn = np.abs(order @ y / ones - (~order) @ y / (len(y) - ones))
    seen = abs(float(y[z].mean() - y[~z].mean()))
    return float((1 + (drawn >= seen - 1e-12).sum()) / (1 + PERMUTATIONS))


def _compare_yields(cells: pd.DataFrame, by: str, names: tuple[str, str], seed: int) -> Comparison | None:
    """Return the difference in the share of cells that ever switch: of wafers or dies, else of cells."""
    known = cells[(cells["state"] != "unknown") & cells[by].astype(str).isin(names)]
    second = (known[by].astype(str) == names[1]).to_numpy()
    sizes = int((~second).sum()), int(second.sum())
    if min(sizes) < FEWEST_CELLS:
        return None
    unit, codes = _units(known, by, names)
    good = (~known["state"].isin(DEAD)).to_numpy(float)
    test = _shares_of_cells if unit == "cells" else partial(_shares_of_units, codes=codes.to_numpy(), seed=seed)
    difference, p, degrees = test(good, second)
    return Comparison(
        quantity="cells that switch",
        first=names[0],
        second=names[1],
        n_cells=sizes,
        difference=difference,
        unit="share",
        p=p,
        p_permutation=p,
        unit_of_test=unit,
        degrees=degrees,
    )


def _shares_of_cells(good: np.ndarray, second: np.ndarray) -> tuple[Estimate, float, int]:
    """Return the difference of two shares of independent cells, and p by Fisher's exact test."""
    from scipy import stats

    sizes = [int((~second).sum()), int(second.sum())]
    hits = [int(good[~second].sum()), int(good[second].sum())]
    shares = [own / n for own, n in zip(hits, sizes, strict=True)]
    p = float(stats.fisher_exact([[hits[0], sizes[0] - hits[0]], [hits[1], sizes[1] - hits[1]]])[1])
    ends = [stats.binomtest(own, n).proportion_ci(method="wilson") for own, n in zip(hits, sizes, strict=True)]
    value = shares[1] - shares[0]  # interval by Newcombe, from the two of Wilson
    low = value - float(np.hypot(shares[1] - ends[1].low, ends[0].high - shares[0]))
    high = value + float(np.hypot(ends[1].high - shares[1], shares[0] - ends[0].low))
    return Estimate(value, low, high), p, 0


def _shares_of_units(
    good: np.ndarray, second: np.ndarray, *, codes: np.ndarray, seed: int
) -> tuple[Estimate, float, int]:
    """Return the difference of the mean shares of wafers or dies with Student's interval, and p by permuting these."""
    frame = pd.DataFrame({"unit": codes, "good": good, "second": second})
    units = frame.groupby("unit", sort=False).agg(good=("good", "mean"), second=("second", "first"))
    y, z = units["good"].to_numpy(float), units["second"].to_numpy(bool)
    value, degrees = float(y[z].mean() - y[~z].mean()), len(y) - 2
    rest = float(((y[z] - y[z].mean()) ** 2).sum() + ((y[~z] - y[~z].mean()) ** 2).sum())
    wide = t_quantile(0.975, degrees) * float(np.sqrt(rest / degrees * (1 / z.sum() + 1 / (~z).sum())))
    if rest == 0:
        found = Estimate(value, reason="no spread between the units")
    else:
        found = Estimate(value, max(value - wide, -1.0), min(value + wide, 1.0))
    return found, permuted(y, z, seed), degrees
