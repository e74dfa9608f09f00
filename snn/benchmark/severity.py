"""Severity of each flaw of a device as one number, and generic devices with one flaw of a given severity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.core.text import percent
from devicekit.device import wires
from devicekit.device.ageing import static_error
from devicekit.device.blocks import BranchVariation, Sigma
from devicekit.device.card import DeviceCard
from devicekit.device.idealise import mean_step, mean_steps
from devicekit.device.measured import Term, Volatile
from devicekit.device.variation import applied_variation, read_sigma
from snn.benchmark.flaws import FLUCTUATION, scatter_over_step
from snn.benchmark.measure import STEPS, generic
from snn.benchmark.task import HIDDEN, IMAGES
from snn.config import TrainingConfig
from snn.drift import drift_law
from snn.forgetting import at_all
from snn.recipe import with_card

_GRID = np.linspace(0.02, 0.98, 49)
INPUTS = 64  # of the digits on which the curves were measured
_AGED_S, _T0_S = 1e4, 1.0  # time at which the drift of the curves is evaluated [s]


@dataclass(frozen=True)
class Flaw:
    """One flaw: names, and the sizes at which its curve is measured.

    Attributes
    ----------
    name : str
    axis : str
        Label of its severity on an axis.
    sentence : str
        Statement about a device, with {} for the severity.
    sizes : tuple of float
        Sizes for `device`.
    unit : str
        Text after a severity in a sentence; "%" shows a fraction in percent.
    log : bool
        True for a logarithmic axis.
    worse : {"more", "less", "both"}
        Direction in which accuracy falls.
    base : float or None
        Severity of the generic device if it has the flaw; also a point of the curve.
    """

    name: str
    axis: str
    sentence: str
    sizes: tuple[float, ...]
    unit: str = ""
    log: bool = False
    worse: str = "more"
    base: float | None = 0.0

    def amount(self, severity: float) -> str:
        """Return a severity with its unit for a sentence."""
        if self.unit == "%":
            return percent(severity)
        return f"{severity:.{3 if severity >= 10 else 2}g}{self.unit}"


SEVERITIES = (
    Flaw(
        "scatter of updates",
        "sd of one update over the mean step",
        "One update scatters by {} (sd)",
        (0.1, 0.5, 1, 2, 3, 5, 10),
        " mean steps",
        log=True,
        base=None,
    ),
    Flaw(
        "states",
        "stable states of a device",
        "A device has {}",
        (64, 32, 16, 8, 4),
        " stable states",
        log=True,
        worse="less",
        base=None,
    ),
    Flaw(
        "step size",
        "mean steps per window",
        "The window spans {}",
        (4, 8, 16, 32, 64, 100, 200, 300, 1000),
        " mean steps",
        log=True,
        worse="both",
        base=None,
    ),
    Flaw(
        "stuck devices",
        "share of devices stuck at either end",
        "{} of the devices are stuck at either end",
        (0.05, 0.1, 0.2, 0.3),
        "%",
    ),
    Flaw(
        "asymmetry",
        "mean step of the faster branch over that of the other one",
        "LTP and LTD steps differ {}",
        (1, 2, 3, 5, 10),
        "-fold",
        log=True,
        base=None,
    ),
    Flaw(
        "device-to-device variation",
        "sd of ln rate over devices",
        "The logarithm of the rate varies by {} (sd) over devices",
        (0.25, 0.5, 1, 1.5),
    ),
    Flaw(
        "read noise",
        "sd of one reading, fraction of the window",
        "One reading scatters by {} of the window (sd)",
        (0.01, 0.03, 0.05, 0.1),
        "%",
    ),
    Flaw(
        "telegraph noise",
        "sd of telegraph noise, constant per image, of the window",
        "Telegraph noise is {} of the window (sd)",
        (0.01, 0.03, 0.05, 0.1),
        "%",
    ),
    Flaw(
        FLUCTUATION,
        "sd of the fluctuation of states, of the window",
        "States fluctuate by {} of the window (sd) from pulse to pulse",
        (0.01, 0.02, 0.03, 0.05, 0.08),
        "%",
    ),
    Flaw(
        "volatility",
        "share of an update forgotten by the end of the task",
        "{} of an update is forgotten by the end of the task",
        (0.3, 0.5, 0.7, 0.8, 0.9),
        "%",
    ),
    Flaw(
        "wires",
        "r mean(G) (m² + n²)/2 of the hidden layer's tile",
        "The wire load r mean(G) (m² + n²)/2 is {}",
        (0.3, 1, 3, 10, 30),
    ),
    Flaw(
        "converters",
        "bits of a converter",
        "The converters have {}",
        (8, 6, 5, 4, 3, 2),
        " bits",
        worse="less",
        base=None,
    ),
    Flaw(
        "drift",
        "static error of a state due to drift, fraction of the window",
        "Drift shifts a state by {} of the window (sd)",
        (0.01, 0.02, 0.03, 0.05, 0.1),
        "%",
    ),
    Flaw(
        "nonlinearity",
        "ln of the largest over the smallest step",
        "The logarithm of the largest over the smallest step is {}",
        (0, 1, 2, 3, 4, 5, 6),
        base=None,
    ),
)


def with_read_noise(card: DeviceCard, sd: float) -> DeviceCard:
    """Return the card with read noise of that standard deviation [1] in both branches."""

    def noisy(branch: BranchVariation) -> BranchVariation:
        return branch.model_copy(
            update={"c2c": {**branch.c2c, "read": Sigma(kind="read", value=sd, estimator="truth")}}
        )

    ltp, ltd = noisy(card.variation.ltp), noisy(card.variation.ltd)
    return card.model_copy(update={"variation": card.variation.model_copy(update={"ltp": ltp, "ltd": ltd})})


def _with_fluctuation(card: DeviceCard, sd: float) -> DeviceCard:
    """Return the card with states that fluctuate with this standard deviation [1], redrawn at each pulse."""
    held = Sigma(kind="held", value=sd, estimator="truth")
    ltp, ltd = (
        branch.model_copy(update={"c2c": {**branch.c2c, "held": held}, "held_memory": 0.0})
        for branch in (card.variation.ltp, card.variation.ltd)
    )
    return card.model_copy(update={"variation": card.variation.model_copy(update={"ltp": ltp, "ltd": ltd})})


def _with_spread(card: DeviceCard, sd: float) -> DeviceCard:
    covariance = ((sd**2, 0.0), (0.0, sd**2))
    variation = card.variation.model_copy(update={"d2d_ln_rate_covariance": covariance})
    return card.model_copy(update={"variation": variation})


def _with_volatile_part(card: DeviceCard, share: float) -> DeviceCard:
    """Return the card of a device that forgets this share of an update, with a time constant of 1 s."""
    block = Volatile(
        source="synthetic",
        synthetic=True,
        kernel="exponential",
        parameters={"tau_s": 1.0},
        persistent_share=1.0 - share,
        terms=(Term(tau_s=1.0, share=1.0),),
        terms_error=0.0,
        n=0,
    )
    return card.with_blocks({"volatile": block})


def device(flaw: str, size: float) -> tuple[DeviceCard, dict[str, Any]]:
    """Return a SYNTHETIC device with one flaw of that size (NL 1, 100 steps, 1 % scatter otherwise), and settings."""
    if flaw == "scatter of updates":
        return generic(scatter=size / STEPS), {}
    if flaw == "step size":
        return generic(steps=size, scatter=1.0 / size), {}
    if flaw == "nonlinearity":
        return generic(nl=max(size, 1e-3)), {}  # soft bounds are linear in this limit
    base = generic()
    if flaw == "volatility":
        return _with_volatile_part(base, size), {"presentation_s": 1.0}
    cases: dict[str, tuple[DeviceCard, dict[str, Any]]] = {
        "states": (base, {"device_levels": int(size)}),
        "stuck devices": (base, {"stuck": size, "stuck_at": "ends"}),
        "asymmetry": (generic(ltd=size), {}),
        "device-to-device variation": (_with_spread(base, size), {"d2d": "shared"}),
        "read noise": (with_read_noise(base, size), {}),
        "telegraph noise": (base, {"telegraph": size}),
        FLUCTUATION: (_with_fluctuation(base, size), {}),
        "wires": (base, {"wire_ohm": size / _wire_severity(base, TrainingConfig(wire_ohm=1.0, hidden=HIDDEN), INPUTS)}),
        "converters": (base, {"adc_bits": int(size)}),
        "drift": (base, _drift_settings(base, size)),
    }
    return cases[flaw]


def _drift_settings(card: DeviceCard, sigma_r: float) -> dict[str, Any]:
    """Return settings with a static error of this size [of the window] for devices at mid-window."""
    window = card.window
    relative = sigma_r * window.span / ((window.low + window.high) / 2)
    spread = math.sqrt(math.log1p(relative**2))  # of ln G, the inverse of `static_error`
    return {"time_s": _AGED_S, "drift_t0_s": _T0_S, "drift_nu_sd": spread / math.log(_AGED_S / _T0_S)}


def own_severity(flaw: str, card: DeviceCard, config: TrainingConfig, inputs: int = INPUTS) -> float | None:
    """Return the severity of a flaw of a device in a training; None if it is unknown or absent.

    The axes of the curves are the same numbers. Wires and drift are evaluated for devices at mid-window; the drop at
    drivers and sense amplifiers has no curve.

    Parameters
    ----------
    flaw : str
    card : DeviceCard
    config : TrainingConfig
    inputs : int
        Inputs of the network: rows of the hidden layer's tile, unless the tile is smaller.
    """
    config = with_card(config, card)
    steps = mean_steps(card)
    largest = [_steps_apart(card, direction) for direction in ("ltp", "ltd")]
    values: dict[str, float | None] = {
        "scatter of updates": scatter_over_step(card, config),
        "states": config.stable_states or None,
        "step size": 1.0 / mean_step(card),
        "stuck devices": config.stuck_share if config.stuck_place != "start" and config.stuck_share > 0 else None,
        "asymmetry": max(steps) / min(steps),
        "device-to-device variation": _spread(card, config),
        "read noise": (read_sigma(card, config.read_noise_of_g) or None) if config.read_noise else None,
        "telegraph noise": config.telegraph or None,
        FLUCTUATION: _fluctuation_sd(card, config),
        "volatility": _forgotten_share(card, config),
        "wires": _wire_severity(card, config, inputs) or None,
        "converters": config.adc_bits or None,
        "drift": _drift_error(card, config) or None,
        "nonlinearity": max(largest),
    }
    return values[flaw]


def _fluctuation_sd(card: DeviceCard, config: TrainingConfig) -> float | None:
    """Return the standard deviation of the fluctuation over both directions; None without one."""
    held = applied_variation(card, config.c2c, config.d2d).held.values()
    return math.sqrt(sum(each**2 for each in held) / 2) or None


def _steps_apart(card: DeviceCard, direction: str) -> float:
    """Return ln of the largest over the smallest step of a branch within the measured range."""
    low, high = card.branch(direction).measured_range
    seen = _GRID[(low <= _GRID) & (high >= _GRID)]
    steps = np.abs(card.rate(direction, seen if seen.size else _GRID))
    return float(np.log(steps.max() / max(steps.min(), 1e-12)))


def _wire_severity(card: DeviceCard, config: TrainingConfig, inputs: int) -> float:
    """Return the wire load [1] of a tile of the hidden layer, the larger one, with every device at mid-window."""
    if config.wire_ohm == 0 or card.window.quantity != "conductance_s":
        return 0.0
    lines = wires.Wires(config.wire_ohm, config.terminal_ohm, config.tile)
    columns = config.hidden * (2 if config.mapping == "pair" else 1)
    return wires.severity(np.full((inputs, columns), float(card.window.from_state(np.array(0.5)))), lines)


def _drift_error(card: DeviceCard, config: TrainingConfig) -> float:
    """Return the error of a mid-window state due to drift, corrected for the common gain [of the window]."""
    law = drift_law(config)
    if law is None or card.window.quantity != "conductance_s":
        return 0.0
    return static_error(law, card.window.from_state(np.array([0.5])), card.window, config.time_s)


def _forgotten_share(card: DeviceCard, config: TrainingConfig) -> float | None:
    """Return the share of an update forgotten by the end of the few-shot task; None without forgetting.

    The loss depends on this share, whether devices forget at once or slowly.
    """
    if card.volatile is None or not at_all(card, config):
        return None
    passed = IMAGES * config.epochs * config.presentation_s + config.test_delay_s
    left = sum(term.share * math.exp(-passed / term.tau_s) for term in card.volatile.terms)
    return (1.0 - card.volatile.persistent_share) * (1.0 - left)


def _spread(card: DeviceCard, config: TrainingConfig) -> float | None:
    """Return the standard deviation of ln rate over the devices of a training; None if they are equal."""
    mode = applied_variation(card, config.c2c, config.d2d).devices
    if mode is None:
        return None
    covariance = card.variation.d2d_ln_rate_covariance
    if mode == "shared" or covariance is not None:
        return float(np.sqrt(np.mean(np.diag(np.array(covariance)))))
    from devicekit.models import kernel

    def mean_rate(theta: tuple[float, ...], cap: float) -> float:
        return float(np.minimum(kernel.rates(card.law.id, np.array(theta), _GRID), cap).mean())

    logs = np.log(
        [
            (mean_rate(row.ltp_theta, row.ltp_largest_step), mean_rate(row.ltd_theta, row.ltd_largest_step))
            for row in card.devices
        ]
    )
    return float(np.sqrt(logs.var(axis=0, ddof=1).mean()))
