"""Cells that stand out, and effects of the order: ageing over the cycles of a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from devicekit.core.estimates import Estimate
from devicekit.core.records import Record, cell, column
from devicekit.core.text import format_number
from devicekit.features.stats import holm, mean_estimate
from devicekit.population.components import SIGNIFICANT, Model, centres, label, p_value, unit_of
from devicekit.population.join import QUANTITIES

FAR = 3.5  # robust standard deviations (Iglewicz and Hoaglin) from which a cell stands out
FEWEST = 6  # cells to compare with
CYCLES = 5  # of a cell that gives a slope
SLOPES = 3  # cells with a slope
PER = 10.0  # cycles of the slope


@dataclass(frozen=True, kw_only=True)
class Standout(Record):
    """A cell that stands out."""

    device: str = column("cell", name="cell", doc="name of the cell")
    quantity: str = column("quantity", text=lambda name: label(name) if name in QUANTITIES else name, doc="quantity")
    value: float = column(doc="its median")
    typical: float = column(doc="median of all cells")
    unit: str = column(doc="unit of both")
    z: float = column("z", text="{:+.1f}".format, doc="distance in robust standard deviations of the cells")

    @cell("its median, and that of all")
    def values_text(self) -> str:
        """Its value and the typical one."""
        return f"{format_number(self.value, self.unit)}, {format_number(self.typical, self.unit)}"


@dataclass(frozen=True, kw_only=True)
class Ageing(Record):
    """Drift of a quantity over the cycles of a cell, conditions held."""

    quantity: str = column("quantity", text=label, doc="name of the quantity")
    n_cells: int = column("cells", name="cells", doc="cells with five cycles or more, each of which gives a slope")
    slope: Estimate = column(doc="mean slope over cells for ten cycles, with Student's 95 % interval over cells")
    unit: str = column(doc="unit of the slope; decades of a conductance")

    @cell("change in ten cycles (95 %)")
    def slope_text(self) -> str:
        """Slope with its interval."""
        if self.slope.ends is None:
            return f"{self.slope.value:+.3g} {self.unit}"
        low, high = self.slope.ends
        return f"{self.slope.value:+.3g} {self.unit} ({low:+.3g} to {high:+.3g})"

    p: float = column(doc="p value of no drift of this quantity alone, by the slopes of the cells")
    p_holm: float = column(
        "p, all drifts", text="{:.2g}".format, default=np.nan, doc="p by Holm for the drifts of all quantities"
    )

    @property
    def seen(self) -> bool:
        """True if it is significant among the drifts of all quantities."""
        return self.p_holm < SIGNIFICANT


def corrected(found: Sequence[Ageing]) -> tuple[Ageing, ...]:
    """Return the drifts of all quantities with p values corrected by Holm's step-down."""
    return tuple(
        replace(each, p_holm=float(p))
        for each, p in zip(found, holm(np.array([own.p for own in found], float)), strict=True)
    )


def standouts_of(cells: pd.DataFrame, models: Mapping[str, Model]) -> list[Standout]:
    """Return the cells whose median of a quantity is far from that of the others."""
    found = []
    for name in models:
        about = QUANTITIES[name]
        known = cells[["cell", name]].dropna()
        known = known[known[name] > 0]
        if len(known) < FEWEST:
            continue
        sizes = known[name].to_numpy(float)
        y = np.log10(sizes) if about.log else sizes
        spread = 1.4826 * float(np.median(np.abs(y - np.median(y))))
        if spread == 0:
            continue
        z = (y - np.median(y)) / spread
        found += [
            Standout(
                device=str(own),
                quantity=name,
                value=float(value),
                typical=float(np.median(sizes)),
                unit=about.unit,
                z=float(each),
            )
            for own, value, each in zip(known["cell"], sizes, z, strict=True)
            if abs(each) > FAR
        ]
    return sorted(found, key=lambda each: -abs(each.z))


def ageing_of(model: Model) -> Ageing | None:
    """Return the drift over cycles; None where too few cells have enough cycles."""
    y = centres(model)
    rest = y - model.x[:, 1:] @ model.found.solution.beta[1:]
    cycle = model.values["cycle"].to_numpy(float)
    slopes = []
    for rows in model.values.reset_index(drop=True).groupby("cell", sort=False).indices.values():
        if len(rows) >= CYCLES and np.ptp(cycle[rows]) > 0:
            slopes.append(PER * float(np.polyfit(cycle[rows] - cycle[rows].mean(), rest[rows], 1)[0]))
    if len(slopes) < SLOPES:
        return None
    values = np.array(slopes)
    slope = mean_estimate(values)
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    p = p_value(slope.value / error, len(values) - 1) if error > 0 else np.nan
    return Ageing(quantity=model.quantity.name, n_cells=len(values), slope=slope, unit=unit_of(model.quantity), p=p)
