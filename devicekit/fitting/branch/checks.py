"""Refusals and warnings of one branch: which curves can be fitted, and how far a fit can be trusted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from devicekit.core.errors import CodedWarning, TraceError
from devicekit.fitting.branch.result import BranchFit, last_tenth
from devicekit.fitting.branch.trains import check_length
from devicekit.models import kernel

FEW_POINTS = 16
# Codes that `check_branch` gives; a refined fit replaces them.
JUDGED = frozenset(
    {
        "not_converged",
        "at_bound",
        "weak",
        "structured",
        "read_noise_only",
        "extrapolated",
        "law_stops",
        "first_pulse",
        "outliers",
        "overshoot",
    }
)


def check_curve(y: np.ndarray, direction: str, noise: float) -> list[CodedWarning]:
    """Refuse curves that no law can be fitted to, and return warnings for curves that need care.

    Raises TraceError if there are fewer than 8 readings, the curve is constant, or its net change is within the noise.
    """
    name = direction.upper()
    pulses = np.flatnonzero(np.isfinite(y))
    finite = y[pulses]
    check_length(finite, name)
    tail = last_tenth(finite)
    net = float(np.median(tail)) - float(finite[0])
    # relative to the first reading (a fast curve leaves it at once) or, for a noisy curve, to the first tenth
    ends = float(np.mean(tail) - np.mean(finite[: tail.size]))
    seen = net >= 4 * noise * np.sqrt(1.0 + 1.0 / tail.size) or ends >= 4 * noise * np.sqrt(2.0 / tail.size)
    if not seen or net <= 0:
        raise TraceError(
            f"the {name} curve does not change significantly in its direction (net change {net:.3g} of the window, "
            f"noise {noise:.3g})"
        )
    warnings = []
    if finite.size < FEW_POINTS:
        warnings.append(CodedWarning("few_points", f"{name}: {finite.size} readings determine only simple curves"))
    steps = np.diff(finite) / np.diff(pulses)  # per pulse, also where some pulses were not read
    given = int(pulses[-1] - pulses[0])
    span = finite.max() - finite.min()
    if steps.max() > 0.3 * span:
        warnings.append(
            CodedWarning(
                "abrupt",
                f"{name}: one pulse moves the device by {100 * steps.max() / span:.0f} % of its range; eq. (2) "
                "describes gradual switching",
            )
        )
    reached = np.flatnonzero(finite >= finite[0] + 0.95 * net)
    done = int(pulses[reached[0]] - pulses[0]) if reached.size else given
    if done < 0.5 * (given + 1):
        warnings.append(
            CodedWarning(
                "plateau",
                f"{name}: 95 % of the change is complete after {done} of {given} pulses; the rest is a plateau",
            )
        )
    typical = float(np.median(np.abs(steps)))
    if noise > max(net / given, 1e-300) and noise > 0.02:
        warnings.append(
            CodedWarning(
                "noisy",
                f"{name}: reading noise ({noise:.3g} of the window) exceeds the mean step "
                f"({net / given:.3g}); the typical change between readings is {typical:.3g}",
            )
        )
    return warnings


def check_branch(
    fit: BranchFit, converged: bool, *, explained: bool = False, alone: bool = False
) -> list[CodedWarning]:
    """Return the warnings of one fitted branch.

    Parameters
    ----------
    fit : BranchFit
    converged : bool
        Whether the search converged.
    explained : bool
        Whether several cycles show that the residuals are noise; then correlated residuals give no warning.
    alone : bool
        Whether there is only one cycle, which cannot tell scatter of updates from a wrong shape: no warning either.
    """
    name = fit.direction.upper()
    warnings = []
    residuals = fit.residuals
    # for two or three devices the coefficients have delta-method errors, but the band comes from whole trains
    of_read_noise = fit.method.startswith("delta") and fit.band is None
    if not converged:
        warnings.append(
            CodedWarning(
                "not_converged",
                f"{name}: the search reached its iteration limit; the misfit of the curve is {fit.nrmse:.2%}",
            )
        )
    for words, of_user in (("at a bound of the fit", False), ("at a bound that you gave", True)):
        if hit := [each for each in fit.at_bound if (each in fit.law.bounded) == of_user]:
            warnings.append(CodedWarning("at_bound", f"{name}: {words}: {', '.join(hit)}"))
    if fit.weak:
        warnings.append(
            CodedWarning(
                "weak",
                f"{name}: the standard error exceeds half the value of coefficient {', '.join(fit.weak)}",
            )
        )
    correlation = lag_one_correlation(residuals)
    silent = explained or (alone and fit.band is not None)  # increments alone correlate the residuals of one cycle
    if fit.noise > 0 and fit.rms > 2 * fit.noise and correlation > 0.5 and not silent:
        band = "the law does not follow the curve's shape to within the noise"
        if of_read_noise:
            band = "the band assumes independent noise and is too narrow"
        warnings.append(
            CodedWarning(
                "structured",
                f"{name}: residuals are correlated (lag-1 {correlation:.2f}) and {fit.rms / fit.noise:.1f} times the "
                f"noise of the mean curve; {band}",
            )
        )
    if of_read_noise:
        warnings.append(
            CodedWarning("read_noise_only", f"{name}: the band assumes independent read noise (fewer than 4 cycles)")
        )
    warnings += _shape_warnings(fit, residuals, name)
    low, high = fit.measured_range
    if low > 0.05 or high < 0.95:
        warnings.append(
            CodedWarning(
                "extrapolated",
                f"{name}: covers r = {low:.2f} to {high:.2f}; the rate outside is extrapolated",
            )
        )
    stop, last = float(fit.trajectory[-1]), fit.last_state
    if last > stop and kernel.rates(fit.law.id, fit.theta, np.array([last]))[0] <= 0.0:
        at, end = (stop, last) if fit.direction == "ltp" else (1.0 - stop, 1.0 - last)
        warnings.append(
            CodedWarning(
                "law_stops",
                f"{name}: the fitted law stops at r = {at:.2f}, where its rate falls to 0; readings go on to "
                f"r = {end:.2f}",
            )
        )
    return warnings


def update_warnings(fit: BranchFit, *, explained: bool = False, alone: bool = False) -> BranchFit:
    """Return the fit with the warnings of its new band or parameters in place of the earlier ones."""
    kept = [warning for warning in fit.warnings if warning.code not in JUDGED]
    converged = all(warning.code != "not_converged" for warning in fit.warnings)
    again = check_branch(fit, converged, explained=explained, alone=alone)
    return replace(fit, warnings=(*kept, *again))


def _shape_warnings(fit: BranchFit, residuals: np.ndarray, name: str) -> list[CodedWarning]:
    warnings = []
    pulses = np.flatnonzero(np.isfinite(fit.x))
    finite = fit.x[pulses]
    span = finite.max() - finite.min()
    sse = float(np.sum(residuals**2))
    first = finite[1] - finite[0] if pulses[1] - pulses[0] == 1 else 0.0
    if first > 0.15 * span and sse > 0 and np.sum(residuals[:3] ** 2) > 0.25 * sse:
        warnings.append(
            CodedWarning(
                "first_pulse",
                f"{name}: the first pulse moves the device by {first / span:.0%} of its range, and the law "
                "does not follow this jump",
            )
        )
    floor = max(1.4826 * float(np.median(np.abs(residuals - np.median(residuals)))), 0.003 * span)
    far = int((np.abs(residuals) > 6 * floor).sum())
    if far:
        warnings.append(
            CodedWarning("outliers", f"{name}: readings more than 6 robust standard deviations from the fit: {far}")
        )
    ends = np.linspace(max(fit.trajectory[0], 0.0), min(fit.trajectory[-1], 1.0), 101)
    steps = kernel.rates(fit.law.id, fit.theta, ends)
    if (np.diff(steps) / np.diff(ends)).min() < -1:
        warnings.append(
            CodedWarning(
                "overshoot",
                f"{name}: the rate falls by more than its own size within one step; simulated states are clipped",
            )
        )
    return warnings


def lag_one_correlation(values: np.ndarray) -> float:
    """Return the correlation of neighbouring values."""
    centred = values - values.mean()
    power = float(np.sum(centred**2))
    return float(np.sum(centred[1:] * centred[:-1])) / power if power > 0 else 0.0
