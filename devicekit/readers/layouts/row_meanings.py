"""What one row of a table is: a reading, a cycle, a device, or a summary of either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devicekit.core.errors import QuestionError, UsageError
from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts.meanings import list_choices, option_of
from devicekit.readers.layouts.roles import UNKNOWN
from devicekit.readers.layouts.row_records import READING, RECORD
from devicekit.readers.questions import ask
from devicekit.system.options import ReadOptions

_READINGS = ("reading", "record")
_ROWS = {"summary": ("summary", "cycle", "device"), "endurance": (*_READINGS, "cycle")}  # by kind, else readings
_NAMING = ("device_id", "cycle", "level", "direction", "repeat")  # roles of which one tells the records apart


def use_row_meaning(options: ReadOptions) -> ReadOptions:
    """Return the options with the kind that follows from what a row is."""
    if options.row_is != "summary" or options.kind == "summary":
        return options
    if options.kind is not None:
        raise UsageError(f"row_is=summary contradicts kind={options.kind}. Remove one of them.")
    return replace(options, kind="summary")


def unused_of_rows(kind: str, options: ReadOptions) -> set[str]:
    """Return the options about rows that do not apply to a kind of table."""
    unused = set() if kind == "endurance" else {"cycles_per_row"}
    unused |= set() if options.row_is == "record" else {"first_reading"}
    return unused | ({"row_is"} if options.row_is not in (None, *_ROWS.get(kind, _READINGS)) else set())


def settle_identifiers(columns: Sequence[Column], options: ReadOptions, where: str) -> list[Column]:
    """Give the columns of unfolded records their roles: a voltage is that of the reading, and records are told apart.

    Raises
    ------
    QuestionError
        If nothing tells what several records are.
    """
    found = []
    last = columns[-1].name
    for column in columns:
        if column.is_explicit:
            pass
        elif column.name == READING:
            column = replace(column, role="point", why="it numbers the readings of a record")
        elif column.role == "voltage_v":
            column = replace(column, role="read_voltage_v", why="one voltage for each record")
        elif column.role == UNKNOWN and column.name != last:
            column = replace(column, role=KEPT, why="it identifies a record")
        found.append(column)
    known = {column.role for column in found if column.name != RECORD} & set(_NAMING)
    role = {"devices": "device_id", "cycles": "cycle", "levels": "level"}.get(options.meaning("columns") or "")
    if not known and role is None:
        raise _ask_meaning(where)
    return [
        replace(column, role=KEPT if known else role or KEPT, why="number of the record", tags={})
        if column.name == RECORD and not column.is_explicit
        else column
        for column in found
    ]


def _ask_meaning(where: str) -> QuestionError:
    text = "what is each record? No column says its device, cycle or level"
    return ask(where, text, list_choices("columns", "record", "a state of one device"), fields=(option_of("columns"),))
