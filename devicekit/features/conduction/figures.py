"""Panels of conduction: a leg with the remaining mechanisms, residuals, and the usual straight-line plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from devicekit.plot import Axis, Curve, Panel


class LinePlot(NamedTuple):
    """Plot in which one law is a straight line."""

    title: str
    x: Axis
    y: Axis
    of: str  # axes in words


_LN_I, _ROOT = Axis("ln of the current in A"), Axis("square root of the voltage", "V^1/2")
_DASHES = ("-", "--", "-.", ":")  # of curves that may coincide
LINES = {
    "log_log": LinePlot("Logarithmic axes", Axis("ln of the voltage in V"), _LN_I, "ln I against ln V"),
    "schottky": LinePlot("Schottky plot", _ROOT, _LN_I, "ln I against sqrt V"),
    "poole_frenkel": LinePlot("Poole-Frenkel plot", _ROOT, Axis("ln(I/V), I/V in S"), "ln(I/V) against sqrt V"),
    "fowler_nordheim": LinePlot("Fowler-Nordheim plot", Axis("1/V", "1/V"), Axis("ln(I/V^2)"), "ln(I/V^2) against 1/V"),
}


def straight(name: str, v: np.ndarray, i: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates of one of `LINES` from voltage [V] and current [A], both above 0."""
    if name == "log_log":
        return np.log(v), np.log(i)
    if name == "schottky":
        return np.sqrt(v), np.log(i)
    if name == "poole_frenkel":
        return np.sqrt(v), np.log(i / v)
    return 1.0 / v, np.log(i / v**2)


def candidates(
    v: np.ndarray, i: np.ndarray, used_v: np.ndarray, used_i: np.ndarray, fits: Mapping[str, np.ndarray]
) -> Panel:
    """Draw a leg on logarithmic axes, the points left out in grey, with the curve of each remaining mechanism.

    Curves that coincide stay visible by their dashes.

    Parameters
    ----------
    v, i : ndarray, shape (n,)
        All points: sizes of voltage [V] and current [A].
    used_v, used_i : ndarray, shape (m,)
        Fitted points.
    fits : mapping of str to ndarray, shape (m,)
        Currents of each mechanism at the fitted points [A].
    """
    keep = (v > 0) & (i > 0)
    curves = [
        Curve("left out", v[keep], i[keep], style=".", colour="0.7", size=3.0),
        Curve("fitted", used_v, used_i, style=".", colour="black", size=4.0),
    ]
    curves += [
        Curve(name, used_v, each, style=_DASHES[n % 4], width=1.4, colour=f"C{n % 10}")
        for n, (name, each) in enumerate(fits.items())
    ]
    x, y = Axis("size of the voltage", "V", "log"), Axis("size of the current", "A", "log")
    return Panel(x, y, curves)


def residuals(v: np.ndarray, fits: Mapping[str, np.ndarray]) -> Panel:
    """Draw the residuals of ln I of each remaining mechanism, as a share of I [1], against the voltage [V]."""
    curves = [
        Curve(name, v, each, style=".-", width=0.7, colour=f"C{n % 10}") for n, (name, each) in enumerate(fits.items())
    ]
    return Panel(
        Axis("size of the voltage", "V", "log"),
        Axis("ln(current / fit)", column="ln of current over fit"),
        curves,
        lines=(("y", 0.0),),
    )


def lines(name: str, legs: Sequence[tuple[str, str, np.ndarray, np.ndarray]]) -> Panel:
    """Draw one of the usual straight-line plots of several legs: (name, label, voltage [V], current [A]) each."""
    plot = LINES[name]
    curves = [
        Curve(leg, *straight(name, v, i), style=".-", width=0.6, colour=f"C{n % 10}", label=label)
        for n, (leg, label, v, i) in enumerate(legs)
    ]
    return Panel(plot.x, plot.y, curves)
