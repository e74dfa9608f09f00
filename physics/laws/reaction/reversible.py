"""One reversible reaction O_O <-> V_O + O_i: generation and recombination of vacancies in detailed balance."""

from __future__ import annotations

import numpy as np

from physics.constants import BOLTZMANN_EV, Array
from physics.laws.law import Halves, ReactionLaw, ReactionParameters
from physics.parameters import number


class Parameters(ReactionParameters):
    """Dipoles of both directions, the activity of oxygen and the formation enthalpy."""

    forward_dipole: float = number("e nm", "lowering b of the forward barrier by the field", ge=0)
    reverse_dipole: float = number("e nm", "raising b' of the reverse barrier by the field", ge=0)
    oxygen: float = number("1", "activity of interstitial oxygen; 0: no reverse reaction", ge=0)
    formation_enthalpy: float = number(
        "eV", "formation enthalpy H of a vacancy, by which the reverse barrier is lower", ge=0, default=0.0
    )


def rates(field: Array, strength: Array, temperature: Array, prefactor: Array, barrier: Array, p: Parameters) -> Halves:
    """Return the rates (kf, kr) of O_O <-> V_O + O_i [1/s] in a field s = dphi/dz [V/nm] (above 0: top is anode).

    kf = G0 exp(-(Eg - b s) / kT), kr = cO G0 exp(-(Eg - H + b' s) / kT): detailed balance, kf / kr =
    exp(-(H - (b + b') s) / kT) / cO. Without a field a share 1 / (1 + cO exp(H / kT)) of the sites is vacant.

    Parameters
    ----------
    field : array
        s [V/nm].
    strength : array
        Magnitude of the field, unused [V/nm].
    temperature : array
        [K].
    prefactor : array
        G0 [1/s].
    barrier : array
        Eg [eV].
    p : Parameters
        b, b', cO, H and the lowest barrier.
    """
    thermal = -1.0 / (BOLTZMANN_EV * temperature)
    forward = np.maximum(barrier - p.forward_dipole * field, p.barrier_floor)
    reverse = np.maximum(barrier - p.formation_enthalpy + p.reverse_dipole * field, p.barrier_floor)
    return prefactor * np.exp(forward * thermal), p.oxygen * prefactor * np.exp(reverse * thermal)


def slopes(
    field: Array, strength: Array, temperature: Array, prefactor: Array, barrier: Array, p: Parameters
) -> Halves:
    """Return d ln kf / ds = b / kT and d ln kr / ds = -b' / kT [nm/V]; 0 where the barrier is at its floor.

    Parameters
    ----------
    field, strength, temperature, prefactor, barrier, p
        As for `rates`.
    """
    thermal = 1.0 / (BOLTZMANN_EV * temperature)
    up, down = p.forward_dipole, p.reverse_dipole
    forward = np.where(barrier - up * field > p.barrier_floor, up * thermal, 0.0)
    reverse = np.where(barrier - p.formation_enthalpy + down * field > p.barrier_floor, -down * thermal, 0.0)
    return forward, reverse * (p.oxygen > 0)


def equilibrium(temperature: Array, p: Parameters) -> Array:
    """Return the equilibrium density without a field [1], as a share of the sites.

    Parameters
    ----------
    temperature : array
        [K].
    p : Parameters
        cO and H.
    """
    return np.asarray(1.0 / (1.0 + p.oxygen * np.exp(p.formation_enthalpy / (BOLTZMANN_EV * temperature))))


LAW = ReactionLaw("reversible", Parameters, rates, slopes)
