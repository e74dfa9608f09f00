"""Long tables with our column names (or mapped to them): one row a pulse, or one row a sweep point."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.clean import split_by_reset, split_by_sign, split_sweeps, split_values
from devicekit.errors import BadRow, Flag, TableError, UsageError
from devicekit.names import DIRECTION_ALIASES, GLOSSARY, parse_unit
from devicekit.options import ReadOptions
from devicekit.readers import others
from devicekit.readers.finish import pulse_table
from devicekit.readers.header import unit_of
from devicekit.readers.source import Delimited, Source
from devicekit.readers.state import add_state, check_sign, check_unit
from devicekit.tables import PulseTable, SweepTable, Table

NAME = "long"
TITLE = "long table with devicekit's column names (see --map)"
STATE_COLUMNS = {
    "conductance_s": "conductance",
    "read_current_a": "current",
    "resistance_ohm": "resistance",
    "weight": "weight",
}
_COUNTS = {"cycle", "pulse_index", "point", "repeat"}
_TEXT = {"device_id", "direction", "level"}


def matches(source: Source) -> bool:
    names = set(source.header)
    pulses = names & {*STATE_COLUMNS, "pulse_index", "pulse_voltage_v"}
    if source.is_folder:
        return False
    if {"resistance_before_ohm", "resistance_after_ohm"} <= names:
        return True
    return (
        bool(pulses & set(STATE_COLUMNS))
        or {"voltage_v", "current_a"} <= names
        or others.kind(names) is not None
    )


def read(source: Source, options: ReadOptions) -> Table:
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
    if which := others.kind(set(frame.columns)):
        return others.read(which, frame, options, source)
    return pulse_trains(frame, options, source)


def pulse_trains(
    frame: pd.DataFrame, options: ReadOptions, source: Source, reader: str = NAME, flags: Iterable[Flag] = ()
) -> PulseTable:
    """Rows under our names, in the order of the pulses, as pulse trains; what is not named is split and flagged."""
    if "device_id" not in frame:
        frame["device_id"] = "device1"
    frame, state = _state(frame, options, source.path.name)
    frame, split = _trains(frame, source.path.name)
    return pulse_table(frame, reader, source, [*flags, *state, *split])


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
        raise UsageError(f"--map {unknown[0]}=...: no such column; there are value, {', '.join(GLOSSARY)}")
    missing = [theirs for theirs in options.columns.values() if theirs not in table.columns]
    if missing:
        raise UsageError(
            f"--map: {table.name} has no column {missing[0]!r}; it has {', '.join(table.columns)}"
        )
    renamed = {theirs: ours for ours, theirs in options.columns.items()}
    folded = {name.lower(): name for name in table.columns}
    for ours in GLOSSARY:
        if ours in folded and folded[ours] not in renamed and ours not in renamed.values():
            renamed[folded[ours]] = ours
    frame = {}
    for theirs in table.columns:
        ours = renamed.get(theirs, theirs)
        known = ours == "value" or (ours in GLOSSARY and ours not in _TEXT)
        whole = ours in _COUNTS and table.cells[theirs].dtype.kind == "i"  # no copy of a large table's counts
        if known and not whole:
            factor = _stated_factor(ours, theirs, options, table.name) if ours != theirs else 1.0
            frame[ours] = table.numbers(theirs) if factor == 1.0 else table.numbers(theirs) * factor
        else:
            frame[ours] = _plain(table.cells[theirs])
    return pd.DataFrame(frame, copy=False)


def _stated_factor(ours: str, theirs: str, options: ReadOptions, where: str) -> float:
    """Factor to SI by the unit that a mapped column's name states, unless the options apply it already."""
    if ours == "value" or ours in STATE_COLUMNS:
        unit = check_unit(theirs, options, where)
        wanted = STATE_COLUMNS.get(ours, options.stated_quantity)
    else:
        word = unit_of(theirs)[1]
        unit, expected = parse_unit(word) if word else None, parse_unit(GLOSSARY[ours].unit)
        wanted = expected.quantity if expected else None
    if unit is None or wanted is None:
        return 1.0
    if unit.quantity != wanted:
        raise UsageError(f"--map {ours}={theirs}: {where} gives it in a unit of {unit.quantity}, not of {wanted}")
    return 1.0 if options.unit and (ours == "value" or ours in STATE_COLUMNS) else unit.factor


def _before_and_after(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a pulse with the resistances around it, as two rows: pulse_index 0 and 1 of a train of its own."""
    frame = frame.rename(columns={"cycle": "cycle (file)"})
    frame["cycle"] = frame.groupby("device_id", sort=False).cumcount() + 1
    way = np.where(frame["resistance_after_ohm"] <= frame["resistance_before_ohm"], "ltp", "ltd")
    if "pulse_voltage_v" in frame:
        way = np.where(frame["pulse_voltage_v"] >= 0, "ltp", "ltd")
    rest = frame.drop(columns=["resistance_before_ohm", "resistance_after_ohm"]).assign(direction=way)
    parts = [
        rest.assign(pulse_index=float(k), resistance_ohm=frame[column])
        for k, column in enumerate(("resistance_before_ohm", "resistance_after_ohm"))
    ]
    return pd.concat(parts).sort_values("file_row", kind="stable").reset_index(drop=True)


def _plain(text: pd.Series) -> pd.Series:
    """A column of unknown role: numbers if every cell is one, else text."""
    if text.dtype.kind in "iuf":
        return text
    if isinstance(text.dtype, pd.CategoricalDtype):
        text = text.cat.rename_categories(lambda word: str(word).strip()).astype(str)
    numbers = pd.to_numeric(text, errors="coerce")
    return numbers if numbers.notna().all() else text


def _state(frame: pd.DataFrame, options: ReadOptions, name: str) -> tuple[pd.DataFrame, list[Flag]]:
    if "value" in frame:
        return add_state(frame, options, name)
    present = [column for column in STATE_COLUMNS if column in frame]
    if "conductance_s" in present and "weight" not in present:
        present = ["conductance_s"]  # currents and resistances beside it are kept as they are
    if len(present) == 1:
        (column,) = present
        quantity = STATE_COLUMNS[column]
        if options.stated_quantity not in (None, quantity):
            said = f"--unit {options.unit}" if options.unit else f"--quantity {options.quantity}"
            raise UsageError(
                f"{name}: column {column} is a {quantity}, but {said} says {options.stated_quantity}"
            )
        if quantity == "conductance":
            return check_sign(frame.assign(conductance_s=frame[column] * options.factor), options, name, [])
        if quantity == "weight":
            return frame, []
        return add_state(frame.rename(columns={column: "value"}), replace(options, quantity=quantity), name)
    raise TableError(
        f"{name}: needs one column that holds the state (conductance_s, read_current_a with a read voltage, "
        f"resistance_ohm or weight); found {' and '.join(present) or 'none'}. Map one with --map value=COLUMN"
    )


def _directions(frame: pd.DataFrame, name: str) -> pd.Series:
    codes, found = pd.factorize(frame["direction"].astype(str), use_na_sentinel=False)
    words = [str(word) for word in found]
    known = [DIRECTION_ALIASES.get(re.sub(r"^(-?1)\.0$", r"\1", word.strip().lower())) for word in words]
    if None in known:
        bad = [
            BadRow(int(frame["file_row"][at]), "direction", repr(words[code]), "ltp or ltd")
            for at, code in zip(frame.index, codes, strict=True)
            if known[code] is None
        ]
        raise TableError(f"{name}: unknown direction", bad)
    return pd.Series(np.array(known, object)[codes], frame.index, dtype=str)


def _whole(frame: pd.DataFrame, column: str, name: str) -> pd.Series:
    values = frame[column]
    if values.dtype.kind == "i":
        return values.astype("int64")
    wrong = values.isna() | (values != np.round(values)) | ~np.isfinite(values)
    if wrong.any():
        bad = [
            BadRow(int(frame["file_row"][at]), column, f"{values[at]:g}", "a whole number")
            for at in frame.index[wrong]
        ]
        raise TableError(
            f"{name}: {column} counts pulses or cycles, so it holds whole numbers, not times", bad
        )
    return values.astype("int64")


def _trains(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[Flag]]:
    """Direction, cycle and pulse index: from the file where it has them, split by devicekit where not."""
    flags: list[Flag] = []
    if "direction" in frame:
        frame = frame.assign(direction=_directions(frame, name))
    for column in ("cycle", "pulse_index"):
        if column in frame:
            frame = frame.assign(**{column: _whole(frame, column, name)})
    if {"direction", "cycle", "pulse_index"} <= set(frame):
        return frame, flags
    if "direction" not in frame and not frame["device_id"].duplicated().any():
        flags.append(Flag("split", f"{name}: one reading a device: each is a state before the first pulse"))
        return frame.assign(direction="ltp", cycle=1, pulse_index=0), flags
    parts = []
    for _, part in frame.groupby("device_id", sort=False):
        parts.append(_split_device(part, name, flags))
    return pd.concat(parts, ignore_index=True), list(dict.fromkeys(flags))


def _split_device(part: pd.DataFrame, name: str, flags: list[Flag]) -> pd.DataFrame:
    if "direction" not in part:
        if "pulse_voltage_v" in part and np.nan_to_num(part["pulse_voltage_v"]).any():
            way, cycle = split_by_sign(part["pulse_voltage_v"].to_numpy(float))
            flags.append(Flag("split", f"{name}: direction from the sign of the pulse voltage"))
            part = part.assign(direction=way, **({} if "cycle" in part else {"cycle": cycle}))
        else:
            column = "conductance_s" if "conductance_s" in part else "weight"
            split = split_values(part[column].to_numpy(float), name)
            flags.extend(split.flags)
            return part.assign(direction=split.direction, cycle=split.cycle, pulse_index=split.pulse_index)
    if "cycle" not in part:
        changes = (part["direction"] != part["direction"].shift()).cumsum()
        if "pulse_index" in part:
            resets = pd.Series(split_by_reset(part["pulse_index"].to_numpy()), part.index)
            changes = changes + resets
        train = changes.rank(method="dense").astype(int)
        first = ~train.duplicated()
        number = part[first].groupby("direction").cumcount() + 1
        part = part.assign(cycle=train.map(dict(zip(train[first], number, strict=True))))
        flags.append(
            Flag("split", f"{name}: cycles split where the direction changes or the pulse number restarts")
        )
    if "pulse_index" not in part:
        part = part.assign(pulse_index=part.groupby(["cycle", "direction"]).cumcount())
    return part


def _sweep(frame: pd.DataFrame, source: Source) -> SweepTable:
    flags = []
    frame["device_id"] = frame["device_id"].astype(str)
    if "cycle" not in frame:
        by_device = frame.groupby("device_id", sort=False)["voltage_v"]
        frame["cycle"] = by_device.transform(lambda v: split_sweeps(v.to_numpy(float))).astype("int64")
        flags.append(
            Flag("split", f"{source.path.name}: cycles split where the voltage leaves its first value again")
        )
    if "point" not in frame:
        frame["point"] = frame.groupby(["device_id", "cycle"], sort=False).cumcount()
    for column in ("cycle", "point"):
        frame[column] = _whole(frame, column, source.path.name)
    return SweepTable(frame, {"format": NAME, "source": source.path.name}, tuple(flags))
