"""Rate of voltage sweeps, from the times of their points."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from devicekit.core.text import si
from devicekit.features.dc.trace import each_sweep

PAUSE = 10.0  # times the median step in time: longer ones are not counted
TURNS = 3  # of a loop
UNCLEAR = 0.05  # share of steps that stand or turn back, from which noise, rounding or holds hide the rate
EQUAL = 1.05  # highest over lowest rate that are given as one


def sweep_rate(voltage_v: np.ndarray, time_s: np.ndarray) -> float:
    """Return the rate of a sweep, without its pauses [V/s]; NaN if the times do not tell it.

    Parameters
    ----------
    voltage_v, time_s : ndarray, shape (n,)
        Points in the order of the sweep.
    """
    dv, dt = np.abs(np.diff(voltage_v)), np.diff(time_s)
    if not dt.size or not np.isfinite(dt).all() or (dt < 0).any() or not (dt > 0).any():
        return float("nan")
    short = dt <= PAUSE * np.median(dt[dt > 0])
    moving = (dv > 0) & short
    turns = np.count_nonzero(np.diff(np.sign(np.diff(voltage_v)[moving])))
    if (short & ~moving).sum() + max(turns - TURNS, 0) > UNCLEAR * short.sum():
        return float("nan")
    total = float(dt[moving].sum())
    return float(dv[moving].sum()) / total if total > 0 else float("nan")


def rate_text(frames: Iterable[pd.DataFrame]) -> str:
    """Return the rates of the sweeps of tables in a sentence; "" unless each of them has its times."""
    rates = [
        sweep_rate(rows["voltage_v"].to_numpy(float), rows["time_s"].to_numpy(float))
        if "time_s" in rows
        else float("nan")
        for frame in frames
        for _, _, rows in each_sweep(frame)
    ]
    if not rates or not np.isfinite(rates).all():
        return ""
    low, high = min(rates), max(rates)
    if high <= EQUAL * low:
        return f"Sweep rate {si(float(np.median(rates)), 'V/s')}."
    return f"Sweep rate {si(low, 'V/s')} to {si(high, 'V/s')}."
