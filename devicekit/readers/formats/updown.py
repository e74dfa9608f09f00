"""Two columns without further structure: up response and down response, or pulse number and reading.

Column names may say which (ltp/ltd, set/reset, up/down, potentiation/depression). Without names, a first
column of whole numbers that count up (and may restart) is a pulse number; anything else is up, down.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from devicekit.errors import CodedWarning, TableError
from devicekit.names import DIRECTION_ALIASES
from devicekit.options import ReadOptions
from devicekit.readers.header import names_quantity
from devicekit.readers.pulse_trains import pulse_table
from devicekit.readers.source import Delimited, Source
from devicekit.readers.splitting import split_by_reset, split_values
from devicekit.readers.state import add_state
from devicekit.tables import PulseTable
from devicekit.text import count

NAME = "updown"
TITLE = "two columns: up and down response, or pulse number and reading"
TAKES = frozenset({"quantity", "read_voltage", "unit", "absolute"})
GENERAL = 2


def matches(source: Source) -> bool:
    """Whether the content is in this format."""
    if source.is_folder or len(source.delimited.columns) not in (1, 2):
        return False
    return source.delimited.header is None or not any(names_quantity(name) for name in source.delimited.columns)


def read(source: Source, options: ReadOptions) -> PulseTable:
    """The table of a file in this format; see `devicekit.readers.Reader`."""
    table = source.delimited
    if len(table.columns) > 2:
        raise TableError(f"{source.path.name} has {count(len(table.columns), 'column')}; format updown has one or two")
    directions = _named_directions(table)
    if directions is None and len(table.columns) == 2 and not _is_index(table.numbers(table.columns[0])):
        directions = ("ltp", "ltd")
    if directions is None:
        frame, warnings = _train(table)
    else:
        frame = pd.concat(
            [_branch(table, column, direction) for column, direction in zip(table.columns, directions, strict=True)],
            ignore_index=True,
        )
        warnings = []
    frame, more = add_state(frame, options, source.path.name)
    return pulse_table(frame, NAME, source, [*warnings, *more])


def _named_directions(table: Delimited) -> tuple[str, str] | None:
    if table.header is None or len(table.columns) != 2:
        return None
    directions = tuple(DIRECTION_ALIASES.get(name.strip().lower()) for name in table.header[:2])
    return directions if set(directions) == {"ltp", "ltd"} else None  # type: ignore[return-value]


def _is_index(values: pd.Series) -> bool:
    """Whether a column counts pulses: whole numbers from 0 or 1 in even steps, which may start again."""
    x = values.to_numpy()
    if x.size < 2 or not np.isfinite(x).all() or not (x == np.round(x)).all() or x[0] not in (0, 1):
        return False
    steps = np.diff(x)
    forward = steps[steps >= 0]
    restarts = x[1:][steps < 0]
    even = forward.size > 0 and (forward == np.median(forward)).mean() > 0.9 and np.median(forward) > 0
    return bool(even and (restarts <= x[0] + 1).all())


def _branch(table: Delimited, column: str, direction: str) -> pd.DataFrame:
    values = table.numbers(column)
    last = values.last_valid_index()
    if last is None:
        raise TableError(f"{table.name}: column {column} holds no number")
    values = values.loc[:last]
    return pd.DataFrame(
        {
            "device_id": "device1",
            "cycle": 1,
            "direction": direction,
            "pulse_index": np.arange(values.size),
            "value": values.to_numpy(),
            "file_row": values.index,
        }
    )


def _train(table: Delimited) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Readings in one column: trains split where the pulse number restarts, else at turning points."""
    values = table.numbers(table.columns[-1])
    index = table.numbers(table.columns[0]) if len(table.columns) == 2 else None
    restarts = np.flatnonzero(np.diff(index.to_numpy()) < 0) if index is not None else np.empty(0, int)
    frame = pd.DataFrame({"device_id": "device1", "value": values.to_numpy(), "file_row": values.index})
    if index is None or restarts.size == 0:
        split = split_values(values.to_numpy(), table.name)
        frame = frame.assign(direction=split.direction, cycle=split.cycle, pulse_index=split.pulse_index)
        return frame, list(split.warnings)
    train = split_by_reset(index.to_numpy())
    frame = frame.assign(train=train, pulse_index=(index - index.min()).astype(int).to_numpy())
    ends = frame.groupby("train")["value"].agg(["first", "last"])
    directions = np.where(ends["last"] >= ends["first"], "ltp", "ltd")
    cycles = pd.Series(directions).groupby(directions).cumcount().to_numpy() + 1
    frame = frame.assign(direction=directions[train], cycle=cycles[train]).drop(columns="train")
    message = f"{table.name}: split where the pulse number restarts, into {count(len(directions), 'train')}"
    return frame, [CodedWarning("split", message)]
