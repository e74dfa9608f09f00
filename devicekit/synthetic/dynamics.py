"""SYNTHETIC short-term dynamics with a known truth: relaxation after pulses, pairs of pulses, trains at several rates.

G(t) = g0 + sum over pulses of [a_nv + a_v K(t - t_j)]: a pulse adds a_nv + a_v, of which a_nv is permanent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from devicekit.models.relaxation import kernel
from devicekit.synthetic.marks import SEED, synthetic
from devicekit.tables import PairedTable, TransientTable


@dataclass(frozen=True)
class DynamicsTruth:
    """Truth of the synthetic dynamics.

    Attributes
    ----------
    kernel : str
        Of `devicekit.models.relaxation.KERNELS`.
    parameters : mapping
        Its parameters; tau_s in [s].
    g0 : float
        Level before the first pulse [S].
    step : float
        Step of one pulse, a_nv + a_v [S].
    permanent : float
        Permanent share of it, a_nv / (a_nv + a_v), 0..1.
    """

    kernel: str = "exponential"
    parameters: Mapping[str, float] = field(default_factory=lambda: {"tau_s": 0.05})
    g0: float = 20e-6
    step: float = 5e-6
    permanent: float = 1 / 3

    @property
    def volatile(self) -> float:
        """a_v [S]."""
        return self.step * (1.0 - self.permanent)

    @property
    def slowest_s(self) -> float:
        """The longest time constant [s]."""
        return max(value for name, value in self.parameters.items() if name.startswith("tau"))

    def conductance(self, t: np.ndarray, pulses: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return G at times t [s] after pulses at given times [s]; a pulse counts after its time."""
        since = np.asarray(t, float)[:, None] - np.asarray(pulses, float)[None, :]
        after = since > 0
        left = kernel(self.kernel, np.where(after, since, 0.0), **self.parameters)
        return self.g0 + np.where(after, self.step * self.permanent + self.volatile * left, 0.0).sum(axis=1)


def transient(
    n_records: int = 3,
    n_times: int = 100,
    *,
    n_pulses: int = 1,
    span: float = 5.0,
    noise: float = 0.01,
    gap_s: float | None = None,
    truth: DynamicsTruth | None = None,
    seed: int = SEED,
) -> TransientTable:
    """Generate records of readings before and after pulses of 1 V and 1 ms, on a logarithmic grid of delays.

    Parameters
    ----------
    n_records, n_times : int
        Records, and readings of each after its last pulse; ten come before the first.
    n_pulses : int
        Pulses of a record, with one reading half-way between two.
    span : float
        Last delay over the slowest time constant; the first is 2 % of the fastest.
    noise : float
        Standard deviation of a reading, over a_v.
    gap_s : float, optional
        Time between two pulses [s]; half the first time constant if not given.
    truth : DynamicsTruth, optional
        What they are made of.
    seed : int
        Seed of every draw.
    """
    truth = truth or DynamicsTruth()
    rng = np.random.default_rng(seed)
    tau = truth.parameters["tau_s"]
    gap = gap_s or tau / 2
    pulses = 2 * tau + gap * np.arange(n_pulses)
    between = pulses[:-1] + gap / 2
    last = pulses[-1] + np.geomspace(0.02 * tau, span * truth.slowest_s, n_times)
    reads = np.concatenate([np.linspace(0.0, 1.9 * tau, 10), between, last])
    frames = []
    for record in range(1, n_records + 1):
        g = truth.conductance(reads, pulses) + noise * truth.volatile * rng.standard_normal(reads.size)
        frames.append(_rows(record, reads, g, pulses))
    return synthetic(TransientTable, pd.concat(frames, ignore_index=True))


def _rows(record: int, reads: np.ndarray, g: np.ndarray, pulses: np.ndarray) -> pd.DataFrame:
    """Return the rows of a record: readings [S] at their times, and pulses of 1 V at theirs [s]."""
    read = pd.DataFrame({"time_s": reads, "conductance_s": np.maximum(g, 0.0), "pulse_voltage_v": 0.0})
    given = pd.DataFrame({"time_s": pulses, "conductance_s": np.nan, "pulse_voltage_v": 1.0})
    one = pd.concat([read, given]).sort_values("time_s", kind="stable").assign(read_voltage_v=0.1)
    one.insert(0, "device_id", "device1")
    one.insert(1, "record", record)
    return one


def paired(
    n_intervals: int = 12,
    n_repeats: int = 3,
    *,
    noise: float = 0.02,
    baseline: str | None = "original",
    longest: float = 5.0,
    truth: DynamicsTruth | None = None,
    seed: int = SEED,
) -> PairedTable:
    """Generate A2/A1 of pulse pairs at intervals on a logarithmic grid, with both amplitudes.

    Parameters
    ----------
    n_intervals, n_repeats : int
        Intervals from a tenth of tau on, and pairs at each.
    noise : float
        Standard deviation of the ratio [1].
    baseline : {"original", "before"}, optional
        Reference level of A2; None: `original`, without stating it in the table.
    longest : float
        Longest interval over the slowest time constant.
    truth : DynamicsTruth, optional
        What they are made of.
    seed : int
        Seed of every draw.
    """
    truth = truth or DynamicsTruth()
    rng = np.random.default_rng(seed)
    at = np.geomspace(0.1 * truth.parameters["tau_s"], longest * truth.slowest_s, n_intervals)
    interval = np.repeat(at, n_repeats)
    left = truth.permanent + (1.0 - truth.permanent) * kernel(truth.kernel, interval, **truth.parameters)
    clean = np.ones(interval.size) if baseline == "before" else 1.0 + left
    ratio = clean + noise * rng.standard_normal(interval.size)
    frame = pd.DataFrame(
        {
            "device_id": "device1",
            "repeat": np.tile(np.arange(1, n_repeats + 1), n_intervals),
            "interval_s": interval,
            "ratio": ratio,
        }
    )
    if baseline is not None:
        frame["baseline"] = baseline
    return synthetic(PairedTable, frame)


def trains(
    rates: Sequence[float] = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0),
    n_pulses: int = 30,
    *,
    noise: float = 0.02,
    truth: DynamicsTruth | None = None,
    seed: int = SEED,
) -> TransientTable:
    """Generate a record for each rate [Hz]: pulses of 1 V, read just before and just after each of them.

    Parameters
    ----------
    rates : sequence of float
        Pulses a second.
    n_pulses : int
        Pulses of a record.
    noise : float
        Standard deviation of a reading, over a_v.
    truth : DynamicsTruth, optional
        True parameters; by default nothing of a pulse is permanent.
    seed : int
        Seed of every draw.
    """
    truth = truth or DynamicsTruth(permanent=0.0)
    rng = np.random.default_rng(seed)
    frames = []
    for record, rate in enumerate(rates, 1):
        gap = 1.0 / rate
        pulses = gap * np.arange(1, n_pulses + 1)
        near = 1e-3 * gap
        reads = np.sort(np.concatenate([pulses - near, pulses + near]))
        g = truth.conductance(reads, pulses) + noise * truth.volatile * rng.standard_normal(reads.size)
        frames.append(_rows(record, reads, g, pulses))
    return synthetic(TransientTable, pd.concat(frames, ignore_index=True))
