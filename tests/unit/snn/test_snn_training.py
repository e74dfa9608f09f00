"""Whole training runs: results, determinism, settings; the accuracy targets on the real data are slow."""

from __future__ import annotations

import json
from dataclasses import replace

import numba
import numpy as np
import pytest

from devicekit.core.errors import UsageError
from snn.recipe import choose, step_about, symmetric_point
from snn.training import TrainingConfig, train

QUICK = TrainingConfig(epochs=2, hidden=192)


@pytest.fixture(scope="module")
def insitu(card, small_digits):
    return train(card, QUICK, small_digits)


def test_insitu_learns_and_reports(insitu, small_digits):
    out = insitu.as_dict()
    assert json.loads(json.dumps(out, allow_nan=False)) == out
    wanted = {"scheme", "data", "epochs", "accuracy_mean_last", "accuracy_std_last", "pulses_per_device"}
    assert wanted | {"seconds_per_epoch", "recipe", "seed"} <= set(out)
    assert out["scheme"] == "insitu"
    assert out["data"] == {"name": "digits", "split": "first 300/100", "n_train": 300, "n_test": 100}
    assert [set(row) for row in out["epochs"]] == [{"epoch", "train_accuracy", "test_accuracy", "pulses"}] * 2
    assert out["epochs"][-1]["test_accuracy"] > 0.7
    assert out["accuracy_mean_last"] == pytest.approx(np.mean([row["test_accuracy"] for row in out["epochs"]]))
    devices = 2 * 192 * (64 + 10)
    assert out["pulses_per_device"] == pytest.approx(sum(row["pulses"] for row in out["epochs"]) / devices)


def test_same_seed_same_result_whatever_the_threads(insitu, card, small_digits):
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        again = train(card, QUICK, small_digits)
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(again.w1, insitu.w1)
    np.testing.assert_array_equal(again.w2, insitu.w2)
    assert again.epochs == insitu.epochs
    other = train(card, replace(QUICK, seed=1), small_digits)
    assert not np.array_equal(other.w1, insitu.w1)


def test_offline_needs_no_card_and_reports_programmed_accuracy_with_one(card, small_digits):
    config = replace(QUICK, scheme="offline", epochs=3)
    bare = train(None, config, small_digits).as_dict()
    assert bare["accuracy_programmed"] is None
    assert bare["pulses_per_device"] == 0
    assert bare["epochs"][-1]["test_accuracy"] > 0.7
    programmed = train(card, replace(config, levels=0, program_sigma=0.0), small_digits).as_dict()
    assert programmed["epochs"] == bare["epochs"]
    # perfect programming keeps the accuracy, up to weights outside the window
    assert programmed["accuracy_programmed"] >= bare["epochs"][-1]["test_accuracy"] - 0.05


def test_hybrid_goes_on_from_programmed_weights(card, small_digits):
    calls = []
    config = replace(QUICK, scheme="hybrid", epochs=4)
    result = train(card, config, small_digits, lambda *what: calls.append(what))
    out = result.as_dict()
    assert [row["pulses"] > 0 for row in out["epochs"]] == [False, False, True, True]
    assert 0 <= out["accuracy_after_mapping"] <= 1
    assert out["recipe"]["offline_epochs"] == 2
    shown = len(small_digits.y_train)
    assert {call[1] for call in calls} == {4 * shown}
    reported = [call[0] for call in calls]
    assert reported == sorted(reported)
    assert {k * shown for k in range(1, 5)} <= set(reported)
    assert np.isnan(calls[0][2])  # nothing has been tested yet
    assert calls[-1][2] == out["epochs"][-1]["test_accuracy"]


@pytest.mark.parametrize(
    "changed",
    [
        {"mapping": "reference"},
        {"mapping": "reference", "reference": None},
        {"schedule": "constant"},
        {"encoding": "dense"},
        {"margin": 3},
        {"policy": "literal", "alpha": 0.1, "theta": (20.0, 20.0)},
        {"linear": True, "symmetric": True},
        {"stuck": 0.05, "retention": 0.05},
        {"c2c": "none", "d2d": "none"},
    ],
)
def test_switches_run_and_learn(card, small_digits, changed):
    result = train(card, replace(QUICK, **changed), small_digits)
    assert result.accuracy_mean_last > 0.3
    assert result.pulses_per_device > 0


def test_read_noise_costs_accuracy(card_maker, small_digits):
    noisy = card_maker(read=0.3)
    clean = train(noisy, QUICK, small_digits)
    cost = train(noisy, replace(QUICK, read_noise=True), small_digits)
    assert cost.accuracy_mean_last < clean.accuracy_mean_last - 0.05


def test_recipe_follows_the_card(card_maker):
    slow, fast = card_maker(), card_maker(up=(-3.0, 0.95, 1, 0, 0, 0), down=(-3.0, 0.95, 1, 0, 0, 0))
    config = TrainingConfig()
    chosen = [choose(config, card) for card in (slow, fast)]
    for card, recipe in zip((slow, fast), chosen, strict=True):
        assert recipe.symmetric_point == pytest.approx(0.5)
        assert recipe.device_step == pytest.approx(step_about(card, 0.5))
        assert recipe.theta[0] == pytest.approx(recipe.scales[0] * recipe.device_step / recipe.eta[0])
    assert chosen[1].theta[0] / chosen[0].theta[0] == pytest.approx(np.e, rel=1e-3)
    assert choose(replace(config, schedule="constant"), slow).theta_growth == 1.0


def test_symmetric_point_of_an_asymmetric_device(card_maker):
    # up = u (1 - .9 r), down = 3 u (1 - .9 (1 - r)), both normalised at 1/2: equal where the logs cross
    up, down = (-4.0, 0.9, 1, 0, 0, 0), (-4.0 + np.log(3), 0.9, 1, 0, 0, 0)
    r = symmetric_point(card_maker(up=up, down=down))
    assert (1 - 0.9 * r) == pytest.approx(3 * (0.1 + 0.9 * r), abs=0.03)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"scheme": "online"}, r"scheme.*offline.*insitu.*hybrid"),
        ({"epochs": 0}, r"epochs.*from 1 "),
        ({"epochs": 2.5}, r"epochs.*whole.*2\.5"),
        ({"steps": 65}, r"steps.*12 to 64"),
        ({"reference": 1.5}, r"reference.*1\.5"),
        ({"alpha": float("nan")}, r"alpha.*nan"),
        ({"levels": 1}, r"levels.*0.*2"),
        ({"theta": (1.0, -1.0)}, r"theta.*two positive"),
        ({"policy": "literal"}, "theta"),
        ({"scales": (1.0,)}, r"scales.*two positive"),
        ({"scheme": "hybrid", "epochs": 1}, "at least 2 epochs"),
        ({"read_noise": 1}, r"read_noise.*true or false"),
    ],
)
def test_bad_settings_are_named(changed, words):
    with pytest.raises(UsageError, match=words):
        replace(TrainingConfig(), **changed)


def test_scheme_without_card_and_device_that_cannot_move(card_maker, small_digits):
    with pytest.raises(UsageError, match="device card"):
        train(None, QUICK, small_digits)
    dead = card_maker(up=(-14.0, 1.3, 6.0, 40.0, 15.0, 6.0), cap=0.0)
    with pytest.raises(UsageError, match="in situ"):
        train(dead, QUICK, small_digits)


def test_dense_encoding_needs_a_square_image(card, small_digits):
    narrow = replace(small_digits, x_train=small_digits.x_train[:, :60], x_test=small_digits.x_test[:, :60])
    with pytest.raises(UsageError, match="square"):
        train(card, replace(QUICK, encoding="dense"), narrow)


def test_paper_settings_keep_their_scales_and_thresholds(card, small_digits):
    config = TrainingConfig.paper(scheme="hybrid", epochs=2, hidden=64)
    result = train(card, config, small_digits)
    assert (config.policy, config.mapping) == ("literal", "reference")
    assert result.recipe.scales == (3.0, 2.0)
    assert result.recipe.theta == (100.0, 100.0)
    assert TrainingConfig.paper(theta=(20.0, 20.0), alpha=0.1).theta == (20.0, 20.0)


def test_an_epoch_in_pieces_is_the_same_epoch(card, small_digits, monkeypatch):
    """Progress is told between pieces, the first epoch's time left included; what is learnt does not depend on them."""
    import snn.training as training

    reported = []
    monkeypatch.setattr(training, "_AT_A_TIME", 70)
    pieces = train(card, QUICK, small_digits, lambda *what: reported.append(what[0]))
    monkeypatch.setattr(training, "_AT_A_TIME", 10**6)
    whole = train(card, QUICK, small_digits)
    np.testing.assert_array_equal(pieces.w1, whole.w1)
    assert pieces.epochs == whole.epochs
    assert reported[:2] == [70, 140]


def test_a_card_whose_state_is_a_logarithm_is_refused_in_situ(card, small_digits):
    window = card.window.model_copy(update={"scale": "log", "quantity": "conductance_s", "low": 1e-6, "high": 1e-4})
    with pytest.raises(UsageError, match="ln G"):
        train(card.model_copy(update={"window": window}), QUICK, small_digits)
