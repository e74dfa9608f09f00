"""NIR: the graph as NIR's own package reads it, run by its equations, and the devices read back."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import devicekit
from devicekit.core.errors import FileError, UsageError
from devicekit.device.network import TrainedNetwork
from devicekit.exporters import ExportOptions, load_network, make

from .conftest import exported, shipped
from .small_network import HIDDEN, OUTPUT, small_network

nir = pytest.importorskip("nir", reason="nir is not installed: NIR graphs are NOT tested here")


@pytest.fixture(scope="module")
def network() -> TrainedNetwork:
    return small_network(shipped())


@pytest.fixture(scope="module")
def file(network: TrainedNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = exported(network.card, "nir", tmp_path_factory.mktemp("nir"), network=network).glob("*.nir")
    return path


def test_the_graph_is_two_layers_of_weights_and_neurons(file: Path) -> None:
    graph = nir.read(file)
    names = ["input", "hidden_weights", "hidden", "output_weights", "output_neurons", "output"]
    assert graph.edges == list(pairwise(names))
    kinds = [type(graph.nodes[name]).__name__ for name in names]
    assert kinds == ["Input", "Linear", "LIF", "Linear", "LIF", "Output"]
    # a spike's weight over 1 - d, which is 1/8 and 1/16
    for name, (plus, minus), scale in (("hidden_weights", HIDDEN, 16.0), ("output_weights", OUTPUT, 64.0)):
        wanted = scale * (np.array(plus) - np.array(minus)).T
        np.testing.assert_allclose(graph.nodes[name].weight, wanted, atol=1e-12)
    for name, tau in (("hidden", 8e-3), ("output_neurons", 16e-3)):
        node = graph.nodes[name]
        np.testing.assert_allclose(node.tau, tau, rtol=1e-12)
        assert set(node.r) == {1.0}
        assert set(node.v_leak) == set(node.v_reset) == {0.0}
        assert node.v_threshold[0] == 1 - 2**-24
    assert graph.metadata["dt"] == 1e-3
    assert graph.metadata["refractory_steps"] == 2
    assert graph.metadata["tau_exact_hidden"] == pytest.approx(-1e-3 / math.log(0.875))
    assert graph.metadata["tau_exact_output"] == pytest.approx(-1e-3 / math.log(0.9375))


@pytest.mark.parametrize("exact", [False, True])
def test_its_equations_in_steps_are_the_network(file: Path, network: TrainedNetwork, exact: bool) -> None:
    """Forward Euler over 1 ms with tau, or exact integration with the tau of the metadata, and refractory outputs."""
    graph, dt = nir.read(file), 1e-3
    rest = int(graph.metadata["refractory_steps"])
    layers = []
    for weights, name, key in (("hidden_weights", "hidden", "hidden"), ("output_weights", "output_neurons", "output")):
        node = graph.nodes[name]
        decay = np.exp(-dt / float(graph.metadata[f"tau_exact_{key}"])) if exact else 1 - dt / node.tau
        layers.append((graph.nodes[weights].weight, decay, node.r * (1 - decay), node.v_threshold))
    for spikes, wanted in zip(network.check.spikes, network.check.counts, strict=True):
        v = [np.zeros(3), np.zeros(2)]
        waiting, counts = np.zeros(2, int), np.zeros(2, int)
        for step in spikes:
            signal = step.astype(float)
            for k, (weight, decay, gain, threshold) in enumerate(layers):
                v[k] = decay * v[k] + gain * (weight @ signal)
                fired = v[k] > threshold
                if k == 1:
                    fired &= waiting == 0
                    v[k][waiting > 0] = 0.0
                    waiting = np.maximum(waiting - 1, 0)
                    waiting[fired] = rest
                    counts += fired
                v[k][fired] = 0.0
                signal = fired.astype(float)
        np.testing.assert_array_equal(counts, wanted)
    assert network.check.counts.sum() > 4


def test_devices_come_back_to_the_last_bit(file: Path, network: TrainedNetwork) -> None:
    back = devicekit.load_network(file)
    about, arrays = back.to_parts()
    assert about == network.to_parts()[0]
    for name, array in network.to_parts()[1].items():
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize(
    "metadata", [3.0, [1.0, 2.0], "text", {"devicekit": 3.0}, {"devicekit": ["a", "b"]}, {"devicekit": {}}]
)
def test_metadata_of_another_form_hold_no_devices(metadata: Any, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed: HDF5 files are NOT tested here")
    with h5py.File(tmp_path / "x.nir", "w") as made:
        if not isinstance(metadata, dict):
            made["node/metadata"] = metadata
        elif metadata["devicekit"] == {}:
            made.create_group("node/metadata/devicekit")
        else:
            made["node/metadata/devicekit"] = metadata["devicekit"]
    with pytest.raises(FileError, match="contain no devices"):
        load_network(tmp_path / "x.nir")


def test_another_nir_file_has_no_devices(tmp_path: Path, file: Path) -> None:
    graph = nir.read(file)
    graph.metadata = {}
    nir.write(tmp_path / "theirs.nir", graph)
    with pytest.raises(FileError, match="contain no devices"):
        devicekit.load_network(tmp_path / "theirs.nir")
    (tmp_path / "empty.nir").write_bytes(b"")
    with pytest.raises(FileError):
        devicekit.load_network(tmp_path / "empty.nir")
    with pytest.raises(FileError, match="does not exist"):
        devicekit.load_network(tmp_path / "missing.nir")


def test_without_nir_the_error_names_the_command(network: TrainedNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r'pip install "devicekit\[nir\]"'):
        make(network.card, "nir", ExportOptions(network=network))
