"""Field-assisted hopping in the gap, Ohm's law in the filament.

sigma(u, T, E) = sigma(u, T, 0) sinh(x) / x with x = lambda(u) abs(E) / 2kT and lambda(u) = lambda0 (1 - min(u, 1)):
electrons hop over a distance lambda, with barriers lowered by half of lambda times E in one direction and raised in the
other. A gap of length d has I ~ sinh(V / V0) with V0 = 2 kT d / (q lambda).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from devicekit.system.jit import compiled
from physics.constants import BOLTZMANN_EV, Array
from physics.laws.conduction import ohmic
from physics.laws.law import ConductionLaw, Halves
from physics.parameters import number

# Beyond this, exp() overflows; no field in a working device comes near it.
_LARGEST_EXPONENT = 600.0
# Below this, two terms of the series of sinh(x) / x and of x coth x - 1 are exact to 1e-11 of the slope.
_SMALL = 1e-2


class Parameters(ohmic.Parameters):
    """Parameters of Ohm's law and the hopping distance."""

    hop_length: float = number("nm", "hopping distance lambda0 of electrons without vacancies", ge=0)


@compiled
def _enhancement(density: Array, temperature: Array, field: Array, length: float, half_kt: float) -> Any:
    factor, slope = np.ones_like(field), np.zeros_like(field)
    for i in range(density.size):
        if density[i] >= 1.0:
            continue
        reduced = length * (1.0 - density[i]) / (half_kt * temperature[i])
        for side in range(field.shape[0]):
            x = reduced * field[side, i]
            if x < _SMALL:
                factor[side, i] = 1.0 + x * x / 6.0 + x**4 / 120.0
                slope[side, i] = x * x / 3.0 - x**4 / 45.0
                continue
            if x > _LARGEST_EXPONENT:
                factor[side, i] = 0.5 * math.exp(_LARGEST_EXPONENT) / _LARGEST_EXPONENT
                continue
            up = math.exp(x)
            down = 1.0 / up
            factor[side, i] = 0.5 * (up - down) / x
            slope[side, i] = x * (up + down) / (up - down) - 1.0
    return factor, slope


def enhancement(density: Array, temperature: Array, field: Array, length: float) -> Halves:
    """Return sinh(x) / x, and its slope d ln sigma / d ln E = x coth x - 1 [1].

    Parameters
    ----------
    density : array
        Over the reference density [1].
    temperature : array
        [K].
    field : array
        Magnitude of the field [V/nm], optionally with additional leading axes.
    length : float
        lambda0 [nm].
    """
    flat = np.ascontiguousarray(field, dtype=float).reshape(-1, density.size)
    factor, slope = _enhancement(density.ravel(), temperature.ravel(), flat, length, 2.0 * BOLTZMANN_EV)
    return factor.reshape(field.shape), slope.reshape(field.shape)


def of_parameters(density: Array, temperature: Array, field: Array, p: Parameters) -> Halves:
    """Return `enhancement` with the parameters of a stack."""
    return enhancement(density, temperature, field, p.hop_length)


LAW = ConductionLaw("hopping", Parameters, ohmic.of_parameters, of_parameters)
