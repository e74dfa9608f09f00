"""Figure of a card from arrays: rate curves with their bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from devicekit.plot import COLOURS, Axis, Curve, Panel


@dataclass(frozen=True, eq=False)
class Rate:
    """Rate curve with its band: all (n,); rates in windows per pulse, `inside` where the data cover r."""

    r: np.ndarray
    rate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    inside: np.ndarray
    level: float


def rates(branches: Mapping[str, Rate], top: float) -> Panel:
    """Draw the size of rdot(r) of both branches with its band; dashed where it was not measured.

    Parameters
    ----------
    branches : mapping of direction to Rate
    top : float
        Largest fitted step [windows per pulse]; the axis ends a quarter above it.
    """
    curves = []
    for direction, each in branches.items():
        name, colour, size = direction.upper(), COLOURS[direction], np.abs(each.rate)
        low, high = np.sort(np.abs([each.lower, each.upper]), axis=0)
        words = f"{name} {each.level:.0%} band".replace("%", " %")
        curves.append(Curve(f"{name}, extrapolated", each.r, size, style="--", width=0.8, colour=colour, legend=False))
        curves.append(Curve(name, each.r[each.inside], size[each.inside], width=1.5, colour=colour))
        curves.append(Curve(words, each.r, size, "band", low=low, high=high, colour=colour, alpha=0.2))
    y = Axis("|rate rdot(r)|", "window per pulse", limits=(0.0, 1.25 * top))
    return Panel(Axis.of("state", limits=(0.0, 1.0)), y, curves)
