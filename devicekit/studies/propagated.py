"""Whether what the fit leaves open matters to a network: then other devices that the data allow are tried as well."""

from __future__ import annotations

import numpy as np

from devicekit.fitting.result import DeviceFit
from devicekit.text import listed

FEW_CYCLES, LARGE_INCREMENT = 3, 0.01  # of the window
SEEN = 1 / 3  # of the window, that a train must go through


def reason_to_propagate(fit: DeviceFit) -> str:
    """Why the fit's uncertainty may matter for a network, in words; "" where it is less than what seeds differ by.

    Measured on four simulated devices: it matters with three cycles or fewer whose updates scatter by 1 % of the window
    or more, and for trains that go through less than a third of the window. A joint fit over widths is not resampled.
    """
    if fit.joint:
        return ""
    found = []
    for direction, branch in fit.branches.items():
        spread = fit.variation.branches[direction]
        few = spread.n_devices == 1 and spread.n_cycles <= FEW_CYCLES
        if few and (spread.increment or 0.0) >= LARGE_INCREMENT:
            found.append(f"{direction.upper()} has few cycles, whose updates scatter by {spread.increment:.1%}")
        elif np.ptp(branch.measured_range) < SEEN:
            found.append(f"{direction.upper()} goes through {np.ptp(branch.measured_range):.0%} of the window")
    return listed(found)
