"""What each mechanism does: loops with one of them switched off, from the same HRS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devicekit.core.errors import ParameterError
from devicekit.core.records import Record, column
from devicekit.features.dc.switching import crossing
from physics.constants import Array
from physics.drive import loops
from physics.iv import make_stepper, resolve_stack
from physics.records import digits, siemens
from physics.solvers.state import State
from physics.solvers.stepping import NotConvergedError
from physics.stack import Stack

_STILL = 1e-40  # factor on the attempt frequency
_COLD = 1e9  # W/(m K): everything stays at ambient


@dataclass(frozen=True, kw_only=True)
class Loop(Record):
    """One loop with a mechanism off; conductances of the device alone."""

    name: str = column("switched off")
    cycle: int = column("loop", text=str, doc="number of the loop after the mechanism was switched off")
    v_100ua_v: float | None = column(
        "voltage at 100 µA", unit="V", text=digits(".3f", "V"), doc="source voltage at which the SET reaches 100 uA"
    )
    hrs_s: float = column("HRS", unit="S", text=siemens, doc="conductance before the SET")
    lrs_s: float = column("LRS", unit="S", text=siemens, doc="conductance after the SET")
    reset_s: float = column("after RESET", unit="S", text=siemens, doc="conductance after the RESET")
    on_off: float = column("LRS / HRS", text=digits(".3g"), doc="LRS over the HRS before it")
    message: str = column(json=False, default="", doc="why the run ended early")


def variants(stack: Stack) -> Iterator[tuple[str, Stack]]:
    """Yield the stack as it is, then with each mechanism off, with the name of what is off.

    Parameters
    ----------
    stack : Stack
    """
    yield "nothing", stack
    yield "transport", stack.replace({"transport.attempt_frequency": _STILL * stack.transport.attempt_frequency})
    yield "drift (Z = 0)", stack.replace({"transport.charge_number": 0.0})
    if stack.reaction.generation:
        yield "reaction", stack.replace({"reaction.generation": False})
    layers = {f"layer.{layer.name}.thermal_conductivity": _COLD for layer in stack.layers}
    electrodes = {"bottom.thermal_resistance": 0.0, "top.thermal_resistance": 0.0}
    yield "heat", stack.replace({**layers, **electrodes, "heat.filament": _COLD})


def mechanisms(
    stack: Stack | Path | str | None = None,
    mesh: str | float = "default",
    conditioning: int = 1,
    cycles: int = 2,
) -> tuple[Loop, ...]:
    """Simulate loops with each mechanism switched off, all from the HRS that loops of the whole stack leave.

    The prescribed first gap is not the result of a RESET, so that a loop from there says little about one.

    Parameters
    ----------
    stack : Stack, path, or None for the default
    mesh : str or float
        As for `simulate_iv`.
    conditioning : int
        Loops of the whole stack before a mechanism is switched off.
    cycles : int
        Loops after that.

    Raises
    ------
    ParameterError
        If a number of loops is below 1.
    NotConvergedError
        If the whole stack does not converge.
    """
    if min(conditioning, cycles) < 1:
        raise ParameterError(f"loops: found {conditioning} and {cycles}, expected 1 or more of each")
    base = resolve_stack(stack)
    whole = make_stepper(base, mesh=mesh)
    state = whole.start()
    for segment in loops(base, conditioning):
        state = whole.run(state, segment)
    return tuple(
        loop for name, each in variants(base) for loop in loops_from(each, state.density, cycles, mesh, name=name)
    )


def loops_from(
    stack: Stack, density: Array, cycles: int, mesh: str | float = "default", name: str = ""
) -> tuple[Loop, ...]:
    """Simulate loops of a stack from a state, up to one that does not converge.

    Parameters
    ----------
    stack : Stack
    density : array [1]
        Over the reference density, in the cells of the mesh.
    cycles : int
    mesh : str or float
    name : str
        Name in the result.
    """
    stepper = make_stepper(stack, mesh=mesh)
    state, found = stepper.start(density), []
    hrs = stepper.conductance(density)
    drive = loops(stack, cycles)
    for cycle in range(1, cycles + 1):
        curve: list[tuple[float, float]] = []

        def see(now: State, source: float, curve: list[tuple[float, float]] = curve) -> None:
            curve.append((source, now.fields.current))

        message, reads = "", [hrs]
        try:
            for n, segment in enumerate(drive[4 * (cycle - 1) : 4 * cycle]):
                state = stepper.run(state, segment, see if n == 0 else None)
                reads.append(stepper.conductance(state.density))
        except NotConvergedError as error:
            message = str(error)
        reads += [np.nan] * (5 - len(reads))
        volts, amperes = np.array(curve).T if curve else np.empty((2, 0))
        passed = crossing(volts, amperes) if curve else None
        found.append(
            Loop(
                name=name,
                cycle=cycle,
                v_100ua_v=None if passed is None or not np.isfinite(passed) else float(passed),
                hrs_s=hrs,
                lrs_s=reads[2],
                reset_s=reads[4],
                on_off=reads[2] / hrs,
                message=message,
            )
        )
        if message:
            break
        hrs = reads[4]
    return tuple(found)
