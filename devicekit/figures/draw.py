"""Drawing of a panel in the style of a journal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.figures.drawn import ARROW, Drawn
from devicekit.figures.looks import SCALE, SCALE_TOP
from devicekit.figures.style import Style
from devicekit.plot import Axis, Panel, plain
from devicekit.plot.style import use_plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICKS = 5  # most intervals of a linear axis of a small panel
AXES_SHARE = 1.15  # width of axes in a layout over that of axes before it
NARROW = 110.0  # pt; a shorter axis has room for fewer ticks
ROOM = 0.04  # of a logarithmic axis beyond the data
_SUBSCRIPT = re.compile(r"\b([VIRG])_([A-Za-z]+)\b")
_GLYPHS = re.compile(r'(?:<tspan x="[^"]*" y="[^"]*" style="[^"]*">[^<]*</tspan>\s*)+')
_GLYPH = re.compile(r'<tspan x="([^"]*)" y="([^"]*)" style="([^"]*)">([^<]*)</tspan>')
_FAMILY = re.compile("font-family: .*")
_SHARES = (0.01, 0.1, 1.0, 5.0, 20.0, 50.0, 80.0, 95.0, 99.0, 99.9, 99.99)
_WEIBULL_SHARES = (0.01, 0.1, 1.0, 5.0, 20.0, 63.2, 90.0, 99.0, 99.9)


def in_symbols(text: str) -> str:
    """Return text with V_set as a symbol with an index."""
    return _SUBSCRIPT.sub(r"$\1_{\\mathrm{\2}}$", text)


def axis_text(axis: Axis, style: Style) -> str:
    """Return the label of an axis with its unit, as the journal writes it."""
    unit = axis.unit.replace("ohm", "Ω")
    return in_symbols(plain(axis.label)) + (f" {style.unit(unit)}" if unit else "")


def draw(drawn: Drawn, ax: Axes, style: Style, mark: str = "") -> None:
    """Draw a panel into an Axes.

    Parameters
    ----------
    drawn : Drawn
    ax : Axes
    style : Style
        Its settings must be in force.
    mark : str
        Words across a corner, such as SYNTHETIC.
    """
    panel = drawn.panel.displayed()
    for curve in panel.curves:
        if curve.name == ARROW:
            _arrow(ax, curve.x, curve.y, style)
            continue
        named = curve.legend and (drawn.scale is None or not curve.data)  # a colour bar stands for the rest
        scaled = replace(curve, width=style.curve_pt * curve.width, legend=named)
        if scaled.kind == "band":
            _band(ax, scaled)
        else:
            scaled.draw(ax)
    for which, at in panel.lines:
        (ax.axvline if which == "x" else ax.axhline)(at, color="0.35", lw=style.axis_pt, ls=(0, (4, 2)), zorder=1.5)
    for x, y, words in panel.notes:
        ax.annotate(in_symbols(plain(words)), (x, y), va="center", ha="left", annotation_clip=False)
    for which, axis in (("x", panel.x), ("y", panel.y)):
        _set_axis(ax, which, axis, style, _along(panel, which))
    if drawn.upright:
        _set_probability(ax, drawn.upright, panel)
    if drawn.scale is not None:
        _set_colour_bar(ax, drawn.scale, style)
    _set_legend(ax)
    if mark:  # outside, where it covers nothing
        beside: Any = ax.child_axes[-1] if ax.child_axes else ax
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
        beside.annotate(mark, (1.0, 0.5), (3.0, 0.0), **place, rotation=90, ha="left", va="center", color="0.35")


def _band(ax: Axes, curve: Any) -> None:
    ax.fill_between(curve.x, curve.low, curve.high, color=curve.colour, alpha=curve.alpha, lw=0, zorder=1.0)


def _arrow(ax: Axes, x: np.ndarray, y: np.ndarray, style: Style) -> None:
    look = {"arrowstyle": "-|>,head_length=0.8,head_width=0.35", "mutation_scale": style.tick_pt, "color": "black"}
    ends = {"lw": 0.5 * style.curve_pt, "shrinkA": 0.0, "shrinkB": 0.0}
    ax.annotate("", (x[-1], y[-1]), (x[0], y[0]), arrowprops={**look, **ends}, zorder=5)


def _along(panel: Panel, which: str) -> np.ndarray:
    """Return the finite values along an axis, of curves and of lines."""
    shown = [each for each in panel.curves if each.kind != "band" or which == "x"]
    parts = [np.asarray(getattr(each, which), float).ravel() for each in shown]
    upright = [each for each in panel.curves if each.low is not None and (each.kind == "across") == (which == "x")]
    parts += [np.asarray(end, float).ravel() for each in upright for end in (each.low, each.high)]
    parts += [np.array([at], float) for line, at in panel.lines if line == which]
    values = np.concatenate([*parts, np.empty(0)])
    return values[np.isfinite(values)]


def _set_axis(ax: Axes, which: str, axis: Axis, style: Style, values: np.ndarray) -> None:
    from matplotlib.ticker import AutoMinorLocator, LogLocator, MaxNLocator, NullFormatter, NullLocator, ScalarFormatter

    box = ax.get_window_extent()
    long = 72.0 * (box.width if which == "x" else box.height) / ax.figure.dpi
    ax.set(**{f"{which}label": _wrapped(axis_text(axis, style), int(2.6 * long / style.label_pt))})
    most = TICKS if long > NARROW or which == "y" else TICKS - 1
    ticks: Any = getattr(ax, f"{which}axis")
    above = values[values > 0]
    if axis.scale == "log" and above.size:
        low, high = float(above.min()), float(above.max())
        ax.set(**{f"{which}scale": "log"})
        wide = max((high / low) ** ROOM, 1.05)
        ax.set(**{f"{which}lim": (low / wide, high * wide)})
        if high > 30 * low:
            ticks.set_major_locator(LogLocator(numticks=most + 1))
            ticks.set_minor_locator(LogLocator(subs="all", numticks=60) if high < 1e7 * low else NullLocator())
            ticks.set_minor_formatter(NullFormatter())
        else:
            use_plain_ticks(ticks, low, high)
    elif axis.names:
        ticks.set_ticks(range(len(axis.names)), [plain(name) for name in axis.names])
        ticks.set_minor_locator(NullLocator())
        ends = (-0.5, len(axis.names) - 0.5)
        ax.set(**{f"{which}lim": ends[::-1] if which == "y" else ends})
    else:
        ticks.set_major_locator(MaxNLocator(most, integer=axis.whole, steps=[1, 2, 2.5, 5, 10]))
        ticks.set_minor_locator(NullLocator() if axis.whole else AutoMinorLocator(2))
        ticks.set_major_formatter(ScalarFormatter(useOffset=False))
    if axis.limits is not None:
        ax.set(**{f"{which}lim": axis.limits})


def _wrapped(text: str, most: int) -> str:
    """Return text in lines of so many characters; a formula and a unit are not divided."""
    return text if len(text) <= most or "$" in text else textwrap.fill(text, most, break_long_words=False)


def _set_probability(ax: Axes, kind: str, panel: Panel) -> None:
    """Set the scale on which a normal, or a Weibull, distribution is a straight line; shares are in percent."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
    from scipy import special

    least = 1e-4

    def forward(percent: np.ndarray) -> np.ndarray:
        share = np.clip(np.asarray(percent, float) / 100, least, 1 - least)
        return special.ndtri(share) if kind == "normal" else np.log(-np.log1p(-share))

    def inverse(value: np.ndarray) -> np.ndarray:
        value = np.asarray(value, float)
        return 100 * (special.ndtr(value) if kind == "normal" else -np.expm1(-np.exp(value)))

    shares = _along(panel, "y")
    ends = forward(np.array([shares.min(), shares.max()]))
    room = 0.05 * (ends[1] - ends[0])
    low, high = (float(each) for each in inverse(np.array([ends[0] - room, ends[1] + room])))
    ax.set_yscale("function", functions=(forward, inverse))
    ax.set_ylim(low, high)
    known = [each for each in (_SHARES if kind == "normal" else _WEIBULL_SHARES) if low <= each <= high]
    ax.yaxis.set_major_locator(FixedLocator(known))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _set_colour_bar(ax: Axes, scale: tuple[str, float, float], style: Style) -> None:
    """Set the bar of a colour scale beside the panel: black lines, and ticks at whole numbers."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.ticker import MaxNLocator, NullLocator

    label, low, high = scale
    part = ListedColormap(colormaps[SCALE](np.linspace(0.0, SCALE_TOP, 256)))
    bar = ax.figure.colorbar(ScalarMappable(Normalize(low, high), part), ax=ax, aspect=25, pad=0.02, fraction=0.06)
    bar.set_label(label)
    bar.outline.set_linewidth(style.axis_pt)
    bar.ax.yaxis.set_major_locator(MaxNLocator(TICKS, integer=True))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.tick_params(right=True)


def _set_legend(ax: Axes) -> None:
    """Set the legend above the axes, in as many columns as fit: there it covers no data."""
    handles, names = ax.get_legend_handles_labels()
    words = [in_symbols(name) for name in names]
    if not handles:
        return
    above: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0)}
    for columns in range(min(len(handles), 4), 0, -1):
        legend = ax.legend(handles, words, ncols=columns, **above)
        if columns == 1 or _fits(ax, legend):
            return


def _fits(ax: Axes, legend: Any) -> bool:
    """Return whether a legend is about as wide as its axes will be; to lay out the figure would take a second."""
    figure: Any = ax.figure
    return bool(legend.get_window_extent(figure._get_renderer()).width <= AXES_SHARE * ax.get_window_extent().width)


def letters(axes: Sequence[Axes], words: Sequence[str], style: Style, columns: int) -> None:
    """Set the letters of panels: at the upper left corner of each, or below it as the journal wants."""
    figure: Any = axes[0].figure
    if style.below:
        for ax, letter in zip(axes, words, strict=True):
            ax.set_xlabel(f"{ax.get_xlabel()}\n{letter}")
        return
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    width, height = figure.bbox.width, figure.bbox.height
    boxes: list[Any] = [ax.get_tightbbox(figure._get_renderer()) for ax in axes]
    for n, letter in enumerate(words):
        column = [boxes[k].x0 for k in range(n % columns, len(boxes), columns)]
        row = [boxes[k].y1 for k in range(len(boxes)) if k // columns == n // columns]
        figure.text(
            max(min(column), 0.0) / width,
            min(max(row) + 1.0, height) / height,
            letter,
            ha="left",
            va="top",
            fontsize=style.letter_pt,
            fontweight="bold" if style.bold else "normal",
        )


def editable(svg: bytes, style: Style) -> bytes:
    """Return an SVG with whole words in formulas, which matplotlib writes letter by letter, in the journal's fonts."""

    family = f"font-family: {style.family}"

    def joined(found: re.Match[str]) -> str:
        runs: list[list[str]] = []
        for x, y, look, letter in _GLYPH.findall(found[0]):
            if runs and runs[-1][1:3] == [y, look]:
                runs[-1][3] += letter
            else:
                runs.append([x, y, look, letter])
        return "".join(
            f'<tspan x="{x}" y="{y}" style="{_FAMILY.sub(family, look)}">{word}</tspan>' for x, y, look, word in runs
        )

    return _GLYPHS.sub(joined, svg.decode()).encode()
