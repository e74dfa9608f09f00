"""Retention: states against the time since they were written, at each temperature, with fitted laws if there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.constants import ZERO_C
from devicekit.core.text import count, listed
from devicekit.features.lives.bake import baked_at
from devicekit.features.merits.arrhenius import time_words
from devicekit.features.merits.retention import RetentionResult, StateRetention
from devicekit.figures.bands import ENOUGH, band, thinned
from devicekit.figures.drawn import Drawn, How, Series, dressed, of_each, read_at, scale_of, shade
from devicekit.figures.inputs import Input
from devicekit.figures.looks import MOST
from devicekit.plot import Axis, Curve, Panel

NAMES = ("retention",)
RANK = 35
NEEDS = "states over time"


def draw(inputs: Sequence[Input], how: How) -> list[Drawn]:
    """Draw readings or their band over devices, laws within the data, and predictions beyond them."""
    known = [
        each for each in inputs if each.kind == "retention" and each.table is not None and "bakes" not in each.merits
    ]
    series = dressed([each for given in known for each in _states(given, len(known) > 1)])
    if not series:
        return []
    curves = [curve for each in series for curve in _curves(each, how, len(series))]
    conductance = all(each.table.quantity == "conductance_s" for each in known)  # type: ignore[union-attr]
    state = how.state if conductance else Axis("Weight")
    wide = conductance and _is_wide(curves)
    laws = any(", law" in each.name for each in curves)
    return [
        Drawn(
            name="retention",
            panel=Panel(Axis("Time", "s", "log"), Axis(state.label, state.unit, "log" if wide else "linear"), curves),
            shows=f"Retention ({_numbers(series)}).",
            notes=tuple(_notes(series, laws, any(", prediction" in each.name for each in curves))),
            inputs=tuple(known),
            scale=scale_of(series),
        )
    ]


def _states(given: Input, several: bool) -> Iterator[Series]:
    """Return the readings of each level, of each temperature if there are several, and of devices if they are few."""
    frame: pd.DataFrame = given.table.frame  # type: ignore[union-attr]
    frame = frame.assign(bake_k=baked_at(frame))
    kelvins, devices = frame["bake_k"].nunique(), frame["device_id"].nunique()
    keys = ["level", *(["bake_k"] if kelvins > 1 else []), *(["device_id"] if 1 < devices < ENOUGH else [])]
    order = frame.groupby("level", sort=False)[given.table.quantity].median().sort_values().index  # type: ignore[union-attr]
    for level in order:
        for names, rows in frame[frame["level"] == level].groupby(keys, sort=False, dropna=False):
            parts = dict(zip(keys, names, strict=True))
            at = f" at {float(parts['bake_k']) - ZERO_C:.0f} °C" if "bake_k" in parts else ""
            words = f"{parts['level']}{at}" + (f", {parts['device_id']}" if "device_id" in parts else "")
            yield Series(f"{given.label}, {words}" if several else words, given, rows, "state")


def _curves(series: Series, how: How, many: int) -> Iterator[Curve]:
    rows, quantity = series.rows, series.of.table.quantity  # type: ignore[union-attr]
    rows = rows[rows["time_s"] > 0]
    x, y = rows["time_s"].to_numpy(float), rows[quantity].to_numpy(float)
    y = how.states(y) if quantity == "conductance_s" else y
    look = series.look
    if rows["device_id"].nunique() >= ENOUGH:
        found = band(x, y)
        if many <= MOST:
            yield shade(f"{series.name}, band", found.x, found.low, found.high, look)
        line = Curve(series.name, found.x, found.median, style=f"{look.marker}{look.dash}", colour=look.colour)
        yield replace(line, width=0.8, size=2.5 if many <= MOST else 1.5)
        return
    kept = thinned(x)
    yield Curve(series.name, x[kept], y[kept], style=look.marker, size=2.0, colour=look.colour)
    for law in _laws(series):
        yield from _law(series, law, how)


def _laws(series: Series) -> list[StateRetention]:
    """Return the fitted laws of the readings of a series."""
    result = series.of.merits.get("retention")
    if not isinstance(result, RetentionResult):
        return []
    keys = {(str(d), str(level)) for d, level in zip(series.rows["device_id"], series.rows["level"], strict=True)}
    baked = series.rows["bake_k"]
    return [
        each
        for each in result.states
        if (each.device_id, each.level) in keys
        and (baked.isna().any() if each.temperature_k is None else (baked == each.temperature_k).any())
    ]


def _law(series: Series, law: StateRetention, how: How) -> Iterator[Curve]:
    looked: dict[str, Any] = {"colour": series.look.colour, "width": 0.8, "legend": False}
    inside = np.geomspace(law.first_s, law.last_s, 20)
    yield Curve(f"{series.name}, law", inside, how.states(law.g_1s * inside**-law.nu), **looked)
    if (ahead := law.prediction) is not None:
        later = np.geomspace(law.last_s, ahead.time_s, 20)
        yield Curve(
            f"{series.name}, law beyond the data", later, how.states(law.g_1s * later**-law.nu), style=":", **looked
        )
        middle, *ends = how.states(np.array([ahead.conductance.value, ahead.conductance.low, ahead.conductance.high]))
        low, high = (np.array([end]) for end in (np.fmin(*ends), np.fmax(*ends)))
        at = np.array([ahead.time_s])
        yield Curve(
            f"{series.name}, prediction", at, np.array([middle]), "errors", series.look.marker, low, high, **looked
        )


def _horizons(series: Sequence[Series]) -> list[float]:
    """Return the times of the predictions [s]."""
    return sorted({law.prediction.time_s for each in series for law in _laws(each) if law.prediction is not None})


def _horizon_words(series: Sequence[Series]) -> str:
    found = _horizons(series)
    return f", to {time_words(found[0])}" if len(found) == 1 else ""


def _range_of(numbers: Sequence[int]) -> str:
    return f"{min(numbers)}" + (f" to {max(numbers)}" if max(numbers) > min(numbers) else "")


def _is_wide(curves: Sequence[Curve]) -> bool:
    values = np.concatenate([np.asarray(each.y, float).ravel() for each in curves])
    values = values[np.isfinite(values) & (values > 0)]
    return bool(values.size and values.max() > 5 * values.min())


def _numbers(series: Sequence[Series]) -> str:
    devices = {name for each in series for name in each.rows["device_id"]}
    return f"{count(len(series), 'state')} of {count(len(devices), 'device')}"


def _notes(series: Sequence[Series], laws: bool, ahead: bool) -> Iterator[str]:
    if any(each.rows["device_id"].nunique() >= ENOUGH for each in series):
        words = "; bands: 5–95 % of the devices" if len(series) <= MOST else ""
        sizes = [each.rows["device_id"].nunique() for each in series]
        numbers = of_each(series, [f"n = {each.rows['device_id'].nunique()}" for each in series])
        yield (
            f"Medians over devices{words} ({numbers})."
            if len(series) <= MOST
            else f"Medians over devices of each state ({_range_of(sizes)} devices)."
        )
    if len(series) > MOST:
        yield "Colour: number of the state, from the lowest."
    if laws:
        yield "Lines: power law fitted to the logarithms."
    if ahead:
        yield f"Dotted: law beyond the data{_horizon_words(series)}; error bars: 95 % confidence of the mean."
    if any((each.rows["time_s"] == 0).any() for each in series):
        yield "Readings at time 0 are not on the axis."
    kelvins = sorted({float(k) for each in series for k in each.rows["bake_k"].dropna().unique()})
    if kelvins:
        yield f"At {listed([f'{kelvin - ZERO_C:.0f} °C' for kelvin in kelvins])}."
    yield from read_at(series)
