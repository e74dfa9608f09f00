"""Calibration: chosen parameters of a stack fitted to a measured set I-V, with their confidence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.errors import ParameterError, TraceError
from devicekit.tables import SweepTable
from devicekit.text import count
from physics.constants import Array
from physics.drive import Segment, ramp
from physics.iv import simulate_iv
from physics.result import IVResult
from physics.stack import Stack

# Relative step of the numerical derivatives: the adaptive time step makes smaller ones noisy.
_DERIVATIVE_STEP = 1e-3
_FEWEST = 8
# What a simulation that ends early counts for at each point that it did not reach.
_PENALTY = 10.0


@dataclass(frozen=True)
class Fitted:
    """One fitted parameter in its own unit: value, standard error, 95 % interval; None if not determined."""

    key: str
    unit: str
    value: float
    stderr: float | None
    low: float | None
    high: float | None
    at_bound: bool


@dataclass(frozen=True, eq=False)
class Calibration:
    """A calibrated stack.

    Attributes
    ----------
    stack : Stack
        With the fitted values; their source is ``"user"``.
    parameters : tuple of Fitted
    correlation : array, shape (parameters, parameters), or None
        Of the fitted values.
    rms : float
        Root mean square of ln I simulated less ln I measured.
    points, evaluations : int
        Points fitted, and simulations run.
    result : IVResult
        The simulation with the fitted values.
    converged : bool
    """

    stack: Stack
    parameters: tuple[Fitted, ...]
    correlation: Array | None
    rms: float
    points: int
    evaluations: int
    result: IVResult
    converged: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "parameters": [vars(each) for each in self.parameters],
            "correlation": None if self.correlation is None else self.correlation.tolist(),
            "rms_ln_current": self.rms,
            "points": self.points,
            "evaluations": self.evaluations,
            "converged": self.converged,
            "v_100ua_v": self.result.v_100ua_v,
        }


@dataclass(frozen=True, eq=False)
class _Target:
    """The rising set branch: voltages above 0 [V], ln of the current, and the drive that repeats it."""

    voltage: Array
    log_current: Array
    drive: Segment


def calibrate(
    measured: SweepTable,
    stack: Stack,
    parameters: Sequence[str] | Mapping[str, tuple[float, float]],
    mesh: str | float = "coarse",
    max_evaluations: int = 200,
) -> Calibration:
    """Fit parameters of a stack to the first set of a measured sweep, by least squares on ln I.

    Points at or beyond the compliance do not count. The numerical derivatives need a simulation each, so the
    coarse mesh is the default; repeat on the default mesh from the result for publication.

    Parameters
    ----------
    measured : SweepTable
        Its first device and cycle are used, from the lowest positive voltage to the highest.
    stack : Stack
        Start values; its circuit and ramp rate should be those of the measurement.
    parameters : sequence of keys, or mapping of keys to (lowest, highest)
        Such as ``"reaction.energy"``; bounds default to 0.7 and 1.4 times the start value.
    mesh : {"coarse", "default", "fine"} or float
    max_evaluations : int

    Raises
    ------
    ParameterError
        If a key is unknown or not a number, or the bounds do not hold its start value.
    TraceError
        If the sweep has no set branch with enough points.
    """
    from lmfit import minimize

    target = _target(measured, stack)
    names = _names(stack, parameters)
    start = _start(stack, parameters)
    runs = 0

    def changed(values: Mapping[str, Any]) -> Stack:
        return stack.replace({key: float(values[name]) for key, name in names.items()})

    def residual(values: Mapping[str, Any]) -> Array:
        nonlocal runs
        runs += 1
        return _residual(simulate_iv(changed(values), mesh=mesh, segments=(target.drive,)), target)

    fit = minimize(
        residual,
        start,
        method="least_squares",
        diff_step=_DERIVATIVE_STEP,
        max_nfev=max_evaluations,
        x_scale="jac",
    )
    final = changed(fit.params.valuesdict())
    result = simulate_iv(final, mesh=mesh, segments=(target.drive,))
    rms = float(np.sqrt(np.mean(_residual(result, target) ** 2)))
    fitted = tuple(_fitted(final, key, fit.params[name], fit.nfree) for key, name in names.items())
    return Calibration(final, fitted, _correlation(fit), rms, len(target.voltage), runs, result, bool(fit.success))


def _target(measured: SweepTable, stack: Stack) -> _Target:
    frame = measured.frame
    frame = frame[(frame["device_id"] == frame["device_id"].iloc[0]) & (frame["cycle"] == frame["cycle"].iloc[0])]
    voltage, current = frame["voltage_v"].to_numpy(float), frame["current_a"].to_numpy(float)
    top = int(np.argmax(voltage))
    voltage, current = voltage[: top + 1], current[: top + 1]
    limit = stack.circuit.compliance
    if "compliance_a" in frame and np.isfinite(frame["compliance_a"].to_numpy(float)).any():
        limit = float(np.nanmin(frame["compliance_a"].to_numpy(float)[: top + 1]))
    keep = (voltage > 0) & np.isfinite(current) & (current > 0) & (current < 0.99 * limit)
    usable = int(np.count_nonzero(keep))
    if usable < _FEWEST:
        raise TraceError(
            f"the set branch has {count(usable, 'usable point')}; calibration takes {_FEWEST} or more, "
            "with rising positive voltage and a current above 0 and below the compliance"
        )
    drive = ramp(0.0, float(voltage[-1]), stack.drive.rate, limit, "set")
    return _Target(voltage[keep], np.log(current[keep]), drive)


def _residual(result: IVResult, target: _Target) -> Array:
    frame = result.sweep.frame.iloc[1:]  # the first row is 0 V
    voltage, current = frame["voltage_v"].to_numpy(), frame["current_a"].to_numpy()
    if len(voltage) == 0:
        return np.full(len(target.voltage), _PENALTY)
    simulated = np.interp(np.log(target.voltage), np.log(voltage), np.log(current))
    difference = simulated - target.log_current
    return np.where(target.voltage > voltage[-1] * (1 + 1e-9), _PENALTY, difference)


def _names(stack: Stack, parameters: Sequence[str] | Mapping[str, tuple[float, float]]) -> dict[str, str]:
    """Names that lmfit allows, by key."""
    units = stack.units()
    names = {}
    for key in parameters:
        stack.get(key)  # an unknown key raises
        if key not in units:
            raise ParameterError(f"{key} is not a number: it cannot be fitted")
        names[key] = key.replace(".", "__")
    if not names:
        raise ParameterError("parameters: give at least one key, such as reaction.energy")
    return names


def _start(stack: Stack, parameters: Sequence[str] | Mapping[str, tuple[float, float]]) -> Any:
    from lmfit import Parameters

    start = Parameters()
    for key in parameters:
        value = float(stack.get(key))
        given = parameters[key] if isinstance(parameters, Mapping) else sorted((0.7 * value, 1.4 * value))
        low, high = (float(bound) for bound in given)
        if not low <= value <= high or low == high:
            raise ParameterError(f"{key}: the bounds {low:g} to {high:g} do not hold the start value {value:g}")
        start.add(key.replace(".", "__"), value=value, min=low, max=high)
    return start


def _fitted(stack: Stack, key: str, parameter: Any, freedom: int) -> Fitted:
    from scipy.stats import t

    value, stderr = float(parameter.value), parameter.stderr
    margin = 1e-4 * (parameter.max - parameter.min)
    at_bound = min(value - parameter.min, parameter.max - value) < margin
    unit = stack.units()[key]
    if stderr is None or not math.isfinite(stderr) or freedom < 1:
        return Fitted(key, unit, value, None, None, None, at_bound)
    half = float(t.ppf(0.975, freedom)) * float(stderr)
    return Fitted(key, unit, value, float(stderr), value - half, value + half, at_bound)


def _correlation(fit: Any) -> Array | None:
    covariance = getattr(fit, "covar", None)
    if covariance is None or not np.all(np.isfinite(covariance)):
        return None
    size = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(size, size), dtype=float) if np.all(size > 0) else None
