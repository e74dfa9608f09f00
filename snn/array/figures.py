"""Figures of an array: accuracy against one setting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.plot import COLOURS, Axis, Curve, Panel

_SHORT = {"one gain per layer": "layer gain", "one gain per bit line": "line gain"}
_COLOURS = (COLOURS["ltp"], COLOURS["ltd"], "#9467bd", "#2ca02c", "#8c564b")
Line = tuple[str, np.ndarray, np.ndarray, np.ndarray]


def against(lines: Sequence[Line], label: str, unit: str, ideal: float, log: bool = True, pairs: bool = False) -> Panel:
    """Draw accuracy against one setting.

    Parameters
    ----------
    lines : sequence of (str, ndarray, ndarray, ndarray)
        Name, values of the setting, mean accuracies [1] and the half widths of their 95 % intervals [1].
    label, unit : str
        Name and unit of the setting.
    ideal : float
        Accuracy of an ideal array [1].
    log : bool
        True for a logarithmic axis.
    pairs : bool
        True if two lines each share a colour, the second one dashed.
    """
    curves = []
    for number, (name, x, mean, half) in enumerate(lines):
        place, is_second = divmod(number, 2) if pairs else (number, 0)
        style, colour = "s--" if is_second else "o-", _COLOURS[place % len(_COLOURS)]
        first, _, gain = name.partition(", ")
        short = f"{first}, {_SHORT[gain]}" if gain in _SHORT else name
        low, high = (100 * np.clip(end, 0.0, 1.0) for end in (mean - half, mean + half))
        curves.append(Curve(name, x, 100 * mean, "errors", style, low, high, colour, label=short))
    ends = np.array([min(x.min() for _, x, *_ in lines), max(x.max() for _, x, *_ in lines)])
    curves.append(Curve("ideal array", ends, np.full(2, 100 * ideal), style=":", colour="0.45"))
    return Panel(Axis(label, unit, scale="log" if log else "linear"), Axis("test accuracy", "%"), curves)
