"""Keysight EasyEXPERT text: header form (several records), data-only form, "single file" form, pasted sheets.

Header and data-only form: lines `key, value, value, ...`; the data are lines DataName and DataValue. A record
begins at SetupTitle, or at DataName without a header. Single-file form: `Setup title,<name>`, settings, then after the
AutoAnalysis lines one line of names and plain rows. In a spreadsheet, blocks of DataName/DataValue cells may be side by
side.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from devicekit.core.errors import FileError, UsageError
from devicekit.core.text import natural_number
from devicekit.readers import transients
from devicekit.readers.cells import EMPTY_WORDS, Row, is_number, split_segments, text_frame
from devicekit.readers.layouts.meanings import list_choices
from devicekit.readers.layouts.shape import extent
from devicekit.readers.lexicon import means
from devicekit.readers.questions import ask
from devicekit.readers.records import Record, build_record_table
from devicekit.readers.signature import Signature
from devicekit.readers.source import Source
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable, RecordTable, SweepTable, TransientTable

NAME = "easyexpert"
TITLE = "Keysight EasyEXPERT text export"
TAKES = frozenset({"columns", "read_voltage", "absolute", "columns_are", "kind", "rows_per"})
KINDS = transients.KINDS
STATES_UNITS = True
_HEADER_FORM = re.compile(r"^\s*(SetupTitle|DataName|DataValue)\s*[,\t]", re.MULTILINE)
_SINGLE_FORM = re.compile(r'^\s*"?Setup title"?\s*,', re.MULTILINE)
_MARKS = ("DataName", "DataValue")
matches = Signature(
    head=re.compile(f"{_HEADER_FORM.pattern}|{_SINGLE_FORM.pattern}", re.MULTILINE), cells=frozenset(_MARKS)
)


@dataclass
class _Raw:
    """Lines of a record: settings by key, names, data rows."""

    title: str = ""
    settings: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    is_side_by_side: bool = False
    device: str = ""

    def first(self, key: str) -> str:
        return next((value for value in self.settings.get(key, []) if value), "")


def read(source: Source, options: ReadOptions) -> PulseTable | SweepTable | TransientTable | RecordTable:
    """Read a file in this format; see `devicekit.readers.Reader`."""
    if source.workbook_kind:
        raws = [
            raw for sheet in source.sheets for raw in _read_sheet(sheet.name, sheet.rows, options, source.path.name)
        ]
    elif _SINGLE_FORM.search(source.head):
        raws = [
            replace(raw, names=names, rows=rows)
            for raw in _read_single_form(source.lines)
            for names, rows in split_segments(raw.names, raw.rows)
        ]
    else:
        raws = list(_read_header_form(source.lines))
    raws = [raw for raw in raws if raw.rows]
    meaning = options.meaning("columns")
    if meaning and not any(raw.is_side_by_side for raw in raws):
        raise UsageError(f"{source.path.name}: columns_are={meaning} needs blocks side by side. Remove it.")
    if not raws:
        raise FileError(f"{source.path.name}: this EasyEXPERT file has no DataValue rows")
    records = [_record(raw) for raw in raws]
    sampled = all("sampling" in raw.first("PrimitiveTest").lower() for raw in raws)
    if options.kind == transients.KIND or (
        sampled and options.kind is None and transients.is_pulsed(records, options, source)
    ):
        return transients.build_transient_table(records, options, NAME, source)
    return build_record_table(records, options, NAME, source)


def _read_header_form(lines: Sequence[str]) -> Iterator[_Raw]:
    raw = _Raw()
    for number, line in enumerate(lines, 1):
        key, _, rest = line.strip().partition(",")
        key = key.strip().strip('"')
        values = [cell.strip() for cell in rest.split(",")]
        begins = key == "SetupTitle" or (key == "DataName" and raw.names)
        if begins and (raw.names or raw.rows):
            yield raw
            raw = _Raw()
        if key == "SetupTitle":
            raw.title = rest.strip()
        elif key == "DataName":
            raw.names = values
        elif key == "DataValue":
            raw.rows.append((number, values))
        elif key in ("TestParameter", "MetaData", "AnalysisSetup"):
            name, *values = values
            raw.settings[name] = values
        elif key:
            raw.settings[key] = values
    yield raw


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True), [])]


def _is_data(cells: Sequence[str]) -> bool:
    return any(map(is_number, cells)) and all(is_number(c) or c.lower() in EMPTY_WORDS for c in cells)


def _read_single_form(lines: Sequence[str]) -> Iterator[_Raw]:
    """Yield the records; names are the last line of words above the rows of numbers, of as many cells as these."""
    raw, last = _Raw(), [""]
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        cells = _cells(line)
        if cells[0] == "Setup title":
            if raw.title:
                yield raw
            raw, last = _Raw(title=",".join(cells[1:])), [""]
        elif raw.rows:
            raw.rows.append((number, cells))
        elif _is_data(cells) or (is_number(cells[0]) and len(cells) == len(last)):
            fits = {len(last), extent(last)} & {len(cells), extent(cells)}
            if fits and not last[0].startswith("AutoAnalysis.") and not any(map(is_number, last)):
                raw.names = last
                raw.settings.pop(last[0])
            raw.rows.append((number, cells))
        else:
            raw.settings[cells[0]] = cells[1:]
            last = cells
    yield raw


def _read_sheet(sheet: str, rows: Sequence[Sequence[object]], options: ReadOptions, where: str) -> list[_Raw]:
    """Read the blocks of a sheet; for several, an option must say whether they are devices or cycles.

    Raises
    ------
    QuestionError
    """
    raws = [raw for raw in _read_pasted_blocks(rows, sheet) if raw.rows]
    if len(raws) < 2:
        return raws
    meaning = options.meaning("columns")
    if meaning not in ("devices", "cycles"):
        raise ask(
            where,
            f"sheet {sheet!r} has {len(raws)} blocks side by side: are they devices, or cycles of one device?",
            list_choices("columns", "block"),
            (f"blocks of {', '.join(str(len(raw.rows)) for raw in raws[:8])} rows",),
        )
    several = meaning == "devices"
    return [
        replace(raw, is_side_by_side=True, device=f"{sheet} block {k}" if several else "")
        for k, raw in enumerate(raws, 1)
    ]


def _read_pasted_blocks(rows: Sequence[Sequence[object]], sheet: str) -> Iterator[_Raw]:
    """Yield the side-by-side blocks of DataName/DataValue cells in a sheet."""
    starts = sorted({k for row in rows for k, cell in enumerate(row) if cell in _MARKS})
    for start, end in zip(starts, [*starts[1:], None], strict=False):
        raw = _Raw(title=sheet)
        for number, row in enumerate(rows, 1):
            mark = row[start] if start < len(row) else None
            cells = ["" if cell is None else str(cell).strip() for cell in row[start + 1 : end]]
            while cells and not cells[-1]:
                cells.pop()
            if mark == "DataName":
                raw.names = cells
            elif mark == "DataValue":
                raw.rows.append((number, cells))
        yield raw


def _record(raw: _Raw) -> Record:
    names = raw.names or [f"column {k + 1}" for k in range(max(len(row) for _, row in raw.rows))]
    while (
        names and not names[-1].strip() and all(len(row) < len(names) or not row[len(names) - 1] for _, row in raw.rows)
    ):
        names = names[:-1]  # from a comma at the end of every line
    columns = _add_stepped(raw, text_frame(raw.rows, names))
    compliance = raw.first("Measurement.Primary.Compliance")
    date = raw.first("TestRecord.RecordTime") or f"{raw.first('Test date')} {raw.first('Test time')}".strip()
    device = raw.device or raw.first("TestRecord.TestTarget") or raw.first("Device ID")
    settings = {key: values for key, values in raw.settings.items() if not key.startswith("Analysis.Setup.")}
    return Record(
        columns,
        name=raw.title,
        device=device or None,
        date=date or None,
        roles=_find_roles(raw, list(columns.columns)),
        units=_find_units(raw, list(columns.columns)),
        quantities=_find_quantities(raw),
        compliance=abs(float(compliance))
        if is_number(compliance) and float(compliance) and not _is_current_swept(raw)
        else None,
        points=_count_points(raw),
        run=_find_run(raw),
        summary="ApplicationTest" in raw.settings or raw.first("TestRecord.EntryPoint").lower() == "true",
        meta={"settings": settings, "instrument": raw.first("Context.MainFrame") or "Keysight EasyEXPERT"},
    )


def _find_run(raw: _Raw) -> str:
    """Return the link and the iteration that the steps of one Application Test share."""
    link = raw.first("TestRecord.LinkKey")
    return f"{link} {raw.first('TestRecord.IterationIndex')}" if link else ""


def _is_current_swept(raw: _Raw) -> bool:
    """Return whether a current is swept, so that the compliance is a voltage."""
    modes, functions = raw.settings.get("Channel.Mode", []), raw.settings.get("Channel.Func", [])
    return any(mode == "I" and what == "VAR1" for mode, what in zip(modes, functions, strict=False))


def _count_points(raw: _Raw) -> int | None:
    """Return the points of one sweep if VAR2 steps give several sweeps."""
    points, steps = (natural_number(raw.first(name)) or 0 for name in ("Dimension1", "Dimension2"))
    return points if points > 0 and steps > 1 and points * steps == len(raw.rows) else None


def _add_stepped(raw: _Raw, columns: pd.DataFrame) -> pd.DataFrame:
    """Add the voltage that is stepped between sweeps (VAR2), from its settings, where the rows do not hold it."""
    functions, names = raw.settings.get("Channel.Func", []), raw.settings.get("Channel.VName", [])
    own = [
        n
        for n, mode, what in zip(names, raw.settings.get("Channel.Mode", []), functions, strict=False)
        if (mode, what) == ("V", "VAR2")
    ]
    start, step = raw.first("Measurement.Secondary.Start"), raw.first("Measurement.Secondary.Step")
    points = _count_points(raw)
    if not points or len(own) != 1 or own[0] in columns or not (is_number(start) and is_number(step)):
        return columns
    numbers = np.arange(len(columns)) // points
    return columns.assign(**{own[0]: [f"{float(start) + k * float(step):.12g}" for k in numbers]})


def _find_roles(raw: _Raw, names: list[str]) -> dict[str, str]:
    """Return the user's names of voltage and current of the swept channel (VAR1), and of the time column."""
    functions = raw.settings.get("Channel.Func", [])
    swept = next((k for k, what in enumerate(functions) if what == "VAR1"), None)
    roles = {}
    if swept is not None:
        for ours, key in (("voltage_v", "Channel.VName"), ("current_a", "Channel.IName")):
            values = raw.settings.get(key, [])
            if swept < len(values) and values[swept] in names:
                roles[ours] = values[swept]
            else:  # not exported: the first such column in the file
                rest = [value for value in values if value in names]
                roles.update({ours: rest[0]} if rest and ours == "current_a" else {})
        drain = next(
            (n for n in raw.settings.get("Channel.IName", []) if n in names and means("drain current", n)), None
        )
        if drain and means("gate voltage", roles.get("voltage_v", "")):
            roles["current_a"] = drain  # a transfer curve: the gate is swept, the current is that of the drain
    time = raw.first("Channel.Time")
    if time in names:
        roles["time_s"] = time
    return roles


def _find_quantities(raw: _Raw) -> dict[str, str]:
    """Return the quantity of each column that the channels name, whatever the user calls it."""
    keys = (("voltage", "Channel.VName"), ("current", "Channel.IName"), ("time", "Channel.Time"))
    return {name: quantity for quantity, key in keys for name in raw.settings.get(key, []) if name}


def _find_units(raw: _Raw, names: list[str]) -> dict[str, str]:
    """Return the units of computed and plotted columns that the header gives."""
    units: dict[str, str] = {}
    for prefix in ("Function.User", "Analysis.Setup.Vector.Graph.XAxis", "Analysis.Setup.Vector.Graph.YAxis"):
        for name, unit in zip(
            raw.settings.get(f"{prefix}.Name", []), raw.settings.get(f"{prefix}.Unit", []), strict=False
        ):
            if name in names and unit:
                units.setdefault(name, unit)
    return units
