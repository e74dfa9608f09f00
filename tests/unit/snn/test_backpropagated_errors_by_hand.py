"""Errors of outputs over time, by both gradients, for few steps and numbers that can be checked by hand.

The functions are run as plain Python here, so that nothing is compiled.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from snn.gradients import resume, surrogate
from snn.network.neurons import RESTS

U = np.uint64


def train(*steps: int) -> np.uint64:
    """Spikes at these steps."""
    return U(sum(1 << t for t in steps))


def memory(steps: int, outputs: int) -> Any:
    return SimpleNamespace(errors=np.zeros((steps, outputs), np.float32), outputs=np.zeros(outputs, np.int32))


def test_spikes_too_many_and_too_few_are_filtered_backward() -> None:
    """Class 1 shall fire at 1 and 3 and fires at 3; class 2 fires at 0 and 2; class 0 is silent, as it shall be."""
    s = SimpleNamespace(out_trains=np.array([train(), train(3), train(0, 2)]))
    c, total = memory(4, 3), np.zeros(3, np.float32)
    dynamics = SimpleNamespace(steps=4, trace_decay=np.float32(0.5))
    n = resume._filter_errors.py_func(1, train(1, 3), dynamics, s, c, total)
    assert n == 2
    assert c.outputs[:2].tolist() == [1, 2]
    assert total[:2].tolist() == [1.0, -2.0]
    # E(s) = sum over t >= s of e(t) 0.5^(t - s): e = 0, 1, 0, 0 and -1, 0, -1, 0
    assert c.errors[:, 0].tolist() == [0.5, 1.0, 0.0, 0.0]
    assert c.errors[:, 1].tolist() == [-1.25, -0.5, -1.0, 0.0]


def softmax_errors(counts: list[int], label: int) -> np.ndarray:
    share = np.exp(0.2 * np.array(counts, float))
    return share / share.sum() - np.eye(len(counts))[label]


def test_errors_of_spike_counts_pass_where_an_output_neither_rests_nor_has_just_fired() -> None:
    """Three outputs, four steps: one spikes at 1 and rests at 2; its error at 0 is not that of later steps."""
    counts, label, decay = [1, 0, 2], 2, 0.8
    v = np.array([[0.5, 0.2, 0.9], [1.4, 0.4, 1.1], [RESTS, 0.6, 0.3], [0.3, 0.8, 1.0]], np.float32)
    s = SimpleNamespace(counts=np.array(counts), v_steps=v, out_trains=np.array([train(1), train(), train(1, 3)]))
    c = memory(4, 3)
    dynamics = SimpleNamespace(steps=4, output_decay=np.float32(decay))
    assert surrogate._errors.py_func(label, dynamics, s, c)
    g = softmax_errors(counts, label)
    slope = 1 / (1 + 5 * np.abs(v.astype(float) - 1)) ** 2
    expected = np.zeros((4, 3))
    for o in range(3):
        if o == 0:  # after its spike at 1 it rests at 2, and nothing of step 3 is carried over that
            expected[3, 0] = -g[0] * slope[3, 0]
            expected[1, 0] = -g[0] * slope[1, 0]
            expected[0, 0] = -g[0] * slope[0, 0] + decay * expected[1, 0]
        elif o == 1:  # never fires
            for t in (3, 2, 1, 0):
                expected[t, 1] = -g[1] * slope[t, 1] + (decay * expected[t + 1, 1] if t < 3 else 0)
        else:  # fires at 1 and 3: what is after a spike began anew
            expected[3, 2] = -g[2] * slope[3, 2]
            expected[2, 2] = -g[2] * slope[2, 2] + decay * expected[3, 2]
            expected[1, 2] = -g[2] * slope[1, 2]
            expected[0, 2] = -g[2] * slope[0, 2] + decay * expected[1, 2]
    assert c.errors == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert c.outputs.tolist() == [0, 1, 2]


@pytest.mark.parametrize(("lead", "changed"), [(23, False), (22, True)])
def test_an_answer_that_is_right_to_one_percent_is_left_alone(lead: int, changed: bool) -> None:
    """Of two classes the error is 1 / (1 + e^(0.2 lead)): 0.0100 lies between leads of 22 and 23."""
    assert 1 / (1 + math.exp(0.2 * 22)) > 0.01 > 1 / (1 + math.exp(0.2 * 23))
    s = SimpleNamespace(
        counts=np.array([lead, 0]), v_steps=np.zeros((1, 2), np.float32), out_trains=np.array([train(), train()])
    )
    dynamics = SimpleNamespace(steps=1, output_decay=np.float32(0.9))
    assert surrogate._errors.py_func(0, dynamics, s, memory(1, 2)) is changed


def test_hidden_errors_are_those_of_the_outputs_through_their_weights() -> None:
    """Two hidden units, three steps; the first fires at step 1, so that step 0 has nothing of what is later."""
    v = np.array([[0.7, 0.2], [1.2, 0.5], [0.4, 0.9]], np.float32)
    back = np.array([[0.3, -0.1], [0.2, 0.6]], np.float32)  # eta1 W2 of each output
    errors = np.array([[0.1, 0.0], [-0.2, 0.4], [0.3, 0.1]], np.float32)
    deep = np.full((3, 2), 9.0, np.float32)
    surrogate._carry_back.py_func(v, back, errors, np.float32(0.7), deep)
    own = errors.astype(float) @ back.astype(float) / (1 + 10 * np.abs(v.astype(float) - 1)) ** 2
    expected = own.copy()
    expected[1, 1] += 0.7 * expected[2, 1]
    expected[0, 0] += 0.7 * expected[1, 0]
    expected[0, 1] += 0.7 * expected[1, 1]
    expected[1, 0] = own[1, 0]  # it fires: the potential began anew
    expected[0, 0] = own[0, 0] + 0.7 * own[1, 0]
    assert deep == pytest.approx(expected, rel=1e-5)


def test_the_rates_of_the_output_layer_fall_with_the_width() -> None:
    assert surrogate.rates(50) == (0.04, 0.0192)
    assert surrogate.rates(224)[1] == pytest.approx(4.3 / 224)  # 223.96 is where both are equal
    assert surrogate.rates(1000) == (0.04, pytest.approx(0.0043))
