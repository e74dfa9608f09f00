"""Tables whose names carry units (`V (V), I (uA)`) and wide tables: one column a device, a cycle or a level.

With units in the names: voltage and current columns give sweeps, HRS and LRS columns endurance, a time column
with conductances or resistances retention. Else every column is a train of readings, and --quantity says of what.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.errors import CodedWarning, TableError, UsageError
from devicekit.names import parse_unit
from devicekit.options import ReadOptions
from devicekit.readers import kinds
from devicekit.readers.cells import plain
from devicekit.readers.header import cycle_of, names_device, names_quantity, quantity_of, stated_unit, unit_of
from devicekit.readers.pulse_trains import pulse_table
from devicekit.readers.records import Record, record_table
from devicekit.readers.source import Delimited, Source
from devicekit.readers.splitting import split_values
from devicekit.readers.state import add_state, check_unit, conductance, factor
from devicekit.tables import Table

NAME = "table"
TITLE = "table with units in its header, or wide table (one column a device or a cycle)"
TAKES = frozenset({"quantity", "read_voltage", "unit", "absolute"})
GENERAL = 3
_SI = {"voltage_v": "V", "current_a": "A", "time_s": "s"}
_STATE_QUANTITIES = {"conductance", "resistance", "current"}
_LEVEL = re.compile(r"(?i)^r?[_ ]?(lrs|hrs|low|high|on|off)\b")
_DELAY = re.compile(r"(?i)^(Δ ?t|dt|delta[ _]?t|spike.*(delay|timing)|delay|timing)$")
_CHANGE = re.compile(r"(?i)^(Δ ?[wg]|d[wg]|delta[ _]?[wg]|weight.*change|change.*weight)\b")
_COUNTER = re.compile(r"(?i)^(pulse|cycle|index|n|no|number|#|point|x)\W*(number|index|no|#)?\W*$")
_DEVICE = re.compile(r"(?i)^(device([_ ]?(id|name))?|cell|address|sample|dut)$")


def matches(source: Source) -> bool:
    """Whether the content is in this format."""
    if source.is_folder:
        return False
    table = source.delimited
    return len(table.columns) > 2 or (len(table.columns) == 2 and _has_roles(table))


def _has_roles(table: Delimited) -> bool:
    return table.header is not None and any(names_quantity(name) for name in table.columns)


def read(source: Source, options: ReadOptions) -> Table:
    """The table of a file in this format; see `devicekit.readers.Reader`."""
    table = source.delimited
    by: dict[str | None, list[str]] = {}
    if table.header is not None:
        for name in table.columns:
            by.setdefault(names_quantity(name), []).append(name)
    warnings = _about_sheets(source)
    if by.get("voltage") and by.get("current"):
        return _sweeps(table, by["voltage"], by["current"], options, source, warnings)
    levels = [name for name in table.columns if _LEVEL.match(name)] if table.header is not None else []
    if window := _stdp_columns(table):
        return _stdp(table, *window, source, warnings)
    states = [*by.get("conductance", []), *by.get("resistance", []), *by.get("current", [])]
    counted = any(_COUNTER.match(unit_of(name)[0]) for name in table.columns)
    if by.get("time") and not states and options.stated_quantity in _STATE_QUANTITIES:
        states = [name for name in table.columns if names_quantity(name) is None and not _DEVICE.match(name)]
    if by.get("time") and states and not counted:
        return _retention(table, by["time"][0], states, source, options, warnings)
    if len(levels) >= 2:
        return _endurance(table, levels, options, source, warnings)
    return _trains(table, options, source, warnings)


def _about_sheets(source: Source) -> list[CodedWarning]:
    rest = [sheet.name for sheet in source.sheets[1:]] if source.workbook_kind else []
    if not rest:
        return []
    return [
        CodedWarning("sheets", f"{source.path.name}: read sheet {source.sheets[0].name}; left out {', '.join(rest)}")
    ]


def _sweeps(
    table: Delimited,
    volts: list[str],
    amps: list[str],
    options: ReadOptions,
    source: Source,
    warnings: list[CodedWarning],
) -> Table:
    """One sweep a current column; its voltage is the column of the same rank, or the only one."""
    where = source.path.name
    if len(volts) not in (1, len(amps)):
        raise TableError(
            f"{where}: {len(volts)} voltage columns and {len(amps)} current columns do not pair; say with map="
        )
    factors = {
        name: factor(name, "voltage" if name in volts else "current", options, where) for name in (*volts, *amps)
    }
    if bare := [name for name in volts if unit_of(name)[1] is None]:
        warnings.append(CodedWarning("assumed_unit", f"{where}: column {', '.join(bare)} taken in volts"))
    rest = [name for name in table.columns if name not in volts and name not in amps]
    time = next((name for name in rest if quantity_of(name) == "time"), None)
    device = next((name for name in rest if _DEVICE.match(name)), None)
    cycle = next((name for name in rest if name.lower() in ("cycle", "cycles", "sweep", "run")), None)
    records = []
    for k, name in enumerate(amps):
        volt = volts[k] if len(volts) > 1 else volts[0]
        frame = pd.DataFrame(
            {
                "voltage_v": table.numbers(volt) * factors[volt],
                "current_a": table.numbers(name) * factors[name],
            }
        )
        if time:
            frame["time_s"] = table.numbers(time) * parse_unit(unit_of(time)[1] or "s").factor  # type: ignore[union-attr]
        for other in rest:
            if other not in (time, device, cycle):
                frame[other] = plain(table.cells[other])
        known = {column: column for column in ("voltage_v", "current_a", "time_s") if column in frame}
        frame = frame[frame["voltage_v"].notna() | frame["current_a"].notna()] if len(amps) > 1 else frame
        keys = [table.cells[key].loc[frame.index] for key in (device, cycle) if key]
        groups = frame.groupby(keys, sort=False) if keys else [((), frame)]
        for key, part in groups:
            named = (
                str(key[0]).strip() if device else (unit_of(name)[0] if len(amps) > 1 and names_device(name) else None)
            )
            records.append(
                Record(
                    part,
                    name=name,
                    device=named,
                    roles=known,
                    units=_SI,
                )
            )
    pairs = ", ".join(f"{name} against {volts[k] if len(volts) > 1 else volts[0]}" for k, name in enumerate(amps))
    warnings.append(CodedWarning("columns", f"{where}: sweeps of {pairs}"))
    return record_table(records, options, NAME, source, warnings)


def _endurance(
    table: Delimited, levels: list[str], options: ReadOptions, source: Source, warnings: list[CodedWarning]
) -> Table:
    where = source.path.name
    counter = next((name for name in table.columns if _COUNTER.match(unit_of(name)[0])), None)
    device = next((name for name in table.columns if _DEVICE.match(name)), None)
    frame_rows = table.cells.index
    parts = []
    for name in levels:
        found = _LEVEL.match(name)
        assert found is not None
        quantity = quantity_of(name) or options.stated_quantity or "resistance"
        kinds.check_words([found[1]], quantity, where)
        values = table.numbers(name) * factor(name, quantity, options, where)
        values = conductance(values, quantity, options.read_voltage if quantity == "current" else None, where)
        part = pd.DataFrame(
            {
                "device_id": table.cells[device] if device else "device1",
                "cycle": table.numbers(counter) if counter else np.arange(1, len(values) + 1),
                "level": found[1].lower(),
                "conductance_s": values.to_numpy(),
                "file_row": frame_rows,
            },
            index=frame_rows,
        )
        for other in table.columns:
            if other not in (counter, device, *levels):
                part[other] = plain(table.cells[other])
        parts.append(part)
    whole = pd.concat(parts).sort_values("file_row", kind="stable").reset_index(drop=True)
    result = kinds.read("endurance", whole, _in_si(options), source, tuple(warnings), settled=True)
    return type(result)(result.frame, {**result.meta, "format": NAME}, result.warnings)


def _retention(
    table: Delimited,
    time: str,
    states: list[str],
    source: Source,
    options: ReadOptions,
    warnings: list[CodedWarning],
) -> Table:
    seconds = table.numbers(time) * parse_unit(unit_of(time)[1] or "s").factor  # type: ignore[union-attr]
    parts = []
    for name in states:
        quantity = quantity_of(name) or options.stated_quantity or ""
        values = table.numbers(name) * factor(name, quantity, options, source.path.name)
        voltage = options.read_voltage if quantity == "current" else None
        values = conductance(values, quantity, voltage, source.path.name)
        part = pd.DataFrame(
            {
                "device_id": "device1",
                "level": unit_of(name)[0],
                "time_s": seconds,
                "conductance_s": values,
                "file_row": values.index,
            }
        )
        for other in table.columns:
            if other != time and other not in states:
                part[other] = plain(table.cells[other])
        parts.append(part[part["conductance_s"].notna() & part["time_s"].notna()])
    whole = pd.concat(parts).reset_index(drop=True)
    result = kinds.read("retention", whole, _in_si(options), source, tuple(warnings))
    return type(result)(result.frame, {**result.meta, "format": NAME}, result.warnings)


def _in_si(options: ReadOptions) -> ReadOptions:
    """What is left to do once the states are conductances in S."""
    return ReadOptions(read_voltage=options.read_voltage, absolute=options.absolute)


def _stdp_columns(table: Delimited) -> tuple[str, str] | None:
    """Columns of spike delay (a time, by its unit) and weight change, if the table is an STDP window."""
    if table.header is None:
        return None
    bare = {name: unit_of(name)[0] for name in table.columns}
    delay = next((n for n in table.columns if _DELAY.match(bare[n]) and quantity_of(n) == "time"), None)
    change = next((n for n in table.columns if _CHANGE.match(bare[n])), None)
    return (delay, change) if delay and change else None


def _stdp(table: Delimited, delay: str, change: str, source: Source, warnings: list[CodedWarning]) -> Table:
    unit = parse_unit(unit_of(delay)[1] or "s")
    assert unit is not None
    percent = 0.01 if "%" in change else 1.0
    device = next((name for name in table.columns if _DEVICE.match(name)), None)
    frame = pd.DataFrame(
        {
            "device_id": table.cells[device] if device else "device1",
            "spike_delay_s": table.numbers(delay) * unit.factor,
            "weight_change": table.numbers(change) * percent,
            "file_row": table.cells.index,
        }
    )
    for other in table.columns:
        if other not in (delay, change, device):
            frame[other] = plain(table.cells[other])
    taken = CodedWarning(
        "columns",
        f"{source.path.name}: took {delay} as spike_delay_s (post minus pre), {change} as weight_change",
    )
    result = kinds.read("stdp", frame.reset_index(drop=True), ReadOptions(), source, (*warnings, taken))
    return type(result)(result.frame, {**result.meta, "format": NAME}, result.warnings)


def _trains(table: Delimited, options: ReadOptions, source: Source, warnings: list[CodedWarning]) -> Table:
    """Every column a train of readings: of a device, or of a cycle of one device."""
    where = source.path.name
    if len(table.columns) < 2:
        raise TableError(f"{where} has one column; a wide table has one a device or a cycle")
    columns = list(table.columns)
    if options.stated_quantity is None and not _STATE_QUANTITIES & {quantity_of(name) for name in columns}:
        raise UsageError(
            f"{where} does not say what its {len(columns)} columns ({', '.join(columns[:8])}) are: pass quantity="
            "conductance, current (with read_voltage=), resistance or weight if each holds readings; or name them "
            "with map={NAME: COLUMN}"
        )
    counter = columns[0] if _is_counter(table, columns[0]) else None
    trains = [name for name in columns if name != counter]
    options = _settle_units(trains, options, where)
    devices = all(names_device(name) for name in trains) and table.header is not None
    frames = []
    for position, name in enumerate(trains, 1):
        values = table.numbers(name)
        last = values.last_valid_index()
        if last is None:
            continue
        values = values.loc[:last]
        split = split_values(values.to_numpy(), where)
        number = position if (named := cycle_of(name)) is None else named
        frames.append(
            pd.DataFrame(
                {
                    "device_id": unit_of(name)[0] if devices else "device1",
                    "cycle": split.cycle
                    if devices
                    else number * 1000 + split.cycle
                    if split.cycle.max() > 1
                    else number,
                    "direction": split.direction,
                    "pulse_index": split.pulse_index,
                    "value": values.to_numpy() * (unit.factor if (unit := stated_unit(name)) else 1.0),
                    "file_row": values.index,
                }
            )
        )
    if not frames:
        raise TableError(f"{where}: no column holds a number")
    what = "device" if devices else "cycle of one device"
    warnings = [
        *warnings,
        CodedWarning("columns", f"{where}: each of {len(frames)} columns taken as one {what}"),
        CodedWarning("split", f"{where}: directions by the turning points of each column"),
    ]
    frame, more = add_state(pd.concat(frames, ignore_index=True), options, where)
    return pulse_table(frame, NAME, source, [*warnings, *more])


def _settle_units(trains: list[str], options: ReadOptions, where: str) -> ReadOptions:
    """The options with what the columns' names state; refuses names that contradict each other or the options."""
    stated = {name: quantity_of(name) for name in trains}
    if not any(stated.values()):
        return options
    if len(set(stated.values())) > 1:
        facts = ", ".join(f"{name} ({quantity or 'no unit'})" for name, quantity in stated.items())
        raise UsageError(
            f"{where}: columns of different quantities, {facts}: say which one holds the state, with "
            "map={value: COLUMN} and unit="
        )
    for name in trains:
        check_unit(name, options, where)
    quantity = stated[trains[0]] if stated[trains[0]] in _STATE_QUANTITIES else options.quantity
    return replace(options, quantity=quantity, unit=None)


def _is_counter(table: Delimited, name: str) -> bool:
    """A column that counts pulses: named so, or without a name and whole numbers one apart."""
    if table.header is not None:
        return bool(_COUNTER.match(name))
    values = table.numbers(name).dropna().to_numpy()
    return bool(values.size > 2 and (np.diff(values) == 1).all() and values[0] in (0, 1))
