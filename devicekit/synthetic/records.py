"""SYNTHETIC sweeps, endurance, retention, STDP and telegraph noise with a known truth, for tests and examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from devicekit.core.quantities import GLOSSARY
from devicekit.synthetic import ageing, conduction, dynamics, known_cycles, levels
from devicekit.synthetic.loops import SweepTruth, sweeps
from devicekit.synthetic.marks import SEED, synthetic
from devicekit.synthetic.noise import still
from devicekit.synthetic.package import write_package
from devicekit.tables import EnduranceTable, RetentionTable, StdpTable, SweepTable, Table

__all__ = ["SweepTruth", "endurance", "retention", "stdp", "sweeps", "telegraph", "write_all"]


def endurance(n_cycles: float = 1e6, n_devices: int = 5, seed: int = SEED) -> EnduranceTable:
    """Generate HRS and LRS on a log grid of cycles; HRS rises by 0.05 decades per decade, the last device fails.

    Parameters
    ----------
    n_cycles : float
        Last cycle.
    n_devices : int
        Number of devices.
    seed : int
        Seed of every draw.
    """
    rng = np.random.default_rng(seed)
    cycle = np.unique(np.round(np.logspace(0, np.log10(n_cycles), 120)).astype(int))
    frames = []
    for device in range(n_devices):
        decade = np.log10(cycle)
        hrs = 2e-6 * 10 ** (0.05 * decade + rng.normal(0, 0.08, cycle.size))
        lrs = 3e-4 * 10 ** (-0.01 * decade + rng.normal(0, 0.03, cycle.size))
        if device == n_devices - 1:
            hrs = np.where(cycle > 2e5, lrs / 1.3, hrs)
        for level, g in (("lrs", lrs), ("hrs", hrs)):
            name = f"device{device + 1}"
            frames.append(pd.DataFrame({"device_id": name, "cycle": cycle, "level": level, "conductance_s": g}))
    whole = pd.concat(frames).sort_values(["device_id", "cycle"], kind="stable").reset_index(drop=True)
    whole["read_voltage_v"] = 0.1
    return synthetic(EnduranceTable, whole)


def retention(
    n_states: int = 10, last: float = 1e4, n_times: int = 40, noise: float = 0.01, seed: int = SEED
) -> RetentionTable:
    """Generate ten states by G0 t^-nu from 1 s to `last` at 85 C, nu larger for lower conductance.

    Parameters
    ----------
    n_states, n_times : int
        Number of states, and of readings of each.
    last : float
        Time of the last reading [s].
    noise : float
        Standard deviation of ln G of one reading.
    seed : int
        Seed of every draw.
    """
    rng = np.random.default_rng(seed)
    t = np.logspace(0, np.log10(last), n_times)
    frames = []
    for state, g0 in enumerate(np.geomspace(20e-6, 300e-6, n_states), 1):
        g = g0 * t ** -retention_exponent(g0) * np.exp(noise * rng.standard_normal(t.size))
        frames.append(
            pd.DataFrame({"device_id": "device1", "level": f"state{state:02d}", "time_s": t, "conductance_s": g})
        )
    whole = pd.concat(frames, ignore_index=True).assign(read_voltage_v=0.1, temperature_k=358.15)
    return synthetic(RetentionTable, whole)


def retention_exponent(g0: float) -> float:
    """Return the true nu of a synthetic state with conductance g0 [S] at 1 s."""
    return 0.004 * (20e-6 / g0) ** 0.3


STDP_TRUTH = {"a_plus": 0.8, "tau_plus_s": 15e-3, "a_minus": -0.5, "tau_minus_s": 25e-3, "offset": 0.1}


def stdp(
    n_repeats: int = 10, noise: float = 0.05, seed: int = SEED, truth: Mapping[str, float] | None = None
) -> StdpTable:
    """Generate pairs at 24 delays from -100 to 100 ms, with an offset of 0.1.

    Parameters
    ----------
    n_repeats : int
        Spike pairs at each delay.
    noise : float
        Standard deviation of one change [1].
    seed : int
        Seed of every draw.
    truth : mapping, optional
        Parameters of `devicekit.features.merits.stdp.window`.
    """
    from devicekit.features.merits.stdp import window

    truth = truth or STDP_TRUTH
    rng = np.random.default_rng(seed)
    side = np.r_[2, 5, 8, 12, 16, 20, 27, 35, 45, 60, 80, 100] * 1e-3
    delay = np.repeat(np.r_[-side[::-1], side], n_repeats)
    clean = (
        window(delay, truth["a_plus"], truth["tau_plus_s"], truth["a_minus"], truth["tau_minus_s"]) + truth["offset"]
    )
    frame = pd.DataFrame(
        {
            "device_id": "device1",
            "repeat": np.tile(np.arange(1, n_repeats + 1), 24),
            "spike_delay_s": delay,
            "weight_change": clean + noise * rng.standard_normal(delay.size),
        }
    )
    return synthetic(StdpTable, frame)


def telegraph(
    n: int = 20000, step: float = 1e-3, dwell: tuple[float, float] = (0.2, 0.1), seed: int = SEED
) -> SweepTable:
    """Generate a current at 0.1 V jumping between two levels with exponential dwell times [s], with white noise.

    Parameters
    ----------
    n : int
        Readings.
    step : float
        Time between readings [s].
    dwell : (float, float)
        Mean dwell times of the two levels [s].
    seed : int
        Seed of every draw.
    """
    rng = np.random.default_rng(seed)
    state = np.empty(n, int)
    now, k = 0, 0
    while k < n:
        length = max(1, round(rng.exponential(dwell[now]) / step))
        state[k : k + length] = now
        k, now = k + length, 1 - now
    i = np.where(state == 0, 1.0e-6, 1.2e-6) + 0.02e-6 * rng.standard_normal(n)
    return still(np.arange(n) * step, i)


_SETS: dict[str, tuple[str, str, Callable[[], Table]]] = {
    "reference-dc": (
        "250 bipolar DC sweeps of one device",
        "sweeps",
        lambda: sweeps(250, truth=SweepTruth(step=0.02)),
    ),
    "reference-conduction": (
        "six bipolar DC sweeps at three temperatures, HRS by Poole-Frenkel emission in 12 nm, LRS ohmic",
        "sweeps",
        conduction.conduction,
    ),
    "reference-cycles": (
        "200 cycles of five devices that remember the cycle before, with a drift of one of them",
        "sweeps",
        known_cycles.reference,
    ),
    "reference-endurance": ("endurance of five devices to 1e6 cycles", "endurance", endurance),
    "reference-retention": ("retention of ten states to 1e4 s at 85 C", "retention", retention),
    "reference-paired": (
        "pairs of pulses at 12 intervals, a third of a step stays, amplitudes from the original level",
        "pairs",
        dynamics.paired,
    ),
    "reference-transient": (
        "relaxation after one pulse, five records of 100 readings, exponential, a third of a step stays",
        "relaxation",
        lambda: dynamics.transient(5),
    ),
    "reference-trains": (
        "trains of 30 pulses at six rates, read before and after each pulse",
        "trains",
        dynamics.trains,
    ),
    "reference-multilevel": (
        "eight levels of five devices, 100 readings each, normal in G",
        "levels",
        levels.multilevel,
    ),
    "reference-bake": (
        "retention of five devices at each of four temperatures to 7.2e5 s, one state not lost",
        "bake",
        ageing.bake,
    ),
    "reference-wear": ("endurance of twenty devices to 1e6 cycles, of which thirteen fail", "wear", ageing.wear),
    "reference-stdp": ("STDP window with an offset, 24 delays, ten repeats", "stdp", stdp),
}


def write_all(root: Path) -> None:
    """Write every synthetic set under `root`: a folder for each, with a compressed CSV and datapackage.json."""
    for name, (title, stem, make) in _SETS.items():
        frame = make().frame
        write_package(
            root / name,
            frame[[column for column in frame if column in GLOSSARY]],
            name=name,
            title=f"SYNTHETIC {title}",
            description=f"SYNTHETIC: {title}, generated by devicekit.synthetic from stated laws with seed {SEED}. "
            "Nothing here was measured.",
            stem=stem,
            seed=SEED,
        )
