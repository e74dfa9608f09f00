"""Figures of figures of merit. Every function takes `ax=None` and returns the Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from devicekit.names import label
from devicekit.plot import COLOURS, axes
from devicekit.tables import EnduranceTable, PulseTable, RetentionTable, StdpTable, SweepTable, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CURVES = 200  # a page with more lines is a black area


def preview(table: Table, ax: Axes | None = None) -> Axes:
    """The table as it is: trains, sweeps or readings."""
    if isinstance(table, SweepTable):
        return plot_sweeps(table, ax)
    if isinstance(table, PulseTable):
        return _plot_trains(table, ax)
    ax = axes(ax)
    if isinstance(table, EnduranceTable | RetentionTable):
        across = "cycle" if isinstance(table, EnduranceTable) else "time_s"
        for name, rows in table.frame.groupby("level", sort=False):
            ax.plot(rows[across], rows["conductance_s"], ".", ms=3, label=str(name))
        ax.set(xlabel=label(across), ylabel=label("conductance_s"), xscale="symlog", yscale="log")
        ax.legend(fontsize="small", frameon=False)
    elif isinstance(table, StdpTable):
        ax.plot(table.frame["spike_delay_s"], table.frame["weight_change"], ".", ms=3, color=COLOURS["ltp"])
        ax.set(xlabel=label("spike_delay_s"), ylabel=label("weight_change"))
    else:
        numbers = [n for n in table.frame.select_dtypes("number") if n not in ("record", "point")]
        for column in numbers[:4]:
            ax.plot(table.frame[column].to_numpy(float), label=str(column))
        ax.set(xlabel=label("point"))
        ax.legend(fontsize="small", frameon=False)
    return ax


def _plot_trains(table: PulseTable, ax: Axes | None) -> Axes:
    ax = axes(ax)
    for way in ("ltp", "ltd"):
        for k, (_, _, index, state) in enumerate(table.traces(way)):
            if k < MOST_CURVES:
                ax.plot(
                    index, state, "-", lw=0.7, alpha=0.6, color=COLOURS[way], label=None if k else way.upper()
                )
    ax.set(xlabel=label("pulse_index"), ylabel=label(table.quantity))
    ax.legend(fontsize="small", frameon=False)
    return ax


def plot_sweeps(table: SweepTable, ax: Axes | None = None) -> Axes:
    """|I| of every sweep against V on a log scale; the median current at each voltage step is drawn on top."""
    ax = axes(ax)
    groups = list(table.frame.groupby(["device_id", "cycle"], sort=False))
    step = max(1, len(groups) // MOST_CURVES)
    for _, sweep in groups[::step]:
        size = np.abs(sweep["current_a"].to_numpy(float))
        ax.plot(sweep["voltage_v"], np.where(size > 0, size, np.nan), "-", lw=0.5, alpha=0.4, color="0.5")
    middle = groups[len(groups) // 2][1]
    size = np.abs(middle["current_a"].to_numpy(float))
    ax.plot(middle["voltage_v"], np.where(size > 0, size, np.nan), "-", lw=1.3, color=COLOURS["ltp"])
    ax.set(xlabel=label("voltage_v"), ylabel="|current I| [A]", yscale="log")
    return ax
