"""The null standard deviation that odds rest on (`python -m snn.benchmark null`), and the generic device.

Trainings of the generic base (NL 1, 100 steps, updates that scatter by 1 % of the window), of the same seeds with
another draw of devices and of their noise.
"""

from __future__ import annotations

import math

import numpy as np

from devicekit.device.card import DeviceCard
from snn.benchmark.task import VARIANTS, Variant, accuracy, setting
from snn.data.dataset import Dataset

NL, STEPS, SCATTER = 1.0, 100, 0.01


def generic(steps: float = STEPS, scatter: float = SCATTER, nl: float = NL, ltd: float = 1.0) -> DeviceCard:
    """A SYNTHETIC device of soft bounds whose steps at mid-window are 1 / steps; LTD's are `ltd` times as large."""
    from devicekit.synthetic.pulses import truth_card

    kappa = 1.0 - math.exp(-nl)
    theta: dict[str, tuple[float, ...]] = {"ltp": (-math.log(steps), kappa), "ltd": (math.log(ltd / steps), kappa)}
    return truth_card(theta, model="softbounds", increment=scatter, read=0.0)


def null_sd(data: Dataset, seeds: int) -> dict[str, float]:
    """Standard deviation [1] of the difference of two draws of one device, by variant."""
    card = generic()
    found: dict[str, float] = {}
    counts: dict[Variant, int] = {**dict.fromkeys(VARIANTS, seeds), "wide": min(seeds, 200), "policy": min(seeds, 200)}
    for variant, count in counts.items():
        one, two = (
            np.array([accuracy(card, setting(variant, seed, draw=draw), data) for seed in range(count)])
            for draw in (0, 1)
        )
        found[variant] = float((one - two).std(ddof=1))
    return found
