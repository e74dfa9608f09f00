"""Window and end states of pulse trains; `devicekit fit` fits their update law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.quantities import DIRECTIONS, GLOSSARY
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, format_number, listed, span
from devicekit.features import figures
from devicekit.features.merit import MOST_CURVES, Merit, Settings, figure
from devicekit.plot import Panel
from devicekit.report import Block, Table
from devicekit.tables import PulseTable
from devicekit.tables import Table as AnyTable


@dataclass(frozen=True, eq=False)
class PulseSummary:
    """Window and end states over trains.

    Attributes
    ----------
    ends : pandas.DataFrame
        One row per train: device_id, cycle, direction, readings, start, end, low, high.
    low, high : float
        5 % quantile of the trains' lowest readings, and 95 % quantile of the highest ones.
    """

    ends: pd.DataFrame
    low: float
    high: float
    table: PulseTable
    warnings: tuple[CodedWarning, ...] = ()

    @property
    def on_off(self) -> float | None:
        """High over low; None if low is not above 0."""
        return self.high / self.low if self.low > 0 else None

    def _directions(self) -> dict[str, dict[str, Any]]:
        return {
            str(direction): {
                "trains": len(rows),
                "start_median": float(rows["start"].median()),
                "end_median": float(rows["end"].median()),
                "end_sd": float(rows["end"].std()),
            }
            for direction, rows in self.ends.groupby("direction")
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        quantity = self.table.quantity
        ends = {"low": self.low, "high": self.high, "on_off": self.on_off}
        return {"quantity": quantity, **ends, "directions": self._directions()}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per train."""
        return {"trains": self.ends}

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the window of the readings."""
        unit = GLOSSARY[self.table.quantity].unit
        stem, end = ("g", "_s") if unit else ("weight", "")
        by = "5 % and 95 % quantiles of the trains' lowest and highest readings"
        shown = (
            Scalar(f"{stem}_low{end}", "low end of the window", self.low, unit, by=by),
            Scalar(f"{stem}_high{end}", "high end of the window", self.high, unit, by=by),
        )
        ratio = self.on_off
        if ratio is None:
            return shown
        return (*shown, Scalar("on_off", "on/off (high over low end of the window)", ratio, by=by))

    def sentences(self) -> list[str]:
        """Return numbers of trains, and the window."""
        unit = GLOSSARY[self.table.quantity].unit
        numbers = listed([f"{end['trains']} {name.upper()}" for name, end in self._directions().items()])
        ratio = "" if self.on_off is None else f", on/off {self.on_off:.3g}"
        return [f"Pulse trains ({numbers}) from {span(self.low, self.high, unit)}{ratio}."]

    def panel(self) -> Panel:
        """Draw the trains as they are."""
        return trains_panel(self.table)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        unit = GLOSSARY[self.table.quantity].unit
        rows = [
            ("low end of the window", format_number(self.low, unit)),
            ("high end of the window", format_number(self.high, unit)),
            ("on/off", format_number(self.on_off)),
        ]
        for name, end in self._directions().items():
            scatter = f" ± {format_number(end['end_sd'], unit)}" if np.isfinite(end["end_sd"]) else ""
            words = f"{name.upper()}: end of {count(end['trains'], 'train')}"
            rows.append((words, format_number(end["end_median"], unit) + scatter))
        caption = "Pulse trains. Fit their update law and variation with devicekit fit."
        shown = figure(self.panel(), "Trains.", "Conductance against pulse number")
        return [Table(("quantity", "value"), rows, caption), shown]


def trains_panel(table: PulseTable) -> Panel:
    """Draw trains of a table, not more than a figure can show."""
    by_direction = {
        direction: [(n, state) for _, (_, _, n, state) in zip(range(MOST_CURVES), table.traces(direction))]  # noqa: B905
        for direction in DIRECTIONS
    }
    return figures.trains(by_direction, table.quantity)


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> PulseSummary | None:
    """Find the window and the end states of a table of pulse trains."""
    if not isinstance(table, PulseTable):
        return None
    rows = []
    for direction in DIRECTIONS:
        for device, cycle, _, state in table.traces(direction):
            known = state[np.isfinite(state)]
            if known.size:
                rows.append(
                    {
                        "device_id": device,
                        "cycle": cycle,
                        "direction": direction,
                        "readings": known.size,
                        "start": known[0],
                        "end": known[-1],
                        "low": known.min(),
                        "high": known.max(),
                    }
                )
    ends = pd.DataFrame(rows)
    return PulseSummary(ends, float(ends["low"].quantile(0.05)), float(ends["high"].quantile(0.95)), table)
