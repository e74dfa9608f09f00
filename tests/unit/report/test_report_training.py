"""What a training section says of the devices is what the training gave them."""

from __future__ import annotations

from typing import Any

import pytest

from devicekit.report.sections import _variation_in_training
from devicekit.synthetic.pulses import truth_card

STEPS = {"ltp": (-4.4, 0.5), "ltd": (-4.4, 0.5)}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("increment", "resample"), "one update: LTP 1 % of the window, LTD 1 % of the window; device to device: "
         "one device known, none applied"),
        (("none", "none"), "one update: none, as asked; device to device: none, as asked"),
        (("increment", "shared"), "correlated rates drawn from their covariance"),
    ],
)  # fmt: skip
def test_variation_is_that_of_the_run(settings: Any, words: str) -> None:
    card = truth_card(STEPS, model="softbounds", increment=0.01, read=0.0, ln_rate_sd=0.1)
    told = _variation_in_training(card, dict(zip(("c2c", "d2d"), settings, strict=True)))
    assert words in told


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    card = truth_card(STEPS, model="softbounds", increment=0.0)
    told = _variation_in_training(card, {"c2c": "increment", "d2d": "none"})
    assert "one update: unknown, none applied" in told
