"""Handwritten digits of 8 x 8 pixels: scikit-learn's, and the UCI archive's.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998),
doi 10.24432/C50P49.
"""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from devicekit.core.errors import BadRow, FileError
from snn.data.dataset import Dataset
from snn.data.fetch import fetch
from snn.data.split import stratified

PIXELS, PIXEL_MAX, CLASSES = 64, 16, 10
UCI_URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/optdigits/"
UCI_FILES = {
    "optdigits.tra": "md5:268ce7771f3f15afbc54402478b1d454",
    "optdigits.tes": "md5:a0339c30a8a5312a1b6f9e5c719dcce5",
}
TEST_SIZE, SPLIT_SEED = 0.25, 0


def digits() -> Dataset:
    """Load scikit-learn's 1797 images (the TEST part of Optdigits), split at random 75/25 and stratified.

    Both parts have the same writers, which raises accuracies by about one percentage point.
    """
    table = _shipped_digits()
    x, y = table[:, :-1] / PIXEL_MAX, table[:, -1].astype(np.int64)
    train, test = stratified(y, int(np.ceil(TEST_SIZE * len(y))), SPLIT_SEED)
    words = "random 75/25 split of load_digits (same writers in both parts)"
    split = f"{words}, stratified, random_state {SPLIT_SEED}"
    return Dataset("digits", split, x[train], y[train], x[test], y[test])


def _shipped_digits() -> np.ndarray:
    """Read the file shipped by scikit-learn, 64 pixels and a class per row, without importing scikit-learn."""
    package = find_spec("sklearn")
    path = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz" if package and package.origin else None
    if path is None or not path.is_file():  # another layout of scikit-learn
        from sklearn.datasets import load_digits

        return np.column_stack(load_digits(return_X_y=True))
    with gzip.open(path, "rt", encoding="ascii") as file:
        return np.loadtxt(file, delimiter=",")


def optdigits(folder: Path | None) -> Dataset:
    """Load the UCI files, 3823 images to train and 1797 of other writers to test; downloaded without a folder.

    Raises
    ------
    FileError
        If a file is missing, cannot be downloaded, or has another format.
    """
    instead = "Download optdigits.tra and optdigits.tes yourself and pass their folder as data_dir= (--data-dir)."
    parts = []
    for name, checksum in UCI_FILES.items():
        path = folder / name if folder is not None else fetch(UCI_URL + name, checksum, instead)
        parts.append(_read(path))
    (x_train, y_train), (x_test, y_test) = parts
    return Dataset("optdigits", "UCI 3823/1797 (other writers in the test part)", x_train, y_train, x_test, y_test)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    if not path.is_file():
        raise FileError(f"{path} does not exist. The folder must contain {' and '.join(UCI_FILES)}.")
    bad, rows = [], []
    for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = [int(cell) for cell in line.split(",")]
        except ValueError:
            values = []
        fits = len(values) == PIXELS + 1 and all(0 <= v <= PIXEL_MAX for v in values[:-1]) and 0 <= values[-1] < CLASSES
        if fits:
            rows.append(values)
        else:
            bad.append(BadRow(number, None, repr(line[:40]), "64 pixels of 0..16 and a class of 0..9, all whole"))
    if bad or not rows:
        raise FileError(f"{path} is not an Optdigits file" + ("" if rows or bad else ": it is empty."), bad)
    table = np.array(rows, np.int64)
    return table[:, :-1] / PIXEL_MAX, table[:, -1].copy()
