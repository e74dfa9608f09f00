"""Keithley 4200 and 4200A .xls exports (KTEI and Clarius): data sheets, an empty Calc sheet, Settings.

Stepped sweeps are side by side as DrainI(1) DrainV(1) DrainI(2) ...; each step is one record.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from devicekit.core.errors import CodedWarning, FileError
from devicekit.readers import transients
from devicekit.readers.cells import is_number, rows_below, text_frame
from devicekit.readers.records import Record
from devicekit.readers.signature import Signature
from devicekit.readers.source import Source
from devicekit.readers.workbook import Cell, Sheet
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable, RecordTable, SweepTable, TransientTable

NAME = "keithley4200"
TITLE = "Keithley 4200 workbook (.xls with a Settings sheet)"
TAKES = frozenset({"columns", "read_voltage", "absolute", "kind", "rows_per"})
KINDS = transients.KINDS
STATES_UNITS = True
_STEP = re.compile(r"^(.*)\((\d+)\)$")
_KEYS = frozenset({"Test Name", "KTEI Version", "Clarius+ Version", "Clarius Version", "Device Terminal"})
_NOT_DATA = ("settings", "calc")
_DATA = ("data", "append", "run")
_SIGNATURE = Signature(sheet="settings", keys=_KEYS)
_RUN = re.compile(r"(?i)run ?(\d+)")


def matches(source: Source) -> bool:
    """Return whether a source is a workbook of KTEI or Clarius, by its Settings or by sheets Run1, ... and Settings."""
    if _SIGNATURE(source) or not source.workbook_kind:
        return _SIGNATURE(source)
    names = [sheet.name.strip().lower() for sheet in source.sheets]
    return "settings" in names and any(map(_RUN.fullmatch, names))


@dataclass
class _Settings:
    """Settings of one run: single values, and the table with one column for each terminal."""

    values: dict[str, str] = field(default_factory=dict)
    terminals: dict[str, list[str]] = field(default_factory=dict)

    def find_swept(self) -> int | None:
        modes = [m.lower() for m in self._values_of("Forcing Function", "Operation Mode")]
        steps = [k for k, mode in enumerate(modes) if "sweep" in mode]
        return steps[0] if steps else None

    def _values_of(self, *keys: str) -> list[str]:
        return next((self.terminals[key] for key in keys if key in self.terminals), [])

    def find_measured(self) -> int | None:
        """Return the place of the terminal whose current is measured: the drain of a swept gate, else the swept one."""
        terminals = [each.lower() for each in self.terminals.get("Device Terminal", [])]
        swept = self.find_swept()
        gate = swept is not None and swept < len(terminals) and terminals[swept] == "gate" and "drain" in terminals
        return terminals.index("drain") if gate else swept

    def find_bias(self) -> float | None:
        """Return the constant voltage of the drain [V] while the gate is swept; None if it is not stated."""
        at = self.find_measured()
        mode, level = (self._value_at(at, *keys) for keys in (("Forcing Function", "Operation Mode"), ("Start/Level",)))
        constant = at != self.find_swept() and "voltage bias" in mode.lower() and is_number(level)
        return float(level) if constant else None

    def _value_at(self, position: int | None, *keys: str) -> str:
        values = self._values_of(*keys)
        return values[position] if position is not None and position < len(values) else ""

    def value_of_swept(self, key: str) -> str:
        return self._value_at(self.find_swept(), key)

    @property
    def compliance(self) -> float | None:
        """Current limit of the terminal whose current is measured [A]."""
        word = self._value_at(self.find_measured(), "Compliance")
        return abs(float(word)) or None if is_number(word) else None


def _settings_sheet(source: Source) -> Sheet | None:
    if not source.workbook_kind:
        return None
    return next((sheet for sheet in source.sheets if sheet.name.strip().lower() == "settings"), None)


def read(source: Source, options: ReadOptions) -> PulseTable | SweepTable | TransientTable | RecordTable:
    """Read a file in this format; see `devicekit.readers.Reader`."""
    sheet = _settings_sheet(source)
    if sheet is None:
        raise FileError(f"{source.path.name} has no Settings sheet and is not a Keithley 4200 workbook")
    runs = _read_settings(sheet.rows)
    records = []
    candidates = [data for data in source.sheets if data.name.strip().lower() not in _NOT_DATA]
    named = [d for d in candidates if d.name.strip() in runs or d.name.strip().lower().startswith(_DATA)]
    left = [data.name for data in candidates if named and data not in named]
    warnings = [CodedWarning("sheets", f"{source.path.name}: sheets not read: {', '.join(left)}")] if left else []
    data_sheets = list(named or candidates)
    if all(_RUN.fullmatch(data.name.strip()) for data in data_sheets):  # the newest is first
        data_sheets.sort(key=lambda data: int(_RUN.fullmatch(data.name.strip())[1]))  # type: ignore[index]
    for data in data_sheets:
        settings = runs.get(data.name.strip()) or next(iter(runs.values()))
        records.extend(_read_records(data, settings))
    if not records:
        raise FileError(f"{source.path.name} holds no data sheet with rows")
    return transients.build_table(records, options, NAME, source, warnings)


def _read_settings(rows: Sequence[Sequence[Cell]]) -> dict[str, _Settings]:
    """Return settings by run name; Clarius stacks runs as `=====`, name, `=====`, KTEI has one without a name."""
    runs: dict[str, _Settings] = {"": _Settings()}
    current = runs[""]
    ruled, table = False, False
    for row in rows:
        words = ["" if cell is None else str(cell).strip() for cell in row]
        key = words[0] if words else ""
        if key and set(key) == {"="}:
            ruled = not ruled
            continue
        if ruled:
            current = runs.setdefault(key, _Settings())
            table = False
            continue
        if key == "Device Terminal":
            table = True
        elif not key or key == "Formulas":
            table = False
        if key and table:
            current.terminals[key] = words[1:]
        elif key:
            current.values[key] = ", ".join(word for word in words[1:] if word)
    named = {name: run for name, run in runs.items() if run.values or run.terminals}
    return named or runs


def _read_records(sheet: Sheet, settings: _Settings) -> list[Record]:
    rows = [
        ["" if cell is None else (repr(cell) if isinstance(cell, float) else str(cell)) for cell in row]
        for row in sheet.rows
    ]
    start = next((k for k, row in enumerate(rows) if row), None)
    if start is None or len(rows) < start + 2:
        return []
    names = rows[start]
    width = max(len(row) for row in rows)
    names = [*names, *[""] * (width - len(names))]
    frame = text_frame(rows_below(rows, start), names)
    steps = [_STEP.match(name) for name in frame.columns]
    if not any(steps):
        return [_build_record(frame, sheet.name, settings)]
    shared = [name for name, step in zip(frame.columns, steps, strict=True) if step is None]
    found = []
    for number in dict.fromkeys(step[2] for step in steps if step):
        columns = {step[0]: step[1] for step in steps if step and step[2] == number}
        part = frame[[*columns, *shared]].rename(columns=columns)
        found.append(
            _build_record(
                part[(part[list(columns.values())] != "").any(axis=1)], f"{sheet.name}, step {number}", settings
            )
        )
    return found


def _build_record(frame: object, name: str, settings: _Settings) -> Record:
    import pandas as pd

    assert isinstance(frame, pd.DataFrame)
    return Record(
        frame,
        name=settings.values.get("Test Name") or name,
        device=None,
        date=settings.values.get("Last Executed"),
        roles=_find_roles(settings, [str(column) for column in frame.columns]),
        third=settings.find_bias(),
        compliance=settings.compliance,
        meta={
            "sheet": name,
            "settings": {**settings.values, **settings.terminals},
            "instrument": "Keithley 4200",
        },
    )


def _find_roles(settings: _Settings, names: list[str]) -> dict[str, str]:
    """Return voltage and current of the swept terminal; for a swept gate, the current of the drain."""
    position = settings.find_swept()
    terminals = settings.terminals.get("Device Terminal", [])
    if position is None or position >= len(terminals):
        return {}
    swept = terminals[position]
    source_of_current = "Drain" if swept.lower() == "gate" and "DrainI" in names else swept
    wanted = {"third_voltage_v": "DrainV"} if source_of_current != swept else {}
    wanted |= {"voltage_v": f"{swept}V", "current_a": f"{source_of_current}I", "time_s": "Time"}
    name = settings.value_of_swept("Name")
    if name in names:
        wanted["voltage_v"] = name
    return {ours: theirs for ours, theirs in wanted.items() if theirs in names}
