"""Vector lanes against NumPy, and the padding that they need."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from snn.config import TrainingConfig
from snn.network import encoding, lanes
from snn.network.neurons import Noise, make_scratch, padded, present
from snn.recipe import make_dynamics

WIDTH = 3 * lanes.LANES


@njit
def _on_lanes(w, rows, values, out, words, level):
    """Every operation once on the middle 64 columns; see the test for what each should give."""
    start = lanes.LANES
    v = lanes.load(values, 1, start)
    words[0] = lanes.at_least(v, level)
    words[1] = lanes.beyond(v, level)
    lanes.store(lanes.scale(v, np.float32(1.5)), out, 0, start)
    lanes.store(lanes.add(v, lanes.filled(np.float32(0.25))), out, 1, start)
    lanes.store(lanes.zero_from(v, level), out, 2, start)
    lanes.store(lanes.add_where(v, words[0], np.float32(-2.0)), out, 3, start)
    lanes.store(lanes.add_rows(v, w, rows, 1, 2, start, 1), out, 4, start)
    lanes.store(lanes.add_rows(v, w, rows, 1, 0, start, 2), out, 5, start)
    lanes.store(lanes.add_rows(v, w, rows, 1, 1, start, 4), out, 6, start)
    lanes.store(lanes.add_rows(v, w, rows, 0, 0, start, 8), out, 7, start)


def bits(word):
    return np.array([int(word) >> j & 1 for j in range(lanes.LANES)], bool)


def test_operations_are_those_of_arrays_to_the_last_bit():
    rng = np.random.default_rng(4)
    w = rng.standard_normal((20, WIDTH)).astype(np.float32)
    values = rng.standard_normal((2, WIDTH)).astype(np.float32)
    level = np.float32(0.5)
    values[1, lanes.LANES + 3] = level  # at the level: fires, but is not beyond it
    rows = rng.integers(0, 20, (2, 8)).astype(np.int32)
    out, words = np.full((8, WIDTH), np.float32(7)), np.zeros(2, np.uint64)
    _on_lanes(w, rows, values, out, words, level)
    middle = slice(lanes.LANES, 2 * lanes.LANES)
    v, a, b = values[1, middle], w[rows[0]][:, middle], w[rows[1]][:, middle]
    np.testing.assert_array_equal(bits(words[0]), v >= level)
    np.testing.assert_array_equal(bits(words[1]), np.abs(v) > level)
    expected = [
        v * np.float32(1.5),
        v + np.float32(0.25),
        np.where(v >= level, np.float32(0), v),
        np.where(v >= level, v - np.float32(2), v),
        v + b[2],
        v + (b[0] + b[1]),
        v + ((b[1] + b[2]) + (b[3] + b[4])),
        v + (((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]))),
    ]
    np.testing.assert_array_equal(out[:, middle], np.array(expected))
    assert (out[:, : lanes.LANES] == 7).all()
    assert (out[:, 2 * lanes.LANES :] == 7).all()


@pytest.mark.parametrize("hidden", [1, 63, 64, 65, 128, 300, 1000, 1024])
def test_padding_is_an_odd_multiple_of_the_lanes(hidden):
    blocks, rest = divmod(padded(hidden), lanes.LANES)
    assert rest == 0
    assert blocks % 2 == 1
    assert hidden <= padded(hidden) < hidden + 2 * lanes.LANES


def test_padding_never_fires_whatever_the_read_noise():
    hidden = 70
    dynamics = make_dynamics(TrainingConfig(hidden=hidden), 0, 0.0)
    w1, w2 = np.zeros((16, padded(hidden)), np.float32), np.zeros((padded(hidden), 3), np.float32)
    s = make_scratch(16, padded(hidden), 3, dynamics.steps)
    noise = Noise(np.float32(2.0), np.float32(0.0))
    levels = np.full(16, encoding.ONE // 2, np.int32)
    present(levels, np.uint64(5), w1, w2, dynamics, noise, s)
    spikes = s.spikes[: s.spike_end[dynamics.steps - 1]]
    assert spikes.size > 100
    assert spikes.max() < hidden
