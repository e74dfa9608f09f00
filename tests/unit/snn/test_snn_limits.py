"""What limits a device: measured by trainings without its flaws, named only beyond chance."""

from __future__ import annotations

import pytest

from devicekit.errors import UsageError
from devicekit.synthetic.pulses import truth_card
from snn import digits
from snn.config import TrainingConfig
from snn.limits import Limits, _present, _resolution, limits
from snn.training import train

GENTLE = (-4.0, 0.6, 1.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def samples() -> digits.Digits:
    return digits.load("digits")


def test_the_resolution_is_two_standard_errors_of_a_difference() -> None:
    assert _resolution(0.9, 0.9, 450) == pytest.approx(2 * (2 * 0.09 / 450) ** 0.5)
    assert _resolution(1.0, 1.0, 450) > 0  # a perfect score is not a certain one


def test_only_what_is_there_is_taken_away() -> None:
    card = truth_card({"ltp": GENTLE, "ltd": GENTLE}, increment=0.01, read=0.0)
    assert list(_present(card, TrainingConfig())) == ["nonlinearity", "asymmetry", "scatter of updates"]
    noisy = truth_card({"ltp": GENTLE, "ltd": GENTLE}, read=0.01)
    assert "read noise" in _present(noisy, TrainingConfig(read_noise=True))
    assert "read noise" not in _present(card, TrainingConfig(read_noise=True))
    assert "scatter of updates" not in _present(card, TrainingConfig(c2c="none"))
    assert "nonlinearity" not in _present(card, TrainingConfig(linear=True))
    shared = truth_card({"ltp": GENTLE, "ltd": GENTLE}, ln_rate_sd=0.1)
    assert "device-to-device variation" in _present(shared, TrainingConfig(d2d="shared"))
    # one device is known: there is none to draw from
    assert "device-to-device variation" not in _present(shared, TrainingConfig(d2d="resample"))
    ltp = noisy.variation.ltp.model_copy(update={"step_noise": 0.5})
    share = noisy.model_copy(update={"variation": noisy.variation.model_copy(update={"ltp": ltp})})
    assert "scatter of updates" in _present(share, TrainingConfig())


def test_main_is_named_beyond_chance_only() -> None:
    assert Limits(0.90, 0.97, {"asymmetry": 0.95, "nonlinearity": 0.93}, 0.02).main == "asymmetry"
    assert Limits(0.90, 0.97, {"asymmetry": 0.91}, 0.02).main is None
    assert not Limits(0.90, 0.91, {}, 0.02).resolved
    assert Limits(0.90, 0.91, {}, 0.02).main is None


def test_a_gentle_device_costs_one_more_training(samples: digits.Digits) -> None:
    card = truth_card({"ltp": GENTLE, "ltd": GENTLE}, increment=0.001)
    config = TrainingConfig(epochs=3)
    calls: list[tuple[int, int]] = []
    found = limits(card, config, samples, train(card, config, samples), lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert not found.resolved
    assert found.without == {}
    assert found.flaws == ("nonlinearity", "asymmetry", "scatter of updates")
    assert found.as_dict()["cost"] == pytest.approx(found.twin - found.device)


@pytest.mark.slow
def test_a_device_made_bad_in_one_way_is_said_to_be_bad_in_that_way(samples: digits.Digits) -> None:
    """Updates that scatter by a fifth of the window on a linear, symmetric device: nothing else can limit it."""
    card = truth_card({"ltp": (-4.0,), "ltd": (-4.0,)}, model="linear", increment=0.2)
    config = TrainingConfig(epochs=6)
    found = limits(card, config, samples, train(card, config, samples))
    assert found.resolved
    assert found.main == "scatter of updates"
    assert found.without["nonlinearity"] == pytest.approx(found.device, abs=found.resolution)


def test_other_schemes_are_refused(samples: digits.Digits) -> None:
    card = truth_card({"ltp": GENTLE, "ltd": GENTLE})
    config = TrainingConfig(scheme="offline", epochs=1)
    with pytest.raises(UsageError, match="in-situ"):
        limits(card, config, samples, train(card, config, samples))
