"""Panels of voltage sweeps and of their figures of merit, from arrays with labels and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from devicekit.features.dc.segments import split_segments
from devicekit.features.figures import LEVELS
from devicekit.features.stats import ranks, weibull
from devicekit.plot import COLOURS, Axis, Curve, Panel

Points = tuple[np.ndarray, np.ndarray]  # voltage [V] and current [A]


def _size(values: np.ndarray) -> np.ndarray:
    """Return magnitudes; NaN where they are 0, for a logarithmic axis."""
    size = np.abs(np.asarray(values, float))
    return np.where(size > 0, size, np.nan)


def sweeps(all_sweeps: Sequence[Points], middle: Points, *, signed: bool = False) -> Panel:
    """Draw |I| of every sweep against V on a log scale, or I with its sign, the middle sweep on top.

    Parameters
    ----------
    all_sweeps : sequence of (ndarray, ndarray)
        Voltage [V] and current [A] of each.
    middle : (ndarray, ndarray)
        The same of the one that is drawn on top, and whose data travel with the figure.
    signed : bool
        Keep the sign of the current.
    """
    shown = np.asarray if signed else _size
    curves = [
        Curve(f"sweep {n}", v, shown(i), width=0.5, alpha=0.4, colour="0.5", legend=False, data=False)
        for n, (v, i) in enumerate(all_sweeps, 1)
    ]
    v, i = middle
    curves.append(Curve("middle sweep", v, shown(i), width=1.3, colour=COLOURS["ltp"], legend=False))
    if signed:
        return Panel(Axis.of("voltage_v"), Axis.of("current_a"), curves, lines=(("y", 0.0), ("x", 0.0)))
    return Panel(Axis.of("voltage_v"), Axis("|current I|", "A", "log"), curves)


def sweeps_by_level(groups: Mapping[str, Sequence[Points]]) -> Panel:
    """Draw |I| [A] against V [V] on a log scale, one colour per level; sweeps are given by level name."""
    curves = [
        Curve(name if k == 0 else f"{name}, sweep {k + 1}", v, _size(i), width=1.0, colour=f"C{n % 10}", legend=k == 0)
        for n, (name, sweeps) in enumerate(groups.items())
        for k, (v, i) in enumerate(sweeps)
    ]
    return Panel(Axis.of("voltage_v"), Axis("|current I|", "A", "log"), curves)


def transfer(curves: Sequence[Points]) -> Panel:
    """Draw |drain current| [A] against the gate voltage [V] on a log scale."""
    drawn = [
        Curve(f"record {n}", v, _size(i), width=1.2, colour=f"C{n % 10}", legend=len(curves) > 1)
        for n, (v, i) in enumerate(curves)
    ]
    return Panel(Axis("gate voltage", "V"), Axis("|drain current|", "A", "log"), drawn)


def conduction(v: np.ndarray, i: np.ndarray) -> Panel:
    """Draw |I| against |V| of a sweep on log scales, one curve per leg; slope 1 is ohmic, 2 is space-charge-limited.

    Parameters
    ----------
    v, i : ndarray, shape (n,)
        Voltage [V] and current [A]; all finite.
    """
    curves = []
    for n, leg in enumerate(split_segments(v)):
        side, way = "+" if leg.sign > 0 else "-", "rising" if leg.rising else "falling"
        own = slice(leg.start, leg.stop)
        curve = Curve(
            f"{side}V {way}",
            _size(v[own]),
            _size(i[own]),
            style="-" if leg.rising else "--",
            colour=f"C{n}",
            label=f"{side}V, |V| {way}",
        )
        curves.append(curve)
    return Panel(Axis("|voltage V|", "V", "log"), Axis("|current I|", "A", "log"), curves)


def levels(hrs: np.ndarray, lrs: np.ndarray) -> Panel:
    """Draw the cumulative distribution of the conductances [S] of HRS and LRS."""
    curves = []
    for name, values in (("HRS", hrs), ("LRS", lrs)):
        x, p = ranks(values)
        curves.append(Curve(name, x[x > 0], p[x > 0], style=".", colour=LEVELS[name.lower()]))
    return Panel(Axis.of("conductance_s", scale="log"), Axis("share of cycles", cumulative=True), curves)


def against_compliance(table: pd.DataFrame) -> Panel:
    """Draw median conductance of LRS and HRS [S] against the compliance [A], of sweeps that set and that only reset.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `devicekit.features.dc.levels.Level`, one per compliance; a value that was not read is NaN.
    """
    found = {str(name): values.to_numpy(float) for name, values in table.items()}
    current, lrs = found["compliance_a"], found["g_lrs_s"]
    low, high = (np.where(np.isfinite(each), each, lrs) for each in (found["g_lrs_low_s"], found["g_lrs_high_s"]))
    first = Curve("LRS", current, lrs, "errors", "o-", low, high, COLOURS["ltp"], size=4.0, label="LRS after set")
    others = (
        ("LRS before reset", "LRS before reset", "g_before_reset_s", "x", "ltp"),
        ("HRS", "HRS before set", "g_hrs_s", "o-", "ltd"),
        ("HRS after reset", "HRS after reset", "g_after_reset_s", "x", "ltd"),
    )
    curves = [
        Curve(name, current, found[column], style=style, colour=COLOURS[colour], size=4.0, label=label)
        for name, label, column, style, colour in others
        if np.isfinite(found[column]).any()
    ]
    return Panel(Axis.of("compliance_a", scale="log"), Axis.of("conductance_s", scale="log"), [first, *curves])


def probability(values: np.ndarray, label: str, unit: str, kind: str = "weibull") -> Panel:
    """Draw the probability plot of magnitudes: a straight line means a Weibull (or normal) distribution.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Those that are not finite are left out.
    label, unit : str
        Name and unit of the values.
    kind : {"weibull", "normal"}
    """
    from scipy import special

    x, p = ranks(np.abs(values))
    x, p = x[x > 0], p[x > 0]
    y = np.log(-np.log1p(-p)) if kind == "weibull" else special.ndtri(p)
    curves = [Curve(f"{x.size} cycles", x, y, style=".", colour=COLOURS["ltp"])]
    ends = np.array([x.min(), x.max()])
    if kind == "weibull":
        if fit := weibull(x, label):
            name = f"shape {fit.shape:.3g}, scale {fit.scale:.3g}"
            curves.append(Curve(name, ends, fit.shape * np.log(ends / fit.scale), width=1.0))
        return Panel(Axis(f"|{label}|", unit, "log"), Axis("ln(-ln(1 - F))"), curves)
    spread = float(np.std(x, ddof=1)) if x.size > 1 else 0.0
    if spread > 0:
        curves.append(Curve(f"{x.mean():.3g} ± {spread:.2g}", ends, (ends - x.mean()) / spread, width=1.0))
    return Panel(Axis(f"|{label}|", unit), Axis("normal quantile"), curves)
