"""Figures on their way into a page: numbers, colours and strokes as plain values."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from devicekit.plot.style import DARK_OF

DIGITS = 5
MARGIN = 0.05  # of the range, on both sides, as matplotlib leaves it
LEAST_WIDTH = 1e-3  # of an axis, each way, as a share of its largest number
_NAMED = {"black": "#000000", "k": "#000000", "white": "#ffffff", "w": "#ffffff"}
_CYCLE = [
    "#1f77b4",
    "#ff7f0e",
    "#2ca02c",
    "#d62728",
    "#9467bd",
    "#8c564b",
    "#e377c2",
    "#7f7f7f",
    "#bcbd22",
    "#17becf",
]  # C0 to C9 of matplotlib
_LINES = {"--": "dashed", "-.": "dashdot", "-": "solid", ":": "dotted"}


class Arrays:
    """Arrays of a figure, each of them once."""

    def __init__(self) -> None:
        self.listed: list[list[float | None]] = []
        self.size = 0
        self._places: dict[bytes, int] = {}

    def add(self, values: np.ndarray) -> int:
        """Its number."""
        flat = np.ascontiguousarray(values, float).ravel()
        key = flat.tobytes()
        if key not in self._places:
            self._places[key] = len(self._places)
            self.size += flat.size
            if self.size <= 1_000_000:  # what is longer is not sent anyway
                self.listed.append([number(value) for value in flat.tolist()])
        return self._places[key]


def number(value: float) -> float | int | None:
    """A number with few digits, whole ones without a point; None for what is not finite."""
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short == int(short) and abs(short) < 1e15 else short


def light_and_dark(colour: str) -> list[str]:
    """A colour of matplotlib on light paper, and the one on dark paper."""
    if re.fullmatch(r"0?\.\d+", colour):
        grey = round(255 * float(colour))
        light = f"#{grey:02x}{grey:02x}{grey:02x}"
    elif re.fullmatch(r"C\d+", colour):
        light = _CYCLE[int(colour[1:]) % len(_CYCLE)]
    else:
        light = _NAMED.get(colour, colour)
    return [light, DARK_OF.get(light, light)]


def strokes(style: str) -> tuple[str | None, str | None]:
    """Line and marker of matplotlib's letters: "o--" is dashed with "o"."""
    line = next((mark for mark in _LINES if mark in style), None)
    rest = style.replace(line, "", 1) if line else style
    return (_LINES[line] if line else None), rest or None


def axis_ends(
    shown: Sequence[np.ndarray], log: bool, limits: tuple[float, float] | None, names: int, which: str
) -> tuple[float, float, bool] | None:
    """Ends of an axis and whether it is logarithmic, as matplotlib takes them; None where nothing can be shown."""
    values = np.concatenate([*shown, np.empty(0)])
    values = values[np.isfinite(values)]
    log = log and bool((values > 0).any())
    values = values[values > 0] if log else values
    if names:
        low, high = -0.5, names - 0.5
        return (high, low, False) if which == "y" else (low, high, False)
    if limits is not None:
        return (*limits, log)
    if not values.size or np.abs(values).max() > 1e100:
        return None
    low, high = float(values.min()), float(values.max())
    if log:
        wide = max((high / low) ** MARGIN, 1.0 + LEAST_WIDTH) if high > low else 10.0**MARGIN
        return low / wide, high * wide, True
    if high > low:  # written with five digits, ends of numbers that hardly differ must not be the same
        wide = max(MARGIN * (high - low), LEAST_WIDTH * max(abs(low), abs(high)))
    else:
        wide = MARGIN * abs(high) or 1.0
    return low - wide, high + wide, False
