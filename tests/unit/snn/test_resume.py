"""Multi-ReSuMe, worked out by hand: errors carried back through the weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

from snn.gradients import resume
from snn.network import changes as changing
from snn.network import encoding
from snn.network.learning import NUMBERS as GRADIENTS

from .presented import WIDTH, dynamics, network, noise, show


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
