"""The generic device (NL 1, 100 steps, updates that scatter by 1 % of the window), and how its accuracy scatters."""

from __future__ import annotations

import math

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.truth import truth_card
from snn.benchmark.task import VARIANTS, Variant, accuracy, setting
from snn.data.dataset import Dataset

NL, STEPS, SCATTER = 1.0, 100, 0.01


def generic(steps: float = STEPS, scatter: float = SCATTER, nl: float = NL, ltd: float = 1.0) -> DeviceCard:
    """Return a SYNTHETIC soft-bounds device with mid-window steps of 1 / steps, those of LTD `ltd` times as large."""
    kappa = 1.0 - math.exp(-nl)
    theta: dict[str, tuple[float, ...]] = {"ltp": (-math.log(steps), kappa), "ltd": (math.log(ltd / steps), kappa)}
    return truth_card(theta, model="softbounds", increment=scatter, read=0.0)


def null_sd(data: Dataset, seeds: int) -> dict[str, float]:
    """Return the standard deviation [1] of the accuracy of one device over seeds, by variant."""
    card = generic()
    counts: dict[Variant, int] = {**dict.fromkeys(VARIANTS, seeds), "wide": min(seeds, 100), "policy": min(seeds, 200)}
    return {
        variant: float(np.std([accuracy(card, setting(variant, seed), data) for seed in range(count)], ddof=1))
        for variant, count in counts.items()
    }
