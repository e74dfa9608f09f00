"""SYNTHETIC bakes of many cells with planted laws: a relaxation, and a loss that grows with temperature and time."""

from __future__ import annotations

import numpy as np
import pandas as pd

K = 8.617333262e-5
KELVINS = (373.15, 413.15, 453.15, 493.15, 533.15)
TIMES = (7200.0, 4500.0, 5300.0, 4600.0, 5200.0)


def bakes(
    seed: int,
    *,
    levels: int = 8,
    cells: int = 128,
    kelvins: tuple[float, ...] = KELVINS,
    times: tuple[float, ...] = TIMES,
    energy: float | None = 1.0,
    nu: float = 0.0,
    median: float = 0.8,
    spread: float = 0.3,
    relaxation: float = 0.02,
) -> pd.DataFrame:
    """Make the readings of cells before and after each bake.

    -ln(G after / G before) of a cell is median * exp(-energy / k (1/T - 1/T_last)) (t / 5200 s)^nu (1 + spread u),
    u a normal number of each cell that is the same in all bakes, plus relaxation times a fresh one: two processes.
    Without an energy there is only the second.
    """
    rng = np.random.default_rng(seed)
    many = levels * cells
    level = np.arange(many) % levels
    target = 20e-6 * (1.0 + level)
    cell = rng.standard_normal(many)
    frames = []
    for kelvin, time in zip(kelvins, times, strict=True):
        before = target + 1e-6 * rng.standard_normal(many)
        loss = relaxation * rng.standard_normal(many)
        if energy is not None:
            grown = median * np.exp(-energy / K * (1 / kelvin - 1 / kelvins[-1])) * (time / 5200.0) ** nu
            loss = loss + grown * np.clip(1.0 + spread * cell, 0.0, None)
        for t, g in ((0.0, before), (time, before * np.exp(-loss))):
            frames.append(
                pd.DataFrame(
                    {
                        "device_id": np.arange(many).astype(str),
                        "level": level.astype(str),
                        "time_s": t,
                        "conductance_s": g,
                        "temperature_k": kelvin,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)
