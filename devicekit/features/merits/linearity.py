"""Read linearity: deviation of a sweep that only reads from a straight line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, format_number, si
from devicekit.features import figures
from devicekit.features.definitions import COUNTED
from devicekit.features.merit import Merit, Settings, figure, middle
from devicekit.features.merits.dc import DcResult, select_sweeps
from devicekit.plot import Panel
from devicekit.report import Block, Table
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable


@dataclass(frozen=True)
class LinearityResult:
    """Deviation of a read branch from a straight line.

    Attributes
    ----------
    conductance_s : float
        Least-squares slope of I against V through the origin [S].
    max_error : float
        Largest deviation from that line over the largest current.
    ratio : float
        G at the largest voltage, by size, over G at half of it: 1 for an ohmic device.
    cubic : float
        c of I = G V (1 + c V^2) [1/V^2].
    range_v : float
        Largest voltage used, by size [V].
    """

    conductance_s: float
    max_error: float
    ratio: float
    cubic: float
    range_v: float

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return asdict(self)


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
        g,
        float(np.abs(i - g * v).max() / largest) if largest > 0 else 0.0,
        near(top) / half if half else float("nan"),
        float(cubic / linear) if linear else float("nan"),
        top,
    )


@dataclass(frozen=True, eq=False)
class LinearityTable:
    """Read linearity of every sweep of a table."""

    rows: pd.DataFrame
    table: SweepTable
    warnings: tuple[CodedWarning, ...] = ()

    @property
    def medians(self) -> dict[str, float]:
        """Medians over the sweeps, by field of `LinearityResult`."""
        numbers = self.rows.drop(columns=["device_id", "cycle"])
        return {str(name): float(value) for name, value in numbers.median().items()}

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {"n": len(self.rows), "median": self.medians}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per sweep."""
        return {"linearity": self.rows}

    def scalars(self) -> tuple[Scalar, ...]:
        """Return conductance of the readings and its curvature, medians over the sweeps."""
        return (
            Scalar("read_conductance_s", "conductance of the readings, median", self.medians["conductance_s"], "S"),
            Scalar("read_cubic", "curvature c of I = G V (1 + c V²), median", self.medians["cubic"], "1/V²"),
        )

    def sentences(self) -> list[str]:
        """Return the conductance of the readings, and its condition."""
        return [
            f"Read as I = G V (1 + c V²), {count(len(self.rows), 'sweep')} "
            f"{'gives' if len(self.rows) == 1 else 'give'} G = {si(self.medians['conductance_s'], 'S')} (median), "
            "provided that no sweep switches the device."
        ]

    def panel(self) -> Panel:
        """Draw the sweeps, the middle one on top."""
        shown, top = middle(self.table.frame)
        curves = [(rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)) for rows in [*shown, top]]
        return figures.sweeps(curves[:-1], curves[-1])

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        units = {"conductance_s": "S", "cubic": "1/V²", "range_v": "V"}
        rows = [(name, format_number(value, units.get(name, ""))) for name, value in self.medians.items()]
        caption = f"Read linearity of {count(len(self.rows), 'sweep')}: I = G V (1 + c V²)."
        shown = figure(self.panel(), "Read sweeps.", "Magnitude of the current against voltage")
        return [Table(("quantity", "median"), rows, caption), shown]


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> LinearityTable | None:
    """Find the linearity of sweeps without switching; None where a sweep switched."""
    sweeps = select_sweeps(table) if isinstance(table, SweepTable) else None
    switching = found.get("dc")
    if sweeps is None or (isinstance(switching, DcResult) and {*COUNTED, "against"} & set(switching.outcomes)):
        return None
    rows = []
    for (device, cycle), sweep in sweeps.frame.groupby(["device_id", "cycle"], sort=False):
        try:
            result = linearity(sweep["voltage_v"].to_numpy(float), sweep["current_a"].to_numpy(float))
        except TraceError:
            continue
        rows.append({"device_id": device, "cycle": cycle, **result.as_dict()})
    return LinearityTable(pd.DataFrame(rows), sweeps) if rows else None
