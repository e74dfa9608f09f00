"""What the network must answer, worked out by hand: sums of noisy reads, ties, errors carried back, stuck devices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from devicekit.device.array import DeviceArray
from devicekit.device.blocks import Conditions, Window
from devicekit.device.card import DeviceCard
from devicekit.models.kernel import MAX_SHAPE
from snn.config import TrainingConfig
from snn.gradients import resume
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
from snn.network.neurons import Dynamics, Noise, Scratch, hold, is_held, make_scratch, padded, predict, present
from snn.network.pulsing import NUMBERS
from snn.recipe import choose
from snn.synapses import Synapses, program_states

ALWAYS = 65536  # the level of an input that fires in every step
WIDTH = padded(64)
DRAWS = 4000
MEMORY = np.empty(MAX_SHAPE)


def pulse(layer: Layer, i: int, j: int, sign: int) -> None:
    """One pulse that moves weight [i, j] in the direction `sign`."""
    requests = PulseRequests(np.array([i * layer.columns + j]), np.array([sign]))
    apply_pulses(layer, requests, 1, False, np.float32(1.0), np.float32(0.0), np.uint64(1), MEMORY)


def dynamics(steps: int = 1, hidden: int = 64, **changes: Any) -> Dynamics:
    """Neurons that forget all between steps, unless changed."""
    zero = np.float32(0.0)
    usual = Dynamics(hidden, steps, zero, zero, zero, 0, 0, 1, 0, 0.0)
    return usual._replace(**changes)


def noise(hidden: float = 0.0, output: float = 0.0) -> Noise:
    return Noise(np.float32(hidden), np.float32(output))


def network(units: int, outputs: list[float], first: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """One input that drives `units` hidden ones by `first`, each of them every output by that output's weight."""
    w1, w2 = np.zeros((1, WIDTH), np.float32), np.zeros((WIDTH, len(outputs)), np.float32)
    w1[0, :units] = first
    w2[:units] = outputs
    return w1, w2


def show(
    w1: np.ndarray, w2: np.ndarray, how: Dynamics, read: Noise, key: int = 1, inputs: int = 1
) -> tuple[int, Scratch]:
    """The winner of one presentation in which every input fires in every step, and the kernel's memory after it."""
    scratch = make_scratch(w1.shape[0], WIDTH, w2.shape[1], how.steps)
    levels = np.full(inputs, ALWAYS, np.int32)
    return present(levels, np.uint64(encoding.stream_key(7, key)), w1, w2, how, read, scratch), scratch


@pytest.mark.parametrize(("n", "sigma"), [(1, 0.1), (4, 0.05), (25, 0.03)])
def test_the_sum_of_n_noisy_reads_has_sqrt_n_times_the_noise(n: int, sigma: float) -> None:
    """n hidden spikes reach an output in one step: mean n w, sd sqrt(n) sigma, the outputs independent."""
    w1, w2 = network(n, [0.1 / n, -0.2 / n])
    found = np.array([show(w1, w2, dynamics(), noise(output=sigma), key)[1].potential for key in range(DRAWS)])
    sd = sigma * math.sqrt(n)
    np.testing.assert_allclose(found.mean(axis=0), [0.1, -0.2], atol=4 * sd / math.sqrt(DRAWS))
    np.testing.assert_allclose(found.std(axis=0), sd, rtol=4 / math.sqrt(2 * DRAWS))
    assert abs(np.corrcoef(found.T)[0, 1]) < 4 / math.sqrt(DRAWS)


def test_telegraph_noise_has_two_levels_a_device_held_while_an_image_is_shown() -> None:
    """A pair is at -2, 0 or 2 half steps, one to two to one; a device against a reference at -1 or 1."""
    w1, w2 = np.zeros((40, WIDTH), np.float32), np.full((WIDTH, 3), 0.25, np.float32)
    how = dynamics(hidden=50)
    found = []
    for devices, levels in ((2, (-0.2, 0.0, 0.2)), (1, (-0.1, 0.1))):
        held = Noise(np.float32(0), np.float32(0), np.float32(0.1), np.float32(0.1), devices)
        scratch = make_scratch(40, WIDTH, 3, how.steps, True)
        hold(w1, w2, how, held, np.uint64(9), scratch)
        first, second = scratch.w_hidden.copy(), scratch.w_output.copy()
        assert not first[:, 50:].any()  # the padding stays silent
        assert not second[50:].any()
        np.testing.assert_allclose(np.unique(first[:, :50]), levels, atol=1e-7)
        np.testing.assert_allclose(np.unique(second[:50]), np.add(levels, 0.25), atol=1e-6)
        assert first[:, :50].std() == pytest.approx(0.1 * math.sqrt(devices), rel=4 / math.sqrt(2 * 2000))
        hold(w1, w2, how, held, np.uint64(9), scratch)
        np.testing.assert_array_equal(scratch.w_hidden, first)  # one presentation, one draw
        hold(w1, w2, how, held, np.uint64(10), scratch)
        assert (scratch.w_hidden != first).any()
        found.append(first)
    assert is_held(held)
    assert not is_held(noise(0.3, 0.3))
    # in a presentation the level stays: a unit driven by 0.95 fires in every step or in none (0.85, 1.05)
    w1, w2 = network(50, [0.0, 0.0], 0.95)
    held = Noise(np.float32(0), np.float32(0), np.float32(0.1), np.float32(0), 1)
    stream, fired = np.uint64(5), set()
    scratch = make_scratch(1, WIDTH, 2, 8, True)
    for key in range(20):
        hold(w1, w2, dynamics(8), held, np.uint64(key) + stream, scratch)
        present(np.full(1, ALWAYS, np.int32), stream, scratch.w_hidden, w2, dynamics(8), held, scratch)
        fired |= {int(scratch.fired[:, 0][t] & np.uint64(1)) for t in range(8)}
        assert len({int(scratch.fired[t, 0] & np.uint64(1)) for t in range(8)}) == 1
    assert fired == {0, 1}


def test_outputs_are_read_anew_in_each_step_and_only_where_a_spike_arrives() -> None:
    """Four hidden spikes in every one of 9 steps: the summed potential scatters by 3 times 2 sigma."""
    w1, w2 = network(4, [0.0, 0.0])
    read = noise(output=0.02)
    found = np.array([show(w1, w2, dynamics(9), read, key)[1].potential for key in range(DRAWS)])
    np.testing.assert_allclose(found.std(axis=0), 3 * 2 * 0.02, rtol=4 / math.sqrt(2 * DRAWS))
    _, quiet = show(*network(4, [0.0, 0.0], first=0.5), dynamics(9), read)
    assert not quiet.potential.any()


@pytest.mark.parametrize("n", [1, 4, 9])
def test_a_hidden_unit_s_noise_is_sqrt_n_sigma_too(n: int) -> None:
    """Its threshold stands one sd, sqrt(n) sigma, above the sum of n inputs: it fires in 15.9 % of the draws."""
    sd = 0.2
    w1 = np.full((n, WIDTH), (1.0 - sd) / n, np.float32)
    w1[:, 64:] = 0.0
    w2 = np.zeros((WIDTH, 2), np.float32)
    fired = 0
    draws = 200
    for key in range(draws):
        _, scratch = show(w1, w2, dynamics(), noise(hidden=sd / math.sqrt(n)), key, inputs=n)
        fired += int(scratch.fired[0, 0]).bit_count()
        assert not scratch.fired[0, 1:].any()
    p = 0.5 * math.erfc(1 / math.sqrt(2))
    assert fired / (draws * 64) == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / (draws * 64)) + 0.004)


@pytest.mark.parametrize(
    ("weights", "winner"), [([0.3, 0.4], 1), ([0.4, 0.3], 0), ([0.2, 0.5, 0.4], 1), ([0.3] * 3, 0)]
)
def test_a_tie_of_spikes_goes_to_the_larger_potential(weights: list[float], winner: int) -> None:
    """No output fires, so the potentials decide; of equal ones the first wins."""
    found, scratch = show(*network(1, weights), dynamics(3), noise())
    assert found == winner
    assert scratch.counts.tolist() == [0] * len(weights)
    np.testing.assert_allclose(scratch.potential, 3 * np.array(weights), rtol=1e-6)


@pytest.mark.parametrize("turned", [False, True])
def test_a_spike_outweighs_any_potential(turned: bool) -> None:
    """One output fires once and rests, the other stays at 0.9 for 9 steps: 1 against 8.1 of potential, but it wins."""
    weights = [1.0, 0.9] if turned else [0.9, 1.0]
    one = 0 if turned else 1
    how = dynamics(9, refractory=9)
    w1, w2 = network(1, weights)
    found, scratch = show(w1, w2, how, noise())
    assert found == one
    assert scratch.counts[one] == 1
    assert scratch.counts[1 - one] == 0
    assert scratch.potential[one] == pytest.approx(1.0)
    assert scratch.potential[1 - one] == pytest.approx(8.1, rel=1e-6)
    scores = np.empty((1, 2))
    levels, ids = np.full((1, 1), ALWAYS, np.int32), np.zeros(1, np.uint64)
    assert predict(encoding.Presentations(levels, ids, np.uint64(3), 0), w1, w2, how, noise(), scores)[0] == one
    # spikes + 1/2 + z / (2 (1 + z)), z the mean potential of a step
    assert scores[0, one] == pytest.approx(1.5 + 0.5 * (1 / 9) / (10 / 9), rel=1e-6)
    assert scores[0, 1 - one] == pytest.approx(0.5 + 0.5 * 0.9 / 1.9, rel=1e-6)


@pytest.mark.parametrize(("refractory", "spikes"), [(0, [0, 1, 2, 3, 4, 5, 6]), (1, [0, 2, 4, 6]), (2, [0, 3, 6])])
def test_an_output_rests_for_the_refractory_steps(refractory: int, spikes: list[int]) -> None:
    _, scratch = show(*network(1, [1.0, 0.0]), dynamics(7, refractory=refractory), noise())
    assert [t for t in range(7) if int(scratch.out_trains[0]) >> t & 1] == spikes
    assert scratch.counts[0] == len(spikes)


def carried(sigma: float, key: int, gated: bool = True) -> tuple[np.ndarray, float]:
    """W2 as it is read to carry the error of the true class back, (64,), and the weight that stands there.

    Hidden units 0 to 31 fire, 32 to 63 do not; the outputs err because class 0 should fire and does not.
    """
    w1, w2 = network(64, [0.01, 0.0])
    w1[0, 32:] = 0.0
    w2[:64, 0] = 0.01
    how, read = dynamics(1), noise(output=sigma)
    rule = changing.Rule(np.float32(0.5), np.float32(0.1), np.float32(0.0), gated, 0, GRADIENTS["resume"], False)
    _, scratch = show(w1, w2, how, noise(), key)
    changes = changing.make_changes(1, WIDTH, 2, 1)
    target = np.uint64(changing.target_train(how))
    n = resume.find(0, target, w2, rule, how, read, np.uint64(encoding.stream_key(7, key)), scratch, changes)
    assert n == 1
    assert changes.outputs[0] == 0
    return changes.back[0, :64] / 0.5, 0.01


def test_errors_are_carried_back_through_weights_read_with_noise() -> None:
    """eta1 (W2 + sigma N): one read of each weight, hence sd sigma and not its square root or a sum's."""
    keys = 200
    read = np.array([carried(0.05, key)[0][:32] for key in range(keys)])
    draws = read.size
    assert read.mean() == pytest.approx(0.01, abs=4 * 0.05 / math.sqrt(draws))
    assert read.std() == pytest.approx(0.05, rel=4 / math.sqrt(2 * draws))
    # fresh in each presentation, and another for each weight
    assert np.unique(read[0]).size > 25
    assert abs(np.corrcoef(read[0], read[1])[0, 1]) < 4 / math.sqrt(32)


def test_without_noise_errors_are_carried_back_through_the_weights_themselves() -> None:
    gated, weight = carried(0.0, 1)
    np.testing.assert_allclose(gated[:32], weight, rtol=1e-6)
    assert not gated[32:].any()  # the gate: these did not fire
    free, _ = carried(0.0, 1, gated=False)
    np.testing.assert_allclose(free, weight, rtol=1e-6)


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
