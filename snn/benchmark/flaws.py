"""Flaws of a device, and the same device without some or all of them (its ideal device)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from devicekit.device.blocks import BranchVariation
from devicekit.device.card import DeviceCard
from devicekit.device.idealise import idealise, mean_step, with_steps
from devicekit.device.variation import applied_variation, read_sigma
from snn.config import TrainingConfig
from snn.forgetting import at_all
from snn.recipe import with_card

COARSEST, FINEST = 1 / 32, 1 / 100  # limits of the mean step of an ideal device [of the window]
FLUCTUATION = "fluctuation of states"
FLAWS = (
    "nonlinearity",
    "asymmetry",
    "step size",
    "scatter of updates",
    "device-to-device variation",
    "read noise",
    "telegraph noise",
    FLUCTUATION,
    "states",
    "stuck devices",
    "volatility",
    "wires",
    "converters",
    "drift",
)
ARRAY = frozenset({"wires", "converters", "drift"})  # flaws of the array around the device


@dataclass(frozen=True)
class Case:
    """A card, and changed settings of a training on it (fields of `TrainingConfig`)."""

    card: DeviceCard
    changes: dict[str, Any]


def find_flaws(card: DeviceCard, config: TrainingConfig) -> tuple[str, ...]:
    """Return the flaws of the device in this training; unknown properties are taken as absent."""
    config = with_card(config, card)
    applied = applied_variation(card, config.c2c, config.d2d)
    step = mean_step(card)
    has = {
        "nonlinearity": card.model != "linear" and not config.linear,
        "asymmetry": not config.symmetric,
        "step size": not FINEST <= step <= COARSEST,
        "scatter of updates": applied.scatter,
        "device-to-device variation": applied.devices is not None,
        "read noise": config.read_noise and read_sigma(card, config.read_noise_of_g) > 0,
        "telegraph noise": config.telegraph > 0,
        FLUCTUATION: applied.fluctuates,
        "states": config.stable_states > 0,
        "stuck devices": config.stuck_share > 0,
        "volatility": at_all(card, config),
        "wires": config.wire_ohm > 0 or config.terminal_ohm > 0,
        "converters": config.adc_bits > 0,
        "drift": config.time_s > 0 and (config.drift_nu != 0 or config.drift_nu_sd > 0),
    }
    return tuple(name for name in FLAWS if has[name])


def find_unknown(card: DeviceCard, config: TrainingConfig) -> tuple[str, ...]:
    """Return the properties unknown from the data of a card, which a training takes as absent."""
    config = with_card(config, card)
    applied = applied_variation(card, config.c2c, config.d2d)
    devices = max(card.variation.ltp.n_devices, card.variation.ltd.n_devices)
    is_known = {
        "device-to-device variation": devices > 1 or applied.devices is not None,
        "dead devices": devices > 1 or config.stuck_share > 0,
        "read noise": read_sigma(card, config.read_noise_of_g) > 0 or _reads_known(card),
        "scatter of updates": applied.scatter or any("increment" in each.c2c for each in _branches(card)),
        "whether read noise changes at each reading or at each pulse": all(
            each.read_known or "read" not in each.c2c for each in _branches(card)
        ),
        "volatility": card.volatile is not None,
        "drift": card.retention is not None or config.time_s > 0,
    }
    return tuple(name for name, known in is_known.items() if not known)


def _branches(card: DeviceCard) -> tuple[BranchVariation, BranchVariation]:
    return card.variation.ltp, card.variation.ltd


def _reads_known(card: DeviceCard) -> bool:
    return any("read" in each.c2c for each in _branches(card))


def remove_flaws(card: DeviceCard, config: TrainingConfig, flaws: Iterable[str]) -> Case:
    """Return the device without these flaws; without all of them it is the ideal device.

    A step that is too large or too small becomes the nearest one of 32 to 100 steps per window; the scatter of updates
    keeps its size relative to the step.
    """
    gone = set(flaws)
    card = idealise(card, linear="nonlinearity" in gone, symmetric="asymmetry" in gone)
    if "step size" in gone:
        step = mean_step(card)
        card = with_steps(card, min(max(step, FINEST), COARSEST) / step)
    changes: dict[str, Any] = {}
    if "scatter of updates" in gone:
        # c2c="none" would take the fluctuation of states with it
        keeps_fluctuation = FLUCTUATION not in gone and applied_variation(card, config.c2c, config.d2d).fluctuates
        if keeps_fluctuation:
            card = _without_scatter(card)
        else:
            changes["c2c"] = "none"
    if "device-to-device variation" in gone:
        changes["d2d"] = "none"
    if "read noise" in gone:
        changes |= {"read_noise": False, "read_noise_of_g": 0.0}
    if "telegraph noise" in gone:
        changes["telegraph"] = 0.0
    if FLUCTUATION in gone:
        card = _without_fluctuation(card)
    if "states" in gone:
        changes["device_levels"] = 0
    if "stuck devices" in gone:
        changes["stuck"] = 0.0
    if "volatility" in gone:
        card = card.model_copy(update={"volatile": None})
    if "wires" in gone:
        changes |= {"wire_ohm": 0.0, "terminal_ohm": 0.0, "column_gain": False}
        if config.wire_gains != "separable":
            changes["wire_gains"] = "separable"
    if "converters" in gone:
        changes["adc_bits"] = 0
    if "drift" in gone:
        changes["time_s"] = 0.0
    return Case(card, changes)


def _without_scatter(card: DeviceCard) -> DeviceCard:
    """Return the card without the scatter of its updates."""
    changed = {
        direction: branch.model_copy(
            update={
                "c2c": {name: each for name, each in branch.c2c.items() if name != "increment"},
                "step_noise": None,
                "tilt": None,
            }
        )
        for direction, branch in (("ltp", card.variation.ltp), ("ltd", card.variation.ltd))
    }
    return card.model_copy(update={"variation": card.variation.model_copy(update=changed)})


def _without_fluctuation(card: DeviceCard) -> DeviceCard:
    """Return the card without the reversible fluctuation of its states."""
    changed = {
        direction: branch.model_copy(
            update={"c2c": {name: each for name, each in branch.c2c.items() if name != "held"}, "held_memory": None}
        )
        for direction, branch in (("ltp", card.variation.ltp), ("ltd", card.variation.ltd))
    }
    return card.model_copy(update={"variation": card.variation.model_copy(update=changed)})


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
