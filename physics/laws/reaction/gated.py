"""Generation alone, only while the top electrode is the anode."""

from __future__ import annotations

import numpy as np

from physics.constants import BOLTZMANN_EV, Array
from physics.laws.law import Halves, ReactionLaw, ReactionParameters
from physics.parameters import number


class Parameters(ReactionParameters):
    """Parameter of the generation."""

    forward_dipole: float = number("e nm", "lowering b of the barrier by the field", ge=0)


def rate(
    field: Array,
    strength: Array,
    temperature: Array,
    prefactor: Array,
    barrier: Array,
    dipole: float,
    floor: float,
) -> Array:
    """Return the generation rate G0 exp(-(Eg - b abs(E)) / kT) [1/s], or 0 unless the top electrode is the anode.

    `strength` is abs(E) [V/nm], the root mean square over the two faces of a cell, as a mean would cancel the field of
    a gap one cell wide.

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


def slope(field: Array, strength: Array, temperature: Array, barrier: Array, dipole: float, floor: float) -> Array:
    """Return d ln rate / d strength = b / kT [nm/V]; 0 where the rate is 0 or the barrier at its floor.

    Parameters
    ----------
    field, strength, temperature, barrier, dipole, floor
        As for `rate`.
    """
    rising = (field > 0) & (barrier - dipole * strength > floor)
    return np.where(rising, dipole / (BOLTZMANN_EV * temperature), 0.0)


def _rates(
    field: Array, strength: Array, temperature: Array, prefactor: Array, barrier: Array, p: Parameters
) -> Halves:
    forward = rate(field, strength, temperature, prefactor, barrier, p.forward_dipole, p.barrier_floor)
    return forward, np.zeros_like(forward)


def _slopes(
    field: Array, strength: Array, temperature: Array, prefactor: Array, barrier: Array, p: Parameters
) -> Halves:
    forward = slope(field, strength, temperature, barrier, p.forward_dipole, p.barrier_floor)
    return forward, np.zeros_like(forward)


LAW = ReactionLaw("gated", Parameters, _rates, _slopes)
