"""Currents with the sign opposite to the voltage, in sweeps, readings and noise records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, format_number, si
from devicekit.features import figures
from devicekit.features.dc import signs
from devicekit.features.dc.transistors import without_transistors
from devicekit.features.merit import Merit, Settings, figure, middle
from devicekit.plot import Panel
from devicekit.report import ROWS_SHOWN, Block, Table
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable

_SIDE = {1: "positive", -1: "negative"}


@dataclass(frozen=True, eq=False)
class SignResult:
    """Sweeps with a current of the sign opposite to the voltage.

    Attributes
    ----------
    rows : pandas.DataFrame
        device_id, cycle, and the fields of `devicekit.features.dc.signs.Reversal`.
    n : int
        Number of sweeps and records of the table.
    table : SweepTable
        Table as read.
    warnings : tuple of CodedWarning
    """

    rows: pd.DataFrame
    n: int
    table: SweepTable
    warnings: tuple[CodedWarning, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {"n": self.n, "negative_conductance": self.rows.to_dict("records")}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per sweep and sign of the voltage."""
        return {"negative_conductance": self.rows}

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the number of sweeps with negative conductance."""
        found = float(len(self.rows[["device_id", "cycle"]].drop_duplicates()))
        return (Scalar("negative_sweeps", "sweeps with negative conductance", found),)

    def sentences(self) -> list[str]:
        """Return where the sign is wrong, and how the current was used."""
        found = []
        for (sign, whole), rows in self.rows.groupby(["sign", "whole"], sort=False):
            sweeps = f"In {len(rows)} of {count(self.n, 'sweep')}" if self.n > 1 else "In this sweep"
            side, other = _SIDE[int(str(sign))], _SIDE[-int(str(sign))]
            g = si(float(rows["conductance_s"].median()), "S")
            text = f"Negative conductance: {sweeps.lower()} the current is {other} at {side} voltage (G = {g}"
            if whole:
                text += "). Its size is used; it may be stored without its sign, or measured at the other terminal."
            else:
                text += (
                    f", {count(int(rows['points'].sum()), 'reading')}), beyond noise and offset. It is used as it is."
                )
            found.append(text)
        return found

    def panel(self) -> Panel:
        """Draw the sweeps, the middle one on top."""
        shown, top = middle(self.table.frame)
        curves = [(rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)) for rows in [*shown, top]]
        return figures.signed_sweeps(curves[:-1], curves[-1])

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        head = ("device", "cycle", "voltage", "readings", "G")
        cells = [
            (
                str(row["device_id"]),
                str(row["cycle"]),
                _SIDE[int(row["sign"])],
                str(row["points"]),
                format_number(row["conductance_s"], "S"),
            )
            for row in self.rows.head(ROWS_SHOWN).to_dict("records")
        ]
        caption = "Readings with a current of the sign opposite to the voltage."
        shown = figure(self.panel(), "Current with its sign, as it was read.", "Current against voltage, with signs")
        return [Table(head, cells, caption), shown]


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> SignResult | None:
    """Find negative conductances in a table of sweeps; None if there is none."""
    kept = without_transistors(table) if isinstance(table, SweepTable) else None
    if kept is None:
        return None
    rows = signs.find_reversals(kept)
    if rows.empty:
        return None
    n = int(kept.frame.groupby(["device_id", "cycle"], sort=False).ngroups)
    turned = rows.loc[rows["whole"].astype(bool), ["device_id", "cycle"]].drop_duplicates()
    words = (
        f"the size of the current is used in {count(len(turned), 'sweep')}, where its sign is opposite to the voltage"
    )
    warnings = (CodedWarning("abs", words),) if len(turned) else ()
    return SignResult(rows, n, kept, warnings)
