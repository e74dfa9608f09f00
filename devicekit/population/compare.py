"""Two populations compared, such as process splits: cycles of one cell are not independent, and cells are the units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from devicekit.core.estimates import Estimate
from devicekit.core.records import Record, cell, column, internal
from devicekit.core.statistics import t_quantile
from devicekit.core.text import percent
from devicekit.features.stats import holm
from devicekit.population.components import (
    SIGNIFICANT,
    Factor,
    find_factors,
    fit_model,
    label,
    p_value,
    stratum,
    unit_of,
)
from devicekit.population.join import DEAD, QUANTITIES, UNTRIED

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

    p: float = column(doc="p value of no difference in this quantity alone: Student's t over the units")
    p_holm: float = column(
        "p, all quantities", text="{:.2g}".format, default=np.nan, doc="p by Holm for all quantities"
    )
    p_permutation: float = column(
        "p alone, by permutation", text="{:.2g}".format, doc="p value of this quantity alone, by permuting whole units"
    )
    unit_of_test: str = column("units", doc="what is permuted: cells, dies or wafers")
    degrees: int = column(doc="degrees of freedom of the interval")

    not_held: tuple[str, ...] = internal(
        "conditions that differ between the populations and cannot be held", default=()
    )

    @property
    def seen(self) -> bool:
        """True if it is significant among all quantities."""
        return self.p_holm < SIGNIFICANT


def compare(
    found_values: Mapping[str, pd.DataFrame], cells: pd.DataFrame, by: str, names: tuple[str, str], seed: int = 0
) -> list[Comparison]:
    """Compare two populations in all quantities and in the yield of working cells.

    Parameters
    ----------
    found_values : mapping of str to pandas.DataFrame
        Values of each quantity (`devicekit.population.join.all_values`).
    cells : pandas.DataFrame
    by : str
        Column of all that names the population.
    names : (str, str)
        Its two values.
    seed : int
        Seed of the permutations.
    """
    found = []
    for quantity, values in found_values.items():
        values = values[values[by].astype(str).isin(names)] if len(values) else values
        if len(values) and (own := _compare_values(values, quantity, by, names, seed)) is not None:
            found.append(own)
    own = _compare_yields(cells, by, names, seed)
    found += [own] if own is not None else []
    corrected = holm(np.array([each.p for each in found], float))
    return [replace(each, p_holm=float(p)) for each, p in zip(found, corrected, strict=True)]


def _codes(values: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the unit of each row at each level."""
    return {
        "wafers": values["wafer"].astype(str),
        "dies": values["wafer"].astype(str) + "\0" + values["die"].astype(str),
        "cells": values["cell"].astype(str),
    }


def _units(values: pd.DataFrame, by: str, names: Sequence[str]) -> tuple[str, pd.Series]:
    """Return the outermost level of which no unit is in both populations, and that has a spread within them.

    Of one wafer a population the spread between wafers is unknown, and dies are the next units; of one die cells are.
    """
    levels = _codes(values)
    for name, codes in levels.items():
        groups = values.groupby(codes)[by].nunique()
        numbers = [codes[values[by].astype(str) == each].nunique() for each in names]
        if name != "cells" and (groups == 1).all() and sum(numbers) >= FEWEST_UNITS:
            return name, codes
    return "cells", levels["cells"]


def shared(values: pd.DataFrame, by: str, names: Sequence[str]) -> tuple[str, pd.Series] | None:
    """Return the level outside the units of which some hold both populations, and which rows lie in these.

    What differs between wafers or dies then enters neither the difference nor its interval; those that hold one
    population only say nothing about it. None if none holds both, these hold too few cells of one, or the units lie in
    no other level.
    """
    unit, _ = _units(values, by, names)
    if unit == "wafers":
        return None
    codes = values["wafer"].astype(str)
    if unit == "cells":
        codes = codes + "\0" + values["die"].astype(str)
    both = values[by].astype(str).groupby(codes).nunique() == 2
    level = "wafers" if unit == "dies" or (values["die"].astype(str) == "").all() else "dies"
    if not both.any() or len(both) == 1:
        return None
    inside = codes.map(both).astype(bool)
    fewest = values[inside].groupby(values[by].astype(str))["cell"].nunique().min()
    return (level, inside) if fewest >= FEWEST_CELLS else None


def _compare_values(
    values: pd.DataFrame, quantity: str, by: str, names: tuple[str, str], seed: int
) -> Comparison | None:
    unit, inside = _units(values, by, names)[0], shared(values, by, names)
    values = values if inside is None else values[inside[1]]
    second = (values[by].astype(str) == names[1]).to_numpy()
    numbers = tuple(int(values.loc[where, "cell"].nunique()) for where in (~second, second))
    if min(numbers) < FEWEST_CELLS:
        return None
    codes = _codes(values)[unit]
    own = values.assign(_second=second.astype(float), _unit=codes, _stratum="")
    if unit == "dies":
        own["die"] = codes  # of two wafers they may have the same names
    if inside is not None:
        own["_stratum"] = own["wafer"].astype(str) + ("" if unit == "dies" else "\0" + own["die"].astype(str))
    for level in _OUTSIDE[unit] if inside is None else ():
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
    degrees = own["_unit"].nunique() - own["_stratum"].nunique() - 1 - between
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
    found, free = [], own["_unit"].nunique() - own["_stratum"].nunique() - 2
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
    frame = values[["cell"]].assign(
        unit=values["_unit"], size=size - rest, second=values["_second"] > 0.5, stratum=values["_stratum"]
    )
    first = {"second": ("second", "first"), "stratum": ("stratum", "first")}
    of_cells = frame.groupby(["unit", "cell"], sort=False).agg(size=("size", "mean"), **first)
    units = of_cells.groupby("unit", sort=False).agg(size=("size", "mean"), **first)
    return permuted(units["size"].to_numpy(float), units["second"].to_numpy(bool), seed, units["stratum"].to_numpy())


def permuted(y: np.ndarray, z: np.ndarray, seed: int, strata: np.ndarray | None = None) -> float:
    """Return the p value of the difference of two means of units, one of them where z is true.

    With strata, which hold both, units are exchanged within each, and the differences are weighted (`weights`).
    """
    rng = np.random.default_rng(seed)
    drawn, seen = np.zeros(PERMUTATIONS), 0.0
    codes = np.zeros(len(y), int) if strata is None else pd.factorize(strata)[0]
    parts = [np.flatnonzero(codes == k) for k in range(codes.max() + 1)]
    for rows, weight in zip(parts, weights(z, parts), strict=True):
        own, mark = y[rows], z[rows]
        order, ones = rng.permuted(np.tile(mark, (PERMUTATIONS, 1)), axis=1), mark.sum()
        drawn += weight * (order @ own / ones - (~order) @ own / (len(own) - ones))
        seen += weight * float(own[mark].mean() - own[~mark].mean())
    return float((1 + (np.abs(drawn) >= abs(seen) - 1e-12).sum()) / (1 + PERMUTATIONS))


def weights(z: np.ndarray, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return the weight of the difference in each stratum, by Mantel and Haenszel: that of least variance."""
    found = np.array([z[rows].sum() * (~z[rows]).sum() / len(rows) for rows in parts], float)
    return np.asarray(found / found.sum())


def _compare_yields(cells: pd.DataFrame, by: str, names: tuple[str, str], seed: int) -> Comparison | None:
    """Return the difference in the share of cells that ever switch: of wafers or dies, else of cells."""
    known = cells[(cells["state"] != UNTRIED) & cells[by].astype(str).isin(names)]
    inside = shared(known, by, names)
    unit = _units(known, by, names)[0]
    known = known if inside is None else known[inside[1]]
    second = (known[by].astype(str) == names[1]).to_numpy()
    sizes = int((~second).sum()), int(second.sum())
    if min(sizes) < FEWEST_CELLS:
        return None
    codes = _codes(known)
    good = (~known["state"].isin(DEAD)).to_numpy(float)
    strata = None if inside is None else codes["wafers" if unit == "dies" else "dies"].to_numpy()
    if unit == "cells":
        difference, p, degrees = _shares_of_cells(good, second, strata, seed)
    elif (found := _shares_of_units(good, second, codes[unit].to_numpy(), strata, seed)) is not None:
        difference, p, degrees = found
    else:
        return None
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


def _shares_of_cells(
    good: np.ndarray, second: np.ndarray, strata: np.ndarray | None, seed: int
) -> tuple[Estimate, float, int]:
    """Return the difference of two shares of cells that are independent, within strata, and p by an exact test.

    The interval is that of Newcombe, from two of Wilson; with strata, of the weighted shares and of the numbers of
    cells that these are worth (Kish). That neglects that cells of one stratum are more alike, and is not too narrow.
    """
    from scipy import stats

    codes = np.zeros(len(good), int) if strata is None else pd.factorize(strata)[0]
    parts = [np.flatnonzero(codes == k) for k in range(codes.max() + 1)]
    own = weights(second, parts)
    shares, ends = [], []
    for side in (False, True):
        of_side = [rows[second[rows] == side] for rows in parts]
        share = float(sum(w * good[rows].mean() for w, rows in zip(own, of_side, strict=True)))
        worth = 1.0 / float(sum(w**2 / len(rows) for w, rows in zip(own, of_side, strict=True)))
        shares.append(share)
        ends.append(_wilson(share, worth))
    if strata is None:
        hits = [int(good[second == side].sum()) for side in (False, True)]
        missed = [int((second == side).sum()) - n for side, n in zip((False, True), hits, strict=True)]
        p = float(stats.fisher_exact([[hits[0], missed[0]], [hits[1], missed[1]]])[1])
    else:
        p = permuted(good, second, seed, strata)
    value = shares[1] - shares[0]
    low = value - float(np.hypot(shares[1] - ends[1][0], ends[0][1] - shares[0]))
    high = value + float(np.hypot(ends[1][1] - shares[1], shares[0] - ends[0][0]))
    return Estimate(value, low, high), p, 0


def _wilson(share: float, n: float) -> tuple[float, float]:
    """Return the 95 % interval of a share of n, which need not be whole."""
    z = 1.959964
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    return middle - half, middle + half


def _shares_of_units(
    good: np.ndarray, second: np.ndarray, codes: np.ndarray, strata: np.ndarray | None, seed: int
) -> tuple[Estimate, float, int] | None:
    """Return the difference of the mean shares of wafers or dies, within strata, and p by permuting these.

    The interval is Student's; None if the spread between the units is unknown.
    """
    frame = pd.DataFrame({"unit": codes, "good": good, "second": second, "stratum": "" if strata is None else strata})
    units = frame.groupby("unit", sort=False).agg(
        good=("good", "mean"), second=("second", "first"), stratum=("stratum", "first")
    )
    y, z = units["good"].to_numpy(float), units["second"].to_numpy(bool)
    x = np.column_stack([z, pd.get_dummies(units["stratum"])]).astype(float)
    degrees = len(y) - x.shape[1]
    if degrees < 1:
        return None
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    rest, value = float(((y - x @ beta) ** 2).sum()), float(beta[0])
    wide = t_quantile(0.975, degrees) * float(np.sqrt(rest / degrees * inverse[0, 0]))
    if rest < 1e-12:
        found = Estimate(value, reason="no spread between the units")
    else:
        found = Estimate(value, max(value - wide, -1.0), min(value + wide, 1.0))
    return found, permuted(y, z, seed, units["stratum"].to_numpy()), degrees
