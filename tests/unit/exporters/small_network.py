"""Networks by hand: one of 2 inputs, 3 hidden units and 2 classes, and a smaller one for checks on paper."""

from __future__ import annotations

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.network import Check, NetworkLayer, Neurons, TrainedNetwork
from devicekit.synthetic.pulses import truth_card

from .conftest import LAWS

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


SPAN = (1e-5, 1.1e-4)


def little(paired: bool = True) -> TrainedNetwork:
    """2 channels, 2 hidden units, 2 outputs, whose answers are worked out by hand below."""
    card = truth_card(LAWS["linear"], model="linear", window=SPAN)

    def layer(w: list[list[float]], scale: float) -> NetworkLayer:
        r = np.array(w) / scale + (0.0 if paired else 0.25)
        plus, minus = np.maximum(r, 0.0), np.maximum(-r, 0.0) if paired else np.full_like(r, 0.25)
        return NetworkLayer(*(SPAN[0] + 1e-4 * each for each in (plus, minus)), scale, paired)

    neurons = Neurons(4, 1e-3, hidden_decay=0.5, output_decay=0.5, threshold=1.0, refractory=1, full_input=0.5)
    spikes = np.zeros((3, 4, 2), bool)
    spikes[0, :, 0] = spikes[1, [0, 2], 1] = spikes[2, 1] = True
    # Sample 0: hidden 0 gets 0.75 a step: v = .75, 1.125 (fires), .75, 1.125 (fires). Output 0 gets 1.25 at steps 1 and
    # 3: fires at both (it rests at 2). Sample 1: hidden 1 fires at 0 and 2 (1.5); output 1 gets .75 then .1875 + .75
    # and does not reach 1: a tie at 0 spikes, potentials .75 + .375 + .9375 + .46875 against 0: class 1.
    # Sample 2: hidden 1 fires at 1 and hidden 0 not (.75); output 1 has .75 + .375 + .1875: class 1.
    counts, classes = np.array([[2, 0], [0, 0], [0, 0]]), np.array([0, 1, 1])
    check = Check(spikes, counts, classes, np.array([0, 1, 0]))
    layers = (layer([[0.75, 0.0], [0.0, 1.5]], 2.0), layer([[1.25, 0.0], [0.0, 0.75]], 2.0))
    facts = {
        "data": "nothing", "split": "all", "n_train": 1, "n_test": 3, "scheme": "insitu", "epochs": 1, "seed": 0,
        "accuracy": 2 / 3, "basis": "of the last epoch", "wires": True,
    }  # fmt: skip
    return TrainedNetwork(card, layers, neurons, check, facts)


def answers(held: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Spike counts and classes of the check of an exported network file, one neuron and step at a time."""
    span = SPAN[1] - SPAN[0]
    w = [held[f"{name}_scale"] * (held[f"{name}_plus"] - held[f"{name}_minus"]) / span for name in ("hidden", "output")]
    counts, classes = np.zeros_like(held["counts"]), np.zeros_like(held["classes"])
    for n, trains in enumerate(held["spikes"]):
        v, u = [0.0] * w[0].shape[1], [0.0] * w[1].shape[1]
        rest, potential = [0] * len(u), [0.0] * len(u)
        for step in trains:
            fired = []
            for h in range(len(v)):
                v[h] = v[h] * float(held["hidden_decay"]) + sum(w[0][c, h] for c in np.flatnonzero(step))
                if v[h] >= held["threshold"]:
                    fired.append(h)
                    v[h] = 0.0
            for o in range(len(u)):
                if rest[o] > 0:
                    rest[o], u[o] = rest[o] - 1, 0.0
                    continue
                u[o] = u[o] * float(held["output_decay"]) + sum(w[1][h, o] for h in fired)
                potential[o] += u[o]
                if u[o] >= held["threshold"]:
                    counts[n, o] += 1
                    rest[o], u[o] = int(held["refractory"]), 0.0
        classes[n] = max(range(len(u)), key=lambda o: (counts[n, o], potential[o]))
    return counts, classes
