"""Studies over many simulations: ramp rate, compliance, sensitivity, retention; parallel over runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import ParameterError
from devicekit.core.records import Record, column
from devicekit.tables import PulseTable
from physics.constants import Array
from physics.drive import Segment, loops
from physics.iv import make_stepper, resolve_stack, simulate_iv
from physics.pulses import simulate_pulses
from physics.solvers.state import State
from physics.solvers.stepping import Stepper
from physics.stack import Stack

SENSITIVITY_STEP = 0.01
"""Relative change of a parameter for the sensitivities [1]."""


def run_cases(
    stack: Stack | Path | str | Sequence[Stack] | None,
    cases: Sequence[Mapping[str, Any]] = (),
    mesh: str | float = "default",
    cycles: int = 0,
    jobs: int = 1,
) -> pd.DataFrame:
    """Simulate one set I-V (or some loops) for every case of parameter changes; one row each, in order.

    Parameters
    ----------
    stack : Stack, path, or None for the default; or a sequence of Stack
        Several stacks are the cases themselves, for example different devices (`physics.variability.devices`).
    cases : sequence of mappings
        Changes for `Stack.replace`: ``{"reaction.energy": 1.3}``; none with several stacks.
    mesh, cycles
        As for `simulate_iv`.
    jobs : int
        Number of parallel simulations (joblib, also on a cluster).

    Returns
    -------
    DataFrame
        The changes, the fields of `physics.records.Cycle` for the last loop, t_max_k, and complete.

    Raises
    ------
    ParameterError
        If a key is unknown or a value out of range, before anything runs.
    """
    from joblib import Parallel, delayed

    stacks, cases = _stacks(stack, cases)
    rows = Parallel(n_jobs=jobs)(delayed(_case)(each, mesh, cycles) for each in stacks)
    return pd.DataFrame([{**case, **row} for case, row in zip(cases, rows, strict=True)])


def _stacks(
    stack: Stack | Path | str | Sequence[Stack] | None, cases: Sequence[Mapping[str, Any]]
) -> tuple[list[Stack], Sequence[Mapping[str, Any]]]:
    """Return the stack of every case, and the changes of each."""
    if stack is not None and not isinstance(stack, Stack | Path | str):
        if cases:
            raise ParameterError(
                "cases: found several stacks with changes, expected one stack with changes or several stacks alone"
            )
        return list(stack), [{} for _ in stack]
    base = resolve_stack(stack)
    return [base.replace(case) for case in cases], cases


def _case(stack: Stack, mesh: str | float, cycles: int) -> Mapping[str, object]:
    result = simulate_iv(stack, mesh=mesh, cycles=cycles)
    merits = result.cycles[-1].as_dict()
    del merits["cycle"], merits["outcome"]
    return {**merits, "t_max_k": result.quality.t_max_k, "complete": result.complete}


def train_cases(
    stack: Stack | Path | str | Sequence[Stack] | None,
    cases: Sequence[Mapping[str, Any]],
    width: float,
    mesh: str | float = "default",
    jobs: int = 1,
    **options: Any,
) -> list[PulseTable]:
    """Simulate LTP and LTD of the last pair for every case of parameter changes, in order, for `devicekit.fit`.

    Parameters
    ----------
    stack, cases
        As for `run_cases`.
    width : float
        Pulse width [s].
    mesh, jobs
        As for `run_cases`.
    **options
        As for `simulate_pulses`: count, pairs, amplitudes, gap, cycles.

    Raises
    ------
    ParameterError
        If a key is unknown or a value out of range, before anything runs; or if a case does not finish.
    """
    from joblib import Parallel, delayed

    stacks, _ = _stacks(stack, cases)
    return list(Parallel(n_jobs=jobs)(delayed(_train_case)(each, width, mesh, options) for each in stacks))


def _train_case(stack: Stack, width: float, mesh: str | float, options: Mapping[str, Any]) -> PulseTable:
    result = simulate_pulses(stack, mesh=mesh, widths=(width,), **options)
    if not result.complete:
        raise ParameterError(f"the trains of {stack.material} did not finish ({result.message})")
    return result.last_pairs()[width]


def rate_study(
    stack: Stack | Path | str | None = None,
    rates: Sequence[float] = (0.1, 1.0, 10.0, 100.0, 1e3),
    stop: float = 1.2,
    mesh: str | float = "default",
    jobs: int = 1,
) -> pd.DataFrame:
    """Simulate V_set against the ramp rate [V/s]; the ramp goes to `stop` [V], as fast ramps set late.

    Parameters
    ----------
    stack : Stack, path, or None for the default
    rates : sequence of float
        [V/s].
    stop : float
        [V].
    mesh, jobs
        As for `run_cases`.
    """
    cases = [{"drive.rate": rate, "drive.set_stop": stop} for rate in rates]
    return run_cases(stack, cases, mesh, jobs=jobs)


def compliance_study(
    stack: Stack | Path | str | None = None,
    currents: Sequence[float] = (20e-6, 50e-6, 100e-6, 150e-6, 1e-3),
    mesh: str | float = "default",
    jobs: int = 1,
) -> pd.DataFrame:
    """Simulate the LRS against the current limit [A]: multilevel states (paper, Fig. 1c).

    Parameters
    ----------
    stack : Stack, path, or None for the default
    currents : sequence of float
        [A].
    mesh, jobs
        As for `run_cases`.
    """
    return run_cases(stack, [{"circuit.compliance": current} for current in currents], mesh, jobs=jobs)


def chosen_keys(stack: Stack) -> list[str]:
    """Return the numeric model parameters with chosen values, without a publication, without numerics and drive."""
    return [
        key
        for key in stack.units()
        if stack.sources.get(key) in ("chosen", "calibrated") and key.split(".")[0] not in ("numerics", "drive")
        if stack.get(key) != 0
    ]


def sensitivity(
    stack: Stack | Path | str | None = None,
    keys: Sequence[str] | None = None,
    mesh: str | float = "default",
    jobs: int = 1,
) -> pd.DataFrame:
    """Compute the change of V_set and ln(LRS/HRS) by each parameter, from central differences over +-1 %.

    Parameters
    ----------
    stack : Stack, path, or None for the default
    keys : sequence of str, optional
        Keys such as ``"reaction.energy"``; None: all chosen parameters.
    mesh, jobs
        As for `run_cases`.

    Returns
    -------
    DataFrame
        One row for each key, strongest first: value, unit, dv_set_v (change of V_set for +1 % of the
        parameter [V]) and dlog_on_off (change of ln(LRS/HRS) for +1 %). NaN where a run did not set.
    """
    base = resolve_stack(stack)
    keys = list(keys) if keys is not None else chosen_keys(base)
    cases = [{key: base.get(key) * (1 + sign * SENSITIVITY_STEP)} for key in keys for sign in (-1, 1)]
    runs = run_cases(base, cases, mesh, jobs=jobs)
    v_set = runs["v_set_v"].to_numpy(float).reshape(-1, 2)
    ratio = np.log(runs["on_off"].to_numpy(float)).reshape(-1, 2)
    table = pd.DataFrame(
        {
            "key": keys,
            "value": [base.get(key) for key in keys],
            "unit": [base.units()[key] for key in keys],
            "dv_set_v": (v_set[:, 1] - v_set[:, 0]) / 2,
            "dlog_on_off": (ratio[:, 1] - ratio[:, 0]) / 2,
        }
    )
    order = table["dv_set_v"].abs().sort_values(ascending=False, na_position="last").index
    return table.loc[order].reset_index(drop=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class Retention(Record):
    """Conductance at rest against time of the two states after a loop, read at 300 K; arrays of shape (times,)."""

    temperature_k: float = column(doc="temperature at rest")
    time_s: Array = column(doc="time at rest")
    hrs_s: Array = column(unit="S", doc="conductance of the HRS")
    lrs_s: Array = column(unit="S", doc="conductance of the LRS")


def retention(
    stack: Stack | Path | str | None = None,
    temperature: float = 358.15,
    times: Sequence[float] = (1.0, 10.0, 100.0, 1e3, 1e4),
    mesh: str | float = "default",
) -> Retention:
    """Simulate both states of a device at 0 V and a temperature [K] (paper, Fig. 1d: 85 C, 1e4 s).

    Parameters
    ----------
    stack : Stack, path, or None for the default
    temperature : float
        Temperature at rest [K].
    times : sequence of float
        Rising times above 0 [s].
    mesh : str or float
        As for `simulate_iv`.

    Raises
    ------
    ParameterError
        If times do not rise or are not above 0, or the temperature is not above 0.
    NotConvergedError
        If a step does not converge.
    """
    base = resolve_stack(stack)
    if len(times) == 0 or not np.all(np.diff([0.0, *times]) > 0):
        raise ParameterError(f"times: found {list(times)}, expected rising times above 0 s")
    cold = make_stepper(base, mesh=mesh)
    drive, state = loops(base, 1), cold.start()
    for segment in drive[:2]:
        state = cold.run(state, segment)
    on = state
    for segment in drive[2:]:
        state = cold.run(state, segment)
    hrs, lrs = (
        _rest(cold, make_stepper(base.replace({"heat.ambient": temperature}), mesh=mesh), each, times)
        for each in (state, on)
    )
    return Retention(temperature_k=temperature, time_s=np.array([0.0, *times]), hrs_s=hrs, lrs_s=lrs)


def _rest(reader: Stepper, oven: Stepper, state: State, times: Sequence[float]) -> Array:
    """Return conductances before and after each time at rest in the oven, read outside of it [S]."""
    reads = [reader.conductance(state.density)]
    hot = oven.start(state.density)
    before = 0.0
    for time in times:
        hot = oven.run(hot, Segment(0.0, 0.0, time - before, float("inf"), "rest"))
        reads.append(reader.conductance(hot.density))
        before = time
    return np.array(reads)
