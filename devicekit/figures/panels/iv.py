"""I-V of cycles, pale, with the middle cycle in front: |I| on a logarithmic axis, and I on a linear one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from devicekit.core.text import count
from devicekit.features.dc import subset
from devicekit.features.dc.segments import split_segments
from devicekit.features.dc.trace import each_sweep
from devicekit.features.merit import MOST_CURVES, curve
from devicekit.features.merits.dc import DcResult
from devicekit.figures.cycles import by_compliance, limits_of, limits_text
from devicekit.figures.drawn import ARROW, Drawn, How, Series, distinct, dressed, of_each, scale_of
from devicekit.figures.inputs import Input
from devicekit.figures.looks import GREY
from devicekit.plot import Axis, Curve, Panel

NAMES = ("iv", "iv-linear")
RANK = 10
NEEDS = "voltage sweeps"
PLACE = 0.62  # of the largest |V| of a leg: where its arrow stands
REACH = 0.09  # of the largest |V|: length of an arrow


def draw(inputs: Sequence[Input], how: How) -> list[Drawn]:
    """Draw the sweeps twice: logarithmic and linear."""
    del how
    series = _series(inputs)
    return [_drawn(series, log) for log in (True, False)] if series else []


def _series(inputs: Sequence[Input]) -> list[Series]:
    """Return the sweeps of each input, or of each compliance of one input; rows: those of the table, and the sweeps."""
    found = []
    alone = sum("dc" in each.merits for each in inputs) == 1
    for each in inputs:
        result = each.merits.get("dc")
        if not isinstance(result, DcResult):
            continue
        shown = subset.shown_sweeps(result.cycles)
        parts = by_compliance(each, shown) if alone else {}
        for name, rows in (parts or {each.label: shown}).items():
            found.append(Series(name, each, (_of_table(result, rows), rows), "compliance"))
    return dressed(found)


def _of_table(result: DcResult, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the table for these sweeps."""
    frame = result.table.frame
    keys = pd.MultiIndex.from_frame(rows[["device_id", "cycle"]].astype({"device_id": str, "cycle": "int64"}))
    return frame[pd.MultiIndex.from_arrays([frame["device_id"].astype(str), frame["cycle"].astype("int64")]).isin(keys)]


def _drawn(series: Sequence[Series], log: bool) -> Drawn:
    behind, front, arrows = [], [], []
    alone = len(series) == 1
    for each in series:
        frame, _ = each.rows
        cycles, (v, i) = _curves(frame), curve(_median(each, frame))
        pale = GREY.pale if alone else each.look.pale
        for n, (volt, ampere) in enumerate(_evenly(cycles, max(1, MOST_CURVES // len(series))), 1):
            values = _displayed(ampere, log)
            behind.append(Curve(f"{each.name}, cycle {n}", volt, values, width=0.3, colour=pale, legend=False))
        name = ("median cycle" if len(cycles) > 1 else each.name) if alone else each.name
        front.append(Curve(name, v, _displayed(i, log), style=each.look.dash, colour=each.look.colour, width=1.0))
        if alone or each is series[0]:
            arrows += _arrows(v, _displayed(i, log))
    limits = limits_of(pd.concat([each.rows[1] for each in series]))
    lines = [("y", limit) for limit in limits] if log and len(limits) <= len(series) else []
    y = Axis("|Current|", "A", "log") if log else Axis("Current", "A")
    return Drawn(
        name="iv" if log else "iv-linear",
        panel=Panel(Axis("Voltage", "V"), y, [*behind, *front, *arrows], lines=lines),
        shows=f"{'I–V' if log else 'I–V on a linear scale'} ({of_each(series, [_numbers(each) for each in series])}).",
        notes=_notes(series, behind, bool(lines)),
        inputs=distinct(series),
        scale=scale_of(series),
    )


def _curves(frame: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
    return [curve(rows) for _, _, rows in each_sweep(frame)]


def _evenly(cycles: list[tuple[np.ndarray, np.ndarray]], most: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return cycles[:: -(-len(cycles) // most)]


def _median(series: Series, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the cycle whose numbers are nearest to their medians, in median absolute deviations."""
    rows: pd.DataFrame = series.rows[1]
    apart = np.zeros(len(rows))
    for name in ("v_set_v", "v_reset_v", "g_hrs_s", "g_lrs_s"):
        values = rows[name].to_numpy(float)
        values = np.log(np.where(values > 0, values, np.nan)) if name.startswith("g_") else values
        if not np.isfinite(values).any():
            continue
        off = np.abs(values - np.nanmedian(values))
        apart += np.nan_to_num(off / (np.nanmedian(off) or 1.0), nan=np.inf)
    best = rows.iloc[int(np.argmin(apart))]
    return frame[(frame["device_id"].astype(str) == str(best["device_id"])) & (frame["cycle"] == best["cycle"])]


def _displayed(current: np.ndarray, log: bool) -> np.ndarray:
    size = np.abs(current)
    return np.where(size > 0, size, np.nan) if log else current


def _numbers(series: Series) -> str:
    rows: pd.DataFrame = series.rows[1]
    devices = rows["device_id"].nunique()
    return count(len(rows), "cycle") + (f" of {devices} devices" if devices > 1 else "")


def _notes(series: Sequence[Series], behind: Sequence[Curve], marked: bool) -> tuple[str, ...]:
    total = sum(len(each.rows[1]) for each in series)
    pale = "Pale: all cycles" if len(behind) >= total else f"Pale: {len(behind)} of {total} cycles, evenly chosen"
    words = f"{pale}; in front, the cycle whose V_set, V_reset, HRS and LRS are nearest to their medians."
    words = "" if total == len(series) else words
    out = [subset.shown_text(each.of.tables["cycles"]) for each in series[:1]]
    limits = limits_text([Series(each.name, each.of, each.rows[1]) for each in series])
    return (
        *([words] if words else []),
        *(f"Counted: {text}." for text in out if text),
        *([limits.replace("Compliance", "Compliance (thin line)", 1) if marked else limits] if limits else []),
        "Arrows: order of the sweep.",
    )


def _arrows(v: np.ndarray, y: np.ndarray) -> list[Curve]:
    """Return a piece of each leg, in the order of the sweep."""
    found, reach = [], float(np.nanmax(np.abs(v)))
    for leg in split_segments(v):
        own = slice(leg.start, leg.stop)
        x, z = v[own], y[own]
        top = float(np.nanmax(np.abs(x)))
        if top < 0.3 * reach:
            continue
        middle = int(np.nanargmin(np.abs(np.abs(x) - PLACE * top)))
        ahead = np.flatnonzero(np.abs(x - x[middle]) >= REACH * reach)
        ahead = ahead[ahead > middle]
        if ahead.size and np.isfinite(z[[middle, ahead[0]]]).all():
            found.append(Curve(ARROW, x[[middle, ahead[0]]], z[[middle, ahead[0]]], legend=False, data=False))
    return found
