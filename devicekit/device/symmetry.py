"""Where LTP and LTD of a device are alike: the state about which a weight of either sign is held."""

from __future__ import annotations

import numpy as np

from devicekit.device.card import DeviceCard


def symmetric_point(card: DeviceCard) -> float:
    """State in 0.1..0.9 where LTP and LTD steps are most nearly equal: argmin of |ln(up / down)| on a grid.

    A grid, not a root: the two curves need not cross, and where they cross the wrong way a root repels. Where
    they are equal over a range, its point nearest the middle of the window is taken: it leaves most room.
    """
    grid = np.linspace(0.1, 0.9, 161)
    tiny = 1e-12
    ratio = np.log((card.rate("ltp", grid) + tiny) / (-card.rate("ltd", grid) + tiny))
    return float(grid[np.argmin(np.abs(ratio) + 0.01 * np.abs(grid - 0.5))])
