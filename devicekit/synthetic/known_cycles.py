"""SYNTHETIC cycles with memory and a known truth: an autoregression of V_set, V_reset, HRS and LRS."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from devicekit.core.errors import UsageError
from devicekit.features.cycles.autoregression import companion, radius, stationary_covariance
from devicekit.features.cycles.series import OF_SWEEPS
from devicekit.synthetic.loops import SweepTruth, sweeps_of_cycles
from devicekit.synthetic.marks import SEED
from devicekit.tables import SweepTable

COLUMNS = ("v_set_v", "v_reset_v", "g_hrs_s", "g_lrs_s")


def walk(
    coefficients: np.ndarray, noise: np.ndarray, n_cycles: int, n_devices: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw a stationary autoregression, started from its own distribution, shape (devices, cycles, k).

    Parameters
    ----------
    coefficients : ndarray, shape (p, k, k)
    noise : ndarray, shape (k, k)
        Covariance of a cycle's innovation.
    n_cycles, n_devices : int
        Size.
    rng : numpy.random.Generator

    Raises
    ------
    UsageError
        If it is not stationary.
    """
    p, k = len(coefficients), len(noise)
    if radius(coefficients) >= 1:
        raise UsageError(f"an autoregression with spectral radius {radius(coefficients):.3g} is not stationary")
    start = root(stationary_covariance(coefficients, noise))
    state = rng.standard_normal((n_devices, len(start))) @ start.T
    step = companion(coefficients) if p else np.zeros((k, k))
    added = rng.standard_normal((n_cycles, n_devices, k)) @ root(noise).T
    found = np.empty((n_devices, n_cycles, k))
    for n in range(n_cycles):
        state = state @ step.T
        state[:, :k] += added[n]
        found[:, n] = state[:, :k]
    return found


def root(covariance: np.ndarray) -> np.ndarray:
    """Return a matrix R with R R^T the covariance, with small negative eigenvalues taken as 0."""
    values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


@dataclass(frozen=True, eq=False)
class CycleTruth:
    """An autoregression of order 1 of the sizes of V_set and V_reset, ln HRS and ln LRS, with known coefficients.

    Attributes
    ----------
    coefficients : ndarray, shape (4, 4)
        Of quantities divided by their standard deviation: [now, one cycle before].
    correlation : ndarray, shape (4, 4)
        Correlation of the quantities within a cycle.
    level, deviation, between : ndarray, shape (4,)
        Mean, C2C and D2D standard deviation [V, V, ln S, ln S].
    drift : ndarray, shape (4,)
        Drift of the last device over its cycles, in C2C standard deviations.
    """

    coefficients: np.ndarray = field(
        default_factory=lambda: np.array(
            [[0.5, 0.0, 0.0, 0.0], [0.0, 0.3, 0.0, 0.2], [0.25, 0.0, 0.55, 0.0], [0.0, 0.0, 0.0, 0.4]]
        )
    )
    correlation: np.ndarray = field(
        default_factory=lambda: np.array(
            [[1.0, 0.0, -0.5, 0.0], [0.0, 1.0, 0.0, 0.4], [-0.5, 0.0, 1.0, 0.0], [0.0, 0.4, 0.0, 1.0]]
        )
    )
    level: np.ndarray = field(default_factory=lambda: np.array([0.7, 0.8, np.log(5e-6), np.log(5e-4)]))
    deviation: np.ndarray = field(default_factory=lambda: np.array([0.05, 0.05, 0.25, 0.08]))
    between: np.ndarray = field(default_factory=lambda: np.array([0.03, 0.02, 0.15, 0.03]))
    drift: np.ndarray = field(default_factory=lambda: np.zeros(4))

    @property
    def noise(self) -> np.ndarray:
        """Covariance of each cycle's innovation that gives the quantities their intended correlation."""
        return np.asarray(self.correlation - self.coefficients @ self.correlation @ self.coefficients.T)


def known(n_cycles: int, n_devices: int = 1, truth: CycleTruth | None = None, seed: int = SEED) -> pd.DataFrame:
    """Generate cycles of devices from a known truth: device_id, cycle, v_set_v, v_reset_v, g_hrs_s, g_lrs_s.

    Parameters
    ----------
    n_cycles, n_devices : int
        Size.
    truth : CycleTruth, optional
        True parameters.
    seed : int
        Of every draw.
    """
    truth = truth or CycleTruth()
    rng = np.random.default_rng(seed)
    level = truth.level + truth.between * rng.standard_normal((n_devices, 4)) * (n_devices > 1)
    x = walk(truth.coefficients[None], truth.noise, n_cycles, n_devices, rng)
    x[-1] += np.linspace(-0.5, 0.5, n_cycles)[:, None] * truth.drift
    values = level[:, None, :] + truth.deviation * x
    frame = pd.DataFrame(
        {
            "device_id": np.repeat([f"device{n + 1:02d}" for n in range(n_devices)], n_cycles),
            "cycle": np.tile(np.arange(1, n_cycles + 1), n_devices),
        }
    )
    for j, (quantity, column) in enumerate(zip(OF_SWEEPS, COLUMNS, strict=True)):
        own = values[:, :, j].ravel()
        frame[column] = np.exp(own) if quantity.log else own * (-1 if column == "v_reset_v" else 1)
    return frame


def reference() -> SweepTable:
    """Return the set that ships: five devices, 200 cycles each, the last drifting by three standard deviations."""
    truth = CycleTruth(drift=np.array([3.0, 0.0, -3.0, 0.0]))
    sweep = SweepTruth(
        set_width=0.01, reset_width=0.015, compliance=np.inf, noise=5e-3, floor=1e-9, sinh_v=1e3, step=0.025, top=1.2
    )
    return sweeps_of_cycles(known(200, 5, truth), sweep)
