"""Transfer curves of transistors in a sweep table: drain current against a swept gate voltage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.records import Record, column
from devicekit.tables import SweepTable

_GATE_VOLTAGE = re.compile(r"(?i)^(gate[ _]?v(oltage)?|v[ _]?g(ate)?[ _]?s?)$")
_DRAIN_CURRENT = re.compile(r"(?i)^(drain[ _]?i|(drain[ _]?)current|i[ _]?d(rain)?[ _]?s?)$")
_DRAIN_VOLTAGE = re.compile(r"(?i)^(drain[ _]?v(oltage)?|v[ _]?d(rain)?[ _]?s?)$")
CONSTANT = 0.02  # share of the gate's range that the drain voltage of a transfer curve stays within


@dataclass(frozen=True, kw_only=True)
class TransferCurve(Record):
    """Record with a transfer curve."""

    record: int
    gate: str = column(doc="the file's column of the gate voltage")
    drain: str = column(doc="the file's column of the drain current")
    drain_voltage_v: float | None = column(unit="V", doc="constant drain voltage, if the file contains it")
    gate_from_v: float = column(unit="V", doc="least gate voltage")
    gate_to_v: float = column(unit="V", doc="largest gate voltage")
    points: int = column(doc="number of readings")


def transfer_curves(table: SweepTable) -> tuple[TransferCurve, ...]:
    """Find the transfer curves of a table, by the columns that its reader reports for each record.

    The voltage must be that of a gate, the current that of a drain, and the drain voltage constant, if the file has it.
    A sweep of a device at a constant gate voltage (1T1R) does not count.
    """
    records = table.meta.get("records")
    layout = table.meta.get("layout")
    if records is None and layout is not None:  # a plain table has the roles of its columns in its layout
        records = [{"roles": {column.role: column.name for column in layout.columns}}]
    if not isinstance(records, list | tuple):
        return ()
    found = []
    for number, facts in enumerate(records, 1):
        rows = _rows(table.frame, number, len(records))
        if not isinstance(facts, Mapping) or rows.empty:
            continue
        gate, drain = _role(facts, rows, "voltage_v", _GATE_VOLTAGE), _role(facts, rows, "current_a", _DRAIN_CURRENT)
        if gate is None or drain is None:
            continue
        low, high = float(rows["voltage_v"].min()), float(rows["voltage_v"].max())
        steady, at = _drain(rows, high - low)
        if steady:
            new = TransferCurve(
                record=number,
                gate=gate,
                drain=drain,
                drain_voltage_v=at,
                gate_from_v=low,
                gate_to_v=high,
                points=len(rows),
            )
            found.append(new)
    return tuple(found)


def _rows(frame: pd.DataFrame, number: int, many: int) -> pd.DataFrame:
    """Return rows of a record; a table without the column `record` holds one."""
    if "record" in frame:
        return frame[frame["record"] == number]
    return frame if many == 1 else frame.iloc[:0]


def _role(facts: Mapping[str, Any], rows: pd.DataFrame, ours: str, pattern: re.Pattern[str]) -> str | None:
    """Return the file's column that became ours: as the reader reports it, else one of the columns now missing."""
    roles = facts.get("roles")
    if isinstance(roles, Mapping) and ours in roles:
        return str(roles[ours]) if pattern.match(_strip_unit(str(roles[ours]))) else None
    gone = [str(name) for name in facts.get("columns", ()) if str(name) not in rows.columns]
    return next((name for name in gone if pattern.match(name)), None)


def _strip_unit(name: str) -> str:
    """Return a column's name without the unit in brackets or after a slash."""
    return re.sub(r"\s*[\[(/].*$", "", name)


def _drain(rows: pd.DataFrame, gate_range: float) -> tuple[bool, float | None]:
    """Return whether the drain voltage is constant (or absent from the file), and its value [V]."""
    if "third_voltage_v" in rows:
        steps = rows.groupby(["device_id", "cycle"], sort=False)["third_voltage_v"].agg(["min", "max"])
        steady = bool((steps["max"] - steps["min"] <= CONSTANT * gate_range).all())
        one = steady and np.ptp(steps["min"]) <= CONSTANT * gate_range
        return steady, float(steps["min"].median()) if one else None
    name = next((str(name) for name in rows.columns if _DRAIN_VOLTAGE.match(_strip_unit(str(name)))), None)
    if name is None:
        return True, None
    values = pd.to_numeric(rows[name], errors="coerce").to_numpy(float)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return True, None
    return bool(np.ptp(values) <= CONSTANT * gate_range), float(np.median(values))


def without_transistors(table: SweepTable) -> SweepTable | None:
    """Return the table without transfer curves; None if nothing is left."""
    found = transfer_curves(table)
    if not found:
        return table
    if "record" not in table.frame:
        return None
    frame = table.frame[~table.frame["record"].isin([each.record for each in found])]
    return None if frame.empty else SweepTable(frame.copy(), table.meta, table.warnings)
