"""Variation of rates over devices, without what cycles of a device add to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from devicekit.core.quantities import DIRECTIONS
from devicekit.core.statistics import levels, mean_curve
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains
from devicekit.fitting.variation.windows import WHOLE, OwnWindow, shared_shape
from devicekit.system.algebra import covariance_of

MOST_CYCLES = 12  # of a device, to estimate how its rate scatters


def ln_rate_covariance(
    sets: dict[str, Trains],
    central: dict[str, BranchFit],
    devices: dict[str, dict[str, BranchFit]],
    windows: dict[str, OwnWindow],
) -> np.ndarray | None:
    """Return the covariance of ln rate over devices (LTP, LTD); None below three devices with both branches.

    Rates are relative to each device's own window, where devices have one. The mean over K cycles of a device still
    has C2C scatter; its variance over cycles / K is subtracted from the diagonal, except with one cycle per device.
    LTP and LTD scatter independently, so the off-diagonal is not biased.
    """
    complete = {name: pair for name, pair in devices.items() if len(pair) == 2}
    if len(complete) < 3 or len(central) < 2:
        return None
    ln_rates = np.array(
        [
            [
                shared_shape(pair[direction], central[direction], windows.get(name, WHOLE)).ln_rate
                for direction in DIRECTIONS
            ]
            for name, pair in complete.items()
        ]
    )
    covariance = covariance_of(ln_rates)
    for k, direction in enumerate(DIRECTIONS):
        sampling = [
            _sampling_variance(sets[direction].of(name), pair[direction], central[direction], windows.get(name, WHOLE))
            for name, pair in complete.items()
        ]
        covariance[k, k] = max(covariance[k, k] - float(np.mean(sampling)), 0.0)
    limit = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    covariance[0, 1] = covariance[1, 0] = float(np.clip(covariance[0, 1], -limit, limit))
    return np.asarray(covariance)


def _sampling_variance(trains: Trains, own: BranchFit, central: BranchFit, window: OwnWindow) -> float:
    """Return the variance of ln rate of a device's mean curve from its cycles, by the jackknife.

    If each device has its own window, a level that moves from cycle to cycle belongs to the window, not to the rate.
    """
    rows = trains.rising(central.window)
    if len(rows) < 2:
        return 0.0
    if window != WHOLE:
        own_levels = levels(rows)
        rows = rows - (own_levels - own_levels.mean())[:, None]
    some = rows[:MOST_CYCLES]
    n = len(some)
    means = [mean_curve(np.delete(some, k, axis=0)) for k in range(n)]
    rates = [shared_shape(replace(own, x=mean), central, window).ln_rate for mean in means]
    return float(np.var(rates)) * (n - 1) * n / len(rows)
