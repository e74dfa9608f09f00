"""Variance over cycles at each pulse: measured, predicted from the components, and its sources."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.statistics import levels, nanmean, nanvar
from devicekit.device.blocks import Window
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains
from devicekit.fitting.variation.result import BranchSpread
from devicekit.models import kernel
from devicekit.models.tilt import state_factor


def predicted_variance(fit: BranchFit, spread: BranchSpread) -> np.ndarray:
    """Return the variance over cycles at each pulse from the components, shape (N + 1,) [window^2].

    v_{n+1} = q^2 v_n + increment^2, and the responses to a cycle's own rate and start, plus offset and read.
    """
    path = np.ascontiguousarray(fit.trajectory)
    q = kernel.slopes(fit.law.id, fit.theta, path)
    rho = kernel.rates(fit.law.id, fit.theta, path)
    names = ("increment", "read", "step", "held", "tilt", "read_tilt", "cycle_offset", "cycle_ln_rate", "cycle_start")
    increment, read, step, held, tilt, read_tilt, offset, rate, start = (getattr(spread, name) or 0.0 for name in names)
    variance = np.empty(path.size)
    own, by_rate, by_start = 0.0, 0.0, 1.0
    for n in range(path.size):
        here = state_factor(2.0 * tilt, path[n])
        constant = (rate * by_rate) ** 2 + (start * by_start) ** 2 + offset**2
        variance[n] = own + constant + held**2 * here + read**2 * state_factor(2.0 * read_tilt, path[n])
        own = q[n] ** 2 * own + (increment**2 + (step * rho[n]) ** 2) * here
        by_rate = q[n] * by_rate + rho[n]
        by_start *= q[n]
    return variance


def scatter(trains: Trains, window: Window) -> np.ndarray:
    """Return the measured variance over cycles at each pulse, mean over devices, shape (N + 1,) [window^2].

    Raises UsageError if no device has two cycles.
    """
    rising = trains.rising(window)
    names = list(dict.fromkeys(trains.devices))
    own = [rising[[k for k, name in enumerate(trains.devices) if name == device]] for device in names]
    variances = [nanvar(group) for group in own if len(group) > 1]
    if not variances:
        raise UsageError("scatter over cycles needs at least two cycles of a device")
    return nanmean(np.array(variances))


def sources_of_spread(fit: BranchFit, spread: BranchSpread, trains: Trains) -> dict[str, float] | None:
    """Return shares of the C2C variance: slow drift, cycle to cycle, updates, reading; None for one cycle.

    The drift is the part of the cycles' mean levels that a straight line over the cycles explains.
    """
    if spread.increment is None or not spread.c2c_anova:
        return None
    rising = trains.rising(fit.window)
    level = levels(rising)
    explained = 0.0
    for device in dict.fromkeys(trains.devices):
        own = [k for k, name in enumerate(trains.devices) if name == device]
        if len(own) > 2:
            k = len(own)
            number = trains.cycles[own] - np.mean(trains.cycles[own])
            line = level[own].mean() + number * (np.sum(number * level[own]) / np.sum(number**2))
            rest = float(np.sum((level[own] - line) ** 2))
            # by chance a line explains one degree of freedom of the noise
            by_line = float(np.sum((line - line.mean()) ** 2)) - rest / (k - 2)
            explained += max(by_line, 0.0) / (k - 1) * k / len(level)
    total = spread.c2c_anova**2
    seen = np.isfinite(rising).sum(axis=0) > 1
    drift = min(explained / total, 1.0)
    read = min((spread.read or 0.0) ** 2 / total, 1.0 - drift)
    pulse_only = replace(spread.of_pulses(), read=0.0)
    pulse = min(float(np.mean(predicted_variance(fit, pulse_only)[seen])) / total, 1.0 - drift - read)
    return {"drift": drift, "cycle": max(1.0 - drift - read - pulse, 0.0), "pulse": pulse, "read": read}
