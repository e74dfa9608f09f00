"""Thermal conductivity linear in the density, from that of the layer to that of the filament."""

from __future__ import annotations

import numpy as np

from physics.constants import Array
from physics.laws.law import HeatLaw, HeatParameters
from physics.parameters import number


class Parameters(HeatParameters):
    """Parameter of the filament."""

    filament: float = number("W/(m K)", "thermal conductivity at reference_density", gt=0)


def conductivity(density: Array, insulating: Array, p: Parameters) -> Array:
    """Return the thermal conductivity [W/(m K)], linear in the density up to the reference density.

    Parameters
    ----------
    density : array
        Over the reference density [1].
    insulating : array
        Without vacancies [W/(m K)].
    p : Parameters
    """
    return insulating + (p.filament - insulating) * np.minimum(density, 1.0)


def slope(density: Array, insulating: Array, p: Parameters) -> Array:
    """Return d conductivity / d density [W/(m K)], 0 above the reference density."""
    return np.where(density < 1.0, p.filament - insulating, 0.0)


LAW = HeatLaw("linear", Parameters, conductivity, slope)
