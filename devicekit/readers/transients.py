"""Readings in time with pulses between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import Choice, CodedWarning, TableError, UsageError
from devicekit.core.text import count
from devicekit.readers.linked import drop_copies
from devicekit.readers.origins import INFERRED, Statement
from devicekit.readers.questions import ask
from devicekit.readers.records import (
    Record,
    build_meta,
    build_record_table,
    convert_to_si,
    find_roles,
    warn_about_columns,
    with_length,
)
from devicekit.readers.source import Source
from devicekit.readers.state import NOISE_SHARE
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable, RecordTable, SweepTable, TransientTable

NEAR = 0.05  # of a given read voltage, within which a row is a reading
KIND, SWEEP = "transient", "sweep"
KINDS = frozenset({KIND, SWEEP, "record"})  # of the records of an instrument
BINS, MOST_LEVELS = 50, 8  # of the range of a voltage; levels at which a voltage that is no sweep stays
STAYS, COVERED = 0.8, 0.9  # share of rows like the row before, and at a level
FEWEST = 12  # rows that show levels
HELD = 0.25  # share of the rows of a voltage that is no ramp near its median, at least
APART = 0.1  # of the largest deviation from the voltage between pulses; above, a row is in a pulse
SMALL_READ = 0.5  # of the largest pulse; below, pulses from 0 V are readings
LEAST_BASE = 0.01  # of the largest voltage; below, a row is at the voltage between pulses
LEAST_READ, NOISES = 1e-3, 3.0  # of the largest voltage, and of its noise; below, the voltage between pulses is 0


def split_voltage(voltage: np.ndarray, where: str, read_voltage: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Split a voltage that returns to a level between pulses into pulses and readings.

    The level is the median; rows that deviate from it by a tenth of the largest deviation are pulses. If it is 0 V,
    the smaller pulses of two sizes are readings; without them no row reads the state.

    Parameters
    ----------
    voltage : ndarray, shape (n,)
        Applied voltage [V].
    where : str
        Place for messages.
    read_voltage : float, optional
        Voltage of the readings [V], of either sign; then all other rows but those at 0 V are in pulses.

    Returns
    -------
    pulse, read : ndarray, shape (n,)
        Pulse voltage [V], 0 outside pulses; read voltage [V], NaN in pulses and without a reading.

    Raises
    ------
    UsageError
        If no row is at the given read voltage.
    """
    v = np.where(np.isfinite(voltage), voltage, 0.0)
    if read_voltage is not None:
        reading = np.abs(np.abs(v) - abs(read_voltage)) <= NEAR * abs(read_voltage)
        if not reading.any():
            levels = ", ".join(f"{level:g} V" for level in np.unique(np.round(v, 3))[:8])
            raise UsageError(f"{where}: no row is at read_voltage={read_voltage:g}; the voltage takes {levels}")
        return np.where(reading | (np.abs(v) <= LEAST_BASE * abs(read_voltage)), 0.0, v), np.where(reading, v, np.nan)
    base, largest = float(np.median(v)), float(np.abs(v).max(initial=0.0))
    away = np.abs(v - base)
    resting = away[away <= LEAST_BASE * largest]
    noise = float(np.median(resting)) if resting.size else 0.0
    if abs(base) > max(LEAST_READ * largest, NOISES * noise):
        under = away > APART * away.max(initial=0.0)
        return np.where(under, v, 0.0), np.where(under, np.nan, base)
    under = away > LEAST_BASE * largest
    runs = np.cumsum(under & ~np.r_[False, under[:-1]]) * under
    size = np.array([np.abs(v[runs == k]).max() for k in range(1, int(runs.max(initial=0)) + 1)])
    read = [k for k, each in enumerate(size, 1) if each < SMALL_READ * size.max()]
    reading = np.isin(runs, read)
    return np.where(under & ~reading, v, 0.0), np.where(reading, v, np.nan)


def find_read_levels(voltage: np.ndarray) -> tuple[float, ...]:
    """Return the levels at which a voltage that lasts longest at a large one may read, the smaller first [V].

    Empty where the level between pulses is the read voltage; then nothing is open.
    """
    v = np.where(np.isfinite(voltage), voltage, 0.0)
    base = float(np.median(v))
    away = np.abs(v - base)
    others = v[(away > APART * away.max(initial=0.0)) & (v != 0)]
    if not others.size or np.abs(others).max() >= SMALL_READ * abs(base):
        return ()
    return float(f"{np.median(others):.3g}"), float(f"{base:.3g}")


def is_held(voltage: np.ndarray) -> bool:
    """Return whether a voltage stays at a level, between pulses if there are any, unlike a ramp; true of few rows."""
    v = voltage[np.isfinite(voltage)]
    away = np.abs(v - np.median(v)) if v.size else v
    return v.size < FEWEST or bool((away <= APART * away.max()).mean() >= HELD)


def has_pulses(voltage: np.ndarray) -> bool:
    """Return whether a voltage is exactly at one level other than 0 in most rows, and elsewhere in between."""
    v = voltage[np.isfinite(voltage)]
    if v.size < 4:
        return False
    base = float(np.median(v))
    rests = np.isclose(v, base, rtol=1e-3, atol=0.0)
    inner = np.flatnonzero(~rests)
    return base != 0 and 0.5 < rests.mean() < 1 and bool(rests[-1]) and bool(inner.size)


def count_levels(voltage: np.ndarray) -> int:
    """Return at how many levels a voltage stays, as a staircase of reads or a train of pulses does; 0 for a sweep."""
    v = voltage[np.isfinite(voltage)]
    if v.size < FEWEST:
        return 0
    if np.ptp(v) <= APART * abs(float(np.median(v))):
        return 1
    bins = np.round(BINS * (v - v.min()) / np.ptp(v)).astype(int)
    stays = float((np.abs(np.diff(bins)) <= 1).mean())
    rows = np.bincount(bins, minlength=BINS + 1)
    covered, levels = 0, 0
    while levels < MOST_LEVELS and covered < COVERED * v.size:
        at = int(np.argmax(rows))
        around = slice(max(at - 1, 0), at + 2)
        covered += int(rows[around].sum())
        rows[around] = 0
        levels += 1
    return levels if stays >= STAYS and covered >= COVERED * v.size else 0


def ask_kind(records: Sequence[Record], options: ReadOptions, source: Source) -> None:
    """Ask for the kind of records in time whose voltage stays at a few levels instead of sweeping.

    Raises
    ------
    QuestionError
    """
    name = source.path.name
    for record in records if options.kind is None and not options.columns else ():
        roles = find_roles(record, options, name)
        if not {"voltage_v", "current_a"} <= set(roles):
            continue
        frame = convert_to_si(record, roles, name)
        v, i = (frame[each].to_numpy(float) for each in ("voltage_v", "current_a"))
        if not (levels := count_levels(v)):
            continue
        large = np.abs(v) > SMALL_READ * np.nanmax(np.abs(v))
        opposite = {"absolute": True} if float(np.nanmedian(np.sign(v * i)[large])) < 0 else {}
        sign = ", currents of the other sign as magnitudes" if opposite else ""
        volts = roles["voltage_v"]
        raise ask(
            name,
            f"the voltage stays at {count(levels, 'level')} instead of sweeping: what was measured?",
            (
                Choice.of(
                    f"readings in time, each at its own voltage{sign}",
                    kind=KIND,
                    map={"read_voltage_v": volts},
                    **opposite,
                ),
                Choice.of(f"readings in time at one voltage, with pulses between them{sign}", kind=KIND, **opposite),
                Choice.of("voltage sweeps", kind=SWEEP),
            ),
            (f"{volts}: {np.nanmin(v):.4g} to {np.nanmax(v):.4g} V in {count(len(v), 'row')}",),
        )


def build_table(
    records: Sequence[Record],
    options: ReadOptions,
    reader: str,
    source: Source,
    warnings: Iterable[CodedWarning] = (),
) -> PulseTable | SweepTable | TransientTable | RecordTable:
    """Build the table of an instrument's records: readings in time if `options.kind` says so; else by its columns."""
    if options.kind == KIND:
        return build_transient_table(records, options, reader, source, warnings)
    return build_record_table(records, options, reader, source, warnings)


def is_pulsed(records: Sequence[Record], options: ReadOptions, source: Source) -> bool:
    """Return whether every record has time, current and a pulsed voltage, and no option names columns."""
    if options.columns:
        return False
    for record in records:
        roles = find_roles(record, options, source.path.name)
        if not {"time_s", "voltage_v", "current_a"} <= set(roles):
            return False
        if not has_pulses(convert_to_si(record, roles, source.path.name)["voltage_v"].to_numpy(float)):
            return False
    return True


def build_transient_table(
    records: Sequence[Record],
    options: ReadOptions,
    reader: str,
    source: Source,
    warnings: Iterable[CodedWarning] = (),
) -> TransientTable:
    """Build a table of readings in time from an instrument's records; the voltage gives the pulses.

    Raises
    ------
    TableError
        If a record lacks a time or a current.
    """
    name, frames = source.path.name, []
    if options.rows_per:
        records = with_length(records, options, name)
    records, copies = drop_copies(records, name)
    warnings = [*warnings, *copies]
    for number, record in enumerate(records, 1):
        where = f"{name}, record {number}" if len(records) > 1 else name
        roles = find_roles(record, options, where)
        frame = convert_to_si(record, roles, where)
        if not {"time_s", "current_a"} <= set(frame) and not {"time_s", "conductance_s"} <= set(frame):
            raise TableError(f"{where}: readings in time need map={{time_s: COLUMN, current_a: COLUMN}}")
        if "device_id" not in frame:
            frame["device_id"] = record.device or "device1"
        warnings += warn_about_columns(record, roles, where)
        frames.append(frame.assign(record=number, file_row=record.columns.index))
    whole = pd.concat(frames, ignore_index=True)
    return finish_transient_table(whole, options, name, {**build_meta(records, reader, source)}, warnings)


def finish_transient_table(
    frame: pd.DataFrame, options: ReadOptions, name: str, meta: dict[str, Any], warnings: Sequence[CodedWarning]
) -> TransientTable:
    """Build the table: pulses from the voltage unless a column has them, conductances where a voltage reads them."""
    remarks, statements = list(warnings), list[Statement]()
    if "pulse_voltage_v" in frame:
        frame = frame.assign(pulse_voltage_v=frame["pulse_voltage_v"].fillna(0.0))
    elif "voltage_v" in frame:
        frame, remarks, statements = _split_reads(frame, options, name, remarks)
    if options.read_voltage is not None and "read_voltage_v" not in frame:
        frame = frame.assign(read_voltage_v=options.read_voltage)
    converts = "conductance_s" not in frame and {"current_a", "read_voltage_v"} <= set(frame)
    if converts:
        frame, remarks = _add_conductances(frame, options, name, remarks)
    back = frame.groupby(["device_id", "record"], sort=False)["time_s"].diff() < 0
    if back.any():
        part = back.groupby(frame["device_id"], sort=False).cumsum()
        first = frame.groupby("device_id", sort=False)["record"].transform("first")
        frame = frame.assign(record=(frame["record"] - first).abs().astype(int) + part.astype(int) + 1)
        remarks.append(
            CodedWarning("split", f"{name}: the time restarts; split into {frame['record'].nunique()} records")
        )
    lead = [column for column in TransientTable.schema.columns if column in frame]
    frame = frame[[*lead, *(column for column in frame if column not in lead)]]
    unused = frozenset(() if converts or "voltage_v" in frame else {"absolute"})
    return TransientTable(
        frame, {**meta, "unused": unused, "statements": tuple(statements)}, tuple(dict.fromkeys(remarks))
    )


def _split_reads(
    frame: pd.DataFrame, options: ReadOptions, name: str, remarks: list[CodedWarning]
) -> tuple[pd.DataFrame, list[CodedWarning], list[Statement]]:
    """Return rows with the voltages of pulses and of readings, unless the voltage is a ramp, which reads nothing."""
    volts, given, statements = frame["voltage_v"].to_numpy(float), options.read_voltage, list[Statement]()
    each = frame.groupby(["device_id", "record"], sort=False)["voltage_v"]
    held = bool((each.max() - each.min() <= APART * each.median().abs()).all())  # but for noise
    if held and given is None:  # each record is read at its own voltage, without a pulse
        pulse, read = 0 * volts, volts
    elif given is None and not is_held(volts):
        words = f"{name}: the voltage is held at no level, so that no conductances are given"
        return frame, [*remarks, CodedWarning("columns", words)], []
    else:
        if given is None and (levels := find_read_levels(volts)):
            given, other = levels
            no = Choice.of(f"no, readings at {other:g} V", read_voltage=other)
            says = f"readings at {given:g} V, and {other:g} V is that of a pulse"
            way = "the smaller of two voltages, although it lasts shorter"
            statements = [Statement(subject="read voltage", says=says, origin=INFERRED, ways=(way,), others=(no,))]
        pulse, read = split_voltage(volts, name, given)
    if pulse.any():
        frame = frame.assign(pulse_voltage_v=pulse)
        number = int(((pulse != 0) & ~np.r_[False, pulse[:-1] != 0]).sum())
        remarks = [*remarks, CodedWarning("columns", f"{name}: {count(number, 'pulse')} in the voltage")]
    if not np.isfinite(read).any():
        remarks = [*remarks, CodedWarning("columns", f"{name}: no current is read between pulses: no conductances")]
    elif "read_voltage_v" not in frame:
        frame = frame.assign(read_voltage_v=read)
    return frame, remarks, statements


def _add_conductances(
    frame: pd.DataFrame, options: ReadOptions, name: str, remarks: list[CodedWarning]
) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Return rows with current over read voltage, where it is sound: the currents are kept in any case."""
    under = frame["pulse_voltage_v"].to_numpy() != 0 if "pulse_voltage_v" in frame else np.zeros(len(frame), bool)
    volts = frame["read_voltage_v"].to_numpy(float)
    reads = np.abs(volts) > LEAST_BASE * np.nanmax(np.abs(volts), initial=0.0)  # else at rest, but for noise
    g = np.divide(frame["current_a"], volts, out=np.full(len(frame), np.nan), where=reads & ~under)
    negative = int((g < 0).sum())
    if negative and options.absolute:
        words = f"{name}: magnitudes of {negative} negative conductances were used"
        return frame.assign(conductance_s=np.abs(g)), [*remarks, CodedWarning("abs", words)]
    if negative > NOISE_SHARE * np.isfinite(g).sum():
        words = f"{name}: {negative} currents have the other sign than their voltage, so that no conductances are given"
        reads = [] if "voltage_v" not in frame else ["read_voltage_v"]  # which it is not
        return frame.drop(columns=reads), [*remarks, CodedWarning("columns", words)]
    if negative:
        words = f"{name}: {negative} conductances left out, negative; their currents are kept"
        remarks = [*remarks, CodedWarning("dropped", words)]
    return frame.assign(conductance_s=np.where(g < 0, np.nan, g)), remarks
