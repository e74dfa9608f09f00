"""Figures of merit of whatever a table holds, with its tables and report sections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from devicekit.errors import Flag, TraceError
from devicekit.features import dc, endurance, reading, retention, stdp
from devicekit.tables import EnduranceTable, PulseTable, RetentionTable, StdpTable, SweepTable, Table

STILL = 1e-3  # V; a record whose voltage moves less is a reading at constant voltage


@dataclass(frozen=True)
class Settings:
    """What a user may choose: definitions of the voltages, window threshold, horizon of the retention [s]."""

    read_voltage: float | None = None
    v_set: str = "half_ln_g"
    v_reset: str = "peak_current"
    threshold: float = 2.0
    horizon: float = retention.TEN_YEARS


@dataclass(frozen=True, eq=False)
class Characterization:
    """What was found in one table.

    Attributes
    ----------
    table : Table
    results : dict
        Result object by name: dc, endurance, retention, stdp, noise, linearity, pulses.
    tables : dict
        Data frames to write, by name.
    flags : tuple of Flag
        Of the reader and of the results.
    """

    table: Table
    results: dict[str, Any]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, NaN and infinity as None."""
        found = {
            name: [each.as_dict() for each in result] if isinstance(result, tuple) else result.as_dict()
            for name, result in self.results.items()
        }
        return plain({"kind": self.table.kind, **found, "warnings": [flag.as_dict() for flag in self.flags]})


def plain(value: Any) -> Any:
    """A value as strict JSON takes it: NumPy numbers as Python's, NaN and infinity as None."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@dataclass(frozen=True, eq=False)
class PulseSummary:
    """Window and end states of pulse trains, over trains; the law itself is fitted by `devicekit fit`."""

    ends: pd.DataFrame
    low: float
    high: float
    quantity: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        ratio = self.high / self.low if self.low > 0 else None
        groups = self.ends.groupby("direction")
        ends = {
            str(way): {"trains": len(rows), "start_median": float(rows["start"].median()),
                       "end_median": float(rows["end"].median()), "end_sd": float(rows["end"].std())}
            for way, rows in groups
        }  # fmt: skip
        return {
            "quantity": self.quantity,
            "low": self.low,
            "high": self.high,
            "on_off": ratio,
            "directions": ends,
        }


@dataclass(frozen=True)
class NoiseRecord:
    """Read noise of one record."""

    device_id: str
    cycle: int
    result: reading.NoiseResult

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"device_id": self.device_id, "cycle": self.cycle, **self.result.as_dict()}


def characterize(table: Table, settings: Settings | None = None) -> Characterization:
    """Figures of merit of whatever the table holds.

    Parameters
    ----------
    table : Table
        Sweeps give DC figures, read linearity or read noise; the other kinds their own.
    settings : Settings, optional

    Raises
    ------
    UsageError, TraceError
        If a setting is out of range, or nothing can be said about these data.
    """
    with np.errstate(all="ignore"):  # absurd values overflow; what is not finite is reported as missing
        return _characterize(table, settings or Settings())


def _characterize(table: Table, settings: Settings) -> Characterization:
    if isinstance(table, SweepTable):
        return _sweeps(table, settings)
    if isinstance(table, EnduranceTable):
        found = endurance.characterize(table, threshold=settings.threshold)
        devices = pd.DataFrame([device.as_dict() for device in found.devices])
        return _done(table, {"endurance": found}, {"devices": devices, "decades": found.decades}, found.flags)
    if isinstance(table, RetentionTable):
        kept = retention.characterize(table, horizon=settings.horizon)
        states = pd.json_normalize([state.as_dict() for state in kept.states], sep="_")
        return _done(table, {"retention": kept}, {"states": states}, kept.flags)
    if isinstance(table, StdpTable):
        window = stdp.characterize(table)
        parameters = pd.DataFrame([each.as_dict() for each in window.parameters])
        return _done(
            table, {"stdp": window}, {"parameters": parameters, "delays": window.delays}, window.flags
        )
    if isinstance(table, PulseTable):
        summary = _pulses(table)
        return _done(table, {"pulses": summary}, {"trains": summary.ends}, ())
    raise TraceError(
        "the file holds records without columns of voltage and current; name them with --map voltage_v=COLUMN "
        "and --map current_a=COLUMN"
    )


def _done(
    table: Table, results: dict[str, Any], tables: dict[str, pd.DataFrame], flags: Sequence[Flag]
) -> Characterization:
    return Characterization(table, results, tables, (*table.flags, *flags))


def _pulses(table: PulseTable) -> PulseSummary:
    rows = []
    for way in ("ltp", "ltd"):
        for device, cycle, _, state in table.traces(way):
            known = state[np.isfinite(state)]
            if known.size:
                rows.append({"device_id": device, "cycle": cycle, "direction": way, "readings": known.size,
                             "start": known[0], "end": known[-1], "low": known.min(), "high": known.max()})  # fmt: skip
    ends = pd.DataFrame(rows)
    return PulseSummary(
        ends, float(ends["low"].quantile(0.05)), float(ends["high"].quantile(0.95)), table.quantity
    )


def _sweeps(table: SweepTable, settings: Settings) -> Characterization:
    """DC figures of what sweeps, read noise of what stands still, read linearity of what only reads."""
    frame = table.frame
    span = frame.groupby(["device_id", "cycle"])["voltage_v"].transform(np.ptp)
    still = span.fillna(0) <= STILL
    results: dict[str, Any] = {}
    tables: dict[str, pd.DataFrame] = {}
    flags: list[Flag] = []
    if still.any():
        records, short = _noise(frame[still])
        if records:
            results["noise"] = tuple(records)
            tables["noise"] = pd.json_normalize([record.as_dict() for record in records], sep="_").drop(
                columns="levels"
            )
        if short:
            flags.append(
                Flag("few_points", f"{short} record(s) at constant voltage are too short for read noise")
            )
    if not still.all():
        moving = SweepTable(frame[~still].copy(), table.meta)
        try:
            found = dc.characterize(
                moving, read_voltage=settings.read_voltage, v_set=settings.v_set, v_reset=settings.v_reset
            )
        except TraceError:
            found = None
        if found is not None:
            results["dc"] = found
            tables["cycles"] = found.cycles
            flags += found.flags
            if len(found.levels):
                tables["levels"] = found.levels
        if found is None or set(found.cycles["outcome"]) <= {"one_way", "failed"}:
            linear = _linearity(frame[~still])
            if not linear.empty:
                results["linearity"] = LinearityTable(linear)
                tables["linearity"] = linear
    if not results:
        raise TraceError(
            "nothing can be said about these sweeps: " + "; ".join(flag.message for flag in flags)
        )
    return Characterization(table, results, tables, (*table.flags, *flags))


@dataclass(frozen=True, eq=False)
class LinearityTable:
    """Read linearity of every sweep."""

    rows: pd.DataFrame

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        numbers = self.rows.drop(columns=["device_id", "cycle"])
        return {"n": len(self.rows), "median": {str(k): float(v) for k, v in numbers.median().items()}}


def _noise(frame: pd.DataFrame) -> tuple[list[NoiseRecord], int]:
    records, short = [], 0
    for (device, cycle), rows in frame.groupby(["device_id", "cycle"], sort=False):
        time = rows["time_s"] if "time_s" in rows else rows["point"]
        i = rows["current_a"].to_numpy(float)
        if np.isfinite(i).sum() < reading.LEAST_READINGS:
            short += 1
            continue
        found = reading.noise(time.to_numpy(float), i, float(rows["voltage_v"].median()))
        records.append(NoiseRecord(str(device), int(str(cycle)), found))
    return records, short


def _linearity(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (device, cycle), sweep in frame.groupby(["device_id", "cycle"], sort=False):
        try:
            found = reading.linearity(sweep["voltage_v"].to_numpy(float), sweep["current_a"].to_numpy(float))
        except TraceError:
            continue
        rows.append({"device_id": device, "cycle": cycle, **found.as_dict()})
    return pd.DataFrame(rows)
