"""The generic device: NL 1, 100 steps, updates that scatter by 1 % of the window."""

from __future__ import annotations

import math

from devicekit.device.card import DeviceCard
from devicekit.device.truth import truth_card

NL, STEPS, SCATTER = 1.0, 100, 0.01


def generic(steps: float = STEPS, scatter: float = SCATTER, nl: float = NL, ltd: float = 1.0) -> DeviceCard:
    """Return a SYNTHETIC soft-bounds device with mid-window steps of 1 / steps, those of LTD `ltd` times as large."""
    kappa = 1.0 - math.exp(-nl)
    theta: dict[str, tuple[float, ...]] = {"ltp": (-math.log(steps), kappa), "ltd": (math.log(ltd / steps), kappa)}
    return truth_card(theta, model="softbounds", increment=scatter, read=0.0)
