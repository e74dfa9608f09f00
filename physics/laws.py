"""The equations as pure functions of arrays: lengths in nm, energies in eV, densities over a reference.

Model of the paper's section III-B (doi 10.1109/JEDS.2023.3311763), whose equations are those of the
thermally activated hopping picture: vacancies hop over a barrier that the field lowers, carry a current by
their density, and are heated by it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.constants import physical_constants

Array = NDArray[np.float64]

BOLTZMANN_EV = physical_constants["Boltzmann constant in eV/K"][0]
"""Boltzmann constant [eV/K]."""

NM = 1e-9
"""One nanometre [m]."""

# Beyond this, exp() overflows; no field in a working device comes near it.
_LARGEST_EXPONENT = 600.0


def diffusivity(temperature: Array, barrier: Array, hop: float, frequency: float) -> Array:
    """Hopping diffusivity D = a^2 f exp(-Ea / kT) / 2 [nm^2/s].

    Parameters
    ----------
    temperature : array [K]
    barrier : array [eV]
    hop : float [nm]
    frequency : float [Hz]
    """
    return 0.5 * hop**2 * frequency * np.exp(-barrier / (BOLTZMANN_EV * temperature))


def peclet(drop: Array, distance: Array, temperature: Array, hop: float, charge: float) -> Array:
    """Cell Peclet number v d / D of hopping drift, with v/D = (2/a) sinh(Z q a E / 2 kT) [1].

    Barrier and attempt frequency cancel in v/D. In a weak field v/D = Z q E / kT (Einstein). The sign is that
    of the drift: positive from the first cell of a pair to the second.

    Parameters
    ----------
    drop : array [V]
        Potential of the first cell less that of the second.
    distance : array [nm]
        Between the two cells.
    temperature : array [K]
        On the face between them.
    hop : float
        Hopping distance a [nm].
    charge : float
        Charge number Z [1].
    """
    half = charge * hop * drop / (2 * distance * BOLTZMANN_EV * temperature)
    return (2 * distance / hop) * np.sinh(np.clip(half, -_LARGEST_EXPONENT, _LARGEST_EXPONENT))


def exchange(number: Array) -> tuple[Array, Array]:
    """Scharfetter-Gummel weights (B(-P), B(P)) with B(x) = x / (exp(x) - 1); both are positive for every P.

    The flux between two cells is (D/d) (B(-P) u_first - B(P) u_second): exact for constant v and D.

    Parameters
    ----------
    number : array
        Cell Peclet number P [1].
    """
    size = np.minimum(np.abs(number), _LARGEST_EXPONENT)
    small = np.where(size < 1e-5, 1 - 0.5 * size, size / np.expm1(np.maximum(size, 1e-30)))
    return small + np.maximum(number, 0.0), small - np.minimum(number, 0.0)


def site_exclusion(number: Array, first: Array, second: Array, limit: float) -> Array:
    """Fraction 1 - u/limit of the drift that finds a free site in the cell downstream, in 0..1.

    Parameters
    ----------
    number : array
        Cell Peclet number; its sign says which cell is downstream [1].
    first, second : array
        Densities of the two cells over the reference density [1].
    limit : float
        Density without free sites, above 0; inf for none [1].
    """
    downstream = np.where(number > 0, second, first)
    return np.clip(1 - downstream / limit, 0.0, 1.0)


def conductivity(
    density: Array, temperature: Array, insulating: float, filament: float, high: float, low: float
) -> Array:
    """Electronic conductivity [S/m]: prefactor linear in the density, activation energy falling with it.

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
        Activation energies there [eV].
    """
    filled = np.minimum(density, 1.0)
    energy = high + (low - high) * filled
    return (insulating + (filament - insulating) * filled) * np.exp(-energy / (BOLTZMANN_EV * temperature))


def thermal_conductivity(density: Array, insulating: Array, filament: float) -> Array:
    """Thermal conductivity [W/(m K)], linear in the density up to the reference density.

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


def reversible_rates(
    field: Array,
    temperature: Array,
    prefactor: Array,
    barrier: Array,
    dipoles: tuple[float, float],
    oxygen: float,
    floor: float,
) -> tuple[Array, Array]:
    """Rates (kf, kr) of O_O <-> V_O + O_i [1/s] in a field s = dphi/dz [V/nm], above 0 while Ti is anode.

    kf = G0 exp(-(Eg - b s) / kT), kr = cO G0 exp(-(Eg + b' s) / kT): kf / kr = exp((b + b') s / kT) / cO.

    Parameters
    ----------
    field : array
        s [V/nm].
    temperature : array
        [K].
    prefactor : array
        G0 [1/s].
    barrier : array
        Eg [eV].
    dipoles : (float, float)
        b and b' [e nm].
    oxygen : float
        Activity cO [1].
    floor : float
        Lowest barrier [eV].
    """
    thermal = -1.0 / (BOLTZMANN_EV * temperature)
    forward = np.maximum(barrier - dipoles[0] * field, floor)
    reverse = np.maximum(barrier + dipoles[1] * field, floor)
    return prefactor * np.exp(forward * thermal), oxygen * prefactor * np.exp(reverse * thermal)


def gated_rate(
    field: Array,
    strength: Array,
    temperature: Array,
    prefactor: Array,
    barrier: Array,
    dipole: float,
    floor: float,
) -> Array:
    """Generation G0 exp(-(Eg - b abs(E)) / kT) [1/s], only where the signed field says that Ti is the anode.

    `strength` is abs(E) [V/nm], the root mean square over the two faces of a cell: the mean would average away
    the field of a gap one cell wide.

    Parameters
    ----------
    field : array
        Signed field [V/nm].
    strength : array
        abs(E) [V/nm].
    temperature : array
        [K].
    prefactor : array
        G0 [1/s].
    barrier : array
        Eg [eV].
    dipole : float
        b [e nm].
    floor : float
        Lowest barrier [eV].
    """
    lowered = np.maximum(barrier - dipole * strength, floor)
    rate = prefactor * np.exp(-lowered / (BOLTZMANN_EV * temperature))
    return np.where(field > 0, rate, 0.0)
