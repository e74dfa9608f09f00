"""What a device costs a network: its training against that of an ideal twin, and what each flaw's removal gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from devicekit.device.array import applied_variation, read_sigma
from devicekit.device.card import DeviceCard
from devicekit.errors import UsageError
from snn.config import TrainingConfig
from snn.digits import Digits
from snn.training import TrainingResult, train

RESOLVED = 2.0  # a difference counts from this many standard errors on
_IDEAL: dict[str, Any] = {
    "linear": True,
    "symmetric": True,
    "c2c": "none",
    "d2d": "none",
    "read_noise": False,
}
_REMOVALS: dict[str, dict[str, Any]] = {
    "nonlinearity": {"linear": True},
    "asymmetry": {"symmetric": True},
    "scatter of updates": {"c2c": "none"},
    "device-to-device variation": {"d2d": "none"},
    "read noise": {"read_noise": False},
}


@dataclass(frozen=True)
class Limits:
    """Accuracies [1] of a device, of its ideal twin, and of the device without one flaw at a time.

    Attributes
    ----------
    device, twin : float
        Mean test accuracy of the last epochs. The twin is linear and symmetric, without variation and read
        noise; it keeps the device's mean step.
    without : dict of str to float
        The device without that flaw alone; empty where the twin is not better by more than `resolution`.
    flaws : tuple of str
        The flaws that the device had in this training; what the data do not tell, it did not have.
    resolution : float
        Difference of two accuracies that this number of test samples can tell: 2 standard errors, as of
        independent samples (both are tested on the same ones, so this is on the safe side).
    """

    device: float
    twin: float
    without: dict[str, float]
    resolution: float
    flaws: tuple[str, ...] = ()

    @property
    def cost(self) -> float:
        """What the device loses to its twin [1]; negative where it is the better one."""
        return self.twin - self.device

    @property
    def resolved(self) -> bool:
        """Whether the twin is better by more than chance."""
        return self.cost > self.resolution

    @property
    def main(self) -> str | None:
        """The flaw whose removal gains most, if it gains more than `resolution`; else None."""
        if not self.without:
            return None
        name = max(self.without, key=lambda flaw: self.without[flaw])
        return name if self.without[name] - self.device > self.resolution else None

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return {
            "device": self.device,
            "twin": self.twin,
            "cost": self.cost,
            "resolution": self.resolution,
            "resolved": self.resolved,
            "without": dict(self.without),
            "main": self.main,
            "flaws": list(self.flaws),
        }


def _resolution(first: float, second: float, samples: int) -> float:
    """2 standard errors of the difference of two accuracies; a perfect score counts as half a sample wrong."""
    variance = 0.0
    for accuracy in (first, second):
        p = min(max(accuracy, 0.5 / samples), 1.0 - 0.5 / samples)
        variance += p * (1.0 - p) / samples
    return float(RESOLVED * variance**0.5)


def _present(card: DeviceCard, config: TrainingConfig) -> dict[str, dict[str, Any]]:
    """The flaws that this training had, with the settings that take each away."""
    found = dict(_REMOVALS)
    applied = applied_variation(card, config.c2c, config.d2d)
    if config.linear:
        del found["nonlinearity"]
    if config.symmetric:
        del found["asymmetry"]
    if not applied.scatter:
        del found["scatter of updates"]
    if applied.devices is None:
        del found["device-to-device variation"]
    if not config.read_noise or read_sigma(card) == 0:
        del found["read noise"]
    return found


def limits(
    card: DeviceCard,
    config: TrainingConfig,
    data: Digits,
    trained: TrainingResult,
    progress: Callable[[int, int], None] | None = None,
) -> Limits:
    """Train the ideal twin the same way; only if it is clearly better, also the device without each flaw.

    Parameters
    ----------
    card, config, data
        As for `snn.training.train`; scheme "insitu".
    trained : TrainingResult
        What they gave.
    progress : callable, optional
        Called after each epoch with (epochs done, epochs planned), of all trainings together.

    Raises
    ------
    UsageError
        For another scheme.
    """
    if config.scheme != "insitu":
        raise UsageError(f'what limits a device is told of in-situ training, not of scheme "{config.scheme}"')
    flaws = _present(card, config)

    def score(changes: dict[str, Any], before: int, planned: int) -> float:
        def after_epoch(epoch: int, epochs: int, accuracy: float) -> None:
            if progress is not None:
                progress(before * epochs + epoch, planned * epochs)

        return train(card, replace(config, **changes), data, after_epoch).accuracy_mean_last

    device = trained.accuracy_mean_last
    twin = score(_IDEAL, 0, 1)
    resolution = _resolution(device, twin, len(data.y_test))
    without = {}
    if twin - device > resolution:
        for n, (name, changes) in enumerate(flaws.items(), start=1):
            without[name] = score(changes, n, len(flaws) + 1)
    return Limits(device, twin, without, resolution, tuple(flaws))
