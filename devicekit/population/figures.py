"""Panels of a population, from arrays: distributions, components, conditions, yields, maps, order, sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.core.quantities import Quantity
from devicekit.plot import COLOURS, Axis, Curve, Image, Panel, array_map
from devicekit.population.components import PLURAL, Component, Effect, Model, centres
from devicekit.population.distributions import STEP_NAMES, Yield, order
from devicekit.population.nested import Design, solve

HUES = ("C0", "C1", "C2", "C3", "C4", "C5", "C6", "C7")
MOST_LINES = 8  # cells with a colour each
GRID = 40  # points of a fitted curve
MOST_POINTS = 300  # of a curve of many values
GAP = 1  # empty columns between dies
WIDE = 10.0  # ratio of values from which a scale is logarithmic
MOST_SIDE = 400  # rows or columns of a map


def thin(size: int) -> np.ndarray:
    """Return positions of some of many points: all at the ends, evenly spread between."""
    if size <= MOST_POINTS:
        return np.arange(size)
    ends = MOST_POINTS // 10
    middle = np.linspace(ends, size - 1 - ends, MOST_POINTS - 2 * ends).round().astype(int)
    return np.r_[np.arange(ends), middle, np.arange(size - ends, size)]


def distributions(shown: Mapping[str, tuple[np.ndarray, np.ndarray, bool]], unit: str) -> Panel:
    """Draw cumulative distributions.

    Parameters
    ----------
    shown : mapping of str to (ndarray, ndarray, bool)
        By label: low and high of each value, and whether the axis is logarithmic.
    unit : str
        SI unit.
    """
    curves = []
    for (name, (low, high, _)), hue in zip(shown.items(), HUES, strict=False):
        x, share = order(low, high)
        at = thin(len(x))
        x, share = x[at], share[at]
        curves.append(Curve(name, np.repeat(x, 2), np.r_[0.0, np.repeat(share, 2)[:-1]], colour=hue, width=1.5))
    log = any(log for _, _, log in shown.values())
    axis = Axis("|voltage|", "V") if unit == "V" else Axis("conductance G", unit, "log" if log else "linear")
    return Panel(axis, Axis("cumulative share", limits=(0.0, 1.0)), curves)


def probability(low: np.ndarray, high: np.ndarray, about: Quantity, kind: str) -> Panel:
    """Draw a probability plot on a Weibull or normal scale, with values beyond the sweep in the share.

    Parameters
    ----------
    low, high : ndarray, shape (n,)
        Equal where the value is known.
    about : Quantity
    kind : {"weibull", "normal"}
    """
    from scipy import special

    x, share = order(low, high)
    p = share - 0.5 * np.diff(share, prepend=0.0)  # middle of each step
    keep = (p > 0) & (p < 1) & (x > 0)
    x, p = x[keep], p[keep]
    at = thin(len(x))
    x, p = x[at], p[at]
    y = np.log(-np.log1p(-p)) if kind == "weibull" else special.ndtri(p)
    log = kind == "weibull" or about.log
    curves = [Curve(about.label, x, y, style=".", colour=COLOURS["ltp"], size=4.0, legend=False)]
    u = np.log(x) if log else x
    if np.unique(x).size > 2:
        slope, height = np.polyfit(u, y, 1)
        ends = np.array([u.min(), u.max()])
        curves.append(Curve("line", np.exp(ends) if log else ends, slope * ends + height, width=1.0, legend=False))
    name = "ln(-ln(1 - F))" if kind == "weibull" else "normal quantile"
    return Panel(Axis(about.label, about.unit, "log" if log else "linear"), Axis(name), curves)


def components(shown: Sequence[Component], labels: Sequence[str], unit: str) -> Panel:
    """Draw standard deviations between groups with their intervals, a row each; an open end goes to twice the value."""
    names = [f"{label}: {PLURAL[each.level]}" for each, label in zip(shown, labels, strict=True)]
    value = np.array([each.sd.value for each in shown])
    ends = [each.sd.ends or (each.sd.value, each.sd.value) for each in shown]
    low, high = (np.array([pair[k] for pair in ends]) for k in (0, 1))
    largest = 1.3 * max(float(value.max(initial=0.0)), float(np.median(high)))
    at = np.arange(len(shown), dtype=float)
    curves = [
        Curve("sd", value, at, "across", "o", low, np.minimum(high, largest), COLOURS["ltp"], size=5.0, legend=False)
    ]
    axis = Axis("standard deviation", unit, limits=(0.0, largest))
    return Panel(axis, Axis("", names=tuple(names)), curves, grid=True)


def yields(shown: Sequence[Yield]) -> Panel:
    """Draw the share of cells and of attempts that did a step, with intervals."""
    at = np.arange(len(shown), dtype=float)
    curves = []
    for name, key, hue, shift in (("cells", "share", "ltp", -0.12), ("attempts", "attempt_share", "ltd", 0.12)):
        found = [getattr(each, key) for each in shown]
        low, high = (np.array([(each.ends or (each.value,) * 2)[k] for each in found]) for k in (0, 1))
        value = np.array([each.value for each in found])
        curves.append(Curve(name, value, at + shift, "across", "o", low, high, COLOURS[hue], size=5.0))
    names = tuple(STEP_NAMES[each.step] for each in shown)
    return Panel(Axis("share", limits=(0.0, 1.02)), Axis("", names=names), curves, grid=True)


def surface(model: Model, effect: Effect) -> Panel:
    """Draw a quantity against a condition: medians of cells at each level, and the model with its 95 % band.

    The curve has a square term where there are three levels or more; other conditions are at their means.
    """
    k = next(n for n, each in enumerate(model.factors, 1) if each.label == effect.factor)
    factor = model.factors[k - 1]
    values = model.values[factor.name].to_numpy(float)
    z = factor.scaled(values)
    u = (z - z.mean()) / z.std()
    x, curved = model.x, effect.levels > 2 and np.isfinite(effect.curvature_p)
    if curved:
        x = np.column_stack([x, u**2 - np.mean(u**2)])
    y = centres(model)
    found = solve(Design.of(y, x, list(model.groups.values()), tuple(model.groups)), model.found.variances)
    grid = np.linspace(z.min(), z.max(), GRID)
    at = (grid - z.mean()) / z.std()
    rows = np.zeros((GRID, x.shape[1]))
    rows[:, 0], rows[:, k] = 1.0, at
    if curved:
        rows[:, -1] = at**2 - np.mean(u**2)
    line = rows @ found.beta
    wide = 1.96 * np.sqrt(np.einsum("ij,jk,ik->i", rows, found.covariance, rows))
    back = (lambda v: 10.0**v) if model.quantity.log else (lambda v: v)
    across = 10.0**grid if factor.log else grid
    medians = pd.DataFrame({"cell": model.values["cell"].to_numpy(), "at": values, "y": y})
    medians = medians.groupby(["cell", "at"], sort=False)["y"].median().reset_index()
    medians = medians.iloc[thin(len(medians))]
    curves = [
        Curve(
            "95 % band",
            across,
            back(line),
            "band",
            low=back(line - wide),
            high=back(line + wide),
            colour="C0",
            alpha=0.2,
        ),
        Curve(
            "cell medians", medians["at"].to_numpy(), back(medians["y"].to_numpy()), style="o", colour="0.5", size=3.5
        ),
        Curve("model", across, back(line), colour="C0", width=1.6),
    ]
    up = Axis(model.quantity.label, model.quantity.unit, "log" if model.quantity.log else "linear")
    return Panel(Axis(factor.label, factor.unit, "log" if factor.log else "linear"), up, curves)


def over_cycles(values: pd.DataFrame, about: Quantity) -> Panel:
    """Draw a quantity over the cycles of the cells with most of them; a cell has a colour up to eight."""
    known = values[values["low"] == values["high"]]
    sizes = known.groupby("cell", sort=False).size().sort_values(ascending=False, kind="stable")
    curves = []
    for cell, hue in zip(sizes.index[:MOST_LINES], HUES, strict=False):
        own = known[known["cell"] == cell].sort_values("cycle", kind="stable")
        curves.append(
            Curve(
                str(cell), own["cycle"].to_numpy(float), own["low"].to_numpy(float), style="o-", colour=hue, width=0.8
            )
        )
    axis = Axis(about.label, about.unit, "log" if about.log else "linear")
    return Panel(Axis("cycle", whole=True), axis, curves, legend="above" if len(curves) <= 4 else "none")


def sweeps(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Panel:
    """Draw |I| of some sweeps against V, by their names."""
    drawn = [
        Curve(name, v, np.where(np.abs(i) > 0, np.abs(i), np.nan), colour=hue, width=1.2)
        for (name, (v, i)), hue in zip(curves.items(), HUES * (1 + len(curves) // len(HUES)), strict=False)
    ]
    return Panel(
        Axis.of("voltage_v"), Axis("|current I|", "A", "log"), drawn, legend="none" if len(drawn) > 4 else "in"
    )


def positions(cells: pd.DataFrame) -> pd.DataFrame | None:
    """Return the cells with a place on the map of their wafer: columns x and y; None where places are unknown.

    A die is placed by its two numbers, and a cell in it by row and column; else they fill a square in their order.
    """
    own = cells.copy()
    if "row" in own and "column" in own:
        inside = own[["row", "column"]].apply(pd.to_numeric, errors="coerce")
    else:
        inside = _square(own.groupby(["wafer", "die"], sort=False).cumcount())
    if inside.isna().any(axis=None) or (inside % 1 != 0).any(axis=None):
        return None
    inside = inside - inside.min()
    pairs = own["die"].astype(str).str.extract(r"^\s*(-?\d+)\s*[,;xX ]\s*(-?\d+)\s*$").astype(float)
    if pairs.isna().any(axis=None):
        number = own.groupby("wafer", sort=False)["die"].transform(lambda each: pd.factorize(each)[0]).astype(float)
        pairs = _square(number).rename(columns={"column": 0, "row": 1})[[0, 1]]
    pairs = pairs.apply(lambda own: own.rank(method="dense") - 1)  # without the rows of dies that were not measured
    tall, wide = inside["row"].max() + 1 + GAP, inside["column"].max() + 1 + GAP
    own["x"] = (pairs[0] * wide + inside["column"]).astype(int)
    own["y"] = (pairs[1] * tall + inside["row"]).astype(int)
    if max(own["x"].max(), own["y"].max()) > MOST_SIDE or own.duplicated(["wafer", "x", "y"]).any():
        return None
    return own


def _square(number: pd.Series) -> pd.DataFrame:
    """Return row and column of things that are counted from 0, in a square that holds them all."""
    side = int(np.ceil(np.sqrt(float(number.max()) + 1.0)))
    return pd.DataFrame({"row": number // side, "column": number % side}).astype(float)


def maps(placed: pd.DataFrame, name: str, label: str, unit: str, log: bool) -> list[Image]:
    """Draw a number of each cell over the place on its wafer, with one colour scale for all wafers."""
    images = []
    known = placed[name].to_numpy(float)
    known = known[np.isfinite(known)]
    log = log and known.size > 0 and known.max() > WIDE * known.min()  # ticks of decades would say nothing
    corners = [(int(placed["y"].min()), int(placed["x"].min())), (int(placed["y"].max()), int(placed["x"].max()))]
    for wafer, own in placed.groupby("wafer", sort=False):
        title = f"wafer {wafer!s}" if wafer else ""
        rows, columns, values = own["y"].to_numpy(int), own["x"].to_numpy(int), own[name].to_numpy(float)
        taken = set(zip(rows.tolist(), columns.tolist(), strict=True))
        free = [each for each in corners if each not in taken]  # all wafers on one grid
        rows, columns = np.r_[rows, [y for y, _ in free]].astype(int), np.r_[columns, [x for _, x in free]].astype(int)
        image = array_map(rows, columns, np.r_[values, np.full(len(free), np.nan)], label, title, log, unit=unit)
        across, down = (replace(each, label=f"position {name}") for each, name in ((image.x, "x"), (image.y, "y")))
        images.append(replace(image, x=across, y=down, numbers=False))
    if known.size and known.min() < known.max():
        images = [replace(each, limits=(float(known.min()), float(known.max()))) for each in images]
    return images
