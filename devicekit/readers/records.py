"""Records of an instrument as one table: roles of columns, split sweeps, and all other content of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TableError, UsageError
from devicekit.core.quantities import GLOSSARY
from devicekit.core.text import count
from devicekit.names import parse_unit
from devicekit.readers.borders import describe_borders, find_swept, split_sweeps
from devicekit.readers.cells import parse_column, parse_numbers
from devicekit.readers.header import find_stated_unit, split_unit
from devicekit.readers.layout import KEPT
from devicekit.readers.linked import Record as Record  # public here
from devicekit.readers.linked import drop_copies, number_turns
from devicekit.readers.pulse_trains import build_pulse_trains
from devicekit.readers.record_roles import ask_for_columns, find_named_roles
from devicekit.readers.source import Source
from devicekit.readers.state import OF_STATES, STATE_COLUMNS
from devicekit.readers.terminals import warn_of_gate
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable, RecordTable, SweepTable
from devicekit.tables.schemas import SWEEP_SCHEMA

FEWEST = 2  # rows of a sweep among longer ones; a single row is left from an aborted one
_RESERVED = {*SWEEP_SCHEMA.columns, "record"}
_QUANTITY_OF = {
    "voltage_v": "voltage",
    "current_a": "current",
    "time_s": "time",
    "pulse_voltage_v": "voltage",
    "pulse_width_s": "time",
    "read_voltage_v": "voltage",
    "read_current_a": "current",
    "conductance_s": "conductance",
    "resistance_ohm": "resistance",
}
_DATES = ("%m/%d/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y", "%a %b %d %H:%M:%S %Y")


def column_names(frame: pd.DataFrame) -> list[str]:
    """Return the names of a frame's columns."""
    return [str(name) for name in frame.columns]


def find_roles(record: Record, options: ReadOptions, where: str, *, named_only: bool = False) -> dict[str, str]:
    """Return devicekit's column name -> the file's column, from --map, else from settings and names of the file.

    With `named_only`, only --map counts. A record without a column of --map keeps its own.
    """
    unknown = [ours for ours in options.columns if ours not in GLOSSARY and ours != KEPT]
    if unknown:
        raise UsageError(f"map={{{unknown[0]}: ...}}: unknown column. Choose one of: {', '.join(GLOSSARY)}.")
    roles = {ours: theirs for ours, theirs in options.columns.items() if theirs in record.columns and ours != KEPT}
    if named_only:
        return roles
    for ours, theirs in record.roles.items():
        if theirs in record.columns and theirs not in roles.values():
            roles.setdefault(ours, theirs)
    return find_named_roles(record, roles, where.split(", record")[0])


def _check_mapped(records: Sequence[Record], options: ReadOptions, where: str) -> None:
    """Refuse a column of --map that no record has.

    Raises
    ------
    UsageError
    """
    names = list(dict.fromkeys(name for record in records for name in column_names(record.columns)))
    if missing := [theirs for theirs in options.columns.values() if theirs not in names]:
        raise UsageError(f"map: {where} has no column {missing[0]!r}. It has {', '.join(names)}.")


def _factor(record: Record, theirs: str, ours: str, where: str) -> float:
    if ours not in _QUANTITY_OF:
        return 1.0
    word = record.units.get(theirs)
    unit = parse_unit(word) if word else find_stated_unit(theirs)
    if not word and (unit is None or record.roles.get(ours) == theirs):
        return 1.0  # by the instrument's convention
    if unit is None or unit.quantity != _QUANTITY_OF[ours]:
        word = word or split_unit(theirs)[1]
        raise UsageError(f"{where}: column {theirs} is in {word}, which is not a unit of {_QUANTITY_OF[ours]}")
    return unit.factor


def convert_to_si(record: Record, roles: Mapping[str, str], where: str) -> pd.DataFrame:
    """Return the record's columns: those with a role under devicekit's name in SI, the others unchanged."""
    ours_of = {theirs: ours for ours, theirs in roles.items()}
    columns: dict[str, pd.Series] = {}
    for theirs in column_names(record.columns):
        ours = ours_of.get(theirs)
        if ours in ("device_id", "direction"):
            columns[ours] = record.columns[theirs].astype(str)
        elif ours is not None:
            columns[ours] = parse_numbers(record.columns[theirs], where) * _factor(record, theirs, ours, where)
        else:
            name = f"{theirs} (file)" if theirs in _RESERVED else theirs
            columns[name] = parse_column(record.columns[theirs])
    return pd.DataFrame(columns, index=record.columns.index)


def parse_date(text: str | None) -> datetime | None:
    """Parse a date as instruments write it; return None for other text."""
    for pattern in _DATES:
        try:
            return datetime.strptime((text or "").strip(), pattern)
        except ValueError:
            continue
    return None


def _order_by_date(records: Sequence[Record]) -> list[int]:
    """Return the positions of the records from the oldest to the newest; in file order if a date is missing."""
    dates = [parse_date(record.date) for record in records]
    if any(date is None for date in dates):
        return list(range(len(records)))
    return sorted(range(len(records)), key=lambda k: (dates[k], k if dates[0] <= dates[-1] else -k))  # type: ignore[operator, return-value]


def _number_sweeps(
    record: Record, frame: pd.DataFrame, name: str, warnings: list[CodedWarning]
) -> tuple[np.ndarray, str]:
    """Return the number of the sweep of each row, from 0, and how the borders were found."""
    if "voltage_v" not in frame:
        return np.zeros(len(frame), int), "stated"
    swept = find_swept(frame, name, warnings)
    if record.points:
        return np.arange(len(frame)) // record.points, "stated"
    number, found = split_sweeps(frame[swept].to_numpy(float))
    return number - 1, found


def build_record_table(
    records: Sequence[Record],
    options: ReadOptions,
    reader: str,
    source: Source,
    warnings: Iterable[CodedWarning] = (),
) -> PulseTable | SweepTable | RecordTable:
    """Build one table of all records: sweeps if voltage and current are known, else plain records.

    A `record` column numbers the records in the order of the file; cycles count the sweeps of a device from the
    oldest to the newest. If --map names a state after a pulse (such as read_current_a), the records are pulse
    trains, one record after the other from the oldest.

    Raises
    ------
    TableError
        If no record has rows, or a cell of a known column is not a number.
    """
    name = source.path.name
    records, copies = drop_copies(records, name)
    warnings = [*warnings, *copies]
    plain = options.kind == RecordTable.kind
    if options.rows_per:
        records = with_length(records, options, name)
    if not any(len(record.columns) for record in records):
        raise TableError(f"{name} holds no record with rows")
    _check_mapped(records, options, name)
    if STATE_COLUMNS.keys() & set(options.columns) and not plain:
        return _build_pulse_table(records, options, reader, source, warnings)
    several = len(records) > 1
    placed = [(record, f"{name}, record {k}" if several else name, k) for k, record in enumerate(records, 1)]
    parts = [
        _Part(record, find_roles(record, options, where, named_only=plain), where, k) for record, where, k in placed
    ]
    if not plain:
        parts, left_out = _select_sweeps(parts, options, name)
        warnings += left_out
    frames: list[pd.DataFrame] = []
    borders = []
    for record, roles, where, number in parts:
        frame = convert_to_si(record, roles, where)
        warnings += warn_about_columns(record, roles, where)
        if "device_id" not in frame:
            frame["device_id"] = record.device or "device1"
        frame["record"] = number
        frame["sweep"], way = (0, "stated") if plain else _number_sweeps(record, frame, name, warnings)
        borders.append(way)
        if record.compliance and "compliance_a" not in frame and "current_a" in frame:
            frame["compliance_a"] = record.compliance
        if record.third is not None and "third_voltage_v" not in frame:
            frame["third_voltage_v"] = record.third
        frame["file_row"] = record.columns.index
        frames.append(frame)
    warnings += [] if plain else warn_of_gate([part.roles.get("voltage_v", "") for part in parts], name)
    kept = [part.record for part in parts]
    numbered = _number_cycles(kept, frames, name)
    warnings += [] if plain else numbered
    whole = _join_cycles(frames, _order_by_date(kept))
    meta = {**build_meta(records, reader, source), "unused": OF_STATES}
    if plain or not parts[0].is_sweep:
        whole = whole.drop(columns=["cycle", "sweep"])
        whole["point"] = whole.groupby("record").cumcount()
        return RecordTable(_order_columns(whole, RecordTable.schema.columns), meta, _drop_repeats(warnings))
    sweeps = whole.groupby(["sweep", "device_id"], sort=False)
    whole["point"] = sweeps.cumcount()
    meta["borders"] = describe_borders(borders, sweeps.size().to_numpy())
    return SweepTable(_order_columns(whole.drop(columns="sweep"), SWEEP_SCHEMA.columns), meta, _drop_repeats(warnings))


def with_length(records: Sequence[Record], options: ReadOptions, where: str) -> list[Record]:
    """Return the records with the number of rows of a sweep, as `options.rows_per` says it.

    Raises
    ------
    UsageError
        If they are no sweeps, or their rows cannot be divided in this way.
    """
    if options.kind not in (None, SweepTable.kind) or STATE_COLUMNS.keys() & set(options.columns):
        raise UsageError(f"{where}: rows_per={{cycle: N}} is for sweeps, which these columns are not to be. Remove it.")
    if set(options.rows_per) != {"cycle"}:
        raise UsageError(f"{where}: the records of an instrument are divided by rows_per={{cycle: N}} only")
    points = int(options.rows_per["cycle"])
    if odd := [len(record.columns) for record in records if len(record.columns) % points]:
        raise UsageError(f"{where}: {odd[0]} rows are not a multiple of {points}")
    return [replace(record, points=points) for record in records]


class _Part(NamedTuple):
    """A record with the roles of its columns, its place for messages, and its number in the file."""

    record: Record
    roles: dict[str, str]
    where: str
    number: int

    @property
    def is_sweep(self) -> bool:
        return {"voltage_v", "current_a"} <= set(self.roles)


def _select_sweeps(parts: list[_Part], options: ReadOptions, where: str) -> tuple[list[_Part], list[CodedWarning]]:
    """Return the sweeps where there are any, else all records.

    Raises
    ------
    QuestionError
        If no record has a voltage and a current, and its names leave open whether it has.
    """
    sweeps = [_drop_unfinished(part) for part in parts if part.is_sweep]
    if not sweeps and KEPT not in options.columns:
        for record, roles, *_ in parts:
            if (question := ask_for_columns(record, roles, where)) is not None:
                raise question
    if not sweeps:
        return parts, []
    longest = max(len(part.record.columns) for part in sweeps)
    kept = [part for part in sweeps if len(part.record.columns) >= min(longest, FEWEST)]
    lengths = {part.number: len(part.record.columns) for part in kept}
    short = [part.number for part in sweeps if part.number not in lengths]
    other = [part.number for part in parts if not part.is_sweep]
    unfinished = sum(len(part.record.columns) - lengths.get(part.number, len(part.record.columns)) for part in parts)
    reasons = (
        (other, f"without voltage and current left out: record {', '.join(map(str, other))}"),
        (short, f"of fewer than {FEWEST} rows left out: record {', '.join(map(str, short))}"),
        (unfinished, f"end without a voltage or a current; {count(unfinished, 'row')} left out"),
    )
    return kept, [CodedWarning("dropped", f"{where}: records {words}") for number, words in reasons if number]


def _drop_unfinished(part: _Part) -> _Part:
    """Drop the rows at the end of a sweep in which the cell of the voltage or of the current is empty."""
    names = [part.roles["voltage_v"], part.roles["current_a"]]
    cells = part.record.columns[names]
    if cells.empty or all(str(cells[name].iat[-1]) != "" for name in names):
        return part
    filled = np.flatnonzero((cells.astype(str) != "").all(axis=1))
    if not filled.size:
        return part
    return part._replace(record=replace(part.record, columns=part.record.columns.iloc[: filled[-1] + 1]))


def _build_pulse_table(
    records: Sequence[Record], options: ReadOptions, reader: str, source: Source, warnings: list[CodedWarning]
) -> PulseTable:
    """Build pulse trains from records: columns named by --map, directions and cycles split as in a long table."""
    name = source.path.name
    frames = []
    for k in _order_by_date(records):
        record = records[k]
        where = f"{name}, record {k + 1}" if len(records) > 1 else name
        roles = find_roles(record, options, where, named_only=True)
        if "device_id" not in roles and record.device:
            record.columns["device_id"] = record.device
            roles["device_id"] = "device_id"
        warnings += warn_about_columns(record, roles, where)
        frames.append(convert_to_si(record, roles, where).assign(record=k + 1, file_row=record.columns.index))
    table = build_pulse_trains(pd.concat(frames, ignore_index=True), options, source, reader, _drop_repeats(warnings))
    return PulseTable(table.frame, {**table.meta, **build_meta(records, reader, source)}, table.warnings)


def _drop_repeats(warnings: Iterable[CodedWarning]) -> tuple[CodedWarning, ...]:
    return tuple(dict.fromkeys(warnings))


def _order_columns(frame: pd.DataFrame, first: Iterable[str]) -> pd.DataFrame:
    lead = [name for name in first if name in frame]
    return frame[[*lead, *(name for name in frame if name not in lead)]]


def warn_about_columns(record: Record, roles: Mapping[str, str], where: str) -> list[CodedWarning]:
    """Return warnings on the roles of columns and on units assumed by the instrument's convention."""
    taken = [f"{theirs} as {ours}" for ours, theirs in roles.items() if theirs != ours]
    open_ = [theirs for ours, theirs in roles.items() if ours in _QUANTITY_OF and theirs not in record.units]
    unstated = [theirs for theirs in open_ if find_stated_unit(theirs) is None]
    warnings = [CodedWarning("columns", f"{where.split(', record')[0]}: read {', '.join(taken)}")] if taken else []
    if unstated and any(theirs in record.columns for theirs in unstated):
        name = where.split(", record")[0]
        warnings.append(
            CodedWarning(
                "assumed_unit",
                f"{name}: {', '.join(unstated)} read in SI units, the convention of this instrument",
            )
        )
    return warnings


def _number_cycles(records: Sequence[Record], frames: Sequence[pd.DataFrame], name: str) -> list[CodedWarning]:
    """Add the column `cycle`: the sweeps of a device, counted from 1 from the oldest record."""
    order = _order_by_date(records)
    sizes = [int(frame["sweep"].max()) + 1 if len(frame) else 0 for frame in frames]
    number_turns(records, frames, order)
    counted: dict[str, dict[int, int]] = {}
    for k in order:
        frame = frames[k]
        device = str(frame["device_id"].iloc[0]) if len(frame) else ""
        cycles = counted.setdefault(device, {})
        for sweep in frame["sweep"].unique():
            cycles.setdefault(int(sweep), len(cycles) + 1)
        frame["cycle"] = frame["sweep"].map(cycles).astype("int64")
    warnings = []
    if order != sorted(order):
        warnings.append(
            CodedWarning("split", f"{name}: the newest record comes first; cycles count from the oldest record")
        )
    split = [size for size in sizes if size > 1]
    if split:
        words = f"{name}: {count(len(split), 'record')} split into {count(sum(split), 'sweep')}"
        warnings.append(CodedWarning("split", words))
    joined = sum(sizes) - len({int(number) for frame in frames for number in frame["sweep"].unique()})
    if joined:
        words = f"{name}: {count(joined, 'record')} joined to the sweep before it in its run: SET and RESET are a cycle"
        warnings.append(CodedWarning("split", words))
    return warnings


def _join_cycles(frames: Sequence[pd.DataFrame], order: Sequence[int]) -> pd.DataFrame:
    """Return all rows; the frames of one cycle follow each other, from the oldest, where the first of them stands."""
    groups: dict[int, list[int]] = {}
    for k in order:
        groups.setdefault(int(frames[k]["sweep"].iloc[0]) if len(frames[k]) else -1 - k, []).append(k)
    return pd.concat([frames[k] for group in sorted(groups.values(), key=min) for k in group], ignore_index=True)


def _units_in_names(record: Record) -> dict[str, str | None]:
    return {name: split_unit(name)[1] for name in column_names(record.columns) if find_stated_unit(name)}


def build_meta(records: Sequence[Record], reader: str, source: Source) -> dict[str, Any]:
    """Return the metadata of a table of records: reader, file, and information on each record."""
    facts = [
        {
            "name": record.name,
            "device": record.device,
            "date": record.date,
            "rows": len(record.columns),
            "columns": [str(column) for column in record.columns],
            "units": {**_units_in_names(record), **record.units},
            **record.meta,
        }
        for record in records
    ]
    return {"format": reader, "source": source.path.name, "records": facts}
