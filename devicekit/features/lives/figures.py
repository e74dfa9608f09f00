"""Figures of lives: over temperature, and over write cycles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from devicekit.core.records import Estimate
from devicekit.features.lives.arrhenius import inverse_energy
from devicekit.plot import COLOURS, Axis, Curve, Panel


def arrhenius(
    levels: Mapping[str, Mapping[str, tuple[np.ndarray, ...]]], use_k: float, marks: Sequence[float]
) -> Panel:
    """Draw lives against 1/kT: failures, censored records, the line and its band.

    Parameters
    ----------
    levels : mapping of str to mapping
        By level: `failed` and `held` (1/kT [1/eV], time [s]), and `line` (1/kT, median, its low and high, low and high
        of a new device), which is empty without a line.
    use_k : float
        Temperature of use [K].
    marks : sequence of float
        Temperatures [K] to mark at the top.
    """
    curves, top = [], 0.0
    for n, (name, own) in enumerate(levels.items()):
        colour = f"C{n % 10}"
        x, median, low, high, least, most = own["line"]
        if x.size:
            curves.append(
                Curve(f"{name}, a new device", x, median, "band", low=least, high=most, colour=colour, alpha=0.12)
            )
            curves.append(Curve(f"{name}, median", x, median, "band", low=low, high=high, colour=colour, alpha=0.3))
            curves.append(Curve(f"{name}, line", x, median, colour=colour, legend=False))
        (at, time), (at_held, held) = own["failed"], own["held"]
        curves.append(Curve(f"{name}, lost", at, time, style="o", colour=colour))
        if held.size:
            curves.append(Curve(f"{name}, held (censored)", at_held, held, style="^", colour=colour, size=5.0))
        top = max([top, *(float(np.nanmax(each)) for each in (time, held, most) if each.size)])
    shown = [(kelvin, float(inverse_energy(kelvin))) for kelvin in [*marks, use_k]]
    notes = [(x, 2.5 * top, f"{kelvin - 273.15:.0f} °C") for kelvin, x in shown]
    y = Axis("time to loss", "s", "log")
    return Panel(Axis("1 / kT", "1/eV"), y, curves, notes=notes, lines=(("x", shown[-1][1]),))


def window_over_cycles(
    windows: Mapping[str, tuple[np.ndarray, np.ndarray]], slope: float | None, threshold: float
) -> Panel:
    """Draw on/off of each device against cycles, with the mean trend [decades a decade] and the threshold.

    Parameters
    ----------
    windows : mapping of str to (ndarray, ndarray)
        Cycle and on/off of each device.
    slope : float, optional
        Slope of the trend, drawn through the median of all readings.
    threshold : float
        On/off below which a device counts as failed.
    """
    few = len(windows) <= 8
    curves = [
        Curve(
            name,
            cycle,
            ratio,
            style=".-",
            width=0.6,
            size=2.0,
            alpha=0.7,
            colour=f"C{n % 10}" if few else "0.5",
            legend=few,
        )
        for n, (name, (cycle, ratio)) in enumerate(windows.items())
    ]
    if slope is not None and windows:
        cycle, ratio = (np.concatenate([own[k] for own in windows.values()]) for k in (0, 1))
        good = ratio >= threshold
        if good.any():
            ends = np.array([cycle.min(), cycle.max()])
            middle = np.median(np.log10(ratio[good]) - slope * np.log10(cycle[good]))
            curves.append(
                Curve(f"trend, {slope:.2g} decades a decade", ends, 10.0 ** (middle + slope * np.log10(ends)))
            )
    return Panel(Axis.of("cycle", scale="log"), Axis("on/off", "", "log"), curves, lines=(("y", threshold),))


def weibull_life(
    cycles: np.ndarray,
    shares: np.ndarray,
    held: np.ndarray,
    shape: float,
    scale: float,
    points: Sequence[tuple[Estimate, float]],
) -> Panel:
    """Draw cycles to failure on Weibull paper: failures (Kaplan-Meier), the law, and lives with intervals.

    Parameters
    ----------
    cycles, shares : ndarray, shape (n,)
        Cycles and shares of the failures.
    held : ndarray, shape (m,)
        Last cycles of the surviving devices.
    shape, scale : float
        Parameters of the law.
    points : sequence of (Estimate, float)
        Cycles until a share of the devices has failed.
    """

    def paper(share: np.ndarray | float) -> np.ndarray:
        return np.log(-np.log1p(-np.asarray(share, float)))

    first = [each.value for each, _ in points] or [float(cycles.min())]
    ends = np.array(
        [min(*first, float(cycles.min())), max(*first, float(cycles.max()), float(np.max(held, initial=0.0)))]
    )
    law = Curve(f"Weibull, shape {shape:.3g}", ends, shape * np.log(ends / scale), width=1.0)
    curves = [Curve("failed", cycles, paper(shares), style="o", colour=COLOURS["ltp"], size=4.0), law]
    closed = [(e, share) for e, share in points if e.low is not None and e.high is not None]
    if closed:
        at, low, high = (np.array([getattr(e, name) for e, _ in closed]) for name in ("value", "low", "high"))
        y = paper(np.array([share for _, share in closed]))
        curves.append(Curve("1, 10, 50 % with intervals", at, y, "across", "s", low, high, COLOURS["ltd"]))
    if held.size:
        bottom = min(float(paper(shares).min()), *(float(paper(share)) for _, share in points), -2.0) - 0.5
        curves.append(Curve("held (censored)", held, np.full(held.size, bottom), style="^", colour="0.5", size=5.0))
    return Panel(Axis("cycles to failure", "", "log"), Axis("ln(-ln(1 - F))"), curves)
