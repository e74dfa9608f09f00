"""SYNTHETIC levels with a known truth: readings about targets, normal in G or ln G, with or without D2D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.synthetic.marks import SEED, synthetic
from devicekit.tables import MultilevelTable


@dataclass(frozen=True)
class LevelTruth:
    """Truth of the synthetic levels.

    Attributes
    ----------
    targets_s : tuple of float
        Target of each level, ascending [S].
    sd_s : float
        Standard deviation of a reading about its device's mean [S]; with `log` that of ln G.
    device_sd_s : float
        Standard deviation of device means about the target, drawn for each level anew.
    log : bool
        Whether ln G is normal, not G.
    """

    targets_s: tuple[float, ...] = tuple(1e-6 * (10.0 + 20.0 * k) for k in range(8))
    sd_s: float = 3.5e-6
    device_sd_s: float = 1.5e-6
    log: bool = False


def multilevel(
    n_devices: int = 5, n_repeats: int = 100, *, truth: LevelTruth | None = None, seed: int = SEED
) -> MultilevelTable:
    """Generate this many readings of each level of each device.

    Parameters
    ----------
    n_devices, n_repeats : int
        Devices, and readings of each of their levels.
    truth : LevelTruth, optional
        True parameters.
    seed : int
        Seed of every draw.
    """
    truth = truth or LevelTruth()
    rng = np.random.default_rng(seed)
    targets = np.asarray(truth.targets_s)
    middle = np.log(targets) if truth.log else targets
    shape = (n_devices, targets.size, n_repeats)
    own = truth.device_sd_s * rng.standard_normal(shape[:2])
    values = (middle + own)[:, :, None] + truth.sd_s * rng.standard_normal(shape)
    g = np.exp(values) if truth.log else np.maximum(values, 0.0)
    device, level, repeat = (index.ravel() for index in np.indices(shape))
    frame = pd.DataFrame(
        {
            "device_id": [f"device{k + 1}" for k in device],
            "level": [f"L{k}" for k in level],
            "repeat": repeat + 1,
            "conductance_s": g.ravel(),
            "target_s": targets[level],
            "read_voltage_v": 0.1,
        }
    )
    return synthetic(MultilevelTable, frame)
