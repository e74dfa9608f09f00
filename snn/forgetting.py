"""Forgetting of devices in a training, from the volatile part of a card and the times set."""

from __future__ import annotations

from devicekit.core.errors import UsageError
from devicekit.core.text import percent, si
from devicekit.device.card import DeviceCard
from devicekit.device.fading import is_volatile
from snn.config import TrainingConfig
from snn.network.pulsing import get_policy


def in_training(card: DeviceCard | None, config: TrainingConfig) -> bool:
    """Return whether devices forget while they are trained."""
    return card is not None and is_volatile(card) and config.presentation_s > 0 and config.scheme != "offline"


def at_all(card: DeviceCard | None, config: TrainingConfig) -> bool:
    """Return whether devices forget at all, while they are trained or before a test."""
    return in_training(card, config) or (card is not None and is_volatile(card) and config.test_delay_s > 0)


def check(card: DeviceCard | None, config: TrainingConfig) -> None:
    """Refuse impossible times, and settings incompatible with forgetting; the policy must be resolved already.

    Raises
    ------
    UsageError
        If the pulses of a presentation take longer than it, or devices that forget have few stable states.
    """
    most = config.max_pulses or get_policy(config.policy).most
    longest = (most - 1) * config.pulse_period_s
    if longest > config.presentation_s:
        raise UsageError(
            f"pulse_period_s={config.pulse_period_s:g}: {most} pulses of policy {config.policy!r} take {longest:g} s, "
            f"longer than presentation_s={config.presentation_s:g}."
        )
    if config.stable_states > 0 and at_all(card, config):
        raise UsageError(
            "device_levels does not apply to devices that forget. Remove it, or set presentation_s and test_delay_s "
            "to 0."
        )


def words(card: DeviceCard | None, config: TrainingConfig) -> str:
    """Describe the effect of the card's volatile part in a training; empty without one."""
    if card is None or card.volatile is None or not is_volatile(card):
        return ""
    block = card.volatile
    tau = si(block.parameters["tau_s"], "s", 2)
    share = f"{percent(1.0 - block.persistent_share)} of an update is forgotten in time ({block.kernel}, tau {tau})"
    if not at_all(card, config):
        time = "test_delay_s" if config.scheme == "offline" else "presentation_s"
        return f"by the card {share}; nothing was forgotten here, as {time} is 0"
    between, before = (
        si(each, "s", 2) if each > 0 else "no time" for each in (config.presentation_s, config.test_delay_s)
    )
    times = [f"{before} before a test"]
    if config.scheme != "offline":
        times.insert(0, f"{between} from one presentation to the next")
    return f"{share}: {', '.join(times)}"
