"""Pulses on weights and devices of both layers, worked out by hand: steps, stuck devices, sums, energy, programming."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from devicekit.device.array import DeviceArray
from devicekit.device.blocks import Conditions, Window
from devicekit.device.card import DeviceCard
from devicekit.models.kernel import MAX_SHAPE
from snn.config import TrainingConfig
from snn.network import changes as changing
from snn.network import encoding
from snn.network.crossbar import (
    Layer,
    PulseRequests,
    Threshold,
    WeightMap,
    apply_pulses,
    make_layer,
    pulse_request_each,
)
from snn.network.epochs import Lesson, insitu_epoch
from snn.network.learning import NUMBERS as GRADIENTS
from snn.network.pulsing import NUMBERS
from snn.recipe import choose
from snn.synapses import Synapses, program_states

from .presented import ALWAYS, WIDTH, dynamics, noise

MEMORY = np.empty(MAX_SHAPE)


def pulse(layer: Layer, i: int, j: int, sign: int) -> None:
    """One pulse that moves weight [i, j] in the direction `sign`."""
    requests = PulseRequests(np.array([i * layer.columns + j]), np.array([sign]))
    apply_pulses(layer, requests, 1, False, np.float32(1.0), np.float32(0.0), np.uint64(1), MEMORY)


def layer(card: DeviceCard, stuck: list[bool], reference: float | None = None, coin: int = 2) -> Layer:
    """One synapse of weight 0: a pair, or one device against a reference."""
    array = DeviceArray(card, len(stuck), 3, initial=np.full(len(stuck), 0.5), c2c="none")
    return make_layer(array, WeightMap((1, 1), 2.0, reference), (1, 1), encoding.stream_key(4, coin), np.array(stuck))


@pytest.mark.parametrize(("stuck", "mover"), [([True, False], 1), ([False, True], 0)])
def test_a_pulse_on_a_stuck_device_is_given_and_counted(card: DeviceCard, stuck: list[bool], mover: int) -> None:
    """A fair coin chooses the device each time: about half of 400 pulses go to the stuck one and move nothing."""
    pair = layer(card, stuck)
    for k in range(400):
        pulse(pair, 0, 0, 1 if k % 2 else -1)
    counts = pair.array.pulses
    assert pair.pulses[0] == 400
    assert counts.sum() == 400
    assert abs(counts[mover] - 200) <= 4 * math.sqrt(400) / 2
    assert pair.array.r[1 - mover] == 0.5
    assert pair.array.r[mover] != 0.5
    assert pair.w[0, 0] == pytest.approx(2.0 * (pair.array.r[0] - pair.array.r[1]), abs=1e-7)


@pytest.mark.parametrize("reference", [None, 0.5])
def test_pulses_on_a_synapse_that_is_all_stuck_count_and_change_nothing(
    card: DeviceCard, reference: float | None
) -> None:
    synapse = layer(card, [True] * (2 if reference is None else 1), reference)
    for _ in range(20):
        pulse(synapse, 0, 0, 1)
    assert synapse.pulses[0] == 20
    assert (synapse.array.r == 0.5).all()
    assert synapse.w[0, 0] == 0.0


@pytest.mark.parametrize("sign", [1, -1])
def test_a_pulse_moves_the_weight_by_the_scaled_step_of_one_device(card: DeviceCard, sign: int) -> None:
    """w = c (r+ - r-): LTP of the plus device or LTD of the minus one, of equal size on a symmetric card."""
    step = abs(float(card.rate("ltp", 0.5)))
    assert step == pytest.approx(abs(float(card.rate("ltd", 0.5))), rel=1e-9)
    moved = []
    for coin in range(12):
        pair = layer(card, [False, False], coin=coin)
        pulse(pair, 0, 0, sign)
        assert pair.w[0, 0] == pytest.approx(sign * 2.0 * step, rel=1e-6)
        moved += np.flatnonzero(pair.array.pulses).tolist()
    assert len(moved) == 12
    assert set(moved) == {0, 1}  # by chance the one or the other
    single = layer(card, [False], 0.5)
    pulse(single, 0, 0, sign)
    assert single.w[0, 0] == pytest.approx(sign * 2.0 * step, rel=1e-6)


@pytest.mark.parametrize(
    ("mode", "alpha", "sums", "pulses"),
    [
        # dC = 0.4 + S / 2 with S the sum of dw before it: .4, .6, .8, 1.0, 1.2, the last two above 0.9
        ("literal", 0.5, [0.4, 0.8, 1.2, 1.6, 2.0], [0, 0, 0, 1, 2]),
        # dC = 0.4 + dC' / 2: .4, .6, .7, .75, .775, never above 0.9
        ("leaky", 0.5, [0.4, 0.6, 0.7, 0.75, 0.775], [0, 0, 0, 0, 0]),
        # and without forgetting .4, .8, 1.2, 1.6, 2.0
        ("leaky", 1.0, [0.4, 0.8, 1.2, 1.6, 2.0], [0, 0, 1, 2, 3]),
    ],
)
def test_sums_that_are_never_reset(
    card: DeviceCard, mode: str, alpha: float, sums: list[float], pulses: list[int]
) -> None:
    synapse = layer(card, [False], 0.5)
    threshold = Threshold(np.float32(0.9), np.float32(alpha), NUMBERS[mode], 1, False, False)
    seen, given = [], []
    requests = PulseRequests(np.empty(1, np.int64), np.empty(1, np.int64))
    for _ in range(5):
        change, key = np.array([0.4], np.float32), np.uint64(1)
        asked = pulse_request_each(synapse.sums[0, :1], 0, change, threshold, key, requests, 0)
        apply_pulses(synapse, requests, asked, False, np.float32(1.0), np.float32(0.0), key, MEMORY)
        seen.append(float(synapse.sums[0, 0]))
        given.append(int(synapse.pulses[0]))
    np.testing.assert_allclose(seen, sums, rtol=1e-6)
    assert given == pulses


def test_a_sum_beyond_the_threshold_gives_one_pulse_and_starts_again(card: DeviceCard) -> None:
    """dW2 = eta2 = 0.3 each time the class does not fire; above 0.7 in the third presentation: sums .3, .6, 0, .3."""
    hidden = np.zeros((1, WIDTH), np.float32)
    hidden[0, 0] = 1.0  # the input makes the one hidden unit fire
    first = layer(card, [False], 0.5)._replace(w=hidden, sums=np.zeros_like(hidden))
    array = DeviceArray(card, 2, 1, initial=np.full(2, 0.5), c2c="none")
    second = make_layer(array, WeightMap((1, 2), 2.0, 0.5), (WIDTH, 2), np.uint64(1), np.zeros(2, bool))
    rule = changing.Rule(np.float32(0.0), np.float32(0.3), np.float32(0.0), True, 0, GRADIENTS["resume"], False)
    threshold = Threshold(np.float32(0.7), np.float32(1.0), NUMBERS["reset"], 1, True, False)
    zero = np.zeros(1, np.int64)
    shown = encoding.Presentations(np.full((1, 1), ALWAYS, np.int32), zero.astype(np.uint64), np.uint64(5), 0)
    sums, given = [], []
    for epoch in range(4):
        lesson = Lesson(shown._replace(epoch=epoch), zero, zero)
        insitu_epoch(lesson, (first, second), (threshold, threshold), rule, dynamics(hidden=1), noise())
        sums.append(float(second.sums[0, 0]))
        given.append(int(second.pulses[0]))
    np.testing.assert_allclose(sums, [0.3, 0.6, 0.0, 0.3], rtol=1e-5)
    assert given == [0, 0, 1, 1]
    assert second.w[0, 0] == pytest.approx(2.0 * float(card.rate("ltp", 0.5)), rel=1e-6)
    assert second.w[0, 1] == 0.0


def test_energy_of_the_pulses_is_v_squared_g_t(card_maker: Callable[..., DeviceCard]) -> None:
    """1 V and -2 V: 2.5 V^2 in the mean, times 50 uS, times 10 us, times the pulses."""
    window = Window(quantity="conductance_s", low=2e-5, high=8e-5, scope="made")
    at = Conditions(pulse_width_s=1e-5, ltp_voltage_v=1.0, ltd_voltage_v=-2.0)
    card = card_maker().model_copy(update={"window": window, "conditions": at})
    config = TrainingConfig(hidden=64)
    synapses = Synapses.start(card, config, choose(config, card), [np.zeros((2, 64)), np.zeros((64, 3))])
    first, second = synapses.layers
    for j in range(7):
        pulse(first, 1, j, 1)
    pulse(second, 5, 2, -1)
    assert synapses.total_pulses == 8
    assert synapses.write_energy == pytest.approx(8 * 2.5 * 5e-5 * 1e-5, rel=1e-12)
    assert synapses.pulses_per_layer == pytest.approx((7 / 256, 1 / 384))
    assert synapses.pulses_per_device == pytest.approx(8 / 640)


@pytest.mark.parametrize("mapping", ["pair", "reference"])
def test_a_loss_of_every_state_shrinks_what_the_weights_are_made_of(card: DeviceCard, mapping: str) -> None:
    """States lose a quarter: c (r+ - r-) shrinks to three quarters, c (r - reference) to c (3 r / 4 - reference)."""
    config = TrainingConfig(hidden=64, mapping=mapping)  # type: ignore[arg-type]
    recipe = choose(config, card)
    rng = np.random.default_rng(1)
    start = [0.1 * rng.standard_normal(shape) for shape in ((2, 64), (64, 3))]
    synapses = Synapses.start(card, config, recipe, start)
    lost = synapses.read(0.25)
    for number, (before, w) in enumerate(zip(synapses.read(0.0), start, strict=True)):
        rows, columns = w.shape
        np.testing.assert_allclose(before[:rows, :columns], w, atol=1e-6)
        assert recipe.middle is not None
        offset = 0.0 if mapping == "pair" else -0.25 * recipe.scales[number] * recipe.middle
        np.testing.assert_allclose(lost[number][:rows, :columns], 0.75 * w + offset, atol=1e-6)


def test_programming_rounds_to_levels_and_scatters() -> None:
    """5 levels are 0, 1/4, ... 1; the scatter is program_sigma, clipped to the window."""
    r = np.array([0.0, 0.1, 0.13, 0.37, 0.38, 0.6, 0.9, 1.0])
    exact = TrainingConfig(levels=5, program_sigma=0.0)
    np.testing.assert_array_equal(
        program_states(r, exact, np.random.default_rng(0)), [0.0, 0.0, 0.25, 0.25, 0.5, 0.5, 1.0, 1.0]
    )
    many = program_states(np.full(20_000, 0.5), TrainingConfig(levels=0, program_sigma=0.03), np.random.default_rng(0))
    assert many.mean() == pytest.approx(0.5, abs=4 * 0.03 / math.sqrt(20_000))
    assert many.std() == pytest.approx(0.03, rel=4 / math.sqrt(40_000))
    ends = program_states(np.full(1000, 1.0), TrainingConfig(levels=0, program_sigma=0.1), np.random.default_rng(0))
    assert ends.max() == 1.0
