"""One reversible reaction O_O <-> V_O + O_i: generation and recombination of vacancies in detailed balance."""

from __future__ import annotations

import numpy as np

from physics.constants import BOLTZMANN_EV, Array
from physics.laws.law import Halves, ReactionLaw, ReactionParameters
from physics.parameters import number


class Parameters(ReactionParameters):
    """Dipoles of both directions and the activity of oxygen."""

    forward_dipole: float = number("e nm", "lowering b of the forward barrier by the field", ge=0)
    reverse_dipole: float = number("e nm", "raising b' of the reverse barrier by the field", ge=0)
    oxygen: float = number("1", "activity of interstitial oxygen; 0: no reverse reaction", ge=0)


def rates(
    field: Array,
    temperature: Array,
    prefactor: Array,
    barrier: Array,
    dipoles: tuple[float, float],
    oxygen: float,
    floor: float,
) -> Halves:
    """Return the rates (kf, kr) of O_O <-> V_O + O_i [1/s] in a field s = dphi/dz [V/nm] (above 0: top is anode).

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


def slopes(
    field: Array, temperature: Array, barrier: Array, dipoles: tuple[float, float], oxygen: float, floor: float
) -> Halves:
    """Return d ln kf / ds = b / kT and d ln kr / ds = -b' / kT [nm/V]; 0 where the barrier is at its floor.

    Parameters
    ----------
    field, temperature, barrier, dipoles, oxygen, floor
        As for `rates`.
    """
    thermal = 1.0 / (BOLTZMANN_EV * temperature)
    forward = np.where(barrier - dipoles[0] * field > floor, dipoles[0] * thermal, 0.0)
    reverse = np.where(barrier + dipoles[1] * field > floor, -dipoles[1] * thermal, 0.0)
    return forward, reverse * (oxygen > 0)


def _rates(
    field: Array, strength: Array, temperature: Array, prefactor: Array, barrier: Array, p: Parameters
) -> Halves:
    dipoles = (p.forward_dipole, p.reverse_dipole)
    return rates(field, temperature, prefactor, barrier, dipoles, p.oxygen, p.barrier_floor)


def _slopes(
    field: Array, strength: Array, temperature: Array, prefactor: Array, barrier: Array, p: Parameters
) -> Halves:
    return slopes(field, temperature, barrier, (p.forward_dipole, p.reverse_dipole), p.oxygen, p.barrier_floor)


LAW = ReactionLaw("reversible", Parameters, _rates, _slopes)
