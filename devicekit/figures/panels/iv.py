"""I-V of cycles, pale, with the middle cycle in front: |I| on a logarithmic axis, and I on a linear one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.core.text import count
from devicekit.features.dc import subset
from devicekit.features.dc.rate import rate_text
from devicekit.features.dc.segments import split_segments
from devicekit.features.dc.trace import each_sweep
from devicekit.features.merit import MOST_CURVES, curve
from devicekit.features.merits.dc import DcResult
from devicekit.figures.cycles import by_compliance, by_device, left_out_text, limits_of, limits_text
from devicekit.figures.drawn import ARROW, Drawn, How, Series, distinct, dressed, of_each, scale_of
from devicekit.figures.inputs import Input
from devicekit.figures.looks import GREY, MOST
from devicekit.plot import Axis, Curve, Panel

NAMES = ("iv", "iv-linear")
RANK = 10
NEEDS = "voltage sweeps"
Points = tuple[np.ndarray, np.ndarray]  # voltage [V] and current [A]
PLACES = {True: (0.75, 0.5, 0.35), False: (0.45, 0.6, 0.3)}  # of an arrow, as a share of |V|, of a rising leg or not
STEEP = 1.0  # change of ln |I| from which on another place is better
GRID = 200  # points of a sweep that are compared
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
        parts, kind = (by_compliance(each, shown) if alone else {}), "compliance"
        if alone and not parts and 1 < shown["device_id"].nunique() <= MOST:
            parts, kind = by_device(shown), "device"
        for name, rows in (parts or {each.label: shown}).items():
            found.append(Series(name, each, (_of_table(result, rows), rows), kind))
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
        cycles = {f"{device}, cycle {cycle}": curve(rows) for device, cycle, rows in each_sweep(each.rows[0])}
        pale = GREY.pale if alone else each.look.pale
        for name, (v, i) in _evenly(cycles, max(1, MOST_CURVES // len(series))).items():
            words = name if alone else f"{each.name}: {name}"
            behind.append(Curve(words, v, _displayed(i, log), width=0.3, colour=pale, legend=False))
        name = "median cycle" if alone and len(cycles) > 1 else each.name
        for number, (v, i) in enumerate(_medians(list(cycles.values())), 1):
            words = name if number == 1 else f"{name}, {number}"
            line = Curve(words, v, _displayed(i, log), style=each.look.dash, colour=each.look.colour, width=1.0)
            front.append(replace(line, legend=number == 1))
            arrows += _arrows(v, _displayed(i, log)) if each is series[0] else []
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


def _evenly(cycles: Mapping[str, Points], most: int) -> dict[str, Points]:
    step = -(-len(cycles) // most)
    return {name: each for n, (name, each) in enumerate(cycles.items()) if n % step == 0}


def _medians(cycles: Sequence[Points]) -> list[Points]:
    """Return the sweep that is nearest to the median of ln |I| at each point, of each polarity that there is."""
    reach = max(float(np.nanmax(np.abs(v), initial=0.0)) for v, _ in cycles)
    kinds: dict[tuple[bool, bool], list[Points]] = {}
    for v, i in cycles:
        kinds.setdefault((bool(np.nanmax(v) > 0.1 * reach), bool(np.nanmin(v) < -0.1 * reach)), []).append((v, i))
    return [_nearest(own) for own in kinds.values()]


def _nearest(cycles: Sequence[Points]) -> Points:
    grid = np.linspace(0.0, 1.0, GRID)
    rows = []
    for _, i in cycles:
        size = np.abs(i)
        known = np.flatnonzero(size > 0)
        at = np.linspace(0.0, 1.0, i.size)
        rows.append(np.interp(grid, at[known], np.log(size[known])) if known.size else np.full(GRID, np.nan))
    apart = np.abs(np.array(rows) - np.nanmedian(rows, axis=0)).mean(axis=1)
    return cycles[int(np.nanargmin(apart))] if np.isfinite(apart).any() else cycles[0]


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
    words = f"{pale}; in front, the one nearest to the median of ln |I|."
    words = "" if total == len(series) else words
    left_out = left_out_text(distinct(series))
    limits = limits_text([Series(each.name, each.of, each.rows[1]) for each in series])
    rate = rate_text(each.rows[0] for each in series)
    return (
        *([words] if words else []),
        *([left_out] if left_out else []),
        *([limits.replace("Compliance", "Compliance (thin line)", 1) if marked else limits] if limits else []),
        *([rate] if rate else []),
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
        pieces = []
        for place in PLACES[leg.rising]:
            first = int(np.nanargmin(np.abs(np.abs(x) - place * top)))
            ahead = np.flatnonzero(np.abs(x - x[first]) >= REACH * reach)
            ends = np.array([first, *ahead[ahead > first][:1]])
            if ends.size == 2 and np.isfinite(z[ends]).all():
                pieces.append((float(abs(np.diff(np.log(np.abs(z[ends]) + 1e-15))[0])), x[ends], z[ends]))
        if pieces:
            _, at, height = next((each for each in pieces if each[0] < STEEP), min(pieces, key=lambda each: each[0]))
            found.append(Curve(ARROW, at, height, legend=False, data=False))
    return found
