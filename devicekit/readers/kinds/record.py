"""Plain records: columns that are kept as they are, where the user says that the table is none of the other kinds."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts.view import Claim, View
from devicekit.readers.source import Source
from devicekit.readers.state import STATE_COLUMNS
from devicekit.system.options import ReadOptions
from devicekit.tables import RecordTable

NAME = "record"
TITLE = "plain records (columns are kept as they are)"
VALUES: frozenset[str] = frozenset()


def claim(view: View) -> Claim | None:
    """Claim any table, if the user gives the kind."""
    return Claim(1, "given by the user") if view.options.kind == NAME else None


def assign(view: View) -> list[Column]:
    """Keep every column but the names of devices, and those that an option, a recipe or devicekit names.

    A state that holds words is kept too: "value" is also the name of what is no state.
    """
    states = {*STATE_COLUMNS, "value"}
    wordy = [c.by not in ("map", "recipe") and c.role in states and view.numbers(c.name) is None for c in view.columns]
    kept = [
        (column.is_explicit and not words) or column.role == "device_id"
        for column, words in zip(view.columns, wordy, strict=True)
    ]
    return [
        column if known else view.change(column, role=KEPT, why="kept as it is")
        for column, known in zip(view.columns, kept, strict=True)
    ]


def build(frame: pd.DataFrame, options: ReadOptions, source: Source, warnings: Sequence[CodedWarning]) -> RecordTable:
    """Number the rows of each device and table."""
    del options
    parts = frame["_part"] if "_part" in frame else pd.Series(0, frame.index)
    keys = [frame["device_id"], parts]
    numbers = frame.groupby(keys, sort=False).ngroup()
    record = numbers - numbers.groupby(frame["device_id"], sort=False).transform("min") + 1
    frame = frame.assign(record=record, point=frame.groupby(keys, sort=False).cumcount() + 1)
    return RecordTable(frame, {"format": "table", "source": source.path.name}, tuple(warnings))
