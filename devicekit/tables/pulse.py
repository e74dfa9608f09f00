"""Table of pulse trains: its columns, pulses and single trains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pandera.pandas as pa

from devicekit.core.errors import TableError
from devicekit.tables.base import ValidTable
from devicekit.tables.schemas import PULSE_SCHEMA

SAME_WIDTH = 1e-6  # relative difference of pulse widths that are one


@dataclass(frozen=True, eq=False)
class PulseTable(ValidTable):
    """Pulse trains, one row for the state after each pulse (`pulse_index` 0: before the first).

    Columns: device_id, cycle, direction (ltp | ltd), pulse_index, exactly one of conductance_s [S] and
    weight [1]; optional pulse_voltage_v, pulse_width_s, read_voltage_v, read_current_a; any others.
    A missing reading is NaN: the pulse happened, its result was not read.
    """

    schema: ClassVar[pa.DataFrameSchema] = PULSE_SCHEMA
    kind: ClassVar[str] = "pulse"
    contents: ClassVar[str] = "pulse trains"

    def _check(self, frame: pd.DataFrame) -> None:
        have = [name for name in ("conductance_s", "weight") if name in frame]
        if len(have) != 1:
            raise TableError(
                "a pulse table has exactly one of the columns conductance_s and weight; found "
                + (" and ".join(have) or "neither")
            )
        if not np.isfinite(frame[have[0]].to_numpy(float)).any():
            raise TableError(f"column {have[0]} holds no finite number")

    @property
    def quantity(self) -> str:
        """Name of the column that holds the state: conductance_s or weight."""
        return "conductance_s" if "conductance_s" in self.frame else "weight"

    @property
    def widths(self) -> list[float]:
        """Pulse widths present [s], ascending, those within a millionth as one; empty if the table does not say."""
        if "pulse_width_s" not in self.frame:
            return []
        found: list[float] = []
        for width in sorted(float(width) for width in self.frame["pulse_width_s"].dropna().unique()):
            if not found or width > found[-1] * (1 + SAME_WIDTH):
                found.append(width)
        return found

    @property
    def has_one_width(self) -> bool:
        """True if the pulses of a direction are equally wide, in all devices; those of LTP and of LTD may differ."""
        if len(self.widths) < 2:
            return True
        pulses = self.frame[self.frame["pulse_index"] > self.frame["pulse_index"].min()]
        extent = pulses.groupby("direction")["pulse_width_s"].agg(["min", "max"])
        return bool((extent["max"] <= extent["min"] * (1 + SAME_WIDTH)).all())

    @property
    def amplitudes(self) -> dict[str, list[float]]:
        """Pulse amplitudes present by direction [V], by their size, ascending; empty where the table does not say.

        Those of pulses, not of the reading before the first one, where the table has others.
        """
        found: dict[str, list[float]] = {"ltp": [], "ltd": []}
        if "pulse_voltage_v" in self.frame:
            given = self.frame[self.frame["pulse_index"] > self.frame["pulse_index"].min()]
            for direction, volts in given["pulse_voltage_v"].abs().dropna().groupby(given["direction"]):
                found[str(direction)] = sorted(float(each) for each in volts.unique())
        return found

    def select(self, device: str | None = None, cycle: int | None = None, width: float | None = None) -> PulseTable:
        """Return the rows of one device, cycle or pulse width [s]; `TableError` if nothing is left."""
        table = super().select(device, cycle)
        if width is None:
            return table
        if "pulse_width_s" not in table.frame:
            raise TableError("the table has no column pulse_width_s to select by")
        keep = np.isclose(table.frame["pulse_width_s"], width, rtol=SAME_WIDTH, atol=0.0)
        return replace(table, frame=table._kept(keep, "pulse_width_s", width))

    def traces(self, direction: str) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
        """Return each train of one direction: (device_id, cycle, pulse_index, state), sorted by pulse index."""
        rows = self.frame[self.frame["direction"] == direction]
        number = rows.groupby(["device_id", "cycle"], sort=False).ngroup().to_numpy()  # in order of appearance
        index, state = rows["pulse_index"].to_numpy(int), rows[self.quantity].to_numpy(float)
        order = np.lexsort((index, number))  # one stable sort for all trains: a sort for each took a second
        order = order[number[order] >= 0]  # no device or no cycle, no train
        if order.size == 0:
            return
        first = np.flatnonzero(np.diff(number[order], prepend=-1))
        devices = rows["device_id"].iloc[order[first]].astype(str)
        cycles = rows["cycle"].iloc[order[first]].astype(str)
        for device, cycle, own in zip(devices, cycles, np.split(order, first[1:]), strict=True):
            yield device, int(cycle), index[own], state[own]
