"""Style of figures: colours, escaped text, and axes with few and short numbers."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from devicekit.core.errors import UsageError
from devicekit.core.text import si

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Two hues that are distinguishable with every kind of colour vision and in grey print.
COLOURS = {"ltp": "#0b6fa4", "ltd": "#c4501b"}

# Colours of lines and fills on a dark page, by colour on a light page.
DARK_OF = {
    "#000000": "#e6e9ed",
    "#666666": "#b4bdc7",
    "#737373": "#a5afba",
    "#808080": "#98a2ad",
    "#999999": "#8b95a0",
    "#b3b3b3": "#707a85",
    "#b0b0b0": "#55606b",
    "#cccccc": "#49535e",
    "#0b6fa4": "#5db4e6",
    "#c4501b": "#f28f5c",
    "#3b7d3b": "#79c279",
    "#1f77b4": "#62b0e8",
    "#ff7f0e": "#ff9f4a",
    "#2ca02c": "#5fcf5f",
    "#d62728": "#ff7b78",
    "#9467bd": "#c3a0e6",
    "#8c564b": "#cf9a8e",
    "#e377c2": "#f0a3d8",
    "#7f7f7f": "#a9a9a9",
    "#bcbd22": "#d6d75a",
    "#17becf": "#5fd9e6",
}

MOST_COLOURS = 8  # devices with a colour each; more have colours of a scale
RAMP = ("#0b6fa4", "#8a4f9e", "#c4501b")  # low, middle, high; a direct mix of blue and orange looks muddy
GREY = "#8a8f98"


def ramp(share: float) -> str:
    """Return a colour of the ramp from blue (0) over violet to orange (1); grey for NaN."""
    if share != share:
        return GREY
    at = 2.0 * min(max(share, 0.0), 1.0)
    left = min(int(at), 1)
    ends = [[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in RAMP[left : left + 2]]
    mixed = [round(a + (at - left) * (b - a)) for a, b in zip(*ends, strict=True)]
    return "#" + "".join(f"{each:02x}" for each in mixed)


def colours_of(values: Sequence[float]) -> list[str]:
    """Return one colour a value up to eight values; of more the colours of a scale, from the lowest to the highest."""
    if len(values) <= MOST_COLOURS:
        return [f"C{n}" for n in range(len(values))]
    ranks = {value: rank for rank, value in enumerate(sorted(values))}
    return [ramp(ranks[value] / (len(values) - 1)) for value in values]


def add_colour_bar(ax: Axes, label: str, low: str, high: str) -> None:
    """Draw the ramp beside an Axes, with words at its ends."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    figure: Any = ax.figure
    colours = ScalarMappable(Normalize(0.0, 1.0), LinearSegmentedColormap.from_list("ramp", RAMP))
    bar = figure.colorbar(colours, ax=ax, ticks=[0.0, 1.0], aspect=30, pad=0.02)
    bar.ax.set_yticklabels([plain(low), plain(high)], fontsize="small", rotation=90, va="center")
    for words, place in zip(bar.ax.get_yticklabels(), ("bottom", "top"), strict=True):
        words.set_verticalalignment(place)
    bar.set_label(plain(label), fontsize="small", labelpad=-6)


def axes(ax: Axes | None) -> Axes:
    """Return the given Axes, or a new one in a new figure, which a script shows at its end."""
    if isinstance(ax, str | os.PathLike):
        raise UsageError(
            f"plot() draws into Axes, not {str(ax)!r}. Save with: result.plot().figure.savefig({str(ax)!r})"
        )
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    figure, new = plt.subplots(figsize=(5.0, 3.4), layout="constrained")
    _show_at_exit(figure)
    return new


_unseen: WeakSet[Any] = WeakSet()  # figures of a script, until it ends


def _show_at_exit(figure: Any) -> None:
    """Have a script show a new figure at its end, unless it was shown, saved or closed; consoles show it by themselves.

    To show or to save a figure draws it.
    """
    if hasattr(sys, "ps1") or "IPython" in sys.modules or "pytest" in sys.modules:
        return
    atexit.unregister(_show_unseen)
    atexit.register(_show_unseen)  # after matplotlib's own, which closes every figure
    _unseen.add(figure)
    figure.canvas.mpl_connect("draw_event", _note_drawn)


def _note_drawn(event: Any) -> None:
    _unseen.discard(event.canvas.figure)


def _show_unseen() -> None:
    import matplotlib.pyplot as plt

    waiting = [each for each in _unseen if plt.fignum_exists(each.number)]
    for number in plt.get_fignums() if waiting else ():
        if plt.figure(number) not in waiting:
            plt.close(number)
    if waiting and getattr(waiting[0].canvas, "required_interactive_framework", None):
        plt.show()


def plain(text: object) -> str:
    """Escape text for a figure: dollar signs do not begin a formula, and unprintable characters become blanks."""
    shown = "".join(c if c.isprintable() else " " for c in str(text))
    return shown.replace("$", r"\$")


def use_plain_ticks(axis: Any, lowest: float, highest: float, unit: str = "") -> None:
    """Set ticks of a logarithmic axis: 20, 50, 100 on a short one, 1 nA, 1 µA, 1 mA where each carries the unit."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    if unit:
        if axis.axis_name == "x":  # labels such as 10000 s are wide
            axis.set_major_locator(LogLocator(numticks=6))
        axis.set_major_formatter(FuncFormatter(lambda value, _: si(value, unit)))
    elif 0 < highest < 3000 * lowest and lowest > 1e-3 and highest < 1e5:
        if highest < 30 * lowest:
            few = highest < 3 * lowest  # 1, 2, 5 would leave one tick or none
            axis.set_major_locator(MaxNLocator(4) if few else LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
