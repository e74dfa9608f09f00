"""Pulse trains: the state after each pulse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from devicekit.core.errors import Choice, CodedWarning, TableError
from devicekit.readers.layout import Column
from devicekit.readers.layouts import unnamed_columns
from devicekit.readers.layouts.view import Claim, View
from devicekit.readers.pulse_trains import build_pulse_trains
from devicekit.readers.questions import ask
from devicekit.readers.source import Source
from devicekit.readers.state import STATE_COLUMNS
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable

NAME = "pulse"
TITLE = "pulse trains (the state after each pulse)"
VALUES = frozenset({*STATE_COLUMNS, "value"})
NEEDS = (("value",),)
BARE = {"quantity": "conductance", "unit": "S"}  # options to add to kind where columns have no names
SOME = 0.2  # share of numbers with a fraction beyond which a counter is an axis of a figure
FEWEST = 4  # readings of a device that can be a train without a word for pulses
_IN_ORDER = {"pulse_index", "direction", "pulse_voltage_v", "cycle", "time_s"}
_PAIR = ("resistance_before_ohm", "resistance_after_ohm")


def claim(view: View) -> Claim | None:
    """Claim a state, with a word for pulses or directions."""
    if all(view.of(role) for role in _PAIR):
        return Claim(2, "resistances before and after a pulse")
    chosen = view.options.kind == NAME
    alternates = view.alternates and not (chosen and view.of("direction", "pulse_voltage_v"))
    once = view.once_a_cycle and not view.of("pulse_index")
    if view.is_transient or once or alternates or (view.set_and_reset and not chosen):
        return None
    numbered = view.of("pulse_index") or view.few_voltages
    if not (view.states or view.unknown or (numbered and view.of("current_a"))):
        return None
    word = view.of("pulse_index", "pulse_voltage_v", "pulse_width_s") or view.of("direction")
    named = any("direction" in column.tags for column in view.states)
    if view.sweeps and not view.of("pulse_index", "pulse_voltage_v"):
        return Claim(1, "a voltage with few values, as of pulses") if view.few_voltages else None
    if word or named:
        return Claim(2, "a state and a word for pulses or directions")
    return Claim(1, "columns of states")


def assign(view: View) -> list[Column]:
    """Assign currents as readings, a voltage that changes as that of the pulse, a counter as the pulse number."""
    _check_cycles(view)
    found = []
    counted = _find_count(view)
    for column in view.assign_states():
        if column.role == "voltage_v":
            pulse = not view.of("pulse_voltage_v")
            column = view.change(column, role="pulse_voltage_v" if pulse else "keep")
        elif column.name == counted:
            column = view.change(column, role="pulse_index", tags={}, why="the first column, which counts")
        elif column.role in ("counter", "point") and not view.of("pulse_index"):
            numbered = view.is_counter(column.name) or _holds_fractions(column, view)
            column = view.change(column, role="pulse_index" if numbered else "keep")
        found.append(_require_whole(column, view) if column.role == "pulse_index" else column)
    return found


def _find_count(view: View) -> str | None:
    """Return the name of an unnamed first column of whole numbers in steps of one, wherever they begin."""
    axis = unnamed_columns.find_axis(view)
    values = None if axis is None else view.numbers(axis.name)
    if axis is None or values is None or view.of("pulse_index"):
        return None
    return axis.name if bool((values % 1 == 0).all() and (values.diff().iloc[1:] == 1).all()) else None


def _holds_fractions(column: Column, view: View) -> bool:
    """Return whether a counter holds fractions, as the axis of a digitised figure does."""
    values = view.numbers(column.name)
    known = None if values is None else values.dropna().to_numpy()
    if known is None or not known.size or known.min() <= -0.5:  # no pulse is counted below 0
        return False
    return bool((known != np.round(known)).mean() >= SOME)


def _require_whole(column: Column, view: View) -> Column:
    """Return a column of whole pulse numbers; ask what a column of fractions (a digitised figure) counts."""
    values = view.numbers(column.name)
    if values is None or column.by == "map":
        return column
    known = values.dropna().to_numpy()
    if (known == np.round(known)).all() or (known != np.round(known)).mean() < SOME:
        return column
    numbers = f"{known[0]:g}, {known[1]:g}, ..." if len(known) > 1 else f"{known[0]:g}"
    text = f"does 1 in column {column.name!r} mean one pulse? It holds fractions: {numbers}"
    raise ask(
        view.where,
        text,
        (Choice.of("yes, round the numbers to whole pulses", map={"pulse_index": column.name}),),
        (f"{len(known)} rows from {known.min():g} to {known.max():g}, as in a digitised figure",),
    )


def build(frame: pd.DataFrame, options: ReadOptions, source: Source, warnings: Sequence[CodedWarning]) -> PulseTable:
    """Build the table from rows under devicekit's column names; unnamed cycles and directions are split."""
    if set(_PAIR) <= set(frame):
        frame = split_before_after(frame)
    frame = _match_readings(frame)
    if not _IN_ORDER & set(frame) and "device_id" in frame and frame["device_id"].nunique() > 1:
        most = int(frame.groupby([k for k in ("device_id", "_part") if k in frame], sort=False).size().max())
        if 1 < most < FEWEST:
            raise TableError(
                f"{source.path.name}: at most {most} readings a device and no column of pulses. "
                "A summary of devices is not a pulse train."
            )
    return build_pulse_trains(frame, options, source, "table", warnings)


def _check_cycles(view: View) -> None:
    """Ask what a column of cycles counts where each cycle holds one reading, as no train has one pulse.

    Raises
    ------
    QuestionError
    """
    cycle = view.of("cycle")
    if len(cycle) != 1 or view.of("pulse_index", "pulse_voltage_v") or len(view.cells.block.cells) < FEWEST:
        return
    keys = [column.name for column in view.of("device_id", "cycle", "direction", "pulse_width_s")]
    if view.cells.block.cells[keys].duplicated().any():
        return
    endurance = [Choice.of("sets and resets: a reading after each (endurance)", kind="endurance")]
    if view.sides != {"ltp", "ltd"}:
        endurance = [
            Choice.of(f"write cycles: the {level.upper()} after each", kind="endurance", constant={"level": level})
            for level in ("lrs", "hrs")
        ]
    raise ask(
        view.where,
        "what does the column of cycles count? Each cycle holds one reading, but a train has several pulses",
        (
            Choice.of("pulses: each reading follows a pulse", map={"pulse_index": cycle[0].name}),
            *endurance,
        ),
        (f"{len(view.cells.block.cells)} readings in as many cycles",),
    )


def _match_readings(frame: pd.DataFrame) -> pd.DataFrame:
    """Match each reading at 0 V to the pulse before it, in a log of separate pulses and readings."""
    state = next((name for name in STATE_COLUMNS if name in frame), None)
    if state is None or "pulse_voltage_v" not in frame or "pulse_index" in frame:
        return frame
    pulse, read = frame["pulse_voltage_v"].fillna(0.0).to_numpy() != 0, frame[state].notna().to_numpy()
    if not pulse.any() or (pulse & read).any() or not (~pulse & read).any():
        return frame
    after = frame.assign(pulse_voltage_v=frame["pulse_voltage_v"].where(pulse).ffill())
    times = np.cumsum(pulse)  # pulses so far: the pulse number where not every pulse was read
    kept = after[read].assign(_pulses=times[read])
    last = ~kept.duplicated("_pulses", keep="last")
    return kept[last].drop(columns="_pulses")


def split_before_after(frame: pd.DataFrame) -> pd.DataFrame:
    """Split each row with resistances before and after a pulse into two: pulse_index 0 and 1 of its own train."""
    frame = frame.rename(columns={"cycle": "cycle (file)"})
    frame["cycle"] = frame.groupby("device_id", sort=False).cumcount() + 1
    direction = np.where(frame["resistance_after_ohm"] <= frame["resistance_before_ohm"], "ltp", "ltd")
    if "pulse_voltage_v" in frame:
        sign = np.sign(frame["pulse_voltage_v"].to_numpy(float))
        # at 0 V or without a voltage the readings decide
        direction = np.where(sign > 0, "ltp", np.where(sign < 0, "ltd", direction))
    rest = frame.drop(columns=[*_PAIR, "_part"], errors="ignore").assign(direction=direction)
    parts = [rest.assign(pulse_index=float(k), resistance_ohm=frame[column]) for k, column in enumerate(_PAIR)]
    return pd.concat(parts).sort_values("file_row", kind="stable").reset_index(drop=True)
