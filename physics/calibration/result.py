"""A calibrated stack: values with intervals, what the sweeps determine and what they do not, and every level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.plot import Image, Panel
from physics.calibration import figures
from physics.calibration.measured import Level
from physics.calibration.model import Model, Prior, Simulated
from physics.constants import Array
from physics.stack import Stack

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DETERMINED = 1.0  # signal of a direction over the misfit, from where the sweeps know more than the prior
_KNOWN_BETTER = 0.7  # of the prior's standard deviation
_FAR = 1.96


@dataclass(frozen=True)
class Fitted:
    """One fitted parameter in its own unit.

    Attributes
    ----------
    key, unit : str
    value, low, high : float
        Estimate and 95 % interval: prior and sweeps together.
    prior_low, prior_high : float
    share : float
        Standard deviation of the logarithm over the prior's: 1 says that the sweeps told nothing.
    at_bound : bool
        Whether the estimate lies outside of the prior's 95 %.
    """

    key: str
    unit: str
    value: float
    low: float
    high: float
    prior_low: float
    prior_high: float
    share: float
    at_bound: bool

    @property
    def determined(self) -> bool:
        """True if the sweeps say more about it than the prior did."""
        return self.share < _KNOWN_BETTER


@dataclass(frozen=True, eq=False)
class Direction:
    """A combination of parameters that the sweeps see together.

    Attributes
    ----------
    signal : float
        Change of ln I (root of the summed mean squares) for one prior standard deviation along it, over the misfit:
        above 1 the sweeps determine it, below they leave it to the prior.
    weights : dict of str to float
        Share of each parameter, in prior standard deviations; squares sum to 1.
    """

    signal: float
    weights: dict[str, float]

    @property
    def determined(self) -> bool:
        """True if the sweeps determine it."""
        return self.signal > _DETERMINED

    def words(self, most: int = 3) -> str:
        """Its largest shares: "reaction.energy +0.8, reaction.forward_dipole -0.5"."""
        largest = sorted(self.weights.items(), key=lambda item: -abs(item[1]))[:most]
        return ", ".join(f"{key} {share:+.2f}" for key, share in largest if abs(share) > 0.1)


@dataclass(frozen=True, eq=False)
class LevelFit:
    """A measured level, its simulation, the root mean square of ln I by branch, and whether it was only predicted."""

    level: Level
    simulated: Simulated
    rms: dict[str, float]
    held_out: bool


@dataclass(frozen=True, eq=False)
class Calibration:
    """A calibrated stack.

    Attributes
    ----------
    stack : Stack
        With the fitted values; their source is ``"user"``.
    priors : tuple of Prior
    z : array, shape (parameters,)
        The estimate, in prior standard deviations from the prior's centre.
    residuals : array
        ln I simulated less measured, scaled by branch (`physics.calibration.model.residuals`).
    slopes : array, shape (residuals, parameters)
        Their derivatives.
    misfit : float
        Root mean square of ln I over the branches that were fitted, one standard deviation; 0.02 or more.
    levels : tuple of LevelFit
        Fitted ones, then those that were held out.
    costs : tuple of float
        Objective at the start and after each iteration; from where it jumps, with `misfit` in place of `fit.MISFIT`.
    converged : bool
    model : Model
    """

    stack: Stack
    priors: tuple[Prior, ...]
    z: Array
    residuals: Array
    slopes: Array
    misfit: float
    levels: tuple[LevelFit, ...]
    costs: tuple[float, ...]
    converged: bool
    model: Model

    @cached_property
    def covariance(self) -> Array:
        """Laplace's covariance of z, shape (parameters, parameters): prior and sweeps, one branch one observation."""
        information = self.slopes.T @ self.slopes / self.misfit**2
        return np.asarray(np.linalg.inv(information + np.eye(len(self.z))))

    @property
    def correlation(self) -> Array:
        """Correlations of the fitted values, shape (parameters, parameters)."""
        size = np.sqrt(np.diag(self.covariance))
        return np.asarray(self.covariance / np.outer(size, size))

    @cached_property
    def parameters(self) -> tuple[Fitted, ...]:
        """The fitted parameters, in the order of `priors`."""
        found = []
        for prior, z, sd in zip(self.priors, self.z, np.sqrt(np.diag(self.covariance)), strict=True):
            low, high = (prior.value(float(z + side * _FAR * sd)) for side in (-1, 1))
            found.append(
                Fitted(
                    prior.key,
                    prior.unit,
                    prior.value(float(z)),
                    low,
                    high,
                    prior.low,
                    prior.high,
                    float(sd),
                    bool(abs(z) > _FAR),
                )
            )
        return tuple(found)

    @cached_property
    def directions(self) -> tuple[Direction, ...]:
        """Combinations of parameters, best determined first."""
        _, signals, rows = np.linalg.svd(self.slopes / self.misfit, full_matrices=False)
        keys = [prior.key for prior in self.priors]
        signs = [np.sign(row[np.argmax(np.abs(row))]) for row in rows]
        return tuple(
            Direction(float(signal), dict(zip(keys, (sign * row).tolist(), strict=True)))
            for signal, row, sign in zip(signals, rows, signs, strict=True)
        )

    def determined(self) -> Array:
        """The directions that the sweeps determine, as rows of unit length, shape (directions, parameters)."""
        keys = [prior.key for prior in self.priors]
        rows = [[each.weights[key] for key in keys] for each in self.directions if each.determined]
        return np.array(rows).reshape(-1, len(keys))

    def profile(self, spans: Sequence[float] = (-2.0, -1.0, 1.0, 2.0)) -> list[dict[str, Any]]:
        """The true objective along each determined direction, beside Laplace's parabola.

        Along such a direction the others stay where they are; a step is one posterior standard deviation.

        Parameters
        ----------
        spans : sequence of float
            In posterior standard deviations.

        Returns
        -------
        list of dict
            direction (number from 1), step, rise (of half the objective over the misfit), parabola (step^2 / 2).
        """
        fitted = [each.level for each in self.levels if not each.held_out]
        wanted = []
        for number, (row, each) in enumerate(zip(self.determined(), self.directions, strict=False), 1):
            sd = 1 / np.sqrt(1 + each.signal**2)
            wanted += [(number, step, self.z + step * sd * row) for step in spans]
        base = self._objective(self.residuals, self.z)
        rises = []
        for (number, step, point), r in zip(
            wanted, self.model.residuals([p for _, _, p in wanted], fitted), strict=True
        ):
            rise = float("nan") if r is None else self._objective(r, point) - base
            rises.append({"direction": number, "step": step, "rise": rise, "parabola": 0.5 * step**2})
        return rises

    def _objective(self, residuals: Array, z: Array) -> float:
        return 0.5 * (float(np.sum(residuals**2)) / self.misfit**2 + float(np.sum(z**2)))

    def draws(self, number: int, seed: int = 0) -> list[Stack]:
        """Stacks drawn from Laplace's posterior: other devices that the sweeps allow.

        Draws that are no possible stack are drawn again.

        Parameters
        ----------
        number : int
        seed : int
        """
        from devicekit.errors import ParameterError

        random, found = np.random.default_rng(seed), []
        root = np.linalg.cholesky(self.covariance)
        for _ in range(50 * number):
            try:
                found.append(self.model.stack_at(self.z + root @ random.standard_normal(len(self.z))))
            except ParameterError:
                continue
            if len(found) == number:
                return found
        raise ParameterError("the posterior allows hardly any stack that can be simulated")

    def panels(self) -> list[Panel]:
        """Every level over its curve."""
        return [figures.level(each.level, each.simulated, each.held_out) for each in self.levels]

    def correlation_image(self) -> Image:
        """Correlations of the fitted values."""
        return figures.correlations([prior.key for prior in self.priors], self.correlation)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the first level over its curve."""
        return self.panels()[0].draw(ax)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "parameters": [{**vars(each), "determined": each.determined} for each in self.parameters],
            "directions": [
                {"signal": each.signal, "determined": each.determined, "weights": each.weights}
                for each in self.directions
            ],
            "correlation": self.correlation.tolist(),
            "misfit": self.misfit,
            "levels": [
                {
                    "level": each.level.name,
                    "compliance_a": each.level.compliance if np.isfinite(each.level.compliance) else None,
                    "compliance_source": each.level.source,
                    "rate_v_s": each.level.rate,
                    "mirrored": each.level.mirrored,
                    "held_out": each.held_out,
                    "rms_ln_current": each.rms,
                }
                for each in self.levels
            ],
            "costs": list(self.costs),
            "converged": self.converged,
            "simulations": self.model.runs,
        }
