"""Figures of simulations, from arrays (paper, Figs. 2 and 3a)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from devicekit.core.quantities import GLOSSARY
from devicekit.plot import COLOURS, Axis, Curve, Image, Panel
from physics.constants import Array

# quantity of a map: glossary name, colour map, logarithmic or not, title
MAPS = {
    "potential": ("potential_v", "viridis", False, "Potential"),
    "density": ("vacancy_density_m3", "magma", True, "Vacancy density"),
    "temperature": ("temperature_k", "inferno", False, "Temperature"),
}
_DECADES = 1e-4  # smallest density in a map, of the largest


def _size(current: Array) -> Array:
    size = np.abs(current)
    return np.where(size > 0, size, np.nan)  # no 0 on a logarithmic axis


def iv(
    simulated: Sequence[tuple[Array, Array]],
    measured: Sequence[tuple[Array, Array]],
    mark: tuple[str, float | None, str],
) -> Panel:
    """Draw the magnitude of the current [A] against voltage [V], logarithmic; a mark is a name, V and a definition."""
    quantity, volts, by = mark
    curves = []
    looks = (
        ("measured", measured, {"style": ".", "colour": "0.6"}),
        ("simulated", simulated, {"width": 1.5, "colour": COLOURS["ltp"]}),
    )
    for name, sweeps, look in looks:
        for n, (v, i) in enumerate(sweeps, 1):
            own = name if len(sweeps) == 1 else f"{name}, sweep {n}"
            curves.append(Curve(own, v, _size(i), legend=n == 1, **look))
    marks = [] if volts is None else [("x", volts)]
    title = "" if volts is None else f"{quantity} = {volts:.3f} V ({by})"
    return Panel(Axis.of("voltage_v"), Axis("|current I|", "A", "log"), curves, title, lines=marks)


def levels(cycle: Array, hrs: Array, lrs: Array) -> Panel:
    """Draw the conductance [S] of HRS and LRS at the read voltage over the loops."""
    curves = [
        Curve(name, cycle, values, style="o-", size=4.0, colour=colour)
        for name, values, colour in (("LRS", lrs, COLOURS["ltp"]), ("HRS", hrs, COLOURS["ltd"]))
    ]
    return Panel(Axis.of("cycle", whole=True), Axis.of("conductance_s", scale="log"), curves)


def pulses(widths: Mapping[str, Sequence[tuple[Array, Array]]]) -> Panel:
    """Draw the conductance [S] along every train, one after the other, one colour per width."""
    curves = []
    for n, (width, trains) in enumerate(widths.items()):
        start = 0
        for m, (index, g) in enumerate(trains):
            name = width if m == 0 else f"{width}, train {m + 1}"
            look: dict[str, Any] = {"style": ".-", "size": 2.0, "width": 0.8, "colour": f"C{n}"}
            curves.append(Curve(name, start + index, g, legend=m == 0, **look))
            start += int(index[-1])
    return Panel(Axis.of("pulse_index"), Axis.of("conductance_s"), curves)


def kinetics(voltage: Array, times: Mapping[str, Array]) -> Panel:
    """Draw the time of a SET or RESET [s] against the magnitude of the voltage [V]."""
    styles = ("o-", "s-", "--")
    curves = [
        Curve(name, voltage, values, style=style, size=4.0, colour=f"C{n}" if n < 2 else "0.4")
        for n, ((name, values), style) in enumerate(zip(times.items(), styles, strict=True))
    ]
    return Panel(Axis.of("voltage_v"), Axis("time to switch", "s", "log"), curves)


def ramps(rate: Array, voltages: Mapping[str, Array]) -> Panel:
    """Draw the voltage at 100 uA [V] against the ramp rate [V/s]."""
    curves = [
        Curve(name, rate, values, style=style, size=4.0, colour=colour)
        for (name, values), style, colour in zip(voltages.items(), ("o-", "--"), ("C0", "0.4"), strict=True)
    ]
    return Panel(Axis("ramp rate", "V/s", "log"), Axis("voltage at 100 µA", "V"), curves)


def cross_section(
    r_faces: Array,
    z_faces: Array,
    values: Array,
    quantity: str,
    limits: tuple[float, float],
    interfaces: tuple[float, ...],
    title: str,
) -> Image:
    """Draw a map of the cross-section, mirrored at the axis.

    Parameters
    ----------
    r_faces, z_faces : array
        Faces of the cells [nm].
    values : array, shape (heights, radii)
        Values in SI units.
    quantity : str
        A key of `MAPS`.
    limits : (float, float)
        Values at the ends of the colour scale.
    interfaces : tuple of float
        Marked heights [nm].
    """
    name, colours, logarithmic, _ = MAPS[quantity]
    low, high = limits
    low = max(low, _DECADES * high) if logarithmic else low
    ends = (low, high if high > low else low + 1.0)
    known = GLOSSARY[name]
    edges = np.concatenate([-r_faces[::-1], r_faces[1:]])
    both = np.concatenate([values[:, ::-1], values], axis=1)
    return Image(
        Axis("r", "nm"),
        Axis("z", "nm"),
        edges,
        z_faces,
        both,
        known.label,
        colours,
        ends,
        logarithmic,
        interfaces,
        title,
        unit=known.unit,
    )
