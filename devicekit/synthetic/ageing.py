"""SYNTHETIC lifetimes with a known truth: states lost in bakes at several temperatures, devices worn by cycling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.constants import BOLTZMANN_EV
from devicekit.synthetic.marks import SEED, synthetic
from devicekit.tables import EnduranceTable, RetentionTable


@dataclass(frozen=True)
class BakeTruth:
    """Truth of synthetic bakes: ln t_f = ln life + Ea (1/kT - 1/kT0) + sigma z.

    Attributes
    ----------
    energy_ev : float
        Activation energy [eV].
    life_s, life_k : float
        Median time until G has fallen by the factor 2 [s], and the temperature T0 where it is that [K].
    sigma : float
        Standard deviation of ln t_f over devices.
    second_ev, second_s : float
        Energy [eV] and median life at T0 [s] of a second mechanism, whose rate adds; infinite without one.
    """

    energy_ev: float = 1.1
    life_s: float = 2e4
    life_k: float = 473.15
    sigma: float = 0.4
    second_ev: float = 0.5
    second_s: float = float("inf")

    def median(self, kelvin: float) -> float:
        """Return the median life at a temperature [s]."""
        away = 1.0 / (BOLTZMANN_EV * kelvin) - 1.0 / (BOLTZMANN_EV * self.life_k)
        rate = np.exp(-self.energy_ev * away) / self.life_s + np.exp(-self.second_ev * away) / self.second_s
        return float(1.0 / rate)


def bake(
    kelvins: Sequence[float] = (423.15, 453.15, 488.15, 523.15),
    n_devices: int = 5,
    *,
    first: float = 1.0,
    last: float = 7.2e5,
    per_decade: int = 10,
    noise: float = 0.01,
    abrupt: bool = False,
    truth: BakeTruth | None = None,
    seed: int = SEED,
) -> RetentionTable:
    """Generate LRS of separate devices at each temperature, from `first` to `last`: G = G0 / (1 + (t / t_f)^0.5).

    Parameters
    ----------
    kelvins : sequence of float
        Temperatures of the bakes [K].
    n_devices : int
        Devices at each.
    first, last : float
        First and last reading [s]; states that have not fallen by the factor 2 by then are censored.
    per_decade : int
        Readings per decade of time.
    noise : float
        Standard deviation of ln G of a reading.
    abrupt : bool
        Instead of falling slowly, the state is constant until t_f and then drops to a tenth.
    truth : BakeTruth, optional
        True parameters.
    seed : int
        Seed of every draw.
    """
    truth = truth or BakeTruth()
    rng = np.random.default_rng(seed)
    t = np.geomspace(first, last, round(per_decade * np.log10(last / first)) + 1)
    frames: list[pd.DataFrame] = []
    for kelvin, z in zip(kelvins, rng.standard_normal((len(kelvins), n_devices)), strict=True):
        for end in truth.median(kelvin) * np.exp(truth.sigma * z):
            g0 = 1e-4 * np.exp(0.1 * rng.standard_normal())
            left = np.where(t < end, 1.0, 0.1) if abrupt else 1.0 / (1.0 + np.sqrt(t / end))
            g = g0 * left * np.exp(noise * rng.standard_normal(t.size))
            name = f"device{len(frames) + 1:02d}"
            frames.append(
                pd.DataFrame(
                    {"device_id": name, "level": "lrs", "time_s": t, "conductance_s": g, "temperature_k": kelvin}
                )
            )
    whole = pd.concat(frames, ignore_index=True).assign(read_voltage_v=0.1)
    return synthetic(RetentionTable, whole)


@dataclass(frozen=True)
class WearTruth:
    """Truth of synthetic wear: Weibull lives F = 1 - exp(-(cycles / scale)^shape), and a narrowing window.

    Attributes
    ----------
    shape, scale : float
        Of the lives [1, cycles].
    on_off : float
        Median window at the first cycle.
    narrowing : float
        Decades of the window that are lost in a decade of cycles.
    """

    shape: float = 1.8
    scale: float = 7e5
    on_off: float = 100.0
    narrowing: float = 0.08


def wear(
    n_devices: int = 20,
    last: float = 1e6,
    per_decade: int = 30,
    *,
    truth: WearTruth | None = None,
    seed: int = SEED,
) -> EnduranceTable:
    """Generate HRS and LRS of devices cycled until they fail: after its life the HRS of a device is LRS / 1.3.

    Parameters
    ----------
    n_devices : int
        Number of devices.
    last : float
        Last cycle; devices that live longer are censored there.
    per_decade : int
        Readings per decade of cycles.
    truth : WearTruth, optional
        True parameters.
    seed : int
        Seed of every draw.
    """
    truth = truth or WearTruth()
    rng = np.random.default_rng(seed)
    cycle = np.unique(np.round(np.geomspace(1.0, last, round(per_decade * np.log10(last)) + 1)).astype(int))
    lives = truth.scale * rng.weibull(truth.shape, n_devices)
    frames = []
    for device, life in enumerate(lives, 1):
        lrs = 3e-4 * 10 ** rng.normal(0, 0.03, cycle.size)
        window = truth.on_off * 10 ** (-truth.narrowing * np.log10(cycle) + rng.normal(0, 0.08, cycle.size))
        hrs = np.where(cycle < life, lrs / window, lrs / 1.3)
        for level, g in (("lrs", lrs), ("hrs", hrs)):
            name = f"device{device:02d}"
            frames.append(pd.DataFrame({"device_id": name, "cycle": cycle, "level": level, "conductance_s": g}))
    whole = pd.concat(frames).sort_values(["device_id", "cycle"], kind="stable").reset_index(drop=True)
    return synthetic(EnduranceTable, whole.assign(read_voltage_v=0.1))
