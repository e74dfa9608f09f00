"""A network whose weights are written and verified: its devices are those of the array alone; "sigma" is as it was."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.device.programming import program_and_verify
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.network.crossbar import WeightMap, states
from snn.recipe import choose, fit_scales
from snn.report import training_numbers, training_section
from snn.synapses import Synapses
from snn.training import train

SHAPES = ((16, 20), (20, 3))
VERIFY = TrainingConfig(scheme="offline", hidden=20, epochs=2, levels=0, programming="verify")


@pytest.fixture(scope="module")
def tiny() -> Dataset:
    rng = np.random.default_rng(5)
    x, y = rng.random((60, 16)), np.arange(60) % 3
    x[:, :3] = np.eye(3)[y]
    return Dataset("made", "none", x[:40], y[:40], x[40:], y[40:])


def written(card: DeviceCard, **changes: Any) -> tuple[Synapses, list[np.ndarray], Any]:
    """Synapses of random weights, those weights, and the recipe."""
    config, rng = replace(VERIFY, **changes), np.random.default_rng(0)
    w = [0.3 * rng.standard_normal(shape) for shape in SHAPES]
    recipe = fit_scales(choose(config, card), config, w)
    return Synapses.program(card, config, recipe, w), w, recipe


@pytest.mark.parametrize("mapping", ["pair", "reference"])
@pytest.mark.parametrize("steps", ["law", "sign"])
def test_devices_are_those_of_the_array_alone(card: DeviceCard, mapping: str, steps: str) -> None:
    made, w, recipe = written(card, mapping=mapping, program_steps=steps, tolerance=0.03)
    done = made.programming
    assert done is not None
    wanted = [states(each, c, recipe.middle, mapping == "pair") for each, c in zip(w, recipe.scales, strict=True)]
    np.testing.assert_array_equal(done.target, np.concatenate(wanted))
    np.testing.assert_array_equal(done.state, np.concatenate([array.r for array in made.arrays]))
    assert np.abs(done.error[~done.flagged]).max() <= 0.03  # exact reads: the card has no read noise
    for array, layer, shape, target in zip(made.arrays, made.layers, SHAPES, wanted, strict=True):
        fresh = DeviceArray(card, array.n, array.seed, initial=recipe.middle)
        alone = program_and_verify(fresh, target, tolerance=0.03, steps=steps, pairs=mapping == "pair")
        np.testing.assert_array_equal(alone.state, array.r)
        reference = None if mapping == "pair" else recipe.middle
        expected = WeightMap(shape, layer.scale, reference).weights(array.r).astype(np.float32)
        np.testing.assert_array_equal(layer.w[: shape[0], : shape[1]], expected)
        assert layer.pulses[0] == 0  # those of training


def test_stuck_devices_stay_and_partners_make_up_for_them(card: DeviceCard) -> None:
    errors = {}
    for compensate in (False, True):
        made, _, _ = written(card, stuck=0.2, stuck_at="low", compensate=compensate, verify_limit=1000)
        done = made.programming
        assert done is not None
        still = np.concatenate([layer.stuck for layer in made.layers])
        np.testing.assert_array_equal(done.state[still], 0.0)
        assert (done.stuck & ~still).sum() == 0
        assert done.compensated.any() == compensate
        errors[compensate] = np.abs((done.state - done.target).reshape(-1, 2) @ [1.0, -1.0]).mean()
    assert errors[True] < errors[False] / 2


def test_levels_are_those_of_the_targets(card: DeviceCard) -> None:
    made, _, _ = written(card, levels=5)
    assert made.programming is not None
    np.testing.assert_allclose(made.programming.target * 4, np.rint(made.programming.target * 4))


@pytest.mark.parametrize("scheme", ["offline", "hybrid"])
def test_training_says_what_programming_took(card: DeviceCard, tiny: Dataset, scheme: str) -> None:
    config = replace(VERIFY, scheme=scheme)
    result = train(card, config, tiny)
    found = result.programming
    assert found is not None
    assert found.devices == 2 * (16 * 20 + 20 * 3)
    assert found.pulses_mean > 0
    assert result.as_dict()["programming"] == found.as_dict()
    again = pickle.loads(pickle.dumps(train(card, config, tiny)))
    np.testing.assert_array_equal(again.w1, result.w1)
    assert again.programming == found
    rows = str(training_section(result, card).blocks)
    assert "verifies" in rows
    assert "programming_pulses" in [each.name for each in training_numbers(result)]
    assert "programming" in result._repr_html_()
    if scheme == "offline":
        assert result.pulses_per_device == 0.0


@pytest.mark.parametrize("scheme", ["offline", "hybrid", "insitu"])
def test_sigma_has_nothing_of_it(card: DeviceCard, tiny: Dataset, scheme: str) -> None:
    result = train(card, replace(VERIFY, scheme=scheme, programming="sigma", tolerance=0.3, verify_reads=9), tiny)
    plain = train(card, TrainingConfig(scheme=scheme, hidden=20, epochs=2, levels=0), tiny)
    np.testing.assert_array_equal(result.w1, plain.w1)
    assert result.epochs == plain.epochs
    assert result.accuracy_programmed == plain.accuracy_programmed
    assert result.programming is None
    assert "programming" not in result.as_dict()
    assert train(card, replace(VERIFY, scheme="insitu"), tiny).programming is None


def test_read_noise_of_a_verify(card: DeviceCard) -> None:
    """A share of the conductance is asked of a window of conductances: here the card's own, none."""
    made, _, _ = written(card)
    assert made.programming is not None
    assert made.programming.read_sd == 0.0
    window = card.window.model_copy(update={"quantity": "conductance_s", "low": 1e-5, "high": 3e-5})
    of_g, _, _ = written(card.model_copy(update={"window": window}), read_noise=True, read_noise_of_g=0.01)
    assert of_g.programming is not None
    assert of_g.programming.read_sd == pytest.approx(0.01)  # 1 % of 20 uS, of a window of 20 uS


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"programming": "both"}, "'sigma' or 'verify'"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"tolerance": 0.6}, "tolerance"),
        ({"verify_reads": 0}, "verify_reads"),
        ({"verify_limit": 1.5}, "verify_limit"),
        ({"program_steps": "amplitude"}, "'law' or 'sign'"),
        ({"compensate": 1}, "compensate"),
        ({"device_levels": 16}, "device_levels"),
        ({"refresh": 0.1}, "refresh"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        replace(VERIFY, **changes)


def test_warnings_about_programming_reach_the_report(card: DeviceCard, tiny: Dataset) -> None:
    from snn.report import train_page

    result = train(card, VERIFY, tiny)
    assert [each.code for each in result.warnings] == ["exact_verify"]
    assert result.as_dict()["warnings"] == [each.as_dict() for each in result.warnings]
    assert "exact_verify" in train_page(result, card, (), "devicekit train", 0).to_html()
    plain = train(card, replace(VERIFY, programming="sigma"), tiny)
    assert plain.warnings == ()
    assert "warnings" not in plain.as_dict()
