"""The file of a trained network: what is written is read, and what is damaged is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit import catalog, load_card
from devicekit.device.network import TrainedNetwork
from devicekit.errors import FileError
from tests.unit.exporters.small_network import HIDDEN, OUTPUT, small_network


@pytest.fixture
def network() -> TrainedNetwork:
    return small_network(load_card(catalog.get("pt-hfo2-al2o3-ti").card))


def rewritten(network: TrainedNetwork, path: Path, change: Any) -> Path:
    """The file with its text and arrays changed by hand."""
    about, arrays = network.parts()
    said: dict[str, Any] = json.loads(about)
    change(said, arrays)
    stream = io.BytesIO()
    np.savez(stream, **{"about": np.array(json.dumps(said)), **arrays})  # type: ignore[arg-type]
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
    assert back.parts()[0] == network.parts()[0]
    for name, array in network.parts()[1].items():
        np.testing.assert_array_equal(back.parts()[1][name], array)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda said, arrays: said.update(format="devicekit network 2"), "its format is"),
        (lambda said, arrays: arrays.pop("hidden_minus"), "hidden_minus"),
        (lambda said, arrays: arrays.update(output_plus=arrays["output_plus"][:2]), "one shape"),
        (lambda said, arrays: arrays.update(hidden_plus=arrays["hidden_plus"] * np.nan), "not finite"),
        (lambda said, arrays: arrays.update(classes=arrays["classes"][:3]), "do not fit"),
        (
            lambda said, arrays: arrays.update(output_plus=arrays["hidden_plus"], output_minus=arrays["hidden_minus"]),
            "fit",
        ),
        (lambda said, arrays: said["neurons"].pop("steps"), "steps"),
        (lambda said, arrays: said["card"].pop("window"), "card"),
        (lambda said, arrays: arrays.update(hidden_plus=np.array(["x"])), "no trained network"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(network: TrainedNetwork, tmp_path: Path, change: Any, words: str) -> None:
    with pytest.raises(FileError, match=words):
        TrainedNetwork.load(rewritten(network, tmp_path / "bad.npz", change))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut off"])
def test_what_is_no_such_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(FileError, match="no trained network"):
        TrainedNetwork.load(tmp_path / "x.npz")
    with pytest.raises(FileError, match="no such file"):
        TrainedNetwork.load(tmp_path / "missing.npz")


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", about=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileError, match="no trained network"):
        TrainedNetwork.load(tmp_path / "p.npz")
