"""Transfer curves of transistors, reported without a figure of merit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devicekit.core.errors import CodedWarning
from devicekit.core.records import column, derived, internal
from devicekit.core.text import count, si, span
from devicekit.features.dc import figures
from devicekit.features.dc.transistors import TransferCurve, transfer_curves
from devicekit.features.merit import MOST_CURVES, MeritResult, Settings, curve
from devicekit.plot import Panel
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable


@dataclass(frozen=True, eq=False, kw_only=True)
class TransferResult(MeritResult):
    """Transfer curves in a table; a transistor has no number here."""

    figure_caption = "Transfer curves."
    figure_alt = "Magnitude of the drain current against the gate voltage"

    curves: tuple[TransferCurve, ...] = column(table="transfer", doc="the curves")
    table: SweepTable = internal("the sweeps")
    warnings: tuple[CodedWarning, ...] = column(json=False, default=())

    @derived()
    def n(self) -> int:
        """Number of curves."""
        return len(self.curves)

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
        shown = [frame[frame["record"] == each.record] if "record" in frame else frame for each in self.curves]
        return figures.transfer([curve(rows) for rows in shown[:MOST_CURVES]])


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> TransferResult | None:
    """Find transfer curves in a table of sweeps; None if there is none."""
    curves = transfer_curves(table) if isinstance(table, SweepTable) else ()
    return TransferResult(curves=curves, table=table) if curves and isinstance(table, SweepTable) else None
