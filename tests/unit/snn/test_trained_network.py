"""What a training keeps of its devices, run again neuron by neuron."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devicekit import load_card
from devicekit.device.network import TrainedNetwork
from devicekit.system import catalog
from snn.config import TrainingConfig
from snn.data.load import load
from snn.network.encoding import Presentations, stream_key
from snn.network.neurons import Noise, padded, predict
from snn.result import TrainingResult
from snn.training import TEST_STREAM, Run, train


def trained(**settings: object) -> TrainingResult:
    card = load_card(catalog.get("pt-hfo2-al2o3-ti").card)
    chosen = {"epochs": 1, "hidden": 70, **settings}
    return train(card, TrainingConfig(**chosen), load("digits"))  # type: ignore[arg-type]


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
        assert network.facts["accuracy"] == result.epochs[-1].test_accuracy
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


def share_right(network: TrainedNetwork, settings: TrainingConfig) -> float:
    """Test accuracy of a network as it is kept, of the spikes that a training's test shows."""
    data = load("digits")
    run = Run(network.card, settings, data)
    w1 = np.zeros((64, padded(settings.hidden)), np.float32)
    w2 = np.zeros((padded(settings.hidden), 10), np.float32)
    w1[:, : settings.hidden], w2[: settings.hidden] = network.weights()
    scores, stream = np.empty((len(data.y_test), 10)), stream_key(settings.seed, TEST_STREAM)
    quiet = Noise(np.float32(0.0), np.float32(0.0))
    shown = Presentations(run.x_test, run.test_ids, stream, settings.epochs - 1)
    return float(np.mean(predict(shown, w1, w2, run.test_dynamics, quiet, scores) == data.y_test))


@pytest.mark.parametrize("scheme", ["insitu", "hybrid", "offline"])
def test_the_accuracy_is_that_of_these_devices(scheme: str) -> None:
    settings = {"scheme": scheme, "epochs": 3, "hidden": 70}
    result = trained(**settings)
    assert result.network is not None
    facts = result.network.facts
    assert facts["accuracy"] == share_right(result.network, TrainingConfig(**settings))  # type: ignore[arg-type]
    assert facts["basis"] == ("as programmed" if scheme == "offline" else "after 3 epochs")
    assert facts["tested_with"] == []
    if scheme == "hybrid":  # an epoch of floats and one of pulses count in the mean that a training is judged by
        assert facts["accuracy"] != result.accuracy_mean_last


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"read_noise": True}, "read noise"),
        ({"telegraph": 0.1}, "telegraph noise"),
        pytest.param({"adc_bits": 4}, "converters of 4 bits", marks=pytest.mark.slow),
        ({"retention": 0.5}, "a loss of 50.0 % of each state"),
        ({"time_s": 1e6, "drift_nu": 0.05}, "drift over 1e6 s"),
    ],
)
def test_the_conditions_of_a_test_are_recorded(settings: dict[str, object], words: str) -> None:
    network = trained(**settings).network
    assert network is not None
    assert network.facts["tested_with"] == [words]
    assert words in network.left_out[0]


def test_a_network_of_an_idealised_device_says_so_and_comes_back(tmp_path: Path) -> None:
    network = trained(linear=True).network
    assert network is not None
    network.save(tmp_path / "n.npz")
    back = TrainedNetwork.load(tmp_path / "n.npz")
    assert back.card == network.card
    assert back.card.name.endswith(", made linear")
    (warning,) = (each for each in back.card.warnings if each.code == "idealised")
    assert "linear" in warning.message


def test_float_weights_have_no_network_of_devices() -> None:
    assert train(None, TrainingConfig(scheme="offline", epochs=1, hidden=70), load("digits")).network is None


def test_resistive_lines_are_recorded() -> None:
    network = trained(wire_ohm=1.0).network
    assert network is not None
    assert network.left_out
    assert trained().network.left_out == ()  # type: ignore[union-attr]
