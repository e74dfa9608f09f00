"""SYNTHETIC sweeps of a device with Poole-Frenkel emission in the HRS and an ohmic LRS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import constants

from devicekit.synthetic.loops import sweep_rows, voltages
from devicekit.synthetic.marks import SEED, synthetic
from devicekit.tables import SweepTable

TEMPERATURES = (280.0, 310.0, 340.0)  # K


@dataclass(frozen=True)
class ConductionTruth:
    """Truth of the sweeps.

    I = G0 exp(-phi/kT) V exp(beta sqrt V) in the HRS, with beta = q/kT sqrt(q / (pi eps_r eps0 d)); I = G V in the LRS.
    """

    thickness: float = 12e-9  # m
    permittivity: float = 9.0
    barrier: float = 0.55  # eV
    g_hrs: float = 10.0  # S; before the barrier
    g_lrs: float = 2e-4  # S
    v_set: float = 1.3  # V
    v_reset: float = 0.8
    compliance: float = 1e-4  # A
    top: float = 1.6  # V
    bottom: float = 1.6
    step: float = 0.02
    noise: float = 0.02  # of the current
    floor: float = 1e-12  # A

    def hrs(self, v: np.ndarray, temperature: float) -> np.ndarray:
        """Return the current of the HRS [A] at sizes of the voltage [V] and a temperature [K]."""
        kt = constants.k * temperature / constants.e  # eV
        field = constants.e / (np.pi * self.permittivity * constants.epsilon_0 * self.thickness)
        current = self.g_hrs * v * np.exp((np.sqrt(field * v) - self.barrier) / kt)
        return np.asarray(current)


def conduction(
    n_cycles: int = 2,
    temperatures: tuple[float, ...] = TEMPERATURES,
    truth: ConductionTruth | None = None,
    seed: int = SEED,
) -> SweepTable:
    """Generate bipolar sweeps 0, top, 0, -bottom, 0 of one device at several temperatures, with abrupt switching.

    Parameters
    ----------
    n_cycles : int
        At each temperature.
    temperatures : tuple of float
        [K].
    truth : ConductionTruth, optional
        True parameters.
    seed : int
        Seed of the noise.
    """
    truth = truth or ConductionTruth()
    rng = np.random.default_rng(seed)
    v = voltages(truth.top, truth.bottom, truth.step)[0]
    past_set = np.maximum.accumulate(v) >= truth.v_set
    low = past_set & (np.minimum.accumulate(v) > -truth.v_reset)
    frames = []
    for number, kelvin in enumerate(np.repeat(temperatures, n_cycles), 1):
        i = np.where(low, truth.g_lrs * np.abs(v), truth.hrs(np.abs(v), kelvin)) * np.sign(v)
        i = i * (1 + truth.noise * rng.standard_normal(v.size)) + truth.floor * rng.standard_normal(v.size)
        i = np.where(v >= 0, np.minimum(i, truth.compliance), i)
        frames.append(sweep_rows("device1", number, v, i, truth.compliance).assign(temperature_k=kelvin))
    return synthetic(SweepTable, pd.concat(frames, ignore_index=True))
