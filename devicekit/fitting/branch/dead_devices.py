"""Devices that do not switch, found in a set of trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import TraceError
from devicekit.core.statistics import mean_curve
from devicekit.device.blocks import Window
from devicekit.fitting.branch.checks import check_curve
from devicekit.fitting.branch.trains import Trains, estimate_noise


@dataclass(frozen=True)
class DeadDevice:
    """Device that does not switch.

    Attributes
    ----------
    name : str
    reason : str
    state : float
        State at which it stays, fraction of the window.
    """

    name: str
    reason: str
    state: float


def find_dead_devices(sets: Mapping[str, Trains], window: Window) -> list[DeadDevice]:
    """Find devices of which a branch does not move beyond its noise, in the order of the table."""
    names = list(dict.fromkeys(name for trains in sets.values() for name in trains.devices))
    found = []
    for name in names:
        own = {direction: trains.of(name) for direction, trains in sets.items() if name in trains.devices}
        for direction, trains in own.items():
            x = mean_curve(trains.rising(window))
            try:
                if np.ptp(x[np.isfinite(x)]) == 0:
                    raise TraceError(f"all readings of the {direction.upper()} curve are equal")
                check_curve(x, direction, estimate_noise(x))
            except TraceError as error:
                states = [np.nanmean(window.to_state(each.values)) for each in own.values()]
                found.append(DeadDevice(name, error.message, float(np.clip(np.mean(states), 0.0, 1.0))))
                break
    return found
