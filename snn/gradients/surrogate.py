"""Surrogate gradient: the loss of the spike counts, backpropagated through time with a smooth step for a spike.

The loss is the cross-entropy of softmax(kappa count); its gradient by the membrane potentials, with the reset and the
refractory time taken as given (Neftci, Mostafa and Zenke 2019, doi 10.1109/MSP.2019.2931595; the fast sigmoid's
derivative, Zenke and Ganguli 2018, doi 10.1162/neco_a_01086), l the decay of a membrane and s its spikes:

    D2[t, o] = g_o / (1 + k2 |v_o - 1|)^2 + l2 (1 - s_o) D2[t + 1, o],    g_o = softmax(kappa count)_o - y_o,
    D1[t, h] = sum_o W2[h, o] D2[t, o] / (1 + k1 |v_h - 1|)^2 + l1 (1 - s_h) D1[t + 1, h],
    dW2[h, o] = -eta2 sum_t s_h(t) D2[t, o],    dW1[i, h] = -eta1 sum_t x_i(t) D1[t, h];

D2 is 0 while an output rests. Where no g_o reaches 1 %, nothing is changed.
"""

from __future__ import annotations

import math

import numpy as np

from devicekit.system.jit import borrowing
from snn.gradient import Gradient
from snn.network import lanes
from snn.network.bits import lowest_bit
from snn.network.changes import Changes, Rule, find_output_changes, read_back
from snn.network.neurons import FIRE, RESTS, Dynamics, Noise, Scratch

KAPPA = 0.2  # weight of a spike in the softmax
SLOPE_HIDDEN, SLOPE_OUTPUT = np.float32(10.0), np.float32(5.0)  # k1, k2
ETA_HIDDEN, ETA_OUTPUT, ETA_ALL_HIDDEN = 0.04, 0.0192, 4.3  # chosen on images held out of training
LEAST = 0.01  # largest g below which nothing is changed


@borrowing
def _errors(label: int, dynamics: Dynamics, s: Scratch, c: Changes) -> bool:
    """Store -D2 in `c.errors`; return False if the answer is correct and certain."""
    outputs = s.counts.size
    most = s.counts[0]
    for o in range(1, outputs):
        most = max(most, s.counts[o])
    total, largest = 0.0, 0.0
    for o in range(outputs):
        total += math.exp(KAPPA * (s.counts[o] - most))
    for o in range(outputs):
        g = math.exp(KAPPA * (s.counts[o] - most)) / total - (1.0 if o == label else 0.0)
        largest = max(largest, abs(g))
        later = np.float32(0.0)
        for back in range(dynamics.steps):
            t = dynamics.steps - 1 - back
            v = s.v_steps[t, o]
            if v == RESTS:
                later = np.float32(0.0)
            else:
                if (s.out_trains[o] >> np.uint64(t)) & np.uint64(1) != np.uint64(0):
                    later = np.float32(0.0)
                slope = np.float32(1.0) + SLOPE_OUTPUT * abs(v - FIRE)
                later = np.float32(-g) / (slope * slope) + dynamics.output_decay * later
            c.errors[t, o] = later
        c.outputs[o] = o
    return largest >= LEAST


@borrowing
def _carry_back(v: np.ndarray, back: np.ndarray, errors: np.ndarray, decay: np.float32, deep) -> None:  # type: ignore[no-untyped-def]
    """Store -eta1 D1 in `deep` (steps, width), from the last step to the first, for potentials `v` of that shape."""
    steps, width = deep.shape
    for behind in range(steps):
        t = steps - 1 - behind
        row = deep[t]
        row[:] = np.float32(0.0)
        for m in range(back.shape[0]):
            error, weights = errors[t, m], back[m]
            for h in range(width):
                row[h] += error * weights[h]
        potential = v[t]
        for h in range(width):
            slope = np.float32(1.0) + SLOPE_HIDDEN * abs(potential[h] - FIRE)
            row[h] /= slope * slope
        if behind > 0:
            later = deep[t + 1]
            for h in range(width):
                row[h] += decay * later[h] if potential[h] < FIRE else np.float32(0.0)


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
    if not _errors(label, dynamics, s, c):
        return 0
    n = s.counts.size
    for m in range(n):
        c.start[m] = np.float32(0.0)
    find_output_changes(n, c.start, rule.eta2, dynamics, s, c)
    for b in range(c.gate.size):
        c.updated[b] = c.gate[b]
    read_back(w2, noise, key, False, dynamics.hidden, n, rule.eta1, c)
    _carry_back(s.v_hidden, c.back, c.errors, dynamics.hidden_decay, c.deep)
    for i in range(s.trains.size):
        train, count = s.trains[i], 0
        while train != np.uint64(0):
            c.fired_at[i, count] = lowest_bit(train)
            train &= train - np.uint64(1)
            count += 1
        c.fired[i] = count
    return n


@borrowing
def add_row(row: np.ndarray, i: int, n: int, c: Changes, level: np.float32) -> bool:
    """Implement the function of this name in `snn.gradient.Gradient`."""
    deep, fired_at, beyond, count = c.deep, c.fired_at, c.beyond, c.fired[i]
    found = np.uint64(0)
    for b in range(beyond.size):
        start = lanes.LANES * b
        v, k = lanes.load(row, 0, start), 0
        while count - k >= 4:
            v = lanes.add_rows(v, deep, fired_at, i, k, start, 4)
            k += 4
        while k < count:
            v = lanes.add_rows(v, deep, fired_at, i, k, start, 1)
            k += 1
        lanes.store(v, row, 0, start)
        beyond[b] = lanes.beyond(v, level)
        found |= beyond[b]
    return found != np.uint64(0)


def rates(hidden: int) -> tuple[float, float]:
    """Return the learning rates of both layers; larger output rates sometimes lose a class in wide networks."""
    return ETA_HIDDEN, min(ETA_OUTPUT, ETA_ALL_HIDDEN / hidden)


GRADIENT = Gradient(
    name="surrogate",
    title="surrogate gradient, backpropagation through time",
    source="Neftci et al. 2019, doi 10.1109/MSP.2019.2931595; Zenke and Ganguli 2018, doi 10.1162/neco_a_01086",
    find=find,
    add_row=add_row,
    deep=True,
    rates=rates,
    eta_total=1 / 3,
)
