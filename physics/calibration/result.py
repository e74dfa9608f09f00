"""A calibrated stack: values with intervals, determined directions, and levels."""

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

_DETERMINED = 1.0  # signal over misfit from which the sweeps determine a direction
_KNOWN_BETTER = 0.7  # of the prior standard deviation
_FAR = 1.96


@dataclass(frozen=True)
class Fitted:
    """One fitted parameter in its own unit.

    Attributes
    ----------
    key, unit : str
    value, low, high : float
        Estimate and 95 % interval from prior and sweeps.
    prior_low, prior_high : float
    share : float
        Standard deviation of the logarithm over that of the prior; 1: no information from the sweeps.
    at_bound : bool
        True if the estimate is outside of the 95 % range of the prior.
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
        """True if the sweeps determine it better than the prior."""
        return self.share < _KNOWN_BETTER


@dataclass(frozen=True, eq=False)
class Direction:
    """A combination of parameters with a common effect on the sweeps.

    Attributes
    ----------
    signal : float
        Change of ln I (root of the summed mean squares) for one prior standard deviation along it, over the misfit:
        above 1 the sweeps determine it, below the prior does.
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
        """Return its largest shares: "reaction.energy +0.8, reaction.forward_dipole -0.5"."""
        largest = sorted(self.weights.items(), key=lambda item: -abs(item[1]))[:most]
        return ", ".join(f"{key} {share:+.2f}" for key, share in largest if abs(share) > 0.1)


@dataclass(frozen=True, eq=False)
class LevelFit:
    """A measured level, its simulation, the root mean square of ln I by branch, and True if only predicted."""

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
        ln I simulated minus measured, scaled by branch (`physics.calibration.model.residuals`).
    slopes : array, shape (residuals, parameters)
        Their derivatives.
    misfit : float
        Root mean square of ln I over the fitted branches, taken as one standard deviation; 0.02 or more.
    levels : tuple of LevelFit
        Fitted levels, then held-out ones.
    costs : tuple of float
        Objective at the start and after each iteration; after the jump with `misfit` instead of `fit.MISFIT`.
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
        """Fitted parameters in the order of `priors`."""
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
        """Directions determined by the sweeps, as rows of unit length, shape (directions, parameters)."""
        keys = [prior.key for prior in self.priors]
        rows = [[each.weights[key] for key in keys] for each in self.directions if each.determined]
        return np.array(rows).reshape(-1, len(keys))

    def profile(self, spans: Sequence[float] = (-2.0, -1.0, 1.0, 2.0)) -> list[dict[str, Any]]:
        """Compute the true objective along each determined direction, and Laplace's parabola.

        The other directions stay fixed; a step is one posterior standard deviation.

        Parameters
        ----------
        spans : sequence of float
            Steps in posterior standard deviations.

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
        """Draw stacks from Laplace's posterior: other devices compatible with the sweeps.

        Impossible stacks are drawn again.

        Parameters
        ----------
        number : int
        seed : int
        """
        from devicekit.core.errors import ParameterError

        random, found = np.random.default_rng(seed), []
        root = np.linalg.cholesky(self.covariance)
        for _ in range(50 * number):
            try:
                found.append(self.model.stack_at(self.z + root @ random.standard_normal(len(self.z))))
            except ParameterError:
                continue
            if len(found) == number:
                return found
        raise ParameterError("hardly any stack drawn from the posterior can be simulated")

    def panels(self) -> list[Panel]:
        """Return the figures of all levels with their simulations."""
        return [figures.level(each.level, each.simulated, each.held_out) for each in self.levels]

    def correlation_image(self) -> Image:
        """Return the figure of the correlations of the fitted values."""
        return figures.correlations([prior.key for prior in self.priors], self.correlation)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the first level with its simulation."""
        return self.panels()[0].draw(ax)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
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
