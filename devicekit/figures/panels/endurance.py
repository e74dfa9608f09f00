"""Endurance: HRS and LRS against cycles, readings of one device or the band over devices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.text import count
from devicekit.features.merits.endurance import EnduranceResult
from devicekit.figures.bands import ENOUGH, band, thinned
from devicekit.figures.drawn import Drawn, How, Series, dressed, key, of_each, read_at, shade
from devicekit.figures.inputs import Input
from devicekit.figures.looks import Look, looks
from devicekit.plot import Axis, Curve, Panel

NAMES = ("endurance",)
RANK = 30
NEEDS = "HRS and LRS over write cycles"
LEVELS = ("lrs", "hrs")
ENOUGH_READINGS = 5  # of a median, where no place has more than one reading
BLACK = Look("#000000")


def draw(inputs: Sequence[Input], how: How) -> list[Drawn]:
    """Draw readings, medians and bands; of results that are read again, medians and quartiles a decade."""
    series = dressed(
        [
            Series(each.label, each, rows)
            for each in inputs
            if (rows := _rows(each)) is not None and (each.kind == "endurance" or "endurance" in each.merits)
        ]
    )
    if not series:
        return []
    alone = len(series) == 1
    curves = [curve for each in series for curve in _curves(each, how, alone)]
    if not alone:
        curves += [key("LRS", BLACK), key("HRS", BLACK, dash="--")]
    state = how.state
    return [
        Drawn(
            name="endurance",
            panel=Panel(Axis("Write cycle", scale="log"), Axis(state.label, state.unit, "log"), curves),
            shows=f"Endurance ({of_each(series, [_numbers(each) for each in series])}).",
            notes=tuple(_notes(series)),
            inputs=tuple(each.of for each in series),
        )
    ]


def _rows(given: Input) -> pd.DataFrame | None:
    """Return readings, or medians a decade, of an input."""
    if given.table is not None and given.kind == "endurance":
        return given.table.frame
    return given.tables.get("decades")


def _curves(series: Series, how: How, alone: bool) -> Iterator[Curve]:
    for place, level in enumerate(LEVELS):
        look = looks(2)[place] if alone else series.look
        dash = "-" if alone or place == 0 else "--"
        name = level.upper() if alone else f"{series.name}, {level.upper()}"
        shown: dict[str, Any] = {"legend": alone or place == 0, "label": level.upper() if alone else series.name}
        own = series.rows[series.rows["level"] == level]
        if "decade" in own:
            x = 10.0 ** (own["decade"].to_numpy(float) + 0.5)
            middle, low, high = (how.states(own[name].to_numpy(float)) for name in ("median_s", "q25_s", "q75_s"))
            yield shade(f"{name}, quartiles", x, low, high, look)
            yield Curve(name, x, middle, style=f"{look.marker}{dash}", colour=look.colour, width=1.0, size=2.5, **shown)
            continue
        own = own[own["conductance_s"] > 0]
        x, y = np.maximum(own["cycle"].to_numpy(float), 1.0), how.states(own["conductance_s"].to_numpy(float))
        found = band(x, y, ENOUGH_READINGS)
        if own["device_id"].nunique() >= ENOUGH:
            yield shade(f"{name}, band", found.x, found.low, found.high, look)
        else:
            kept = thinned(x)
            dots = Curve(f"{name}, readings", x[kept], y[kept], style=look.marker, size=1.0, colour=look.pale)
            yield replace(dots, legend=False)
        yield Curve(name, found.x, found.median, style=dash, colour=look.colour, width=1.0, **shown)


def _numbers(series: Series) -> str:
    rows = series.rows
    if "decade" in rows:
        devices = series.of.tables.get("devices")
        many = 0 if devices is None else len(devices)
        return f"{count(many, 'device')}, {int(rows['n'].sum())} readings"
    read = rows[rows["level"] == "lrs"]
    return f"{count(rows['device_id'].nunique(), 'device')}, {len(read)} readings of each state"


def _notes(series: Sequence[Series]) -> Iterator[str]:
    devices = [each.rows["device_id"].nunique() if "decade" not in each.rows else 0 for each in series]
    dots = [each.name for each, many in zip(series, devices, strict=True) if 0 < many < ENOUGH]
    if dots:
        yield "Dots: readings, at most 1,500 of each state; lines: medians."
    if any(many >= ENOUGH for many in devices):
        yield "Lines: medians over devices; bands: 5–95 % of the devices' readings."
    if not all(devices):
        yield "Lines: medians of each decade; bands: quartiles."
    for each in series:
        result = each.of.merits.get("endurance")
        if isinstance(result, EnduranceResult):
            prefix = "" if len(series) == 1 else f"{each.name}: "
            failed = [device for device in result.devices if device.failed_at is not None]
            ratios = [device.median_window for device in result.devices if np.isfinite(device.median_window)]
            ratio = f"median on/off {np.median(ratios):.3g}; " if ratios else ""
            yield f"{prefix}{ratio}{len(failed)} of {len(result.devices)} failed ({result.criterion})."
    yield from read_at(series)
