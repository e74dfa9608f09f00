"""The network, the rule and the pulses in plain NumPy and Python integers: slow, as the equations read.

Nothing here is shared with the compiled code but the constants in `Dynamics`, `Rule` and the devices
themselves (`devicekit.device.array.DeviceArray`).
"""

from __future__ import annotations

import math

import numpy as np

WORD = (1 << 64) - 1


def mix(key: int, counter: int) -> int:
    z = (key + counter * 0x9E3779B97F4A7C15) & WORD
    for _ in range(2):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
        z ^= z >> 31
        z = (z + 0x9E3779B97F4A7C15) & WORD
    return z


def presentation_key(stream: int, epoch: int, sample: int) -> int:
    return mix(mix(int(stream), epoch), int(sample))


def shifted(row: np.ndarray, side: int, key: int, fraction: float) -> np.ndarray:
    draw = mix(key, row.size * 16)
    if (draw >> 11) / 2**53 >= fraction:
        return row
    moves = [(dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dx, dy) != (0, 0)]
    dx, dy = moves[draw & 7]
    image = np.pad(row.reshape(side, side), 1)
    return image[1 - dy : 1 - dy + side, 1 - dx : 1 - dx + side].ravel()


def encode(row: np.ndarray, key: int, steps: int) -> np.ndarray:
    """Spikes, shape (steps, channels): each step's Bernoulli draw compares a 16-bit number with the level."""
    spikes = np.zeros((steps, row.size), bool)
    for channel, level in enumerate(row):
        words = [mix(key, channel * 16 + bit) for bit in range(16)]
        for t in range(steps):
            # bit 15 decides first: spike iff the number made of inverted bits is below the level
            number = sum((1 - (words[bit] >> t & 1)) << bit for bit in range(16))
            spikes[t, channel] = number < level
    return spikes


def forward(spikes, w1, w2, dynamics):
    """Hidden spikes (steps, hidden), output spikes (steps, outputs), summed output potential (outputs,)."""
    v1, v2 = np.zeros(w1.shape[1]), np.zeros(w2.shape[1])
    rest = np.zeros(w2.shape[1], int)
    hidden, output, potential = [], [], np.zeros(w2.shape[1])
    for now in spikes:
        v1 = v1 * float(dynamics.hidden_decay) + w1[now].sum(axis=0)
        fired = v1 >= 1
        v1[fired] = 0
        v2 = v2 * float(dynamics.output_decay) + w2[fired].sum(axis=0)
        resting = rest > 0
        rest[resting] -= 1
        v2[resting] = 0
        potential += v2
        spiking = v2 >= 1
        v2[spiking] = 0
        rest[spiking] = dynamics.refractory
        hidden.append(fired)
        output.append(spiking)
    return np.array(hidden), np.array(output), potential


def winner(output: np.ndarray, potential: np.ndarray) -> int:
    counts = output.sum(axis=0)
    return max(range(len(counts)), key=lambda o: (counts[o], potential[o]))


def traces(spikes: np.ndarray, decay: float) -> np.ndarray:
    x, out = np.zeros(spikes.shape[1]), []
    for now in spikes:
        x = x * decay + now
        out.append(x)
    return np.array(out)


def changes(label, inputs, hidden, output, w2, rule, dynamics):
    """dW1 and dW2 of one presentation, as eq. (3) reads, forward traces; None where the margin stops it."""
    counts = output.sum(axis=0)
    if rule.margin > 0 and counts[label] - np.delete(counts, label).max() >= rule.margin:
        return None
    desired = np.zeros(output.shape, bool)
    desired[dynamics.target_first :: dynamics.target_every, label] = True
    e = desired.astype(float) - output
    decay, a = float(dynamics.trace_decay), float(rule.non_hebbian)
    gate = hidden.any(axis=0) if rule.gated else np.ones(hidden.shape[1])
    from_inputs = e.T @ (a + traces(inputs, decay))
    dw1 = float(rule.eta1) * (gate * (w2 @ from_inputs).T)
    dw2 = float(rule.eta2) * (a + traces(hidden, decay)).T @ e
    return dw1, dw2


def surrogate_changes(label, inputs, w1, w2, rule, dynamics, kappa=0.2, k1=10.0, k2=5.0):
    """dW1 and dW2 by forward differentiation: what an infinitesimal change of each weight does to every later step.

    The code goes the other way, from the last step to the first; None where no softmax is 1 % off.
    """
    l1, l2 = float(dynamics.hidden_decay), float(dynamics.output_decay)
    channels, hidden, outputs = w1.shape[0], w1.shape[1], w2.shape[1]
    v1, v2, rest = np.zeros(hidden), np.zeros(outputs), np.zeros(outputs, int)
    d11 = np.zeros((channels, hidden))  # d v1[h] / d w1[i, h]
    d21 = np.zeros((channels, hidden, outputs))  # d v2[o] / d w1[i, h]
    d22 = np.zeros((hidden, outputs))  # d v2[o] / d w2[h, o]
    count, count1, count2 = np.zeros(outputs), np.zeros_like(d21), np.zeros_like(d22)
    for now in inputs:
        v1 = l1 * v1 + w1[now].sum(axis=0)
        d11 = l1 * d11 + now[:, None]
        fired = v1 >= 1
        slope = 1 / (1 + k1 * abs(v1 - 1)) ** 2
        v2 = l2 * v2 + w2[fired].sum(axis=0)
        d21 = l2 * d21 + (d11 * slope)[:, :, None] * w2
        d22 = l2 * d22 + fired[:, None]
        d11[:, fired] = 0
        v1[fired] = 0
        resting = rest > 0
        rest[resting] -= 1
        v2[resting], d21[:, :, resting], d22[:, resting] = 0, 0, 0
        spiking = v2 >= 1
        slope = 1 / (1 + k2 * abs(v2 - 1)) ** 2
        count += spiking
        count1 += d21 * slope * ~resting
        count2 += d22 * slope * ~resting
        d21[:, :, spiking], d22[:, spiking] = 0, 0
        v2[spiking] = 0
        rest[spiking] = dynamics.refractory
    share = np.exp(kappa * count) / np.exp(kappa * count).sum()
    g = share - np.eye(outputs)[label]
    if abs(g).max() < 0.01:
        return None
    return -float(rule.eta1) * count1 @ g, -float(rule.eta2) * count2 * g


class Layer:
    """Weights on a DeviceArray, pulsed through DeviceArray.pulse one synapse at a time."""

    def __init__(self, array, shape, scale, reference, coin):
        self.array, self.shape, self.scale, self.reference, self.coin = (
            array,
            shape,
            scale,
            reference,
            int(coin),
        )
        self.sums = np.zeros(shape)

    @property
    def w(self) -> np.ndarray:
        if self.reference is None:
            r = self.array.r.reshape(*self.shape, 2)
            return self.scale * (r[..., 0] - r[..., 1])
        return self.scale * (self.array.r.reshape(self.shape) - self.reference)

    def pulse(self, i: int, j: int, sign: int) -> None:
        k = i * self.shape[1] + j
        if self.reference is not None:
            self.array.pulse(sign, np.array([k]))
            return
        given = int(self.array.pulses[2 * k : 2 * k + 2].sum())
        plus = mix(mix(self.coin, k), given) & 1
        self.array.pulse(sign if plus else -sign, np.array([2 * k if plus else 2 * k + 1]))

    def settle(self, dw: np.ndarray, theta: float, accumulate: str, alpha: float) -> None:
        """Eqs. (4) to (6): one pulse for each |dC| above theta."""
        factor = 1.0 if accumulate == "reset" else alpha
        wanted = dw + factor * self.sums
        hits = np.abs(wanted) > theta
        if accumulate != "reset":
            hits &= dw != 0  # no update, no pulse
        for i, j in np.argwhere(hits):
            self.pulse(int(i), int(j), int(math.copysign(1, wanted[i, j])))
        if accumulate == "literal":
            self.sums += dw
        else:
            self.sums = np.where(dw != 0, wanted, self.sums)
            if accumulate == "reset":
                self.sums[hits] = 0
