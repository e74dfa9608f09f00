"""Endurance tables: the two states, read once a cycle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from devicekit.core.errors import BadRow, CodedWarning, TableError, UsageError
from devicekit.readers.cells import number_within
from devicekit.readers.layout import Column
from devicekit.readers.layouts import unnamed_columns
from devicekit.readers.layouts.roles import LEVEL_IN_NAME, is_switching
from devicekit.readers.layouts.view import Claim, View, names_as_text
from devicekit.readers.source import Source
from devicekit.readers.state import STATE_COLUMNS, resolve_state
from devicekit.system.options import CONDITIONS, ReadOptions
from devicekit.tables import EnduranceTable

NAME = "endurance"
TITLE = "endurance (HRS and LRS, cycle by cycle)"
VALUES = frozenset({*STATE_COLUMNS, "value"})
NEEDS = (("hrs", "lrs"), ("value", "level"))
BARE = {"quantity": "resistance", "unit": "ohm"}  # options to add to kind where columns have no names
TURNS = 0.9  # share of the rows with another level than the row before, in a record of both levels in turn
ALIASES = {
    **dict.fromkeys(("lrs", "on", "set", "r_low", "r_on", "lrs state", "set state", "1"), "lrs"),
    **dict.fromkeys(("hrs", "off", "reset", "r_high", "r_off", "hrs state", "reset state", "0"), "hrs"),
}


def claim(view: View) -> Claim | None:
    """Claim columns with two levels, by name or in a column of words, and states that alternate between two."""
    if view.alternates:
        return Claim(2, "states that alternate between a low and a high level")
    if view.sides == {"ltp", "ltd"} and (view.options.kind == NAME or view.set_and_reset):
        return Claim(2, "one state after each set and one after each reset")
    if view.options.kind != NAME and len(set(view.extracted.values())) > 1:
        return None  # a summary
    if view.of("pulse_index", "pulse_voltage_v", "pulse_width_s") or view.sweeps or not (view.states or view.unknown):
        return None
    if view.of("level") and (view.of("cycle") or not view.of("time_s")):
        return Claim(2, "a column of levels and one of cycles") if _holds_two_states(view) else None
    if view.once_a_cycle:
        return Claim(2, "one state after each set and one after each reset")
    levels = {str(column.tags["level"]).lower() for column in view.states if "level" in column.tags}
    if len(levels) >= 2 and (view.of("cycle") or not view.of("time_s")):
        return Claim(2, f"columns of {' and '.join(sorted(levels))}")
    if view.options.kind != NAME:
        return None
    pair = len(_find_state_pair(_use_axis_as_cycle(view))) == 2
    named = bool(levels) or len(_levels_in(view.labels[:1])) == 1 or (len(view.labels) > 2 and _levels_in(view.labels))
    if "level" in _given(view.options) or (named and not pair):
        return Claim(1, "states of one level, which an option or a name gives")
    if pair and not named:
        return Claim(1, "two columns of states, the smaller numbers low, the larger ones high")
    return None


def _given(options: ReadOptions) -> set[str]:
    return {*options.constant, *options.key}


def _has_level(column: Column) -> bool:
    return str(column.tags.get("level", "")).lower() in {*ALIASES, "low", "high"}


def _levels_in(labels: Iterable[str]) -> set[str]:
    """Return the levels HRS and LRS in the names of files, sheets and tables."""
    return {found.lower() for label in labels for found in LEVEL_IN_NAME.findall(label)}


def _holds_two_states(view: View) -> bool:
    """Return whether a column of levels can hold HRS and LRS, by its words; beside cycles one such word is enough."""
    cells = [names_as_text(view.cells.block.cells[column.name]).str.lower() for column in view.of("level")]
    names = {word for each in cells for word in each} - {"", "nan"}
    known = names & {*ALIASES, "low", "high"}
    return known == names or bool(view.of("cycle") and (len(names) <= 2 or known - {"0", "1"}))


def _use_axis_as_cycle(view: View) -> View:
    """Use the first of three unnamed columns as the cycle number, if it rises."""
    first = unnamed_columns.find_axis(view)
    values = None if first is None else view.numbers(first.name)
    counts = values is not None and bool((values % 1 == 0).all())
    return (
        unnamed_columns.assign_axis(view, "cycle")
        if view.options.kind == NAME and len(view.columns) == 3 and counts
        else view
    )


def _find_state_pair(view: View) -> list[Column]:
    """Return two columns of states without level words, smaller numbers first; empty if there are others."""
    found = [column for column in [*view.states, *view.unknown] if "level" not in column.tags]
    values = [view.numbers(column.name) for column in found]
    if len(found) != 2 or any(each is None or not each.notna().any() for each in values):
        return []
    return sorted(found, key=lambda column: float(np.nanmedian(np.abs(view.numbers(column.name)))))  # type: ignore


def assign(view: View) -> list[Column]:
    """Assign currents as readings of the state, and a counter as the cycle number."""
    view = _use_axis_as_cycle(view)
    found = []
    pair = [column.name for column in _find_state_pair(view)] if view.options.kind == NAME else []
    named = set() if view.of("level") or "level" in _given(view.options) else _levels_in(view.labels[:1])
    for column in view.assign_states(level=True):
        if column.role in VALUES and not pair and len(named) == 1 and not _has_level(column):
            column = view.change(column, tags={**column.tags, "level": next(iter(named)).upper()})
        if column.name in pair:  # the quantity decides whether low is LRS or HRS
            column = view.change(column, tags={**column.tags, "level": ("low", "high")[pair.index(column.name)]})
        if column.role == "direction" and view.once_a_cycle:
            column = view.change(column, role="level", why="state after the pulse")
        elif (view.once_a_cycle or view.alternates) and "level" in column.tags:  # the rows give the level
            column = view.change(column, tags={k: v for k, v in column.tags.items() if k != "level"})
        elif view.alternates and column.role in ("direction", "pulse_index", "pulse_voltage_v"):
            column = view.change(column, role="keep", why="the states alternate")
        elif view.sides == {"ltp", "ltd"} and "direction" in column.tags:
            column = view.change(column, tags={"level": "lrs" if column.tags["direction"] == "ltp" else "hrs"})
        switches = column.role == "voltage_v" and (len(view.of("voltage_v")) > 1 or is_switching(column.name))
        if switches:  # V_set, V_reset: without a level
            column = view.change(column, role="keep", why="switching voltage")
        counts = column.role in ("counter", "point") and not view.of("cycle")
        found.append(view.change(column, role="cycle", why="it counts the rows") if counts else column)
    return found


def build(
    frame: pd.DataFrame, options: ReadOptions, source: Source, warnings: Sequence[CodedWarning]
) -> EnduranceTable:
    """Build the table from rows under devicekit's column names."""
    name = source.path.name
    state = next((column for column in STATE_COLUMNS if column in frame), "value")
    quantity = STATE_COLUMNS.get(state) or options.stated_quantity
    if "level" in frame:
        frame = frame.assign(level=parse_levels(names_as_text(frame["level"]), quantity, frame["file_row"], name))
    frame, more = resolve_state(frame, options, name)
    if "level" not in frame:
        frame = _add_levels(frame)
        more = [*more, CodedWarning("split", f"{name}: states alternate between two levels, read as HRS and LRS")]
    if "cycle" in frame and not frame.duplicated(["device_id", "cycle"]).any() and _take_turns(frame):
        more = [*more, CodedWarning("split", f"{name}: each row holds one state, so that two rows are one cycle")]
        frame = frame.drop(columns="cycle")
    if options.kind == NAME and "cycle" in frame:
        frame, rounded = _round_cycles(frame, name)
        more = [*more, *rounded]
    frame = number_within(frame, "cycle", ["device_id", "level"], name)
    if repeats := int(frame.duplicated([key for key in ("device_id", "cycle", *CONDITIONS) if key in frame]).sum()):
        more = [*more, CodedWarning("repeats", f"{repeats} readings repeat a cycle; results use the median of each")]
    if options.cycles_per_row is not None:
        frame = frame.assign(cycle=frame["cycle"] * options.cycles_per_row)
    return EnduranceTable(
        frame.drop(columns="direction", errors="ignore"), {"format": "table", "source": name}, (*warnings, *more)
    )


def _round_cycles(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Round the cycles of a digitised figure to whole ones; times, many of which round to one number, stay."""
    cycles = frame["cycle"]
    rounded = cycles.round()
    if (rounded == cycles).all() or rounded.nunique() < TURNS * cycles.nunique():
        return frame, []
    words = f"{name}: {int((rounded != cycles).sum())} cycles with fractions were rounded, as of a digitised figure"
    return frame.assign(cycle=rounded), [CodedWarning("columns", words)]


def _add_levels(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the level of each row of states that alternate, by its place: every other row of a device is the same."""
    place = frame["file_row"] - frame.groupby("device_id", sort=False)["file_row"].transform("first")
    odd = (place % 2 == 1).to_numpy()
    state = frame["conductance_s"] if "conductance_s" in frame else frame["weight"]
    middle = [state[each].groupby(frame["device_id"][each]).median() for each in (odd, ~odd)]
    low_first = frame["device_id"].map(middle[0] > middle[1]).to_numpy(bool)
    return frame.assign(level=np.where(odd == low_first, "lrs", "hrs"))


def _take_turns(frame: pd.DataFrame) -> bool:
    """Return whether the two levels of each device follow each other row by row, but for a few."""
    changes = frame["level"] != frame.groupby("device_id", sort=False)["level"].shift()
    return frame["level"].nunique() == 2 and bool(changes.mean() > TURNS)


def parse_levels(column: pd.Series, quantity: str | None, rows: pd.Series, name: str) -> pd.Series:
    """Return lrs or hrs for each word; low conductance or current is HRS, low resistance LRS.

    Raises
    ------
    TableError
        If a word does not name a level.
    UsageError
        If low and high may mean conductance as well as resistance.
    """
    lower = column.str.lower()
    check_level_words(set(lower), quantity, name)
    low, high = ("lrs", "hrs") if quantity == "resistance" else ("hrs", "lrs")
    found = lower.map({**ALIASES, "low": low, "high": high})
    if found.isna().any():
        bad = [BadRow(int(rows[k]), "level", repr(column[k]), "lrs or hrs") for k in column.index[found.isna()]]
        raise TableError(f"{name}: unknown level", bad)
    return found


def check_level_words(words: Iterable[str], quantity: str | None, where: str) -> None:
    """Refuse `low` and `high` for numbers that may be conductances or resistances.

    Raises
    ------
    UsageError
    """
    unclear = sorted({word.lower() for word in words} & {"low", "high"})
    if unclear and quantity not in ("resistance", "conductance", "current"):
        raise UsageError(
            f"{where}: {' and '.join(unclear)} may mean {unclear[0]} conductance or {unclear[0]} resistance. "
            "Add quantity=, or rename the levels to lrs and hrs."
        )
