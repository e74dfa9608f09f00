"""A calibrated stack: values with intervals, determined directions, and levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.core.errors import ParameterError
from devicekit.core.records import Estimate, Record, cell, column, derived, internal, part
from devicekit.plot import Image, Panel
from physics.calibration import figures
from physics.calibration.measured import WEIGHTS, WORDS, Level
from physics.calibration.model import Model, Prior, Simulated
from physics.constants import Array
from physics.records import digits
from physics.stack import Stack

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DETERMINED = 1.0  # signal over misfit from which the sweeps determine a direction
_KNOWN_BETTER = 0.7  # of the prior standard deviation
_FAR = 1.96


def _number(value: float, unit: str) -> str:
    return f"{value:.4g}{'' if unit == '1' else f' {unit}'}"


def _span(low: float | None, high: float | None, unit: str) -> str:
    assert low is not None
    assert high is not None
    return f"{low:.3g} to {_number(high, unit)}"


@dataclass(frozen=True, kw_only=True)
class Fitted(Record):
    """One fitted parameter in its own unit."""

    key: str = column("parameter", doc="key of the parameter")
    unit: str = column(doc="its unit")
    estimate: Estimate = column(
        name="value", flat=True, stem="", doc="estimate and 95 % interval from prior and sweeps, in the unit"
    )
    prior_low: float = column(doc="lower end of the prior's 95 %, in the unit")
    prior_high: float = column(doc="upper end of the prior's 95 %, in the unit")
    share: float = column(
        "width over that of the prior",
        text=lambda share: f"{100 * share:.0f} %",
        doc="standard deviation of the logarithm over that of the prior; 1: no information from the sweeps",
    )
    at_bound: bool = column(doc="whether the estimate is outside of the 95 % range of the prior")

    @derived()
    def determined(self) -> bool:
        """True if the sweeps determine it better than the prior."""
        return self.share < _KNOWN_BETTER

    @cell("value", after="unit")
    def value_text(self) -> str:
        return _number(self.estimate.value, self.unit)

    @cell("95 % interval", after="value_text")
    def interval_text(self) -> str:
        return _span(self.estimate.low, self.estimate.high, self.unit)

    @cell("prior 95 %", after="prior_high")
    def prior_text(self) -> str:
        return _span(self.prior_low, self.prior_high, self.unit)

    @cell("", after="at_bound")
    def status(self) -> str:
        return "outside of the prior" if self.at_bound else "determined" if self.determined else "from the prior"


@dataclass(frozen=True, eq=False, kw_only=True)
class Direction(Record):
    """A combination of parameters with a common effect on the sweeps."""

    signal: float = column(
        "signal over misfit",
        text="{:.2f}".format,
        doc="change of ln I (root of the summed mean squares) for one prior standard deviation along it, over the "
        "misfit: above 1 the sweeps determine it, below the prior does",
    )
    weights: dict[str, float] = column(doc="share of each parameter, in prior standard deviations; squares sum to 1")

    @derived(shown=True, text=lambda known: "determined" if known else "from the prior", after="signal")
    def determined(self) -> bool:
        """True if the sweeps determine it."""
        return self.signal > _DETERMINED

    @cell("largest shares")
    def shares(self) -> str:
        return self.words()

    def words(self, most: int = 3) -> str:
        """Return its largest shares: "reaction.energy +0.8, reaction.forward_dipole -0.5"."""
        largest = sorted(self.weights.items(), key=lambda item: -abs(item[1]))[:most]
        return ", ".join(f"{key} {share:+.2f}" for key, share in largest if abs(share) > 0.1)


def _rms_of(branch: str) -> Any:
    """Declare the cell of the misfit of one branch."""
    show = digits(".3f")
    return cell(WORDS[branch], text=show)(lambda fit: fit.rms.get(branch))


@dataclass(frozen=True, eq=False, kw_only=True)
class LevelFit(Record):
    """A measured level with its simulation."""

    level: Level = column(inline=True)
    simulated: Simulated = internal("its simulation")
    level_name = part("level.name", "level", json=False, row=False)
    rms: dict[str, float] = column(
        name="rms_ln_current", doc="root mean square of ln I, simulated minus measured, by branch"
    )
    set_rms = _rms_of("set")
    back_rms = _rms_of("set_back")
    reset_rms = _rms_of("reset")
    held_out: bool = column(
        shown=True, text=lambda held: "predicted" if held else "fitted", doc="whether it is only predicted"
    )
    change: dict[str, float] | None = column(
        name="rms_ln_current_of_change",
        default=None,
        doc="the same of another prediction: the nearest fitted level as measured, changed as the simulation changes; "
        "null for a fitted level",
    )


@dataclass(frozen=True, kw_only=True)
class ProfileStep(Record):
    """The objective one step along a determined direction."""

    direction: int = column("direction", text=str, doc="number of the direction, from 1")
    step: float = column(
        "step in standard deviations", text="{:+g}".format, doc="step in posterior standard deviations"
    )
    rise: float = column(
        "rise of the objective",
        text=lambda rise: "–" if math.isnan(rise) else f"{rise:.2f}",
        doc="rise of half the objective over the misfit; NaN for an impossible stack",
    )
    parabola: float = column("Laplace's", text="{:.2f}".format, doc="Laplace's rise, half the square of the step")


@dataclass(frozen=True, eq=False, kw_only=True)
class Calibration(Record):
    """A calibrated stack.

    The source of the fitted values of `stack` is ``"user"``; `z` is the estimate in prior standard deviations from the
    centres of the `priors`, shape (parameters,); `residuals` are ln I simulated minus measured, scaled by branch
    (`physics.calibration.model.residuals`), and `slopes` their derivatives, shape (residuals, parameters).
    """

    stack: Stack = internal("the stack with the fitted values")
    priors: tuple[Prior, ...] = internal("priors of the free parameters")
    z: Array = internal("the estimate, in prior standard deviations from the prior's centre")
    residuals: Array = internal("ln I simulated minus measured, scaled by branch")
    slopes: Array = internal("derivatives of the residuals")
    misfit: float = column(
        doc="standard deviation of ln I that the estimate and its intervals take: the root mean square of a first fit, "
        "0.02 or more"
    )
    levels: tuple[LevelFit, ...] = column(doc="fitted levels, then held-out ones")
    costs: tuple[float, ...] = column(
        doc="objective at the start and after each iteration; after the jump with `misfit` instead of `fit.MISFIT`"
    )
    converged: bool = column(doc="whether the fit converged")
    model: Model = internal("simulations of the levels")
    simulations = part("model.runs", doc="number of simulations that were run")

    @derived()
    def rms(self) -> float:
        """Root mean square of ln I, simulated minus measured, over the fitted branches; the way back counts half."""
        fitted = [each.level for each in self.levels if not each.held_out]
        weight = sum(WEIGHTS[branch.name] for level in fitted for branch in level.branches)
        return float(np.sqrt(np.sum(self.residuals**2) / weight)) if weight else 0.0

    @cached_property
    def covariance(self) -> Array:
        """Laplace's covariance of z, shape (parameters, parameters): prior and sweeps, one branch one observation."""
        information = self.slopes.T @ self.slopes / self.misfit**2
        return np.asarray(np.linalg.inv(information + np.eye(len(self.z))))

    @derived()
    def correlation(self) -> Array:
        """Correlations of the fitted values, shape (parameters, parameters)."""
        size = np.sqrt(np.diag(self.covariance))
        return np.asarray(self.covariance / np.outer(size, size))

    @derived(once=True)
    def parameters(self) -> tuple[Fitted, ...]:
        """Fitted parameters in the order of the priors."""
        found = []
        for prior, z, sd in zip(self.priors, self.z, np.sqrt(np.diag(self.covariance)), strict=True):
            ends = (prior.value(float(z + side * _FAR * sd)) for side in (-1, 1))
            found.append(
                Fitted(
                    key=prior.key,
                    unit=prior.unit,
                    estimate=Estimate(prior.value(float(z)), *ends),
                    prior_low=prior.low,
                    prior_high=prior.high,
                    share=float(sd),
                    at_bound=bool(abs(z) > _FAR),
                )
            )
        return tuple(found)

    @derived(once=True)
    def directions(self) -> tuple[Direction, ...]:
        """Combinations of parameters, best determined first."""
        _, signals, rows = np.linalg.svd(self.slopes / self.misfit, full_matrices=False)
        keys = [prior.key for prior in self.priors]
        signs = [np.sign(row[np.argmax(np.abs(row))]) for row in rows]
        return tuple(
            Direction(signal=float(signal), weights=dict(zip(keys, (sign * row).tolist(), strict=True)))
            for signal, row, sign in zip(signals, rows, signs, strict=True)
        )

    def determined(self) -> Array:
        """Directions determined by the sweeps, as rows of unit length, shape (directions, parameters)."""
        keys = [prior.key for prior in self.priors]
        rows = [[each.weights[key] for key in keys] for each in self.directions if each.determined]
        return np.array(rows).reshape(-1, len(keys))

    def profile(self, spans: Sequence[float] = (-2.0, -1.0, 1.0, 2.0)) -> list[ProfileStep]:
        """Compute the true objective along each determined direction, and Laplace's parabola.

        The other directions stay fixed; a step is one posterior standard deviation.

        Parameters
        ----------
        spans : sequence of float
            Steps in posterior standard deviations.
        """
        fitted = [each.level for each in self.levels if not each.held_out]
        wanted = []
        for number, (row, each) in enumerate(zip(self.determined(), self.directions, strict=False), 1):
            sd = 1 / np.sqrt(1 + each.signal**2)
            wanted += [(number, step, self.z + step * sd * row) for step in spans]
        base = self._objective(self.residuals, self.z)
        steps = []
        found = self.model.residuals([point for _, _, point in wanted], fitted)
        for (number, step, point), r in zip(wanted, found, strict=True):
            rise = math.nan if r is None else self._objective(r, point) - base
            steps.append(ProfileStep(direction=number, step=step, rise=rise, parabola=0.5 * step**2))
        return steps

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
