"""Multi-ReSuMe: each surplus or missing spike of an output, times the traces of the spikes before it.

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

import numpy as np

from devicekit.system.jit import borrowing
from snn.gradient import Gradient
from snn.network import lanes
from snn.network.bits import lowest_bit
from snn.network.changes import Changes, Rule, find_output_changes, is_safe, read_back, units
from snn.network.neurons import Dynamics, Noise, Scratch


@borrowing
def _filter_errors(label: int, target: np.uint64, dynamics: Dynamics, s: Scratch, c: Changes, total: np.ndarray) -> int:
    """Filter the errors of outputs backward in time, with `total` = sum_t e_o(t); return the number of outputs."""
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


@borrowing
def find(
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
    """Implement the function of this name in `snn.gradient.Gradient`."""
    if is_safe(label, rule.margin, s.counts):
        return 0
    total = c.start
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
    for m in range(n):
        total[m] = rule.eta2 * a * total[m]
    find_output_changes(n, total, rule.eta2, dynamics, s, c)
    for b in range(c.gate.size):
        c.updated[b] = c.gate[b] if a == np.float32(0.0) else units(b, dynamics.hidden)
    read_back(w2, noise, key, rule.gated, dynamics.hidden, n, rule.eta1, c)
    return n


@borrowing
def add_row(row: np.ndarray, i: int, n: int, c: Changes, level: np.float32) -> bool:
    """Implement the function of this name in `snn.gradient.Gradient`."""
    inputs, back, beyond = c.inputs, c.back, c.beyond  # read once: each access to a field counts references
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


GRADIENT = Gradient(
    name="resume",
    title="Multi-ReSuMe",
    source="Ma et al. 2023, doi 10.1109/JEDS.2023.3311763; Sporea and Gruening 2013, doi 10.1162/NECO_a_00396",
    find=find,
    add_row=add_row,
)
