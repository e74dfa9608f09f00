"""Read linearity: deviation of a sweep that only reads from a straight line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError
from devicekit.core.records import Record, column, derived, internal
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, si
from devicekit.features.dc import figures
from devicekit.features.dc.trace import each_sweep
from devicekit.features.definitions import COUNTED, OTHER
from devicekit.features.merit import MeritResult, Settings, curve, middle_curves
from devicekit.features.merits.dc import DcResult, select_sweeps
from devicekit.plot import Panel
from devicekit.report import Block, Table
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable


@dataclass(frozen=True, kw_only=True)
class LinearityResult(Record):
    """Deviation of a read branch from a straight line."""

    conductance_s: float = column(
        "conductance_s", unit="S", doc="least-squares slope of I against V through the origin"
    )
    max_error: float = column("max_error", doc="largest deviation from that line over the largest current")
    ratio: float = column(
        "ratio", unit="", doc="G at the largest voltage, by size, over G at half of it: 1 for an ohmic device"
    )
    cubic: float = column("cubic", unit="1/V²", doc="c of I = G V (1 + c V^2)")
    range_v: float = column("range_v", unit="V", doc="largest voltage used, by size")


def linearity(voltage: np.ndarray, current: np.ndarray) -> LinearityResult:
    """Compute the linearity of a read branch.

    Parameters
    ----------
    voltage, current : ndarray, shape (n,)
        Voltage [V] and current [A]; the current at V = 0, if measured, is subtracted as an offset.

    Raises
    ------
    TraceError
        If there are fewer than four voltages other than 0.
    """
    known = np.isfinite(voltage) & np.isfinite(current)
    v, i = voltage[known], current[known]
    at_zero = i[v == 0]
    i = i - np.median(at_zero) if at_zero.size else i
    v, i = v[v != 0], i[v != 0]
    if np.unique(v).size < 4:
        raise TraceError("read linearity needs four or more voltages other than 0")
    top = float(np.abs(v).max())
    if not np.isfinite([(v**3) @ (v**3), i @ i]).all() or (v**3) @ (v**3) == 0:
        raise TraceError("voltages or currents are outside the range of floating-point numbers")
    g = float((v @ i) / (v @ v))
    (linear, cubic), *_ = np.linalg.lstsq(np.column_stack([v, v**3]), i, rcond=None)

    def near(size: float) -> float:
        close = np.abs(np.abs(v) - size) <= 0.15 * top
        return float((v[close] @ i[close]) / (v[close] @ v[close])) if close.any() else float("nan")

    half = near(top / 2)
    largest = float(np.abs(i).max())
    return LinearityResult(
        conductance_s=g,
        max_error=float(np.abs(i - g * v).max() / largest) if largest > 0 else 0.0,
        ratio=near(top) / half if half else float("nan"),
        cubic=float(cubic / linear) if linear else float("nan"),
        range_v=top,
    )


@dataclass(frozen=True, kw_only=True)
class SweepLinearity(Record):
    """Read linearity of one sweep."""

    device_id: str
    cycle: int
    found: LinearityResult = column(inline=True, doc="linearity of the sweep")


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearityTable(MeritResult):
    """Read linearity of every sweep of a table."""

    figure_caption = "Read sweeps."
    figure_alt = "Magnitude of the current against voltage"

    sweeps: tuple[SweepLinearity, ...] = column(json=False, table="linearity", doc="linearity of each sweep")
    table: SweepTable = internal("the sweeps")
    warnings: tuple[CodedWarning, ...] = column(json=False, default=())

    @derived()
    def n(self) -> int:
        """Number of sweeps."""
        return len(self.sweeps)

    @derived(name="median", once=True)
    def medians(self) -> LinearityResult:
        """Medians over the sweeps."""
        values = pd.DataFrame([each.found.row() for each in self.sweeps]).median()
        return LinearityResult(**{str(name): float(value) for name, value in values.items()})

    def scalars(self) -> tuple[Scalar, ...]:
        """Return conductance of the readings and its curvature, medians over the sweeps."""
        return (
            Scalar("read_conductance_s", "conductance of the readings, median", self.medians.conductance_s, "S"),
            Scalar("read_cubic", "curvature c of I = G V (1 + c V²), median", self.medians.cubic, "1/V²"),
        )

    def sentences(self) -> list[str]:
        """Return the conductance of the readings, and its condition."""
        return [
            f"Read as I = G V (1 + c V²), {count(self.n, 'sweep')} "
            f"{'gives' if self.n == 1 else 'give'} G = {si(self.medians.conductance_s, 'S')} (median), "
            "provided that no sweep switches the device."
        ]

    def panel(self) -> Panel:
        """Draw the sweeps, the middle one on top."""
        return figures.sweeps(*middle_curves(self.table.frame))

    def record_tables(self) -> list[Block]:
        """Return the medians."""
        caption = f"Read linearity of {count(self.n, 'sweep')}: I = G V (1 + c V²)."
        return [Table.pairs(self.medians, caption, ("quantity", "median"))]


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> LinearityTable | None:
    """Find the linearity of sweeps without switching; None where a sweep switched."""
    sweeps = select_sweeps(table) if isinstance(table, SweepTable) else None
    switching = found.get("dc")
    if sweeps is None or (isinstance(switching, DcResult) and {*COUNTED, *OTHER, "against"} & set(switching.outcomes)):
        return None
    rows = []
    for device, cycle, sweep in each_sweep(sweeps.frame):
        try:
            rows.append(SweepLinearity(device_id=device, cycle=cycle, found=linearity(*curve(sweep))))
        except TraceError:
            continue
    return LinearityTable(sweeps=tuple(rows), table=sweeps) if rows else None
