"""SYNTHETIC cycles with memory: V_set, V_reset, HRS and LRS of an autoregression, known or fitted to measured cycles.

A fitted model is a vector autoregression of normal scores, as in Hennen et al. 2022 (doi:10.3389/fnins.2022.941753):
each quantity, minus the level (and drift) of its device, is mapped to a normal number by its rank, and back by the same
map. By default generated values stay within the measured range.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError, UsageError
from devicekit.core.quantities import Quantity
from devicekit.features.cycles.autoregression import Autoregression, Cycles, autoregression, stationary_covariance
from devicekit.features.cycles.correlations import ranks, split
from devicekit.features.merits.dc import DcResult
from devicekit.features.merits.sequence import SequenceResult
from devicekit.synthetic.known_cycles import COLUMNS, root, walk
from devicekit.synthetic.loops import SweepTruth, sweeps_of_cycles
from devicekit.synthetic.marks import SEED, synthetic
from devicekit.system import files
from devicekit.system.catalog import is_synthetic
from devicekit.tables import EnduranceTable, SweepTable

LEAST_SHARE = 0.1  # of the least measured voltage: no smaller voltage is drawn, even with `beyond`


@dataclass(frozen=True, eq=False)
class CycleModel:
    """Generator of cycles like the measured ones.

    Attributes
    ----------
    quantities : tuple of Quantity
    fit : Autoregression
        Of the normal scores.
    scores, deviations : tuple of ndarray
        Knots of each quantity's map from a normal score to the deviation from the device's level.
    levels : ndarray, shape (devices, k)
        Level of each measured device.
    within : ndarray, shape (devices, k, k)
        Covariance of each estimated level, from the scatter of its cycles.
    lowest, highest : ndarray, shape (k,)
        Measured extremes.
    signs : ndarray, shape (k,)
        Sign of each voltage; 1 for a logarithm.
    read_voltage_v : float or None
        Voltage at which HRS and LRS were read [V].
    meta : mapping
        Source of the fit: fitted_to (name), fitted_sha256.
    """

    quantities: tuple[Quantity, ...]
    fit: Autoregression
    scores: tuple[np.ndarray, ...]
    deviations: tuple[np.ndarray, ...]
    levels: np.ndarray
    within: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    signs: np.ndarray
    read_voltage_v: float | None
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Columns of the generated cycles, in SI units."""
        return [each.name.removeprefix("ln_") + ("_s" if each.log else "") for each in self.quantities]

    @property
    def warnings(self) -> tuple[CodedWarning, ...]:
        """Warning that generated cycles are not measured."""
        words = f"made by devicekit from a fit to {self.meta.get('fitted_to', 'cycles in memory')}, not measured"
        return (CodedWarning("synthetic", words),)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            "synthetic": True,
            **self.meta,
            "quantities": [each.name for each in self.quantities],
            "devices_fitted": len(self.levels),
            "cycles_fitted": self.fit.n,
            "order": self.fit.order,
            "coefficients_of_scores": self.fit.coefficients.tolist(),
            "spectral_radius": self.fit.radius,
            "lowest": self.lowest.tolist(),
            "highest": self.highest.tolist(),
        }

    def generate(self, n_cycles: int, n_devices: int = 1, seed: int = SEED, *, beyond: bool = False) -> pd.DataFrame:
        """Generate cycles of devices; the same seed gives the same cycles.

        Each device has the level of one of the measured devices, drawn with replacement; drift is not generated.

        Parameters
        ----------
        n_cycles, n_devices : int
            Size, 1 or more each.
        seed : int
            Of every draw.
        beyond : bool
            Whether values may lie beyond the measured extremes. Levels are then normal, with the covariance of the
            measured ones, and both ends of each quantity continue as those of a normal distribution.

        Returns
        -------
        pandas.DataFrame
            device_id, cycle and `columns`.
        """
        if n_cycles < 1 or n_devices < 1:
            raise UsageError("n_cycles= and n_devices= must be at least 1")
        rng = np.random.default_rng(seed)
        level = self._levels(n_devices, rng, beyond)
        drawn = walk(self.fit.coefficients, self.fit.noise, n_cycles, n_devices, rng)
        k = len(self.quantities)
        size = np.sqrt(np.diag(stationary_covariance(self.fit.coefficients, self.fit.noise)[:k, :k]))
        values = np.stack([self._deviation(j, drawn[:, :, j] / size[j], beyond) for j in range(k)], axis=2)
        values += level[:, None, :]
        floor = np.array(
            [-np.inf if q.log else LEAST_SHARE * low for q, low in zip(self.quantities, self.lowest, strict=True)]
        )
        values = np.maximum(values, floor) if beyond else np.clip(values, self.lowest, self.highest)
        frame = pd.DataFrame(
            {
                "device_id": np.repeat([f"device{n + 1:02d}" for n in range(n_devices)], n_cycles),
                "cycle": np.tile(np.arange(1, n_cycles + 1), n_devices),
            }
        )
        for j, (quantity, column) in enumerate(zip(self.quantities, self.columns, strict=True)):
            x = values[:, :, j].ravel()
            frame[column] = np.exp(x) if quantity.log else self.signs[j] * x
        return frame

    def _levels(self, n_devices: int, rng: np.random.Generator, beyond: bool) -> np.ndarray:
        """Return the level of each synthetic device, shape (devices, k)."""
        n = len(self.levels)
        if n == 1 or not beyond:
            return np.asarray(self.levels[rng.integers(n, size=n_devices)])
        spread = np.atleast_2d(np.cov(self.levels.T)) - self.within.mean(axis=0)
        return np.asarray(self.levels.mean(axis=0) + rng.standard_normal((n_devices, len(spread))) @ root(spread).T)

    def _deviation(self, j: int, z: np.ndarray, beyond: bool) -> np.ndarray:
        """Return deviations of a quantity from normal scores."""
        scores, values = self.scores[j], self.deviations[j]
        found = np.interp(z, scores, values)
        if beyond:
            outside = np.minimum(z - scores[0], 0.0) + np.maximum(z - scores[-1], 0.0)
            slope = float(scores @ values / (scores @ scores))
            found = found + slope * outside
        return np.asarray(found)

    def sweeps(self, cycles: pd.DataFrame, truth: SweepTruth | None = None, seed: int = SEED) -> SweepTable:
        """Generate voltage sweeps of generated cycles (see `devicekit.synthetic.loops.sweeps_of_cycles`).

        Parameters
        ----------
        cycles : pandas.DataFrame
            As `generate` makes them.
        truth : SweepTruth, optional
            Widths, noise, step and compliance.
        seed : int
            Of the noise.

        Raises
        ------
        UsageError
            If a cycle lacks V_set, V_reset, HRS or LRS, or is not bipolar.
        """
        missing = [name for name in COLUMNS if name not in cycles]
        if missing:
            raise UsageError(f"sweeps need {', '.join(missing)}, which the fitted cycles do not have")
        table = sweeps_of_cycles(cycles, truth, seed, self.meta)
        return SweepTable(table.frame, table.meta, self.warnings)

    def endurance(self, cycles: pd.DataFrame) -> EnduranceTable:
        """Return HRS and LRS of generated cycles as an endurance table.

        Parameters
        ----------
        cycles : pandas.DataFrame
            As `generate` makes them.

        Raises
        ------
        UsageError
            If a cycle has no HRS and LRS.
        """
        if not {"g_hrs_s", "g_lrs_s"} <= set(cycles):
            raise UsageError("an endurance table needs HRS and LRS, which the fitted cycles do not have")
        frame = cycles.melt(["device_id", "cycle"], ["g_lrs_s", "g_hrs_s"], "level", "conductance_s")
        frame["level"] = frame["level"].str[2:5]
        frame = frame.sort_values(["device_id", "cycle"], kind="stable", ignore_index=True)
        if self.read_voltage_v is not None:
            frame["read_voltage_v"] = self.read_voltage_v
        return synthetic(EnduranceTable, frame, self.meta, self.warnings)


def model(result: SequenceResult, path: Path | None = None) -> CycleModel:
    """Fit a generator of cycles like those of a result.

    Parameters
    ----------
    result : SequenceResult
        `devicekit.characterize(FILE).results["sequence"]`.
    path : Path, optional
        File or folder that it was read from, for its name and checksum.

    Raises
    ------
    TraceError
        If the autoregression is missing (too few cycles) or not stationary.
    """
    if result.fit is None:
        raise TraceError(f"cycles cannot be generated: {result.why_not}")
    own = [each.cycles.split_level() for each in result.fitted]
    whole = np.concatenate([np.concatenate(rest) for _, rest in own])
    scored, scores, deviations = [], [], []
    for column in whole.T:
        z = _normal((ranks(column) - 0.5) / column.size)
        knots, first = np.unique(column, return_index=True)
        scored.append(z)
        scores.append(z[first])
        deviations.append(knots)
    parts = iter(split(np.column_stack(scored), [run for _, rest in own for run in rest]))
    devices = [Cycles(e.cycles.numbers, tuple(next(parts) for _ in e.cycles.numbers)) for e in result.fitted]
    fit = autoregression(devices, result.fit.order)
    if not fit.stationary:
        raise TraceError(
            f"cycles cannot be generated: the autoregression is not stationary (spectral radius {fit.radius:.3g})"
        )
    measured = np.concatenate([np.concatenate(each.cycles.values) for each in result.fitted])
    return CycleModel(
        result.quantities,
        fit,
        tuple(scores),
        tuple(deviations),
        np.array([level for level, _ in own]),
        np.array([_level_covariance(np.concatenate(rest), fit) for _, rest in own]),
        measured.min(axis=0),
        measured.max(axis=0),
        _signs(result),
        result.read_voltage_v,
        _origin(result, path),
    )


def _normal(p: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    return np.asarray(ndtri(p))


def _level_covariance(rest: np.ndarray, fit: Autoregression) -> np.ndarray:
    """Return the covariance of a device's level: that of the mean of cycles with memory."""
    k = rest.shape[1]
    ahead = np.eye(k) - fit.coefficients.sum(axis=0) if fit.order else np.eye(k)
    inverse = np.linalg.inv(ahead)
    size = rest.std(axis=0) / np.sqrt(np.diag(stationary_covariance(fit.coefficients, fit.noise)[:k, :k]))
    return np.asarray(np.outer(size, size) * (inverse @ fit.noise @ inverse.T) / len(rest))


def _signs(result: SequenceResult) -> np.ndarray:
    """Return the sign of each voltage among the quantities."""
    sweeps = result.sweeps
    signs = {"v_set_v": 1, "v_reset_v": -1}
    if isinstance(sweeps, DcResult):
        expected = sweeps.polarity.expected
        signs = {"v_set_v": expected[0] or 1, "v_reset_v": expected[1] or -1}
    return np.array([signs.get(each.name, 1) for each in result.quantities])


def _origin(result: SequenceResult, path: Path | None) -> dict[str, Any]:
    """Return the source that the model was fitted to."""
    meta = result.table.meta
    return {
        "fitted_to": path.name if path is not None else str(meta.get("source", "a table in memory")),
        "fitted_sha256": files.checksum([path] if path is not None else meta.get("files", [])) or None,
        "fitted_is_synthetic": result.table.synthetic or (path is not None and is_synthetic(path)),
    }
