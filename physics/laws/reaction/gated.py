"""Generation alone, only while the top electrode is the anode."""

from __future__ import annotations

import numpy as np

from physics.constants import BOLTZMANN_EV, Array
from physics.laws.law import Halves, ReactionLaw, ReactionParameters
from physics.parameters import number


class Parameters(ReactionParameters):
    """Parameter of the generation."""

    forward_dipole: float = number("e nm", "lowering b of the barrier by the field", ge=0)


def rates(field: Array, strength: Array, temperature: Array, prefactor: Array, barrier: Array, p: Parameters) -> Halves:
    """Return the generation rate G0 exp(-(Eg - b abs(E)) / kT) [1/s], or 0 unless the top electrode is the anode.

    The reverse rate is 0. `strength` is abs(E) [V/nm], the root mean square over the two faces of a cell, as a mean
    would cancel the field of a gap one cell wide.

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
    p : Parameters
        b and the lowest barrier.
    """
    lowered = np.maximum(barrier - p.forward_dipole * strength, p.barrier_floor)
    rate = prefactor * np.exp(-lowered / (BOLTZMANN_EV * temperature))
    forward = np.where(field > 0, rate, 0.0)
    return forward, np.zeros_like(forward)


def slopes(
    field: Array, strength: Array, temperature: Array, prefactor: Array, barrier: Array, p: Parameters
) -> Halves:
    """Return d ln rate / d strength = b / kT [nm/V]; 0 where the rate is 0 or the barrier at its floor.

    Parameters
    ----------
    field, strength, temperature, prefactor, barrier, p
        As for `rates`.
    """
    rising = (field > 0) & (barrier - p.forward_dipole * strength > p.barrier_floor)
    forward = np.where(rising, p.forward_dipole / (BOLTZMANN_EV * temperature), 0.0)
    return forward, np.zeros_like(forward)


LAW = ReactionLaw("gated", Parameters, rates, slopes)
