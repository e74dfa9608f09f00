"""Summaries: switching voltages and states that were extracted before, one row a cycle or a device."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from devicekit.core.errors import BadRow, Choice, CodedWarning, QuestionError, TableError, UsageError
from devicekit.readers.cells import number_within
from devicekit.readers.kinds.endurance import parse_levels
from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts.roles import UNKNOWN
from devicekit.readers.layouts.scale import knows_read_voltage
from devicekit.readers.layouts.view import Claim, View, names_as_text
from devicekit.readers.lexicon import normalise_name
from devicekit.readers.questions import NONE_OF_THESE, ask
from devicekit.readers.source import Source
from devicekit.readers.state import STATE_COLUMNS, resolve_state
from devicekit.system.options import ReadOptions
from devicekit.tables import SummaryTable

NAME = "summary"
TITLE = "a summary (V_set, V_reset, HRS, LRS: one row a cycle or a device)"
VALUES = frozenset({*STATE_COLUMNS, "value"})
NEEDS = (("v_set_v",), ("v_reset_v",), ("v_form_v",), ("hrs", "lrs"), ("on_off",))
_ON_OFF = re.compile(r"\b(on ?off|lrs ?hrs|hrs ?lrs|off ?on|r ?off r ?on|memory window|resistance ratio)\b.*")
_YIELD = re.compile(r"\byield\b")
_PREPARED = re.compile(r"\b(bak(e|ed|ing)|anneal\w*|cur(e|ed|ing)|growth|grown|deposit\w*|sputter\w*)\b")


def claim(view: View) -> Claim | None:
    """Claim two or more of the set, reset and forming voltages; with the kind given, any of them or a state."""
    requested = view.options.kind == NAME
    if view.options.row_is == "reading":
        return None
    if view.extracted and (requested or len(set(view.extracted.values())) > 1) and not view.of("pulse_index"):
        return Claim(2, f"columns of {', '.join(view.extracted)}")
    states = view.of("level") or any(column.is_explicit or "level" in column.tags for column in view.states)
    if requested and (states or view.of("on_off", "g_hrs_s", "g_lrs_s")):
        return Claim(2, "columns of states")
    return None


def assign(view: View) -> list[Column]:
    """Assign switching voltages, states of HRS and LRS, their ratio and a yield.

    Raises
    ------
    QuestionError
        If no column says whether a row is a cycle or a device.
    """
    found = []
    others = bool(
        view.extracted or view.of("on_off") or any(_ON_OFF.search(normalise_name(c.name)) for c in view.columns)
    )
    converts = knows_read_voltage(view) or not others
    for column in view.assign_states():
        name = normalise_name(column.name)
        if column.is_explicit:
            _check_level(column, view)
        elif column.role in ("time_s", "temperature_c", "temperature_k") and _PREPARED.search(name):
            column = view.change(
                column, role=KEPT, unit=None, factor=1.0, why="of the preparation, not the measurement"
            )
        elif column.role == "read_current_a" and not converts:
            column = view.change(column, role=KEPT, why="a current without a read voltage", tags={})
        elif column.name in view.extracted:
            column = view.change(column, role=view.extracted[column.name], why="a switching voltage by its name")
        elif _ON_OFF.search(name) and view.numbers(column.name) is not None:
            column = view.change(column, role="on_off", why="a ratio of LRS and HRS by its name", tags={})
        elif _YIELD.search(name) and view.numbers(column.name) is not None:
            column = view.change(column, role="yield_share", why="by its name")
        elif (column.role in (*VALUES, UNKNOWN) and "level" not in column.tags) or column.role == "voltage_v":
            column = view.change(column, role=KEPT, why="neither HRS nor LRS by its name")
        elif column.role in ("counter", "point") and not view.of("cycle", "device_id"):
            column = view.change(column, role="counter")
        found.append(column)
    if not {"cycle", "device_id"} & {column.role for column in found}:
        found = _settle_rows(found, view)
    return found


def _check_level(column: Column, view: View) -> None:
    """Ask which level a state is that an option or a name of devicekit gives.

    Raises
    ------
    QuestionError
    """
    if column.role not in VALUES or "level" in column.tags or view.of("level"):
        return
    quantity = {"quantity": STATE_COLUMNS[column.role]} if column.role in STATE_COLUMNS else {}
    levels = [
        Choice.of(f"{column.name} is the {level.upper()}", map={level: column.name}, **quantity)
        for level in ("lrs", "hrs")
    ]
    raise ask(
        view.where, f"is {column.name} the HRS or the LRS? A summary has no other state", [*levels, NONE_OF_THESE]
    )


def _settle_rows(columns: Sequence[Column], view: View) -> list[Column]:
    """Let a counter number what a row is; ask if that is unknown."""
    what = {"cycle": "cycle", "device": "device_id"}.get(view.options.row_is or "")
    if what is None and len(view.cells.block.cells) > 1:
        raise _ask_rows(view)
    counters = [column.name for column in columns if column.role == "counter"][:1]
    return [view.change(c, role=what or KEPT, why="it counts the rows") if c.name in counters else c for c in columns]


def _ask_rows(view: View) -> QuestionError:
    return ask(
        view.where,
        "what is one row of this summary?",
        (
            Choice.of("a cycle of one device (C2C)", kind=NAME, row_is="cycle"),
            Choice.of("a device (D2D)", kind=NAME, row_is="device"),
        ),
        (f"{len(view.cells.block.cells)} rows, and no column of devices or cycles",),
    )


def build(frame: pd.DataFrame, options: ReadOptions, source: Source, warnings: Sequence[CodedWarning]) -> SummaryTable:
    """Build the table from rows under devicekit's column names, HRS and LRS of a row side by side."""
    name = source.path.name
    more: list[CodedWarning] = []
    states = [column for column in (*STATE_COLUMNS, "value") if column in frame]
    if states and "level" not in frame:
        raise UsageError(
            f"{name} is read as a summary, and nothing says whether {states[0]} is HRS or LRS. Name the states HRS and "
            "LRS, or give another kind="
        )
    if states:
        frame, more = _join_levels(frame, options, name)
    if options.row_is == "device" and (frame["device_id"] == "device1").all():
        frame = frame.assign(device_id=[f"device{k + 1}" for k in range(len(frame))])
    if "yield_share" in frame and (frame["yield_share"] > 1).any():  # a share cannot be above 1: percent
        frame = frame.assign(yield_share=frame["yield_share"] / 100)
    if {"g_hrs_s", "g_lrs_s"} <= set(frame):
        swapped = frame["g_lrs_s"] < frame["g_hrs_s"]
        if 2 * int(swapped.sum()) > int((frame["g_lrs_s"] > 0).sum()):
            row = int(frame["file_row"][swapped].iloc[0])
            found = f"{frame['g_lrs_s'][swapped].iloc[0]:.3g} S"
            bad = BadRow(row, "LRS", found, f"more than the HRS, {frame['g_hrs_s'][swapped].iloc[0]:.3g} S")
            words = f"{name}: the LRS conducts less than the HRS in most rows. Check the quantity, or the names"
            raise TableError(words, [bad])
    frame = number_within(frame, "cycle", ["device_id"], name)
    return SummaryTable(frame, {"format": "table", "source": name}, (*warnings, *more))


def _join_levels(frame: pd.DataFrame, options: ReadOptions, name: str) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Return one row for the rows of HRS and LRS that stood in one row of the file."""
    state = next((column for column in STATE_COLUMNS if column in frame), "value")
    quantity = STATE_COLUMNS.get(state) or options.stated_quantity
    frame = frame.assign(level=parse_levels(names_as_text(frame["level"]), quantity, frame["file_row"], name))
    frame, warnings = resolve_state(frame, options, name)
    keys = [key for key in ("device_id", "cycle", "file_row") if key in frame]
    wide = frame.drop_duplicates(keys).drop(columns=["level", "conductance_s", "read_current_a"], errors="ignore")
    for level, rows in frame.groupby("level", sort=False):
        own = rows[[*keys, "conductance_s"]].rename(columns={"conductance_s": f"g_{level}_s"})
        wide = wide.merge(own.drop_duplicates(keys), how="left", on=keys)
    return wide, warnings
