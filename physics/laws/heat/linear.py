"""Thermal conductivity linear in the density, from that of the layer to that of the filament."""

from __future__ import annotations

import numpy as np

from physics.constants import Array
from physics.laws.law import HeatLaw, HeatParameters
from physics.parameters import number


class Parameters(HeatParameters):
    """Parameter of the filament."""

    filament: float = number("W/(m K)", "thermal conductivity at reference_density", gt=0)


def conductivity(density: Array, insulating: Array, filament: float) -> Array:
    """Return the thermal conductivity [W/(m K)], linear in the density up to the reference density.

    Parameters
    ----------
    density : array
        Over the reference density [1].
    insulating : array
        Without vacancies [W/(m K)].
    filament : float
        At the reference density [W/(m K)].
    """
    return insulating + (filament - insulating) * np.minimum(density, 1.0)


def slope(density: Array, insulating: Array, filament: float) -> Array:
    """Return d conductivity / d density [W/(m K)], 0 above the reference density."""
    return np.where(density < 1.0, filament - insulating, 0.0)


def _conductivity(density: Array, insulating: Array, p: Parameters) -> Array:
    return conductivity(density, insulating, p.filament)


def _slope(density: Array, insulating: Array, p: Parameters) -> Array:
    return slope(density, insulating, p.filament)


LAW = HeatLaw("linear", Parameters, _conductivity, _slope)
