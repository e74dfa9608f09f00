"""Devices side by side: HRS and LRS of each, and the rates of each, as clouds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.text import count
from devicekit.features.stats import Spread
from devicekit.figures.cycles import sweeps_of
from devicekit.figures.drawn import Drawn, How, Series, dressed, of_each, scale_of
from devicekit.figures.inputs import Input
from devicekit.plot import Axis, Curve, Panel

NAMES = ("devices-states", "devices-rates")
RANK = 60
NEEDS = "three devices or more"
LEAST_DEVICES = 3


def draw(inputs: Sequence[Input], how: How) -> list[Drawn]:
    """Draw a point a device: medians of HRS and LRS of sweeps, rates at half of the window of fits and cards."""
    known = [(each, rows) for each in inputs if (rows := sweeps_of(each)) is not None]
    clouds = [Series(each.label, each, rows) for each, rows in known if rows["device_id"].nunique() >= LEAST_DEVICES]
    rates = [Series(each.label, each, rows) for each in inputs if (rows := _rates(each)) is not None]
    found = [_states(dressed(clouds), how)] if clouds else []
    return [*found, *([_drawn_rates(dressed(rates))] if rates else [])]


def _states(series: Sequence[Series], how: How) -> Drawn:
    curves = []
    for each in series:
        groups = each.rows.groupby("device_id", sort=False)
        places = {name: _place(groups[name], how) for name in ("g_hrs_s", "g_lrs_s")}
        (hrs, *ends_of_hrs), (lrs, *ends_of_lrs) = places.values()
        known = np.isfinite(hrs) & np.isfinite(lrs)
        hrs, lrs = hrs[known], lrs[known]
        point = Curve(each.name, hrs, lrs, style=each.look.marker, colour=each.look.colour, size=2.5, width=0.4)
        point = replace(point, legend=len(series) > 1)
        if groups.size().max() == 1:
            curves.append(point)
            continue
        ends = [(np.fmin(*pair)[known], np.fmax(*pair)[known]) for pair in (ends_of_hrs, ends_of_lrs)]
        curves.append(replace(point, kind="across", low=ends[0][0], high=ends[0][1], legend=False))
        curves.append(replace(point, kind="errors", low=ends[1][0], high=ends[1][1]))
    state = how.state
    spreads = [note for each in series if (note := _spread_note(each, len(series) > 1))]
    numbers = [count(each.rows["device_id"].nunique(), "device") for each in series]
    x, y = (Axis(f"{state.label}, {name}", state.unit, "log") for name in ("HRS", "LRS"))
    bars = any(each.low is not None for each in curves)
    return Drawn(
        name="devices-states",
        panel=Panel(x, y, curves),
        shows=f"HRS and LRS of each device ({of_each(series, numbers)}).",
        notes=(
            f"Points: medians over the cycles of a device{'; bars: 5–95 % of its cycles' if bars else ''}.",
            *spreads,
        ),
        inputs=tuple(each.of for each in series),
        scale=scale_of(series),
    )


def _place(groups: Any, how: How) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return median, 5 and 95 % quantile of each device, as they are shown."""
    found = groups.quantile(np.array([0.5, 0.05, 0.95])).unstack()
    middle, low, high = (how.states(found[share].to_numpy(float)) for share in (0.5, 0.05, 0.95))
    return middle, low, high


def _spread_note(series: Series, several: bool) -> str:
    """Return C2C and D2D of HRS and LRS as characterize found them."""
    result = series.of.merits.get("dc")
    spreads: Sequence[Spread] = getattr(result, "spreads", ())
    parts = []
    for each in spreads:
        if each.quantity in ("g_hrs_s", "g_lrs_s") and each.c2c is not None and each.d2d is not None:
            name = each.quantity[2:5].upper()
            parts.append(f"{name} {each.c2c.value:.2g} and {each.d2d.value:.2g} decades")
    where = f" of {series.name}" if several else ""
    return f"C2C and D2D standard deviation{where}: {'; '.join(parts)}." if parts else ""


def _rates(given: Input) -> pd.DataFrame | None:
    """Return the rates of each device at half of the window [window per pulse]; None of fewer than three devices."""
    if given.fit is not None:
        pairs = {name: pair for name, pair in given.fit.devices.items() if {"ltp", "ltd"} <= pair.keys()}
        rows = [(name, pair["ltp"].theta[0], pair["ltd"].theta[0]) for name, pair in pairs.items()]
    elif given.card is not None:
        rows = [(each.device_id, each.ltp_theta[0], each.ltd_theta[0]) for each in given.card.devices]
    else:
        return None
    if len(rows) < LEAST_DEVICES:
        return None
    names, ltp, ltd = zip(*rows, strict=True)
    return pd.DataFrame({"device_id": names, "ltp": np.exp(ltp), "ltd": np.exp(ltd)})


def _drawn_rates(series: Sequence[Series]) -> Drawn:
    curves = []
    for each in series:
        ltp, ltd = (each.rows[name].to_numpy(float) for name in ("ltp", "ltd"))
        point = Curve(each.name, ltp, ltd, style=each.look.marker, colour=each.look.colour, size=3.0)
        curves.append(replace(point, legend=len(series) > 1))
    numbers = [count(len(each.rows), "device") for each in series]
    x, y = (Axis(f"{name}, |change by one pulse|", "window", "log") for name in ("LTP", "LTD"))
    return Drawn(
        name="devices-rates",
        panel=Panel(x, y, curves),
        shows=f"Rates of each device at half of the window ({of_each(series, numbers)}).",
        notes=("Fitted to each device alone, in the window of all.",),
        inputs=tuple(each.of for each in series),
        scale=scale_of(series),
    )
