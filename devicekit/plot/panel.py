"""Figures as arrays with labels and units, shared by matplotlib, the CSV and the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from devicekit.core.printing import Printed
from devicekit.core.scales import Scale, Units
from devicekit.plot import wire
from devicekit.plot.axis import OWN, Axis, axis_json, set_axis
from devicekit.plot.style import add_colour_bar, axes, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 20_000  # rows of data embedded with a figure
MOST_LIVE = 20_000  # numbers in a figure that a script draws


@dataclass(frozen=True, eq=False)
class Curve(Printed):
    """One curve of a figure.

    Parameters
    ----------
    name : str
        Name in the CSV, and in the legend without a `label`.
    x, y : ndarray, shape (n,)
        Values in the SI units of the axes.
    kind : {"line", "band", "errors", "across", "bars"}
        Line or dots by `style`; area between `low` and `high`; dots with vertical or horizontal error bars from `low`
        to `high`; horizontal bars from 0 to x at y, with error bars if `low` and `high` are given.
    style : str
        Format string of matplotlib for line and marker.
    low, high : ndarray, shape (n,), optional
        Ends of a band or of bars, in the unit of their axis.
    legend, data : bool
        True to include the curve in the legend, and in the CSV.
    label : str
        Text in the legend, if it is not the name.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    kind: Literal["line", "band", "errors", "across", "bars"] = "line"
    style: str = "-"
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    colour: str = "black"
    width: float = 1.2
    size: float = 3.0
    alpha: float = 1.0
    legend: bool = True
    data: bool = True
    label: str = ""

    def draw(self, ax: Axes) -> None:
        """Draw the curve into an Axes."""
        label = plain(self.label or self.name) if self.legend else None
        bars: Any = None if self.low is None or self.high is None else (self.low, self.high)
        if self.kind == "band":
            ax.fill_between(self.x, *bars, color=self.colour, alpha=self.alpha, lw=0, label=label)
            return
        if self.kind == "bars":
            error = None if bars is None else np.abs(np.array([self.x - bars[0], bars[1] - self.x]))
            ax.barh(
                self.y,
                self.x,
                height=0.6,
                color=self.colour,
                xerr=error,
                label=label,
                ecolor="black",
                capsize=3,
            )
        elif bars is not None:
            at, which = (self.x, "xerr") if self.kind == "across" else (self.y, "yerr")
            look: dict[str, Any] = {
                "fmt": self.style,
                "ms": self.size,
                "lw": self.width,
                "color": self.colour,
                "capsize": 2,
            }
            look[which] = np.maximum(np.array([at - bars[0], bars[1] - at]), 0.0)
            ax.errorbar(self.x, self.y, label=label, **look)
        else:
            ax.plot(
                self.x,
                self.y,
                self.style,
                lw=self.width,
                ms=self.size,
                color=self.colour,
                alpha=self.alpha,
                label=label,
            )

    @property
    def is_across(self) -> bool:
        """True if `low` and `high` lie along the horizontal axis."""
        return self.kind in ("across", "bars")

    def scaled(self, x: Scale, y: Scale) -> Curve:
        """Return the curve in display units."""
        along = x if self.is_across else y
        ends = [None if each is None else along.apply(np.asarray(each, float)) for each in (self.low, self.high)]
        low, high = ends[::-1] if along.inverse else ends
        return replace(
            self, x=x.apply(np.asarray(self.x, float)), y=y.apply(np.asarray(self.y, float)), low=low, high=high
        )


@dataclass(frozen=True, eq=False)
class Panel(Printed):
    """A figure with one pair of axes, in SI units; it is drawn, and written as CSV, with prefixes that fit.

    Parameters
    ----------
    x, y : Axis
    curves : sequence of Curve
        Drawn in order.
    title : str
        Title above the figure.
    notes : sequence of (float, float, str)
        Texts at positions (x, y).
    lines : sequence of (str, float)
        Thin lines at a value of "x" or "y".
    legend : {"in", "above", "none"}
        Position of the legend.
    grid : bool
        True for vertical grid lines.
    bar : tuple of (str, str, str), optional
        Label of the colours from blue to orange, and its lowest and highest value in words.
    """

    x: Axis
    y: Axis
    curves: Sequence[Curve]
    title: str = ""
    notes: Sequence[tuple[float, float, str]] = ()
    lines: Sequence[tuple[str, float]] = ()
    legend: Literal["in", "above", "none"] = "in"
    grid: bool = False
    bar: tuple[str, str, str] | None = None

    def displayed(self, units: Units = OWN) -> Panel:
        """Return the figure in display units: 57 µS instead of 5.7e-5 S.

        Parameters
        ----------
        units : Units
            Those of a page; by default from the values of each axis.
        """
        (x, across), (y, up) = (
            axis.displayed(np.concatenate([*self.along(which), np.empty(0)]), units)
            for which, axis in (("x", self.x), ("y", self.y))
        )
        shown = replace(
            self,
            x=x,
            y=y,
            curves=[each.scaled(across, up) for each in self.curves],
            notes=[(float(across.apply(at)), float(up.apply(height)), words) for at, height, words in self.notes],
            lines=[(which, float((across if which == "x" else up).apply(at))) for which, at in self.lines],
            bar=self.bar and (self.bar[0], units.rewrite(self.bar[1]), units.rewrite(self.bar[2])),
        )
        return shown._complement() if across.inverse and y.cumulative else shown

    def _complement(self) -> Panel:
        """Return the panel with the other share: so many conductances up to G are resistances from 1 / G on."""
        return replace(self, curves=[replace(each, y=1.0 - np.asarray(each.y, float)) for each in self.curves])

    @property
    def has_conductance(self) -> bool:
        """True if an axis can show resistances."""
        return self.x.is_conductance or self.y.is_conductance

    def quantities(self) -> list[tuple[str, list[float]]]:
        """Return unit and values of each axis whose ticks are plain numbers, and of the resistances it can show."""
        found = []
        for units in (OWN, Units(resistance=True)) if self.has_conductance else (OWN,):
            for which, axis in (("x", self.x), ("y", self.y)):
                values = np.concatenate([*self.along(which), np.empty(0)])
                shown, scale = axis.displayed(values, units)
                if not shown.decades:
                    base = "ohm" if scale.inverse else axis.unit
                    found.append((base, (replace(scale, factor=1.0).apply(values)).tolist()))
        return found

    def along(self, which: str) -> list[np.ndarray]:
        """Return the values along the axis "x" or "y", of curves and of lines."""
        shown = [np.asarray(v, float).ravel() for each in self.curves for v in _extent(each, which)]
        return shown + [np.array([at], float) for across, at in self.lines if across == which]

    def draw(self, ax: Axes | None = None, units: Units = OWN) -> Axes:
        """Draw the figure into an Axes and return it.

        Parameters
        ----------
        ax : Axes, optional
            A new one in a new figure if not given. Notebooks show it; a script opens its window at its end, unless it
            has shown, saved (``ax.figure.savefig(FILE)``) or closed it.
        units : Units
            Display units of the axes.
        """
        return self.displayed(units)._draw(axes(ax))

    def _draw(self, ax: Axes) -> Axes:
        for curve in self.curves:
            curve.draw(ax)
        for which, at in self.lines:
            (ax.axvline if which == "x" else ax.axhline)(at, color="0.5", lw=0.6)
        for x, y, words in self.notes:
            ax.annotate(plain(words), (x, y), va="center", fontsize="small", annotation_clip=False)
        for which, axis in (("x", self.x), ("y", self.y)):
            set_axis(ax, which, axis, [np.asarray(getattr(each, which), float) for each in self.curves])
        if self.title:
            ax.set_title(plain(self.title), fontsize="medium")
        if self.grid:
            ax.grid(axis="x", alpha=0.3)
        if self.legend != "none" and ax.get_legend_handles_labels()[0]:
            above: dict[str, Any] = {"ncols": 3, "loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
            ax.legend(fontsize="small", frameon=False, **(above if self.legend == "above" else {}))
        if self.bar:
            add_colour_bar(ax, *self.bar)
        return ax

    def as_json(self, units: Units = OWN) -> dict[str, object] | None:
        """Return axes, curves, lines and notes as JSON-ready values with five digits, for drawing on a page.

        Every array is listed once under `arrays`; curves refer to it by number. Colours are pairs for light and dark
        pages. An axis of conductances has the axis of resistances as `other`: the value there is `times` over that
        here. None if there are too many data for a page, or nothing to show.
        """
        shown = self.displayed(units)
        sent = shown._as_json()
        if sent is not None and self.has_conductance:
            other = self.displayed(replace(units, resistance=not units.resistance))
            turned = other._as_json()
            for which, axis in (("x", self.x), ("y", self.y)):
                if axis.is_conductance and turned is not None:
                    values = np.concatenate([*self.along(which), np.empty(0)])
                    factors = [
                        axis.displayed(values, replace(units, resistance=each))[1].factor for each in (True, False)
                    ]
                    sent[which] |= {"other": {**turned[which], "times": factors[0] * factors[1]}}
            sent["complement"] = self.x.is_conductance and self.y.cumulative
        return sent

    def _as_json(self) -> dict[str, Any] | None:
        arrays = wire.Arrays()
        curves = [_curve_json(each, arrays) for each in self.curves]
        ranges = {
            which: wire.axis_ends(self.along(which), axis.scale == "log", axis.limits, len(axis.names), which)
            for which, axis in (("x", self.x), ("y", self.y))
        }
        if arrays.size > MOST_LIVE or not curves or None in ranges.values():
            return None
        return {
            "title": self.title,
            "legend": self.legend != "none",
            "x": axis_json(self.x, ranges["x"]),
            "y": axis_json(self.y, ranges["y"]),
            "arrays": arrays.listed,
            "curves": curves,
            "lines": [[which, wire.number(at)] for which, at in self.lines],
            "notes": [[wire.number(x), wire.number(y), words] for x, y, words in self.notes],
            "bar": list(self.bar) if self.bar else None,
        }

    def frame(self, units: Units = OWN) -> pd.DataFrame:
        """Return the data as a frame: one row per point, with columns for the curve and the axes as they are drawn."""
        shown = self.displayed(units)
        return pd.concat([_rows(shown, curve) for curve in shown.curves if curve.data] or [pd.DataFrame()])

    def csv(self, units: Units = OWN) -> str | None:
        """Return the data as CSV; None if there are too many rows to embed."""
        rows = sum(np.size(curve.x) for curve in self.curves if curve.data)
        return self.frame(units).to_csv(index=False, float_format="%.9g") if 0 < rows <= MOST_ROWS else None


def _extent(curve: Curve, which: str) -> list[np.ndarray]:
    """Return the values of a curve along an axis."""
    upright = curve.kind in ("band", "errors", "line")
    ends = [v for v in (curve.low, curve.high) if v is not None and upright == (which == "y")]
    start = [np.zeros(1)] if curve.kind == "bars" and which == "x" else []
    values = curve.x if which == "x" else curve.y
    return [*ends, *start] if curve.kind == "band" and which == "y" else [values, *ends, *start]


def _curve_json(curve: Curve, arrays: wire.Arrays) -> dict[str, object]:
    line, marker = wire.strokes(curve.style)
    band = curve.kind == "band"
    return {
        "name": curve.label or curve.name,
        "kind": curve.kind,
        "x": arrays.add(curve.x),
        "y": None if band else arrays.add(curve.y),
        "low": None if curve.low is None else arrays.add(curve.low),
        "high": None if curve.high is None else arrays.add(curve.high),
        "line": None if band else line,
        "marker": None if band else marker,
        "colour": wire.light_and_dark(curve.colour),
        "width": curve.width,
        "size": curve.size,
        "alpha": wire.number(curve.alpha),
        "legend": bool(curve.legend),
        "told": bool(curve.data and not band),
    }


def _rows(panel: Panel, curve: Curve) -> pd.DataFrame:
    columns: dict[str, Any] = {"curve": curve.name, panel.x.column or panel.x.text: curve.x}
    if curve.kind != "band":
        columns[panel.y.column or panel.y.text] = curve.y
    if curve.low is not None:
        columns |= {"low": curve.low, "high": curve.high}
    return pd.DataFrame(columns)
