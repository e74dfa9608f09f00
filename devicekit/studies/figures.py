"""Figures of studies, from arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.plot import COLOURS, Axis, Curve, Panel


def means(cases: Sequence[str], mean: np.ndarray, low: np.ndarray, high: np.ndarray) -> Panel:
    """Mean accuracy of every case, first case on top, with its 95 % interval.

    Parameters
    ----------
    cases : sequence of str
        Their names.
    mean, low, high : ndarray, shape (n,)
        Fractions; empty where no run has finished; ends NaN without an interval.
    """
    rows, x = np.arange(len(cases)), Axis("test accuracy", "%")
    dots = Curve(
        "mean, bars: 95 % intervals",
        100 * mean,
        rows,
        "across",
        "o",
        100 * np.where(np.isnan(low), mean, low),
        100 * np.where(np.isnan(high), mean, high),
        colour=COLOURS["ltp"],
        size=4.0,
        legend=False,
    )
    notes = () if len(cases) else ((0.0, 0.0, "no run finished"),)
    return Panel(x, Axis("", names=tuple(cases)), [dots] if len(cases) else [], notes=notes, grid=True)


def losses(cases: Sequence[str], loss: np.ndarray, low: np.ndarray, high: np.ndarray) -> Panel:
    """Return what each case costs against the reference case; bars: 95 % intervals.

    Parameters
    ----------
    cases : sequence of str
        Their names, largest loss first.
    loss, low, high : ndarray, shape (n,)
        Loss of accuracy and the ends of its interval, fractions; ends NaN without an interval.
    """
    rows, points = np.arange(len(cases)), 100 * loss
    bars = Curve(
        "loss, bars: 95 % intervals",
        points,
        rows,
        "bars",
        low=np.where(np.isnan(low), points, 100 * low),
        high=np.where(np.isnan(high), points, 100 * high),
        colour=COLOURS["ltp"],
        legend=False,
    )
    notes = () if len(cases) else ((0.0, 0.0, "no run finished"),)
    lines = (("x", 0.0),)
    x, y = Axis("loss of accuracy", "points"), Axis("", names=tuple(cases))
    return Panel(x, y, [bars] if len(cases) else [], notes=notes, lines=lines, grid=True)
