"""Figures of lives over write cycles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from devicekit.core.records import Estimate
from devicekit.features.lives import wear
from devicekit.features.lives.wear import WeibullLife
from devicekit.plot import COLOURS, Axis, Curve, Panel


def window_over_cycles(
    windows: Mapping[str, tuple[np.ndarray, np.ndarray]], trend: Estimate | None, threshold: float
) -> Panel:
    """Draw on/off of each device against cycles, with the mean trend [decades a decade] and the threshold.

    Parameters
    ----------
    windows : mapping of str to (ndarray, ndarray)
        Cycle and on/off of each device.
    trend : Estimate, optional
        Slope of the trend, drawn through the median of all readings.
    threshold : float
        On/off below which a device counts as failed.
    """
    few = len(windows) <= 8
    curves = []
    for n, (name, values) in enumerate(windows.items()):
        colour = f"C{n % 10}" if few else "0.5"
        curves.append(Curve(name, *values, style=".-", width=0.6, size=2.0, alpha=0.7, colour=colour, legend=few))
    if trend is not None and windows:
        slope = trend.value
        cycle, ratio = (np.concatenate([own[k] for own in windows.values()]) for k in (0, 1))
        good = ratio >= threshold
        if good.any():
            ends = np.array([cycle.min(), cycle.max()])
            middle = np.median(np.log10(ratio[good]) - slope * np.log10(cycle[good]))
            curves.append(
                Curve(f"trend, {slope:.2g} decades a decade", ends, 10.0 ** (middle + slope * np.log10(ends)))
            )
    return Panel(Axis.of("cycle", scale="log"), Axis("on/off", "", "log"), curves, lines=(("y", threshold),))


def weibull_life(life: WeibullLife) -> Panel:
    """Draw cycles to failure on Weibull paper: failures (Kaplan-Meier), the law, and lives with intervals."""
    cycles, shares = wear.positions(life.low, life.high)
    held, shape, scale = life.low[~np.isfinite(life.high)], life.shape.value, life.scale.value
    points = [(each.cycles, each.share) for each in life.shares if each.cycles is not None]

    def paper(share: np.ndarray | float) -> np.ndarray:
        return np.log(-np.log1p(-np.asarray(share, float)))

    first = [each.value for each, _ in points] or [float(cycles.min())]
    ends = np.array(
        [min(*first, float(cycles.min())), max(*first, float(cycles.max()), float(np.max(held, initial=0.0)))]
    )
    law = Curve(f"Weibull, shape {shape:.3g}", ends, shape * np.log(ends / scale), width=1.0)
    curves = [Curve("failed", cycles, paper(shares), style="o", colour=COLOURS["ltp"], size=4.0), law]
    closed = [(e, share) for e, share in points if e.closed]
    if closed:
        at, low, high = (np.array([getattr(e, name) for e, _ in closed]) for name in ("value", "low", "high"))
        y = paper(np.array([share for _, share in closed]))
        curves.append(Curve("1, 10, 50 % with intervals", at, y, "across", "s", low, high, COLOURS["ltd"]))
    if held.size:
        bottom = min(float(paper(shares).min()), *(float(paper(share)) for _, share in points), -2.0) - 0.5
        curves.append(Curve("held (censored)", held, np.full(held.size, bottom), style="^", colour="0.5", size=5.0))
    return Panel(Axis("cycles to failure", "", "log"), Axis("ln(-ln(1 - F))"), curves)
