"""Handwritten digits of 8 x 8 pixels, with the name of the split: an accuracy without it means nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devicekit.errors import BadRow, FileError, UsageError

NAMES = ("digits", "optdigits")
PIXELS, PIXEL_MAX, CLASSES = 64, 16, 10
UCI_URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/optdigits/"
UCI_FILES = {
    "optdigits.tra": "md5:268ce7771f3f15afbc54402478b1d454",
    "optdigits.tes": "md5:a0339c30a8a5312a1b6f9e5c719dcce5",
}
TEST_SIZE, SPLIT_SEED = 0.25, 0


@dataclass(frozen=True)
class Digits:
    """A training and a test part.

    Attributes
    ----------
    name, split : str
        Data set and how it was split.
    x_train, x_test : ndarray of float, shapes (n, channels)
        Inputs scaled to 0..1 [1].
    y_train, y_test : ndarray of int, shapes (n,)
        Class numbers from 0.
    """

    name: str
    split: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __post_init__(self) -> None:
        for x, y in ((self.x_train, self.y_train), (self.x_test, self.y_test)):
            if x.ndim != 2 or y.shape != x.shape[:1]:
                raise UsageError("data need inputs of shape (n, channels) and one class number a sample")
            if not ((x >= 0) & (x <= 1)).all():  # not a number is neither
                raise UsageError(
                    f"inputs are scaled to 0..1; found {np.nanmin(x):g} to {np.nanmax(x):g}"
                    + (" and values that are no numbers" if np.isnan(x).any() else "")
                )
            if len(y) and not (np.isfinite(y).all() and (y >= 0).all() and (y == np.floor(y)).all()):
                raise UsageError("class numbers are whole numbers from 0")
        if self.x_train.shape[1] != self.x_test.shape[1]:
            raise UsageError("training and test part differ in their number of channels")
        if len(self.y_train) == 0 or len(self.y_test) == 0:
            raise UsageError("the training and the test part each need at least one sample")

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(max(self.y_train.max(), self.y_test.max())) + 1

    def hold_out(self, fraction: float = 0.2, seed: int = 0) -> Digits:
        """The training part alone, split at random: for choices that the test part must not see."""
        from sklearn.model_selection import train_test_split

        x, x_held, y, y_held = train_test_split(
            self.x_train, self.y_train, test_size=fraction, stratify=self.y_train, random_state=seed
        )
        split = f"{fraction:.0%} of the training part of [{self.split}] held out, random_state {seed}"
        return Digits(self.name, split, x, y, x_held, y_held)


def load(name: str = "digits", data_dir: Path | str | None = None) -> Digits:
    """Load digits with a named split.

    Parameters
    ----------
    name : {"digits", "optdigits"}
        "digits": scikit-learn's 1797 images, which are the TEST part of Optdigits, split at random 75/25 and
        stratified, so both parts have the same writers and accuracies come out about one point higher.
        "optdigits": the UCI files, 3823 images to train and 1797 of other writers to test.
    data_dir : path, optional
        Folder with optdigits.tra and optdigits.tes; without it they are fetched from the UCI archive and
        cached.

    Raises
    ------
    UsageError
        If the name is unknown.
    FileError
        If a file is missing, cannot be fetched, or is not in the format.

    Notes
    -----
    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository (1998), doi 10.24432/C50P49.
    """
    if name == "digits":
        return _load_sklearn()
    if name == "optdigits":
        return _load_optdigits(Path(data_dir) if data_dir is not None else None)
    raise UsageError(f"no data set {name!r}; there are: {', '.join(NAMES)}")


def _load_sklearn() -> Digits:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        x / PIXEL_MAX, y, test_size=TEST_SIZE, stratify=y, random_state=SPLIT_SEED
    )
    words = "random 75/25 split of load_digits (same writers in both parts)"
    split = f"{words}, stratified, random_state {SPLIT_SEED}"
    return Digits("digits", split, x_train, y_train.astype(np.int64), x_test, y_test.astype(np.int64))


def _load_optdigits(folder: Path | None) -> Digits:
    parts = []
    for name in UCI_FILES:
        path = folder / name if folder is not None else _fetch(name)
        parts.append(_read_optdigits(path))
    (x_train, y_train), (x_test, y_test) = parts
    return Digits("optdigits", "UCI 3823/1797 (other writers in the test part)", x_train, y_train, x_test, y_test)


def _fetch(name: str) -> Path:
    import pooch

    try:
        cache = pooch.os_cache("devicekit")
        return Path(pooch.retrieve(UCI_URL + name, known_hash=UCI_FILES[name], fname=name, path=cache))
    except Exception as error:  # pooch passes on whatever its downloader raises
        raise FileError(
            f"could not fetch {name} from {UCI_URL} ({error}); download it yourself and pass the folder "
            "that holds optdigits.tra and optdigits.tes as the data folder"
        ) from error


def _read_optdigits(path: Path) -> tuple[np.ndarray, np.ndarray]:
    if not path.is_file():
        raise FileError(f"{path} does not exist; the data folder must hold {' and '.join(UCI_FILES)}")
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
        raise FileError(f"{path} is not an Optdigits file" + ("" if rows or bad else ": it is empty"), bad)
    table = np.array(rows, np.int64)
    return table[:, :-1] / PIXEL_MAX, table[:, -1].copy()
