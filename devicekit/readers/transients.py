"""Readings in time with pulses between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import Blank, Choice, CodedWarning, QuestionError, TableError, UsageError
from devicekit.core.text import count
from devicekit.readers.linked import drop_copies
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
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable, RecordTable, SweepTable, TransientTable

NEAR = 0.05  # of a given read voltage, within which a row is a reading
KIND, SWEEP = "transient", "sweep"
KINDS = frozenset({KIND, SWEEP, "record"})  # of the records of an instrument
BINS, MOST_LEVELS = 50, 8  # of the range of a voltage; levels at which a voltage that is no sweep stays
STAYS, COVERED = 0.8, 0.9  # share of rows like the row before, and at a level
FEWEST = 12  # rows that show levels
APART = 0.1  # of the largest deviation from the voltage between pulses; above, a row is in a pulse
SMALL_READ = 0.5  # of the largest pulse; below, pulses from 0 V are readings
LEAST_BASE = 0.01  # of the largest voltage; below, a row is at the voltage between pulses
LEAST_READ, NOISES = 1e-3, 3.0  # of the largest voltage, and of its noise; below, the voltage between pulses is 0


def split_voltage(voltage: np.ndarray, where: str, read_voltage: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Split a voltage that returns to a level between pulses into pulses and readings.

    The level is the median; rows that deviate from it by a tenth of the largest deviation are pulses. If it is 0 V,
    the smaller pulses of two sizes are readings.

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
    QuestionError
        If the voltage is 0 between pulses and all pulses have one size, so that no row reads the state, or if the
        most frequent voltage is larger than the rest, as of a long pulse.
    UsageError
        If no row is at the given read voltage.
    """
    v = np.where(np.isfinite(voltage), voltage, 0.0)
    base, largest = float(np.median(v)), float(np.abs(v).max(initial=0.0))
    away = np.abs(v - base)
    if read_voltage is not None:
        reading = np.abs(np.abs(v) - abs(read_voltage)) <= NEAR * abs(read_voltage)
        if not reading.any():
            levels = ", ".join(f"{level:g} V" for level in np.unique(np.round(v, 3))[:8])
            raise UsageError(f"{where}: no row is at read_voltage={read_voltage:g}; the voltage takes {levels}")
        return np.where(reading | (np.abs(v) <= LEAST_BASE * abs(read_voltage)), 0.0, v), np.where(reading, v, np.nan)
    resting = away[away <= LEAST_BASE * largest]
    noise = float(np.median(resting)) if resting.size else 0.0
    if abs(base) > max(LEAST_READ * largest, NOISES * noise):
        under = away > APART * away.max(initial=0.0)
        others = v[under & (v != 0)]
        if others.size and np.abs(others).max() < SMALL_READ * abs(base):
            raise _ask_read_level(base, float(np.median(others)), where)
        return np.where(under, v, 0.0), np.where(under, np.nan, base)
    under = away > LEAST_BASE * largest
    runs = np.cumsum(under & ~np.r_[False, under[:-1]]) * under
    size = np.array([np.abs(v[runs == k]).max() for k in range(1, int(runs.max(initial=0)) + 1)])
    read = {k for k, each in enumerate(size, 1) if each < SMALL_READ * size.max()}
    if not read:
        raise ask(
            where,
            "the voltage is 0 V between the pulses, so that no current measures the state: which column holds it?",
            (Choice.of("a column of conductances", map={"conductance_s": Blank("COLUMN")}),),
            (f"{count(len(size), 'pulse')} to {largest:.3g} V",),
        )
    reading = np.isin(runs, list(read))
    return np.where(under & ~reading, v, 0.0), np.where(reading, v, np.nan)


def _ask_read_level(longer: float, other: float, where: str) -> QuestionError:
    """Return the question which of two voltages reads the state, where the larger one lasts longer."""
    return ask(
        where,
        "which voltage reads the state? The other is that of a pulse",
        [Choice.of(f"readings at {level:.3g} V", read_voltage=float(f"{level:.3g}")) for level in (other, longer)],
    )


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
    """Build the table: pulses from the voltage unless a column has them, conductances from the read voltage."""
    remarks, unused = list(warnings), {"absolute"}
    if "pulse_voltage_v" in frame:
        frame = frame.assign(pulse_voltage_v=frame["pulse_voltage_v"].fillna(0.0))
    elif "voltage_v" in frame:
        volts = frame["voltage_v"].to_numpy(float)
        held = bool((frame.groupby(["device_id", "record"], sort=False)["voltage_v"].nunique() == 1).all())
        bare = held and options.read_voltage is None  # each record is read at its own voltage, without a pulse
        pulse, read = (0 * volts, volts) if bare else split_voltage(volts, name, options.read_voltage)
        if pulse.any():
            frame = frame.assign(pulse_voltage_v=pulse)
            words = (
                f"{name}: {count(int(((pulse != 0) & ~np.r_[False, pulse[:-1] != 0]).sum()), 'pulse')} in the voltage"
            )
            remarks.append(CodedWarning("columns", words))
        if "read_voltage_v" not in frame:
            frame = frame.assign(read_voltage_v=read)
    if options.read_voltage is not None and "read_voltage_v" not in frame:
        frame = frame.assign(read_voltage_v=options.read_voltage)
    if "conductance_s" not in frame and "current_a" in frame and "read_voltage_v" in frame:
        under = frame["pulse_voltage_v"].to_numpy() != 0 if "pulse_voltage_v" in frame else np.zeros(len(frame), bool)
        volts = frame["read_voltage_v"].to_numpy(float)
        read = np.abs(volts) > LEAST_BASE * np.nanmax(np.abs(volts), initial=0.0)  # else at rest, but for noise
        g = np.divide(frame["current_a"], volts, out=np.full(len(frame), np.nan), where=read & ~under)
        frame, unused = frame.assign(conductance_s=np.abs(g) if options.absolute else g), set()
        if options.absolute and (negative := int((g < 0).sum())):
            remarks.append(CodedWarning("abs", f"{name}: magnitudes of {negative} negative conductances were used"))
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
    return TransientTable(frame, {**meta, "unused": frozenset(unused)}, tuple(dict.fromkeys(remarks)))
