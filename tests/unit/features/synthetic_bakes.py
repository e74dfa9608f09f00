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
    frames: list[pd.DataFrame] = []
    written = {kelvin: target + 1e-6 * rng.standard_normal(many) for kelvin in dict.fromkeys(kelvins)}
    for kelvin, time in zip(kelvins, times, strict=True):
        before = written[kelvin]
        loss = relaxation * rng.standard_normal(many)
        if energy is not None:
            grown = median * np.exp(-energy / K * (1 / kelvin - 1 / kelvins[-1])) * (time / 5200.0) ** nu
            loss = loss + grown * np.clip(1.0 + spread * cell, 0.0, None)
        first = not any(kelvin == each["temperature_k"].iloc[0] for each in frames)
        for t, g in ((0.0, before), (time, before * np.exp(-loss)))[0 if first else 1 :]:
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


def relaxing(
    seed: int, *, levels: int = 4, cells: int = 128, times: tuple[float, ...] = (0.01, 0.1, 1.0, 1e3), tails: int = 0
) -> pd.DataFrame:
    """Make the readings of cells that relax at one unknown temperature.

    The variance of the shift is 0.5 µS² per decade and 2 µS² at 1 s, less 0.5 µS² per decade before: of a random
    walk in log t, that starts at 1e-4 s. With `tails` the steps follow Student's t with so many degrees of freedom.
    """
    rng = np.random.default_rng(seed)
    many = levels * cells
    level = np.arange(many) % levels
    before = 20e-6 * (1.0 + level) + 1e-7 * rng.standard_normal(many)
    shift, last, frames = np.zeros(many), 1e-4, []
    for time in (0.0, *times):
        if time > 0:
            step = rng.standard_t(tails, many) * np.sqrt((tails - 2) / tails) if tails else rng.standard_normal(many)
            shift, last = shift + 1e-6 * np.sqrt(0.5 * np.log10(time / last)) * step, time
        names = {"device_id": np.arange(many).astype(str), "level": level.astype(str)}
        frames.append(pd.DataFrame({**names, "time_s": time, "conductance_s": before + shift}))
    return pd.concat(frames, ignore_index=True)
