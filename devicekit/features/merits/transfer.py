"""Transfer curves of transistors, reported without a figure of merit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, si, span
from devicekit.features import figures
from devicekit.features.dc.transistors import TransferCurve, transfer_curves
from devicekit.features.merit import MOST_CURVES, Merit, Settings, figure
from devicekit.plot import Panel
from devicekit.report import Block
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable


@dataclass(frozen=True, eq=False)
class TransferResult:
    """Transfer curves in a table."""

    curves: tuple[TransferCurve, ...]
    table: SweepTable
    warnings: tuple[CodedWarning, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {"n": len(self.curves), "curves": [asdict(each) for each in self.curves]}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per curve."""
        return {"transfer": pd.DataFrame([asdict(each) for each in self.curves])}

    def scalars(self) -> tuple[Scalar, ...]:
        """Return no number: a transistor has no figure of merit here."""
        return ()

    def sentences(self) -> list[str]:
        """Return that this is a transistor and not a two-terminal sweep."""
        first = self.curves[0]
        gate = span(min(c.gate_from_v for c in self.curves), max(c.gate_to_v for c in self.curves), "V")
        drains = {si(each.drain_voltage_v, "V") for each in self.curves if each.drain_voltage_v is not None}
        at = f" at a drain voltage of {next(iter(drains))}" if len(drains) == 1 else ""
        one = len(self.curves) == 1
        words = (
            "This is a transistor's transfer curve"
            if one
            else f"These are {count(len(self.curves), 'transfer curve')} of a transistor"
        )
        return [
            f"{words} ({first.drain} against {first.gate} from {gate}{at}), not a two-terminal sweep: it has "
            "no V_set, HRS, LRS or other figure of merit here."
        ]

    def panel(self) -> Panel:
        """Draw the size of the drain current against the gate voltage."""
        frame = self.table.frame
        shown = []
        for each in self.curves[:MOST_CURVES]:
            rows = frame[frame["record"] == each.record] if "record" in frame else frame
            shown.append((rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)))
        return figures.transfer(shown)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        shown = figure(self.panel(), "Transfer curves.", "Magnitude of the drain current against the gate voltage")
        return [shown]


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> TransferResult | None:
    """Find transfer curves in a table of sweeps; None if there is none."""
    curves = transfer_curves(table) if isinstance(table, SweepTable) else ()
    return TransferResult(curves, table) if curves and isinstance(table, SweepTable) else None
