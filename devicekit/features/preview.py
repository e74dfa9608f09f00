"""Preview of a table: trains, sweeps or readings as measured."""

from __future__ import annotations

import numpy as np

from devicekit.features import figures
from devicekit.features.dc.figures import sweeps
from devicekit.features.merit import MOST_CURVES, middle_curves
from devicekit.features.merits.pulses import trains_panel
from devicekit.plot import Axis, Panel
from devicekit.tables import (
    EnduranceTable,
    MultilevelTable,
    PairedTable,
    PulseTable,
    RetentionTable,
    StdpTable,
    SweepTable,
    Table,
    TransientTable,
)


def preview(table: Table) -> Panel:
    """Draw a table as it is."""
    frame = table.frame
    if isinstance(table, PulseTable):
        return trains_panel(table)
    if isinstance(table, SweepTable):
        return sweeps(*middle_curves(frame))
    if isinstance(table, EnduranceTable | RetentionTable):
        across = "cycle" if isinstance(table, EnduranceTable) else "time_s"
        state = table.quantity if isinstance(table, RetentionTable) else "conductance_s"
        groups = {
            str(name): (rows[across].to_numpy(float), rows[state].to_numpy(float))
            for name, rows in frame.groupby("level", sort=False)
        }
        scale = "linear" if state == "weight" else "log"
        return figures.readings(groups, Axis.of(across, scale="log"), Axis.of(state, scale=scale))
    if isinstance(table, StdpTable):
        pairs = {"readings": (frame["spike_delay_s"].to_numpy(float), frame["weight_change"].to_numpy(float))}
        return figures.readings(pairs, Axis.of("spike_delay_s"), Axis.of("weight_change"))
    if isinstance(table, PairedTable):
        ratios = (frame["interval_s"].to_numpy(float), frame["ratio"].to_numpy(float))
        return figures.readings({"pairs": ratios}, Axis.of("interval_s", scale="log"), Axis.of("ratio"))
    if isinstance(table, MultilevelTable):
        parts = list(frame.groupby("level", sort=False)["conductance_s"])[:MOST_CURVES]
        at = {str(name): np.full(len(values), float(k)) for k, (name, values) in enumerate(parts)}
        groups = {str(name): (at[str(name)], values.to_numpy(float)) for name, values in parts}
        return figures.readings(groups, Axis("level", names=tuple(at)), Axis.of("conductance_s"))
    if isinstance(table, TransientTable):
        groups = {
            f"{device} {record}": (rows["time_s"].to_numpy(float), rows[table.quantity].to_numpy(float))
            for (device, record), rows in list(frame.groupby(["device_id", "record"], sort=False))[:MOST_CURVES]
        }
        return figures.readings(groups, Axis.of("time_s"), Axis.of(table.quantity))
    numbers = [name for name in frame.select_dtypes("number") if name not in ("record", "point", "cycle")][:4]
    columns = {str(name): (np.arange(len(frame)), frame[name].to_numpy(float)) for name in numbers}
    return figures.readings(columns, Axis.of("point"), Axis("value"), style="-")
