"""How figures look: colours, text that cannot break them, axes with few and plain numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devicekit.names import GLOSSARY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Two hues that stay apart for every kind of colour vision and in grey print.
COLOURS = {"ltp": "#0b6fa4", "ltd": "#c4501b"}


def axes(ax: Axes | None) -> Axes:
    """The Axes given, or a new one in a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, made = plt.subplots(figsize=(5.0, 3.4), layout="constrained")
    return made


def plain(text: object) -> str:
    """A user's text for a figure: no dollar sign begins a formula, nothing unprintable breaks an SVG."""
    shown = "".join(c if c.isprintable() else " " for c in str(text))
    return shown.replace("$", r"\$")


def plain_logarithmic(axis: Any, lowest: float, highest: float) -> None:
    """Ticks of a logarithmic axis over little more than a decade: 20 µ, 50 µ, 100 µ instead of 2 x 10^-5."""
    from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter

    if 0 < highest < 30 * lowest:
        few = highest < 3 * lowest  # where 1, 2, 5 would leave one tick or none
        axis.set_major_locator(MaxNLocator(4) if few else LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(EngFormatter(sep=" "))
        axis.set_minor_formatter(NullFormatter())


def quantity_axis(name: str, top: float = 0.0) -> tuple[float, str, str]:
    """Factor, label and unit of an axis for a glossary quantity; a conductance gets a prefix that keeps numbers short.

    Parameters
    ----------
    name : str
        A key of `devicekit.names.GLOSSARY`.
    top : float
        Largest value that is shown, in the quantity's unit.
    """
    quantity = GLOSSARY[name]
    if name == "conductance_s" and top > 0:
        for factor, prefix in ((1e9, "n"), (1e6, "µ"), (1e3, "m")):
            if top * factor < 1000:
                return factor, quantity.label, f"{prefix}{quantity.unit}"
    return 1.0, quantity.label, quantity.unit
