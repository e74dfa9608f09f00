"""Long tables with our column names (or mapped to them): one row a pulse, or one row a sweep point."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.errors import CodedWarning, TableError, UsageError
from devicekit.names import GLOSSARY, parse_unit
from devicekit.options import ReadOptions
from devicekit.readers import kinds
from devicekit.readers.cells import plain, whole
from devicekit.readers.header import quantity_of, stated_unit
from devicekit.readers.pulse_trains import pulse_trains
from devicekit.readers.source import Delimited, Source
from devicekit.readers.splitting import split_sweeps
from devicekit.readers.state import STATE_COLUMNS, check_unit
from devicekit.tables import SweepTable, Table

NAME = "long"
TITLE = "long table with devicekit's column names (see --map)"
TAKES = frozenset({"quantity", "read_voltage", "columns", "unit", "absolute"})
GENERAL = 1  # asked after the readers of more specific content
_COUNTS = {"cycle", "pulse_index", "point", "repeat"}
_TEXT = {"device_id", "direction", "level"}


def matches(source: Source) -> bool:
    """Whether the content is in this format."""
    names = set(source.header)
    pulses = names & {*STATE_COLUMNS, "pulse_index", "pulse_voltage_v"}
    if source.is_folder:
        return False
    if {"resistance_before_ohm", "resistance_after_ohm"} <= names:
        return True
    if {"direction", "pulse_index"} <= names and _state_by_unit(source.delimited.columns):
        return True
    return bool(pulses & set(STATE_COLUMNS)) or {"voltage_v", "current_a"} <= names or kinds.kind(names) is not None


def read(source: Source, options: ReadOptions) -> Table:
    """The table of a file in this format; see `devicekit.readers.Reader`."""
    table = _without_unit_row(source.delimited)
    frame = _named(table, options)
    if frame.empty:
        raise TableError(f"{source.path.name} has a header but no rows")
    frame["file_row"] = frame.index
    frame = frame.reset_index(drop=True)
    if "device_id" not in frame:
        frame["device_id"] = "device1"
    if {"resistance_before_ohm", "resistance_after_ohm"} <= set(frame):
        frame = _before_and_after(frame)
    if {"voltage_v", "current_a"} <= set(frame) and not set(STATE_COLUMNS) & set(frame):
        return _sweep(frame, source)
    if which := kinds.kind(set(frame.columns)):
        return kinds.read(which, frame, options, source)
    return pulse_trains(frame, options, source)


def _without_unit_row(table: Delimited) -> Delimited:
    """The table without a second header row, if that names the SI unit of our columns and nothing else.

    Such rows are written for plotting programs (`devicekit export --to csv`). Any other unit is left for the
    message about text where numbers belong: units are never guessed.
    """
    if table.cells.empty:
        return table
    first = {str(name).lower(): str(cell).strip() for name, cell in table.cells.iloc[0].items()}
    units = {name: cell for name, cell in first.items() if cell}
    counts = [name for name in ("pulse_index", "point", "cycle") if name in first]
    if not units or not counts or any(first[name] for name in counts):
        return table
    if any(name not in GLOSSARY or cell != (GLOSSARY[name].unit or "1") for name, cell in units.items()):
        return table
    return replace(table, cells=table.cells.iloc[1:])


def _named(table: Delimited, options: ReadOptions) -> pd.DataFrame:
    """Columns under our names, ours as numbers; the rest as they are."""
    unknown = [ours for ours in options.columns if ours not in GLOSSARY and ours != "value"]
    if unknown:
        raise UsageError(f"map={{{unknown[0]}: ...}}: no such column; there are value, {', '.join(GLOSSARY)}")
    missing = [theirs for theirs in options.columns.values() if theirs not in table.columns]
    if missing:
        raise UsageError(f"map: {table.name} has no column {missing[0]!r}; it has {', '.join(table.columns)}")
    renamed = {theirs: ours for ours, theirs in options.columns.items()}
    folded = {name.lower(): name for name in table.columns}
    for ours in GLOSSARY:
        if ours in folded and folded[ours] not in renamed and ours not in renamed.values():
            renamed[folded[ours]] = ours
    unnamed = {"direction", "pulse_index"} <= set(folded) and not {"value", *STATE_COLUMNS} & set(renamed.values())
    if unnamed and (state := _state_by_unit(list(table.columns))):
        renamed[state] = next(ours for ours, quantity in STATE_COLUMNS.items() if quantity == quantity_of(state))
    frame = {}
    for theirs in table.columns:
        ours = renamed.get(theirs, theirs)
        known = ours == "value" or (ours in GLOSSARY and ours not in _TEXT)
        whole = ours in _COUNTS and table.cells[theirs].dtype.kind == "i"  # no copy of a large table's counts
        if known and not whole:
            factor = _factor(ours, theirs, options, table.name) if ours != theirs else 1.0
            frame[ours] = table.numbers(theirs) if factor == 1.0 else table.numbers(theirs) * factor
        else:
            frame[ours] = plain(table.cells[theirs])
    return pd.DataFrame(frame, copy=False)


def _state_by_unit(columns: list[str]) -> str | None:
    """The one column that is in a unit of a state, or None."""
    found = [name for name in columns if quantity_of(name) in STATE_COLUMNS.values() and name.lower() not in GLOSSARY]
    return found[0] if len(found) == 1 else None


def _before_and_after(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a pulse with the resistances around it, as two rows: pulse_index 0 and 1 of a train of its own."""
    frame = frame.rename(columns={"cycle": "cycle (file)"})
    frame["cycle"] = frame.groupby("device_id", sort=False).cumcount() + 1
    direction = np.where(frame["resistance_after_ohm"] <= frame["resistance_before_ohm"], "ltp", "ltd")
    if "pulse_voltage_v" in frame:
        sign = np.sign(frame["pulse_voltage_v"].to_numpy(float))
        direction = np.where(sign > 0, "ltp", np.where(sign < 0, "ltd", direction))  # 0 V or none: by what was read
    rest = frame.drop(columns=["resistance_before_ohm", "resistance_after_ohm"]).assign(direction=direction)
    parts = [
        rest.assign(pulse_index=float(k), resistance_ohm=frame[column])
        for k, column in enumerate(("resistance_before_ohm", "resistance_after_ohm"))
    ]
    return pd.concat(parts).sort_values("file_row", kind="stable").reset_index(drop=True)


def _factor(ours: str, theirs: str, options: ReadOptions, where: str) -> float:
    """Factor to SI by the unit that a mapped column's name states, unless the options apply it already."""
    if ours == "value" or ours in STATE_COLUMNS:
        unit = check_unit(theirs, options, where)
        wanted = STATE_COLUMNS.get(ours, options.stated_quantity)
    else:
        unit, expected = stated_unit(theirs), parse_unit(GLOSSARY[ours].unit)
        wanted = expected.quantity if expected else None
    if unit is None or wanted is None:
        return 1.0
    if unit.quantity != wanted:
        raise UsageError(f"map={{{ours}: {theirs}}}: {where} gives it in a unit of {unit.quantity}, not of {wanted}")
    return 1.0 if options.unit and (ours == "value" or ours in STATE_COLUMNS) else unit.factor


def _sweep(frame: pd.DataFrame, source: Source) -> SweepTable:
    name = source.path.name
    warnings = []
    frame["device_id"] = frame["device_id"].astype(str)
    if "cycle" not in frame:
        by_device = frame.groupby("device_id", sort=False)["voltage_v"]
        frame["cycle"] = by_device.transform(lambda v: split_sweeps(v.to_numpy(float))).astype("int64")
        warnings.append(CodedWarning("split", f"{name}: cycles split where the voltage leaves its first value again"))
    if "point" not in frame:
        frame["point"] = frame.groupby(["device_id", "cycle"], sort=False).cumcount()
    for column in ("cycle", "point"):
        frame[column] = whole(frame, column, name)
    return SweepTable(frame, {"format": NAME, "source": name}, tuple(warnings))
