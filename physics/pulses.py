"""Pulse trains: LTP and LTD of a simulated device, in the table format of a measurement."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import pandas as pd

from devicekit.core.calls import as_numbers, as_whole, called_as
from devicekit.core.errors import ParameterError
from devicekit.core.text import si
from devicekit.tables import PulseTable
from physics.drive import PulseTrain, loops, trains
from physics.iv import Progress, RunOptions, check_drive, check_keywords, make_stepper, reason, resolve_stack, stage
from physics.records import Stage
from physics.result import PulseResult
from physics.solvers.state import State
from physics.solvers.stepping import NotConvergedError, Stepper
from physics.stack import Stack

DEFAULT_WIDTHS = (5e-6, 50e-6, 500e-6)
"""Pulse widths of the paper's Fig. 3a [s]."""

# conditioning loops before the first train, as the prescribed state is not the result of a reset
DEFAULT_CYCLES = 3


@called_as("devicekit.simulate.pulses('electrothermal')")
def simulate_pulses(
    stack: Stack | Path | str | None = None,
    *,
    widths: Sequence[float] = DEFAULT_WIDTHS,
    count: int = 100,
    pairs: int = 2,
    amplitudes: Sequence[float] | None = None,
    gap: float = 0.0,
    cycles: int = DEFAULT_CYCLES,
    progress: Progress | None = None,
    **options: Unpack[RunOptions],
) -> PulseResult:
    """Simulate LTP and LTD trains (paper, Fig. 3a): at every width, `pairs` of trains from the same state.

    The device is cycled first; each width starts from the high-resistance state after the last reset, and each LTD
    train from the end of its LTP train. Reads are at ambient temperature and change nothing. An interrupt, or a step
    that does not converge, ends the run with partial results, marked incomplete.

    Parameters
    ----------
    stack, progress
        As for `simulate_iv`.
    widths : sequence of float
        Pulse widths [s].
    count : int
        Pulses per train.
    pairs : int
        Pairs of LTP and LTD trains at each width. The first LTP train starts just after a reset, the others from a
        device in use: fit the last pair.
    amplitudes : (float, float), optional
        Amplitudes of LTP and LTD pulses [V]; None: those of the stack.
    gap : float
        Rest at 0 V after every pulse [s].
    cycles : int
        Bipolar loops before the first train.
    **options
        ``solver="banded"``, ``mesh="default"`` and ``noise=None``, as for `physics.iv.make_stepper`.

    Raises
    ------
    ParameterError
        If a parameter is unknown or out of range; the message names it.

    Examples
    --------
    >>> import devicekit
    >>> result = devicekit.simulate.pulses(mesh="coarse", widths=[10e-6], count=20, pairs=1, cycles=1)
    >>> result.pulses.kind
    'pulse'
    """
    stack, widths = resolve_stack(stack), as_numbers(widths, "widths")
    count, pairs = as_whole(count, "count"), as_whole(pairs, "pairs")
    if not widths:
        raise ParameterError("width: found no pulse width, expected at least one")
    if as_whole(cycles, "cycles") < 0:
        raise ParameterError(f"cycles: found {cycles}, expected 0 or more")
    plan = [trains(stack, width, count, pairs, amplitudes, gap) for width in widths]
    check_drive(stack, loops(stack, cycles) if cycles else ())
    check_keywords(simulate_pulses, options)
    stepper = make_stepper(stack, **options)
    run = _PulseRun(stepper, sum(len(group) * count for group in plan), progress)
    message = ""
    try:
        state = run.condition(stack, cycles)
        for group in plan:
            run.trains(state, group)
    except (NotConvergedError, KeyboardInterrupt) as error:
        message = reason(error)
    if not run.rows:
        raise ParameterError(f"the run ended before the first pulse: {message}")
    table = PulseTable(pd.DataFrame(run.rows), meta={"source": "simulated", "material": stack.material})
    return PulseResult.of_run(stepper, run.stages, message, options.get("noise"), pulses=table)


class _PulseRun:
    """A run of pulse trains with one row per pulse."""

    def __init__(self, stepper: Stepper, total: int, progress: Progress | None) -> None:
        self.stepper, self.total, self.progress = stepper, total, progress
        self.rows: list[dict[str, object]] = []
        self.stages: list[Stage] = []
        self.done = 0

    def condition(self, stack: Stack, cycles: int) -> State:
        """Return the state of the device after bipolar loops."""
        state = self.stepper.start()
        for segment in loops(stack, cycles) if cycles else ():
            state = self.stepper.run(state, segment)
        self.stages.append(stage(self.stepper, state, 0.0, "before the trains", cycles))
        return state

    def trains(self, state: State, group: Sequence[PulseTrain]) -> None:
        for train in group:
            state = self._train(state, train)
            label = f"after {train.direction.upper()}, {si(train.width, 's')}"
            self.stages.append(stage(self.stepper, state, 0.0, label, train.cycle))

    def _train(self, state: State, train: PulseTrain) -> State:
        self._row(state, train, 0)
        for index, segments in zip(itertools.count(1), train.pulses(), strict=False):
            for segment in segments:
                state = self.stepper.run(state, segment)
            self._row(state, train, index)
            self.done += 1
            if self.progress:
                self.progress(self.done / self.total)
        return state

    def _row(self, state: State, train: PulseTrain, index: int) -> None:
        conductance = self.stepper.conductance(state.density)
        read = self.stepper.grid.stack.drive.read_voltage
        self.rows.append(
            {
                "device_id": "simulated",
                "cycle": train.cycle,
                "direction": train.direction,
                "pulse_index": index,
                "conductance_s": conductance,
                "pulse_voltage_v": train.amplitude,
                "pulse_width_s": train.width,
                "read_voltage_v": read,
                "read_current_a": read * conductance,
            }
        )
