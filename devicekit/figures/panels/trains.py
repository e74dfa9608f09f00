"""LTP and LTD: mean and band of the trains with the fitted law, and the rate of the law with its band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from devicekit.core.text import count, listed, si, span
from devicekit.device.card import DeviceCard
from devicekit.figures.drawn import Drawn, How, Series, dressed, key, of_each, scale_of, shade
from devicekit.figures.inputs import Input
from devicekit.figures.looks import Look, looks
from devicekit.fitting.result import DeviceFit
from devicekit.plot import Axis, Curve, Panel

NAMES = ("trains", "rates")
RANK = 50
NEEDS = "LTP and LTD trains"
ENOUGH = 20  # trains from which a band of 5 to 95 % is drawn; of fewer, all of them
BLACK = Look("#000000")
ROOM = 1.5  # end of the axis over the largest change, where a band is wider


def draw(inputs: Sequence[Input], how: How) -> list[Drawn]:
    """Draw the trains of fits, and the rates of fits and cards."""
    fits = dressed([Series(each.label, each, each.fit) for each in inputs if each.fit is not None])
    rated = dressed([Series(each.label, each, each.fit or each.card) for each in inputs if each.fit or each.card])
    return [*([_trains(fits, how)] if fits else []), *([_rates(rated)] if rated else [])]


def _trains(series: Sequence[Series], how: How) -> Drawn:
    alone, curves, words, conductance = len(series) == 1, [], [], True
    several = False
    for each in series:
        fit: DeviceFit = each.rows
        conductance = conductance and fit.window.quantity == "conductance_s"
        start, first = 0, True
        for direction, branch in fit.branches.items():
            look = looks(2)[0 if direction == "ltp" else 1] if alone else each.look
            values = fit.trains(direction).values[:, : branch.x.size]
            n = start + np.arange(branch.x.size)
            start += branch.x.size
            name = direction.upper() if alone else f"{each.name}, {direction.upper()}"
            measured, fitted = (_state(fit, r, how) for r in (branch.measured, branch.fitted))
            if len(values) > 1:
                several = True
                share = (0.05, 0.95) if len(values) >= ENOUGH else (0.0, 1.0)
                low, high = (np.nanquantile(_displayed(fit, values, how), q, axis=0) for q in share)
                curves.append(shade(f"{name}, band", n, low, high, look))
            mean = Curve(f"{name}, mean", n, measured, style=look.marker, size=1.6, width=0.6, colour=look.colour)
            label = direction.upper() if alone else each.name
            curves.append(Curve(**{**vars(mean), "label": label, "legend": alone or first}))
            curves.append(Curve(f"{name}, {fit.law.name} law", n, fitted, width=0.8, colour=BLACK.colour, legend=False))
            first = False
        words.append(_numbers(fit))
    curves.append(key("fit", BLACK))
    axis = how.state if conductance else Axis("Weight")
    laws = list(dict.fromkeys(each.rows.law.title for each in series))
    return Drawn(
        name="trains",
        panel=Panel(Axis("Pulse number"), axis, curves),
        shows=f"LTP and LTD ({of_each(series, words)}).",
        notes=(
            f"Dots: {'mean of the trains' if several else 'readings'}. {_band_words(series) if several else ''}"
            f"Lines: fitted law, {listed(laws)}.",
            *_conditions(series),
        ),
        inputs=tuple(each.of for each in series),
        scale=scale_of(series),
    )


def _displayed(fit: DeviceFit, values: np.ndarray, how: How) -> np.ndarray:
    return how.states(values) if fit.window.quantity == "conductance_s" else values


def _state(fit: DeviceFit, r: np.ndarray, how: How) -> np.ndarray:
    return _displayed(fit, fit.window.from_state(r), how)


def _numbers(fit: DeviceFit) -> str:
    trains = {direction: len(fit.trains(direction).values) for direction in fit.branches}
    several = len(set(trains.values())) > 1
    number = (
        listed([f"{n} {name.upper()}" for name, n in trains.items()]) + " trains"
        if several
        else f"{count(next(iter(trains.values())), 'train')} each"
    )
    return f"{count(len(fit.table.devices), 'device')}, {number}"


def _band_words(series: Sequence[Series]) -> str:
    sizes = [len(each.rows.trains(direction).values) for each in series for direction in each.rows.branches]
    wide = {size >= ENOUGH for size in sizes if size > 1}  # of a single train no band is drawn
    if len(wide) > 1:
        return f"Bands: 5–95 % of the trains; all, of fewer than {ENOUGH}. "
    return f"Bands: {'5–95 %' if True in wide else 'all'} of the trains. "


def _conditions(series: Sequence[Series]) -> list[str]:
    """Return pulses and read voltage in sentences, of several results each or what they share."""
    stated = [_condition(each.rows) for each in series]
    if len(series) == 1 or all(each == stated[0] for each in stated):
        return stated[0]
    return [f"{each.name}: {' '.join(words)}" for each, words in zip(series, stated, strict=True) if words]


def _condition(fit: DeviceFit) -> list[str]:
    """Return pulses and read voltage that a fit states."""
    stated, parts = fit.pulse_conditions, []
    for name in ("ltp", "ltd"):
        if (volts := getattr(stated, f"{name}_voltage_v")) is not None:
            parts.append(f"{name.upper()} {si(volts, 'V')}")
    found = []
    if parts:
        wide = f", {si(stated.pulse_width_s, 's')}" if stated.pulse_width_s is not None else ""
        found.append(f"Pulses: {listed(parts)}{wide}.")
    if stated.read_voltage_v is not None:
        found.append(f"Read at {si(stated.read_voltage_v, 'V')}.")
    return found


def _rates(series: Sequence[Series]) -> Drawn:
    alone, curves, levels = len(series) == 1, [], set()
    for each in series:
        first = True
        for direction, branch in _branches(each.rows):
            look = looks(2)[0 if direction == "ltp" else 1] if alone else each.look
            curve, (low, high) = branch.rate_curve, branch.measured_range
            r, rate, lower, upper = (np.array(v, float) for v in (curve.r, curve.rate, curve.lower, curve.upper))
            inside = (r >= low - 0.01) & (r <= high + 0.01)
            name = direction.upper() if alone else f"{each.name}, {direction.upper()}"
            dash = look.dash if alone else ("-", "--")[direction == "ltd"]
            levels.add(curve.level)
            curves.append(
                Curve(
                    f"{name}, rate",
                    r[inside],
                    np.abs(rate)[inside],
                    style=dash,
                    colour=look.colour,
                    legend=alone or first,
                    width=1.0,
                    label=direction.upper() if alone else each.name,
                )
            )
            down, up = (np.abs(end[inside]) for end in (lower, upper))
            curves.append(shade(f"{name}, band", r[inside], down, up, look))
            first = False
    if not alone:
        curves += [key("LTP", BLACK), key("LTD", BLACK, dash="--")]
    level = " and ".join(f"{100 * each:.0f} %" for each in sorted(levels))
    laws = list(dict.fromkeys(each.rows.law.title for each in series))
    top = ROOM * max(float(each.y.max()) for each in curves if each.kind == "line" and each.data)
    beyond = any(each.high is not None and float(np.max(each.high)) > top for each in curves)
    notes = [f"Fitted law: {listed(laws)}.", f"Bands: {level} confidence, pointwise.", *_windows(series)]
    if beyond:
        notes.append("A band beyond the axis: no reading limits the change there.")
    y = Axis("|Change by one pulse|", "window", limits=(0.0, top) if beyond else None)
    return Drawn(
        name="rates",
        panel=Panel(Axis("State r", limits=(0.0, 1.0)), y, curves),
        shows="Change of the state by one pulse against the state, where trains were measured.",
        notes=tuple(notes),
        inputs=tuple(each.of for each in series),
        scale=scale_of(series),
    )


def _windows(series: Sequence[Series]) -> list[str]:
    """Return the window that r = 0 and r = 1 stand for, of up to four results."""
    windows = [each.rows.window for each in series]
    units = ["S" if each.quantity == "conductance_s" else "" for each in windows]
    spans = [span(each.low, each.high, unit) for each, unit in zip(windows, units, strict=True)]
    return [f"r from 0 to 1: {of_each(series, spans)}."] if len(series) <= 4 else []


def _branches(given: Any) -> list[tuple[str, Any]]:
    """Return the branches of a fit or a card as those of a card."""
    if isinstance(given, DeviceCard):
        return [("ltp", given.ltp), ("ltd", given.ltd)]
    return [(name, branch.to_card()) for name, branch in given.branches.items()]
