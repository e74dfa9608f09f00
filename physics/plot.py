"""Figures of simulations (paper, Fig. 2). Every function takes `ax=None` and returns the Axes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.names import label
from devicekit.plot import COLOURS, plain_logarithmic, scaled
from devicekit.plot import axes as new_axes
from devicekit.tables import SweepTable
from devicekit.text import si
from physics.result import IVResult, PulseResult, Stage, _Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Quantity of a map: attribute of a Stage, glossary name, colour map, logarithmic or not.
_MAPS = {
    "potential": ("potential_v", "viridis", False),
    "density": ("vacancy_density_m3", "magma", True),
    "temperature": ("temperature_k", "inferno", False),
}
MAP_WORDS = {"potential": "Potential", "density": "Vacancy density", "temperature": "Temperature"}


def map_quantity(name: str) -> str:
    """Glossary name of what a map shows."""
    return _MAPS[name][0]


def plot_iv(result: IVResult, measured: SweepTable | None = None, ax: Axes | None = None) -> Axes:
    """Size of the current against voltage, logarithmic; over a measured sweep if there is one."""
    ax = new_axes(ax)
    if measured is not None:
        _curves(ax, measured, "measured", ls="", marker=".", ms=3, color="0.6")
    _curves(ax, result.sweep, "simulated", lw=1.5, color=COLOURS["ltp"])
    if result.v_set_v is not None:
        ax.axvline(
            result.v_set_v, color=COLOURS["ltd"], lw=0.9, ls="--", label=f"V_set = {result.v_set_v:.3f} V"
        )
    ax.set_xlabel(label("voltage_v"))
    ax.set_ylabel(f"|{label('current_a').replace(' [', '| [')}")
    ax.legend(fontsize="small", frameon=False)
    return ax


def _curves(ax: Axes, sweep: SweepTable, name: str, **style: Any) -> None:
    for n, (_, rows) in enumerate(sweep.frame.groupby(["device_id", "cycle"], sort=False)):
        current = _positive(rows["current_a"])
        ax.semilogy(rows["voltage_v"].to_numpy(), current, label=name if n == 0 else None, **style)


def _positive(current: Any) -> Any:
    size = np.abs(np.asarray(current, dtype=float))
    return np.where(size > 0, size, np.nan)  # a logarithmic axis has no place for 0


def plot_map(result: _Result, stage: Stage, quantity: str = "density", ax: Axes | None = None) -> Axes:
    """Map over the cross-section of one stage: quantity is potential, density or temperature."""
    ax = new_axes(ax)
    image = _map(result, stage, quantity, ax)
    ax.figure.colorbar(image, ax=ax, label=label(_MAPS[quantity][0]))
    return ax


def _map(result: _Result, stage: Stage, quantity: str, ax: Axes) -> Any:
    """One map without a colour bar; its colours have the same limits at every stage."""
    from matplotlib.colors import LogNorm, Normalize

    _, colours, logarithmic = _MAPS[quantity]
    values = getattr(stage, quantity)
    r = np.concatenate([-result.mesh.r_faces[::-1], result.mesh.r_faces[1:]])  # mirrored at the axis
    both = np.concatenate([values[:, ::-1], values], axis=1)
    norm = (LogNorm if logarithmic else Normalize)(*_limits(result, quantity))
    image = ax.pcolormesh(r, result.mesh.z_faces, both, cmap=colours, norm=norm, rasterized=True)
    ax.axhline(result.stack.geometry.hfo2_thickness, color="w", lw=0.6, ls=":")
    ax.set(xlabel="r [nm]", ylabel="z [nm]")
    ax.set_title(_title(stage), fontsize="medium")
    return image


def plot_row(result: _Result, stages: Sequence[Stage], quantity: str, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Maps of one quantity at several stages, side by side, with one colour bar."""
    image: Any = None
    for n, (ax, stage) in enumerate(zip(axes, stages, strict=True)):
        image = _map(result, stage, quantity, ax)
        ax.set_title(textwrap.fill(_title(stage), 15), fontsize="small")
        ax.tick_params(labelsize="small", labelleft=n == 0)
        if n:
            ax.set_ylabel("")
    bar = axes[0].figure.colorbar(image, ax=list(axes))
    bar.set_label(label(_MAPS[quantity][0]), fontsize="small")
    bar.ax.tick_params(labelsize="small")
    return axes


def plot_levels(result: IVResult, ax: Axes | None = None) -> Axes:
    """Conductance of HRS and LRS at the read voltage over the loops."""
    from matplotlib.ticker import MaxNLocator

    ax = new_axes(ax)
    number = [c.cycle for c in result.cycles]
    for name, words, colour in (("lrs_s", "LRS", COLOURS["ltp"]), ("hrs_s", "HRS", COLOURS["ltd"])):
        values = [np.nan if (v := getattr(c, name)) is None else v for c in result.cycles]
        ax.semilogy(number, values, "o-", ms=4, color=colour, label=words)
    ax.set(xlabel=label("cycle"), ylabel=label("conductance_s"))
    shown = [v for c in result.cycles for v in (c.lrs_s, c.hrs_s) if v is not None]
    if shown:
        plain_logarithmic(ax.yaxis, min(shown), max(shown))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize="small", frameon=False)
    return ax


def _title(stage: Stage) -> str:
    if stage.label.endswith(" V") or stage.voltage_v == 0:
        return stage.label
    return f"{stage.label} ({stage.voltage_v:.2f} V)"


def _limits(result: _Result, quantity: str) -> tuple[float, float]:
    low = min(float(getattr(stage, quantity).min()) for stage in result.stages)
    high = max(float(getattr(stage, quantity).max()) for stage in result.stages)
    if quantity == "density":
        low = max(low, 1e-4 * high)
    return low, high if high > low else low + 1.0


def first_stages(result: _Result) -> list[Stage]:
    """The stages up to the end of the first set, six at most."""
    labels = [stage.label for stage in result.stages]
    count = labels.index("end of set") + 1 if "end of set" in labels else len(labels)
    return [*result.stages[: min(count, 6) - 1], result.stages[count - 1]]


def plot_maps(result: _Result, stages: Sequence[Stage] | None = None, axes: Any = None) -> Any:
    """Maps of potential, density and temperature (rows) through the stages of a run (columns).

    Parameters
    ----------
    stages : sequence of Stage, optional
        Those up to the end of the first set if None, six at most.
    axes : array of Axes, shape (3, stages), optional

    Returns
    -------
    array of Axes, shape (3, stages)
    """
    stages = list(stages) if stages is not None else first_stages(result)
    if axes is None:
        import matplotlib.pyplot as plt

        size = (3.4 * len(stages), 7.5)
        axes = plt.subplots(3, len(stages), figsize=size, squeeze=False, layout="constrained")[1]
    for row, quantity in zip(axes, _MAPS, strict=True):
        plot_row(result, stages, quantity, list(row))
    return axes


def plot_pulses(result: PulseResult, ax: Axes | None = None) -> Axes:
    """Conductance along every pulse train, LTD after LTP, one colour a width (paper, Fig. 3a)."""
    ax = new_axes(ax)
    factor, text = scaled("conductance_s", float(result.pulses.frame["conductance_s"].max()))
    for n, width in enumerate(result.pulses.widths):
        start, rows = 0, result.pulses.select(width=width).frame
        for m, (_, train) in enumerate(rows.groupby(["cycle", "direction"], sort=False)):
            number = start + train["pulse_index"].to_numpy()
            name = si(width, "s") if m == 0 else None
            ax.plot(
                number,
                factor * train["conductance_s"].to_numpy(),
                ".-",
                ms=2,
                lw=0.8,
                color=f"C{n}",
                label=name,
            )
            start = int(number[-1])
    ax.set(xlabel=label("pulse_index"), ylabel=text)
    ax.legend(fontsize="small", frameon=False)
    return ax
