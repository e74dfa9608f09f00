"""Figures of figures of merit. Every function takes `ax=None` and returns the Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from devicekit.features.stats import ranks, weibull
from devicekit.names import GLOSSARY, label
from devicekit.plot import COLOURS, axes, plain, plain_logarithmic
from devicekit.readers.splitting import branches
from devicekit.tables import EnduranceTable, PulseTable, RetentionTable, StdpTable, SweepTable, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devicekit.features.dc import DcResult
    from devicekit.features.endurance import EnduranceResult
    from devicekit.features.reading import NoiseResult
    from devicekit.features.retention import RetentionResult
    from devicekit.features.stdp import StdpResult

MOST_CURVES = 100  # a figure with more lines is a grey area, and a heavy one


def _log(ax: Axes, which: str) -> None:
    """Logarithmic axes, where something that is drawn can be shown on them."""
    for name in which:
        drawn = [
            np.asarray(line.get_xdata() if name == "x" else line.get_ydata(), float)
            for line in ax.get_lines()
        ]
        values = np.concatenate(drawn) if drawn else np.empty(0)
        shown = values[np.isfinite(values) & (values > 0)]
        if shown.size:
            ax.set(**{f"{name}scale": "log"})
            plain_logarithmic(ax.xaxis if name == "x" else ax.yaxis, float(shown.min()), float(shown.max()))


def _legend(ax: Axes) -> None:
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize="small", frameon=False)


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
            ax.plot(rows[across], rows["conductance_s"], ".", ms=3, label=plain(name))
        ax.set(xlabel=label(across), ylabel=label("conductance_s"))
        _log(ax, "xy")
        _legend(ax)
    elif isinstance(table, StdpTable):
        ax.plot(table.frame["spike_delay_s"], table.frame["weight_change"], ".", ms=3, color=COLOURS["ltp"])
        ax.set(xlabel=label("spike_delay_s"), ylabel=label("weight_change"))
    else:
        numbers = [n for n in table.frame.select_dtypes("number") if n not in ("record", "point")]
        for column in numbers[:4]:
            ax.plot(table.frame[column].to_numpy(float), label=plain(column))
        ax.set(xlabel=label("point"))
        _legend(ax)
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
    _legend(ax)
    return ax


def plot_sweeps(table: SweepTable, ax: Axes | None = None) -> Axes:
    """Size of the current of every sweep against V on a log scale; the middle sweep is drawn on top."""
    ax = axes(ax)
    groups = list(table.frame.groupby(["device_id", "cycle"], sort=False))
    step = max(1, len(groups) // MOST_CURVES)
    for _, sweep in groups[::step]:
        size = np.abs(sweep["current_a"].to_numpy(float))
        ax.plot(sweep["voltage_v"], np.where(size > 0, size, np.nan), "-", lw=0.5, alpha=0.4, color="0.5")
    middle = groups[len(groups) // 2][1]
    size = np.abs(middle["current_a"].to_numpy(float))
    ax.plot(middle["voltage_v"], np.where(size > 0, size, np.nan), "-", lw=1.3, color=COLOURS["ltp"])
    ax.set(xlabel=label("voltage_v"), ylabel="|current I| [A]")
    _log(ax, "y")
    return ax


def plot_probability(
    values: np.ndarray, quantity: str, ax: Axes | None = None, kind: str = "weibull"
) -> Axes:
    """Probability plot of magnitudes: a straight line means a Weibull (or normal) distribution.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Values of `quantity`; those that are not finite are left out.
    kind : {"weibull", "normal"}
    """
    from scipy import stats

    ax = axes(ax)
    x, p = ranks(np.abs(values))
    x, p = x[x > 0], p[x > 0]
    if kind == "weibull":
        fit = weibull(x, quantity)
        ax.plot(x, np.log(-np.log1p(-p)), ".", ms=3, color=COLOURS["ltp"], label=f"{x.size} cycles")
        if fit:
            line = np.array([x.min(), x.max()])
            name = f"shape {fit.shape:.3g}, scale {fit.scale:.3g}"
            ax.plot(line, fit.shape * np.log(line / fit.scale), "-", color="black", lw=1, label=name)
        _log(ax, "x")
        ax.set(ylabel="ln(-ln(1 - F))")
    else:
        ax.plot(x, stats.norm.ppf(p), ".", ms=3, color=COLOURS["ltp"], label=f"{x.size} cycles")
        ends = np.array([x.min(), x.max()])
        spread = float(np.std(x, ddof=1)) if x.size > 1 else 0.0
        if spread > 0:
            ax.plot(
                ends,
                (ends - x.mean()) / spread,
                "-",
                color="black",
                lw=1,
                label=f"{x.mean():.3g} ± {spread:.2g}",
            )
        ax.set(ylabel="normal quantile")
    ax.set(xlabel=label(quantity) if quantity in GLOSSARY else quantity)
    _legend(ax)
    return ax


def plot_levels(result: DcResult, ax: Axes | None = None) -> Axes:
    """Cumulative distribution of HRS and LRS; against compliance if there are several."""
    ax = axes(ax)
    if len(result.levels):
        t = result.levels
        error = [t["g_lrs_s"] - t["g_lrs_low_s"], t["g_lrs_high_s"] - t["g_lrs_s"]]
        ax.errorbar(
            t["compliance_a"], t["g_lrs_s"], yerr=error, fmt="o-", ms=4, color=COLOURS["ltp"], capsize=2
        )
        _log(ax, "xy")
        ax.set(xlabel=label("compliance_a"), ylabel="G of the LRS [S]")
        return ax
    for name, text, colour in (("g_hrs_s", "HRS", COLOURS["ltd"]), ("g_lrs_s", "LRS", COLOURS["ltp"])):
        x, p = ranks(result.cycles[name].to_numpy(float))
        ax.plot(x[x > 0], p[x > 0], ".", ms=3, color=colour, label=text)
    _log(ax, "x")
    ax.set(xlabel=label("conductance_s"), ylabel="share of cycles")
    _legend(ax)
    return ax


def plot_conduction(table: SweepTable, ax: Axes | None = None) -> Axes:
    """Size of I against size of V on log scales, both branches of the middle sweep.

    A slope of 1 is ohmic, one of 2 space charge limited.
    """
    ax = axes(ax)
    groups = list(table.frame.groupby(["device_id", "cycle"], sort=False))
    sweep = groups[len(groups) // 2][1].dropna(subset=["voltage_v", "current_a"])
    v, i = sweep["voltage_v"].to_numpy(float), np.abs(sweep["current_a"].to_numpy(float))
    for part in branches(v):
        x, y = np.abs(v[part.start : part.stop]), i[part.start : part.stop]
        keep = (x > 0) & (y > 0)
        name = f"{'+' if part.sign > 0 else '-'}V {'rising' if part.rising else 'falling'}"
        ax.plot(x[keep], y[keep], "-" if part.rising else "--", lw=1.2, label=name)
    _log(ax, "xy")
    ax.set(xlabel="|voltage V| [V]", ylabel="|current I| [A]")
    _legend(ax)
    return ax


def plot_endurance(table: EnduranceTable, result: EnduranceResult, ax: Axes | None = None) -> Axes:
    """Every reading (dots) and the median of each decade (line), HRS and LRS."""
    ax = axes(ax)
    for level, colour in (("lrs", COLOURS["ltp"]), ("hrs", COLOURS["ltd"])):
        rows = table.frame[table.frame["level"] == level]
        step = max(1, len(rows) // 5000)
        ax.plot(
            np.maximum(rows["cycle"][::step], 1),
            rows["conductance_s"][::step],
            ".",
            ms=2,
            alpha=0.5,
            color=colour,
        )
        medians = result.decades[result.decades["level"] == level]
        ax.plot(
            10.0 ** (medians["decade"] + 0.5),
            medians["median_s"],
            "-o",
            ms=3,
            color=colour,
            label=level.upper(),
        )
    _log(ax, "xy")
    ax.set(xlabel=label("cycle"), ylabel=label("conductance_s"))
    _legend(ax)
    return ax


def plot_retention(table: RetentionTable, result: RetentionResult, ax: Axes | None = None) -> Axes:
    """Readings and the power law of every state; the prediction with its interval where there is one."""
    ax = axes(ax)
    for state in result.states[:MOST_CURVES]:
        rows = table.frame[
            (table.frame["device_id"] == state.device_id) & (table.frame["level"] == state.level)
        ]
        (dots,) = ax.plot(rows["time_s"], rows["conductance_s"], ".", ms=3)
        t = np.array([state.first_s, state.prediction.time_s if state.prediction else state.last_s])
        ax.plot(
            t, state.g_1s * t**-state.nu, "--" if state.prediction else "-", lw=0.8, color=dots.get_color()
        )
        if state.prediction:
            p = state.prediction
            error = [[p.conductance_s - p.low_s], [p.high_s - p.conductance_s]]
            ax.errorbar(
                [p.time_s], [p.conductance_s], yerr=error, fmt="s", ms=3, color=dots.get_color(), capsize=2
            )
    ax.set(
        xlabel="time since the state was written [s]",
        ylabel=label("conductance_s"),
    )
    _log(ax, "xy")
    return ax


def plot_stdp(table: StdpTable, result: StdpResult, ax: Axes | None = None) -> Axes:
    """Medians with ranges at each delay, and the fitted window."""
    ax = axes(ax)
    d = result.delays
    ax.plot(
        1e3 * table.frame["spike_delay_s"],
        table.frame["weight_change"],
        ".",
        ms=3,
        color="0.55",
        label="readings",
        zorder=3,
    )
    error = [d["median"] - d["low"], d["high"] - d["median"]]
    ax.errorbar(
        1e3 * d["spike_delay_s"],
        d["median"],
        yerr=error,
        fmt="o",
        ms=3,
        color=COLOURS["ltp"],
        label="median, range",
    )
    for side in (-1, 1):
        ends = np.abs(d["spike_delay_s"][np.sign(d["spike_delay_s"]) == side])
        t = side * np.linspace(ends.min(), ends.max(), 200)
        ax.plot(1e3 * t, result.window(t), "-", color="black", lw=1, label=None if side < 0 else "fit")
    ax.axhline(0, color="0.6", lw=0.6)
    ax.set(xlabel="spike delay Δt [ms]", ylabel=label("weight_change"))
    _legend(ax)
    return ax


def plot_noise(time: np.ndarray, current: np.ndarray, result: NoiseResult, ax: Axes | None = None) -> Axes:
    """The record of a read current [A] against time [s], with the levels that were found."""
    ax = axes(ax)
    step = max(1, time.size // 5000)
    ax.plot(time[::step], current[::step], "-", lw=0.4, color="0.5")
    for level in result.levels:
        ax.axhline(level.current_a, color=COLOURS["ltd"], lw=1)
    ax.set(xlabel=label("time_s"), ylabel=label("current_a"))
    return ax
