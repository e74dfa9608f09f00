"""What a fit can and cannot be trusted with: flags raised after fitting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from devicekit.device.card import Window
from devicekit.errors import Flag
from devicekit.fitting.branch.trains import Stack
from devicekit.models import kernel

if TYPE_CHECKING:
    from devicekit.fitting.result import BranchFit

DRIFT_CORRELATION = 0.3
DRIFT_TREND = 0.5
FEWEST_CYCLES_FOR_DRIFT = 5
SMALLEST_GAIN = 1.05  # of a start error over a pair of trains that is worth a word
DRIFT_P_VALUE = 0.01  # a straight line through five independent levels explains half by chance once in six
# Codes that `judge_branch` raises: what a refined fit replaces.
JUDGED = frozenset(
    {"not_converged", "at_bound", "weak", "structured", "read_noise_only", "extrapolated", "first_pulse", "outliers",
     "overshoot"}
)  # fmt: skip


def judge_branch(fit: BranchFit, converged: bool) -> list[Flag]:
    """Flags of one fitted branch."""
    name = fit.direction.upper()
    flags = []
    residuals = fit.residuals
    if not converged:
        flags.append(
            Flag(
                "not_converged",
                f"{name}: the search used all its iterations; the curve still fits to {fit.nrmse:.2%}",
            )
        )
    if fit.at_bound:
        flags.append(Flag("at_bound", f"{name}: at a bound of the fit: {', '.join(fit.at_bound)}"))
    if fit.weak:
        flags.append(
            Flag("weak", f"{name}: weakly identified (standard error above half the value): {', '.join(fit.weak)}; "
                 "trust the rate curve, not these numbers")
        )  # fmt: skip
    correlation = _lag_one(residuals)
    if fit.noise > 0 and fit.rms > 2 * fit.noise and correlation > 0.5:
        band = (
            "the band assumes independent noise and is too narrow"
            if fit.method.startswith("delta")
            else "the law does not follow the curve's shape to within the noise"
        )
        flags.append(
            Flag(
                "structured",
                f"{name}: residuals are correlated (lag-1 {correlation:.2f}) and {fit.rms / fit.noise:.1f} times the "
                f"noise of the mean curve; {band}",
            )
        )
    if fit.method.startswith("delta"):
        flags.append(
            Flag("read_noise_only", f"{name}: the band assumes independent read noise (fewer than 4 cycles)")
        )
    flags += _shape_flags(fit, residuals, name)
    low, high = fit.measured_range
    if low > 0.05 or high < 0.95:
        flags.append(
            Flag(
                "extrapolated",
                f"{name}: covers r = {low:.2f} to {high:.2f}; the rate outside is extrapolated",
            )
        )
    return flags


def _shape_flags(fit: BranchFit, residuals: np.ndarray, name: str) -> list[Flag]:
    flags = []
    finite = fit.x[np.isfinite(fit.x)]
    span = finite.max() - finite.min()
    sse = float(np.sum(residuals**2))
    if finite[1] - finite[0] > 0.15 * span and sse > 0 and np.sum(residuals[:3] ** 2) > 0.25 * sse:
        flags.append(
            Flag("first_pulse", f"{name}: the first pulse moves the device by "
                                f"{(finite[1] - finite[0]) / span:.0%} of its "
                 "range, and the law does not follow it")
        )  # fmt: skip
    floor = max(1.4826 * float(np.median(np.abs(residuals - np.median(residuals)))), 0.003 * span)
    far = int((np.abs(residuals) > 6 * floor).sum())
    if far:
        flags.append(
            Flag("outliers", f"{name}: {far} reading(s) lie more than 6 robust deviations from the fit")
        )
    ends = np.linspace(max(fit.trajectory[0], 0.0), min(fit.trajectory[-1], 1.0), 101)
    steps = kernel.rates(fit.law.id, fit.theta, ends)
    if (np.diff(steps) / np.diff(ends)).min() < -1:
        flags.append(
            Flag(
                "overshoot",
                f"{name}: the rate falls by more than a step per step; simulated states are clipped",
            )
        )
    return flags


def _lag_one(values: np.ndarray) -> float:
    centred = values - values.mean()
    power = float(np.sum(centred**2))
    return float(np.sum(centred[1:] * centred[:-1])) / power if power > 0 else 0.0


def judge_pair(branches: dict[str, BranchFit], stacks: dict[str, Stack], window: Window) -> list[Flag]:
    """Flags that need both branches or the order of the cycles."""
    flags = []
    if len(branches) == 2:
        gain = 1.0
        for fit in branches.values():
            q = kernel.slopes(fit.law.id, fit.theta, np.ascontiguousarray(fit.trajectory[:-1]))
            gain *= float(np.prod(q))
        if gain > SMALLEST_GAIN:
            flags.append(
                Flag("loop_gain", f"a start error grows {gain:.2g}-fold over one LTP and LTD train of the "
                                  "fitted pair; long "
                     "alternating chains drift in simulation though the device may not")
            )  # fmt: skip
        numbers = {way: len(each.cycles) for way, each in stacks.items()}
        if numbers["ltp"] != numbers["ltd"]:
            flags.append(
                Flag("unpaired", f"{numbers['ltp']} LTP and {numbers['ltd']} LTD trains; all were used")
            )
    else:
        (only,) = branches
        flags.append(Flag("unpaired", f"only {only.upper()} trains: the window and the card need both"))
    flags += [flag for trains in stacks.values() if (flag := drift(trains, window))]
    return flags


def drift(trains: Stack, window: Window) -> Flag | None:
    """A flag if the level of the trains moves steadily, or is correlated, over the cycles."""
    from scipy.stats import linregress

    correlations, trends, shifts, chances = [], [], [], []
    cycles = 0
    for name in dict.fromkeys(trains.devices):
        own = trains.of(name)
        order = np.argsort(own.cycles, kind="stable")
        level = np.nanmean(window.to_state(own.values[order]), axis=1)
        cycles = max(cycles, level.size)
        if level.size < FEWEST_CYCLES_FOR_DRIFT or level.std() == 0:
            continue
        number = np.arange(level.size)
        line = linregress(number, level)
        correlations.append(_lag_one(level))
        trends.append(line.rvalue**2)
        shifts.append(line.slope * (level.size - 1))
        chances.append(line.pvalue)
    if not correlations:
        return None
    correlation, trend, shift = (float(np.mean(v)) for v in (correlations, trends, shifts))
    # by chance alone the correlation of K independent cycles has a standard deviation of about 1/sqrt(K)
    chance = 2.0 / np.sqrt(cycles * len(correlations))
    steady = trend > DRIFT_TREND and float(np.median(chances)) < DRIFT_P_VALUE
    if correlation <= max(DRIFT_CORRELATION, chance) and not steady:
        return None
    return Flag(
        "drift",
        f"{trains.direction.upper()}: the window drifts {'upward' if shift > 0 else 'downward'} by {abs(shift):.1%} of "
        f"itself over {cycles} cycles (trend R2 {trend:.2f}, lag-1 correlation {correlation:.2f}); a stationary C2C "
        "model reproduces the spread, not this order",
    )
