"""A network of 2 inputs, 3 hidden units and 2 classes, made by hand."""

from __future__ import annotations

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.network import Check, NetworkLayer, Neurons, TrainedNetwork

SCALES = (2.0, 4.0)
# States of the plus and of the minus device of each pair, as shares of the window.
HIDDEN = (((0.9, 0.2, 0.5), (0.1, 0.8, 0.5)), ((0.1, 0.4, 0.5), (0.3, 0.1, 0.25)))
OUTPUT = (((0.75, 0.25), (0.25, 0.75), (0.5, 0.625)), ((0.25, 0.5), (0.5, 0.25), (0.5, 0.5)))


def small_network(card: DeviceCard, wires: bool = False) -> TrainedNetwork:
    """Weights are 2 x (plus - minus) and 4 x (plus - minus) of the states above, whatever the card's window."""
    window = card.window
    layers = tuple(
        NetworkLayer(*(np.asarray(window.from_state(np.array(each))) for each in states), scale=scale, paired=True)  # type: ignore[misc]
        for states, scale in zip((HIDDEN, OUTPUT), SCALES, strict=True)
    )
    spikes = np.zeros((4, 12, 2), bool)
    spikes[0, ::2, 0], spikes[1, ::2, 1], spikes[2, :, :], spikes[3, 3, 0] = True, True, True, True
    counts = np.array([run(layers, each) for each in spikes])
    check = Check(spikes, counts, counts.argmax(axis=1), np.array([0, 1, 0, 0]))
    neurons = Neurons(
        steps=12,
        step_s=1e-3,
        hidden_decay=0.875,
        output_decay=0.9375,
        threshold=1.0,
        refractory=2,
        full_input=0.5,
    )
    facts = {
        **{"data": "made", "split": "first half to train", "n_train": 4, "n_test": 4, "scheme": "insitu"},
        **{"epochs": 1, "seed": 7, "accuracy": 0.75, "basis": "after 1 epoch", "wires": wires},
    }
    return TrainedNetwork(card, (layers[0], layers[1]), neurons, check, facts)


def run(layers: tuple[NetworkLayer, ...], spikes: np.ndarray) -> list[int]:
    """Spikes of both outputs, one neuron and one step after the other, by the states above."""
    w1, w2 = (scale * (np.array(p) - np.array(m)) for (p, m), scale in zip((HIDDEN, OUTPUT), SCALES, strict=True))
    v, u, rest, count = [0.0] * 3, [0.0] * 2, [0, 0], [0, 0]
    for step in spikes:
        fired = []
        for h in range(3):
            v[h] = 0.875 * v[h] + sum(float(w1[i, h]) for i in range(2) if step[i])
            fired.append(v[h] >= 1.0)
            if fired[h]:
                v[h] = 0.0
        for o in range(2):
            u[o] = 0.9375 * u[o] + sum(float(w2[h, o]) for h in range(3) if fired[h])
            if rest[o]:
                rest[o], u[o] = rest[o] - 1, 0.0
            elif u[o] >= 1.0:
                count[o], rest[o], u[o] = count[o] + 1, 2, 0.0
    return count
