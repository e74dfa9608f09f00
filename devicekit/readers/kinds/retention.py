"""Retention tables: states read repeatedly without pulses in between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TableError
from devicekit.readers.layout import Column
from devicekit.readers.layouts import temperatures, unnamed_columns
from devicekit.readers.layouts.view import Claim, View, names_as_text
from devicekit.readers.source import Source
from devicekit.readers.state import STATE_COLUMNS, resolve_state
from devicekit.system.options import ReadOptions
from devicekit.tables import RetentionTable

NAME = "retention"
TITLE = "retention (states against time)"
ROUNDING = 1e-9  # relative to the longest time
CLOCK = 5e8  # s, 16 years: later times are those of a clock
VALUES = frozenset({*STATE_COLUMNS, "value"})
NEEDS = (("time_s", "value"),)
BARE = {"quantity": "resistance", "unit": "ohm"}  # options to add to kind where columns have no names


def claim(view: View) -> Claim | None:
    """Claim a time and states, without pulses in between."""
    if view.options.kind == NAME and unnamed_columns.find_axis(view) is not None:
        return Claim(1, "the first column is a time in s, the others are states")
    if not view.of("time_s") or not (view.states or view.unknown):
        return None
    if view.of("pulse_index", "pulse_voltage_v", "direction", "spike_delay_s") or view.sweeps:
        return None
    if any("direction" in column.tags for column in view.states):
        return None
    times = view.numbers(view.of("time_s")[0].name)
    if times is not None and len(times) > 2 and times.nunique() == 1:
        return None  # the width of pulses
    if view.of("level") and view.of("cycle"):
        return None
    # with these the rows may also be readings after pulses
    counted = view.of("point", "counter") or view.pulses_by_label or _rises_and_falls(view)
    return Claim(2 if view.states and not counted else 1, "a time and a state")


def _rises_and_falls(view: View) -> bool:
    """Return whether a state rises and falls smoothly by most of its range, as in pulse trains but not in drift."""
    if view.of("level"):
        return False
    for column in [*view.states, *view.unknown][:4]:
        values = view.numbers(column.name)
        x = np.array([]) if values is None else values.dropna().to_numpy(float)
        if x.size < 12 or np.ptp(x) == 0:
            continue
        smooth = np.convolve(x, np.ones(3) / 3, "valid")
        if np.ptp(smooth) == 0:
            continue
        way = float(np.abs(np.diff(smooth)).sum() / np.ptp(smooth))
        rough = float(np.abs(np.diff(x, 2)).mean() / np.ptp(x))
        ends = np.array([np.argmin(smooth), np.argmax(smooth)]) / smooth.size
        if way > 1.6 and rough < 0.1 and ((ends > 0.1) & (ends < 0.9)).any():
            return True
    return False


def assign(view: View) -> list[Column]:
    """Assign currents as readings of the state, and each column of states as a separate record."""
    view = unnamed_columns.assign_axis(view, "time_s") if view.options.kind == NAME else view
    return temperatures.assign_bake_temperatures(view, view.assign_states(level=True))


def build(
    frame: pd.DataFrame, options: ReadOptions, source: Source, warnings: Sequence[CodedWarning]
) -> RetentionTable:
    """Build the table from rows under devicekit's column names."""
    name = source.path.name
    frame, more = resolve_state(frame, options, name)
    frame, since = _count_from_first(frame, name)
    warnings = [*warnings, *since]
    frame = frame.assign(level=names_as_text(frame["level"]) if "level" in frame else "state")
    if (refusal := explain_several_starts(frame)) is not None:
        raise TableError(f"{name}: {refusal}")
    return RetentionTable(frame, {"format": "table", "source": name}, (*warnings, *more))


def explain_several_starts(frame: pd.DataFrame) -> str | None:
    """Explain why records without a temperature are not one record of a state; None if they are.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns device_id, level, time_s; temperature_k if known.
    """
    unknown = frame["temperature_k"].isna() if "temperature_k" in frame else pd.Series(True, frame.index)
    rows = frame[unknown]
    if "repeat" in rows:
        return None
    times = pd.DataFrame({"zero": rows["time_s"] == 0, "later": rows["time_s"] > 0}, dtype=float)
    groups = times.groupby([rows["device_id"], rows["level"]], sort=False)
    at_zero = groups["zero"].transform("sum")
    bad = rows[(at_zero > 1) & (groups["later"].transform("max") > 0)]
    if bad.empty:
        return None
    device, level = bad["device_id"].iloc[0], bad["level"].iloc[0]
    return (
        f"device {device}, level {level} has {int(at_zero[bad.index[0]])} first readings (time 0) but no temperature. "
        "Name the column that separates them: map={temperature_k: COLUMN} (or temperature_c, level, device_id, repeat)."
    )


def _count_from_first(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Convert clock times (seconds since 1970) to times since the first reading; -1e-13 s becomes 0."""
    first = frame["time_s"].min()
    if -ROUNDING * frame["time_s"].max() < first < 0:
        return frame.assign(time_s=frame["time_s"].clip(lower=0.0)), []
    if not first > CLOCK:
        return frame, []
    words = f"{name}: clock times (from {first:.0f} s) converted to times since the first reading"
    return frame.assign(time_s=frame["time_s"] - first), [CodedWarning("clock", words)]
