"""Figures of many devices, from arrays with labels and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.features.stats import ranks
from devicekit.plot import Axis, Curve, Panel
from devicekit.plot.style import GREY, RAMP, ramp

MOST_LINES = 200  # lines of an overlay
MOST_POINTS = 500  # points of a distribution, evenly along its ranks with both ends
MOST_NAMES = 8  # names in a legend, each with a colour of its own
# distinct with every kind of colour vision in this order, each with a pair for dark pages
DISTINCT = ("#0b6fa4", "#c4501b", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#17becf")


@dataclass(frozen=True, eq=False)
class Line:
    """One device of an overlay.

    Parameters
    ----------
    name : str
    x, y : ndarray, shape (n,)
        In the units of the axes.
    value : float
        Number that sets the colour; NaN if unknown.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    value: float = np.nan


def shares(values: Sequence[float], log: bool = False) -> np.ndarray:
    """Return the positions of values between their smallest (0) and largest (1), optionally on a log scale.

    Parameters
    ----------
    values : sequence of float, shape (n,)
    log : bool

    Returns
    -------
    ndarray, shape (n,)
        A single value, or equal ones, are at 0.5; NaN stays NaN.
    """
    with np.errstate(all="ignore"):
        x = np.log(np.asarray(values, float)) if log else np.asarray(values, float)
    known = x[np.isfinite(x)]
    if not known.size:
        return np.full(x.shape, np.nan)
    low, high = float(known.min()), float(known.max())
    if high <= low:
        return np.where(np.isfinite(x), 0.5, np.nan)
    return np.where(np.isfinite(x), (x - low) / (high - low), np.nan)


def thin(lines: Sequence[Line], most: int = MOST_LINES) -> list[Line]:
    """Limit the number of lines: evenly along the number that sets the colour, including both ends."""
    if len(lines) <= most:
        return list(lines)
    order = sorted(range(len(lines)), key=lambda k: (np.isnan(lines[k].value), lines[k].value))
    return [lines[order[k]] for k in np.unique(np.linspace(0, len(lines) - 1, most).round().astype(int))]


def overlay(
    lines: Sequence[Line], x: Axis, y: Axis, title: str, by: tuple[str, str, str] | None = None, log: bool = False
) -> Panel:
    """Draw one line per device: up to eight in colours of their own, more coloured by a number, or grey if unknown.

    Parameters
    ----------
    lines : sequence of Line
    x, y : Axis
    title : str
        Title of the figure.
    by : tuple of (str, str, str), optional
        Meaning of the colours, and the lowest and highest number in words; None if all are equal.
    log : bool
        True if colours follow the logarithm of the number.
    """
    few = len(lines) <= MOST_NAMES
    colours = DISTINCT[: len(lines)] if few else [ramp(each) for each in shares([line.value for line in lines], log)]
    curves = [
        Curve(line.name, line.x, line.y, width=1.2 if few else 0.8, colour=colour, alpha=0.9, legend=few)
        for line, colour in zip(lines, colours, strict=True)
    ]
    return Panel(x, y, curves, title=title, legend="in" if few else "none", bar=None if few else by)


def cdf(groups: Mapping[str, np.ndarray], x: Axis, of: str) -> Panel:
    """Plot the cumulative distribution by median ranks, one curve per group.

    Parameters
    ----------
    groups : mapping of str to ndarray
        Values by name of the group; values that are not finite are left out. At most 500 are shown, with their ranks
        among all values.
    x : Axis
    of : str
        Plural of the counted things: "devices", "sweeps".
    """
    found = {name: ranks(np.asarray(values, float)) for name, values in groups.items()}
    sizes = {name: pair[0].size for name, pair in found.items() if pair[0].size}
    found = {name: _subsample(*found[name]) for name in sizes}
    colours = _group_colours(len(found))
    few = len(found) <= MOST_NAMES
    curves = [
        Curve(f"{name} ({sizes[name]})", values, p, style=style, colour=colour, legend=few, width=0.9, size=4.0)
        for (name, (values, p)), colour in zip(found.items(), colours, strict=True)
        for style in (".-" if values.size < 60 else "-",)
    ]
    legend = "in" if 1 < len(found) <= MOST_NAMES else "none"
    return Panel(x, Axis(f"share of {of}", limits=(0.0, 1.0)), curves, legend=legend)  # type: ignore[arg-type]


def _group_colours(n: int) -> Sequence[str]:
    """Return a colour for each of n groups: distinct ones up to eight, then a ramp."""
    return DISTINCT[:n] if n <= MOST_NAMES else [ramp(share) for share in shares([*range(n)])]


def _subsample(values: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if values.size <= MOST_POINTS:
        return values, p
    some = np.linspace(0, values.size - 1, MOST_POINTS).round().astype(int)
    return values[some], p[some]


def scatter(groups: Mapping[str, tuple[np.ndarray, np.ndarray]], x: Axis, y: Axis) -> Panel:
    """Plot one number against another, one colour per group.

    Parameters
    ----------
    groups : mapping of str to (ndarray, ndarray)
        x and y by name of the group.
    x, y : Axis
    """
    colours = _group_colours(len(groups))
    curves = [
        Curve(f"{name} ({np.size(pair[0])})", *pair, style="o", colour=colour, size=4.0, alpha=0.8)
        for (name, pair), colour in zip(groups.items(), colours, strict=True)
    ]
    return Panel(x, y, curves, legend="in" if 1 < len(groups) <= MOST_NAMES else "none")


def boxes(groups: Mapping[str, np.ndarray], x: Axis, by: str) -> Panel:
    """Plot the values of each group with quartiles (thick bar), range (thin bar) and median (white dot).

    Parameters
    ----------
    groups : mapping of str to ndarray
        Values by name of the group; a group of fewer than three values has no bars.
    x : Axis
        Axis of the values.
    by : str
        Meaning of the groups.
    """
    curves: list[Curve] = []
    for at, (name, group) in enumerate(groups.items()):
        values = np.sort(np.asarray(group, float)[np.isfinite(group)])
        lift = 0.28 + 0.07 * (np.arange(values.size) % 3)  # beside the box, in three rows
        curves.append(Curve(name, values, at - lift, style="o", size=3.0, alpha=0.6, colour=GREY, legend=False))
        if values.size < 3:
            continue
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        where = np.array([float(at)])

        def bar(
            what: str, ends: tuple[float, float], width: float, place: np.ndarray, centre: float, name: str = name
        ) -> Curve:
            low_end, high_end = (np.array([each]) for each in ends)
            x, words = np.array([centre]), f"{name}, {what}"
            return Curve(words, x, place, "across", "none", low_end, high_end, RAMP[0], width, legend=False)

        curves.append(bar("range", (float(values[0]), float(values[-1])), 1.0, where, float(middle)))
        curves.append(bar("quartiles", (float(low), float(high)), 7.0, where, float(middle)))
        curves.append(
            Curve(f"{name}, median", np.array([middle]), where, style="o", colour="white", size=4.0, legend=False)
        )
    names = tuple(f"{name} ({np.isfinite(values).sum()})" for name, values in groups.items())
    return Panel(x, Axis(by, names=names), curves, legend="none", grid=True)
