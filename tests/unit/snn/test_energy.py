"""Energy of reading: spikes counted by the plain network, rows one by one."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.blocks import Window
from devicekit.device.card import DeviceCard
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.energy import per_inference
from snn.network.encoding import stream_key
from snn.training import TEST_STREAM, Run

WINDOW = Window(quantity="conductance_s", low=1e-5, high=3e-5, scope="made")
SMALL = TrainingConfig(hidden=20, epochs=1, schedule="constant")


@pytest.fixture(scope="module")
def tiny() -> Dataset:
    rng = np.random.default_rng(5)
    x, y = rng.random((60, 16)), np.arange(60) % 3
    x[:, :3] = np.eye(3)[y]
    return Dataset("made", "none", x[:40], y[:40], x[40:], y[40:])


@pytest.fixture(scope="module")
def conducting(card: DeviceCard) -> DeviceCard:
    at = card.conditions.model_copy(update={"read_voltage_v": 0.2})
    return card.model_copy(update={"window": WINDOW, "conditions": at})


@pytest.mark.parametrize("mapping", ["pair", "reference"])
def test_every_spike_drives_its_row(oracle: ModuleType, conducting: DeviceCard, tiny: Dataset, mapping: str) -> None:
    run = Run(conducting, replace(SMALL, mapping=mapping, hidden=70), tiny)  # type: ignore[arg-type]
    run.learn(0)
    assert run.synapses is not None
    w1, w2 = run.synapses.read(0.0)
    counts = [np.zeros(16), np.zeros(70)]
    for k in range(20):
        key = oracle.presentation_key(stream_key(0, TEST_STREAM), 0, k)
        inputs = oracle.encode(run.x_test[k], key, run.config.steps)
        hidden, _, _ = oracle.forward(inputs, w1.astype(float), w2.astype(float), run.test_dynamics)
        counts[0] += inputs.sum(axis=0)
        counts[1] += hidden.sum(axis=0)[:70]
    found = per_inference(run, read_s=3e-6, samples=20)
    assert counts[1].sum() > 0
    assert (found.input_spikes, found.hidden_spikes) == pytest.approx(tuple(each.sum() / 20 for each in counts))
    energies, largest = [], 0.0
    for spikes, array in zip(counts, run.synapses.arrays, strict=True):
        g = 1e-5 + 2e-5 * array.r
        on_row = array.n // spikes.size
        rows = [g[k : k + on_row].sum() for k in range(0, array.n, on_row)]
        energies.append(sum(0.2**2 * 3e-6 * n / 20 * row for n, row in zip(spikes, rows, strict=True)))
        largest = largest or 0.2 * max(rows)
    assert (found.hidden_j, found.output_j) == pytest.approx(tuple(energies))
    assert found.row_a == pytest.approx(largest)
    assert found.total_j == pytest.approx(sum(energies))
    assert found.of_training(7) == pytest.approx(7 * sum(energies))
    assert found.as_dict()["total_j"] == found.total_j


def test_energy_needs_volts_and_siemens(card: DeviceCard, conducting: DeviceCard, tiny: Dataset) -> None:
    with pytest.raises(UsageError, match="read voltage"):
        per_inference(Run(card, SMALL, tiny))
    blind = conducting.model_copy(update={"conditions": card.conditions})
    with pytest.raises(UsageError, match="read voltage"):
        per_inference(Run(blind, SMALL, tiny))
    offline = Run(conducting, replace(SMALL, scheme="offline"), tiny)
    with pytest.raises(UsageError, match="synapses="):
        per_inference(offline)
    offline.learn(0)
    assert per_inference(offline, synapses=offline.learner.program()).total_j > 0
