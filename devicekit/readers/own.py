"""CSV tables that devicekit wrote: known by their columns, and read back digit for digit."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from typing import Any, get_args

import pandas as pd

from devicekit.core.errors import CodedWarning, DevicekitError, TableError
from devicekit.core.quantities import GLOSSARY
from devicekit.readers.layout import KEPT, Column, Layout
from devicekit.readers.source import Source
from devicekit.system import plugins
from devicekit.system.options import ReadOptions
from devicekit.tables import Table, csv_text, revealed

_TO_THE_LAST_BIT: dict[str, Any] = (
    {"float_precision": "round_trip"} if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1) else {}
)
FEWEST = 3  # columns by which a kind is known
EVIDENCE = ("a table that devicekit wrote",)
COMPARED = 100  # rows whose text must be what devicekit would write


def kind_of(names: Sequence[str]) -> type[Table] | None:
    """Return the class of the tables that devicekit writes with these columns; None for any other table.

    Parameters
    ----------
    names : sequence of str
        All columns, in the order of the file: those of one schema come first, in its order.
    """
    if "temperature_c" in names:  # devicekit writes kelvin, so that another reader must convert it
        return None
    for each in get_args(Table):
        required = {name for name, column in each.schema.columns.items() if column.required}
        lead = [name for name in each.schema.columns if name in names]
        if (
            len(lead) >= FEWEST
            and required <= set(lead)
            and list(names[: len(lead)]) == lead
            and len(set(names)) == len(names)
        ):
            return each  # type: ignore[no-any-return]
    return None


def read(source: Source) -> Table | None:
    """Read a table that `to_csv` of a table wrote; None for any other file.

    Columns alone could be somebody's own, with magnitudes or rows in any order: the first rows, written again, must
    give the same text too.
    """
    if source.is_folder or source.in_memory or source.workbook_kind or not source.head.startswith("device_id,"):
        return None
    try:
        names = [revealed(name) for name in next(csv.reader([source.head.split("\n", 1)[0]]), [])]
    except csv.Error:  # such as a carriage return within the line
        return None
    table = kind_of(names)
    if table is None or source.encoding != "utf-8":
        return None
    try:
        frame = _frame(source, table, names)
        text = csv_text(frame.head(COMPARED))
        if text[: len(source.head)] != source.head[: len(text)]:
            return None
        made = table(frame)
    except (TableError, ValueError):  # not as devicekit writes it: another reader says what is wrong
        return None
    remarks = _remarks(made, source)
    if remarks is None:
        return None
    meta = {"format": "table", "source": source.path.name, "layout": _layout(table, names)}
    return table(made.frame, meta, remarks)


def _remarks(made: Table, source: Source) -> tuple[CodedWarning, ...] | None:
    """Return what is remarked of such data in any table; nothing where the rows would have been changed.

    None if the directions contradict the trend: then a person is asked, whoever wrote it.
    """
    kind = plugins.KINDS.all().get(made.kind)
    if kind is None:
        return ()
    frame = made.frame.assign(file_row=made.frame.index + 2)
    try:
        built = kind.build(frame, ReadOptions(), source, ())
    except DevicekitError:
        return ()
    if "reversed" in {each.code for each in built.warnings}:
        return None
    return tuple(built.warnings) if built.frame.equals(made.frame) else ()


def _frame(source: Source, table: type[Table], names: Sequence[str]) -> pd.DataFrame:
    """Return every cell: text as it was before `write_csv` made it plain, numbers to the last bit."""
    types = {name: column.dtype.type for name, column in table.schema.columns.items() if name in names}
    text = {name: str for name, kind in types.items() if kind is str or "str" in str(kind).lower()}
    with source.open() as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)
        frame = pd.read_csv(
            stream,
            encoding="utf-8",
            dtype=text,
            na_values=[""],
            keep_default_na=False,
            **_TO_THE_LAST_BIT,
            low_memory=False,
            skip_blank_lines=False,
        )
    frame.columns = pd.Index(names)
    for name in frame.select_dtypes(include=["object", "string"]):
        frame[name] = frame[name].map(lambda cell: revealed(cell) if isinstance(cell, str) else cell)
        if name in text:
            frame[name] = frame[name].fillna("")
    return frame


def _layout(table: type[Table], names: Sequence[str]) -> Layout:
    found = tuple(Column(name, name if name in GLOSSARY else KEPT, by="glossary") for name in names)
    options = ReadOptions(skip=0, header=1, units_row=False, decimal=".")
    return Layout(table.kind, found, options, delimiter="comma", evidence=EVIDENCE)
