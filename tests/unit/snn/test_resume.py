"""Multi-ReSuMe, worked out by hand: errors carried back through the weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from snn.gradients import resume
from snn.network import changes as changing
from snn.network import encoding
from snn.network.learning import NUMBERS as GRADIENTS
from snn.network.neurons import Dynamics, Noise, Scratch, make_scratch, padded, present

ALWAYS = 65536  # the level of an input that fires in every step
WIDTH = padded(64)


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
