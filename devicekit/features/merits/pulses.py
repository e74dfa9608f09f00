"""Window and end states of pulse trains; `devicekit fit` fits their update law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.quantities import DIRECTIONS, GLOSSARY
from devicekit.core.records import Record, column, derived, internal, part
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, format_number, listed, span
from devicekit.features import figures
from devicekit.features.merit import MOST_CURVES, MeritResult, Settings
from devicekit.plot import Panel
from devicekit.report import Block, Table
from devicekit.tables import PulseTable
from devicekit.tables import Table as AnyTable


@dataclass(frozen=True, kw_only=True)
class DirectionEnds(Record):
    """Ends of the trains of one direction."""

    trains: int = column(doc="number of trains")
    start_median: float = column(doc="median of the first readings")
    end_median: float = column(doc="median of the last readings")
    end_sd: float = column(doc="standard deviation of the last readings")


@dataclass(frozen=True, eq=False, kw_only=True)
class PulseSummary(MeritResult):
    """Window and end states over trains."""

    figure_caption = "Trains."
    figure_alt = "Conductance against pulse number"

    ends: pd.DataFrame = column(
        json=False,
        table="trains",
        doc="one row per train: device_id, cycle, direction, readings, start, end, low, high",
    )
    table: PulseTable = internal("the trains")
    quantity = part("table.quantity", doc="name of the readings: conductance_s or weight")
    warnings: tuple[CodedWarning, ...] = column(json=False, default=())

    @derived()
    def low(self) -> float:
        """5 % quantile of the trains' lowest readings."""
        return float(self.ends["low"].quantile(0.05))

    @derived()
    def high(self) -> float:
        """95 % quantile of the trains' highest readings."""
        return float(self.ends["high"].quantile(0.95))

    @derived()
    def on_off(self) -> float | None:
        """High over low; None if low is not above 0."""
        return self.high / self.low if self.low > 0 else None

    @derived()
    def directions(self) -> dict[str, DirectionEnds]:
        """Ends of the trains by direction."""
        return {
            str(direction): DirectionEnds(
                trains=len(rows),
                start_median=float(rows["start"].median()),
                end_median=float(rows["end"].median()),
                end_sd=float(rows["end"].std()),
            )
            for direction, rows in self.ends.groupby("direction")
        }

    @property
    def unit(self) -> str:
        """Unit of the readings."""
        return GLOSSARY[self.table.quantity].unit

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the window of the readings."""
        unit = self.unit
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
        numbers = listed([f"{end.trains} {name.upper()}" for name, end in self.directions.items()])
        ratio = "" if self.on_off is None else f", on/off {self.on_off:.3g}"
        return [f"Pulse trains ({numbers}) from {span(self.low, self.high, self.unit)}{ratio}."]

    def panel(self) -> Panel:
        """Draw the trains as they are."""
        return trains_panel(self.table)

    def record_tables(self) -> list[Block]:
        """Return the window, and where the trains of each direction end."""
        rows = [
            ("low end of the window", format_number(self.low, self.unit)),
            ("high end of the window", format_number(self.high, self.unit)),
            ("on/off", format_number(self.on_off)),
        ]
        for name, end in self.directions.items():
            scatter = f" ± {format_number(end.end_sd, self.unit)}" if np.isfinite(end.end_sd) else ""
            words = f"{name.upper()}: end of {count(end.trains, 'train')}"
            rows.append((words, format_number(end.end_median, self.unit) + scatter))
        return [
            Table(("quantity", "value"), rows, "Pulse trains. Fit their update law and variation with devicekit fit.")
        ]


def trains_panel(table: PulseTable) -> Panel:
    """Draw trains of a table, not more than a figure can show."""
    by_direction = {
        direction: [(n, state) for _, _, n, state in islice(table.traces(direction), MOST_CURVES)]
        for direction in DIRECTIONS
    }
    return figures.trains(by_direction, table.quantity)


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> PulseSummary | None:
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
    return PulseSummary(ends=pd.DataFrame(rows), table=table)
