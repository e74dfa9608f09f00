"""Figures of fits. Every function takes `ax=None` and returns the Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.errors import UsageError
from devicekit.names import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devicekit.device.card import DeviceCard
    from devicekit.fitting.branch.identifiability import Identifiability
    from devicekit.fitting.comparison import Comparison
    from devicekit.fitting.result import DeviceFit
    from devicekit.studies.runner import StudyResult

# Two hues that stay apart for every kind of colour vision and in grey print.
COLOURS = {"ltp": "#0b6fa4", "ltd": "#c4501b"}


def axes(ax: Axes | None) -> Axes:
    """The Axes given, or a new one in a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, made = plt.subplots(figsize=(5.0, 3.4), layout="constrained")
    return made


def plain(text: object) -> str:
    """A user's text for a figure: no dollar sign begins a formula, nothing unprintable breaks an SVG."""
    shown = "".join(c if c.isprintable() else " " for c in str(text))
    return shown.replace("$", r"\$")


def plain_logarithmic(axis: Any, lowest: float, highest: float) -> None:
    """Ticks of a logarithmic axis over little more than a decade: 20 µ, 50 µ, 100 µ instead of 2 x 10^-5."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    if 0 < highest < 30 * lowest:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(EngFormatter(sep=" "))
        axis.set_minor_formatter(NullFormatter())


def scaled(quantity: str, top: float) -> tuple[float, str]:
    """Factor, and axis label with the prefix that goes with it, that keep tick labels short."""
    if quantity != "conductance_s":
        return 1.0, label(quantity)
    for factor, prefix in ((1e9, "n"), (1e6, "µ"), (1e3, "m")):
        if top * factor < 1000:
            return factor, f"conductance G [{prefix}S]"
    return 1.0, label(quantity)


def plot_fit(fit: DeviceFit, ax: Axes | None = None) -> Axes:
    """Measured mean curves (dots), the range of all trains (shade) and the fit (line), LTP then LTD."""
    from devicekit.fitting.branch.trains import stack

    ax = axes(ax)
    factor, text = scaled(fit.window.quantity, fit.window.high)
    offset = 0
    for way, branch in fit.branches.items():
        n = offset + np.arange(branch.x.size)
        trains, _ = stack(fit.table, way)
        if trains is not None and len(trains.values) > 1:
            values = trains.values[:, : n.size] * factor
            ax.fill_between(n, np.nanmin(values, axis=0), np.nanmax(values, axis=0), color=COLOURS[way], alpha=0.15,
                            lw=0, label=f"all {len(values)} {way.upper()} trains")  # fmt: skip
        measured = fit.window.from_state(branch.measured) * factor
        fitted = fit.window.from_state(branch.fitted) * factor
        ax.plot(n, measured, ".", ms=3, color=COLOURS[way], label=f"{way.upper()} mean")
        ax.plot(n, fitted, "-", lw=1.2, color="black", label=None if offset else f"{fit.law.name} fit")
        offset += branch.x.size
    ax.set(xlabel=label("pulse_index"), ylabel=text)
    ax.legend(fontsize="small", frameon=False)
    return ax


def plot_residuals(fit: DeviceFit, ax: Axes | None = None) -> Axes:
    """Measured minus fitted state along the trains, as a percentage of the window, with the reading noise."""
    ax = axes(ax)
    offset = 0
    for way, branch in fit.branches.items():
        n = offset + np.arange(branch.x.size)
        ax.plot(
            n, 100 * (branch.measured - branch.fitted), "-", lw=0.8, color=COLOURS[way], label=way.upper()
        )
        ax.fill_between(n, -100 * branch.noise, 100 * branch.noise, color="0.8", lw=0,
                        label=None if offset else "±1 sd of the mean curve's noise")  # fmt: skip
        offset += branch.x.size
    ax.axhline(0, color="0.5", lw=0.6)
    ax.set(xlabel=label("pulse_index"), ylabel="residual [% of window]")
    ax.legend(fontsize="small", frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax


def plot_rate(card: DeviceCard, ax: Axes | None = None) -> Axes:
    """Size of rdot(r) of both branches with its confidence band; dashed where it was not measured."""
    ax = axes(ax)
    for branch in (card.ltp, card.ltd):
        curve = branch.rate_curve
        r, rate = np.array(curve.r), np.abs(curve.rate)
        ends = np.sort(np.abs([curve.lower, curve.upper]), axis=0)
        low, high = branch.measured_range
        inside = (r >= low - 0.01) & (r <= high + 0.01)
        colour = COLOURS[branch.direction]
        name = branch.direction.upper()
        ax.plot(r, rate, "--", lw=0.8, color=colour)
        ax.plot(r[inside], rate[inside], "-", lw=1.5, color=colour, label=f"{name}")
        ax.fill_between(
            r, ends[0], ends[1], color=colour, alpha=0.2, lw=0, label=f"{name} {curve.level:.0%} band"
        )
    top = max(branch.largest_step for branch in (card.ltp, card.ltd))
    ax.set(
        xlabel=label("state"), ylabel="|rate rdot(r)| [window per pulse]", ylim=(0, 1.25 * top), xlim=(0, 1)
    )
    ax.legend(fontsize="small", frameon=False)
    return ax


def plot_correlation(report: Identifiability, ax: Axes | None = None) -> Axes:
    """Correlation matrix of the parameters; blank where a parameter sits at a bound."""
    ax = axes(ax)
    names = report.parameters
    image = ax.imshow(report.correlation, vmin=-1, vmax=1, cmap="RdBu_r")
    for i in range(len(names)):
        for j in range(len(names)):
            if np.isfinite(report.correlation[i, j]):
                value = report.correlation[i, j]
                ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize="x-small",
                        color="white" if abs(value) > 0.6 else "black")  # fmt: skip
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    ax.set_title(f"{report.determined} of {len(names)} directions determined", fontsize="medium")
    ax.figure.colorbar(image, ax=ax, label="correlation")
    return ax


def plot_cycles(fit: DeviceFit, direction: str = "ltp", ax: Axes | None = None) -> Axes:
    """Fan of all cycles of the first device, early cycles light and late ones dark: C2C and drift at a glance."""
    from devicekit.fitting.branch.trains import stack

    ax = axes(ax)
    trains, _ = stack(fit.table, direction)
    if trains is None:
        raise UsageError(f"the table has no {direction.upper()} trains")
    own = trains.of(trains.devices[0])
    factor, text = scaled(fit.window.quantity, fit.window.high)
    order = np.argsort(own.cycles, kind="stable")
    for rank, row in enumerate(order):
        ax.plot(
            own.values[row] * factor,
            lw=0.8,
            color=COLOURS[direction],
            alpha=0.25 + 0.7 * (rank + 1) / len(order),
        )
    ax.set(xlabel=label("pulse_index"), ylabel=text)
    ax.set_title(
        f"{len(order)} {direction.upper()} cycles of {plain(trains.devices[0])} (late ones dark)", fontsize="medium"
    )
    return ax


def plot_devices(fit: DeviceFit, direction: str = "ltp", ax: Axes | None = None) -> Axes:
    """Mean curve of each device, and the central fit."""
    from devicekit.fitting.branch.trains import stack

    ax = axes(ax)
    trains, _ = stack(fit.table, direction)
    if trains is None:
        raise UsageError(f"the table has no {direction.upper()} trains")
    factor, text = scaled(fit.window.quantity, fit.window.high)
    for curve in trains.mean_by_device():
        ax.plot(curve * factor, lw=0.8, color=COLOURS[direction], alpha=0.6)
    branch = fit.branches[direction]
    ax.plot(fit.window.from_state(branch.fitted) * factor, color="black", lw=1.4, label="central fit")
    ax.set(xlabel=label("pulse_index"), ylabel=text)
    ax.set_title(
        f"{len(set(trains.devices))} devices, {direction.upper()}, mean over cycles", fontsize="medium"
    )
    ax.legend(fontsize="small", frameon=False)
    return ax


def plot_increments(fit: DeviceFit, direction: str = "ltp", ax: Axes | None = None) -> Axes:
    """Variance over cycles against pulse number, and what increments, reads and offsets make of it."""
    from devicekit.fitting.variation.spread import predicted_variance, scatter

    ax = axes(ax)
    branch = fit.branches[direction]
    measured = scatter(fit, direction)
    ax.plot(measured, ".", ms=3, color=COLOURS[direction], label="data")
    spread = fit.variation.branches[direction]
    if spread.increment is not None:
        ax.plot(predicted_variance(branch, spread), "-", color="black", lw=1.2, label="from the components")
    ax.set(xlabel=label("pulse_index"), ylabel="variance over cycles [window²]", title=direction.upper())
    ax.legend(fontsize="small", frameon=False)
    return ax


def plot_study(result: StudyResult, outcome: str = "accuracy_mean_last", ax: Axes | None = None) -> Axes:
    """Mean over seeds of every case, first case on top, with one standard deviation."""
    ax = axes(ax)
    summary = result.summary(outcome)
    if "mean" not in summary:
        ax.text(0.5, 0.5, "no run finished", ha="center", transform=ax.transAxes)
        return ax
    rows = np.arange(len(summary))
    ax.errorbar(100 * summary["mean"], rows, xerr=100 * summary["sd"].fillna(0), fmt="o", ms=4, capsize=3,
                color=COLOURS["ltp"])  # fmt: skip
    ax.set_yticks(rows, [plain(case) for case in summary["case"]])
    ax.set_ylim(len(summary) - 0.5, -0.5)
    ax.grid(axis="x", alpha=0.3)
    ax.set(xlabel="test accuracy [%]")
    return ax


def plot_losses(result: StudyResult, outcome: str = "accuracy_mean_last", ax: Axes | None = None) -> Axes:
    """What each case costs against the study's reference case, dearest on top; bars: two standard errors."""
    ax = axes(ax)
    losses = result.losses(outcome)
    if losses.empty:
        ax.text(0.5, 0.5, "no run finished", ha="center", transform=ax.transAxes)
        return ax
    rows = np.arange(len(losses))
    ax.barh(rows, 100 * losses["loss"], color=COLOURS["ltp"], height=0.6,
            xerr=200 * losses["se"].fillna(0), error_kw={"capsize": 3, "lw": 1})  # fmt: skip
    ax.axvline(0, color="0.4", lw=0.8)
    ax.set_yticks(rows, [plain(case) for case in losses["case"]])
    ax.invert_yaxis()
    ax.grid(axis="x", alpha=0.3)
    ax.set(xlabel="loss of accuracy [points]")
    return ax


def plot_comparison(comparison: Comparison, direction: str = "ltp", ax: Axes | None = None) -> Axes:
    """BIC above the best law, each bar with the law's rms misfit in % of the window; best law on top."""
    ax = axes(ax)
    scores = comparison.branches[direction]
    excess = [score.bic - scores[0].bic for score in scores]
    ax.barh(range(len(scores)), excess, color=COLOURS[direction])
    for row, (score, height) in enumerate(zip(scores, excess, strict=True)):
        ax.annotate(
            f" {100 * score.rms:.2g} %", (height, row), va="center", fontsize="small", annotation_clip=False
        )
    ax.set_yticks(range(len(scores)), [score.model for score in scores])
    ax.invert_yaxis()
    ax.margins(x=0.12)
    ax.set(xlabel="BIC above the best law")
    ax.set_title(f"{direction.upper()}, rms misfit in % of the window", fontsize="medium")
    return ax


def plot_accuracy(result: dict[str, Any], ax: Axes | None = None) -> Axes:
    """Training and test accuracy per epoch, from the dictionary that `devicekit train --json` prints."""
    from matplotlib.ticker import MaxNLocator

    ax = axes(ax)
    epochs = [row["epoch"] for row in result["epochs"]]
    ax.plot(
        epochs,
        [100 * row["train_accuracy"] for row in result["epochs"]],
        "--",
        color="0.45",
        label="training part",
    )
    ax.plot(
        epochs,
        [100 * row["test_accuracy"] for row in result["epochs"]],
        "o-",
        ms=3,
        color=COLOURS["ltp"],
        label="test part",
    )
    ax.set(xlabel="epoch", ylabel="accuracy [%]")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize="small", frameon=False)
    return ax
