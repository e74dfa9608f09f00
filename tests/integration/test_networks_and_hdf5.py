"""From a card to a trained network to other programs' files, and tables to HDF5, on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit as kit
from devicekit.device.network import TrainedNetwork
from devicekit.readers import hdf5
from devicekit.system import catalog

Run = Callable[..., Any]
CARD = catalog.get("pt-hfo2-al2o3-ti").card


@pytest.fixture(scope="module")
def network_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from snn.config import TrainingConfig
    from snn.data.load import load
    from snn.training import train

    path = tmp_path_factory.mktemp("network") / "network.npz"
    made = train(kit.load_card(CARD), TrainingConfig(epochs=1, hidden=70), load("digits")).network
    assert made is not None
    made.save(path)
    return path


@pytest.mark.usefixtures("without_pictures")
def test_a_training_writes_its_devices(devicekit: Run, tmp_path: Path) -> None:
    out = tmp_path / "t"
    ran = devicekit("train", CARD, "--epochs", 1, "--set", "hidden=70", "--no-beside", "--out", out, "--json")
    assert ran.code == 0
    network = kit.load_network(out / "network.npz")
    assert network.shape == (64, 70, 10)
    assert network.facts["accuracy"] == ran.json["accuracy_mean_last"]
    assert network.card.to_json() == kit.load_card(CARD).to_json()


@pytest.mark.slow
def test_a_network_is_exported_and_comes_back(devicekit: Run, network_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed: HDF5 files are NOT tested here")
    pytest.importorskip("nir", reason="nir is not installed: NIR graphs are NOT tested here")
    wanted = TrainedNetwork.load(network_file)
    came_from = network_file
    for target, suffix in (("hdf5", ".h5"), ("nir", ".nir")):
        assert devicekit("export", came_from, "--to", target, "--out", tmp_path / target).code == 0
        (came_from,) = (tmp_path / target).glob(f"*{suffix}")
        about, arrays = kit.load_network(came_from).to_parts()
        assert about == wanted.to_parts()[0]
        assert all(np.array_equal(array, arrays[name]) for name, array in wanted.to_parts()[1].items())
    assert devicekit("export", came_from, "--to", "csv", "--out", tmp_path / "csv").code == 0
    for name, layer, weight in zip(("hidden", "output"), wanted.layers, wanted.weights(), strict=True):
        frame = pd.read_csv(tmp_path / "csv" / f"network_{name}.csv", skiprows=[1])
        place = (frame["input"], frame["output"])
        np.testing.assert_allclose(frame["plus_s"], layer.plus[place], rtol=1e-8)
        np.testing.assert_allclose(frame["minus_s"], layer.minus[place], rtol=1e-8)
        np.testing.assert_allclose(frame["weight"], weight[place], rtol=1e-6, atol=1e-8)


def test_a_network_in_matlab(devicekit: Run, network_file: Path, tmp_path: Path) -> None:
    from scipy.io import loadmat

    assert devicekit("export", network_file, "--to", "mat", "--out", tmp_path / "mat").code == 0
    (path,) = (tmp_path / "mat").glob("*.mat")
    network, wanted = loadmat(path, simplify_cells=True)["network"], TrainedNetwork.load(network_file)
    for name, layer, weight in zip(("hidden", "output"), wanted.layers, wanted.weights(), strict=True):
        np.testing.assert_array_equal(network[name]["plus"], layer.plus)
        np.testing.assert_array_equal(network[name]["minus"], layer.minus)
        np.testing.assert_array_equal(network[name]["weight"], weight)
    np.testing.assert_array_equal(network["check"]["spikes"], wanted.check.spikes)
    np.testing.assert_array_equal(network["check"]["classes"], wanted.check.classes)


def test_what_holds_no_network_is_said(devicekit: Run, tmp_path: Path) -> None:
    assert "network.npz" in devicekit("export", CARD, "--to", "nir", "--out", "x").err
    (tmp_path / "n.npz").write_bytes(b"nothing")
    ran = devicekit("export", tmp_path / "n.npz", "--to", "csv", "--out", tmp_path / "x")
    assert ran.code == 2
    assert "n.npz is not a trained network" in ran.err
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_a_table_goes_to_hdf5_and_into_a_fit(devicekit: Run, tmp_path: Path) -> None:
    """The card of a table that went through HDF5 has the numbers of the one that did not, and is marked as well."""
    pytest.importorskip("h5py", reason="h5py is not installed: HDF5 files are NOT tested here")
    data = catalog.get("pt-hfo2-al2o3-ti").data
    assert devicekit("read", data, "--width", 50e-6, "--device", "device01", "--out", tmp_path / "t.h5").code == 0
    first = devicekit("fit", tmp_path / "t.h5", "--out", tmp_path / "a.json", "--json")
    second = devicekit("fit", data, "--width", 50e-6, "--device", "device01", "--out", tmp_path / "b.json", "--json")
    assert first.code == second.code == 0
    a, b = (kit.load_card(tmp_path / f"{name}.json") for name in "ab")
    assert (a.window, a.ltp.theta, a.ltd.theta) == (b.window, b.ltp.theta, b.ltd.theta)
    assert a.provenance.synthetic
    assert b.provenance.synthetic


def test_a_csv_keeps_marks(devicekit: Run, tmp_path: Path) -> None:
    data = catalog.get("pt-hfo2-al2o3-ti").data
    ran = devicekit("read", data, "--device", "device01", "--out", tmp_path / "s.csv", "--json")
    assert ran.json["table"] == str(tmp_path / "s.csv")
    assert kit.read(tmp_path / "s.csv").meta["marks"] == ["synthetic"]
    assert devicekit("read", tmp_path / "s.csv", "--out", tmp_path / "again.csv").code == 0
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "s.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures", "without_mechanism")
def test_pages_of_a_table_from_hdf5_keep_its_mark(devicekit: Run, tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed: HDF5 files are NOT tested here")
    table = kit.read(catalog.get("pt-hfo2-al2o3-ti").data).select(device="device01", width=5e-5)
    hdf5.save(tmp_path / "p.h5", tables=[table])
    assert devicekit("fit", tmp_path / "p.h5", "--report", tmp_path / "p.html").code == 0
    assert "SYNTHETIC DATA" in (tmp_path / "p.html").read_text(encoding="utf-8")
    hdf5.save(tmp_path / "s.h5", tables=[kit.read(catalog.get("reference-stdp").data)])
    assert devicekit("characterize", tmp_path / "s.h5", "--out", tmp_path / "c").code == 0
    assert "SYNTHETIC DATA" in (tmp_path / "c" / "report.html").read_text(encoding="utf-8")


def test_a_table_of_any_kind_goes_into_the_file_of_a_card(devicekit: Run, tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed: HDF5 files are NOT tested here")
    data = catalog.get("reference-retention").data
    assert devicekit("export", CARD, "--to", "hdf5", "--from-data", data, "--out", tmp_path / "all").code == 0
    (path,) = (tmp_path / "all").glob("*.h5")
    held = kit.load_hdf5(path)
    (table,) = held.tables
    assert table.kind == "retention"
    pd.testing.assert_frame_equal(table.frame, kit.read(data).frame, check_exact=True)
    assert held.card is not None
    assert held.card.to_json() == kit.load_card(CARD).to_json()
    assert "SYNTHETIC: retention table" in (tmp_path / "all" / "README.txt").read_text()
    ran = devicekit("export", CARD, "--to", "crosssim", "--from-data", data, "--out", tmp_path / "no")
    assert ran.code == 2


def test_a_folder_of_a_training_names_its_network(devicekit: Run, network_file: Path, tmp_path: Path) -> None:
    ran = devicekit("export", network_file.parent, "--to", "csv", "--out", tmp_path / "x")
    assert ran.code == 2
    assert str(network_file) in ran.err
    assert not (tmp_path / "x").exists()


def test_a_card_inside_another_file_is_pointed_at(devicekit: Run, network_file: Path, tmp_path: Path) -> None:
    ran = devicekit("card", "show", network_file)
    assert ran.code == 2
    assert "devicekit.load_network(" in ran.err
    assert ".card.save('card.json')" in ran.err
    kit.load_network(network_file).card.save(tmp_path / "card.json")
    assert devicekit("card", "show", tmp_path / "card.json").code == 0
    absent = devicekit("card", "show", tmp_path / "absent.npz")
    assert absent.code == 2
    assert "load_network" not in absent.err


def test_a_network_shows_itself_in_a_line(network_file: Path) -> None:
    network = kit.load_network(network_file)
    right = np.mean(network.check.classes == network.check.labels)
    assert repr(network) == f"<TrainedNetwork: {network.sentence}>"
    assert repr(network.layers[0]) == "<NetworkLayer: 64 x 70 weights of two devices, scale 1.5>"
    assert repr(network.check) == f"<Check: 100 samples, right in {100 * right:.1f}%>"


@pytest.mark.usefixtures("without_pictures")
def test_a_training_says_where_its_devices_are(devicekit: Run, tmp_path: Path) -> None:
    short = ("train", CARD, "--epochs", 1, "--set", "hidden=10", "--no-beside")
    assert f"{tmp_path / 't' / 'network.npz'}" in devicekit(*short, "--out", tmp_path / "t").out
    assert "--out DIR keeps" in devicekit(*short).out
