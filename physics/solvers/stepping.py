"""Time stepping shared by the solvers: two sweeps a step, step size by what changes most.

A solver only solves four linear equations (`Solver`); everything else is here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from physics.drive import Segment
from physics.laws import NM, Array
from physics.solvers.circuit import operate
from physics.solvers.discretisation import Discretisation, Faces, Vacancies, inflow

_SWEEPS = 2
_ITERATIONS = 60
_SHRINK, _GROW = 0.4, 1.6
_FIRST = 1e-2  # of a pulse: the first step after a jump of the voltage
_REJECT = 2.0  # times the target of a step
_SMALLEST = 1e-14  # of a segment: below this the step is given up


class Solver(Protocol):
    """The linear equations of a step; see `banded_solver` for the units."""

    name: str

    def potential(self, faces: Faces) -> Array:
        """Potential of each cell, given the conductances of the faces."""

    def temperature_rise(self, faces: Faces, heat: Array) -> Array:
        """Rise above ambient of each cell, given the heat in each."""

    def ion_potential(self, potential: Array) -> Array:
        """The potential that moves ions, given the potential of the cells."""

    def vacancies(self, equation: Vacancies, before: Array, step: float) -> Array:
        """Density after a step from the density before."""


class NotConvergedError(Exception):
    """The step size fell to nothing."""


@dataclass(frozen=True, eq=False)
class Fields:
    """Electrothermal solution for a density: unit potential [V], temperature [K], voltage [V], current [A].

    `power_error` is |sum of Joule power - I V| over I V, `iterations` those of the electrothermal loop.
    """

    unit: Array
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

    `gained` counts what reservoir and reactions have put in, in nm^3 times the reference density.
    """

    time: float
    density: Array
    fields: Fields
    gained: float = 0.0


@dataclass(frozen=True, eq=False)
class Trial:
    """A step that may be accepted: its end, and the conductance with the density of its start [S]."""

    state: State
    conductance_before: float


@dataclass
class Tally:
    """Running record of a simulation's quality."""

    steps: int = 0
    rejected: int = 0
    solves: int = 0
    mass_error: float = 0.0
    power_error: float = 0.0
    lowest_density: float = math.inf
    hottest: float = 0.0


class Stepper:
    """Carries a device through segments of drive.

    Parameters
    ----------
    grid : Discretisation
    solver : Solver
    """

    def __init__(self, grid: Discretisation, solver: Solver) -> None:
        self.grid, self.solver = grid, solver
        self.tally = Tally()
        self._step = 0.0
        self._source = 0.0
        self._content = 0.0

    def start(self, density: Array | None = None) -> State:
        """A device at 0 V with a density [1]; None: the prescribed state just after a reset."""
        density = self.grid.initial_density() if density is None else density
        ambient = np.full(self.grid.mesh.shape, self.grid.stack.heat.ambient)
        self._content = float(np.sum(self.grid.mesh.volume * density))
        return State(0.0, density, self.fields(density, 0.0, math.inf, ambient))

    def conductance(self, density: Array) -> float:
        """Conductance at ambient temperature [S]: a read that neither heats nor moves anything."""
        ambient = np.full(self.grid.mesh.shape, self.grid.stack.heat.ambient)
        return self._electric(density, ambient)[2]

    def _electric(self, density: Array, temperature: Array) -> tuple[Array, Array, float, Faces]:
        conductivity = self.grid.conductivity(density, temperature)
        faces = self.grid.conductances(conductivity)
        unit = self.solver.potential(faces)
        self.tally.solves += 1
        return conductivity, unit, NM * float(np.sum(faces.z[0] * unit[0])), faces

    def fields(self, density: Array, source: float, compliance: float, temperature: Array) -> Fields:
        """Potential, circuit and temperature, iterated until the temperature stands.

        Raises
        ------
        NotConvergedError
            If it does not.
        """
        stack = self.grid.stack
        heat_faces = self.grid.thermal_conductances(density)
        for iteration in range(1, _ITERATIONS + 1):
            conductivity, unit, conductance, faces = self._electric(density, temperature)
            point = operate(source, conductance, stack.circuit.series_resistance, compliance)
            heat = self.grid.joule_heat(conductivity, faces, unit)
            rise = self.solver.temperature_rise(heat_faces, point.voltage**2 * heat)
            self.tally.solves += 1
            change = float(np.max(np.abs(stack.heat.ambient + rise - temperature)))
            temperature = stack.heat.ambient + rise
            if not math.isfinite(change):
                break
            if change < stack.numerics.temperature_tolerance:
                error = abs(NM * float(heat.sum()) / conductance - 1)
                return Fields(
                    unit,
                    temperature,
                    point.voltage,
                    point.current,
                    conductance,
                    point.limited,
                    error,
                    iteration,
                )
        raise NotConvergedError("potential and temperature do not settle")

    def attempt(self, state: State, source: float, compliance: float, step: float) -> Trial:
        """One implicit step [s] that ends at a source voltage [V]: two sweeps of all equations."""
        density, fields, gained, before = state.density, state.fields, 0.0, None
        for _ in range(_SWEEPS):
            fields = self.fields(density, source, compliance, fields.temperature)
            before = before or fields.conductance
            ions = fields.voltage * self.solver.ion_potential(fields.unit)
            equation = self.grid.vacancies(density, ions, fields.voltage, fields.temperature)
            density = self.solver.vacancies(equation, state.density, step)
            self.tally.solves += 1
            gained = step * inflow(equation, density, self.grid.mesh.volume)
        end = State(state.time + step, density, fields, state.gained + gained)
        return Trial(end, before or fields.conductance)

    def run(self, state: State, segment: Segment, observe: Callable[[State, float], None] | None = None) -> State:
        """Carry a state through a segment; `observe` sees each accepted state and its source voltage.

        Raises
        ------
        NotConvergedError
            If the step size falls to nothing; what `observe` has seen up to then holds.
        """
        control = self.grid.stack.numerics
        begin, now = state.time, 0.0
        largest = control.voltage_step / segment.rate if segment.rate > 0 else segment.duration
        wanted = self._first_step(segment, largest)
        while now < segment.duration:
            left = segment.duration - now
            wanted = min(wanted, largest)
            step = wanted if wanted < 0.5 * left else 0.5 * left if wanted < left else left  # no sliver at the end
            trial, change = self._try(state, segment.voltage(now + step), segment.compliance, step)
            if trial is None:
                self.tally.rejected += 1
                wanted = _SHRINK * step
                if wanted < _SMALLEST * segment.duration:
                    raise NotConvergedError(f"no step converges at {segment.voltage(now):.4g} V")
                continue
            now = segment.duration if step == left else now + step
            state = replace(trial, time=begin + now)
            self._account(state)
            # A step cut short by the end of a segment says nothing against the longer one that was wanted.
            wanted = min(max(step / max(change, 1e-9), _SHRINK * step), _GROW * max(step, wanted))
            self._step, self._source = wanted, segment.voltage(now)
            if observe:
                observe(state, self._source)
        return state

    def _first_step(self, segment: Segment, largest: float) -> float:
        """The step goes on from the segment before unless the voltage jumps."""
        if segment.rate == 0 and segment.start != self._source:
            return _FIRST * largest
        return self._step or largest

    def _try(self, state: State, source: float, compliance: float, step: float) -> tuple[State | None, float]:
        """An attempted step and its change over the target, or None if it must be rejected."""
        control = self.grid.stack.numerics
        try:
            trial = self.attempt(state, source, compliance, step)
        except (NotConvergedError, FloatingPointError):
            return None, math.inf
        density = float(np.max(np.abs(trial.state.density - state.density)))
        # The smaller of two: the change since the last step counts a jump of the voltage, the change within
        # this step counts a first sweep that the second one corrects; neither shrinks with the step.
        conductance = trial.state.fields.conductance
        ratios = conductance / state.fields.conductance, conductance / trial.conductance_before
        relative = min(abs(math.log(ratio)) for ratio in ratios)
        change = max(density / control.density_step, relative / control.conductance_step)
        return (trial.state, change) if change <= _REJECT else (None, change)  # NaN is rejected too

    def _account(self, state: State) -> None:
        tally = self.tally
        content = float(np.sum(self.grid.mesh.volume * state.density))
        tally.steps += 1
        tally.mass_error = max(tally.mass_error, abs(content - self._content - state.gained) / self._content)
        tally.power_error = max(tally.power_error, state.fields.power_error)
        tally.lowest_density = min(tally.lowest_density, float(state.density.min()))
        tally.hottest = max(tally.hottest, float(state.fields.temperature.max()))
