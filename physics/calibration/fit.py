"""The fit: Gauss-Newton on ln I of every branch of every level, damped by the prior."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np

from devicekit.core.errors import ParameterError, TraceError
from devicekit.tables import SweepTable
from physics.calibration.measured import WEIGHTS, Level, levels_of, select
from physics.calibration.model import Model, ModelOptions, Prior, Simulated, branch_rms, change_rms, priors_of
from physics.calibration.result import Calibration, LevelFit
from physics.constants import Array
from physics.guards import GROWTH
from physics.parameters import ALIASES, FITTED
from physics.stack import Stack

MISFIT = 0.15
"""Misfit of a branch, root mean square of ln I, taken as one standard deviation until the fit has estimated it."""

_DAMPINGS = (0.0, 3.0, 30.0)
_LONGEST_STEP = 1.0  # prior standard deviations of one parameter
_ENOUGH = 0.01  # relative improvement below which the fit stops
_LEAST_MISFIT = 0.02


def calibrate(
    measured: SweepTable | Sequence[Level],
    stack: Stack,
    free: Mapping[str, tuple[float, float]],
    *,
    rate: float | None = None,
    hold_out: Sequence[float] = (),
    most_iterations: int = 12,
    **options: Unpack[ModelOptions],
) -> Calibration:
    """Fit parameters of a stack to measured sweeps: SET, its way back and RESET of every level at once.

    The objective is the mean square of ln I simulated minus measured, by branch (the way back counts half), over the
    square of `MISFIT`, plus the squared distance from the prior in its standard deviations. The fit is repeated with
    the remaining misfit instead of `MISFIT`: the estimate is the mode of the posterior. Every level starts from the
    prescribed state of the stack just after a reset. As any model of a real device is wrong to some degree, the
    residual is misfit, not noise: intervals take each branch as one observation with this misfit.

    Parameters
    ----------
    measured : SweepTable or sequence of Level
        Sweeps; those without a SET are left out. The compliance is the one given or a plateau in the data.
    stack : Stack
        Start values; series resistance and read voltage should be those of the measurement.
    free : mapping of keys to (low, high)
        Free parameters with their 95 % prior ranges on a logarithmic scale:
        ``{"layer.Al2O3.hopping_barrier": (1.1, 1.5)}``.
    rate : float, optional
        Ramp rate [V/s], for sweeps without times.
    hold_out : sequence of float
        Compliances [A] of levels that are predicted and not fitted.
    most_iterations : int
    **options
        ``mesh="coarse"``, ``jobs=1``, ``store=None`` and ``progress=None``, as for `physics.calibration.model.Model`.

    Raises
    ------
    ParameterError
        If a key is unknown or not a number, bounds are wrong, or the ramp rate is unknown.
    TraceError
        If no sweep contains a SET, or the start values cannot be simulated, or a held-out level with the fitted ones.
    """
    levels = list(levels_of(measured, rate)) if isinstance(measured, SweepTable) else list(measured)
    if most_iterations < 1:
        raise ParameterError(f"iterations: found {most_iterations}, expected 1 or more")
    if not levels:
        raise TraceError("no level is left to fit")
    fitted, held = select(levels, hold_out)
    if any(stack.get(key) > 0 for key in GROWTH):  # of a level that is fitted: any other is outside of the data
        limits = [each.compliance for each in fitted if math.isfinite(each.compliance)]
        stack = stack.replace({"circuit.compliance": max(limits)}) if limits else stack
    model = Model(stack, priors_of(stack, free), **options)
    z = model.start()
    (at,) = model.residuals([z], fitted)
    if at is None:
        raise TraceError("the start values cannot be simulated")
    weight = sum(WEIGHTS[branch.name] for level in fitted for branch in level.branches)
    way = _Descent(z, at, (_cost(at, z, MISFIT),), False)
    way = _descend(model, fitted, way, MISFIT, most_iterations)
    # then to the mode of the posterior, with the remaining misfit as standard deviation
    misfit = max(float(np.sqrt(np.sum(way.at**2) / weight)), _LEAST_MISFIT)
    if way.converged:
        way = _descend(model, fitted, way, misfit, most_iterations)
    z, at, costs, converged = way.z, way.at, way.costs, way.converged
    slopes = model.jacobian(z, at, fitted)
    simulated = [run for level in [*fitted, *held] for run in _simulated(model, z, level)]
    rows = tuple(_level_fits(fitted, held, simulated))
    return Calibration(
        stack=_mark_fitted(model.stack_at(z), model.priors, fitted),
        priors=model.priors,
        z=z,
        residuals=at,
        slopes=slopes,
        misfit=misfit,
        levels=rows,
        costs=costs,
        converged=converged,
        model=model,
    )


def _simulated(model: Model, z: Array, level: Level) -> list[Simulated]:
    (found,) = model.simulate([z], [level])
    if found is None:
        raise TraceError(
            f"{level.name}: cannot be simulated with the fitted values; fit again without it, the simulations are kept"
        )
    return found


def _level_fits(fitted: Sequence[Level], held: Sequence[Level], runs: Sequence[Simulated]) -> Iterator[LevelFit]:
    """Yield every level with its simulation; a held-out one also as a change from the nearest fitted one."""
    own = list(zip(fitted, runs, strict=False))
    for level, run in zip([*fitted, *held], runs, strict=True):
        changed = None
        if level in held:
            near, of_near = min(own, key=lambda pair: abs(math.log(pair[0].compliance / level.compliance)))
            changed = change_rms(level, run, near, of_near)
        yield LevelFit(level=level, simulated=run, rms=branch_rms(level, run), held_out=level in held, change=changed)


def _mark_fitted(stack: Stack, priors: Sequence[Prior], levels: Sequence[Level]) -> Stack:
    """Return a stack whose fitted numbers have the checksum of the measured levels in their source."""
    data = hashlib.sha256()
    for level in levels:
        for branch in level.branches:
            data.update(np.ascontiguousarray([branch.voltage, branch.log_current]).tobytes())
    source = f"{FITTED} to measured sweeps, sha256 {data.hexdigest()[:12]}"
    keys = [target for prior in priors for target in ALIASES.get(prior.key, (prior.key,))]
    return stack.model_copy(update={"sources": {**stack.sources, **dict.fromkeys(keys, source)}})


@dataclass(frozen=True, eq=False)
class _Descent:
    """State of a descent: point, residuals, objective at the start and after each step, and True if it converged."""

    z: Array
    at: Array
    costs: tuple[float, ...]
    converged: bool


def _descend(model: Model, levels: Sequence[Level], way: _Descent, misfit: float, most: int) -> _Descent:
    """Take damped Gauss-Newton steps until none improves by more than `_ENOUGH`; `misfit` is one standard deviation."""
    z, at, costs = way.z, way.at, [_cost(way.at, way.z, misfit)]
    before = way.costs if len(way.costs) > 1 else ()
    for _ in range(most):
        slopes = model.jacobian(z, at, levels)
        tried = [z + step for step in _steps(slopes, at, z, misfit)]
        scored = [
            (_cost(r, point, misfit), k, point, r)
            for k, (point, r) in enumerate(zip(tried, model.residuals(tried, levels), strict=True))
            if r is not None
        ]
        if not scored:
            return _Descent(z, at, (*before, *costs), False)
        best = min(scored, key=lambda each: each[:2])
        if best[0] >= costs[-1]:
            return _Descent(z, at, (*before, *costs), True)
        z, at = best[2], best[3]
        costs.append(best[0])
        if costs[-1] > (1 - _ENOUGH) * costs[-2]:
            return _Descent(z, at, (*before, *costs), True)
    return _Descent(z, at, (*before, *costs), False)


def _cost(at: Array, z: Array, misfit: float) -> float:
    return float(np.sum(at**2)) / misfit**2 + float(np.sum(z**2))


def _steps(slopes: Array, at: Array, z: Array, misfit: float) -> list[Array]:
    """Return damped Gauss-Newton steps, none longer than `_LONGEST_STEP` in one parameter."""
    normal, right = slopes.T @ slopes / misfit**2, -(slopes.T @ at / misfit**2 + z)
    steps: list[Array] = []
    for damping in _DAMPINGS:
        step = np.linalg.solve(normal + (1 + damping) * np.eye(len(z)), right)
        steps.append(np.asarray(step / max(1.0, float(np.max(np.abs(step))) / _LONGEST_STEP), dtype=float))
    return steps
