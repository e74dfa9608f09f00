"""Data of one's own: files made here in other ways than the code reads them, bad ones, and fetching from a server."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import FileError, UsageError
from snn.config import TrainingConfig
from snn.data import images
from snn.data.fetch import fetch
from snn.data.load import load
from snn.training import train


def idx(shape: tuple[int, ...], content: bytes) -> bytes:
    return struct.pack(">HBB", 0, 8, len(shape)) + struct.pack(f">{len(shape)}I", *shape) + content


def write_images(folder: Path, names: tuple[str, ...] = images.PARTS, packed: bool = True) -> list[list[int]]:
    """Ten 2 x 3 images to train, four to test; the labels."""
    folder.mkdir(exist_ok=True)
    written_labels = []
    for part, name in enumerate(names):
        n = (10, 10, 4, 4)[part]
        labels = [k % 3 for k in range(n)]
        content = idx((n,), bytes(labels)) if part % 2 else idx((n, 2, 3), bytes(range(0, 6 * n)))
        path = folder / f"{name}-ubyte{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content) if packed else content)
        written_labels.append(labels)
    return written_labels


@pytest.mark.parametrize("packed", [True, False])
def test_images_of_a_folder_are_those_of_its_idx_files(tmp_path: Path, packed: bool) -> None:
    written_labels = write_images(tmp_path / "shirts", packed=packed)
    data = load(str(tmp_path / "shirts"))
    assert (data.name, data.split) == ("shirts", "given parts, 10 to train, 4 to test")
    np.testing.assert_allclose(data.x_train[2], np.arange(12, 18) / 255, rtol=1e-6)
    assert data.y_train.tolist() == written_labels[1]
    assert data.y_test.tolist() == written_labels[3]
    assert data.x_test.shape == (4, 6)


def test_idx_files_that_are_cut_off_missing_or_something_else_are_named(tmp_path: Path) -> None:
    write_images(tmp_path / "cut", packed=False)
    path = tmp_path / "cut" / "t10k-images-idx3-ubyte"
    whole = path.read_bytes()
    for content, words in (
        (whole[:-1], "24 bytes.* 23"),
        (whole[:9], "truncated"),
        (b"not an idx", "not an idx"),
        (b"\x1f\x8b broken", "cannot be read"),
    ):
        path.write_bytes(content)
        with pytest.raises(FileError, match=words):
            load(str(tmp_path / "cut"))
    path.unlink()
    with pytest.raises(FileError, match=r"expected one file t10k\.\.\.images\.\.\.idx"):
        load(str(tmp_path / "cut"))


def test_arrays_of_a_file_keep_their_parts_and_classes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 4, 4), dtype=np.uint8)
    labels = np.array([2, 10, 1] * 10)
    np.savez(tmp_path / "a.npz", x_train=pixels[:20], y_train=labels[:20], x_test=pixels[20:], y_test=labels[20:])
    data = load(str(tmp_path / "a.npz"))
    assert data.classes == ("1", "2", "10")  # in their own order
    assert data.y_train[:3].tolist() == [1, 2, 0]
    np.testing.assert_allclose(data.x_test[0], pixels[20].ravel() / 255)
    assert data.split.startswith("given parts, 20")
    assert "0 to 255" in data.split
    np.savez(tmp_path / "b.npz", X=pixels.reshape(30, 16) / 255.0 - 0.5, y=labels)
    data = load(str(tmp_path / "b.npz"))
    assert data.split.startswith("random 75/25")
    assert "random_state 0" in data.split
    assert "two channels" in data.split
    assert (len(data.y_train), len(data.y_test)) == (22, 8)
    assert data.x_train.shape[1] == 2 * 2 * 16 + 1  # 16 features are repeated up to 32, two channels each, and a bias
    mean = np.r_[data.x_train[:, :16] - data.x_train[:, 16:32]].mean(axis=0)
    np.testing.assert_allclose(mean, 0, atol=1e-3)  # scaled by the training part alone


def test_the_column_of_classes_and_bad_rows_of_a_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = [f"{a:.3f},{b:.3f},{'pn'[k % 2]}" for k, (a, b) in enumerate(rng.normal(size=(40, 2)))]
    path = tmp_path / "t.csv"
    path.write_text("a,b,kind\n" + "\n".join(rows) + "\n")
    with pytest.raises(UsageError, match=r"--label.*a, b, kind"):
        load(str(path))
    assert load(str(path), label="kind").classes == ("n", "p")
    path.write_text("a,b,class\n" + "\n".join(rows) + "\n")
    assert load(str(path)).n_classes == 2
    rows[3], rows[7] = "1,x,p", "nan,2,n"
    path.write_text("a,b,class\n" + "\n".join(rows) + "\n")
    with pytest.raises(FileError) as caught:
        load(str(path))
    assert [(row.row, row.column) for row in caught.value.rows] == [(5, "b"), (9, "a")]
    with pytest.raises(UsageError, match="no column 'kind'"):
        load(str(path), label="kind")
    for part, chosen in (("train", rows[10:]), ("test", rows[8:10])):
        (tmp_path / f"{part}.csv").write_text("a,b,class\n" + "\n".join(chosen) + "\n")
    data = load(str(tmp_path))
    assert data.split.startswith("given parts, 30 to train, 2 to test")


def test_unusable_data_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    x = np.zeros((6, 2))
    for arrays, words in (
        ({"x": x}, "expected x_train"),
        ({"x": x, "y": np.zeros(5)}, "5 labels"),
        ({"x": x, "y": np.zeros(6)}, "needs at least 2"),
        ({"x": x, "y": np.array([0, 0, 0, 0, 0, 1])}, "class 1 has one sample"),
        ({"x": np.where(np.arange(12).reshape(6, 2) == 5, np.nan, 0), "y": np.arange(6) % 2}, "cannot be used"),
        ({"x": np.array([["a", "b"]] * 6), "y": np.arange(6) % 2}, "must be numbers"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(FileError, match=words):
            load(str(path))
    path.write_text("no zip")
    with pytest.raises(FileError, match=r"\.npz"):
        load(str(path))
    for name, more, words in (
        ("iris.txt", {}, "Unknown data set"),
        ("digits", {"data_dir": tmp_path}, "--data-dir"),
        ("mnist", {"label": "y"}, "--label"),
    ):
        with pytest.raises(UsageError, match=words):
            load(name, **more)  # type: ignore[arg-type]


def test_a_table_of_the_user_is_trained_and_its_classes_are_separated(card, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(2)
    y = np.arange(400) % 4
    np.savez(tmp_path / "blobs.npz", x=rng.normal(size=(400, 7)) + 3 * np.eye(7)[y], y=y)
    data = load(str(tmp_path / "blobs.npz"))
    for scheme in ("offline", "insitu"):
        result = train(card, TrainingConfig(scheme=scheme, hidden=64, epochs=6, rates="scaled"), data)
        assert result.accuracy_mean_last > 0.85


class Files(BaseHTTPRequestHandler):
    """GET /cut says that there is more than it sends."""

    content = b"0123456789" * 100

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content) * (2 if "cut" in self.path else 1)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pooch = pytest.importorskip("pooch")
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache")
    serving = HTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()


def test_only_the_right_file_is_taken_from_a_server_and_kept(server: str, tmp_path: Path) -> None:
    right = f"md5:{hashlib.md5(Files.content).hexdigest()}"
    path = fetch(f"{server}/whole", right, "do it yourself")
    assert path.read_bytes() == Files.content
    assert path == tmp_path / "cache" / "whole"
    for name, checksum in (("other", f"md5:{'0' * 32}"), ("cut", right)):
        with pytest.raises(FileError, match="do it yourself"):
            fetch(f"{server}/{name}", checksum, "do it yourself")
        assert not (tmp_path / "cache" / name).exists()
    assert fetch("http://127.0.0.1:9/whole", right, "x") == path  # from the cache, without a server


def test_mnist_of_the_measured_files(card) -> None:  # type: ignore[no-untyped-def]
    import os

    root = os.environ.get("DEVICEKIT_TEST_DATA")
    if not root or not (Path(root) / "mnist").is_dir():
        pytest.skip("DEVICEKIT_TEST_DATA is not set: MNIST is NOT read here")
    data = load("mnist", Path(root) / "mnist")
    assert data.split == "given parts, 10000 to train, 10000 to test"
    assert data.x_train.dtype == np.float32
    assert np.bincount(data.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
