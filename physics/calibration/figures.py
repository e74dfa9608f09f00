"""Figures of a calibration, from measured levels and their simulations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.plot import COLOURS, Axis, Curve, Image, Panel
from physics.calibration.measured import WORDS, Level
from physics.calibration.model import Simulated
from physics.constants import Array

_LOOKS = {"set": COLOURS["ltp"], "set_back": "0.35", "reset": COLOURS["ltd"]}


def level(measured: Level, simulated: Simulated, held_out: bool) -> Panel:
    """Draw the magnitude of the current [A] against voltage [V] of one level: dots measured, lines simulated."""
    curves = []
    for branch in measured.branches:
        colour = _LOOKS[branch.name]
        now = np.exp(np.array(simulated.branches[branch.name]))
        words = WORDS[branch.name]
        curves.append(
            Curve(f"{words}, measured", branch.voltage, np.exp(branch.log_current), style=".", size=3.0, colour=colour)
        )
        curves.append(Curve(f"{words}, simulated", branch.voltage, now, width=1.4, colour=colour))
    title = f"{measured.name}{' (predicted, not fitted)' if held_out else ''}"
    return Panel(Axis.of("voltage_v"), Axis("|current I|", "A", "log"), curves, title)


MOST_NAMED = 5  # parameters that a matrix names


def correlations(keys: Sequence[str], values: Array) -> Image:
    """Draw the matrix of correlations, -1 to 1, with the names of a few parameters, or numbered as their table."""
    few = len(keys) <= MOST_NAMED
    edges = np.arange(len(keys) + 1) + (-0.5 if few else 0.5)
    axis = Axis("", names=tuple(map(plain_name, keys))) if few else Axis("parameter", "", whole=True)
    return Image(
        axis,
        axis,
        edges,
        edges,
        values,
        "correlation",
        "RdBu_r",
        (-1.0, 1.0),
        numbers=few,
    )


def plain_name(key: str) -> str:
    """Return the key of a parameter in words: filament.radius is the filament radius."""
    return key.replace(".", " ").replace("_", " ")
