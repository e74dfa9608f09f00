"""Windows of single devices: do devices differ by their windows, or by their rates?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from devicekit.core.errors import TraceError
from devicekit.core.quantities import DIRECTIONS
from devicekit.device.blocks import FEWEST_WINDOWS
from devicekit.fitting.branch import search
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains, choose_window

CLEARLY = 2.0  # ratio of misfits with a common window to own windows; devices of one window stayed below 1.5


@dataclass(frozen=True)
class OwnWindow:
    """The window of one device within that of its set: lower and upper end [1]."""

    low: float
    high: float

    def rising(self, x: np.ndarray, direction: str) -> np.ndarray:
        """Return states on the rising coordinate of the set's window in that of this one."""
        offset = self.low if direction == "ltp" else 1.0 - self.high
        return (x - offset) / (self.high - self.low)


WHOLE = OwnWindow(0.0, 1.0)
FURTHEST = 10.0  # of ln rate, from the device to the set


@dataclass(frozen=True)
class SharedShape:
    """ln of a device's rate over the central device's, both with the central shape, and the remaining misfit."""

    ln_rate: float
    squares: float


def shared_shape(fit: BranchFit, central: BranchFit, window: OwnWindow = WHOLE) -> SharedShape:
    """Fit a device's mean curve by the central shape in the device's window: only L and x0 are free.

    Parameters
    ----------
    fit : BranchFit
        Of the device, in the window of the set.
    central : BranchFit
        Of the set.
    window : OwnWindow
        Of the device.
    """
    x = window.rising(fit.x, fit.direction)
    span = window.high - window.low
    parameters = central.parameters.copy()
    seen = np.isfinite(x)
    box = search.Box.of(central.law, float(x[seen][0]), max(4 * fit.noise / span, 0.1), 0.0)
    lower, upper = parameters.copy(), parameters.copy()
    lower[0], upper[0] = box.lower[0], box.upper[0]
    if central.law.fixed or central.law.bounded:  # of the set; devices differ by their rates all the same
        lower[0], upper[0] = parameters[0] - FURTHEST, parameters[0] + FURTHEST
    lower[-1], upper[-1] = box.lower[-1], box.upper[-1]
    tied = replace(box, lower=lower, upper=upper, prior_precision=box.prior_precision * 0.0)
    start = parameters.copy()
    start[-1] = float(x[seen][0])
    found = search.descend(central.law, start, x, seen.astype(float), tied)
    return SharedShape(float(found.parameters[0] - central.parameters[0]), found.sse * span**2)


def find_windows(
    sets: Mapping[str, Trains], central: Mapping[str, BranchFit], devices: Mapping[str, Mapping[str, BranchFit]]
) -> dict[str, OwnWindow]:
    """Return the windows of devices that have their own; empty if rates alone describe them as well.

    Both models describe each device's mean curves by the central shape with its own rate; the remaining misfit over all
    devices decides. Without own windows, a shift of the window by a tenth would look like rates that differ by a
    factor.

    Parameters
    ----------
    sets : mapping of direction to Trains
    central : mapping of direction to BranchFit
    devices : mapping of device to mapping of direction to BranchFit
        In the window of the set.
    """
    complete = {name: pair for name, pair in devices.items() if len(pair) == len(DIRECTIONS)}
    if len(complete) < FEWEST_WINDOWS or len(central) < len(DIRECTIONS):
        return {}
    window = central["ltp"].window
    found, common, own = {}, 0.0, 0.0
    for name, pair in complete.items():
        trains = [sets[direction].of(name) for direction in DIRECTIONS]
        try:
            measured = choose_window(trains, window.quantity, name, window.scale)
        except TraceError:  # this device hardly switches
            return {}
        low, high = window.to_state(np.array([measured.low, measured.high])).tolist()
        found[name] = OwnWindow(low, high)
        common += sum(shared_shape(pair[each], central[each]).squares for each in DIRECTIONS)
        own += sum(shared_shape(pair[each], central[each], found[name]).squares for each in DIRECTIONS)
    return found if common > CLEARLY * own else {}
