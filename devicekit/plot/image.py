"""A map of one quantity over two axes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from devicekit.core.printing import Printed
from devicekit.core.scales import Units
from devicekit.plot.axis import OWN, Axis, set_axis
from devicekit.plot.panel import MOST_ROWS
from devicekit.plot.style import axes, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes


MOST_NUMBERS = 400  # most cells of a map with written values
COLOUR_MAP = "cividis"  # perceptually uniform with every kind of colour vision


@dataclass(frozen=True, eq=False)
class Image(Printed):
    """A map of one quantity over two axes.

    Parameters
    ----------
    x, y : Axis
    x_edges, y_edges : ndarray, shapes (columns + 1,) and (rows + 1,)
        Edges of the cells.
    values : ndarray, shape (rows, columns)
    label, unit : str
        Meaning of the values, and their SI unit; they are drawn with a prefix that fits.
    colours : str
        Name of a colour map of matplotlib.
    limits : (float, float)
        Values at the ends of the colour map.
    log : bool
        True if colours follow the logarithm.
    lines : sequence of float
        Dotted horizontal lines at these y.
    title : str
    numbers : bool
        True to write each value into its cell.
    digits : str
        Python format of these values.
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
    unit: str = ""

    @property
    def heading(self) -> str:
        """Label with the unit in brackets."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    def displayed(self, units: Units = OWN) -> Image:
        """Return the map in the display unit of the ends of its colour scale."""
        scale = units.scale(self.unit, self.limits)
        low, high = self.limits
        shown = scale.factor * np.asarray(self.values, float)
        return replace(self, values=shown, limits=(scale.factor * low, scale.factor * high), unit=scale.unit)

    def draw(self, ax: Axes | None = None, bar: bool = True, units: Units = OWN) -> Any:
        """Draw the map into an Axes, optionally with its colour bar; return the mappable for a shared colour bar."""
        from matplotlib.colors import LogNorm, Normalize

        ax, self = axes(ax), self.displayed(units)
        norm = (LogNorm if self.log else Normalize)(*self.limits)
        image = ax.pcolormesh(self.x_edges, self.y_edges, self.values, cmap=self.colours, norm=norm, rasterized=True)
        for at in self.lines:
            ax.axhline(at, color="w", lw=0.6, ls=":")
        for which, axis in (("x", self.x), ("y", self.y)):
            set_axis(ax, which, axis)
        for (row, column), value in np.ndenumerate(self.values if self.numbers else np.empty((0, 0))):
            if np.isfinite(value):
                colour = "white" if _luminance(image.cmap(norm(value))) < 0.4 else "black"
                x, y = float(_centres(self.x_edges)[column]), float(_centres(self.y_edges)[row])
                words = format(value, self.digits)
                ax.text(x, y, words, ha="center", va="center", fontsize="x-small", color=colour)
        ax.set_title(plain(self.title), fontsize="medium")
        if bar:
            ax.figure.colorbar(image, ax=ax, label=self.heading)
        return image

    def frame(self) -> pd.DataFrame:
        """Return the data as a frame, one row per cell."""
        height, across = np.meshgrid(_centres(self.y_edges), _centres(self.x_edges), indexing="ij")
        shown = self.displayed()
        columns = {self.x.text: across.ravel(), self.y.text: height.ravel(), shown.heading: shown.values.ravel()}
        return pd.DataFrame(columns)


def array_map(
    rows: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
    label: str,
    title: str = "",
    log: bool = False,
    unit: str = "",
) -> Image:
    """Map a number over the rows and columns of an array, with row numbers downwards and blank missing cells.

    Parameters
    ----------
    rows, columns : ndarray of int, shape (n,)
        Positions, without duplicate pairs.
    values : ndarray, shape (n,)
    label : str
        Meaning of the values.
    title : str
    log : bool
        True if colours follow the logarithm; values must then be above 0.
    unit : str
        SI unit of the values.
    """
    first, left = int(rows.min()), int(columns.min())
    grid = np.full((int(rows.max()) - first + 1, int(columns.max()) - left + 1), np.nan)
    grid[rows - first, columns - left] = values
    across = np.arange(grid.shape[1] + 1) + left - 0.5
    down = np.arange(grid.shape[0] + 1) + first - 0.5
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5 * abs(low or 1.0), high + 0.5 * abs(high or 1.0)
    return Image(
        Axis("column", whole=True),
        Axis("row", limits=(float(down[-1]), float(down[0])), whole=True),
        across,
        down,
        grid,
        label,
        COLOUR_MAP,
        (low, high),
        log=log,
        title=title,
        numbers=grid.size <= MOST_NUMBERS and grid.shape[1] <= 24,
        digits=".3g",
        unit=unit,
    )


def _luminance(colour: Sequence[float]) -> float:
    """Return the luminance of a colour, 0 to 1, to choose black or white text on it."""
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def _centres(edges: np.ndarray) -> np.ndarray:
    return 0.5 * (edges[1:] + edges[:-1])


def draw_row(images: Sequence[Image], axes: Sequence[Axes], units: Units = OWN) -> Sequence[Axes]:
    """Draw maps of one quantity side by side, with one colour bar."""
    from matplotlib.ticker import MaxNLocator

    drawn: Any = None
    for n, (ax, image) in enumerate(zip(axes, images, strict=True)):
        drawn = image.draw(ax, bar=False, units=units)
        ax.set_title(textwrap.fill(plain(image.title), 15), fontsize="small")
        ax.tick_params(labelsize="small", labelleft=n == 0)
        if len(images) > 2 and isinstance(ax.xaxis.get_major_locator(), MaxNLocator):
            ax.locator_params("x", nbins=5)  # numbers of narrow maps would touch
        if n:
            ax.set_ylabel("")
    bar = axes[0].figure.colorbar(drawn, ax=list(axes))
    bar.set_label(images[0].displayed(units).heading, fontsize="small")
    bar.ax.tick_params(labelsize="small")
    return axes


_BAR = 0.6  # room for a colour bar [inch]
_APART = 1.2  # from one map of a strip to the next, in widths


def fit_in_strip(images: Sequence[Image]) -> bool:
    """Return whether `draw_strip` can draw maps: two or more of numbers on one grid, without written values."""
    first = images[0]
    plain_axes = not (first.x.names or first.y.names or first.x.whole or first.x.limits or first.y.limits)
    same = all(np.array_equal(each.x_edges, first.x_edges) and not each.numbers for each in images)
    return len(images) > 1 and plain_axes and same


def draw_strip(images: Sequence[Image], ax: Axes, units: Units = OWN) -> Axes:
    """Draw maps of one quantity side by side in a single Axes, with one colour bar: faster than an Axes for each."""
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.ticker import MaxNLocator

    shown = [each.displayed(units) for each in images]
    first = shown[0]
    left, right = float(first.x_edges[0]), float(first.x_edges[-1])
    starts = _APART * (right - left) * np.arange(len(shown))
    ends = right + starts[-1]
    for start, each in zip(starts, shown, strict=True):
        norm = (LogNorm if each.log else Normalize)(*each.limits)
        edges = start + each.x_edges
        drawn = ax.pcolormesh(edges, each.y_edges, each.values, cmap=each.colours, norm=norm, rasterized=True)
        words = textwrap.fill(plain(each.title), 15)
        place = (start + 0.5 * (left + right), 1.0)
        ax.annotate(
            words,
            place,
            (0, 4),
            ax.get_xaxis_transform(),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize="small",
        )
    ax.hlines(
        list(first.lines) * len(shown),
        np.repeat(left + starts, len(first.lines)),
        np.repeat(right + starts, len(first.lines)),
        "w",
        ":",
        lw=0.6,
    )
    inner = [float(at) for at in MaxNLocator(3).tick_values(left, right) if left <= at <= right]
    ax.set_xticks([start + at for start in starts for at in inner], [f"{at:g}" for at in inner] * len(shown))
    set_axis(ax, "y", first.y)
    ax.set(xlim=(left, ends), ylim=(float(first.y_edges[0]), float(first.y_edges[-1])), xlabel=first.x.text)
    ax.tick_params(labelsize="small")
    ax.spines[:].set_visible(False)
    wide = ax.get_window_extent().width / ax.figure.dpi
    bar = ax.figure.colorbar(drawn, ax=ax, fraction=min(0.15, _BAR / wide), pad=0.03)
    bar.minorticks_off()
    bar.set_label(first.heading, fontsize="small")
    bar.ax.tick_params(labelsize="small")
    return ax


def row_csv(images: Sequence[Image], units: Units = OWN) -> str | None:
    """Return the data of maps on one grid as CSV, one column per map; None if there are too many to embed."""
    if sum(image.values.size for image in images) > MOST_ROWS:
        return None
    frame = images[0].frame()
    columns: dict[str, Any] = {name: frame[name] for name in list(frame.columns)[:2]}
    shown = [image.displayed(units) for image in images]
    columns |= {f"{image.heading} at {image.title}": image.values.ravel() for image in shown}
    return pd.DataFrame(columns).to_csv(index=False, float_format="%.5g")
