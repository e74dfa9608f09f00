"""What a training keeps of its devices, run again neuron by neuron."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit import catalog, load_card
from devicekit.device.network import TrainedNetwork
from snn.config import TrainingConfig
from snn.data.load import load
from snn.training import TrainingResult, train


def trained(**settings: object) -> TrainingResult:
    card = load_card(catalog.get("pt-hfo2-al2o3-ti").card)
    told = {"epochs": 1, "hidden": 70, **settings}
    return train(card, TrainingConfig(**told), load("digits"))  # type: ignore[arg-type]


def answers(network: TrainedNetwork) -> tuple[np.ndarray, np.ndarray]:
    """Counts and classes by `DYNAMICS`, in plain double precision."""
    n, (w1, w2) = network.neurons, network.weights()
    counts, classes = [], []
    for spikes in network.check.spikes:
        v, u = np.zeros(w1.shape[1]), np.zeros(w2.shape[1])
        rest, count, summed = (np.zeros(w2.shape[1]) for _ in range(3))
        for step in spikes:
            v = n.hidden_decay * v + step @ w1
            fired = v >= n.threshold
            v[fired] = 0.0
            u = n.output_decay * u + fired @ w2
            resting = rest > 0
            u[resting] = 0.0
            rest[resting] -= 1
            summed += u
            out = (u >= n.threshold) & ~resting
            count += out
            rest[out], u[out] = n.refractory, 0.0
        best = np.flatnonzero(count == count.max())
        counts.append(count)
        classes.append(best[np.argmax(summed[best])])
    return np.array(counts), np.array(classes)


@pytest.mark.parametrize(
    "settings", [{}, {"mapping": "reference"}, {"scheme": "offline"}, {"scheme": "hybrid", "epochs": 2}]
)
def test_a_network_that_is_kept_says_what_the_trained_one_says(settings: dict[str, object]) -> None:
    result = trained(**settings)
    network = result.network
    assert network is not None
    if result.scheme == "offline":
        assert network.facts["accuracy"] == result.accuracy_programmed
    else:
        np.testing.assert_allclose(network.weights()[0], result.w1, atol=2e-6)
        np.testing.assert_allclose(network.weights()[1], result.w2, atol=2e-6)
        assert network.facts["accuracy"] == result.accuracy_mean_last
    low, high = network.card.window.low, network.card.window.high
    for layer in network.layers:
        assert layer.paired == (settings.get("mapping") != "reference")
        assert layer.paired or np.unique(layer.minus).size == 1
        assert low <= layer.plus.min() < layer.plus.max() <= high
    counts, classes = answers(network)
    assert len(classes) == 100
    np.testing.assert_array_equal(counts, network.check.counts)
    np.testing.assert_array_equal(classes, network.check.classes)
    assert (network.check.labels == load("digits").y_test[:100]).all()


def test_float_weights_alone_are_no_devices() -> None:
    assert train(None, TrainingConfig(scheme="offline", epochs=1, hidden=70), load("digits")).network is None


def test_a_training_with_resistive_lines_says_so() -> None:
    network = trained(wire_ohm=1.0).network
    assert network is not None
    assert network.left_out
    assert trained().network.left_out == ()  # type: ignore[union-attr]
