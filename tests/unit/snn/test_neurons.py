"""Neurons, worked out by hand: sums of noisy reads, ties, rests, telegraph noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from snn.network import encoding
from snn.network.neurons import Noise, hold, is_held, make_scratch, predict, present

from .presented import ALWAYS, WIDTH, dynamics, network, noise, show

DRAWS = 4000


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
