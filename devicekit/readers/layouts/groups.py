"""Groups that options state: a fixed number of rows, what holds for all rows, and conditions in a file's name."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from devicekit.core.errors import UsageError
from devicekit.readers.layouts.keys import find_in_names, find_words, parse_value
from devicekit.system.options import ReadOptions


def add_groups(
    frame: pd.DataFrame, options: ReadOptions, where: str, names: Sequence[str], strict: bool = True
) -> pd.DataFrame:
    """Add the columns that options state to the rows of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows in the order of the file.
    options : ReadOptions
    where : str
        File name.
    names : sequence of str
        Names of the file, and of its sheet, table and column if there is one, for the patterns of `key`.
    strict : bool
        True if a pattern that fits none of them is refused.

    Raises
    ------
    UsageError
        If the file has such a column, or its rows cannot be divided in this way.
    """
    stated = {name: parse_value(name, str(text), options.words) for name, text in options.constant.items()}
    stated |= find_in_names(names, options, where, strict)
    stated = {**{name: way for name, way in find_words(names[0], options).items() if name not in frame}, **stated}
    rows = {"device_id" if name == "device" else name: int(text) for name, text in options.rows_per.items()}
    for name in (*stated, *rows):
        if name in frame and not (name == "level" and frame[name].nunique() == 1):  # that of the column's name
            raise UsageError(f"{where} states its {name}. Remove the option, or keep the column: map={{keep: COLUMN}}")
    for name in ("device_id", "cycle"):  # the cycles of each device
        if name not in rows:
            continue
        keys = [each for each in ("device_id", "level") if each in frame]  # readings of each level
        groups = frame.groupby(keys, sort=False) if keys else None
        number = pd.Series(range(len(frame)), frame.index) if groups is None else groups.cumcount()
        sizes = [len(frame)] if groups is None else groups.size().tolist()
        if odd := [size for size in sizes if size % rows[name]]:
            raise UsageError(f"{where}: {odd[0]} rows are not a multiple of {rows[name]}")
        part = number // rows[name] + 1
        frame = frame.assign(**{name: part if name == "cycle" else "device" + part.astype(str)})
    return frame.assign(**{name: int(value) if name == "cycle" else value for name, value in stated.items()})
