"""Validated tables: trains, sweeps, endurance, retention, STDP, transients, pulse pairs, levels, and plain records.

Their columns are in `devicekit.tables.schemas`, which measured and simulated data share. Columns with no name
of ours are kept as they are.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from devicekit.core.errors import BadRow, CodedWarning, TableError
from devicekit.core.text import count
from devicekit.names.marks import MARK_COLUMN, mark_cell, marks_of_cells, ordered
from devicekit.system import files
from devicekit.tables.schemas import (
    ENDURANCE_SCHEMA,
    MULTILEVEL_SCHEMA,
    PAIRED_SCHEMA,
    PULSE_SCHEMA,
    RECORD_SCHEMA,
    RETENTION_SCHEMA,
    STDP_SCHEMA,
    SWEEP_SCHEMA,
    TRANSIENT_SCHEMA,
)

SAME_WIDTH = 1e-6  # relative difference of pulse widths that are one
_NEGATIVE = re.compile(r"-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")  # a negative number and nothing else


def _bad_rows(errors: SchemaErrors, frame: pd.DataFrame, rows: pd.Series | None) -> list[BadRow]:
    """Every failure that pandera found, with the row of the file it came from."""
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


@dataclass(frozen=True, eq=False)
class _Table:
    """A validated frame with metadata and the warnings given while it was read.

    Parameters
    ----------
    frame : pandas.DataFrame
        Validated on construction; a column `file_row`, if present, is used to name bad rows and dropped. A column
        `data_origin` that holds marks of ours (SYNTHETIC) is noted in `meta`.
    meta : mapping
        Instrument, date, source file and other facts that are not columns.
    warnings : tuple of CodedWarning
        What the reader assumed, split or dropped.

    Raises
    ------
    TableError
        If the frame breaks the schema; its `rows` name every bad row.
    """

    frame: pd.DataFrame
    meta: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[CodedWarning, ...] = ()

    schema: ClassVar[pa.DataFrameSchema]
    kind: ClassVar[str]

    def __post_init__(self) -> None:
        frame = self.frame
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
        """The rows of one device or cycle.

        Raises
        ------
        TableError
            If nothing is left; the message lists what there is.
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
        """The rows of all other devices."""
        return replace(self, frame=self.frame[~self.frame["device_id"].isin(devices)])

    def _kept(self, keep: np.ndarray, name: str, wanted: object) -> pd.DataFrame:
        if not keep.any():
            values = [str(value) for value in self.frame[name].unique().tolist()]
            there = ", ".join(values[:12]) + (f", ... ({len(values)} in all)" if len(values) > 12 else "")
            raise TableError(f"no rows with {name} = {wanted}; the table has {there}")
        return self.frame[keep]

    def to_csv(self, path: Path) -> None:
        """Write one CSV with one header line, whole or not at all; numbers keep every digit.

        What is marked gets a last column `data_origin` (SYNTHETIC, say), by which it is known when it is read again.
        """
        write_csv(self.frame, path, self.marks)

    def _repr_html_(self) -> str:
        return self.frame.to_html(max_rows=20)


def write_csv(frame: pd.DataFrame, path: Path, marks: Iterable[str] = ()) -> None:
    """Write a frame as one CSV, whole or not at all; text that a spreadsheet would run is made plain.

    Parameters
    ----------
    frame : pandas.DataFrame
    path : Path
    marks : iterable of str
        synthetic, simulated, calibrated: a last column `data_origin` says them in every row.
    """
    files.write_text(path, csv_text(frame, marks))


def csv_text(frame: pd.DataFrame, marks: Iterable[str] = ()) -> str:
    """The text of `write_csv`."""
    buffer = io.StringIO()
    made = _spelt(_neutral(frame))
    if cell := mark_cell(marks):
        made = made.rename(columns={MARK_COLUMN: f"{MARK_COLUMN}.1"}).assign(**{MARK_COLUMN: cell})
    made.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def _spelt(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with numbers that stand in many rows, such as a read voltage, spelt once each, with every digit."""
    spelt: dict[str, Any] = {}
    for name in frame.select_dtypes(include="float64"):
        # by their bits: 0 and -0 are two, and so are texts
        codes, bits = pd.factorize(np.ascontiguousarray(frame[name].to_numpy()).view(np.int64))
        if 4 * len(bits) < len(frame):
            texts = ["" if value != value else repr(value) for value in bits.view(np.float64).tolist()]
            spelt[str(name)] = np.array(texts, object)[codes]
    return frame.assign(**spelt) if spelt else frame


def _neutral(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with text that a spreadsheet would run, names too, made plain by a leading apostrophe."""
    if any(isinstance(name, str) and neutral(name) != name for name in frame.columns):
        frame = frame.rename(columns=lambda name: neutral(name) if isinstance(name, str) else name)
    text = frame.select_dtypes(include=["object", "string"])
    if text.empty:
        return frame
    frame = frame.copy()
    for name in text:
        column = frame[name].astype("object")
        plain = {cell: neutral(cell) for cell in column.unique() if isinstance(cell, str)}  # each text once
        if any(cell != text for cell, text in plain.items()):
            column = column.map(lambda cell, plain=plain: plain.get(cell, cell) if isinstance(cell, str) else cell)
        frame[name] = column
    return frame


def neutral(text: str) -> str:
    """Text that a spreadsheet would run as a formula, made plain by a leading apostrophe."""
    runs = text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and not _NEGATIVE.fullmatch(text))
    return f"'{text}" if runs else text


@dataclass(frozen=True, eq=False)
class PulseTable(_Table):
    """Pulse trains, one row for the state after each pulse (`pulse_index` 0: before the first).

    Columns: device_id, cycle, direction (ltp | ltd), pulse_index, exactly one of conductance_s [S] and
    weight [1]; optional pulse_voltage_v, pulse_width_s, read_voltage_v, read_current_a; any others.
    A missing reading is NaN: the pulse happened, its result was not read.
    """

    schema: ClassVar[pa.DataFrameSchema] = PULSE_SCHEMA
    kind: ClassVar[str] = "pulse"

    def _check(self, frame: pd.DataFrame) -> None:
        have = [name for name in ("conductance_s", "weight") if name in frame]
        if len(have) != 1:
            raise TableError(
                "a pulse table has exactly one of the columns conductance_s and weight; found "
                + (" and ".join(have) or "neither")
            )
        if not np.isfinite(frame[have[0]].to_numpy(float)).any():
            raise TableError(f"column {have[0]} holds no finite number")

    @property
    def quantity(self) -> str:
        """Name of the column that holds the state: conductance_s or weight."""
        return "conductance_s" if "conductance_s" in self.frame else "weight"

    @property
    def widths(self) -> list[float]:
        """Pulse widths present [s], ascending, those within a millionth as one; empty if the table does not say."""
        if "pulse_width_s" not in self.frame:
            return []
        found: list[float] = []
        for width in sorted(float(width) for width in self.frame["pulse_width_s"].dropna().unique()):
            if not found or width > found[-1] * (1 + SAME_WIDTH):
                found.append(width)
        return found

    @property
    def has_one_width(self) -> bool:
        """True if the pulses of a direction are equally wide, in all devices; those of LTP and of LTD may differ."""
        if len(self.widths) < 2:
            return True
        pulses = self.frame[self.frame["pulse_index"] > self.frame["pulse_index"].min()]
        extent = pulses.groupby("direction")["pulse_width_s"].agg(["min", "max"])
        return bool((extent["max"] <= extent["min"] * (1 + SAME_WIDTH)).all())

    @property
    def amplitudes(self) -> dict[str, list[float]]:
        """Pulse amplitudes present by direction [V], by their size, ascending; empty where the table does not say.

        Those of pulses, not of the reading before the first one, where the table has others.
        """
        found: dict[str, list[float]] = {"ltp": [], "ltd": []}
        if "pulse_voltage_v" in self.frame:
            given = self.frame[self.frame["pulse_index"] > self.frame["pulse_index"].min()]
            for direction, volts in given["pulse_voltage_v"].abs().dropna().groupby(given["direction"]):
                found[str(direction)] = sorted(float(each) for each in volts.unique())
        return found

    def select(self, device: str | None = None, cycle: int | None = None, width: float | None = None) -> PulseTable:
        """The rows of one device, cycle or pulse width [s]; `TableError` if nothing is left."""
        table = super().select(device, cycle)
        if width is None:
            return table
        if "pulse_width_s" not in table.frame:
            raise TableError("the table has no column pulse_width_s to select by")
        keep = np.isclose(table.frame["pulse_width_s"], width, rtol=SAME_WIDTH, atol=0.0)
        return replace(table, frame=table._kept(keep, "pulse_width_s", width))

    def traces(self, direction: str) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
        """Each train of one direction: (device_id, cycle, pulse_index, state), sorted by pulse index."""
        rows = self.frame[self.frame["direction"] == direction]
        number = rows.groupby(["device_id", "cycle"], sort=False).ngroup().to_numpy()  # in order of appearance
        index, state = rows["pulse_index"].to_numpy(int), rows[self.quantity].to_numpy(float)
        order = np.lexsort((index, number))  # one stable sort for all trains: a sort for each took a second
        order = order[number[order] >= 0]  # no device or no cycle, no train
        if order.size == 0:
            return
        first = np.flatnonzero(np.diff(number[order], prepend=-1))
        devices = rows["device_id"].iloc[order[first]].astype(str)
        cycles = rows["cycle"].iloc[order[first]].astype(str)
        for device, cycle, own in zip(devices, cycles, np.split(order, first[1:]), strict=True):
            yield device, int(cycle), index[own], state[own]


@dataclass(frozen=True, eq=False)
class SweepTable(_Table):
    """Voltage sweeps: device_id, cycle, point, voltage_v [V], current_a [A].

    Optional time_s [s], compliance_a [A], temperature_k [K]; any others.
    """

    schema: ClassVar[pa.DataFrameSchema] = SWEEP_SCHEMA
    kind: ClassVar[str] = "sweep"


@dataclass(frozen=True, eq=False)
class EnduranceTable(_Table):
    """Endurance: device_id, cycle (write cycles so far), level (lrs | hrs), conductance_s [S]; optional others.

    One row is one reading of one level after that many cycles.
    """

    schema: ClassVar[pa.DataFrameSchema] = ENDURANCE_SCHEMA
    kind: ClassVar[str] = "endurance"


@dataclass(frozen=True, eq=False)
class RetentionTable(_Table):
    """Retention: device_id, level (name of the state), time_s since it was written [s], conductance_s [S].

    Optional read_voltage_v [V] and temperature_k [K]; any others.
    """

    schema: ClassVar[pa.DataFrameSchema] = RETENTION_SCHEMA
    kind: ClassVar[str] = "retention"


@dataclass(frozen=True, eq=False)
class StdpTable(_Table):
    """Spike-timing-dependent plasticity: device_id, repeat, spike_delay_s (t_post - t_pre) [s], weight_change [1]."""

    schema: ClassVar[pa.DataFrameSchema] = STDP_SCHEMA
    kind: ClassVar[str] = "stdp"


@dataclass(frozen=True, eq=False)
class TransientTable(_Table):
    """Readings in time with the pulses between them: device_id, record, time_s [s], conductance_s [S] or current_a [A].

    Optional pulse_voltage_v [V], 0 between the pulses (without it the pulse came before the record, at time 0),
    pulse_width_s [s], read_voltage_v [V], temperature_k [K]; any others. What is read in a row of a pulse is read under
    the pulse, and is not a state.
    """

    schema: ClassVar[pa.DataFrameSchema] = TRANSIENT_SCHEMA
    kind: ClassVar[str] = "transient"

    def _check(self, frame: pd.DataFrame) -> None:
        have = [name for name in ("conductance_s", "current_a") if name in frame]
        if not have:
            raise TableError("a transient table has a column conductance_s or current_a; found neither")
        back = frame.groupby(["device_id", "record"], sort=False)["time_s"].diff() < 0
        if back.any():
            at = int(np.flatnonzero(back.to_numpy())[0])
            device, record = frame["device_id"].iloc[at], frame["record"].iloc[at]
            raise TableError(f"the times of record {record} of {device} run backwards at row {at + 1}")

    @property
    def quantity(self) -> str:
        """Name of the column that holds the readings: conductance_s, else current_a."""
        return "conductance_s" if "conductance_s" in self.frame else "current_a"


@dataclass(frozen=True, eq=False)
class PairedTable(_Table):
    """Pairs of pulses: device_id, repeat, interval_s between the two [s], ratio of their amplitudes A2/A1 [1].

    Optional first_amplitude and second_amplitude (one unit, S or A), from which ratio was made; pulse_voltage_v [V];
    baseline, from which A2 is counted: `original` (the level before the first pulse) or `before` (just before the
    second); any others.
    """

    schema: ClassVar[pa.DataFrameSchema] = PAIRED_SCHEMA
    kind: ClassVar[str] = "paired"

    @property
    def baseline(self) -> str | None:
        """Baseline of the pulse pairs; None if the table gives none or several."""
        baselines = set(self.frame["baseline"]) if "baseline" in self.frame else set()
        return str(baselines.pop()) if len(baselines) == 1 else None


@dataclass(frozen=True, eq=False)
class MultilevelTable(_Table):
    """Several levels, each read again and again: device_id, level (its name), repeat, conductance_s [S].

    Optional target_s, at which a level was aimed [S], time_s [s], read_voltage_v [V], temperature_k [K]; any others.
    """

    schema: ClassVar[pa.DataFrameSchema] = MULTILEVEL_SCHEMA
    kind: ClassVar[str] = "multilevel"


@dataclass(frozen=True, eq=False)
class RecordTable(_Table):
    """Records whose columns have no role of ours: device_id, record, point, and the file's own columns."""

    schema: ClassVar[pa.DataFrameSchema] = RECORD_SCHEMA
    kind: ClassVar[str] = "record"


Table = (
    PulseTable
    | SweepTable
    | EnduranceTable
    | RetentionTable
    | StdpTable
    | TransientTable
    | PairedTable
    | MultilevelTable
    | RecordTable
)
