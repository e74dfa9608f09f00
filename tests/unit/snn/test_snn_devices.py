"""What devices may do besides obeying their law: few stable states, pulses by chance, refresh of pairs."""

from __future__ import annotations

import time

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.random import mix
from devicekit.models.kernel import MAX_SHAPE
from snn.config import TrainingConfig
from snn.network.crossbar import PulseRequests, Threshold, WeightMap, apply_pulses, make_layer, pulse_request_each
from snn.network.encoding import stream_key
from snn.network.pulsing import NUMBERS
from snn.recipe import choose
from snn.synapses import Synapses, round_to_stable_states
from snn.training import train

MEMORY = np.empty(MAX_SHAPE)
LEVEL, QUIET, KEY = np.float32(1.0), np.float32(0.0), np.uint64(1)


def reference_layer(card, synapses: int, levels: int = 0, r: float = 0.5):
    """One row of devices against a reference of 0.5, weights r - 0.5."""
    array = DeviceArray(card, synapses, 3, initial=np.full(synapses, r), c2c="none")
    stuck = np.zeros(synapses, bool)
    return make_layer(array, WeightMap((1, synapses), 1.0, 0.5), (1, synapses), stream_key(1, 2), stuck, levels)


@pytest.mark.parametrize("sign", [1, -1])
def test_few_stable_states_keep_the_mean_step(card, sign):
    n, spaces = 4000, 10
    start = 0.5
    layer = reference_layer(card, n, levels=spaces + 1)
    apply_pulses(layer, PulseRequests(np.arange(n), np.full(n, sign)), n, False, LEVEL, QUIET, KEY, MEMORY)
    r = layer.array.r
    np.testing.assert_allclose(r * spaces, np.rint(r * spaces), atol=1e-9)
    step = card.rate("ltp" if sign > 0 else "ltd", np.array([start]))[0]
    p = abs(step) * spaces  # of the next state
    assert r.mean() - start == pytest.approx(step, abs=4 * np.sqrt(p * (1 - p) / n) / spaces)
    np.testing.assert_allclose(layer.w[0], r - 0.5, atol=1e-7)


def test_states_on_levels_keep_the_mean(rng):
    r = np.full(20000, 0.337)
    found = round_to_stable_states(r, 5, rng)
    assert set(np.unique(found)) == {0.25, 0.5}
    assert found.mean() == pytest.approx(0.337, abs=4 * 0.125 / np.sqrt(20000))
    np.testing.assert_array_equal(round_to_stable_states(np.array([0.0, 0.5, 1.0]), 5, rng), [0.0, 0.5, 1.0])


def test_pulses_by_chance_come_with_the_wanted_rate(card):
    n, presentations = 400, 200
    changes = np.linspace(-1.5, 1.5, n).astype(np.float32)
    threshold = Threshold(np.float32(1.0), np.float32(1.0), NUMBERS["stochastic"], 1, False, False)
    layer = reference_layer(card, n)
    requests = PulseRequests(np.empty(n, np.int64), np.empty(n, np.int64))
    for key in range(presentations):
        stream = np.uint64(mix(layer.coin, np.uint64(key)))
        count = pulse_request_each(layer.sums[0], 0, changes, threshold, stream, requests, 0)
        apply_pulses(layer, requests, count, False, LEVEL, QUIET, KEY, MEMORY)
    p = np.minimum(np.abs(changes), 1.0)
    given = layer.array.pulses / presentations
    assert np.abs((given - p)[p < 1]).max() < 5 * 0.5 / np.sqrt(presentations)
    assert (given[p == 1] == 1).all()
    assert given.mean() == pytest.approx(p.mean(), abs=4 * 0.5 / np.sqrt(n * presentations))
    assert not layer.sums.any()


def near_the_top(card, **settings):
    """Synapses of a small network whose pairs all sit near the upper end, but for one that needs the window."""
    config = TrainingConfig(hidden=64, refresh=0.1, levels=0, program_sigma=0.0, **settings)
    recipe = choose(config, card)
    w = [np.zeros((4, 64)), np.zeros((64, 2))]
    synapses = Synapses.start(card, config, recipe, w)
    pairs = synapses.arrays[0].r.reshape(-1, 2)
    pairs[:] = (0.97, 0.85)
    pairs[0] = (0.99, 0.03)
    synapses.layers[0].w[:4, :64] = synapses.layers[0].scale * (pairs[:, 0] - pairs[:, 1]).reshape(4, 64)
    return config, recipe, synapses, pairs


def test_refresh_moves_pairs_off_the_ends_and_keeps_weights(card):
    config, recipe, synapses, pairs = near_the_top(card)
    before, kept = synapses.layers[0].w.copy(), pairs[0].copy()
    assert synapses.refresh(config, recipe, 0) == 4 * 64 - 1
    np.testing.assert_allclose(pairs.mean(axis=1)[1:], recipe.middle, atol=1e-9)
    np.testing.assert_array_equal(pairs[0], kept)
    np.testing.assert_allclose(synapses.layers[0].w, before, atol=1e-6)
    assert synapses.refresh(config, recipe, 1) == 0


def test_refresh_leaves_stuck_devices_alone(card):
    config, recipe, synapses, pairs = near_the_top(card, stuck=0.5)
    before, stuck = pairs.copy(), synapses.layers[0].stuck.reshape(-1, 2).any(axis=1)
    synapses.refresh(config, recipe, 0)
    np.testing.assert_array_equal(pairs[stuck], before[stuck])
    assert (pairs[~stuck][1:] != before[~stuck][1:]).all()


@pytest.mark.parametrize(
    "changed",
    [{"policy": "stochastic"}, {"device_levels": 64}, {"refresh": 0.3}],
    ids=["stochastic", "levels", "refresh"],
)
def test_networks_train_with_each_and_repeat(card, small_digits, changed):
    config = TrainingConfig(epochs=3, hidden=128, **changed)
    one, two = (train(card, config, small_digits) for _ in range(2))
    np.testing.assert_array_equal(one.w1, two.w1)
    assert one.accuracy_mean_last > 0.6
    assert one.refreshed_pairs == two.refreshed_pairs


def test_training_refreshes_after_every_epoch_and_counts(card, small_digits, monkeypatch):
    seen = []

    def refresh(self, config, recipe, epoch):
        seen.append(epoch)
        return 7

    monkeypatch.setattr(Synapses, "refresh", refresh)
    result = train(card, TrainingConfig(scheme="hybrid", epochs=4, hidden=64, refresh=0.1), small_digits)
    assert seen == [2, 3]
    assert result.as_dict()["refreshed_pairs"] == 14


def test_every_device_ends_on_a_stable_state(card, small_digits):
    result = train(card, TrainingConfig(epochs=1, hidden=128, device_levels=16), small_digits)
    spaces = result.w1 / result.recipe.scales[0] * 15
    np.testing.assert_allclose(spaces, np.rint(spaces), atol=1e-4)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"device_levels": 1}, "device_levels"),
        ({"refresh": 0.6}, "refresh"),
        ({"refresh": 0.1, "mapping": "reference"}, "pairs"),
    ],
)
def test_impossible_settings(changed, words):
    with pytest.raises(UsageError, match=words):
        TrainingConfig(**changed)


def test_stuck_devices_are_not_programmed(card):
    config = TrainingConfig(hidden=64, stuck=0.5, levels=0, program_sigma=0.0)
    recipe = choose(config, card)
    rng = np.random.default_rng(0)
    synapses = Synapses.program(card, config, recipe, [0.2 * rng.standard_normal(s) for s in ((4, 64), (64, 2))])
    for array, layer in zip(synapses.arrays, synapses.layers, strict=True):
        assert 0.3 < layer.stuck.mean() < 0.7
        assert (array.r[layer.stuck] == recipe.middle).all()
        assert (array.r[~layer.stuck] != recipe.middle).mean() > 0.9


def test_a_pulse_in_the_network_costs_about_what_one_on_a_device_costs(card_maker):
    """Side by side; taking a field out of a tuple of arrays for each pulse made it five times as much."""
    n = 50_000
    card = card_maker(increment=0.002)
    layer = reference_layer(card, n)
    array = DeviceArray(card, n, 1, initial=0.5)
    signs = np.where(np.arange(n) % 2, 1, -1)
    requests = PulseRequests(np.arange(n), signs)

    def least(call):
        call()
        times = []
        for _ in range(7):
            began = time.process_time()
            call()
            times.append(time.process_time() - began)
        return min(times)

    inside = least(lambda: apply_pulses(layer, requests, n, False, LEVEL, QUIET, KEY, MEMORY))
    assert inside < 2.5 * least(lambda: array.pulse(signs))
