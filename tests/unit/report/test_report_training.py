"""What a training section says of the devices is what the training gave them."""

from __future__ import annotations

from typing import Any

import pytest

from devicekit.device.card import DeviceCard
from devicekit.synthetic.pulses import truth_card
from devicekit.verbs.train import training_text
from snn.config import TrainingConfig
from snn.report import accuracy_basis, training_section
from snn.result import EpochRow

from .conftest import training

STEPS = {"ltp": (-4.4, 0.5), "ltd": (-4.4, 0.5)}


def told_of(card: DeviceCard, c2c: Any, d2d: Any) -> str:
    """The row of the training section that says which variation the devices had."""
    section = training_section(training(TrainingConfig(c2c=c2c, d2d=d2d)), card)
    return next(
        row[1] for block in section.blocks for row in getattr(block, "rows", ()) if row[0].startswith("variation")
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            ("increment", "resample"),
            "one update: LTP 1 % of the window, LTD 1 % of the window; device to device: "
            "one device known, none applied",
        ),
        (("none", "none"), "one update: none, as requested; device to device: none, as requested"),
        (("increment", "shared"), "correlated rates drawn from their covariance"),
    ],
)
def test_variation_is_that_of_the_run(settings: Any, words: str) -> None:
    card = truth_card(STEPS, model="softbounds", increment=0.01, read=0.0, ln_rate_sd=0.1)
    reported = told_of(card, *settings)
    assert words in reported


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    card = truth_card(STEPS, model="softbounds", increment=0.0)
    reported = told_of(card, "increment", "none")
    assert "one update: unknown, none applied" in reported


@pytest.mark.parametrize(
    ("accuracies", "learning"),
    [((0.571, 0.804, 0.882), True), ((0.6, 0.9, 0.91, 0.92), False), ((0.5, 0.9), True), ((0.9, 0.5), False)],
)
def test_accuracies_that_rise_by_more_than_the_interval_are_still_learning(
    accuracies: tuple[float, ...], learning: bool
) -> None:
    """The last three of 450 test samples; an interval is about 8 points wide."""
    result = training(epochs=tuple(EpochRow(n, 0.9, each, 10) for n, each in enumerate(accuracies, start=1)))
    shown = str(training_text(result)), accuracy_basis(result), str(training_section(result).blocks)
    assert [result.still_learning in each and "till learning" in each for each in shown] == [learning] * 3
    assert bool(result.still_learning) == learning
