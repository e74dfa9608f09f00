"""ArC ONE sessions: session name, date, then Wordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag,...

.csv or .csv.gz, with or without the three head lines. Rows with a pulse width are pulses (the resistance is the state
after the pulse), rows without one are reads. A session with only curve-tracer rows (tag CT) is a sweep.
"""

from __future__ import annotations

import csv
import re

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, FileError, TableError
from devicekit.readers.cells import parse_column, parse_numbers, rows_below, text_frame
from devicekit.readers.pulse_trains import build_pulse_table
from devicekit.readers.records import Record, build_record_table
from devicekit.readers.signature import Signature
from devicekit.readers.source import Source
from devicekit.readers.splitting import split_by_sign
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable, RecordTable, SweepTable

NAME = "arcone"
TITLE = "ArC ONE session (.csv, .csv.gz)"
TAKES = frozenset({"absolute", "kind"})
KINDS = frozenset({"pulse", "sweep"})
STATES_UNITS = True
COLUMNS = (
    "Wordline",
    "Bitline",
    "Resistance",
    "Amplitude (V)",
    "Pulse width (s)",
    "Tag",
    "ReadTag",
    "ReadVoltage",
)
_UNIT = CodedWarning("assumed_unit", "resistances and read voltages read in ohm and V, the units of ArC ONE")
_HEADER = re.compile(r"(?im)^\s*\"?Wordline\"?\s*,\s*\"?Bitline\"?\s*,\s*\"?Resistance")
_BARE = re.compile(
    r"^\s*\d+\s*,\s*\d+\s*,[^,]+,[^,]+,[^,]+,\s*(S ?R\w*|P|CT\w*|FF\w*)[^,]*,\s*(S ?R|P|R|F|V|T)[^,]*,[^,]+$"
)
matches = Signature(head=_HEADER, lines=_BARE)


def read(source: Source, options: ReadOptions) -> PulseTable | SweepTable | RecordTable:
    """Read a file in this format; see `devicekit.readers.Reader`."""
    frame, meta = _read_rows(source)
    name = source.path.name
    value = {column: parse_numbers(frame[column], name) for column in COLUMNS[2:5]}
    device = "W" + frame["Wordline"].astype(str) + "B" + frame["Bitline"].astype(str)
    resistance = value["Resistance"]
    pulses = value["Pulse width (s)"].fillna(0) > 0
    tags = frame["Tag"].astype(str).str.upper()
    if pulses.any() and not tags[pulses].str.startswith("CT").all():
        return _build_pulse_table(source, frame, device, value, meta, options)
    rest = frame.drop(columns=["Resistance", "Amplitude (V)"])
    columns = rest.assign(device_id=device, voltage_v=value["Amplitude (V)"], resistance_ohm=resistance)
    if not pulses.any():
        record = Record(
            columns.drop(columns="voltage_v").assign(read_voltage_v=parse_numbers(frame["ReadVoltage"], name)),
            meta=meta,
            roles={"device_id": "device_id"},
        )
        return build_record_table([record], options, NAME, source, [_UNIT])
    columns = columns.assign(current_a=value["Amplitude (V)"] / resistance.where(resistance != 0))
    warning = CodedWarning("columns", f"{name}: curve-tracer rows; the current is amplitude / resistance")
    records = []
    for which, part in columns[pulses].groupby("device_id", sort=False):
        roles = {column: column for column in ("voltage_v", "current_a")}
        records.append(Record(part.drop(columns="device_id"), device=str(which), roles=roles, meta=meta))
    left = int((~pulses).sum())
    warnings = (
        [_UNIT, warning, CodedWarning("dropped", f"{name}: {left} reads between the curve-tracer rows were dropped")]
        if left
        else [_UNIT, warning]
    )
    return build_record_table(records, options, NAME, source, warnings)


def _read_rows(source: Source) -> tuple[pd.DataFrame, dict[str, str]]:
    lines = source.lines
    try:
        cells = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    except csv.Error as error:
        raise FileError(f"{source.path.name} is not an ArC ONE session: {error}") from error
    start = next((k for k, row in enumerate(cells[:20]) if row and row[0].lower() == "wordline"), None)
    names = list(COLUMNS) if start is None else cells[start]
    meta = {"instrument": "ArC ONE"}
    if start is not None and start >= 1:
        meta["session"] = ",".join(cells[0])
    if start is not None and start >= 2:
        meta["date"] = ",".join(cells[1])
    body = rows_below(cells, -1 if start is None else start)
    if not body:
        raise FileError(f"{source.path.name} is an ArC ONE session without rows")
    frame = text_frame(body, names)
    folded = {name.lower().split("(")[0].strip(): name for name in frame.columns}
    wanted = {ours: folded.get(ours.lower().split("(")[0].strip()) for ours in COLUMNS}
    missing = [ours for ours, theirs in wanted.items() if theirs is None]
    if missing:
        raise TableError(
            f"{source.path.name}: an ArC ONE session needs column {missing[0]}; found {', '.join(frame.columns)}"
        )
    renamed = frame.rename(columns={theirs: ours for ours, theirs in wanted.items() if theirs})
    return renamed.loc[:, ~renamed.columns.duplicated()], meta


def _build_pulse_table(
    source: Source,
    frame: pd.DataFrame,
    device: pd.Series,
    value: dict[str, pd.Series],
    meta: dict[str, str],
    options: ReadOptions,
) -> PulseTable:
    """Build pulse trains: every row is a reading, rows with a width are pulses, and their sign splits the trains."""
    name = source.path.name
    width = value["Pulse width (s)"].fillna(0)
    is_pulse = width > 0
    resistance = value["Resistance"]
    rows = pd.DataFrame(
        {
            "device_id": device,
            "conductance_s": 1.0 / resistance.where(resistance != 0),
            "pulse_voltage_v": value["Amplitude (V)"].where(is_pulse),
            "pulse_width_s": width.where(is_pulse),
            "read_voltage_v": parse_numbers(frame["ReadVoltage"], name),
            "file_row": frame.index,
            "is_pulse": is_pulse,
        },
        index=frame.index,
    )
    for column in ("Tag", "ReadTag", *(c for c in frame if c not in COLUMNS)):
        rows[column] = parse_column(frame[column])
    parts = [
        _number_pulses(part)
        for _, part in rows.groupby("device_id", sort=False)
        if np.nan_to_num(part["pulse_voltage_v"]).any()
    ]
    if not parts:
        raise TableError(f"{name}: no pulse has an amplitude")
    kept = pd.concat(parts)
    warnings = [_UNIT, CodedWarning("split", f"{name}: direction and cycle from the sign of the pulses")]
    if len(kept) < len(rows):
        warnings.append(
            CodedWarning("dropped", f"{name}: {len(rows) - len(kept)} rows of devices without a pulse were dropped")
        )
    if options.absolute:
        kept["conductance_s"] = kept["conductance_s"].abs()
    table = build_pulse_table(kept.drop(columns="is_pulse").reset_index(drop=True), NAME, source, warnings)
    return PulseTable(table.frame, {**table.meta, **meta}, table.warnings)


def _number_pulses(part: pd.DataFrame) -> pd.DataFrame:
    direction, cycle = split_by_sign(part["pulse_voltage_v"].to_numpy(float))
    part = part.assign(direction=direction, cycle=cycle)
    count = part.groupby(["direction", "cycle"], sort=False)["is_pulse"].cumsum()
    first = part.groupby(["direction", "cycle"], sort=False)["pulse_width_s"].transform("first")
    return part.assign(pulse_index=count.astype("int64"), pulse_width_s=part["pulse_width_s"].fillna(first))
