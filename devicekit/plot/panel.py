"""What a figure shows, as arrays with labels and units: one thing for matplotlib, for a CSV and for a page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd

from devicekit.names import GLOSSARY
from devicekit.plot.style import axes, plain, plain_logarithmic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 20_000  # of the data that travel with a picture


@dataclass(frozen=True)
class Axis:
    """An axis of a figure.

    Parameters
    ----------
    label, unit : str
        What it shows, and in which unit ("" for a pure number).
    scale : {"linear", "log"}
        A logarithmic scale is used where something positive is shown.
    limits : tuple of float, optional
        Its ends.
    names : tuple of str
        Names of the places 0, 1, ...; the first on top of a vertical axis.
    whole : bool
        Whether only whole numbers are marked.
    ticks : int
        At most so many marks of a linear scale, for long numbers; 0 leaves it to matplotlib.
    """

    label: str
    unit: str = ""
    scale: Literal["linear", "log"] = "linear"
    limits: tuple[float, float] | None = None
    names: tuple[str, ...] = ()
    whole: bool = False
    ticks: int = 0

    @classmethod
    def of(cls, name: str, **more: Any) -> Self:
        """The axis of a glossary quantity."""
        return cls(GLOSSARY[name].label, GLOSSARY[name].unit, **more)

    @property
    def text(self) -> str:
        """Label with the unit in brackets."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve of a figure.

    Parameters
    ----------
    name : str
        What it is, in the legend and in the CSV.
    x, y : ndarray, shape (n,)
        Values in the units of the axes.
    kind : {"line", "band", "errors", "across", "bars"}
        Line or dots by `style`; the area between `low` and `high`; dots with upright bars from `low` to `high`, or
        with bars across; horizontal bars from 0 to x at the places y, with ends `low` and `high` if these are given.
    style : str
        Line and marker in matplotlib's letters.
    low, high : ndarray, shape (n,), optional
        Ends of a band or of bars, in the unit of the axis that they run along.
    legend, data : bool
        Whether it is in the legend, and in the CSV.
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

    def draw(self, ax: Axes) -> None:
        """Draw it."""
        label = plain(self.name) if self.legend else None
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


@dataclass(frozen=True, eq=False)
class Panel:
    """A figure with one pair of axes.

    Parameters
    ----------
    x, y : Axis
    curves : sequence of Curve
        Drawn in order.
    title : str
        Above it.
    notes : sequence of (float, float, str)
        Words at a place of the figure.
    lines : sequence of (str, float)
        Thin lines across: "x" or "y", and where.
    legend : {"in", "above", "none"}
        Where the legend is.
    grid : bool
        Whether vertical grid lines are drawn.
    """

    x: Axis
    y: Axis
    curves: Sequence[Curve]
    title: str = ""
    notes: Sequence[tuple[float, float, str]] = ()
    lines: Sequence[tuple[str, float]] = ()
    legend: Literal["in", "above", "none"] = "in"
    grid: bool = False

    def draw(self, ax: Axes | None = None) -> Axes:
        """Draw it into an Axes, a new one if none is given."""
        ax = axes(ax)
        for curve in self.curves:
            curve.draw(ax)
        for which, at in self.lines:
            (ax.axvline if which == "x" else ax.axhline)(at, color="0.5", lw=0.6)
        for x, y, words in self.notes:
            ax.annotate(plain(words), (x, y), va="center", fontsize="small", annotation_clip=False)
        for which, axis in (("x", self.x), ("y", self.y)):
            _set_axis(ax, which, axis, [np.asarray(getattr(each, which), float) for each in self.curves])
        if self.title:
            ax.set_title(plain(self.title), fontsize="medium")
        if self.grid:
            ax.grid(axis="x", alpha=0.3)
        if self.legend != "none" and ax.get_legend_handles_labels()[0]:
            above: dict[str, Any] = {"ncols": 3, "loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
            ax.legend(fontsize="small", frameon=False, **(above if self.legend == "above" else {}))
        return ax

    def frame(self) -> pd.DataFrame:
        """The data behind it: a row a point, with the curve's name and the axes' labels as columns."""
        return pd.concat([_rows(self, curve) for curve in self.curves if curve.data] or [pd.DataFrame()])

    def csv(self) -> str | None:
        """The same as CSV; None where there are too many rows to travel with a picture."""
        rows = sum(np.size(curve.x) for curve in self.curves if curve.data)
        return self.frame().to_csv(index=False) if 0 < rows <= MOST_ROWS else None


def _set_axis(ax: Axes, which: str, axis: Axis, drawn: Sequence[np.ndarray] = ()) -> None:
    """Label, scale, places and ends of an axis; `drawn` is what is shown along it."""
    from matplotlib.ticker import MaxNLocator

    ax.set(**{f"{which}label": axis.text})
    ticks: Any = getattr(ax, f"{which}axis")
    if axis.scale == "log":
        values = np.concatenate([*drawn, np.empty(0)])
        shown = values[np.isfinite(values) & (values > 0)]
        if shown.size:
            ax.set(**{f"{which}scale": "log"})
            plain_logarithmic(ticks, float(shown.min()), float(shown.max()))
    if axis.names:
        ticks.set_ticks(range(len(axis.names)), [plain(name) for name in axis.names])
        ends = (-0.5, len(axis.names) - 0.5)
        ax.set(**{f"{which}lim": ends[::-1] if which == "y" else ends})
    if axis.limits is not None:
        ax.set(**{f"{which}lim": axis.limits})
    if axis.ticks and ticks.get_scale() == "linear":
        ticks.set_major_locator(MaxNLocator(axis.ticks))
    if axis.whole:
        ticks.set_major_locator(MaxNLocator(integer=True))


def _rows(panel: Panel, curve: Curve) -> pd.DataFrame:
    columns: dict[str, Any] = {"curve": curve.name, panel.x.text: curve.x}
    if curve.kind != "band":
        columns[panel.y.text] = curve.y
    if curve.low is not None:
        columns |= {"low": curve.low, "high": curve.high}
    return pd.DataFrame(columns)


@dataclass(frozen=True, eq=False)
class Image:
    """A map of one quantity over two axes.

    Parameters
    ----------
    x, y : Axis
    x_edges, y_edges : ndarray, shapes (columns + 1,) and (rows + 1,)
        Edges of the cells.
    values : ndarray, shape (rows, columns)
    label : str
        What it shows, with its unit.
    colours : str
        Name of a colour map of matplotlib.
    limits : (float, float)
        Values of its ends.
    log : bool
        Whether colours follow the logarithm.
    lines : sequence of float
        Dotted lines across, at these y.
    title : str
    numbers : bool
        Whether each value is written into its cell.
    digits : str
        How: a format of Python.
    """

    x: Axis
    y: Axis
    x_edges: np.ndarray
    y_edges: np.ndarray
    values: np.ndarray
    label: str
    colours: str
    limits: tuple[float, float]
    log: bool = False
    lines: Sequence[float] = ()
    title: str = ""
    numbers: bool = False
    digits: str = ".2f"

    def draw(self, ax: Axes | None = None, bar: bool = True) -> Any:
        """Draw it into an Axes, with its colour bar if that is wanted; what a shared colour bar takes."""
        from matplotlib.colors import LogNorm, Normalize

        ax = axes(ax)
        norm = (LogNorm if self.log else Normalize)(*self.limits)
        image = ax.pcolormesh(self.x_edges, self.y_edges, self.values, cmap=self.colours, norm=norm, rasterized=True)
        for at in self.lines:
            ax.axhline(at, color="w", lw=0.6, ls=":")
        for which, axis in (("x", self.x), ("y", self.y)):
            _set_axis(ax, which, axis)
        for (row, column), value in np.ndenumerate(self.values if self.numbers else np.empty((0, 0))):
            if np.isfinite(value):
                colour = "white" if _luminance(image.cmap(norm(value))) < 0.4 else "black"
                x, y = float(_middles(self.x_edges)[column]), float(_middles(self.y_edges)[row])
                words = format(value, self.digits)
                ax.text(x, y, words, ha="center", va="center", fontsize="x-small", color=colour)
        ax.set_title(plain(self.title), fontsize="medium")
        if bar:
            ax.figure.colorbar(image, ax=ax, label=self.label)
        return image

    def frame(self) -> pd.DataFrame:
        """The data behind it: a row a cell."""
        height, across = np.meshgrid(_middles(self.y_edges), _middles(self.x_edges), indexing="ij")
        columns = {self.x.text: across.ravel(), self.y.text: height.ravel(), self.label: self.values.ravel()}
        return pd.DataFrame(columns)


def _luminance(colour: Sequence[float]) -> float:
    """How bright a colour is, 0 to 1: words on it are legible in black or in white."""
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def _middles(edges: np.ndarray) -> np.ndarray:
    return 0.5 * (edges[1:] + edges[:-1])


def draw_row(images: Sequence[Image], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Maps of one quantity side by side, with one colour bar."""
    drawn: Any = None
    for n, (ax, image) in enumerate(zip(axes, images, strict=True)):
        drawn = image.draw(ax, bar=False)
        ax.set_title(textwrap.fill(plain(image.title), 15), fontsize="small")
        ax.tick_params(labelsize="small", labelleft=n == 0)
        if n:
            ax.set_ylabel("")
    bar = axes[0].figure.colorbar(drawn, ax=list(axes))
    bar.set_label(images[0].label, fontsize="small")
    bar.ax.tick_params(labelsize="small")
    return axes


def row_csv(images: Sequence[Image]) -> str | None:
    """The data behind maps on one grid, a column a map; None where there are too many to travel with a picture."""
    if sum(image.values.size for image in images) > MOST_ROWS:
        return None
    frame = images[0].frame()
    columns: dict[str, Any] = {name: frame[name] for name in list(frame.columns)[:2]}
    columns |= {f"{image.label} at {image.title}": image.values.ravel() for image in images}
    return pd.DataFrame(columns).to_csv(index=False, float_format="%.5g")
