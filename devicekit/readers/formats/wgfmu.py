"""Keysight B1530A WGFMU: application-test exports, and custom programs with a tab-separated head.

Application test: plain CSV `Time,MeasResult1_value,MeasResult2_value` (s, V, A). Custom program: lines
`key<TAB>value`, `Measurement parameters` with a row of names and one of values, `Measurement Data`, then a
CSV table such as `index, pulse amplitude (V), R_low (ohm), R_high (ohm)`.
"""

from __future__ import annotations

import csv
import re

import pandas as pd

from devicekit.core.errors import Choice, FileError
from devicekit.readers import transients
from devicekit.readers.cells import parse_column, parse_numbers, rows_below, split_segments, text_frame
from devicekit.readers.header import split_unit
from devicekit.readers.lexicon import means
from devicekit.readers.questions import ask
from devicekit.readers.records import Record, build_record_table, column_names
from devicekit.readers.signature import Signature
from devicekit.readers.source import Source
from devicekit.readers.state import OF_STATES, find_factor, to_conductance
from devicekit.system.options import ReadOptions
from devicekit.tables import EnduranceTable, PulseTable, RecordTable, SweepTable, TransientTable

NAME = "wgfmu"
TITLE = "Keysight B1530A WGFMU export"
TAKES = frozenset({"columns", "read_voltage", "absolute", "kind", "rows_per"})
KINDS = transients.KINDS | {"endurance"}
STATES_UNITS = True
FEW_AMPLITUDES = 4  # of set and reset pulses; more are a sweep
_APPLICATION = r'^\s*"?Time"?\s*,\s*"?MeasResult1_value'
_CUSTOM = re.compile(r"(?m)^\s*Measurement Data\s*$")
matches = Signature(head=re.compile(f"{_CUSTOM.pattern}|{_APPLICATION}"))


def read(
    source: Source, options: ReadOptions
) -> PulseTable | SweepTable | EnduranceTable | TransientTable | RecordTable:
    """Read a file in this format; see `devicekit.readers.Reader`."""
    in_time = options.kind == transients.KIND
    if _CUSTOM.search(source.head):
        return _read_custom(source, options)
    cells = [[cell.strip() for cell in next(csv.reader([line]), [])] for line in source.lines]
    start = next((k for k, row in enumerate(cells) if row and row[0].lower() == "time"), None)
    if start is None:
        raise FileError(f"{source.path.name} has no row of names that begins with Time")
    segments = split_segments(cells[start], rows_below(cells, start))
    if not segments:
        raise FileError(f"{source.path.name} has no rows below the names")
    known = {"time_s": "Time", "voltage_v": "MeasResult1_value", "current_a": "MeasResult2_value"}
    facts = {"instrument": "Keysight B1530A WGFMU"}
    records = [Record(text_frame(body, names), roles=known, meta=facts) for names, body in segments]
    if in_time:
        return transients.build_transient_table(records, options, NAME, source)
    transients.ask_kind(records, options, source)
    return build_record_table(records, options, NAME, source)


def _read_custom(source: Source, options: ReadOptions) -> PulseTable | SweepTable | EnduranceTable | RecordTable:
    lines = source.lines
    at = next(k for k, line in enumerate(lines) if line.strip() == "Measurement Data")
    meta = _read_head(lines[:at])
    rest = [
        (k, [cell.strip() for cell in line.split(",")])
        for k, line in enumerate(lines, 1)
        if k > at + 1 and line.strip()
    ]
    if len(rest) < 2:
        raise FileError(f"{source.path.name} has no rows below Measurement Data")
    frame = text_frame(rest[1:], rest[0][1])
    low = next((name for name in column_names(frame) if means("low resistance", name)), None)
    high = next((name for name in column_names(frame) if means("high resistance", name)), None)
    if low and high and not options.columns and options.kind in (None, "endurance"):
        _ask_if_swept(frame, low, high, source.path.name)
        return _build_endurance_table(frame, low, high, meta, source)
    units = {name: unit for name in column_names(frame) if (unit := split_unit(name)[1])}
    record = Record(frame, name=meta.get("Setup title", ""), device=meta.get("Device ID"), units=units, meta=meta)
    return build_record_table([record], options, NAME, source)


def _ask_if_swept(frame: pd.DataFrame, low: str, high: str, where: str) -> None:
    """Ask which of two resistances is the state if the amplitude changes from row to row, unlike in an endurance test.

    Raises
    ------
    QuestionError
    """
    swept = next(
        (name for name in column_names(frame) if "amplitude" in name.lower() and split_unit(name)[1] == "V"), None
    )
    if swept is None or parse_numbers(frame[swept], where).nunique() <= FEW_AMPLITUDES:
        return
    raise ask(
        where,
        f"the pulse amplitude changes from row to row: is {low} or {high} the state after the pulse?",
        tuple(
            Choice.of(f"{name} is read after each pulse", map={"resistance_ohm": name, "pulse_voltage_v": swept})
            for name in (low, high)
        ),
        (f"{parse_numbers(frame[swept], where).nunique()} amplitudes in {len(frame)} rows",),
    )


def _read_head(lines: list[str]) -> dict[str, str]:
    """Return the facts of the head: keys and values separated by tabs, and the rows of parameters as pairs."""
    meta = {"instrument": "Keysight B1530A WGFMU"}
    names: list[str] | None = None
    parameters = False
    for line in lines:
        key, tab, value = line.strip().partition("\t")
        if key.strip() == "Measurement parameters":
            parameters = True
        elif tab:
            meta[key.strip()] = value.strip()
        elif parameters and "," in line and names is None:
            names = [cell.strip() for cell in line.split(",")]
        elif names is not None and "," in line:
            meta.update(zip(names, (cell.strip() for cell in line.split(",")), strict=False))
    return meta


def _build_endurance_table(
    frame: pd.DataFrame, low: str, high: str, meta: dict[str, str], source: Source
) -> EnduranceTable:
    """Build a table with one row for each level; the first column counts the cycles; other columns are kept."""
    where = source.path.name
    others = {
        "pulse_voltage_v" if "amplitude" in name.lower() and split_unit(name)[1] == "V" else name: parse_column(
            frame[name]
        )
        for name in column_names(frame)
        if name not in (low, high)
    }
    first = parse_numbers(frame[frame.columns[0]], where)
    parts = []
    for level, column in (("lrs", low), ("hrs", high)):
        values = parse_numbers(frame[column], where) * find_factor(column, "resistance", ReadOptions(), where)
        parts.append(
            pd.DataFrame(
                {
                    **others,
                    "device_id": meta.get("Device ID") or "device1",
                    "cycle": _count_rows(first),
                    "level": level,
                    "conductance_s": to_conductance(values, "resistance", None, where),
                    "file_row": frame.index,
                },
                index=frame.index,
            )
        )
    whole = pd.concat(parts).sort_values("file_row", kind="stable").reset_index(drop=True)
    lead = ["device_id", "cycle", "level", "conductance_s"]
    whole = whole[[*lead, *(name for name in whole if name not in lead)]]
    unused = OF_STATES | {"rows_per"}
    return EnduranceTable(whole, {"format": NAME, "source": source.path.name, **meta, "unused": unused})


def _count_rows(first: pd.Series) -> pd.Series:
    whole = first.notna().all() and (first == first.round()).all()
    return first.astype("int64") if whole else pd.Series(range(1, len(first) + 1), first.index)
