"""Layers that forget, pulse by pulse: what stays, what each term holds, and what is read, by the recursion itself.

The functions are run as plain Python here: nothing is compiled but what a device's step is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.device.measured import Term, Volatile
from devicekit.models.kernel import MAX_SHAPE
from snn.network import fading
from snn.network.crossbar import PulseRequests, WeightMap, make_layer

SHAPE, WHOLE = (2, 3), (2, 192)
TAU, KEPT, SHARES = np.array([1.0, 4.0]), 0.25, np.array([0.5, 0.25])  # kept and shares sum to 1
PERIOD, PRESENTATION = 0.3, 2.0
START = np.array([0.2, 0.35, 0.5, 0.6, 0.75, 0.9])


@pytest.fixture(autouse=True)
def _as_python(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "renew",
        "start_again",
        "pass_on",
        "apply_pulses_with_decay",
        "next_presentation",
        "pulse_one",
        "observed_state",
    ):
        monkeypatch.setattr(fading, name, getattr(fading, name).py_func)
    mix = fading.mix

    def words(key: int, counter: int) -> np.uint64:
        """Compiled code hands a word over as a signed number."""
        return np.uint64(int(mix(np.uint64(key), np.uint64(counter))) % 2**64)

    monkeypatch.setattr(fading, "mix", words)


def forgetful(card: DeviceCard) -> DeviceCard:
    block = Volatile(
        source="made",
        kernel="double",
        parameters={"tau_s": 1.0, "tau2_s": 4.0, "share": 2 / 3},
        persistent_share=KEPT,
        terms=(Term(tau_s=1.0, share=2 / 3), Term(tau_s=4.0, share=1 / 3)),
        terms_error=0.0,
        n=0,
    )
    return card.with_blocks({"volatile": block}, replace=True)


def layer_of(card: DeviceCard, start: np.ndarray, reference: float | None, stuck: np.ndarray | None = None) -> Any:
    array = DeviceArray(forgetful(card), start.size, 1, initial=start, c2c="none", d2d="none")
    assert array.fading is not None
    held = np.zeros(start.size, bool) if stuck is None else stuck
    layer = make_layer(array, WeightMap(SHAPE, 2.0, reference), WHOLE, np.uint64(3), held)
    made = fading.make_fading(layer, array.fading, SHAPE, PERIOD, PRESENTATION)
    assert made.shares == pytest.approx(SHARES)
    return made


def pulse(layer: Any, synapses: list[int], pulses: list[int], verifies: bool = False, level: float = 0.05) -> None:
    requests = PulseRequests(np.array(synapses), np.array(pulses))
    fading.apply_pulses_with_decay(
        layer, requests, len(synapses), verifies, np.float32(level), np.float32(0.0), np.uint64(1), np.empty(MAX_SHAPE)
    )


class Device:
    """One device by the recursion: p and v_m, pulses and waits."""

    def __init__(self, card: DeviceCard, start: float) -> None:
        self.card, self.p, self.v = card, start, np.zeros(2)

    @property
    def state(self) -> float:
        return self.p + float(self.v.sum())

    def pulse(self, sign: int) -> None:
        change = float(self.card.rate("ltp" if sign > 0 else "ltd", np.array([self.state]))[0])
        self.p, self.v = self.p + KEPT * change, self.v + SHARES * change

    def wait(self, seconds: float) -> None:
        self.v = self.v * np.exp(-seconds / TAU)


@pytest.fixture
def quiet(card_maker: Callable[..., DeviceCard]) -> DeviceCard:
    return card_maker(increment=0.0)


def test_pulses_come_a_period_apart_and_only_what_stays_stays(quiet: DeviceCard) -> None:
    """Synapse 1 gets three LTP pulses, synapse 3 one LTD pulse; then nothing till the next presentation."""
    layer = layer_of(quiet, START, 0.5)
    pulse(layer, [1, 3], [3, -1])
    one, other = Device(quiet, START[1]), Device(quiet, START[3])
    other.pulse(-1)
    for k in range(3):
        if k:
            one.wait(PERIOD)
            other.wait(PERIOD)
        one.pulse(1)
    assert layer.elapsed[0] == pytest.approx(2 * PERIOD)
    assert layer.factor == pytest.approx(np.exp(-2 * PERIOD / TAU))
    for k, device in ((1, one), (3, other)):
        assert layer.persistent[k] == pytest.approx(device.p, rel=1e-12)
        assert layer.parts[k] * layer.factor == pytest.approx(device.v, rel=1e-12)
    assert layer.w[0, 1] == pytest.approx(2 * (one.state - 0.5), rel=1e-6)
    # the weight of a synapse is what it was right after its own last pulse, until it is read anew
    first = Device(quiet, START[3])
    first.pulse(-1)
    assert layer.w[1, 0] == pytest.approx(2 * (first.state - 0.5), rel=1e-6)
    assert layer.stays[0, 1] == pytest.approx(2 * (one.p - 0.5), rel=1e-6)
    assert (layer.pulses[0], layer.reads[0]) == (4, 0)
    assert layer.array.pulses.tolist() == [0, 3, 0, 1, 0, 0]
    fading.next_presentation(layer)
    one.wait(PRESENTATION - 2 * PERIOD)
    other.wait(PRESENTATION - 2 * PERIOD)
    assert layer.elapsed[0] == 0.0
    fading.renew(layer, np.array([1, 1]), False)
    assert layer.w[0, 1] == pytest.approx(2 * (one.state - 0.5), rel=1e-6)
    assert layer.w[1, 0] == pytest.approx(2 * (other.state - 0.5), rel=1e-6)


def test_either_device_of_a_pair_moves_the_weight_the_way_it_is_asked(quiet: DeviceCard) -> None:
    start = np.repeat(START, 2) + np.tile([0.05, -0.05], 6)
    layer = layer_of(quiet, start, None)
    before = layer.w.copy()
    pulse(layer, list(range(6)), [1, 1, 1, -1, -1, -1])
    given = np.asarray(layer.array.pulses).reshape(6, 2)
    assert given.sum(axis=1).tolist() == [1] * 6
    assert 0 < given[:, 0].sum() < 6  # by chance, of the plus devices and of the minus ones
    for k in range(6):
        plus, minus = (Device(quiet, each) for each in start[2 * k : 2 * k + 2])
        up = 1 if k < 3 else -1
        (plus if given[k, 0] else minus).pulse(up if given[k, 0] else -up)
        i, j = divmod(k, 3)
        assert layer.w[i, j] == pytest.approx(2 * (plus.state - minus.state), abs=1e-6)
        assert layer.stays[i, j] == pytest.approx(2 * (plus.p - minus.p), abs=1e-6)
        assert np.sign(layer.w[i, j] - before[i, j]) == up
        for m in range(2):
            assert layer.terms[m * WHOLE[0] + i, j] == pytest.approx(2 * (plus.v[m] - minus.v[m]), abs=1e-6)


def test_measured_changes_with_decay_are_subtracted_from_the_sum(quiet: DeviceCard) -> None:
    """Two pulses a period apart: what was forgotten between them was not done."""
    layer = layer_of(quiet, START, 0.5)
    layer.sums[0, 2] = 0.3
    pulse(layer, [2], [2], verifies=True)
    device = Device(quiet, START[2])
    device.pulse(1)
    device.wait(PERIOD)
    device.pulse(1)
    assert layer.sums[0, 2] == pytest.approx(0.3 - 2 * (device.state - START[2]), abs=1e-6)
    assert (layer.pulses[0], layer.reads[0]) == (2, 2)


def test_what_is_read_before_pulses_holds_what_is_not_forgotten_yet(quiet: DeviceCard) -> None:
    layer = layer_of(quiet, START, 0.5)
    layer.parts[2] = (0.1, 0.05)
    fading.take_over(layer, SHAPE)
    layer.factor[:] = (0.5, 0.8)
    pulse(layer, [2], [1], verifies=True)
    device = Device(quiet, START[2])
    device.v = np.array([0.05, 0.04])
    before = device.state
    device.pulse(1)
    assert layer.sums[0, 2] == pytest.approx(-2 * (device.state - before), abs=1e-6)
    assert layer.w[0, 2] == pytest.approx(2 * (device.state - 0.5), rel=1e-6)


def test_a_stuck_device_takes_pulses_and_does_not_move(quiet: DeviceCard) -> None:
    stuck = np.zeros(6, bool)
    stuck[4] = True
    layer = layer_of(quiet, START, 0.5, stuck)
    layer.sums[1, 1] = 5.0
    pulse(layer, [4], [3], verifies=True)
    assert (layer.sums[1, 1], layer.array.pulses[4]) == (5.0, 3)
    pulse(layer, [4], [4], verifies=True)  # from four pulses without a move on
    assert (layer.sums[1, 1], layer.array.pulses[4]) == (0.0, 7)
    assert layer.persistent[4] == START[4]
    assert layer.w[1, 1] == pytest.approx(2 * (START[4] - 0.5), rel=1e-6)


def test_a_term_starts_again_after_twenty_time_constants_and_drops_what_is_nothing(quiet: DeviceCard) -> None:
    """Synapse 0 holds 1e-2 of the first term, synapse 5 holds 1e-4: e^-20.5 of these is above and below 1e-12."""
    layer = layer_of(quiet, START, 0.5)
    layer.parts[0], layer.parts[5] = (1e-2, 0.02), (1e-4, 0.0)
    fading.take_over(layer, SHAPE)
    assert layer.touches.tolist() == [2, 1]
    assert layer.w[0, 0] == pytest.approx(2 * (START[0] + 0.03 - 0.5), rel=1e-6)
    fading.pass_on(layer, 19.9)
    assert layer.factor == pytest.approx(np.exp(-19.9 / TAU))
    fading.pass_on(layer, 0.6)
    left = math.exp(-20.5)
    assert layer.factor == pytest.approx([1.0, math.exp(-20.5 / 4)])
    assert layer.parts[:, 0] == pytest.approx([1e-2 * left, 0, 0, 0, 0, 0], rel=1e-9)
    assert layer.parts[0, 1] == 0.02
    assert layer.touches.tolist() == [1, 1]
    assert layer.touched[0, 0] == 0
    assert layer.is_touched[0].tolist() == [True, False, False, False, False, False]
    assert layer.terms[0, 0] == pytest.approx(2 * 1e-2 * left, rel=1e-6)
    assert layer.terms[1, 2] == 0.0
    assert layer.w[1, 2] == pytest.approx(2 * (START[5] - 0.5), rel=1e-6)  # nothing of it is left


def test_a_pair_s_term_that_starts_again_is_plus_less_minus(quiet: DeviceCard) -> None:
    start = np.repeat(START, 2)
    layer = layer_of(quiet, start, None)
    layer.parts[2], layer.parts[3] = (0.3, 0.0), (0.1, 0.0)  # synapse 1
    fading.take_over(layer, SHAPE)
    layer.factor[0] = 0.25
    fading.start_again(layer, 0)
    assert (layer.parts[2, 0], layer.parts[3, 0], layer.factor[0]) == pytest.approx((0.075, 0.025, 1.0))
    assert layer.terms[0, 1] == pytest.approx(2 * (0.075 - 0.025))
    assert layer.touches[0] == 1


def test_only_rows_that_may_fire_are_read_anew(quiet: DeviceCard) -> None:
    """Terms of few synapses are done one by one, whatever fires; of no time nothing passes."""
    layer = layer_of(quiet, START, 0.5)
    layer.parts[1] = (0.1, 0.2)
    fading.take_over(layer, SHAPE)
    layer.factor[:] = (0.5, 0.25)
    fading.pass_on(layer, 0.0)
    assert layer.factor.tolist() == [0.5, 0.25]
    layer.w[0, 1] = 9.0
    fading.renew(layer, np.array([1, 0]), False)
    assert layer.w[0, 1] == pytest.approx(2 * (START[1] + 0.05 + 0.05 - 0.5), abs=1e-6)
