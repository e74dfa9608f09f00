"""Panels for figures of merit, from arrays with labels and units (those of sweeps: `devicekit.features.dc.figures`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from devicekit.core.quantities import Quantity
from devicekit.plot import COLOURS, Axis, Curve, Panel

LEVELS = {"lrs": COLOURS["ltp"], "hrs": COLOURS["ltd"]}


def endurance(
    readings: Mapping[str, tuple[np.ndarray, np.ndarray]],
    medians: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> Panel:
    """Draw every reading (dots) and the median of each decade (line), by level: cycle and conductance [S]."""
    curves = []
    for level, (cycle, g) in readings.items():
        step = max(1, cycle.size // 5000)
        dots = Curve(
            f"{level.upper()}, readings",
            np.maximum(cycle[::step], 1),
            g[::step],
            style=".",
            size=2.0,
            alpha=0.5,
            colour=LEVELS[level],
            legend=False,
            data=False,
        )
        curves += [dots, Curve(level.upper(), *medians[level], style="-o", colour=LEVELS[level])]
    return Panel(Axis.of("cycle", scale="log"), Axis.of("conductance_s", scale="log"), curves)


def retention(states: Mapping[str, tuple[np.ndarray, ...]]) -> Panel:
    """Draw readings and the power law of every state; the prediction with its interval where there is one.

    Parameters
    ----------
    states : mapping of str to tuple of ndarray
        Time and conductance of the readings, of the law, and (time, value, low, high) of the prediction, which is
        empty where there is none [s, S].
    """
    curves = []
    for n, (name, (t, g, at, law, ahead, value, low, high)) in enumerate(states.items()):
        colour = f"C{n % 10}"
        curves.append(Curve(name, t, g, style=".", colour=colour))
        curves.append(Curve(f"{name}, law", at, law, style="--" if ahead.size else "-", width=0.8, colour=colour))
        if ahead.size:
            curves.append(Curve(f"{name}, prediction", ahead, value, "errors", "s", low, high, colour))
    x = Axis("time since the state was written", "s", "log")
    return Panel(x, Axis.of("conductance_s", scale="log"), curves, legend="none")


def stdp(
    readings: tuple[np.ndarray, np.ndarray],
    delays: Sequence[np.ndarray],
    window: Mapping[str, tuple[np.ndarray, ...]],
) -> Panel:
    """Draw the readings, medians with ranges at each delay, and the fitted window.

    Parameters
    ----------
    readings : (ndarray, ndarray)
        Delay [s] and weight change of each.
    delays : sequence of ndarray
        Delay [s], median, lowest and highest change.
    window : mapping of str to (ndarray, ndarray)
        Delay [s] and fitted change of each side.
    """
    at, median, low, high = delays
    curves = [
        Curve("readings", 1e3 * readings[0], readings[1], style=".", colour="0.55"),
        Curve("median, range", 1e3 * at, median, "errors", "o", low, high, COLOURS["ltp"]),
    ]
    for n, (name, (t, change)) in enumerate(window.items()):
        curves.append(Curve(f"fit, {name}", 1e3 * t, change, width=1.0, legend=n == 0))
    x = Axis("spike delay Δt", "ms")
    return Panel(x, Axis.of("weight_change"), curves, lines=(("y", 0.0),))


def relaxation(
    records: Mapping[str, tuple[np.ndarray, ...]], unit: str, scale: Literal["log", "linear"] = "log"
) -> Panel:
    """Draw the readings after the last pulse of each record, and the fitted kernel.

    Parameters
    ----------
    records : mapping of str to tuple of ndarray
        Time since the pulse and reading, then time and value of the fitted curve [s, unit].
    unit : {"S", "A"}
        Of the readings.
    scale : {"log", "linear"}
        Of the time.
    """
    curves = []
    for n, (name, (t, value, at, fitted)) in enumerate(records.items()):
        colour = f"C{n % 10}"
        shown = np.where(t > 0, t, np.nan) if scale == "log" else t
        curves.append(Curve(name, shown, value, style=".", colour=colour, size=2.5))
        curves.append(Curve(f"{name}, kernel", at, fitted, width=1.0, colour=colour, legend=False))
    y = Axis.of("conductance_s") if unit == "S" else Axis.of("current_a")
    return Panel(Axis("time since the last pulse", "s", scale), y, curves, legend="none" if len(records) > 8 else "in")


def facilitation(
    interval: np.ndarray, ratio: np.ndarray, at: np.ndarray, fitted: np.ndarray, end: float | None
) -> Panel:
    """Draw the paired-pulse ratio against the interval on a logarithmic axis, with the fit and its limit.

    Parameters
    ----------
    interval, ratio : ndarray, shape (n,)
        Each pair [s, 1].
    at, fitted : ndarray, shape (m,)
        The fitted curve; empty where there is none.
    end : float, optional
        R at long intervals.
    """
    curves = [Curve("pairs", interval, ratio, style=".", colour="0.45", size=4.0)]
    if at.size:
        curves.append(Curve("fit", at, fitted, width=1.2, colour=COLOURS["ltp"]))
    lines = [("y", 1.0), *([("y", end)] if end is not None and abs(end - 1.0) > 1e-9 else [])]
    return Panel(Axis.of("interval_s", scale="log"), Axis.of("ratio"), curves, lines=tuple(lines))


def against_rate(
    rate: np.ndarray, before: np.ndarray, after: np.ndarray, fitted: Sequence[np.ndarray], unit: str
) -> Panel:
    """Draw level above the start just before and just after a pulse late in a train, against the rate of the pulses.

    Parameters
    ----------
    rate, before, after : ndarray, shape (n,)
        Pulses a second [Hz], levels [unit].
    fitted : sequence of ndarray
        Rate, before and after by the fit; empty where there is none.
    unit : {"S", "A"}
    """
    curves = [
        Curve("after a pulse", rate, after, style="o", colour=COLOURS["ltp"], size=4.0),
        Curve("before a pulse", rate, before, style="o", colour=COLOURS["ltd"], size=4.0),
    ]
    if len(fitted):
        at, low, high = fitted
        curves += [
            Curve("after, fit", at, high, width=1.0, colour=COLOURS["ltp"], legend=False),
            Curve("before, fit", at, low, width=1.0, colour=COLOURS["ltd"], legend=False),
        ]
    label = "conductance above the start" if unit == "S" else "current above the start"
    return Panel(Axis("rate of the pulses", "Hz", "log"), Axis(label, unit), curves)


def current_in_time(time: np.ndarray, current: np.ndarray, marked: Sequence[float]) -> Panel:
    """Draw the record of a read current [A] against time [s], with the levels that were found [A]."""
    step = max(1, time.size // 5000)
    record = Curve("current", time[::step], current[::step], width=0.4, colour="0.5", legend=False)
    ends = np.array([time.min(), time.max()])
    curves = [
        Curve(f"level {n}", ends, np.full(2, level), width=1.0, colour=COLOURS["ltd"], legend=False)
        for n, level in enumerate(marked, 1)
    ]
    return Panel(Axis.of("time_s"), Axis.of("current_a"), [record, *curves])


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


def level_densities(
    levels: Mapping[str, tuple[np.ndarray, float, float]], thresholds: Sequence[float], log: bool
) -> Panel:
    """Draw the histogram and fitted normal density of each level, with the thresholds between neighbours.

    Parameters
    ----------
    levels : mapping of str to (ndarray, float, float)
        Readings of each, their mean and sd: G [S], or ln G.
    thresholds : sequence of float
        Conductances [S].
    log : bool
        Whether levels are given as ln G; densities are then those of ln G.
    """
    curves = []
    for k, (name, (values, mean, sd)) in enumerate(levels.items()):
        many = int(np.clip(np.sqrt(values.size), 4, 30))
        height, edges = np.histogram(values, many, density=True) if np.ptp(values) > 0 else (np.ones(1), [mean] * 2)
        x, y = np.repeat(edges, 2), np.r_[0.0, np.repeat(height, 2), 0.0]
        colour = f"C{k % 10}"
        few = len(levels) <= 10
        curves.append(Curve(name, np.exp(x) if log else x, y, colour=colour, width=0.8, alpha=0.6, legend=few))
        if sd > 0:
            at = mean + sd * np.linspace(-4, 4, 81)
            at = at if log else at[at >= 0]
            density = np.exp(-0.5 * ((at - mean) / sd) ** 2) / sd / np.sqrt(2 * np.pi)
            fit = (np.exp(at) if log else at, density)
            curves.append(Curve(f"{name}, normal", *fit, colour=colour, width=1.4, legend=False))
    across = Axis.of("conductance_s", scale="log" if log else "linear", ticks=0 if log else 6)
    density_axis = Axis("density of ln G") if log else Axis("density of G", "1/S")
    return Panel(across, density_axis, curves, lines=[("x", each) for each in thresholds], legend="above")


def telegraph(time: np.ndarray, value: np.ndarray, levels: np.ndarray | None, quantity: str) -> Panel:
    """Draw a record at constant voltage against time [s], and the level that is on at each reading.

    Parameters
    ----------
    time, value : ndarray, shape (n,)
        [s], readings.
    levels : ndarray, shape (n,), optional
        Where two levels were found.
    quantity : str
        Name of the readings in the glossary.
    """
    kept = slice(0, 4000)  # jumps of more are not seen
    curves = [Curve("readings", time[kept], value[kept], width=0.4, colour="0.6", legend=False)]
    if levels is not None:
        curves.append(Curve("levels", time[kept], levels[kept], width=1.0, colour=COLOURS["ltd"], legend=False))
    return Panel(Axis.of("time_s"), Axis.of(quantity), curves)


def power(frequency: np.ndarray, density: np.ndarray, exponent: float, unit: str) -> Panel:
    """Draw averaged power spectrum against frequency [Hz], and the line 1/f^exponent through it.

    Parameters
    ----------
    frequency, density : ndarray, shape (n,)
        [Hz], and in `unit`.
    exponent : float
    unit : str
    """
    middle = float(np.exp(np.log(density).mean() + exponent * np.log(frequency).mean()))
    curves = [
        Curve("spectrum", frequency, density, style="o", colour=COLOURS["ltp"], legend=False),
        Curve(f"exponent {exponent:.2f}", frequency, middle * frequency**-exponent, colour="0.3", width=1.0),
    ]
    return Panel(Axis("frequency", "Hz", "log"), Axis("power spectral density", unit, "log"), curves)


def over_places(parts: Mapping[str, tuple[np.ndarray, np.ndarray]], quantity: Quantity) -> Panel:
    """Draw a quantity over row numbers and over column numbers; keys of `parts` are "row" and "column"."""
    styles = zip(parts.items(), ("o-", "s--"), (COLOURS["ltp"], COLOURS["ltd"]), strict=False)
    curves = [
        Curve(f"over each {name}", *values, style=style, colour=colour) for (name, values), style, colour in styles
    ]
    up = Axis(quantity.label, quantity.unit, "log" if quantity.log else "linear")
    return Panel(Axis("row or column", whole=True), up, curves)
