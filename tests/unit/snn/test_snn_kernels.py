"""Compiled network, rule and pulses against the plain NumPy oracle, and properties of the encoding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from snn.config import TrainingConfig
from snn.network import changes as changing
from snn.network import encoding
from snn.network.bits import all_steps
from snn.network.crossbar import Threshold, WeightMap, make_layer, states
from snn.network.epochs import Lesson, insitu_epoch, offline_epoch
from snn.network.learning import NUMBERS as GRADIENTS
from snn.network.neurons import Noise, padded, predict
from snn.network.pulsing import NUMBERS, get_policy
from snn.recipe import make_dynamics

CHANNELS, HIDDEN, CLASSES, SAMPLES = 16, 70, 3, 8
QUIET = Noise(np.float32(0), np.float32(0))
STREAM = encoding.stream_key(3, 1)


def small_network(rng, shift=0.0):
    """Inputs, start weights (padded) and constants of a 16-70-3 network that spikes well."""
    x = rng.integers(0, 17, size=(SAMPLES, CHANNELS)) / 16
    config = TrainingConfig(hidden=HIDDEN)
    dynamics = make_dynamics(config, 4 if shift else 0, shift)
    w1 = np.zeros((CHANNELS, padded(HIDDEN)), np.float32)
    w2 = np.zeros((padded(HIDDEN), CLASSES), np.float32)
    w1[:, :HIDDEN] = 0.3 * rng.standard_normal((CHANNELS, HIDDEN))
    w2[:HIDDEN] = 0.2 * rng.standard_normal((HIDDEN, CLASSES))
    y = rng.integers(0, CLASSES, size=SAMPLES)
    return encoding.levels(x, 0.5), y.astype(np.int64), np.arange(SAMPLES, dtype=np.uint64), w1, w2, dynamics


def make_rule(**changes):
    base = changing.Rule(np.float32(5e-3), np.float32(2e-3), np.float32(0), True, 0, GRADIENTS["resume"], False)
    return base._replace(**changes)


def test_encoding_draws_the_same_bits_as_the_oracle(oracle):
    rows = np.array([[0, 1, 2048, 30000, 65535, 65536, 40000, 16384]], np.int32)
    every = np.uint64(all_steps(50))
    for sample in range(5):
        trains = np.empty(8, np.uint64)
        key = np.uint64(encoding.presentation_key(STREAM, 2, sample))
        assert int(key) == oracle.presentation_key(STREAM, 2, sample)
        encoding.encode(rows[0], key, every, trains)
        bits = np.array([[int(train) >> t & 1 for train in trains] for t in range(64)], bool)
        np.testing.assert_array_equal(bits[:50], oracle.encode(rows[0], int(key), 50))
        assert not bits[50:].any()


@settings(max_examples=20, deadline=None)
@given(level=st.integers(0, 65536), seed=st.integers(0, 2**31))
def test_encoding_fires_at_the_stated_rate(level, seed):
    row = np.full(400, level, np.int32)
    trains = np.empty(400, np.uint64)
    encoding.encode(row, encoding.stream_key(seed, 0), np.uint64(all_steps(64)), trains)
    n = 400 * 64
    p = level / 65536
    fired = sum(int(train).bit_count() for train in trains)
    assert abs(fired - n * p) <= 6 * np.sqrt(n * p * (1 - p)) + 1e-9


def test_encoding_refuses_what_is_not_in_range():
    for bad in ([[0.5, 1.2]], [[np.nan]], [[-0.1]], [0.5]):
        with pytest.raises(UsageError):
            encoding.levels(np.array(bad), 0.5)
    with pytest.raises(UsageError, match="probability"):
        encoding.levels(np.array([[0.5]]), 0.0)


def test_forward_pass_gives_the_oracle_s_classes_and_counts(oracle, rng):
    x, _, ids, w1, w2, dynamics = small_network(rng)
    scores = np.empty((SAMPLES, CLASSES))
    found = predict(encoding.Presentations(x, ids, STREAM, 4), w1, w2, dynamics, QUIET, scores)
    for k in range(SAMPLES):
        spikes = oracle.encode(x[k], oracle.presentation_key(STREAM, 4, k), dynamics.steps)
        hidden, output, potential = oracle.forward(spikes, w1.astype(float), w2.astype(float), dynamics)
        assert hidden[:, :HIDDEN].any()
        assert not hidden[:, HIDDEN:].any()
        np.testing.assert_array_equal(np.floor(scores[k]), output.sum(axis=0))
        assert found[k] == oracle.winner(output, potential)


@pytest.mark.parametrize(
    ("changed", "shift"),
    [
        ({}, 0.0),
        ({}, 0.9),
        ({"gated": False}, 0.0),
        ({"non_hebbian": np.float32(0.2)}, 0.0),
        ({"margin": 1}, 0.0),
    ],
)
def test_offline_epoch_changes_weights_as_the_oracle_does(oracle, rng, changed, shift):
    x, y, ids, w1, w2, dynamics = small_network(rng, shift)
    rule = make_rule(**changed)
    a, b = w1[:, :HIDDEN].astype(float), w2[:HIDDEN].astype(float)
    order = rng.permutation(SAMPLES)
    right = offline_epoch(Lesson(encoding.Presentations(x, ids, STREAM, 7), y, order), w1, w2, rule, dynamics, QUIET)
    expected_right = 0
    for k in order:
        key = oracle.presentation_key(STREAM, 7, k)
        row = oracle.shifted(x[k], 4, key, shift) if shift else x[k]
        inputs = oracle.encode(row, key, dynamics.steps)
        hidden, output, potential = oracle.forward(inputs, a, b, dynamics)
        expected_right += oracle.winner(output, potential) == y[k]
        wanted = oracle.changes(y[k], inputs, hidden, output, b, rule, dynamics)
        if wanted is not None:
            a, b = a + wanted[0], b + wanted[1]
    assert right == expected_right
    np.testing.assert_allclose(w1[:, :HIDDEN], a, atol=2e-6)
    np.testing.assert_allclose(w2[:HIDDEN], b, atol=2e-6)
    assert not w1[:, HIDDEN:].any()
    assert not w2[HIDDEN:].any()


@pytest.mark.slow
def test_a_surrogate_gradient_is_that_of_forward_differentiation(oracle, rng):
    """Each presentation by itself: the answers to one change of a weight grow apart after a few."""
    x, y, ids, w1, w2, dynamics = small_network(rng)
    w2[:HIDDEN] *= 3  # so that outputs spike and rest
    rule = make_rule(gradient=GRADIENTS["surrogate"], deep=True, eta1=np.float32(0.5), eta2=np.float32(0.3))
    changed = 0
    for k in range(SAMPLES):
        inputs = oracle.encode(x[k], oracle.presentation_key(STREAM, 7, k), dynamics.steps)
        a, b = w1[:, :HIDDEN].astype(float), w2[:HIDDEN].astype(float)
        wanted = oracle.surrogate_changes(y[k], inputs, a, b, rule, dynamics)
        own1, own2 = w1.copy(), w2.copy()
        lesson = Lesson(encoding.Presentations(x, ids, STREAM, 7), y, np.array([k]))
        offline_epoch(lesson, own1, own2, rule, dynamics, QUIET)
        assert not own1[:, HIDDEN:].any()
        assert not own2[HIDDEN:].any()
        if wanted is None:
            np.testing.assert_array_equal(own1, w1)
            continue
        changed += 1
        for own, before, change in ((own1[:, :HIDDEN], a, wanted[0]), (own2[:HIDDEN], b, wanted[1])):
            assert abs(change).max() > 1e-3
            np.testing.assert_allclose(own - before, change, atol=3e-6)
    assert changed > SAMPLES // 2


@pytest.mark.parametrize("reference", [None, 0.5])
@pytest.mark.parametrize(("accumulate", "alpha"), [("reset", 1.0), ("literal", 0.7), ("leaky", 0.5)])
def test_insitu_epoch_gives_the_same_pulses_as_device_array(oracle, rng, card, reference, accumulate, alpha):
    x, y, ids, w1, w2, dynamics = small_network(rng)
    rule = make_rule()
    theta = (3e-2, 2e-2)
    shapes = ((CHANNELS, HIDDEN), (HIDDEN, CLASSES))
    padding = (w1.shape, w2.shape)
    fast, plain = [], []
    for number, w in enumerate((w1[:, :HIDDEN], w2[:HIDDEN])):
        start = states(w, 2.0, 0.5, reference is None)
        arrays = [DeviceArray(card, start.size, number, initial=start) for _ in range(2)]
        coin = encoding.stream_key(number, 9)
        stuck = np.zeros(start.size, bool)
        fast.append(make_layer(arrays[0], WeightMap(shapes[number], 2.0, reference), padding[number], coin, stuck))
        plain.append(oracle.Layer(arrays[1], shapes[number], 2.0, reference, coin))
    policy = get_policy(accumulate)
    more = (NUMBERS[accumulate], policy.most, policy.summed, policy.verifies)
    thresholds = [Threshold(np.float32(t), np.float32(alpha), *more) for t in theta]
    order = rng.permutation(SAMPLES)
    lesson = Lesson(encoding.Presentations(x, ids, STREAM, 1), y, order)
    insitu_epoch(lesson, tuple(fast), tuple(thresholds), rule, dynamics, QUIET)
    for k in order:
        inputs = oracle.encode(x[k], oracle.presentation_key(STREAM, 1, k), dynamics.steps)
        hidden, output, _ = oracle.forward(inputs, plain[0].w, plain[1].w, dynamics)
        wanted = oracle.changes(y[k], inputs, hidden, output, plain[1].w, rule, dynamics)
        for layer, dw, t in zip(plain, wanted, theta, strict=True):
            layer.settle(dw, t, accumulate, alpha)
    for layer, expected in zip(fast, plain, strict=True):
        rows, columns = expected.shape
        assert layer.pulses[0] > 20
        np.testing.assert_array_equal(layer.array.pulses, expected.array.pulses)
        np.testing.assert_array_equal(layer.array.r, expected.array.r)
        np.testing.assert_allclose(layer.w[:rows, :columns], expected.w, atol=1e-6)
        np.testing.assert_allclose(layer.sums[:rows, :columns], expected.sums, atol=1e-5)


def test_stuck_devices_never_move(rng, card):
    x, y, ids, w1, w2, dynamics = small_network(rng)
    layers = []
    for number, w in enumerate((w1[:, :HIDDEN], w2[:HIDDEN])):
        start = states(w, 2.0, 0.5, True)
        stuck = rng.random(start.size) < 0.5
        array = DeviceArray(card, start.size, number, initial=start)
        padding = (w1.shape, w2.shape)[number]
        layers.append((make_layer(array, WeightMap(w.shape, 2.0), padding, STREAM, stuck), start, stuck))
    threshold = Threshold(np.float32(1e-2), np.float32(1), NUMBERS["reset"], 1, True, False)
    lesson = Lesson(encoding.Presentations(x, ids, STREAM, 1), y, np.arange(SAMPLES))
    insitu_epoch(lesson, (layers[0][0], layers[1][0]), (threshold, threshold), make_rule(), dynamics, QUIET)
    for layer, start, stuck in layers:
        np.testing.assert_array_equal(layer.array.r[stuck], start[stuck])
        assert (layer.array.r[~stuck] != start[~stuck]).any()


@settings(max_examples=30, deadline=None)
@given(w=st.floats(-1.5, 1.5), scale=st.floats(1.5, 4.0), middle=st.floats(0.1, 0.9), pair=st.booleans())
def test_states_and_weights_are_inverse_where_the_window_allows(w, scale, middle, pair):
    if not pair and not 0 <= middle + w / scale <= 1:
        return
    r = states(np.array([[w]]), scale, middle, pair)
    assert ((r >= 0) & (r <= 1)).all()
    back = WeightMap((1, 1), scale, None if pair else middle).weights(r)
    assert back[0, 0] == pytest.approx(w, abs=1e-9)


def test_prediction_does_not_depend_on_order_or_batches(rng):
    x, _, ids, w1, w2, dynamics = small_network(rng)

    def run(rows):
        scores = np.empty((len(rows), CLASSES))
        predict(encoding.Presentations(x[rows], ids[rows], STREAM, 0), w1, w2, dynamics, QUIET, scores)
        return scores

    whole = run(np.arange(SAMPLES))
    order = rng.permutation(SAMPLES)
    np.testing.assert_array_equal(run(order), whole[order])
    np.testing.assert_array_equal(np.vstack([run(order[:3]), run(order[3:])]), whole[order])


def test_read_noise_is_fresh_scaled_and_nearly_normal():
    from snn.network.neurons import bell

    draws = np.array([bell(np.uint64(5), np.uint64(k)) for k in range(20000)])
    assert draws.mean() == pytest.approx(0, abs=5 / np.sqrt(20000))
    assert draws.std() == pytest.approx(1, abs=0.03)
    assert np.mean(np.abs(draws) < 1) == pytest.approx(0.683, abs=0.02)
