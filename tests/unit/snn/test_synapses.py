"""Devices of both layers, worked out by hand: energy, loss of states, programming."""

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
from snn.network import encoding
from snn.network.crossbar import (
    Layer,
    PulseRequests,
    WeightMap,
    apply_pulses,
    make_layer,
)
from snn.recipe import choose
from snn.synapses import Synapses, program_states

MEMORY = np.empty(MAX_SHAPE)


def pulse(layer: Layer, i: int, j: int, sign: int) -> None:
    """One pulse that moves weight [i, j] in the direction `sign`."""
    requests = PulseRequests(np.array([i * layer.columns + j]), np.array([sign]))
    apply_pulses(layer, requests, 1, False, np.float32(1.0), np.float32(0.0), np.uint64(1), MEMORY)


def layer(card: DeviceCard, stuck: list[bool], reference: float | None = None, coin: int = 2) -> Layer:
    """One synapse of weight 0: a pair, or one device against a reference."""
    array = DeviceArray(card, len(stuck), 3, initial=np.full(len(stuck), 0.5), c2c="none")
    return make_layer(array, WeightMap((1, 1), 2.0, reference), (1, 1), encoding.stream_key(4, coin), np.array(stuck))


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
