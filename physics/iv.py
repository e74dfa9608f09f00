"""The set I-V and bipolar loops of a stack."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import pandas as pd

from devicekit.core.calls import as_whole, called_as
from devicekit.core.errors import CodedWarning, ParameterError, UsageError
from devicekit.core.text import closest, si
from devicekit.features.dc.trace import LIMITED
from devicekit.tables import SweepTable
from physics import SOLVERS, starter_files
from physics.drive import Segment, forming, loops, set_sweep
from physics.guards import check_start
from physics.noise import Discreteness
from physics.records import DeviceReads, Stage, drifting_loops, moving_loops
from physics.result import IVResult
from physics.solvers.banded_solver import BandedSolver
from physics.solvers.discretisation import Discretisation
from physics.solvers.mesh import build_mesh
from physics.solvers.state import State
from physics.solvers.stepping import NotConvergedError, Solver, Stepper
from physics.stack import Stack, load_material, load_stack

Progress = Callable[[float], None]
"""Callback with the completed fraction of a run, 0..1."""

# currents of the first set at which a stage is recorded for the maps [A]
_STAGE_CURRENTS = (("10 µA", 1e-5), ("100 µA", 1e-4))


def make_solver(name: str, grid: Discretisation) -> Solver:
    """Return the solver with a name. FiPy is imported only on request.

    Raises
    ------
    ParameterError
        If the name is unknown.
    """
    if name == "banded":
        return BandedSolver(grid)
    if name == "fipy":
        from physics.solvers.fipy_solver import FipySolver

        return FipySolver(grid)
    raise ParameterError(f"solver: found {name!r}, expected one of {', '.join(SOLVERS)}")


def resolve_stack(stack: Stack | Path | str | None) -> Stack:
    """Return a stack unchanged, that of a material set, a starter or a TOML file, or the default one."""
    if isinstance(stack, str) and not stack.endswith(".toml") and not os.path.isfile(stack):
        return load_stack(stack) if stack in starter_files() else load_material(stack)
    return stack if isinstance(stack, Stack) else load_stack(stack)


class RunOptions(TypedDict, total=False):
    """Options of every simulation, as `make_stepper` takes them."""

    solver: str
    mesh: str | float
    noise: int | None


def make_stepper(
    stack: Stack, solver: str = "banded", mesh: str | float = "default", noise: int | None = None
) -> Stepper:
    """Build mesh, coefficients, solver and time stepping of a stack.

    Parameters
    ----------
    stack : Stack
    solver : {"banded", "fipy"}
        Both use the same discretisation: banded is fast, FiPy is declarative.
    mesh : {"coarse", "default", "fine"} or float
        A number is the cell size of the fine region [nm].
    noise : int, optional
        Seed of the noise of single vacancies (`physics.noise`); None: a deterministic mean run.

    Raises
    ------
    ParameterError
        If the solver or the mesh is unknown, or the seed is not a whole number from 0.
    """
    grid = Discretisation(stack, build_mesh(stack, mesh))
    found = make_solver(solver, grid)
    return Stepper(grid, found, None if noise is None else Discreteness(grid, BandedSolver(grid), noise))


_MOST_STEPS = 1_000_000


def check_drive(stack: Stack, drive: Sequence[Segment]) -> None:
    """Refuse a drive with too many steps.

    Raises
    ------
    ParameterError
        If the voltages alone take over a million steps.
    """
    steps = sum(abs(segment.stop - segment.start) for segment in drive) / stack.numerics.voltage_step
    if not steps <= _MOST_STEPS:
        raise ParameterError(
            f"the drive takes at least {steps:.3g} steps of numerics.voltage_step ({stack.numerics.voltage_step:g} V); "
            "use fewer cycles, smaller stops or larger steps"
        )


def stage(stepper: Stepper, state: State, source: float, label: str, cycle: int) -> Stage:
    """Record the fields of a state, in SI units except for the mesh."""
    fields = state.fields
    return Stage(
        label=label,
        cycle=cycle,
        voltage_v=source,
        current_a=fields.current,
        time_s=state.time,
        potential=fields.potential,
        density=stepper.grid.stack.filament.reference_density * state.density,
        temperature=fields.temperature,
    )


@dataclass
class _Recorder:
    """Recorder of rows, stages and reads during a drive."""

    stepper: Stepper
    total: float
    progress: Progress | None
    voltages: Sequence[float]
    forms: bool = False
    rows: list[dict[str, object]] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    reads: dict[tuple[int, str], float] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)

    def see(self, state: State, source: float, segment: Segment) -> None:
        fields = state.fields
        self.rows.append(
            {
                "device_id": "simulated",
                "cycle": segment.cycle,
                "point": len(self.rows),
                "voltage_v": source,
                "current_a": fields.current,
                "time_s": state.time,
                "compliance_a": segment.compliance if math.isfinite(segment.compliance) else math.nan,
                "t_max_k": float(fields.temperature.max()),
                "device_voltage_v": fields.voltage,
                "segment": segment.label,
                **({"step": "form" if segment.cycle == 1 else "loop"} if self.forms else {}),
            }
        )
        if segment.label == "set" and segment.cycle == 1:
            reached = [label for label, current in _STAGE_CURRENTS if fields.current >= current]
            reached += [f"{voltage:g} V" for voltage in self.voltages if source >= voltage * (1 - 1e-9)]
            for label in reached:
                if label not in self.labels:
                    self.labels.add(label)
                    self.stages.append(stage(self.stepper, state, source, label, segment.cycle))
        if self.progress:
            self.progress(min(1.0, state.time / self.total))

    def end(self, state: State, segment: Segment) -> None:
        self.reads[segment.cycle, segment.label] = self.stepper.conductance(state.density)
        label = f"end of {segment.label.replace('_', ' ')}"
        self.stages.append(stage(self.stepper, state, segment.stop, label, segment.cycle))

    def device_reads(self, drive: Sequence[Segment], hrs: float) -> dict[int, DeviceReads]:
        """Return the reads of every loop that a drive, which starts with an HRS [S], has begun."""
        found = {}
        ran = {row["cycle"] for row in self.rows}
        for number in dict.fromkeys(segment.cycle for segment in drive if segment.cycle in ran):
            # after the set: at 0 V if the drive returns there
            lrs = self.reads.get((number, "set_back"), self.reads.get((number, "set")))
            found[number] = DeviceReads(hrs_s=hrs, lrs_s=lrs)
            hrs = self.reads.get((number, "reset_back"), hrs)
        return found


def reason(error: NotConvergedError | KeyboardInterrupt) -> str:
    """Return why a run is not complete."""
    return str(error) if isinstance(error, NotConvergedError) else "interrupted"


def check_keywords(simulate: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse a keyword that a simulation does not have, with the one that is meant.

    Raises
    ------
    UsageError
    """
    known = [*inspect.signature(simulate).parameters, *RunOptions.__annotations__]
    for name in options:
        if name not in RunOptions.__annotations__:
            verb, meant = f"devicekit.simulate.{simulate.__name__.removeprefix('simulate_')}", closest(name, known)
            hint = f"did you mean {meant}=?" if meant else f"help({verb}) lists its keywords."
            raise UsageError(f"{verb} has no keyword {name}=: {hint}")


@called_as("devicekit.simulate.iv('electrothermal')")
def simulate_iv(
    stack: Stack | Path | str | None = None,
    *,
    compliance: float | None = None,
    rate: float | None = None,
    cycles: int = 0,
    start: str = "reset",
    progress: Progress | None = None,
    segments: Sequence[Segment] | None = None,
    stage_voltages: Sequence[float] = (),
    **options: Unpack[RunOptions],
) -> IVResult:
    """Simulate the set I-V of a stack (paper, Fig. 2), or bipolar loops (Fig. 1a).

    The run starts from the prescribed state just after a reset, or from a pristine film, whose first ramp forms it. An
    interrupt, or a step that does not converge, ends the run with partial results, marked incomplete.

    Parameters
    ----------
    stack : Stack, path-like or str, optional
        A stack, its TOML file, or the name of a material set; the default set if not given.
    compliance : float, optional
        Current limit [A]; the stack's if None.
    rate : float, optional
        Ramp rate [V/s]; the stack's if None.
    cycles : int
        Number of loops; 0: the set sweep alone (up and back to 0 V).
    start : {"reset", "pristine"}
        State at the start. The first ramp of a pristine film goes to `drive.form_stop`.
    progress : callable, optional
        Called with the completed fraction.
    segments : sequence of Segment, optional
        Drive to use instead of the one of the stack.
    stage_voltages : sequence of float
        Source voltages of the first set [V] at which fields are recorded, in addition to 10 uA, 100 uA and the ends.
    **options
        ``solver="banded"``, ``mesh="default"`` and ``noise=None``, as for `make_stepper`.

    Raises
    ------
    ParameterError
        If a parameter is unknown or out of range; the message names it.

    Examples
    --------
    >>> import devicekit
    >>> result = devicekit.simulate.iv("electrothermal", mesh="coarse")
    >>> round(result.v_set_v, 2)  # [V]
    0.63
    """
    stack, cycles = resolve_stack(stack), as_whole(cycles, "cycles")
    changes = {"circuit.compliance": compliance, "drive.rate": rate}
    stack = stack.replace({key: value for key, value in changes.items() if value is not None})
    check_start(stack, start)
    pristine = start == "pristine"
    usual = forming(stack, cycles) if pristine else loops(stack, cycles) if cycles else set_sweep(stack)
    drive = usual if segments is None else tuple(segments)
    if not drive:
        raise ParameterError("segments: the drive is empty")
    highest = max((each.stop for each in drive if each.label == "set" and each.cycle == 1), default=0.0)
    for voltage in stage_voltages:
        if not 0 < voltage <= highest:
            raise ParameterError(
                f"stage_voltages: found {voltage:g} V, expected above 0 V and at most {highest:g} V, the end of the set"
            )
    check_drive(stack, drive)
    check_keywords(simulate_iv, options)
    stepper = make_stepper(stack, **options)
    recorder = _Recorder(stepper, sum(segment.duration for segment in drive), progress, stage_voltages, pristine)
    state = stepper.start(stepper.grid.pristine_density() if pristine else None)
    hrs = stepper.conductance(state.density)
    recorder.stages.append(stage(stepper, state, 0.0, "start", drive[0].cycle))
    recorder.see(state, 0.0, drive[0])
    message = ""
    try:
        for segment in drive:
            state = stepper.run(state, segment, lambda s, v, segment=segment: recorder.see(s, v, segment))  # type: ignore[misc]
            recorder.end(state, segment)
    except (NotConvergedError, KeyboardInterrupt) as error:
        message = reason(error)
    result = IVResult.of_run(
        stepper,
        recorder.stages,
        message,
        options.get("noise"),
        sweep=SweepTable(pd.DataFrame(recorder.rows), meta={"source": "simulated", "material": stack.material}),
        reads=recorder.device_reads(drive, hrs),
        start=start,
        planned=len({segment.cycle for segment in drive}),
    )
    remarks = (*result.quality.remarks, *_remarks(result, drive))
    remarks = tuple(sorted(remarks, key=lambda each: each.code != "melted"))  # why the run ended comes first
    return replace(result, quality=replace(result.quality, remarks=remarks))


def _remarks(result: IVResult, drive: Sequence[Segment]) -> Iterator[CodedWarning]:
    """Yield warnings about films that melt or do not form, about no or gradual sets, and about loops that move."""
    pristine = result.start == "pristine"
    if result.melts:
        yield CodedWarning("melted", f"{result.melting_sentence} Lower --compliance.")
    read = bool(result.cycles) and result.cycles[0].outcome != "one_way"  # V_form needs a way back
    if pristine and read and result.complete and result.v_form_v is None:
        yield CodedWarning("unformed", f"The film does not form up to {drive[0].stop:g} V.")
    loops_read = result.cycles[pristine:]
    if result.complete and loops_read and all(each.outcome in ("failed", "read") for each in loops_read):
        highest = max(segment.stop for segment in drive if segment.cycle == loops_read[0].cycle)
        limit = min(segment.compliance for segment in drive)
        limited = float(result.sweep.frame["current_a"].max()) >= LIMITED * limit  # a reset has no limit
        at = f" with currents limited to {si(limit, 'A')}" if limited else ""
        words = f"No SET up to {highest:g} V{at}: LRS / HRS stays below 2, and V_set is unknown."
        yield CodedWarning("no_switching", words)
    if result.dc is not None and result.dc.apart:
        yield CodedWarning("gradual_set", result.dc.apart)
    if len(result.reads) < 3 + pristine:
        return
    loops_by = {
        "V_set": [each.v_set_v for each in loops_read],
        "HRS": [each.device.hrs_s for each in loops_read],
        "LRS": [each.device.lrs_s for each in loops_read],
    }
    yield from moving_loops(loops_by["V_set"])
    yield from drifting_loops([each.cycle for each in loops_read], loops_by, noisy=result.noise is not None)
