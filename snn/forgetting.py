"""Whether devices forget in a training: what a card says of its volatile part, and the times that are set."""

from __future__ import annotations

from devicekit.device.card import DeviceCard
from devicekit.device.fading import is_volatile
from devicekit.errors import UsageError
from devicekit.text import percent, si
from snn.config import TrainingConfig
from snn.network.pulsing import get_policy


def in_training(card: DeviceCard | None, config: TrainingConfig) -> bool:
    """Return whether devices forget while they are trained."""
    return card is not None and is_volatile(card) and config.presentation_s > 0 and config.scheme != "offline"


def at_all(card: DeviceCard | None, config: TrainingConfig) -> bool:
    """Return whether they forget at all: while they are trained, or before a test."""
    return in_training(card, config) or (card is not None and is_volatile(card) and config.test_delay_s > 0)


def check(card: DeviceCard | None, config: TrainingConfig) -> None:
    """Refuse times that cannot be, and what devices that forget cannot have; the policy is no longer "auto".

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
            f"and a presentation has {config.presentation_s:g} s (presentation_s)"
        )
    if config.stable_states > 0 and at_all(card, config):
        raise UsageError(
            "device_levels: a device that forgets leaves its stable states; set no time (presentation_s, "
            "test_delay_s), or no device_levels"
        )


def words(card: DeviceCard | None, config: TrainingConfig) -> str:
    """Return what a training made of the card's volatile part; empty where it has none."""
    if card is None or card.volatile is None or not is_volatile(card):
        return ""
    block = card.volatile
    tau = si(block.parameters["tau_s"], "s", 2)
    says = f"{percent(1.0 - block.persistent_share)} of an update is forgotten in time ({block.kernel}, tau {tau})"
    if not at_all(card, config):
        time = "test_delay_s" if config.scheme == "offline" else "presentation_s"
        return f"the card says that {says}; no time was set to pass ({time}), so nothing was forgotten here"
    between, before = (
        si(each, "s", 2) if each > 0 else "no time" for each in (config.presentation_s, config.test_delay_s)
    )
    times = [f"{before} before a test"]
    if config.scheme != "offline":
        times.insert(0, f"{between} from one presentation to the next")
    return f"{says}: {', '.join(times)}"
