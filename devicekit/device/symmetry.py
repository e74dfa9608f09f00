"""Symmetric point of a device: the state where LTP and LTD steps are equal, which stands for weight 0."""

from __future__ import annotations

import numpy as np

from devicekit.device.card import DeviceCard

NEARLY = 0.05  # of |ln(up / down)| above its minimum: states within it count as symmetric
NEAR_MIDDLE = 0.2  # of the window: how far from its middle such a state counts fully


def symmetric_point(card: DeviceCard) -> float:
    """Return the state in 0.1..0.9 of most nearly equal LTP and LTD steps, with room on both sides.

    It is the mean of all states, with weights that fall with |ln(up / down)| above its minimum and with the distance
    from the middle of the window: the crossing where the curves cross steeply, the middle where their ratio hardly
    changes. The best state of a grid would jump across the window by half a per cent of a rate if the ratio is nearly
    constant, and a network that starts there would jump with it.
    """
    grid = np.linspace(0.1, 0.9, 161)
    tiny = 1e-12
    apart = np.abs(np.log((card.rate("ltp", grid) + tiny) / (-card.rate("ltd", grid) + tiny)))
    weight = np.exp(-(apart - apart.min()) / NEARLY - 0.5 * ((grid - 0.5) / NEAR_MIDDLE) ** 2)
    return float((weight * grid).sum() / weight.sum())
