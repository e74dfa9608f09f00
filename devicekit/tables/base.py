"""Base of the tables: a frame that its schema accepts, with metadata and the warnings of its reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from devicekit.core.calls import as_path
from devicekit.core.errors import BadRow, CodedWarning, TableError, UsageError
from devicekit.core.printing import Printed
from devicekit.core.text import count
from devicekit.names.marks import MARK_COLUMN, marks_of_cells, ordered
from devicekit.tables.csvtext import write_csv


@dataclass(frozen=True, eq=False)
class ValidTable(Printed):
    """A validated frame with metadata and the warnings given while it was read.

    Raises TableError if the frame breaks the schema; its `rows` name every bad row.

    Parameters
    ----------
    frame : pandas.DataFrame
        Validated on construction; a column `file_row`, if present, is used to name bad rows and dropped; `meta` keeps
        its first and last value as `file_rows`. A column `data_origin` that holds marks of ours (SYNTHETIC) is noted
        in `meta`.
    meta : mapping
        Instrument, date, source file and other facts that are not columns.
    warnings : tuple of CodedWarning
        What the reader assumed, split or dropped.
    """

    also_called = {  # noqa: RUF012
        **dict.fromkeys(("df", "data", "to_frame", "dataframe"), "table.frame, a pandas frame"),
        "plot": "devicekit.fit(table).plot() or devicekit.characterize(table).plot()",
        "[]": "table.frame, a pandas frame",
    }

    frame: pd.DataFrame
    meta: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[CodedWarning, ...] = ()

    schema: ClassVar[pa.DataFrameSchema]
    kind: ClassVar[str]
    contents: ClassVar[str]  # in words

    def __post_init__(self) -> None:
        frame = self.frame
        if not isinstance(frame, pd.DataFrame):
            name = type(self).__name__
            raise UsageError(f"{name} takes a pandas frame, not {type(frame).__name__}. devicekit.read makes tables.")
        rows = frame.get("file_row", None)
        frame = frame.drop(columns="file_row", errors="ignore")
        if frame.empty:
            raise TableError(f"the {self.kind} table has no rows")
        try:
            frame = self.schema.validate(frame, lazy=True, inplace=True)
        except SchemaErrors as errors:
            bad = _bad_rows(errors, frame, rows)
            raise TableError(f"{count(len(bad), 'bad value')} in the {self.kind} table", bad) from errors
        self._check(frame)
        object.__setattr__(self, "frame", frame.reset_index(drop=True))
        meta = {name: value for name, value in self.meta.items() if name != "file_rows"}  # of other rows, if any
        if rows is not None:
            meta["file_rows"] = (int(rows.iloc[0]), int(rows.iloc[-1]))
        object.__setattr__(self, "meta", meta)
        self._note_marks()

    def _note_marks(self) -> None:
        """Let `meta` hold what a column `data_origin` says."""
        found = marks_of_cells(self.frame[MARK_COLUMN].unique()) if MARK_COLUMN in self.frame else None
        if found is not None:
            marks = dict.fromkeys([*self.meta.get("marks", ()), *found])
            object.__setattr__(self, "meta", {**self.meta, "marks": list(marks)})

    def _check(self, frame: pd.DataFrame) -> None:
        """Rules that concern more than one column."""

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def layout(self) -> Any:
        """Layout of the file (`devicekit.readers.layout.Layout`); None for a table that no reader made."""
        return self.meta.get("layout")

    @property
    def synthetic(self) -> bool:
        """True if it is known to be generated: by the marks of what it was read from, or by a warning."""
        return "synthetic" in self.meta.get("marks", ()) or any(each.code == "synthetic" for each in self.warnings)

    @property
    def marks(self) -> tuple[str, ...]:
        """synthetic, simulated, calibrated: what it is known to be; none of a measurement."""
        return ordered([*self.meta.get("marks", ()), *(("synthetic",) if self.synthetic else ())])

    @property
    def devices(self) -> list[str]:
        return self.frame["device_id"].unique().tolist()

    def select(self, device: str | None = None, cycle: int | None = None) -> Self:
        """Return the rows of one device or cycle.

        Raises TableError if nothing is left; the message lists what there is.
        """
        table = self
        for name, wanted in (("device_id", device), ("cycle", cycle)):
            if wanted is None:
                continue
            if name not in table.frame:
                raise TableError(f"the table has no column {name} to select by")
            keep = (table.frame[name] == wanted).to_numpy()
            table = replace(table, frame=table._kept(keep, name, wanted))
        return table

    def without(self, devices: Sequence[str]) -> Self:
        """Return the rows of all other devices."""
        return replace(self, frame=self.frame[~self.frame["device_id"].isin(devices)])

    def _kept(self, keep: np.ndarray, name: str, wanted: object) -> pd.DataFrame:
        if not keep.any():
            values = [str(value) for value in self.frame[name].unique().tolist()]
            there = ", ".join(values[:12]) + (f", ... ({len(values)} in all)" if len(values) > 12 else "")
            raise TableError(f"no rows with {name} = {wanted}; the table has {there}")
        return self.frame[keep]

    def to_csv(self, path: Path | str, overwrite: bool = False) -> None:
        """Write one CSV with one header line, whole or not at all; numbers keep every digit.

        The columns of the schema come first, by which `devicekit.read` knows the table again. What is marked gets a
        last column `data_origin` (SYNTHETIC, say), by which it is known when it is read again.

        Raises FileError if such a file exists, or the file cannot be written.

        Parameters
        ----------
        path : path-like
        overwrite : bool
            Replace a file that devicekit did not write, or one that the table was read from.
        """
        file = as_path(path, "to_csv")
        lead = [name for name in self.schema.columns if name in self.frame]
        ordered_frame = self.frame[[*lead, *(name for name in self.frame if name not in lead)]]
        write_csv(ordered_frame, file, self.marks, overwrite, self.meta.get("files", ()))

    def __repr__(self) -> str:
        rows, devices = count(len(self.frame), "row"), count(len(self.devices), "device")
        return f"<{type(self).__name__}: {rows}, {devices}; {', '.join(self.frame.columns)}>"

    def summary_lines(self) -> list[str]:
        """Return where the table comes from."""
        facts = [f"{name} {self.meta[name]}" for name in ("source", "format") if name in self.meta]
        return [", ".join([*facts, *self.marks])]

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.frame.to_string(max_rows=6, show_dimensions=False)}"

    def _repr_html_(self) -> str:
        return self.frame.to_html(max_rows=20)


def _bad_rows(errors: SchemaErrors, frame: pd.DataFrame, rows: pd.Series | None) -> list[BadRow]:
    """Return every failure that pandera found, with the row of the file it came from."""
    bad = []
    for case in errors.failure_cases.to_dict("records"):
        index, column = case["index"], case["column"]
        place = None
        if index is not None and not pd.isna(index):
            place = int(rows.loc[index]) if rows is not None else int(np.flatnonzero(frame.index == index)[0]) + 1
        expected = str(case["check"])
        if expected.startswith("dtype("):
            expected = "a whole number" if "int" in expected else "a number"
        found = str(case["failure_case"])
        if expected == "column_in_dataframe":
            column, found, expected = found, "no such column", "this column"
        elif expected == "not_nullable":
            found, expected = "nothing", "a value"
        bad.append(BadRow(place, None if column is None else str(column), found, expected))
    return sorted(bad, key=lambda row: (row.row or 0, row.column or ""))
