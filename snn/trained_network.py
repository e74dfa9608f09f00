"""The trained network as its devices store it, to be saved and exported (`devicekit.device.network`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from devicekit.core.text import percent, si
from devicekit.device.card import DeviceCard
from devicekit.device.fading import is_volatile
from devicekit.device.network import Check, NetworkLayer, Neurons, TrainedNetwork
from devicekit.device.variation import read_sigma
from snn.config import TrainingConfig
from snn.network.bits import all_steps
from snn.network.encoding import Presentations, encode, presentation_key
from snn.network.neurons import FIRE, Dynamics, Noise, padded, predict
from snn.recipe import Recipe
from snn.synapses import Synapses

SHOWN = 100  # test samples for checking a copy of the network
STEP_S = 1e-3


def capture_network(
    card: DeviceCard,
    synapses: Synapses,
    recipe: Recipe,
    dynamics: Dynamics,
    shown: Presentations,
    labels: np.ndarray,
    facts: dict[str, Any],
) -> TrainedNetwork:
    """Return the present states of both layers, with the answers of the network to the first test samples.

    Parameters
    ----------
    card : DeviceCard
        Card of the devices.
    synapses : Synapses
        Both layers.
    recipe : Recipe
        Scales of the weights, and the input's firing probability.
    dynamics : Dynamics
        Constants of the neurons in a test.
    shown : Presentations
        Presentations of the test samples.
    labels : ndarray of int, shape (n,)
        Their classes.
    facts : dict
        See `TrainedNetwork.facts`.

    Returns
    -------
    TrainedNetwork
    """
    window, layers = card.window, []
    for array, shape, scale in zip(synapses.arrays, synapses.shapes, recipe.scales, strict=True):
        paired = synapses.reference is None
        value = np.asarray(window.from_state(array.observed_states)).reshape(*shape, -1)
        other = value[..., 1] if paired else np.full(shape, window.from_state(np.array(synapses.reference)))
        layers.append(NetworkLayer(value[..., 0].copy(), other.copy(), float(scale), paired))
    some = np.ascontiguousarray(shown.levels[:SHOWN])
    shown = shown._replace(levels=some, ids=np.arange(len(some), dtype=np.uint64))
    neurons = Neurons(
        steps=dynamics.steps,
        step_s=STEP_S,
        hidden_decay=float(dynamics.hidden_decay),
        output_decay=float(dynamics.output_decay),
        threshold=float(FIRE),
        refractory=dynamics.refractory,
        full_input=recipe.p,
    )
    empty = Check(*(np.zeros(0, int) for _ in range(4)))
    found = TrainedNetwork(card, (layers[0], layers[1]), neurons, empty, facts)
    check = _check(found, shown, np.asarray(labels[:SHOWN], np.int64), dynamics)
    return TrainedNetwork(card, found.layers, neurons, check, facts)


def describe_test_conditions(config: TrainingConfig, card: DeviceCard) -> list[str]:
    """Return the effects that a test of a training included beyond its devices and wires, in words."""
    found = [
        (config.read_noise and read_sigma(card, config.read_noise_of_g) > 0, "read noise"),
        (config.telegraph > 0, "telegraph noise"),
        (config.adc_bits > 0, f"converters of {config.adc_bits} bits"),
        (config.retention > 0, f"a loss of {percent(config.retention)} of each state"),
        (config.time_s > 0, f"drift over {si(config.time_s, 's')}"),
        (is_volatile(card) and config.test_delay_s > 0, f"forgetting over {si(config.test_delay_s, 's')}"),
    ]
    return [words for here, words in found if here]


def _check(network: TrainedNetwork, shown: Presentations, labels: np.ndarray, dynamics: Dynamics) -> Check:
    channels, hidden, classes = network.shape
    w1, w2 = np.zeros((channels, padded(hidden)), np.float32), np.zeros((padded(hidden), classes), np.float32)
    w1[:, :hidden], w2[:hidden] = network.weights()
    levels, ids, stream, epoch = shown
    scores = np.empty((len(levels), classes))
    quiet = Noise(np.float32(0.0), np.float32(0.0))
    winners = predict(shown, w1, w2, dynamics, quiet, scores)
    keys = [presentation_key(stream, epoch, k) for k in ids]
    words = np.zeros(levels.shape, np.uint64)
    for row, key, word in zip(levels, keys, words, strict=True):
        encode(row, np.uint64(key), np.uint64(all_steps(dynamics.steps)), word)
    spikes = (words[:, None, :] >> np.arange(dynamics.steps, dtype=np.uint64)[None, :, None]) & np.uint64(1)
    # a score is the number of spikes plus a fraction
    return Check(spikes.astype(bool), np.floor(scores).astype(np.int64), winners, labels)
