"""Currents with the sign opposite to the voltage, in sweeps, readings and noise records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import CodedWarning
from devicekit.core.records import column, internal
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, si
from devicekit.features.dc import figures, signs
from devicekit.features.dc.transistors import without_transistors
from devicekit.features.definitions import SIDES
from devicekit.features.merit import MeritResult, Settings, middle_curves
from devicekit.plot import Panel
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable


@dataclass(frozen=True, eq=False, kw_only=True)
class SignResult(MeritResult):
    """Sweeps with a current of the sign opposite to the voltage."""

    figure_caption = "Current with its sign, as it was read."
    figure_alt = "Current against voltage, with signs"

    n: int = column(doc="sweeps and records of the table")
    reversals: tuple[signs.Reversal, ...] = column(
        name="negative_conductance",
        table="negative_conductance",
        caption="Readings with a current of the sign opposite to the voltage",
        doc="one per sweep and sign of the voltage",
    )
    table: SweepTable = internal("the table as read")
    warnings: tuple[CodedWarning, ...] = column(json=False, default=())

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the number of sweeps with negative conductance."""
        found = float(len({(each.device_id, each.cycle) for each in self.reversals}))
        return (Scalar("negative_sweeps", "sweeps with negative conductance", found),)

    def sentences(self) -> list[str]:
        """Return where the sign is wrong, and how the current was used."""
        groups: dict[tuple[int, bool], list[signs.Reversal]] = {}
        for each in self.reversals:
            groups.setdefault((each.sign, each.whole), []).append(each)
        found = []
        for (sign, whole), own in groups.items():
            where = f"in {len(own)} of {count(self.n, 'sweep')}" if self.n > 1 else "in this sweep"
            side, other = SIDES[sign], SIDES[-sign]
            g = si(float(np.median([each.conductance_s for each in own])), "S")
            text = f"Negative conductance: {where} the current is {other} at {side} voltage (G = {g}"
            if whole:
                text += "). Its size is used; it may be stored without its sign, or measured at the other terminal."
            else:
                readings = count(sum(each.points for each in own), "reading")
                text += f", {readings}), beyond noise and offset. It is used as it is."
            found.append(text)
        return found

    def panel(self) -> Panel:
        """Draw the sweeps, the middle one on top."""
        return figures.sweeps(*middle_curves(self.table.frame), signed=True)


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> SignResult | None:
    """Find negative conductances in a table of sweeps; None if there is none."""
    kept = without_transistors(table) if isinstance(table, SweepTable) else None
    if kept is None:
        return None
    reversals = signs.find_reversals(kept)
    if not reversals:
        return None
    n = int(kept.frame.groupby(["device_id", "cycle"], sort=False).ngroups)
    turned = len({(each.device_id, each.cycle) for each in reversals if each.whole})
    words = f"the size of the current is used in {count(turned, 'sweep')}, where its sign is opposite to the voltage"
    warnings = (CodedWarning("abs", words),) if turned else ()
    return SignResult(reversals=reversals, n=n, table=kept, warnings=warnings)
