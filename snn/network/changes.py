"""Weight changes of one presentation: learning rates, working memory, and helpers shared by gradients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from devicekit.system.jit import borrowing
from snn.network import lanes
from snn.network.bits import all_steps, lowest_bit
from snn.network.neurons import Dynamics, Noise, Scratch, bell


class Rule(NamedTuple):
    """Learning rates and switches.

    Attributes
    ----------
    eta1, eta2 : float32
        Learning rates of the hidden and output layer [1].
    non_hebbian : float32
        The constant a of ReSuMe [1].
    gated : bool
        For ReSuMe: True if a hidden unit learns only if it fired.
    margin : int
        No update where the true class leads every other by at least this many spikes; 0: always update.
    gradient : int
        Number of the gradient (`snn.network.learning`).
    deep : bool
        As in the gradient.
    """

    eta1: np.float32
    eta2: np.float32
    non_hebbian: np.float32
    gated: bool
    margin: int
    gradient: int
    deep: bool


class Changes(NamedTuple):
    """The weight changes of one presentation as factors; only the first `n` outputs of each are in use.

    Attributes
    ----------
    outputs : ndarray of int32, shape (outputs,)
        Outputs with weight changes.
    errors : ndarray of float32, shape (steps, outputs)
        Weight change to that output by a hidden spike at each step, over eta2.
    inputs : ndarray of float32, shape (channels, outputs)
        For ReSuMe: sum_t e_o(t) (a + x_i(t)).
    start : ndarray of float32, shape (outputs,)
        Room for the weight change to that output of every hidden unit, fired or not.
    back : ndarray of float32, shape (outputs, width)
        For ReSuMe: eta1 g_h W2[h, o], so that dW1 = inputs @ back. For a deep gradient: the weights as read.
    output_changes : ndarray of float32, shape (outputs, width)
        dW2 of the outputs, eta2 included.
    row : ndarray of float32, shape (1, width)
        Room for the changes of one row if they are not summed.
    gate, updated : ndarray of uint64, shape (width / 64,)
        Hidden units that fired, and those with changing output weights: one bit per unit.
    beyond : ndarray of uint64, shape of gate
        Units at which the row of the last addition exceeds the level: one bit per unit.
    deep : ndarray of float32, shape (steps, width)
        For a deep gradient: weight change to that hidden unit by an input spike at each step; otherwise empty.
    fired_at, fired : ndarray of int32, shapes (channels, steps) and (channels,)
        For a deep gradient: the steps at which each input fired, and their number; otherwise empty.
    """

    outputs: np.ndarray
    errors: np.ndarray
    inputs: np.ndarray
    start: np.ndarray
    back: np.ndarray
    output_changes: np.ndarray
    row: np.ndarray
    gate: np.ndarray
    updated: np.ndarray
    beyond: np.ndarray
    deep: np.ndarray
    fired_at: np.ndarray
    fired: np.ndarray


def make_changes(channels: int, width: int, outputs: int, steps: int, deep: bool = False) -> Changes:
    """Allocate memory for the changes of one presentation; `deep` as in `snn.gradient.Gradient`."""
    deep_steps, deep_channels = (steps, channels) if deep else (0, 0)
    return Changes(
        outputs=np.zeros(outputs, np.int32),
        errors=np.zeros((steps, outputs), np.float32),
        inputs=np.zeros((channels, outputs), np.float32),
        start=np.zeros(outputs, np.float32),
        back=np.zeros((outputs, width), np.float32),
        output_changes=np.zeros((outputs, width), np.float32),
        row=np.zeros((1, width), np.float32),
        gate=np.zeros(width // lanes.LANES, np.uint64),
        updated=np.zeros(width // lanes.LANES, np.uint64),
        beyond=np.zeros(width // lanes.LANES, np.uint64),
        deep=np.zeros((deep_steps, width), np.float32),
        fired_at=np.zeros((deep_channels, steps), np.int32),
        fired=np.zeros(deep_channels, np.int32),
    )


@borrowing
def target_train(dynamics: Dynamics) -> np.uint64:
    """Return the target spike train of the true class."""
    train = np.uint64(0)
    for t in range(dynamics.target_first, dynamics.steps, dynamics.target_every):
        train |= np.uint64(1) << np.uint64(t)
    return train


@borrowing
def is_safe(label: int, margin: int, counts: np.ndarray) -> bool:
    """Return whether the true class leads every other by the margin, if there is one."""
    if margin <= 0:
        return False
    others = 0
    for o in range(counts.size):
        if o != label:
            others = max(others, counts[o])
    return counts[label] - others >= margin


@borrowing
def find_output_changes(n: int, start: np.ndarray, eta: np.float32, dynamics: Dynamics, s: Scratch, c: Changes) -> None:
    """Compute dW2 to the `n` outputs (`start`, + eta errors[t] where a hidden unit fired at t) and the gate.

    Parameters
    ----------
    n : int
        Outputs in use.
    start : ndarray of float32, shape (n,)
        Change for every hidden unit, fired or not.
    eta : float32
        Factor on the errors.
    dynamics, s, c
        As in `find` of a gradient; `c.errors` must be filled.
    """
    for b in range(c.gate.size):
        c.gate[b] = np.uint64(0)
        for t in range(dynamics.steps):
            c.gate[b] |= s.fired[t, b]
        for m in range(n):
            change = lanes.filled(start[m])
            for t in range(dynamics.steps):
                change = lanes.add_where(change, s.fired[t, b], eta * c.errors[t, m])
            lanes.store(change, c.output_changes, m, lanes.LANES * b)


@borrowing
def units(b: int, hidden: int) -> np.uint64:
    """Return word b of all hidden units without the padding."""
    return all_steps(min(hidden - lanes.LANES * b, lanes.LANES)) if hidden > lanes.LANES * b else np.uint64(0)


@borrowing
def read_back(
    w2: np.ndarray, noise: Noise, key: np.uint64, only_fired: bool, hidden: int, n: int, eta: np.float32, c: Changes
) -> None:
    """Store eta W2[h, o] in `c.back`, 0 for units left out, with read noise of the weights.

    Parameters
    ----------
    w2 : ndarray of float32, shape (width, outputs)
    noise : Noise
    key : uint64
        Key of the presentation.
    only_fired : bool
        True to leave out units that did not fire.
    hidden, n : int
        Hidden units without padding; outputs in use.
    eta : float32
        Factor on the weights.
    c : Changes
    """
    for m in range(n):
        c.back[m] = np.float32(0.0)
    for b in range(c.gate.size):
        word = c.gate[b] if only_fired else units(b, hidden)
        while word != np.uint64(0):
            bit = lowest_bit(word)
            h = lanes.LANES * b + bit
            word &= word - np.uint64(1)
            for m in range(n):
                w = w2[h, c.outputs[m]]
                if noise.output > np.float32(0.0):
                    draw = np.uint64((1 << 24) + h * c.outputs.size + c.outputs[m])
                    w += noise.output * bell(key, draw)
                c.back[m, h] = eta * w


@borrowing
def row_changes(i: int, n: int, rule: Rule, s: Scratch) -> bool:
    """Return whether input i changes any weight: it fired, or the non-Hebbian term is on."""
    return s.trains[i] != np.uint64(0) or rule.non_hebbian != np.float32(0.0)
