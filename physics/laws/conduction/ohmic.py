"""Ohm's law: the conductivity depends on density and temperature alone."""

from __future__ import annotations

import numpy as np

from physics.constants import BOLTZMANN_EV, Array
from physics.laws.law import ConductionLaw, ConductionParameters
from physics.parameters import number


class Parameters(ConductionParameters):
    """Prefactors and activation energies, without vacancies and in the filament."""

    insulating: float = number("S/m", "prefactor without vacancies", gt=0)
    filament: float = number("S/m", "prefactor at reference_density", gt=0)
    activation_insulating: float = number("eV", "activation energy without vacancies", ge=0)
    activation_filament: float = number("eV", "activation energy at reference_density", ge=0)


def conductivity(
    density: Array, temperature: Array, insulating: float, filament: float, high: float, low: float
) -> Array:
    """Return the electronic conductivity [S/m], with a prefactor linear in the density and a falling activation energy.

    sigma = (s_ins + (s_fil - s_ins) uc) exp(-E_AC(uc) / kT), E_AC = high + (low - high) uc, uc = min(u, 1).

    Parameters
    ----------
    density : array
        Over the reference density [1].
    temperature : array
        [K].
    insulating, filament : float
        Prefactors without vacancies and at the reference density [S/m].
    high, low : float
        Activation energies without vacancies and at the reference density [eV].
    """
    filled = np.minimum(density, 1.0)
    energy = high + (low - high) * filled
    return (insulating + (filament - insulating) * filled) * np.exp(-energy / (BOLTZMANN_EV * temperature))


def of_parameters(density: Array, temperature: Array, p: Parameters) -> Array:
    """Return `conductivity` with the parameters of a stack [S/m]."""
    return conductivity(density, temperature, p.insulating, p.filament, p.activation_insulating, p.activation_filament)


LAW = ConductionLaw("ohmic", Parameters, of_parameters)
