"""The state of a device in time stepping: limits of the source, fields, density, and the record of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from physics.constants import Array
from physics.solvers.discretisation import Vacancies


class Noise(Protocol):
    """Random change of the density after a step; see `physics.noise`.

    `bounded` is the largest share of cells in a step whose noise was bounded by what they held.
    """

    bounded: float

    def after(self, density: Array, equation: Vacancies, step: float) -> Array:
        """Return the density after the noise of one step [s]."""


@dataclass(frozen=True)
class Limit:
    """Current limits: compliance of the instrument, saturation current of a transistor in series [A]."""

    compliance: float = math.inf
    gate: float = math.inf


@dataclass(frozen=True, eq=False)
class Fields:
    """Electrothermal solution for a density: potential [V], temperature [K], device voltage [V], current [A].

    `conductance` is I / V [S] (dI/dV at 0 V), `power_error` |sum of Joule power - I V| over I V, `iterations` those
    of the electrothermal loop.
    """

    potential: Array
    temperature: Array
    voltage: float
    current: float
    conductance: float
    limited: bool
    power_error: float
    iterations: int


@dataclass(frozen=True, eq=False)
class State:
    """A device at a moment: time [s], density over the reference density [1], and its fields.

    `gained` is the gain from reservoir and reactions, in nm^3 times the reference density.
    """

    time: float
    density: Array
    fields: Fields
    gained: float = 0.0


@dataclass(frozen=True, eq=False)
class Trial:
    """A trial step: its end, its equation, and the conductance with the density at its start [S]."""

    state: State
    equation: Vacancies
    conductance_before: float


@dataclass
class Tally:
    """Running record of a simulation's quality.

    `strongest` is the largest field [V/nm], `fewest` the lowest number of vacancies in a nanometre of the filament's
    height within the active layer, `shortest` the shortest segment [s].
    """

    steps: int = 0
    rejected: int = 0
    solves: int = 0
    mass_error: float = 0.0
    power_error: float = 0.0
    lowest_density: float = math.inf
    highest_density: float = 0.0
    hottest: float = 0.0
    strongest: float = 0.0
    fewest: float = math.inf
    shortest: float = math.inf
