"""Multilevel tables: several levels, each programmed or read repeatedly, in any order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.text import si
from devicekit.readers.cells import number_within
from devicekit.readers.kinds.endurance import ALIASES
from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts.meanings import LEVELS
from devicekit.readers.layouts.roles import UNKNOWN
from devicekit.readers.layouts.view import Claim, View, names_as_text
from devicekit.readers.lexicon import means, normalise_name
from devicekit.readers.source import Source
from devicekit.readers.state import STATE_COLUMNS, resolve_state
from devicekit.system.options import ReadOptions
from devicekit.tables import MultilevelTable

NAME = "multilevel"
TITLE = "several levels, each read repeatedly"
VALUES = frozenset({*STATE_COLUMNS, "value"})
NEEDS = (("level", "value"),)
MOST = 256  # targets beyond which a column of them does not name levels: eight bits
EACH = 3  # median number of readings of a level from which on the rows of a target are repeats
TWO_STATES = frozenset({*ALIASES, "low", "high"})  # levels of endurance
_OF_OTHERS = ("pulse_index", "pulse_voltage_v", "pulse_width_s", "direction", "spike_delay_s", "weight_change")


def claim(view: View) -> Claim | None:
    """Claim a column of levels, a target beside a state, or one column for each level."""
    requested = view.options.kind == NAME
    if view.of(*_OF_OTHERS) or view.sweeps or (view.of("time_s") and not requested):
        return None
    targets = [column.name for column in _find_targets(view)]
    states = [column for column in [*view.states, *view.unknown] if column.name not in targets]
    level = _find_level(view)
    states = [column for column in states if level is None or column.name != level.name]
    if not states:
        return None
    if level is not None:
        return _claim_by_level(view, level, requested)
    if len(targets) == 1 and (requested or _repeats_targets(view, targets[0])):
        return Claim(2, f"a target ({targets[0]}) and a state, several readings each")
    meaning = view.options.meaning("columns")
    many = len(states) > 1 and not _are_two_states(states)
    side_by_side = many and (requested or not view.of("cycle"))
    if side_by_side and ((requested and view.cells.block.named) or meaning == LEVELS):
        return Claim(2, "columns of states, one for each level")
    named = all(means("one level", _normalised_name(column, view)) for column in states)
    if side_by_side and named and len(states) > 2 and meaning is None:
        return Claim(2, "columns of states, named for one level each")
    return None


def _claim_by_level(view: View, level: Column, requested: bool) -> Claim | None:
    """Claim levels in a column: not those of endurance, and with a column that numbers or names the repeats."""
    names = set(names_as_text(view.cells.block.cells[level.name]).str.lower()) - {"", "nan"}
    if requested or view.options.row_is == "record":  # HRS and LRS too: readings of a record need not be cycles
        return Claim(2, "a column of levels and a state")
    if len(names) < 2 or names & TWO_STATES - {"0", "1"} or names <= TWO_STATES:
        return None
    if view.of("repeat", "cycle", "counter", "point", "device_id") or _holds_runs(view.cells.block.cells[level.name]):
        return Claim(2, "a column of levels and a state read several times")
    return None


def _holds_runs(cells: pd.Series) -> bool:
    """Return whether the rows of each of three levels or more are together, and `EACH` or more for most levels."""
    rows = cells.groupby(cells, sort=False).size()
    runs = int((cells != cells.shift()).sum())
    return bool(runs == len(rows) > 2 and rows.median() >= EACH)


def _normalised_name(column: Column, view: View) -> str:
    block = view.cells.block
    return normalise_name(block.headings[block.places[column.name]].name or column.name)


def _find_level(view: View) -> Column | None:
    """Find the column of levels; one of numbers too, where it is named for levels."""
    for column in view.columns:
        if column.role == "level":
            return column
    for column in view.columns:
        if (
            column.role in (UNKNOWN, "counter", KEPT)
            and not column.is_explicit
            and means("number of a level", _normalised_name(column, view))
        ):
            return column
    return None


def _find_targets(view: View) -> list[Column]:
    """Find the columns of targets."""
    found = []
    for column in view.columns:
        role = column.role in (*STATE_COLUMNS, "value", "current_a", UNKNOWN)
        if column.role == "target_s" or (
            role and not column.is_explicit and means("target", _normalised_name(column, view))
        ):
            found.append(column)
    return found


def _repeats_targets(view: View, name: str) -> bool:
    """Return whether a column of targets holds a few numbers, each several times."""
    values = view.numbers(name)
    sizes = pd.Series(dtype=int) if values is None else values.dropna().value_counts()
    return 1 < len(sizes) <= MOST and float(sizes.median()) >= EACH


def _are_two_states(states: Sequence[Column]) -> bool:
    """Return whether columns hold HRS and LRS."""
    levels = {str(column.tags["level"]).lower() for column in states if "level" in column.tags}
    return bool(levels) and levels <= TWO_STATES


def assign(view: View) -> list[Column]:
    """Assign targets and levels; cycles, trials and counters number the repeats."""
    level, targets = _find_level(view), {column.name for column in _find_targets(view)}
    columns: list[Column] = []
    for column in view.columns:
        if level is not None and column.name == level.name:
            column = replace(column, role="level", why=column.why or "by its name")
        elif column.name in targets and column.role != "target_s":
            own = column.role == "conductance_s" and column.stated
            named = level is None and "level" not in {each.role for each in columns}
            role = "target_s" if own else "level" if named else KEPT
            column = replace(column, role=role, why="named as a target")
        elif column.role == "cycle" and not view.of("repeat"):
            column = replace(column, role="repeat", why="it numbers the repeats")
        elif column.role in ("counter", "point") and not view.of("repeat", "cycle"):
            column = replace(
                column, role="repeat" if view.is_counter(column.name) else KEPT, why="it numbers the repeats"
            )
        columns.append(column)
    by_column = level is not None or bool(targets)
    return View(tuple(columns), view.cells, view.options, view.labels).assign_states(level=not by_column)


def build(
    frame: pd.DataFrame, options: ReadOptions, source: Source, warnings: Sequence[CodedWarning]
) -> MultilevelTable:
    """Build the table from rows under devicekit's column names; a level without a name gets that of its target."""
    name = source.path.name
    frame, more = resolve_state(frame, options, name)
    if "level" not in frame:
        named = "target_s" in frame
        frame = frame.assign(level=[si(x, "S", 4) for x in frame["target_s"]] if named else "state")
    frame = frame.assign(level=names_as_text(frame["level"]))
    frame = number_within(frame, "repeat", ["device_id", "level"], name)
    return MultilevelTable(frame, {"format": "table", "source": name}, (*warnings, *more))
