"""Figures of training runs, from arrays."""

from __future__ import annotations

import numpy as np

from devicekit.plot import COLOURS, Axis, Curve, Panel


def accuracy(
    epochs: np.ndarray, train: np.ndarray, test: np.ndarray, mapped: tuple[float, float] | None, title: str
) -> Panel:
    """Draw training and test accuracy after each epoch.

    Parameters
    ----------
    epochs, train, test : ndarray, shape (n,)
        Numbers of the epochs, and accuracies as fractions.
    mapped : (float, float), optional
        Epoch of the mapping to devices, and the test accuracy just after it.
    title : str
    """
    curves = [
        Curve("training part, while learning", epochs, 100 * train, style="--", colour="0.45"),
        Curve("test part", epochs, 100 * test, style="o-", colour=COLOURS["ltp"]),
    ]
    lines = []
    if mapped is not None:
        at, after = np.array([mapped[0]]), np.array([100 * mapped[1]])
        curves.append(Curve("test part, just after mapping", at, after, style="x", colour="k", size=6.0))
        lines.append(("x", mapped[0]))
    return Panel(Axis("epoch", whole=True), Axis("accuracy", "%"), curves, title, lines=lines)


def over_time(
    time_s: np.ndarray, mean: np.ndarray, low: np.ndarray, high: np.ndarray, before: float, band: str, title: str
) -> Panel:
    """Draw accuracy against time after writing.

    Parameters
    ----------
    time_s, mean, low, high : ndarray, shape (n,)
        Times [s]; accuracies over draws of devices, as fractions.
    before : float
        Accuracy directly after writing.
    band, title : str
        Label of the band, and the title.
    """
    blue = COLOURS["ltp"]
    ends = np.array([time_s.min(), time_s.max()])
    curves = [
        Curve(band, time_s, 100 * mean, "band", low=100 * low, high=100 * high, colour=blue, alpha=0.2),
        Curve("mean over draws of devices", time_s, 100 * mean, style="o-", colour=blue),
        Curve("directly after writing", ends, np.full(2, 100 * before), style="--", colour="0.45"),
    ]
    return Panel(Axis("time after writing", "s", scale="log"), Axis("accuracy", "%"), curves, title)
