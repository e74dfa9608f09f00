"""Figures for pages: numbers, colours and line styles as JSON-ready values."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from devicekit.plot.style import DARK_OF

DIGITS = 5
MARGIN = 0.05  # of the range, on both sides, as in matplotlib
LEAST_WIDTH = 1e-3  # least margin of an axis, as a share of its largest number
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
    """Arrays of a figure without duplicates."""

    def __init__(self) -> None:
        self.listed: list[list[float | None]] = []
        self.size = 0
        self._places: dict[bytes, int] = {}

    def add(self, values: np.ndarray) -> int:
        """Add an array; return its number."""
        flat = np.ascontiguousarray(values, float).ravel()
        key = flat.tobytes()
        if key not in self._places:
            self._places[key] = len(self._places)
            self.size += flat.size
            if self.size <= 1_000_000:  # longer figures are not sent
                self.listed.append([number(value) for value in flat.tolist()])
        return self._places[key]


def number(value: float) -> float | int | None:
    """Round a number to few digits, whole ones to int; None if it is not finite."""
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short == int(short) and abs(short) < 1e15 else short


def light_and_dark(colour: str) -> list[str]:
    """Return a matplotlib colour on a light page, and its colour on a dark page."""
    if re.fullmatch(r"0?\.\d+", colour):
        grey = round(255 * float(colour))
        light = f"#{grey:02x}{grey:02x}{grey:02x}"
    elif re.fullmatch(r"C\d+", colour):
        light = _CYCLE[int(colour[1:]) % len(_CYCLE)]
    else:
        light = _NAMED.get(colour, colour)
    return [light, DARK_OF.get(light, light)]


def strokes(style: str) -> tuple[str | None, str | None]:
    """Split a matplotlib format into line style and marker: "o--" is dashed with "o"."""
    line = next((mark for mark in _LINES if mark in style), None)
    rest = style.replace(line, "", 1) if line else style
    return (_LINES[line] if line else None), rest or None


def axis_ends(
    shown: Sequence[np.ndarray], log: bool, limits: tuple[float, float] | None, names: int, which: str
) -> tuple[float, float, bool] | None:
    """Return the ends of an axis as in matplotlib, and True if it is logarithmic; None if there is nothing to show."""
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
    if high > low:  # the ends must differ when written with five digits
        wide = max(MARGIN * (high - low), LEAST_WIDTH * max(abs(low), abs(high)))
    else:
        wide = MARGIN * abs(high) or 1.0
    return low - wide, high + wide, False
