"""Panels for figures of merit, from arrays with labels and units (those of sweeps: `devicekit.features.dc.figures`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from devicekit.core.quantities import Quantity
from devicekit.plot import COLOURS, Axis, Curve, Panel

LEVELS = {"lrs": COLOURS["ltp"], "hrs": COLOURS["ltd"]}


def trains(by_direction: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]], quantity: str) -> Panel:
    """Draw pulse trains as measured: state against pulse number, by direction."""
    curves = [
        Curve(f"{name.upper()} {k}", n, state, width=0.7, alpha=0.6, colour=COLOURS[name], legend=False)
        for name, each in by_direction.items()
        for k, (n, state) in enumerate(each, 1)
    ]
    first = {curve.name.partition(" ")[0]: curve for curve in reversed(curves)}
    shown = [Curve(name, curve.x, curve.y, width=0.7, colour=curve.colour, data=False) for name, curve in first.items()]
    return Panel(Axis.of("pulse_index"), Axis.of(quantity), [*curves, *shown])


def readings(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], x: Axis, y: Axis, style: str = ".") -> Panel:
    """Draw any readings as they are, by name."""
    drawn = [Curve(name, *values, style=style, colour=f"C{n % 10}") for n, (name, values) in enumerate(curves.items())]
    return Panel(x, y, drawn)


def over_places(parts: Mapping[str, tuple[np.ndarray, np.ndarray]], quantity: Quantity) -> Panel:
    """Draw a quantity over row numbers and over column numbers; keys of `parts` are "row" and "column"."""
    styles = zip(parts.items(), ("o-", "s--"), (COLOURS["ltp"], COLOURS["ltd"]), strict=False)
    curves = [
        Curve(f"over each {name}", *values, style=style, colour=colour) for (name, values), style, colour in styles
    ]
    up = Axis(quantity.label, quantity.unit, "log" if quantity.log else "linear")
    return Panel(Axis("row or column", whole=True), up, curves)
