"""SYNTHETIC records at constant voltage: telegraph noise in continuous time, white noise, 1/f noise, drift."""

from __future__ import annotations

import numpy as np
import pandas as pd

from devicekit.synthetic.marks import SEED, synthetic
from devicekit.tables import SweepTable


def telegraph_states(time: np.ndarray, dwell: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return whether the upper level is on at given times [s], with steps in any order.

    Dwell times are drawn from their exponential distributions one after the other, in continuous time; the record
    starts within a dwell.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Rising [s].
    dwell : (float, float)
        Mean dwell times of the lower and of the upper level [s].
    rng : numpy.random.Generator
    """
    first = bool(rng.random() < dwell[1] / (dwell[0] + dwell[1]))
    span = float(time[-1] - time[0])
    ends: list[float] = []
    state, at = first, 0.0
    while at <= span:
        at += float(rng.exponential(dwell[int(state)]))
        ends.append(at)
        state = not state
    return (np.searchsorted(ends, time - time[0], "right") % 2 == 1) ^ first


def flicker(n: int, exponent: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise with the spectrum 1/f^exponent and sd 1, shape (n,), cut from a record eight times as long."""
    long = 8 * n
    frequency = np.fft.rfftfreq(long)
    frequency[0] = frequency[1]
    lines = (rng.standard_normal(frequency.size) + 1j * rng.standard_normal(frequency.size)) * frequency ** (
        -exponent / 2
    )
    made = np.fft.irfft(lines, long)[:n]
    return (made - made.mean()) / made.std()


def telegraph_record(
    n: int = 5000,
    step: float = 1e-3,
    dwell: tuple[float, float] = (0.03, 0.015),
    *,
    levels: tuple[float, float] = (1.0e-6, 1.1e-6),
    noise: float = 0.02e-6,
    jitter: float = 0.0,
    voltage: float = 0.1,
    seed: int = SEED,
) -> SweepTable:
    """Generate a current at a constant voltage that jumps between two levels, with white noise.

    Parameters
    ----------
    n, step : int, float
        Readings, and the time between them [s].
    dwell : (float, float)
        Mean dwell times of the lower and of the upper level [s].
    levels, noise : (float, float), float
        Currents and standard deviation of a reading [A].
    jitter : float
        Standard deviation of a reading's time over the step.
    voltage : float
        [V].
    seed : int
        Seed of every draw.
    """
    rng = np.random.default_rng(seed)
    time = np.sort(step * (np.arange(n) + jitter * rng.standard_normal(n)))
    on = telegraph_states(time, dwell, rng)
    current = np.where(on, levels[1], levels[0]) + noise * rng.standard_normal(n)
    return still(time, current, voltage)


def still(time: np.ndarray, current: np.ndarray, voltage: float = 0.1) -> SweepTable:
    """Return currents [A] at times [s] and one voltage [V] as a table."""
    frame = pd.DataFrame(
        {
            "device_id": "device1",
            "cycle": 1,
            "point": np.arange(time.size),
            "voltage_v": voltage,
            "current_a": current,
            "time_s": time,
        }
    )
    return synthetic(SweepTable, frame)
