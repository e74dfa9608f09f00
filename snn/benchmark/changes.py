"""Changes of one property of a card: a flaw added to it, or taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devicekit.device.blocks import BranchVariation, Sigma
from devicekit.device.card import DeviceCard
from devicekit.device.idealise import mean_step, with_steps
from devicekit.device.measured import Term, Volatile

COARSEST, FINEST = 1 / 32, 1 / 100  # limits of the mean step of an ideal device [of the window]


def with_usual_steps(card: DeviceCard) -> DeviceCard:
    """Return the card with the nearest mean step of 32 to 100 steps per window; the scatter keeps its relative size."""
    step = mean_step(card)
    return with_steps(card, min(max(step, FINEST), COARSEST) / step)


def with_noise(card: DeviceCard, kind: str, sd: float) -> DeviceCard:
    """Return the card with noise of that standard deviation [1] in both branches.

    Parameters
    ----------
    card : DeviceCard
    kind : {"read", "held"}
        Of a reading, or of states that fluctuate, redrawn at each pulse.
    sd : float
    """
    sigma = Sigma(kind=kind, value=sd, estimator="truth")  # type: ignore[arg-type]
    memory = {"held_memory": 0.0} if kind == "held" else {}
    return _with_branches(card, lambda branch: {"c2c": {**branch.c2c, kind: sigma}, **memory})


def with_spread(card: DeviceCard, sd: float) -> DeviceCard:
    """Return the card with this standard deviation of ln rate over devices, independent in both branches."""
    covariance = ((sd**2, 0.0), (0.0, sd**2))
    variation = card.variation.model_copy(update={"d2d_ln_rate_covariance": covariance})
    return card.model_copy(update={"variation": variation})


def with_volatile_part(card: DeviceCard, share: float) -> DeviceCard:
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


def without_volatile_part(card: DeviceCard) -> DeviceCard:
    """Return the card of a device that does not forget."""
    return card.model_copy(update={"volatile": None})


def without_scatter(card: DeviceCard) -> DeviceCard:
    """Return the card without the scatter of its updates."""
    return _with_branches(card, lambda branch: {"c2c": _without(branch, "increment"), "step_noise": None, "tilt": None})


def without_fluctuation(card: DeviceCard) -> DeviceCard:
    """Return the card without the reversible fluctuation of its states."""
    return _with_branches(card, lambda branch: {"c2c": _without(branch, "held"), "held_memory": None})


def _without(branch: BranchVariation, kind: str) -> dict[str, Sigma]:
    return {name: each for name, each in branch.c2c.items() if name != kind}


def _with_branches(card: DeviceCard, change: Callable[[BranchVariation], dict[str, Any]]) -> DeviceCard:
    """Return the card with the variation of both branches changed."""
    variation = card.variation
    changed = {
        direction: branch.model_copy(update=change(branch))
        for direction, branch in (("ltp", variation.ltp), ("ltd", variation.ltd))
    }
    return card.model_copy(update={"variation": variation.model_copy(update=changed)})
