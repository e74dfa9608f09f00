"""How fast a state of any conductance changes at rest: dG/dt against G at several temperatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devicekit.core.errors import ParameterError
from devicekit.core.records import Record, column
from devicekit.core.text import count, listed
from devicekit.plot import Axis, Curve, Panel
from physics.constants import Array
from physics.drive import Segment, loops
from physics.iv import make_stepper, resolve_stack
from physics.solvers.state import State
from physics.solvers.stepping import NotConvergedError, Stepper
from physics.stack import Stack

TEMPERATURES = (300.0, 358.15, 398.15, 448.15)
_SEEN, _LONGEST, _FIRST = 1e-5, 1e8, 1e-6  # smallest change of ln G, longest and first time [s]


@dataclass(frozen=True, eq=False, kw_only=True)
class Bistability(Record):
    """Rate of change at rest of states along a SET, read at the stack's ambient temperature."""

    temperature_k: Array = column(doc="temperatures at rest, shape (temperatures,)")
    conductance_s: Array = column(unit="S", doc="conductance of each state, shape (states,)")
    rate_s_s: Array = column(
        unit="S/s",
        doc="dG/dt at rest, shape (temperatures, states); 0: no change of 1e-5 in 1e8 s; NaN: not converged",
    )

    @property
    def message(self) -> str:
        """The states without a rate, as their steps do not converge; empty if all have one."""
        missing = [
            f"{count(lost, 'state')} at {temperature:.0f} K"
            for temperature, lost in zip(self.temperature_k, np.isnan(self.rate_s_s).sum(axis=1), strict=True)
            if lost
        ]
        return f"not converged: {listed(missing)}" if missing else ""

    def panel(self) -> Panel:
        """Return the figure of the magnitude of d ln G / dt against G; full marks rise, open ones fall."""
        curves = []
        for n, (temperature, rates) in enumerate(zip(self.temperature_k, self.rate_s_s, strict=True)):
            relative = rates / self.conductance_s
            for name, sign, style in (("rises", 1.0, "o-"), ("falls", -1.0, "x--")):
                found = np.where(sign * relative > 0, np.abs(relative), np.nan)
                if np.isfinite(found).any():
                    label = f"{temperature:.0f} K, G {name}"
                    curves.append(Curve(label, self.conductance_s, found, style=style, size=4.0, colour=f"C{n}"))
        title = self.message
        return Panel(
            Axis.of("conductance_s", scale="log"), Axis("|d ln G / dt| at rest", "1/s", "log"), curves, title=title
        )


def bistability(
    stack: Stack | Path | str | None = None,
    temperatures: Sequence[float] = TEMPERATURES,
    states: int = 8,
    mesh: str | float = "default",
) -> Bistability:
    """Simulate the change at rest of states between HRS and LRS, along the SET of the second loop.

    A bistable device has slow changes at both ends; a sign of dG/dt that is the same everywhere, or a fast change at
    one end, means that the state is lost.

    Parameters
    ----------
    stack : Stack, path, or None for the default
    temperatures : sequence of float
        Temperatures at rest [K].
    states : int
        Number of states, 2 or more.
    mesh : str or float
        As for `simulate_iv`.

    Raises
    ------
    ParameterError
        If a temperature is not above 0, or there are fewer than two states.
    NotConvergedError
        If a step does not converge.
    """
    if states < 2:
        raise ParameterError(f"states: found {states}, expected 2 or more")
    base = resolve_stack(stack)
    reader = make_stepper(base, mesh=mesh)
    found = _states(base, reader, states)
    values = np.array([reader.conductance(each.density) for each in found])
    rates = np.empty((len(temperatures), len(found)))
    for n, temperature in enumerate(temperatures):
        oven = make_stepper(base.replace({"heat.ambient": temperature}), mesh=mesh)
        rates[n] = [_rate(reader, oven, each, value) for each, value in zip(found, values, strict=True)]
    return Bistability(temperature_k=np.array(temperatures, float), conductance_s=values, rate_s_s=rates)


def _states(stack: Stack, stepper: Stepper, number: int) -> list[State]:
    """Return states of the second SET, about equally far apart in ln G."""
    first, second = loops(stack, 2)[:4], loops(stack, 2)[4:6]
    state = stepper.start()
    for segment in first:
        state = stepper.run(state, segment)
    passed = [state]
    for segment in second:
        state = stepper.run(state, segment, lambda now, _source: passed.append(now))
    levels = np.log([stepper.conductance(each.density) for each in passed])
    wanted = np.linspace(levels[0], levels[-1], number)
    chosen = {int(np.argmin(np.abs(levels - level))) for level in wanted[1:-1]}
    return [passed[k] for k in sorted({0, len(passed) - 1} | chosen)]


def _rate(reader: Stepper, oven: Stepper, state: State, before: float) -> float:
    """Return dG/dt of a state at rest [S/s], over the first time in which G changes visibly; NaN: not converged."""
    step = _FIRST
    hot = oven.start(state.density)
    while step <= _LONGEST:
        try:
            after = reader.conductance(oven.run(hot, Segment(0.0, 0.0, step, float("inf"), "rest", first=step)).density)
        except NotConvergedError:
            return float("nan")
        if abs(np.log(after / before)) >= _SEEN:
            return (after - before) / step
        step *= 10
    return 0.0
