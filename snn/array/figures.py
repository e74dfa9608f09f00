"""Figures of an array: accuracy against one setting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.plot import Axis, Curve, Panel

Line = tuple[str, np.ndarray, np.ndarray, np.ndarray]


def against(lines: Sequence[Line], label: str, unit: str, ideal: float, log: bool = True) -> Panel:
    """Draw accuracy against one setting.

    Parameters
    ----------
    lines : sequence of (str, ndarray, ndarray, ndarray)
        Name, values of the setting, mean accuracies [1] and their standard errors [1].
    label, unit : str
        Name and unit of the setting.
    ideal : float
        Accuracy of an ideal array [1].
    log : bool
        True for a logarithmic axis.
    """
    curves = [
        Curve(
            name,
            x,
            100 * mean,
            "errors",
            "o-",
            low=100 * (mean - error),
            high=100 * (mean + error),
            colour=f"C{number % 10}",
        )
        for number, (name, x, mean, error) in enumerate(lines)
    ]
    x = Axis(label, unit, scale="log" if log else "linear")
    return Panel(x, Axis("test accuracy", "%"), curves, lines=(("y", 100 * ideal),))
