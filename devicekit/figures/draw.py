"""Drawing of a panel in the style of a journal."""

from __future__ import annotations

import re
import textwrap
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
CLOSE = 1.15  # least distance of two ticks of a probability, in heights of their labels
APART = {"x": 2.7, "y": 2.0}  # least distance of two ticks along an axis, in heights of their labels
LETTERS = 2.1  # letters of a label in a length of its axis, in heights of a letter
ROOM = 0.04  # of a logarithmic axis beyond the data
_SUBSCRIPT = re.compile(r"\b([VIRG])_([A-Za-z]+)\b")
_GLYPHS = re.compile(r'(?:<tspan x="[^"]*" y="[^"]*" style="[^"]*">[^<]*</tspan>\s*)+')
_GLYPH = re.compile(r'<tspan x="([^"]*)" y="([^"]*)" style="([^"]*)">([^<]*)</tspan>')
_FAMILY = re.compile("font-family: .*")
_SHARES = (0.01, 0.1, 1.0, 5.0, 10.0, 20.0, 50.0, 80.0, 90.0, 95.0, 99.0, 99.9, 99.99)
FIRST = (50.0, 63.2, 1.0, 99.0, 99.9, 10.0, 90.0, 0.1, 5.0, 20.0, 80.0, 95.0)  # shares that stay where few fit
_WEIBULL_SHARES = (0.01, 0.1, 1.0, 5.0, 10.0, 20.0, 40.0, 63.2, 80.0, 90.0, 99.0, 99.9)


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
    if mark:  # outside, where it covers nothing
        beside: Any = ax.child_axes[-1] if ax.child_axes else ax
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
        away = 4.0 * style.label_pt if ax.child_axes else 3.0  # beyond the label of a colour bar
        beside.annotate(mark, (1.0, 0.5), (away, 0.0), **place, rotation=90, ha="left", va="center", color="0.35")


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

    ax.set(**{f"{which}label": axis_text(axis, style)})
    ticks: Any = getattr(ax, f"{which}axis")
    above = values[values > 0]
    if axis.scale == "log" and above.size:
        low, high = float(above.min()), float(above.max())
        ax.set(**{f"{which}scale": "log"})
        wide = max((high / low) ** ROOM, 1.05)
        ax.set(**{f"{which}lim": (low / wide, high * wide)})
        if high > 30 * low:
            ticks.set_major_locator(LogLocator(numticks=TICKS))
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
        ticks.set_major_locator(MaxNLocator(TICKS, integer=axis.whole, steps=[1, 2, 2.5, 5, 10]))
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
    figure: Any = ax.figure
    bar = figure.colorbar(ScalarMappable(Normalize(low, high), part), cax=ax.inset_axes((1.04, 0.0, 0.05, 1.0)))
    bar.set_label(label)
    bar.outline.set_linewidth(style.axis_pt)
    bar.ax.yaxis.set_major_locator(MaxNLocator(TICKS, integer=True))
    bar.ax.yaxis.set_minor_locator(NullLocator())


def fit_words(drawn: Drawn, ax: Axes, style: Style) -> None:
    """Set as many ticks, and labels in as many lines, as fit the size of the axes."""
    from matplotlib.ticker import MaxNLocator

    box, point = ax.get_window_extent(), ax.figure.dpi / 72.0
    panel = drawn.panel.displayed()
    for which, axis, long in (("x", panel.x, box.width / point), ("y", panel.y, box.height / point)):
        ax.set(**{f"{which}label": _wrapped(axis_text(axis, style), int(LETTERS * long / style.label_pt))})
        locator = getattr(ax, f"{which}axis").get_major_locator()
        if isinstance(locator, MaxNLocator):
            locator.set_params(nbins=max(2, min(TICKS, int(long / (APART[which] * style.tick_pt)))))
    if drawn.upright:
        _thin_probabilities(ax, CLOSE * style.tick_pt * point)


def _thin_probabilities(ax: Axes, apart: float) -> None:
    """Leave out shares whose labels would lie closer than so many pixels; the middle and the tails come first."""
    from matplotlib.ticker import FixedLocator

    known = [float(each) for each in ax.yaxis.get_major_locator()()]
    height = dict(zip(known, ax.transData.transform([(ax.get_xlim()[0], each) for each in known])[:, 1], strict=True))
    kept: list[float] = []
    for share in sorted(known, key=lambda each: FIRST.index(each) if each in FIRST else len(FIRST)):
        if all(abs(height[share] - height[other]) >= apart for other in kept):
            kept.append(share)
    ax.yaxis.set_major_locator(FixedLocator(sorted(kept)))


def set_legend(ax: Axes, room: float) -> None:
    """Set the legend above the axes, where it covers no data, in as many columns as its room [pixels] takes."""
    handles, names = ax.get_legend_handles_labels()
    words = [in_symbols(name) for name in names]
    for columns in range(min(len(handles), 5), 0, -1):
        legend = ax.legend(handles, words, ncols=columns, loc="lower left", bbox_to_anchor=(0.0, 1.0))
        if columns == 1 or legend.get_window_extent(_renderer(ax)).width <= room:
            return


def _renderer(ax: Axes) -> Any:
    figure: Any = ax.figure
    return figure._get_renderer()


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
