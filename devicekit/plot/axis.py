"""Axes of figures: labels, units, scales and ticks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from devicekit.core.quantities import CONDUCTANCES, GLOSSARY, as_resistance
from devicekit.core.scales import Scale, Units
from devicekit.core.text import PREFIXED
from devicekit.plot import wire
from devicekit.plot.style import plain, use_plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OWN = Units()  # without those of a page
_SPAN = 30.0  # ratio of the ends of resistances from which on their axis is logarithmic
_WIDE = 3000.0  # ratio of the ends of a logarithmic axis from which on each tick carries its unit


@dataclass(frozen=True)
class Axis:
    """An axis of a figure.

    Parameters
    ----------
    label, unit : str
        Label, and unit ("" for a pure number). Figures are given in SI units and drawn with a prefix that fits.
    scale : {"linear", "log"}
        A logarithmic scale needs positive values.
    limits : tuple of float, optional
        Ends of the axis.
    names : tuple of str
        Names of the positions 0, 1, ...; the first at the top of a vertical axis.
    whole : bool
        True for ticks only at whole numbers.
    ticks : int
        Maximum number of ticks of a linear scale, for long numbers; 0: default of matplotlib.
    column : str
        Name of the column in the CSV, if it is not the label with the unit.
    decades : bool
        True if each tick carries the unit, with its own prefix: 1 nA, 1 µA, 1 mA.
    name : str
        Name of a glossary quantity.
    cumulative : bool
        True of the share of values up to the one on the other axis.
    """

    label: str
    unit: str = ""
    scale: Literal["linear", "log"] = "linear"
    limits: tuple[float, float] | None = None
    names: tuple[str, ...] = ()
    whole: bool = False
    ticks: int = 0
    column: str = ""
    decades: bool = False
    name: str = ""
    cumulative: bool = False

    @classmethod
    def of(cls, name: str, **more: Any) -> Self:
        """Make the axis of a glossary quantity."""
        return cls(GLOSSARY[name].label, GLOSSARY[name].unit, name=name, **more)

    @property
    def text(self) -> str:
        """Label with the unit in brackets."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    @property
    def is_conductance(self) -> bool:
        """True if its values have a resistance."""
        return self.unit == "S" and self.name in CONDUCTANCES

    def displayed(self, values: np.ndarray, units: Units) -> tuple[Axis, Scale]:
        """Return the axis in its display unit, and the scale of the values along it."""
        known = values[np.isfinite(values)]
        if units.resistance and self.is_conductance:
            return self._as_resistance(known[known > 0], units)
        above = known[known > 0]
        if self.scale == "log" and self.unit in PREFIXED[1:] and above.size and above.max() > _WIDE * above.min():
            return replace(self, decades=True), Scale(self.unit)
        scale = units.scale(self.unit, known.tolist())
        limits = self.limits and (self.limits[0] * scale.factor, self.limits[1] * scale.factor)
        return replace(self, unit=scale.unit, limits=limits), scale

    def _as_resistance(self, siemens: np.ndarray, units: Units) -> tuple[Axis, Scale]:
        wide = siemens.size > 0 and siemens.max() > _SPAN * siemens.min()
        axis = replace(
            self,
            label=as_resistance(self.label),
            unit="ohm",
            scale="log" if wide else self.scale,
            limits=None,
            name="resistance_ohm",
        )
        shown, scale = axis.displayed(1.0 / siemens, units)
        return shown, replace(scale, inverse=True)


def set_axis(ax: Axes, which: str, axis: Axis, drawn: Sequence[np.ndarray] = ()) -> None:
    """Set label, scale, positions and ends of an axis; `drawn` are the values along it."""
    from matplotlib.ticker import MaxNLocator

    ax.set(**{f"{which}label": axis.label if axis.decades else axis.text})
    ticks: Any = getattr(ax, f"{which}axis")
    if axis.scale == "log":
        values = np.concatenate([*drawn, np.empty(0)])
        shown = values[np.isfinite(values) & (values > 0)]
        if shown.size:
            ax.set(**{f"{which}scale": "log"})
            use_plain_ticks(ticks, float(shown.min()), float(shown.max()), axis.unit if axis.decades else "")
    if axis.names:
        ticks.set_ticks(range(len(axis.names)), [plain(name) for name in axis.names])
        ends = (-0.5, len(axis.names) - 0.5)
        ax.set(**{f"{which}lim": ends[::-1] if which == "y" else ends})
    if axis.limits is not None:
        ax.set(**{f"{which}lim": axis.limits})
    if axis.ticks and ticks.get_scale() == "linear":
        ticks.set_major_locator(MaxNLocator(axis.ticks))
    if axis.whole:
        ticks.set_major_locator(MaxNLocator(integer=True))


def axis_json(axis: Axis, shown: tuple[float, float, bool] | None) -> dict[str, object]:
    """Return an axis as JSON-ready values; `shown` are its ends, and whether it is logarithmic."""
    low, high, log = shown or (0.0, 1.0, False)
    ends = [wire.number(low), wire.number(high)]
    return {
        "label": axis.label,
        "unit": axis.unit,
        "log": log,
        "range": ends,
        "decades": axis.decades,
        "names": list(axis.names),
        "whole": bool(axis.whole),
    }
