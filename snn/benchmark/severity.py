"""Severity of each flaw of a device in a training, as one number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from devicekit.device import wires
from devicekit.device.ageing import static_error
from devicekit.device.card import DeviceCard
from devicekit.device.idealise import mean_step, mean_steps
from devicekit.device.variation import AppliedVariation, applied_variation, read_sigma
from devicekit.models import kernel
from snn.benchmark.task import IMAGES
from snn.config import TrainingConfig
from snn.drift import drift_law
from snn.forgetting import at_all

INPUTS = 64  # of the digits on which the curves were measured
_GRID = np.linspace(0.02, 0.98, 49)
_AGED_S, _T0_S = 1e4, 1.0  # time at which the drift of the curves is evaluated [s]


@dataclass(frozen=True)
class Seen:
    """A device in a training, with the severities of its flaws; None where one is unknown or absent.

    Wires and drift are evaluated for devices at mid-window; the drop at drivers and sense amplifiers has no curve.

    Attributes
    ----------
    card : DeviceCard
    config : TrainingConfig
        Completed by the card (`snn.recipe.with_card`).
    inputs : int
        Inputs of the network: rows of the hidden layer's tile, unless the tile is smaller.
    """

    card: DeviceCard
    config: TrainingConfig
    inputs: int = INPUTS

    @cached_property
    def applied(self) -> AppliedVariation:
        """Variation that the training applies."""
        return applied_variation(self.card, self.config.c2c, self.config.d2d)

    @property
    def read_noise(self) -> float:
        """Standard deviation of one reading [of the window]; 0 where none is drawn."""
        return read_sigma(self.card, self.config.read_noise_of_g) if self.config.read_noise else 0.0

    @property
    def scatter(self) -> float | None:
        """Standard deviation of one update over the mean step."""
        return scatter_over_step(self.card, self.config)

    @property
    def asymmetry(self) -> float:
        """Mean step of the faster branch over that of the other one."""
        steps = mean_steps(self.card)
        return max(steps) / min(steps)

    @property
    def stuck(self) -> float | None:
        """Share of devices that are stuck at an end of the window."""
        config = self.config
        return config.stuck_share if config.stuck_place != "start" and config.stuck_share > 0 else None

    @property
    def fluctuation(self) -> float | None:
        """Standard deviation of the fluctuation of states over both directions."""
        held = self.applied.held.values()
        return math.sqrt(sum(each**2 for each in held) / 2) or None

    @property
    def nonlinearity(self) -> float:
        """ln of the largest over the smallest step, of the worse branch."""
        return max(_steps_apart(self.card, direction) for direction in ("ltp", "ltd"))

    @property
    def wires(self) -> float:
        """Wire load [1] of a tile of the hidden layer, the larger one, with every device at mid-window."""
        card, config = self.card, self.config
        if config.wire_ohm == 0 or card.window.quantity != "conductance_s":
            return 0.0
        lines = wires.Wires(config.wire_ohm, config.terminal_ohm, config.tile)
        columns = config.hidden * (2 if config.mapping == "pair" else 1)
        return wires.severity(np.full((self.inputs, columns), float(card.window.from_state(np.array(0.5)))), lines)

    @property
    def drift(self) -> float:
        """Error of a mid-window state due to drift, corrected for the common gain [of the window]."""
        card, config = self.card, self.config
        law = drift_law(config)
        if law is None or card.window.quantity != "conductance_s":
            return 0.0
        return static_error(law, card.window.from_state(np.array([0.5])), card.window, config.time_s)

    @property
    def forgotten(self) -> float | None:
        """Share of an update forgotten by the end of the few-shot task.

        The loss depends on this share, whether devices forget at once or slowly.
        """
        card, config = self.card, self.config
        if card.volatile is None or not at_all(card, config):
            return None
        passed = IMAGES * config.epochs * config.presentation_s + config.test_delay_s
        left = sum(term.share * math.exp(-passed / term.tau_s) for term in card.volatile.terms)
        return (1.0 - card.volatile.persistent_share) * (1.0 - left)

    @property
    def spread(self) -> float | None:
        """Standard deviation of ln rate over the devices."""
        card, mode = self.card, self.applied.devices
        if mode is None:
            return None
        covariance = card.variation.d2d_ln_rate_covariance
        if mode == "shared" or covariance is not None:
            return float(np.sqrt(np.mean(np.diag(np.array(covariance)))))

        def mean_rate(theta: tuple[float, ...], cap: float) -> float:
            return float(np.minimum(kernel.rates(card.law.id, np.array(theta), _GRID), cap).mean())

        logs = np.log(
            [
                (mean_rate(row.ltp_theta, row.ltp_largest_step), mean_rate(row.ltd_theta, row.ltd_largest_step))
                for row in card.devices
            ]
        )
        return float(np.sqrt(logs.var(axis=0, ddof=1).mean()))


def _steps_apart(card: DeviceCard, direction: str) -> float:
    """Return ln of the largest over the smallest step of a branch within the measured range."""
    low, high = card.branch(direction).measured_range
    seen = _GRID[(low <= _GRID) & (high >= _GRID)]
    steps = np.abs(card.rate(direction, seen if seen.size else _GRID))
    return float(np.log(steps.max() / max(steps.min(), 1e-12)))


def scatter_over_step(card: DeviceCard, config: TrainingConfig) -> float | None:
    """Return the standard deviation of one update over the mean step in this training; None if absent or unknown.

    Scatter proportional to each step adds to the constant one.
    """
    applied = applied_variation(card, config.c2c, config.d2d)
    if not applied.scatter:
        return None
    step = mean_step(card)
    squares = [(applied.sigma[branch] / step) ** 2 + applied.relative[branch] ** 2 for branch in applied.sigma]
    return math.sqrt(sum(squares) / len(squares))


def drift_settings(card: DeviceCard, sigma_r: float) -> dict[str, Any]:
    """Return settings with a static error of this size [of the window] for devices at mid-window."""
    window = card.window
    relative = sigma_r * window.span / ((window.low + window.high) / 2)
    spread = math.sqrt(math.log1p(relative**2))  # of ln G, the inverse of `static_error`
    return {"time_s": _AGED_S, "drift_t0_s": _T0_S, "drift_nu_sd": spread / math.log(_AGED_S / _T0_S)}
