"""Images in idx files like those of MNIST: a folder of the user, or MNIST and Fashion-MNIST by name."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from devicekit.core.errors import FileError
from snn.data.dataset import Dataset
from snn.data.fetch import fetch

PIXEL_MAX = 255
LARGEST = 1 << 31  # bytes of one file when unpacked
PARTS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
ADDRESSES = {
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "fashion-mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
}
CHECKSUMS = {
    "mnist": (
        "f68b3c2dcbeaaa9fbdd348bbdeb89873", "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    "fashion-mnist": (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310",
    ),
}  # fmt: skip
SOURCES = {
    "mnist": "LeCun, Cortes and Burges, The MNIST database of handwritten digits",
    "fashion-mnist": "Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747",
}


def load_named(name: str, folder: Path | None) -> Dataset:
    """Load MNIST or Fashion-MNIST with the official split, from a folder or by download.

    Raises
    ------
    FileError
        If a file is missing, cannot be downloaded, or is not an idx file.
    """
    if folder is not None:
        return read_folder(folder, name)
    instead = (
        f"Download the four files yourself and pass their folder as data_dir= (--data-dir). Source: {SOURCES[name]}."
    )
    paths = [
        fetch(f"{ADDRESSES[name]}{part}-ubyte.gz", f"md5:{digest}", instead, f"{name}-{part}-ubyte.gz")
        for part, digest in zip(PARTS, CHECKSUMS[name], strict=True)
    ]
    return _build_dataset(name, paths)


def read_folder(folder: Path, name: str | None = None) -> Dataset:
    """Read a folder of idx files named as for MNIST: train-images..., train-labels..., t10k-... (or test-...).

    Raises
    ------
    FileError
        Unless there is exactly one file of each, and all are idx files.
    """
    files = sorted(path for path in folder.iterdir() if "idx" in path.name)
    paths = []
    for part in PARTS:
        of, what = part.split("-")[:2]
        starts = ("t10k", "test") if of == "t10k" else ("train",)
        found = [path for path in files if path.name.startswith(starts) and what in path.name]
        if len(found) != 1:
            there = ", ".join(path.name for path in found) or "none"
            raise FileError(f"{folder}: expected one file {of}...{what}...idx..., found {there}.")
        paths.append(found[0])
    return _build_dataset(name or folder.resolve().name, paths)


def _build_dataset(name: str, paths: list[Path]) -> Dataset:
    arrays = [read_idx(path) for path in paths]
    parts: list[np.ndarray] = []
    for k in (0, 2):
        images, labels, path = arrays[k], arrays[k + 1], paths[k]
        if images.ndim < 2 or labels.ndim != 1 or len(images) != len(labels):
            raise FileError(f"{path.name}: images of shape {images.shape} do not match labels of shape {labels.shape}.")
        if images.dtype != np.uint8:
            raise FileError(f"{path.name}: pixels must be bytes (0 to 255), not {images.dtype}.")
        flat = images.reshape(len(images), -1).astype(np.float32)
        flat /= np.float32(PIXEL_MAX)
        parts += [flat, labels.astype(np.int64)]
    x_train, y_train, x_test, y_test = parts
    split = f"given parts, {len(y_train)} to train, {len(y_test)} to test"
    return Dataset(name, split, x_train, y_train, x_test, y_test)


def read_idx(path: Path) -> np.ndarray:
    """Read the array of an idx file, gzipped or not.

    Raises
    ------
    FileError
        If it is not an idx file, or is truncated.
    """
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            with gzip.open(path) as unpacked:
                raw = unpacked.read(LARGEST)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path} cannot be read ({error}).") from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _TYPES or not 1 <= raw[3] <= 4:
        raise FileError(f"{path} is not an idx file: the header (two zeros, type, dimensions) is missing.")
    start = 4 + 4 * raw[3]
    if len(raw) < start:
        raise FileError(f"{path} is truncated: it ends within the header.")
    shape = tuple(int.from_bytes(raw[4 + 4 * k : 8 + 4 * k], "big") for k in range(raw[3]))
    kind = np.dtype(_TYPES[raw[2]])
    wanted = math.prod(shape) * kind.itemsize
    if len(raw) - start != wanted:
        raise FileError(f"{path}: the header announces {wanted} bytes of data, but there are {len(raw) - start}.")
    return np.frombuffer(raw, kind, offset=start).reshape(shape)
