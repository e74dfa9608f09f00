"""Figures of studies, from arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.plot import COLOURS, Axis, Curve, Panel


def means(cases: Sequence[str], mean: np.ndarray, sd: np.ndarray) -> Panel:
    """Mean accuracy of every case, first case on top, with one standard deviation.

    Parameters
    ----------
    cases : sequence of str
        Their names.
    mean, sd : ndarray, shape (n,)
        Fractions; both empty where no run has finished.
    """
    rows, x = np.arange(len(cases)), Axis("test accuracy", "%")
    dots = Curve(
        "mean, bars: one standard deviation",
        100 * mean,
        rows,
        "across",
        "o",
        100 * (mean - sd),
        100 * (mean + sd),
        colour=COLOURS["ltp"],
        size=4.0,
        legend=False,
    )
    notes = () if len(cases) else ((0.0, 0.0, "no run finished"),)
    return Panel(x, Axis("", names=tuple(cases)), [dots] if len(cases) else [], notes=notes, grid=True)


def losses(cases: Sequence[str], loss: np.ndarray, se: np.ndarray) -> Panel:
    """Return what each case costs against the reference case; bars: two standard errors.

    Parameters
    ----------
    cases : sequence of str
        Their names, largest loss first.
    loss, se : ndarray, shape (n,)
        Loss of accuracy and its standard error, fractions.
    """
    rows, points = np.arange(len(cases)), 100 * loss
    bars = Curve(
        "loss, bars: two standard errors",
        points,
        rows,
        "bars",
        low=points - 200 * se,
        high=points + 200 * se,
        colour=COLOURS["ltp"],
        legend=False,
    )
    notes = () if len(cases) else ((0.0, 0.0, "no run finished"),)
    lines = (("x", 0.0),)
    x, y = Axis("loss of accuracy", "points"), Axis("", names=tuple(cases))
    return Panel(x, y, [bars] if len(cases) else [], notes=notes, lines=lines, grid=True)
