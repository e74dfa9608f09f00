"""Transients: readings in time with pulses in between (relaxation, responses to pulses, trains at several rates)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from devicekit.core.errors import Blank, Choice, CodedWarning, QuestionError
from devicekit.readers import transients
from devicekit.readers.cells import parse_whole_numbers
from devicekit.readers.layout import Column
from devicekit.readers.layouts.roles import UNKNOWN
from devicekit.readers.layouts.view import Claim, View
from devicekit.readers.questions import ask
from devicekit.readers.source import Source
from devicekit.readers.state import STATE_COLUMNS, resolve_state
from devicekit.readers.terminals import is_gate
from devicekit.system.options import ReadOptions
from devicekit.tables import TransientTable

NAME = "transient"
TITLE = "readings in time with pulses between them (relaxation, trains)"
VALUES = frozenset({"conductance_s", "resistance_ohm", "read_current_a", "current_a", "value"})
NEEDS = (("time_s", "current_a"), ("time_s", "value"), ("time_s", "current_a", "voltage_v"))


def claim(view: View) -> Claim | None:
    """Claim a time, a state, and a pulse voltage that is 0 V in most rows; less if the kind is given."""
    if view.is_transient:
        return Claim(2, "a time, a state, and a pulse voltage that is 0 V between pulses")
    times = view.of("time_s")
    if (
        view.options.kind != NAME
        or not (view.cells.block.named or any(each.is_explicit for each in times))
        or not times
    ):
        return None
    if view.of(*STATE_COLUMNS, "value", "current_a", UNKNOWN):
        return Claim(1, "a time and a state")
    if len(view.of("voltage_v", "pulse_voltage_v", "read_voltage_v")) > 1:
        raise _ask_current(view)
    return None


def _ask_current(view: View) -> QuestionError:
    """Return the question about two voltages of an oscilloscope: one may be across a series resistor."""
    names = [column.name for column in view.of("voltage_v", "pulse_voltage_v", "read_voltage_v")]
    return ask(
        view.where,
        f"which column is the current? Columns {', '.join(names)} are voltages; add a column with the voltage "
        "across the series resistor divided by its resistance",
        (
            Choice.of(
                "a column of currents computed this way",
                map={"current_a": Blank("COLUMN"), "voltage_v": Blank("COLUMN")},
            ),
        ),
        (f"{len(names)} channels of voltage; the device voltage is the driving one less that of the resistor",),
    )


def assign(view: View) -> list[Column]:
    """Assign unknown numbers as the state; a current beside a state is kept but not used."""
    known = bool(view.of(*STATE_COLUMNS, "value"))
    found = []
    for column in view.columns:
        if column.name.strip().lower() == "record" and not view.of("cycle"):
            column = view.change(column, role="record", why="by its name")
        elif (column.role == "current_a" and known) or (column.role == UNKNOWN and (known or view.of("current_a"))):
            column = view.change(column, role="keep")
        elif column.role in (UNKNOWN, "value"):
            current = view.options.stated_quantity == "current"  # which stays one
            column = view.change(column, role="current_a" if current else "value")
        elif column.role == "voltage_v" and is_gate(column.name) and not view.of("pulse_voltage_v"):
            column = view.change(column, role="pulse_voltage_v", why="a gate voltage, which reads no channel")
        elif column.role == "cycle":
            column = view.change(column, role="record", why="it numbers the records")
        elif (column.role == "voltage_v" and view.of("pulse_voltage_v")) or column.role in (
            "counter",
            "point",
            "direction",
            "level",
            "pulse_index",
            "weight",
            "spike_delay_s",
        ):
            column = view.change(column, role="keep")
        found.append(column)
    return found


def build(
    frame: pd.DataFrame, options: ReadOptions, source: Source, warnings: Sequence[CodedWarning]
) -> TransientTable:
    """Build the table from rows under devicekit's column names."""
    name, found = source.path.name, list(warnings)
    if any(column in frame for column in ("value", *STATE_COLUMNS)):
        frame, more = resolve_state(frame, options, name)
        found += more
    if "record" not in frame:
        frame = frame.assign(record=frame["cycle"] if "cycle" in frame else frame.get("_part", 0) + 1)
    frame = frame.assign(record=parse_whole_numbers(frame, "record", name))
    return transients.finish_transient_table(frame, options, name, {"format": "table", "source": name}, found)
