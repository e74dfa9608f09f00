"""The simulated counterpart of measured levels: runs kept on disk, residuals, and derivatives."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import numpy as np

from devicekit._version import __version__
from devicekit.core.errors import FileError, ParameterError
from devicekit.system import files, workers, writing
from physics.calibration.measured import WEIGHTS, Level
from physics.constants import Array
from physics.drive import Segment, ramp
from physics.iv import simulate_iv
from physics.parameters import ALIASES
from physics.stack import Stack

# residual in ln I at each point not reached by a simulation that ends early
PENALTY = 3.0
_DERIVATIVE_STEP = 0.05  # in prior standard deviations; smaller steps are noisy because of the adaptive time step


@dataclass(frozen=True)
class Prior:
    """Prior of a free parameter: its logarithm is normal, with 95 % from `low` to `high`."""

    key: str
    unit: str
    low: float
    high: float

    @property
    def centre(self) -> float:
        """Mean of the logarithm."""
        return 0.5 * (math.log(self.low) + math.log(self.high))

    @property
    def sd(self) -> float:
        """Standard deviation of the logarithm."""
        return (math.log(self.high) - math.log(self.low)) / 3.92

    def value(self, z: float) -> float:
        """Return the parameter at z standard deviations from the centre."""
        return math.exp(self.centre + self.sd * z)

    def z(self, value: float) -> float:
        """Return the distance of a value from the centre, in standard deviations."""
        return (math.log(value) - self.centre) / self.sd


def priors_of(stack: Stack, free: Mapping[str, tuple[float, float]]) -> tuple[Prior, ...]:
    """Return the priors of the free parameters from bounds with 95 % probability.

    Raises
    ------
    ParameterError
        If a key is unknown or not a number, bounds are not positive and rising, or the stack's value is outside them.
    """
    if not free:
        raise ParameterError("free: give at least one parameter, such as transport.charge_number=6:12")
    found = []
    if len({ALIASES.get(key, (key,)) for key in free}) < len(free):
        raise ParameterError("free: a parameter is given twice")
    for key, (low, high) in free.items():
        value, unit = stack.get(key), stack.unit(key)  # an unknown key raises
        if not unit:
            raise ParameterError(f"{key} is not a number: it cannot be calibrated")
        if key.startswith("reaction.") and not stack.reaction.generation:
            raise ParameterError(f"{key} has no effect: reaction.generation of this stack is false")
        if key == "circuit.compliance" or key.startswith("drive."):
            raise ParameterError(f"{key} cannot be calibrated: each measured level has its own compliance and voltages")
        if not (0 < low < high < math.inf):
            raise ParameterError(f"{key}: found bounds {low:g} to {high:g}, expected two rising numbers above 0")
        if not low <= value <= high:
            raise ParameterError(f"{key}: the stack has {value:g} {unit}, outside of {low:g} to {high:g}")
        found.append(Prior(key, unit, low, high))
    return tuple(found)


def drive_of(level: Level) -> tuple[Segment, ...]:
    """Return the drive of a level: its SET up and back, and the RESET if there is one."""
    segments = [
        ramp(0.0, level.set_stop, level.rate, level.compliance, "set", gate=level.compliance),
        ramp(level.set_stop, 0.0, level.rate, level.compliance, "set_back", gate=level.compliance),
    ]
    if level.reset_stop < 0:
        segments.append(ramp(0.0, level.reset_stop, level.rate, math.inf, "reset", gate=level.compliance))
    return tuple(segments)


@dataclass(frozen=True)
class Simulated:
    """ln of the simulated current [A] at the measured voltages of each branch, and True if the run was complete.

    Without branches the stack cannot be simulated.
    """

    branches: dict[str, list[float]]
    reached: bool


def simulate_level(stack: Stack, level: Level, mesh: str | float) -> Simulated:
    """Simulate a level from the prescribed state just after a reset; branches not reached are NaN."""
    if math.isfinite(level.compliance):  # radius and gap depend on it
        stack = stack.replace({"circuit.compliance": level.compliance})
    result = simulate_iv(stack, mesh=mesh, segments=drive_of(level))
    frame = result.sweep.frame
    found = {}
    for branch in level.branches:
        places = np.flatnonzero(frame["segment"] == branch.name)
        if branch.name == "set_back":  # it starts where the way up ended
            places = np.concatenate([np.flatnonzero(frame["segment"] == "set")[-1:], places])
        rows = frame.iloc[places]
        rows = rows[(rows["current_a"] != 0) & (rows["voltage_v"] != 0)]
        size, target = rows["voltage_v"].abs().to_numpy(), np.abs(branch.voltage)
        if len(size) < 2:
            found[branch.name] = [math.nan] * len(target)
            continue
        order = np.argsort(size)
        current = np.log(rows["current_a"].abs().to_numpy())
        at = np.interp(np.log(target), np.log(size[order]), current[order])
        reached = (target >= size.min() * 0.5) & (target <= size.max() * (1 + 1e-9))
        found[branch.name] = [float(x) if ok else math.nan for x, ok in zip(at, reached, strict=True)]
    return Simulated(found, result.complete)


def _offsets(level: Level, simulated: Simulated) -> Iterator[tuple[str, Array]]:
    """Yield ln I simulated minus measured of every branch."""
    for branch in level.branches:
        off = np.array(simulated.branches[branch.name]) - branch.log_current
        yield branch.name, np.where(np.isfinite(off), off, PENALTY)


def residuals(level: Level, simulated: Simulated) -> Array:
    """Return ln I simulated minus measured; the squares of a branch sum to its weight times its mean square."""
    return np.concatenate([math.sqrt(WEIGHTS[name] / off.size) * off for name, off in _offsets(level, simulated)])


def branch_rms(level: Level, simulated: Simulated) -> dict[str, float]:
    """Return the root mean square of ln I simulated minus measured, by branch."""
    return {name: float(np.sqrt(np.mean(off**2))) for name, off in _offsets(level, simulated)}


def change_rms(level: Level, simulated: Simulated, near: Level, near_simulated: Simulated) -> dict[str, float]:
    """Return the root mean square of ln I of another prediction of a level, by branch.

    It is the measured current of another level, changed by what the simulation changes from that level to this one.
    Beyond its last point the other level is at its compliance, and the sum is at most the compliance of this level.

    Parameters
    ----------
    level, simulated : Level, Simulated
        The level to predict.
    near, near_simulated : Level, Simulated
        The other level, which has been measured.
    """
    found = {}
    for branch in level.branches:
        other = near.branch(branch.name)
        if other is None:
            continue
        limited = branch.name != "reset"
        order = np.argsort(np.abs(other.voltage))
        volts, size = np.abs(other.voltage)[order], np.abs(branch.voltage)
        change = np.array(simulated.branches[branch.name])
        for sign, values in ((1, other.log_current), (-1, np.array(near_simulated.branches[branch.name]))):
            beyond = math.log(near.compliance) if limited and math.isfinite(near.compliance) else values[order][-1]
            change = change + sign * np.interp(size, volts, values[order], right=beyond)
        if limited:
            change = np.minimum(change, math.log(level.compliance))
        off = np.where(np.isfinite(change), change - branch.log_current, PENALTY)
        found[branch.name] = float(np.sqrt(np.mean(off**2)))
    return found


Progress = Callable[[int], None]
"""Callback with the number of simulations done."""


class ModelOptions(TypedDict, total=False):
    """Options of a `Model`: how its simulations are run and stored."""

    mesh: str | float
    jobs: int
    store: Path | None
    progress: Progress | None


@dataclass
class Model:
    """Simulations of levels as a function of the free parameters; each is run once and stored.

    Parameters
    ----------
    stack : Stack
    priors : tuple of Prior
    mesh : {"coarse", "default", "fine"} or float
    jobs : int
        Number of parallel simulations; the result does not depend on it.
    store : Path, optional
        Folder for all runs, from which an interrupted calibration continues.
    progress : callable, optional
        Called with the number of simulations run.
    """

    stack: Stack
    priors: tuple[Prior, ...]
    mesh: str | float = "coarse"
    jobs: int = 1
    store: Path | None = None
    progress: Progress | None = None
    runs: int = 0
    _known: dict[str, Simulated] = field(default_factory=dict)

    def stack_at(self, z: Array) -> Stack:
        """Return the stack at a point [prior standard deviations]."""
        own = self.start()
        return self.stack.replace(
            {
                # keep an unchanged value to the last bit, as it may be at a limit
                prior.key: self.stack.get(prior.key) if x == x0 else prior.value(float(x))
                for prior, x, x0 in zip(self.priors, z, own, strict=True)
            }
        )

    def start(self) -> Array:
        """Return the point of the initial stack."""
        return np.array([prior.z(float(self.stack.get(prior.key))) for prior in self.priors])

    def simulate(self, points: Sequence[Array], levels: Sequence[Level]) -> list[list[Simulated] | None]:
        """Simulate all levels at every point; None for points with an impossible stack."""
        import joblib

        if self.jobs < 1:
            raise ParameterError(f"jobs: found {self.jobs}, expected 1 or more")
        stacks: list[Stack | None] = []
        for z in points:
            try:
                stacks.append(self.stack_at(z))
            except ParameterError:
                stacks.append(None)
        asked = {self._key(s, level): (s, level) for s in stacks if s is not None for level in levels}
        waiting = {key: (s, level) for key, (s, level) in asked.items() if self._load(key, level) is None}
        with workers.end_workers_on_error():
            pool = joblib.Parallel(n_jobs=min(self.jobs, len(waiting) or 1), return_as="generator_unordered")
            with workers.ignore_interrupts():
                done = pool(joblib.delayed(_simulate_keyed)(key, *pair, self.mesh) for key, pair in waiting.items())
            for key, simulated in done:
                self._keep(key, simulated)
                if self.progress:
                    self.progress(self.runs)
        found: list[list[Simulated] | None] = []
        for s in stacks:
            runs = None if s is None else [self._known[self._key(s, level)] for level in levels]
            found.append(None if runs is None or any(not run.branches for run in runs) else runs)
        return found

    def residuals(self, points: Sequence[Array], levels: Sequence[Level]) -> list[Array | None]:
        """Return the residuals of all levels at every point; None for points with an impossible stack."""
        found = self.simulate(points, levels)
        return [
            None if each is None else np.concatenate([residuals(k, s) for k, s in zip(levels, each, strict=True)])
            for each in found
        ]

    def jacobian(self, z: Array, at: Array, levels: Sequence[Level]) -> Array:
        """Return the derivatives of the residuals `at` z by forward differences, shape (residuals, parameters)."""
        steps = [z + _DERIVATIVE_STEP * unit for unit in np.eye(len(z))]
        back = [z - _DERIVATIVE_STEP * unit for unit in np.eye(len(z))]
        columns = []
        for k, ahead in enumerate(self.residuals(steps, levels)):
            if ahead is not None:
                columns.append((ahead - at) / _DERIVATIVE_STEP)
                continue
            (behind,) = self.residuals([back[k]], levels)
            if behind is None:
                raise ParameterError(f"{self.priors[k].key}: no change of this parameter gives a possible stack")
            columns.append((at - behind) / _DERIVATIVE_STEP)
        return np.stack(columns, axis=1)

    def _key(self, stack: Stack, level: Level) -> str:
        numbers = stack.model_dump(mode="json", exclude={"title", "summary", "assumptions", "defects", "sources"})
        drive = [
            (s.start, s.stop, s.duration, s.compliance if s.compliance < math.inf else None) for s in drive_of(level)
        ]
        points = [(b.name, b.voltage.tolist()) for b in level.branches]
        text = json.dumps([__version__, numbers, drive, points, self.mesh], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def _load(self, key: str, level: Level) -> Simulated | None:
        if key in self._known or self.store is None:
            return self._known.get(key)
        path = self.store / f"{key}.json"
        try:
            kept = files.read_json(path) if path.exists() else None
            rows = {name: [math.nan if x is None else float(x) for x in row] for name, row in kept["branches"].items()}  # type: ignore[index]
            if rows and {name: len(row) for name, row in rows.items()} != {
                b.name: b.voltage.size for b in level.branches
            }:
                return None
            self._known[key] = Simulated(rows, bool(kept["reached"]))  # type: ignore[index]
        except (FileError, TypeError, KeyError, AttributeError, ValueError):
            return None  # missing or damaged: run again
        return self._known[key]

    def _keep(self, key: str, simulated: Simulated) -> None:
        self.runs += 1
        self._known[key] = simulated
        if self.store is not None:
            rows = {n: [x if math.isfinite(x) else None for x in row] for n, row in simulated.branches.items()}
            self.store.mkdir(parents=True, exist_ok=True)
            writing.write_json(self.store / f"{key}.json", {"branches": rows, "reached": simulated.reached}, True)


def _simulate_keyed(key: str, stack: Stack, level: Level, mesh: str | float) -> tuple[str, Simulated]:
    try:
        return key, simulate_level(stack, level, mesh)
    except ParameterError:  # the mesh cannot resolve it, or the state cannot be solved
        return key, Simulated({}, False)
