"""The file of a trained network: what is written is read, and what is damaged is refused."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit import load_card
from devicekit.core.errors import FileError
from devicekit.device.network import TrainedNetwork
from devicekit.system import catalog
from tests.unit.exporters.small_network import HIDDEN, OUTPUT, small_network


@pytest.fixture
def network() -> TrainedNetwork:
    return small_network(load_card(catalog.get("pt-hfo2-al2o3-ti").card))


def rewritten(network: TrainedNetwork, path: Path, change: Any) -> Path:
    """The file with its text and arrays changed by hand."""
    about, arrays = network.to_parts()
    stored: dict[str, Any] = json.loads(about)
    change(stored, arrays)
    stream = io.BytesIO()
    np.savez(stream, **{"about": np.array(json.dumps(stored)), **arrays})  # type: ignore[arg-type]
    path.write_bytes(stream.getvalue())
    return path


def test_weights_are_the_scaled_differences_of_states(network: TrainedNetwork) -> None:
    for w, (plus, minus), scale in zip(network.weights(), (HIDDEN, OUTPUT), (2.0, 4.0), strict=True):
        np.testing.assert_allclose(w, scale * (np.array(plus) - np.array(minus)), atol=1e-12)
    assert network.shape == (2, 3, 2)


def test_a_file_is_read_as_it_was_written(network: TrainedNetwork, tmp_path: Path) -> None:
    network.save(tmp_path / "one.npz")
    network.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    back = TrainedNetwork.load(tmp_path / "one.npz")
    assert back.to_parts()[0] == network.to_parts()[0]
    for name, array in network.to_parts()[1].items():
        np.testing.assert_array_equal(back.to_parts()[1][name], array)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda about, arrays: about.update(format="devicekit network 2"), "its format is"),
        (lambda about, arrays: arrays.pop("hidden_minus"), "hidden_minus"),
        (lambda about, arrays: arrays.update(output_plus=arrays["output_plus"][:2]), "same shape"),
        (lambda about, arrays: arrays.update(hidden_plus=arrays["hidden_plus"] * np.nan), "not finite"),
        (lambda about, arrays: arrays.update(classes=arrays["classes"][:3]), "do not fit"),
        (
            lambda about, arrays: arrays.update(output_plus=arrays["hidden_plus"], output_minus=arrays["hidden_minus"]),
            "fit",
        ),
        (lambda about, arrays: about["neurons"].pop("steps"), "steps"),
        (lambda about, arrays: about["card"].pop("window"), "card"),
        (lambda about, arrays: arrays.update(hidden_plus=np.array(["x"])), "not a trained network"),
        (lambda about, arrays: about.update(facts={}), "'data' is missing"),
        (lambda about, arrays: about["facts"].update(accuracy="99"), "accuracy is '99'"),
        (lambda about, arrays: about["facts"].update(accuracy=float("nan")), "accuracy is nan"),
        (lambda about, arrays: about["facts"].update(tested_with=[3]), "tested_with"),
        (lambda about, arrays: about.update(scales=[float("inf"), 4.0]), "scale of hidden is inf"),
        (lambda about, arrays: about.update(paired=["false", True]), "paired of hidden is 'false'"),
        (lambda about, arrays: about.update(paired=[False, True]), "reference of a layer"),
        (lambda about, arrays: about["neurons"].update(steps=13), "spikes"),
        (lambda about, arrays: about.update(channels=9), "spikes"),
        (lambda about, arrays: about.update(channels=10**15), "spikes"),
        (lambda about, arrays: about.update(channels=3), "do not fit"),
        (lambda about, arrays: about["neurons"].update(hidden_decay=1.0), "hidden_decay must be"),
        (lambda about, arrays: about["neurons"].update(output_decay=0), "output_decay must be"),
        (lambda about, arrays: about["neurons"].update(threshold=0.0), "threshold"),
        (lambda about, arrays: arrays.update(spikes=arrays["spikes"].astype(float) + 256.0), "spikes"),
        (lambda about, arrays: arrays.update(counts=arrays["counts"] + 0.5), "counts must"),
        (lambda about, arrays: arrays.update(classes=arrays["classes"] - 1), "classes must"),
        (lambda about, arrays: arrays.update(classes=arrays["classes"] + 2), "do not fit"),
        (lambda about, arrays: arrays.update(hidden_plus=arrays["hidden_plus"] * 1j), "array of numbers"),
        (lambda about, arrays: arrays.update(output_plus=np.zeros((0, 2))), "array of numbers"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(network: TrainedNetwork, tmp_path: Path, change: Any, words: str) -> None:
    with pytest.raises(FileError, match=words):
        TrainedNetwork.load(rewritten(network, tmp_path / "bad.npz", change))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut off"])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(FileError, match=r"x\.npz"):
        TrainedNetwork.load(tmp_path / "x.npz")
    with pytest.raises(FileError, match="does not exist"):
        TrainedNetwork.load(tmp_path / "missing.npz")


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", about=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileError, match=r"p\.npz"):
        TrainedNetwork.load(tmp_path / "p.npz")


def packed(path: Path, content: bytes, change: dict[int, int] | None = None) -> Path:
    """A .npz file with one part, and bytes of both of its headers set to others."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("about.npy", content)
    data = bytearray(path.read_bytes())
    for at, value in (change or {}).items():
        data[at] = data[data.find(b"PK\x01\x02") + at + 2] = value
    path.write_bytes(bytes(data))
    return path


def header(shape: str) -> bytes:
    words = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(words).to_bytes(2, "little") + words


def test_hostile_archives_are_refused_in_one_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "array.npy").rename(tmp_path / "array.npz")
    (tmp_path / "folder.npz").mkdir()
    files = {
        packed(tmp_path / "a.npz", header(f"({10**12},)") + bytes(8)): "longer than",
        packed(tmp_path / "b.npz", header("(") + bytes(8)): "not a trained network",
        packed(tmp_path / "c.npz", b"x", {6: 1}): "encrypted",
        packed(tmp_path / "d.npz", b"x", {8: 99}): "compression",
        tmp_path / "array.npz": "not an .npz file",
        tmp_path / "folder.npz": "Is a directory",
    }
    for path, words in files.items():
        with pytest.raises(FileError, match=words) as caught:
            TrainedNetwork.load(path)
        assert "\n" not in caught.value.message
        assert str(tmp_path) not in caught.value.message


def test_a_bomb_is_not_unpacked(network: TrainedNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("about.npy", header(f"({10**6},)") + bytes(8 * 10**6))
    monkeypatch.setattr("devicekit.system.npz.HARMLESS_SIZE", 8 * 10**6)  # and 200 times 8 kB is less
    with pytest.raises(FileError, match="200 times"):
        TrainedNetwork.load(tmp_path / "bomb.npz")
    monkeypatch.setattr("devicekit.system.npz.HARMLESS_SIZE", 8 * 10**6 + len(header("(1000000,)")))
    with pytest.raises(FileError) as caught:
        TrainedNetwork.load(tmp_path / "bomb.npz")
    assert "unpacks" not in caught.value.message


def test_settings_of_the_test_are_listed_as_left_out(network: TrainedNetwork) -> None:
    assert network.left_out == ()
    noisy = replace(network, facts={**network.facts, "wires": True, "tested_with": ["read noise"]})
    assert "lines, read noise" in noisy.left_out[1]
