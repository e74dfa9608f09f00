"""Time stepping shared by the solvers: two sweeps per step, step size by the largest change.

A solver only solves four linear equations (`Solver`); the rest is here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from devicekit.core.errors import ParameterError
from physics.constants import NM, Array
from physics.drive import Segment
from physics.solvers.circuit import operate
from physics.solvers.discretisation import Current, Discretisation, Faces, Vacancies, inflow
from physics.solvers.state import Fields, Limit, Noise, State, Tally, Trial

_SWEEPS = 2
_ITERATIONS = 60
_POTENTIAL_TOLERANCE = 1e-4  # end of the electrothermal iteration [V]; the error after the last step is far smaller
_READ_TOLERANCE = 1e-6  # of the read voltage
_AT_ZERO = 1e-6  # [V]: below, dI/dV is used, as I / V is rounding
_NO_POWER = 1e-30  # [W]: below, power is not balanced
_CLIMB = 10  # steps of the source voltage if Newton's method does not converge
_SHRINK, _GROW = 0.4, 1.6
_FIRST = 1e-2  # fraction of a pulse: first step after a jump of the voltage
_REJECT = 2.0  # times the target of a step
_SMALLEST, _INSTANT = 1e-14, 1e-18  # fraction of a segment, and [s]: smallest step
_MOST_STEPS = 20_000  # per segment; a ramp takes some hundreds
MELTED = 2000.0
"""Melting temperature of the oxides, at which a run ends [K]."""


class Solver(Protocol):
    """Solver of the linear equations of a step; see `banded_solver` for the units."""

    name: str

    def potential(self, faces: Faces, source: Array | None = None) -> tuple[Array, Array]:
        """Return the potential per cell for 1 V on the top electrode, and for a source between electrodes at 0 V."""

    def temperature_rise(self, faces: Faces, heat: Array) -> Array:
        """Return the temperature rise above ambient of each cell from its heat."""

    def ion_potential(self, potential: Array, top: float) -> Array:
        """Return the ion potential from the potential of the cells and of the top electrode."""

    def vacancies(self, equation: Vacancies, before: Array, step: float) -> Array:
        """Return the density after a step."""

    def smooth(self, values: Array, length: float) -> Array:
        """Return cell values averaged over a length [nm]; the volume integral is conserved."""


class NotConvergedError(Exception):
    """No convergence, or a state beyond the validity of the model."""


class Stepper:
    """Time stepping of a device through segments of a drive.

    Parameters
    ----------
    grid : Discretisation
    solver : Solver
    noise : Noise, optional
        Changes the density after every accepted step.
    """

    def __init__(self, grid: Discretisation, solver: Solver, noise: Noise | None = None) -> None:
        self.grid, self.solver, self.noise = grid, solver, noise
        self.tally = Tally()
        self._step = 0.0
        self._source = 0.0
        self._content = 0.0

    def start(self, density: Array | None = None) -> State:
        """Return a device at 0 V with a density [1]; None: the prescribed state just after a reset.

        Raises
        ------
        ParameterError
            If it cannot be solved, for example with a conductivity that underflows to 0.
        """
        density = self.grid.initial_density() if density is None else density
        ambient = np.full(self.grid.mesh.shape, self.grid.stack.heat.ambient)
        self._content = float(np.sum(self.grid.mesh.volume * density))
        try:
            self.conductance(density)
            return State(0.0, density, self.fields(density, 0.0, Limit(), ambient))
        except (NotConvergedError, FloatingPointError) as error:
            raise ParameterError(
                f"the device cannot be solved at heat.ambient and drive.read_voltage: {error}"
            ) from error

    def conductance(self, density: Array) -> float:
        """Return I / V at the read voltage and ambient temperature [S]: a read without heating or changes.

        Raises
        ------
        NotConvergedError
            If it cannot be solved.
        """
        voltage, density = self.grid.stack.drive.read_voltage, self._seen(density)
        try:
            return self._read(density, [voltage])
        except (NotConvergedError, FloatingPointError):
            pass
        try:
            return self._read(density, list(voltage * np.arange(1, _CLIMB + 1) / _CLIMB))
        except FloatingPointError as error:
            raise NotConvergedError(f"the read at {voltage:g} V cannot be solved: {error}") from error

    def _seen(self, density: Array) -> Array:
        """Return the density that electrons see [1]: averaged over `conduction.density_length`."""
        length = self.grid.stack.conduction.density_length
        return self.solver.smooth(density, length) if length > 0 else density

    def _read(self, density: Array, voltages: list[float]) -> float:
        """Return I / V at the last of several device voltages [V], each solved from the one before [S]."""
        ambient = np.full(density.shape, self.grid.stack.heat.ambient)
        conductivity = self.grid.conductivity(density, ambient)
        potential, top, found = np.zeros_like(density), 0.0, math.nan
        for voltage in voltages:
            for _ in range(_ITERATIONS):
                unit, shift, offset, slope, _current = self._newton(conductivity, density, ambient, potential, top)
                after = voltage * unit + shift
                settled = self.grid.ohmic or float(np.max(np.abs(after - potential))) < _READ_TOLERANCE * voltage
                potential, top, found = after, voltage, slope + offset / voltage
                if settled:
                    break
            else:
                raise NotConvergedError(f"the read at {voltage:g} V does not converge")
        return found

    def _newton(
        self, conductivity: Array, density: Array, temperature: Array, potential: Array, top: float
    ) -> tuple[Array, Array, float, float, Current]:
        """Linearise once: potential = V unit + shift, current = offset [A] + slope [S] V."""
        current = self.grid.current(conductivity, density, temperature, potential, top)
        source = None if self.grid.ohmic else self.grid.remainder(current)
        unit, shift = self.solver.potential(current.faces, source)
        self.tally.solves += 1
        below = current.faces.z[0]
        slope = NM * float(np.sum(below * unit[0]))
        offset = 0.0
        if not self.grid.ohmic:
            offset = NM * float(np.sum(below * shift[0] - current.bend.z[0] * current.potential[0]))
        return unit, shift, offset, slope, current

    def fields(
        self, density: Array, source: float, limit: Limit, temperature: Array, near: Fields | None = None
    ) -> Fields:
        """Solve potential, circuit and temperature iteratively.

        Parameters
        ----------
        density : array [1]
        source : float
            Source voltage [V].
        limit : Limit
        temperature : array [K]
            Initial temperature.
        near : Fields, optional
            Initial solution. If Newton's method fails after a jump of the voltage, the voltage rises in steps.

        Raises
        ------
        NotConvergedError
            Without convergence.
        """
        density = self._seen(density)
        try:
            return self._settle(density, source, limit, temperature, near)
        except (NotConvergedError, FloatingPointError):  # an overshoot of Newton's method overflows the matrix
            if self.grid.ohmic:
                raise
        climb = None
        for share in np.arange(1, _CLIMB + 1) / _CLIMB:
            climb = self._settle(density, share * source, limit, temperature, climb)
            temperature = climb.temperature
        assert climb is not None
        return climb

    def _settle(self, density: Array, source: float, limit: Limit, temperature: Array, near: Fields | None) -> Fields:
        stack, grid = self.grid.stack, self.grid
        heat_faces = grid.thermal_conductances(density)
        potential, top = (np.zeros_like(density), 0.0) if near is None else (near.potential, near.voltage)
        for iteration in range(1, _ITERATIONS + 1):
            conductivity = grid.conductivity(density, temperature)
            unit, shift, offset, slope, current = self._newton(conductivity, density, temperature, potential, top)
            point = operate(
                source,
                offset,
                slope,
                stack.circuit.series_resistance,
                limit.compliance,
                stack.circuit.saturation(limit.gate),
                limit.gate,
            )
            after = point.voltage * unit + shift
            heat = grid.joule_heat(current, after, point.voltage)
            rise = self.solver.temperature_rise(heat_faces, heat)
            self.tally.solves += 1
            change = float(np.max(np.abs(stack.heat.ambient + rise - temperature)))
            moved = 0.0 if grid.ohmic else float(np.max(np.abs(after - potential)))
            temperature, potential, top = stack.heat.ambient + rise, after, point.voltage
            if not (math.isfinite(change) and math.isfinite(moved)):
                break
            if change < stack.numerics.temperature_tolerance and moved < _POTENTIAL_TOLERANCE:
                power = point.current * point.voltage
                driven = source != 0  # without a source, any current is rounding of the last step
                return Fields(
                    potential,
                    temperature,
                    point.voltage if driven else 0.0,
                    point.current if driven else 0.0,
                    point.current / point.voltage if abs(point.voltage) > _AT_ZERO else slope,
                    point.limited,
                    abs(NM * float(heat.sum()) / power - 1) if abs(power) > _NO_POWER else 0.0,
                    iteration,
                )
        raise NotConvergedError("potential and temperature do not converge")

    def attempt(self, state: State, source: float, limit: Limit, step: float) -> Trial:
        """Attempt one implicit step [s] to a source voltage [V]: two sweeps of all equations."""
        density, fields, gained, before = state.density, state.fields, 0.0, None
        for _ in range(_SWEEPS):
            fields = self.fields(density, source, limit, fields.temperature, fields)
            before = before or fields.conductance
            ions = self.solver.ion_potential(fields.potential, fields.voltage)
            equation = self.grid.vacancies(density, ions, fields.voltage, fields.temperature)
            density = self.solver.vacancies(equation, state.density, step)
            self.tally.solves += 1
            gained = step * inflow(equation, density, self.grid.mesh.volume)
        end = State(state.time + step, density, fields, state.gained + gained)
        return Trial(end, equation, before or fields.conductance)

    def run(
        self,
        state: State,
        segment: Segment,
        observe: Callable[[State, float], None] | None = None,
        until: Callable[[State], bool] | None = None,
    ) -> State:
        """Carry a state through a segment, or up to the first state for which `until` is true.

        `observe` is called with each accepted state and its source voltage.

        Raises
        ------
        NotConvergedError
            Without convergence, with too many steps, or if the state leaves the validity of the model; the states
            passed to `observe` before remain valid.
        """
        control = self.grid.stack.numerics
        begin, now = state.time, 0.0
        limit = Limit(segment.compliance, segment.gate)
        largest = control.voltage_step / segment.rate if segment.rate > 0 else segment.duration
        wanted = self._first_step(segment, largest)
        smallest, most = min(_SMALLEST * segment.duration, _INSTANT), self.tally.steps + _MOST_STEPS
        self.tally.shortest = min(self.tally.shortest, segment.duration)
        while now < segment.duration:
            left = segment.duration - now
            wanted = min(wanted, largest)
            step = wanted if wanted < 0.5 * left else 0.5 * left if wanted < left else left  # avoid a tiny last step
            trial, change = self._try(state, segment.voltage(now + step), limit, step)
            if trial is None:
                self.tally.rejected += 1
                wanted = _SHRINK * step
                if wanted < smallest:
                    raise NotConvergedError(f"no step converges at {segment.voltage(now):.4g} V")
                continue
            now = segment.duration if step == left else now + step
            state = self._accept(trial, begin + now, step)
            self._account(state)
            if self.tally.steps >= most:
                raise NotConvergedError(f"more than {_MOST_STEPS:,} steps up to {segment.voltage(now):.4g} V")
            # a step shortened by the end of a segment does not limit the next one
            wanted = min(max(step / max(change, 1e-9), _SHRINK * step), _GROW * max(step, wanted))
            self._step, self._source = wanted, segment.voltage(now)
            if observe:
                observe(state, self._source)
            if until and until(state):
                break
        return state

    def _accept(self, trial: Trial, time: float, step: float) -> State:
        """Return the state after an accepted step [s] ending at a time [s], including noise."""
        state = replace(trial.state, time=time)
        if self.noise is None:
            return state
        density = self.noise.after(state.density, trial.equation, step)
        change = float(np.sum(self.grid.mesh.volume * (density - state.density)))
        return replace(state, density=density, gained=state.gained + change)

    def _first_step(self, segment: Segment, largest: float) -> float:
        """Return the first step, continuing that of the previous segment unless the voltage jumps."""
        if segment.first > 0:
            return segment.first
        if segment.rate == 0 and segment.start != self._source:
            return _FIRST * largest
        return self._step or largest

    def _try(self, state: State, source: float, limit: Limit, step: float) -> tuple[Trial | None, float]:
        """Try a step; return it, or None if rejected, and its change over the target."""
        control = self.grid.stack.numerics
        try:
            trial = self.attempt(state, source, limit, step)
        except (NotConvergedError, FloatingPointError):
            return None, math.inf
        density = float(np.max(np.abs(trial.state.density - state.density)))
        # at one source voltage, as that since the last step includes a jump of it, and is small for sweeps that
        # alternate between two conductances
        conductance = trial.state.fields.conductance
        if not conductance > 0:
            return None, math.inf
        relative = abs(math.log(conductance / trial.conductance_before))
        change = max(density / control.density_step, relative / control.conductance_step)
        return (trial, change) if change <= _REJECT else (None, change)  # NaN is rejected too

    def _account(self, state: State) -> None:
        tally = self.tally
        content = float(np.sum(self.grid.mesh.volume * state.density))
        tally.steps += 1
        tally.mass_error = max(tally.mass_error, abs(content - self._content - state.gained) / self._content)
        tally.power_error = max(tally.power_error, state.fields.power_error)
        tally.lowest_density = min(tally.lowest_density, float(state.density.min()))
        tally.highest_density = max(tally.highest_density, float(state.density.max()))
        tally.hottest = max(tally.hottest, float(state.fields.temperature.max()))
        tally.strongest = max(tally.strongest, self.grid.largest_field(state.fields.potential, state.fields.voltage))
        tally.fewest = min(tally.fewest, float(self.grid.vacancies_per_height(state.density).min()))
        if tally.hottest > MELTED:
            raise NotConvergedError(
                f"the temperature reaches {tally.hottest:.0f} K, above the melting point of oxides ({MELTED:g} K)"
            )
