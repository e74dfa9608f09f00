"""Symmetric point of a device: the state where LTP and LTD steps are equal, which stands for weight 0."""

from __future__ import annotations

import numpy as np

from devicekit.device.card import DeviceCard

NEARLY = 0.05  # of |ln(up / down)| beyond the least one: states within it count as alike
NEAR_MIDDLE = 0.2  # of the window: how far from its middle such a state counts fully


def symmetric_point(card: DeviceCard) -> float:
    """Return the state in 0.1..0.9 of most nearly equal LTP and LTD steps, with room on both sides.

    The mean of all states by weights that fall with |ln(up / down)| beyond its least value, and with the distance from
    the middle of the window. It is the crossing where the curves cross steeply; where their ratio hardly changes it is
    the middle. A mean, not the best of a grid: that one jumps from end to end of the window with half a per cent of a
    rate where the ratio is nearly constant, and a network that starts there jumps with it.
    """
    grid = np.linspace(0.1, 0.9, 161)
    tiny = 1e-12
    apart = np.abs(np.log((card.rate("ltp", grid) + tiny) / (-card.rate("ltd", grid) + tiny)))
    weight = np.exp(-(apart - apart.min()) / NEARLY - 0.5 * ((grid - 0.5) / NEAR_MIDDLE) ** 2)
    return float((weight * grid).sum() / weight.sum())
