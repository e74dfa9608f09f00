"""Multi-ReSuMe: the weight changes that one presentation asks for.

Eq. (3) of Ma et al. 2023 (doi 10.1109/JEDS.2023.3311763) for the output layer; the hidden layer follows
Sporea and Gruening 2013 (doi 10.1162/NECO_a_00396), causal part: the error of each output is carried back
through its weight,

    dW2[h, o] = eta2 sum_t e_o(t) (a + x_h(t)),
    dW1[i, h] = eta1 g_h sum_o W2[h, o] sum_t e_o(t) (a + x_i(t)),

e_o = desired - actual spike, x the spike train filtered by exp(-s / tau), g_h the gate: 1 if hidden unit h
fired in this presentation (rule "multi-resume-gated") or always ("multi-resume", as published). Filtering
the few errors backward in time, E_o(s) = sum_{t >= s} e_o(t) exp(-(t - s) / tau), gives the same sums
without a trace per neuron.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from devicekit.models.kernel import compiled
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
        The constant a [1].
    gated : bool
        Whether a hidden unit learns only if it fired.
    margin : int
        No update where the true class leads every other by at least this many spikes; 0: always update.
    """

    eta1: np.float32
    eta2: np.float32
    non_hebbian: np.float32
    gated: bool
    margin: int


class Changes(NamedTuple):
    """The weight changes of one presentation, in factors; only the first `n` outputs of each are in use.

    Attributes
    ----------
    outputs : ndarray of int32, shape (outputs,)
        Outputs with errors.
    errors : ndarray of float32, shape (steps, outputs)
        Errors filtered backward in time.
    inputs : ndarray of float32, shape (channels, outputs)
        sum_t e_o(t) (a + x_i(t)).
    back : ndarray of float32, shape (outputs, width)
        eta1 g_h W2[h, o]: dW1 = inputs @ back.
    output_changes : ndarray of float32, shape (outputs, width)
        dW2 of the outputs with errors, eta2 included.
    gate, updated : ndarray of uint64, shape (width / 64,)
        Hidden units that fired, and those whose output weights change: one bit a unit.
    beyond : ndarray of uint64, shape of gate
        Where the row that was last added to exceeds the level asked for: one bit a unit.
    """

    outputs: np.ndarray
    errors: np.ndarray
    inputs: np.ndarray
    back: np.ndarray
    output_changes: np.ndarray
    gate: np.ndarray
    updated: np.ndarray
    beyond: np.ndarray


@compiled
def make_changes(channels: int, width: int, outputs: int, steps: int) -> Changes:
    """Memory for the changes of one presentation."""
    return Changes(
        outputs=np.zeros(outputs, np.int32),
        errors=np.zeros((steps, outputs), np.float32),
        inputs=np.zeros((channels, outputs), np.float32),
        back=np.zeros((outputs, width), np.float32),
        output_changes=np.zeros((outputs, width), np.float32),
        gate=np.zeros(width // lanes.LANES, np.uint64),
        updated=np.zeros(width // lanes.LANES, np.uint64),
        beyond=np.zeros(width // lanes.LANES, np.uint64),
    )


@compiled
def target_train(dynamics: Dynamics) -> np.uint64:
    """Spike train that the true class shall fire."""
    train = np.uint64(0)
    for t in range(dynamics.target_first, dynamics.steps, dynamics.target_every):
        train |= np.uint64(1) << np.uint64(t)
    return train


@compiled
def _filter_errors(label: int, target: np.uint64, dynamics: Dynamics, s: Scratch, c: Changes, total: np.ndarray) -> int:
    """Backward-filtered errors of the outputs that have any, `total` = sum_t e_o(t); returns their number."""
    n = 0
    for o in range(s.out_trains.size):
        desired = target if o == label else np.uint64(0)
        actual = s.out_trains[o]
        if desired == actual:
            continue
        filtered = np.float32(0.0)
        total[n] = 0.0
        for back in range(dynamics.steps):
            t = dynamics.steps - 1 - back
            error = np.int64((desired >> np.uint64(t)) & np.uint64(1)) - np.int64(
                (actual >> np.uint64(t)) & np.uint64(1)
            )
            filtered = filtered * dynamics.trace_decay + np.float32(error)
            c.errors[t, n] = filtered
            total[n] += np.float32(error)
        c.outputs[n] = o
        n += 1
    return n


@compiled
def _is_safe(label: int, margin: int, counts: np.ndarray) -> bool:
    if margin <= 0:
        return False
    others = 0
    for o in range(counts.size):
        if o != label:
            others = max(others, counts[o])
    return counts[label] - others >= margin


@compiled
def find_changes(
    label: int,
    target: np.uint64,
    w2: np.ndarray,
    rule: Rule,
    dynamics: Dynamics,
    noise: Noise,
    key: np.uint64,
    s: Scratch,
    c: Changes,
) -> int:
    """Fill `c` with the changes that the presentation in `s` asks for; returns how many outputs err."""
    if _is_safe(label, rule.margin, s.counts):
        return 0
    total = np.zeros(s.counts.size, np.float32)
    n = _filter_errors(label, target, dynamics, s, c, total)
    if n == 0:
        return 0
    a = rule.non_hebbian
    for i in range(s.trains.size):
        for m in range(n):
            c.inputs[i, m] = a * total[m]
        train = s.trains[i]
        while train != np.uint64(0):
            t = lowest_bit(train)
            train &= train - np.uint64(1)
            for m in range(n):
                c.inputs[i, m] += c.errors[t, m]
    for b in range(c.gate.size):
        c.gate[b] = np.uint64(0)
        for t in range(dynamics.steps):
            c.gate[b] |= s.fired[t, b]
        c.updated[b] = c.gate[b] if a == np.float32(0.0) else _units(b, dynamics.hidden)
        for m in range(n):
            change = lanes.filled(rule.eta2 * a * total[m])
            for t in range(dynamics.steps):
                change = lanes.add_where(change, s.fired[t, b], rule.eta2 * c.errors[t, m])
            lanes.store(change, c.output_changes, m, lanes.LANES * b)
    _carry_back(w2, rule, dynamics, noise, key, n, c)
    return n


@compiled
def _units(b: int, hidden: int) -> np.uint64:
    """Word b of all hidden units, the padding left out."""
    return all_steps(min(hidden - lanes.LANES * b, lanes.LANES)) if hidden > lanes.LANES * b else np.uint64(0)


@compiled
def _carry_back(
    w2: np.ndarray, rule: Rule, dynamics: Dynamics, noise: Noise, key: np.uint64, n: int, c: Changes
) -> None:
    """eta1 g_h W2[h, o]; reading the weights to carry errors back is a read like any other."""
    for m in range(n):
        c.back[m] = np.float32(0.0)
    for b in range(c.gate.size):
        word = c.gate[b] if rule.gated else _units(b, dynamics.hidden)
        while word != np.uint64(0):
            bit = lowest_bit(word)
            h = lanes.LANES * b + bit
            word &= word - np.uint64(1)
            for m in range(n):
                w = w2[h, c.outputs[m]]
                if noise.output > np.float32(0.0):
                    draw = np.uint64((1 << 24) + h * c.outputs.size + c.outputs[m])
                    w += noise.output * bell(key, draw)
                c.back[m, h] = rule.eta1 * w


@compiled
def add_row(row: np.ndarray, i: int, n: int, c: Changes, level: np.float32) -> bool:
    """Add dW1 of input i to `row` (1, width); set in `c.beyond` where it then exceeds +- level, if anywhere."""
    inputs, back, beyond = c.inputs, c.back, c.beyond  # taken once: each access to a field counts references
    found = np.uint64(0)
    for b in range(beyond.size):
        start = lanes.LANES * b
        v = lanes.load(row, 0, start)
        m = 0
        while n - m >= 2:
            one = lanes.scale(lanes.load(back, m, start), inputs[i, m])
            other = lanes.scale(lanes.load(back, m + 1, start), inputs[i, m + 1])
            v = lanes.add(v, lanes.add(one, other))
            m += 2
        if m < n:
            v = lanes.add(v, lanes.scale(lanes.load(back, m, start), inputs[i, m]))
        lanes.store(v, row, 0, start)
        beyond[b] = lanes.beyond(v, level)
        found |= beyond[b]
    return found != np.uint64(0)


@compiled
def row_changes(i: int, n: int, rule: Rule, s: Scratch) -> bool:
    """Whether input i asks for any change: it fired, or the non-Hebbian term is on."""
    return s.trains[i] != np.uint64(0) or rule.non_hebbian != np.float32(0.0)
