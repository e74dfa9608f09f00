"""Refusals and warnings that concern both branches of a device, or the order of its cycles."""

from __future__ import annotations

import numpy as np

from devicekit.core.errors import CodedWarning, TraceError
from devicekit.core.intervals import LEVEL, t_ends, with_interval
from devicekit.core.statistics import levels, line, mean_curve, t_quantile
from devicekit.device.blocks import Window
from devicekit.fitting.branch.checks import lag_one_correlation
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains
from devicekit.models import kernel

WIDE_RANGE = 30.0
DRIFT_CORRELATION = 0.3
DRIFT_TREND = 0.5
FEWEST_CYCLES_FOR_DRIFT = 5
SMALLEST_GAIN = 1.05  # of a start error over a pair of trains, above which a warning is given
FEWEST_CYCLES_OF_SEVERAL, FEWEST_DEVICES_FOR_DRIFT, DRIFT_OF_SEVERAL = 3, 5, 0.001
DRIFT_P_VALUE = 0.01  # a straight line through five independent levels explains half by chance once in six


def check_window(sets: dict[str, Trains], window: Window) -> list[CodedWarning]:
    """Return warnings that concern both branches: decades, range ratio, junction."""
    warnings = []
    wide = window.quantity == "conductance_s" and window.low > 0 and window.high / window.low > WIDE_RANGE
    if wide and window.scale == "linear":
        ratio = window.high / window.low
        warnings.append(
            CodedWarning(
                "wide_range",
                f"the conductance spans a factor of {ratio:.3g}; a linear scale hardly weighs errors at its low end",
            )
        )
    if len(sets) < 2:
        return warnings
    curves = {direction: mean_curve(each.mean_by_device()) for direction, each in sets.items()}
    spans = {direction: float(np.nanmax(curve) - np.nanmin(curve)) for direction, curve in curves.items()}
    ratio = max(spans.values()) / max(min(spans.values()), 1e-300)
    if ratio > 10:
        raise TraceError(
            f"the LTP and LTD ranges differ {ratio:.3g}-fold ({spans['ltp']:.3g} and {spans['ltd']:.3g}), too much "
            "for one window. Check that both belong to one device"
        )
    if ratio > 2:
        warnings.append(CodedWarning("range_ratio", f"the LTP and LTD ranges differ {ratio:.2g}-fold"))
    ends = {direction: curve[np.isfinite(curve)] for direction, curve in curves.items()}
    gap = float(ends["ltd"][0] - ends["ltp"][-1])
    # a train first read after its first pulse starts one step lower, which does not count as a jump
    step = max(float(ends["ltd"][0] - ends["ltd"][1]), 0.0)
    if max(gap, -gap - step) > 0.05 * window.span:
        warnings.append(
            CodedWarning(
                "junction",
                f"LTD starts {abs(gap) / window.span:.1%} of the window "
                f"{'above' if gap > 0 else 'below'} the end of LTP",
            )
        )
    return warnings


def check_branches(branches: dict[str, BranchFit], sets: dict[str, Trains], window: Window) -> list[CodedWarning]:
    """Return warnings that need both branches or the order of the cycles."""
    warnings = []
    if len(branches) == 2:
        gain = 1.0
        for fit in branches.values():
            q = kernel.slopes(fit.law.id, fit.theta, np.ascontiguousarray(fit.trajectory[:-1]))
            gain *= float(np.prod(q))
        if gain > SMALLEST_GAIN:
            warnings.append(
                CodedWarning(
                    "loop_gain",
                    f"an error of the starting state grows {gain:.2g}-fold over one LTP and one LTD train; long "
                    "alternating sequences may drift in simulation though the device does not",
                )
            )
        numbers = {direction: len(each.cycles) for direction, each in sets.items()}
        if numbers["ltp"] != numbers["ltd"]:
            warnings.append(
                CodedWarning("unpaired", f"{numbers['ltp']} LTP and {numbers['ltd']} LTD trains; all were used")
            )
    else:
        (only,) = branches
        warnings.append(
            CodedWarning("unpaired", f"only {only.upper()} trains were found: the window and the card need LTP and LTD")
        )
    warnings += [warning for trains in sets.values() if (warning := drift(trains, window))]
    return warnings


def _common_drift(trains: Trains, window: Window) -> CodedWarning | None:
    """Warn if the levels of several devices move one way over the cycles, too little to be seen in each."""
    slopes = []
    for name in dict.fromkeys(trains.devices):
        own = trains.of(name)
        level = levels(window.to_state(own.values[np.argsort(own.cycles, kind="stable")]))
        if level.size >= FEWEST_CYCLES_OF_SEVERAL and level.std() > 0:
            slopes.append(line(np.arange(level.size), level).slope)
    if len(slopes) < FEWEST_DEVICES_FOR_DRIFT:
        return None
    mean, error = float(np.mean(slopes)), float(np.std(slopes, ddof=1) / np.sqrt(len(slopes)))
    if abs(mean) <= t_quantile(1 - DRIFT_OF_SEVERAL / 2, len(slopes) - 1) * error:
        return None
    low, high = t_ends(100 * abs(mean), 100 * error, len(slopes))
    moved = with_interval(100 * abs(mean), (low, high), "%", level=LEVEL)
    return CodedWarning(
        "drift",
        f"{trains.direction.upper()}: the levels of {len(slopes)} devices move {'up' if mean > 0 else 'down'} by "
        f"{moved} of the window per cycle; a stationary C2C model reproduces the spread, not this trend",
    )


def drift(trains: Trains, window: Window) -> CodedWarning | None:
    """Warn if the level of the trains moves steadily, or is correlated, over the cycles."""
    correlations, trends, shifts, chances = [], [], [], []
    cycles = 0
    for name in dict.fromkeys(trains.devices):
        own = trains.of(name)
        order = np.argsort(own.cycles, kind="stable")
        level = levels(window.to_state(own.values[order]))
        cycles = max(cycles, level.size)
        if level.size < FEWEST_CYCLES_FOR_DRIFT or level.std() == 0:
            continue
        number = np.arange(level.size)
        trend_line = line(number, level)
        correlations.append(lag_one_correlation(level))
        trends.append(trend_line.correlation**2)
        shifts.append(trend_line.slope * (level.size - 1))
        chances.append(trend_line.p_value)
    if (wandering := _common_drift(trains, window)) is not None:
        return wandering
    if not correlations:
        return None
    correlation, trend, shift = (float(np.mean(v)) for v in (correlations, trends, shifts))
    # by chance alone the correlation of K independent cycles has a standard deviation of about 1/sqrt(K)
    chance = 2.0 / np.sqrt(cycles * len(correlations))
    steady = trend > DRIFT_TREND and float(np.median(chances)) < DRIFT_P_VALUE
    if correlation <= max(DRIFT_CORRELATION, chance) and not steady:
        return None
    return CodedWarning(
        "drift",
        f"{trains.direction.upper()}: the window drifts {'upward' if shift > 0 else 'downward'} by {abs(shift):.1%} of "
        f"itself over {cycles} cycles (trend R2 {trend:.2f}, lag-1 correlation {correlation:.2f}); a stationary C2C "
        "model reproduces the spread, not this trend",
    )
