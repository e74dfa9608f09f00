"""Keithley SMU buffers: the ACS/automation dialect, TSP buffers, and KickStart CSV.

ACS: `Item,Smu1.Time[1][1],Smu1.V[1][1],Smu1.I[1][1],...`, several buffers side by side, also in a sheet. TSP: a row of
names with voltage, current, time and status. KickStart: a block of settings with leading dots, a row of names with
Index, then rows, then summary rows (Min, Max, ...), which are not data.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

import pandas as pd

from devicekit.core.errors import CodedWarning, FileError
from devicekit.readers import transients
from devicekit.readers.cells import Row, is_number, rows_below, split_segments, text_frame
from devicekit.readers.records import Record, column_names
from devicekit.readers.signature import Signature
from devicekit.readers.source import Source
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable, RecordTable, SweepTable, TransientTable

NAME = "smu"
TITLE = "Keithley SMU buffer (ACS, TSP) or KickStart CSV"
TAKES = frozenset({"columns", "read_voltage", "absolute", "kind", "rows_per"})
KINDS = transients.KINDS
STATES_UNITS = True
_ACS = re.compile(r"\bSmu(\d+)\.(\w+)\[(\d+)\]\[(\d+)\]", re.IGNORECASE)
# two or more settings with leading dots, and a row of names that begins with Index
_KICKSTART = re.compile(r'(?ms)\A(?=.*^"?Index"?\s*[,;\t])(?:.*?^\s*"?\.+[A-Za-z]){2}')
# a row of names of TSP buffers only: a status, and a voltage, a current or a reading
_TSP_WORD = (
    r"voltage|current|resistance|power|readings|sourcevalues|(?:relative )?time(?:stamps?)?|t|v|i|r|stat(?:us)?|index"
)
_TSP = re.compile(
    rf'(?i)(?=(?:\s*"?(?:{_TSP_WORD})?"?\s*(?:[,;\t]|$))+$)'
    r'(?=(?:.*[,;\t"])?\s*stat(?:us)?\s*(?:[",;\t]|$))'
    r'(?=(?:.*[,;\t])?\s*"?(?:v|i|voltage|current|readings|sourcevalues)"?\s*(?:[,;\t]|$))'
)
_SUMMARY = {"min", "max", "mean", "stddev", "std dev", "cv", "range", "average", "median"}
_UNITS = {"v": "V", "i": "A", "r": "ohm", "time": "s"}
_HEAD = re.compile(f"(?i:{_ACS.pattern})|(?ms:{_KICKSTART.pattern.removeprefix('(?ms)')})")
matches = Signature(head=_HEAD, first=_TSP, in_sheets=True)


def read(source: Source, options: ReadOptions) -> PulseTable | SweepTable | TransientTable | RecordTable:
    """Read a file in this format; see `devicekit.readers.Reader`."""
    if source.workbook_kind:
        records = [r for sheet in source.sheets for r in _read_acs(_split_cells(sheet.text().split("\n")), sheet.name)]
        return _build_table(records, [], options, source)
    if _KICKSTART.search(source.head):
        record, warnings = _read_kickstart(source)
        return _build_table([record], warnings, options, source)
    cells = _split_cells(source.lines)
    if _ACS.search(source.head):
        return _build_table(_read_acs(cells, ""), [], options, source)
    return _build_table(_read_tsp(cells), [], options, source)


def _build_table(
    records: list[Record], warnings: list[CodedWarning], options: ReadOptions, source: Source
) -> PulseTable | SweepTable | TransientTable | RecordTable:
    if not records:
        raise FileError(f"{source.path.name} has no buffer with readings")
    return transients.build_table(records, options, NAME, source, warnings)


def _split_cells(lines: Sequence[str]) -> list[list[str]]:
    head = "\n".join(lines[:20])
    delimiter = max(",;\t", key=head.count)
    limit = csv.field_size_limit(1 << 20)
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)]
    except csv.Error as error:
        raise FileError(f"The buffer is not delimited text: {error}") from error
    finally:
        csv.field_size_limit(limit)


def _find_name_row(cells: Sequence[Sequence[str]]) -> int:
    return next((k for k, row in enumerate(cells) if any(row)), 0)


def _read_acs(cells: list[list[str]], sheet: str) -> list[Record]:
    """Return one record for each buffer: the columns of the same Smu and indices."""
    start = next((k for k, row in enumerate(cells) if any(_ACS.search(cell) for cell in row)), None)
    if start is None:
        return []
    names = cells[start]
    groups: dict[tuple[str, str, str], list[int]] = {}
    others: list[int] = []
    for k, name in enumerate(names):
        found = _ACS.search(name)
        if found:
            groups.setdefault((found[1], found[3], found[4]), []).append(k)
        elif name:
            others.append(k)
    records = []
    for (smu, *indices), columns in groups.items():
        item = max((k for k in others if k < columns[0]), default=None)
        wanted = [*([] if item is None else [item]), *columns]
        below = rows_below(cells, start)
        body = [(number, [row[k] if k < len(row) else "" for k in wanted]) for number, row in below]
        body = [(number, row) for number, row in body if any(row[1 if item is not None else 0 :])]
        if body:
            frame = text_frame(body, [names[k] for k in wanted])
            records.append(_build_acs_record(frame, f"{sheet} Smu{smu}[{']['.join(indices)}]".strip()))
    return records


def _build_acs_record(frame: pd.DataFrame, name: str) -> Record:
    kinds = {column: found[2].lower() for column in frame.columns if (found := _ACS.search(column))}
    ours_of = {"v": "voltage_v", "i": "current_a", "time": "time_s"}
    roles = {ours_of[kind]: column for column, kind in kinds.items() if kind in ours_of}
    units = {column: _UNITS[kind] for column, kind in kinds.items() if kind in _UNITS}
    return Record(frame, name=name, roles=roles, units=units, meta={"instrument": "Keithley SMU"})


def _read_tsp(cells: list[list[str]]) -> list[Record]:
    start = _find_name_row(cells)
    segments = split_segments(cells[start] if cells else [], rows_below(cells, start))
    return [_build_tsp_record(names, body) for names, body in segments]


def _build_tsp_record(names: list[str], body: list[Row]) -> Record:
    width = max(len(row) for _, row in body)
    names = [*names, *[""] * (width - len(names))] if width > len(names) else names
    frame = text_frame(body, names)
    blank = [name for name in column_names(frame) if name.startswith("column ") and (frame[name] == "").all()]
    frame = frame.drop(columns=blank)
    lower = {name.lower(): name for name in column_names(frame)}
    words = (("voltage_v", "sourcevalues"), ("current_a", "readings"), ("time_s", "relative time"))
    roles = {ours: lower[word] for ours, word in words if word in lower}
    return Record(frame, roles=roles, meta={"instrument": "Keithley SMU"})


def _read_kickstart(source: Source) -> tuple[Record, list[CodedWarning]]:
    cells = _split_cells(source.lines)
    start = next((k for k, row in enumerate(cells) if row and row[0].lower() == "index"), None)
    if start is None:
        raise FileError(f"{source.path.name} has no row of names that begins with Index")
    settings = {row[0].lstrip("."): ", ".join(row[1:]).strip(", ") for row in cells[:start] if row and row[0]}
    below = rows_below(cells, start)
    summary = [row for _, row in below if row[0].lower().rstrip(":") in _SUMMARY]
    body = [(number, row) for number, row in below if row[0].lower().rstrip(":") not in _SUMMARY]
    names = cells[start]
    while names and not names[-1]:
        names = names[:-1]
    frame = text_frame(body, names)
    words = f"{source.path.name}: {len(summary)} summary rows dropped ({', '.join(row[0] for row in summary)})"
    warnings = [CodedWarning("dropped", words)] if summary else []
    limit = settings.get("Limit", "")
    return Record(
        frame,
        name=settings.get("Channel", ""),
        compliance=abs(float(limit)) if is_number(limit) and float(limit) != 0 else None,
        meta={"settings": settings, "instrument": "Keithley KickStart", "summary": summary},
    ), warnings
