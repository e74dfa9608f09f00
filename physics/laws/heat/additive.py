"""Thermal conductivity of the lattice plus that of electrons.

For a metal the electronic part follows from the Wiedemann-Franz law: Lorenz number times electronic conductivity times
temperature, 0.6 W/(m K) for 8e4 S/m at 300 K.
"""

from __future__ import annotations

import numpy as np

from physics.constants import Array
from physics.laws.law import HeatLaw, HeatParameters
from physics.parameters import number


class Parameters(HeatParameters):
    """Parameters of the electronic part."""

    electronic: float = number("W/(m K)", "electronic part of the thermal conductivity at reference_density", ge=0)


def conductivity(density: Array, insulating: Array, p: Parameters) -> Array:
    """Return k = k_layer + k_el min(u, 1) [W/(m K)].

    Parameters
    ----------
    density : array
        u, over the reference density [1].
    insulating : array
        k_layer, without vacancies [W/(m K)].
    p : Parameters
        k_el.
    """
    return insulating + p.electronic * np.minimum(density, 1.0)


def slope(density: Array, insulating: Array, p: Parameters) -> Array:
    """Return d conductivity / d density [W/(m K)], 0 above the reference density."""
    return np.where(density < 1.0, p.electronic, 0.0)


LAW = HeatLaw("additive", Parameters, conductivity, slope)
