"""Figures of bakes: shift against conductance, bit errors against temperature, variance against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from devicekit.plot import Axis, Curve, Panel


def shifts(bakes: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]], predicted: str = "") -> Panel:
    """Draw the mean shift of each level against its conductance, with the range of 95 % of the cells.

    Parameters
    ----------
    bakes : sequence of (str, ndarray, ndarray, ndarray, ndarray)
        Name, conductance of the levels, mean shift, and its 2.5 and 97.5 % quantiles over cells [S].
    predicted : str
        Name of a bake that was not measured, drawn dashed.
    """
    curves = []
    for number, (name, g, mean, low, high) in enumerate(bakes):
        colour = f"C{number % 10}"
        band = Curve(f"{name}, 95 % of the cells", g, mean, "band", low=low, high=high, colour=colour, alpha=0.1)
        curves.append(Curve(name, g, mean, style="--" if name == predicted else "-", colour=colour))
        curves.append(Curve(**{**vars(band), "legend": False}))
    return Panel(Axis("conductance", "S"), Axis("shift by the bake", "S"), curves, lines=(("y", 0.0),), legend="above")


def shares(lines: Mapping[str, tuple[np.ndarray, ...]], x: Axis, of: str) -> Panel:
    """Draw shares [1] of bits or cells with their intervals against temperature or time, a line each."""
    curves = [
        Curve(name, at, 100 * rate, "errors", "o-", 100 * low, 100 * high, f"C{number % 10}")
        for number, (name, (at, rate, low, high)) in enumerate(lines.items())
    ]
    return Panel(x, Axis(of, "%"), curves, legend="above")


def variances(groups: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray]]) -> Panel:
    """Draw variances of the shift against time, with lines in log t: name, times [s], variances and line [S2]."""
    curves = []
    for number, (name, time, variance, line) in enumerate(groups):
        colour = f"C{number % 10}"
        curves.append(Curve(f"levels {name}", time, variance, style="o", colour=colour))
        curves.append(Curve(f"levels {name}, line", time, line, colour=colour, width=0.8, legend=False))
    return Panel(Axis("time", "s", "log"), Axis("variance of the shift", "S²"), curves, legend="above")
