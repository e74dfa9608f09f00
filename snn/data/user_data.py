"""Tables and arrays of the user: .npz, .csv, a folder of two tables, or an OpenML data set by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from devicekit.core.errors import BadRow, FileError, UsageError
from devicekit.system import npz
from snn.data.dataset import Dataset
from snn.scaling import TwoSided

LABELS = ("label", "class", "target", "y", "species", "category")
TEST_SIZE, SPLIT_SEED = 0.25, 0
LEAST_PIXELS = 64  # square numbers of columns from which whole numbers 0 to 255 are pixels
PIXEL_MAX = 255
_NAMES = {
    "x_train": ("x_train", "X_train"),
    "y_train": ("y_train",),
    "x_test": ("x_test", "X_test"),
    "y_test": ("y_test",),
}


def read_npz(path: Path) -> Dataset:
    """Read arrays x_train, y_train, x_test, y_test; or x and y (X and y), which are split.

    Raises
    ------
    FileError
        If the arrays are missing or invalid.
    """
    try:
        arrays = npz.read_arrays(path.read_bytes())
    except Exception as error:  # any exception of NumPy or zipfile for a damaged file
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise FileError(f"{path.name} is not a .npz file of plain arrays ({reason}).") from error
    found = {ours: next((arrays[name] for name in names if name in arrays), None) for ours, names in _NAMES.items()}
    parts = [found[name] for name in _NAMES]
    if all(part is not None for part in parts):
        return _build_dataset(path.name, [parts[0], parts[2]], [parts[1], parts[3]], path.name)  # type: ignore[list-item]
    x, y = (next((arrays[n] for n in names if n in arrays), None) for names in (("x", "X"), ("y", "labels")))
    if x is None or y is None:
        raise FileError(
            f"{path.name} contains {', '.join(arrays) or 'nothing'}; expected x_train, y_train, x_test, y_test, or x "
            "and y."
        )
    return _build_dataset(path.name, [x], [y], path.name)


def read_csv(path: Path, label: str | None = None) -> Dataset:
    """Read a table with a header row and one column of classes; split at random.

    Raises
    ------
    FileError, UsageError
        If a cell is not a number (rows are listed), or the column of classes is unknown.
    """
    x, y = _table(path, label)
    return _build_dataset(path.name, [x], [y], path.name)


def read_tables(folder: Path, label: str | None = None) -> Dataset:
    """Read a folder with train.csv and test.csv, two tables with the same columns.

    Raises
    ------
    FileError, UsageError
        As for one table, or if the columns differ.
    """
    (x, y), (x_test, y_test) = (_table(folder / f"{part}.csv", label) for part in ("train", "test"))
    if x.shape[1] != x_test.shape[1]:
        raise FileError(f"{folder}: train.csv has {x.shape[1]} features, test.csv {x_test.shape[1]}.")
    return _build_dataset(folder.resolve().name, [x, x_test], [y, y_test], "train.csv and test.csv")


def fetch_openml_data(name: str) -> Dataset:
    """Fetch a data set of openml.org by name (newest active version), through scikit-learn and its cache.

    Raises
    ------
    FileError
        If it cannot be downloaded, or has features that are not numbers.
    """
    from sklearn.datasets import fetch_openml

    try:
        fetched = fetch_openml(name, version="active", as_frame=True, parser="auto")
    except Exception as error:  # any exception of the network or the archive
        raise FileError(f"Could not download openml:{name} ({str(error).splitlines()[0]}).") from error
    frame = fetched.data
    words = [str(column) for column in frame if not pd.api.types.is_numeric_dtype(frame[column])]
    if words:
        raise FileError(f"openml:{name}: features {', '.join(words[:6])} are texts. Encode them and pass a .csv.")
    return _build_dataset(
        f"openml:{name}", [frame.to_numpy(float)], [fetched.target.to_numpy()], f"OpenML {fetched.details['id']}"
    )


def _table(path: Path, label: str | None) -> tuple[np.ndarray, np.ndarray]:
    if not path.is_file():
        raise FileError(f"{path} does not exist.")
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise FileError(f"{path.name} is not a comma-separated table ({str(error).splitlines()[0]}).") from error
    names = [str(name).strip() for name in frame.columns]
    frame.columns = pd.Index(names)
    if label is None:
        usual = [name for name in names if name.lower() in LABELS]
        if len(usual) != 1:
            raise UsageError(
                f"{path.name}: the column of classes is unknown. Pass label= (--label), one of {', '.join(names[:8])}"
                f"{', ...' if len(names) > 8 else ''}."
            )
        label = usual[0]
    elif label not in names:
        raise UsageError(f"{path.name} has no column {label!r}. Columns: {', '.join(names[:12])}.")
    features = frame.drop(columns=label)
    values = features.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    wrong = np.argwhere(~np.isfinite(values))
    bad = [
        BadRow(int(row) + 2, str(features.columns[column]), repr(features.iat[row, column]), "a finite number")
        for row, column in wrong[:1000]
    ]
    bad += [BadRow(int(row) + 2, label, "''", "a class") for row in np.flatnonzero(frame[label].str.strip() == "")]
    if bad:
        raise FileError(f"{path.name}: cells that cannot be used", sorted(bad, key=lambda each: each.row or 0))
    return values, frame[label].str.strip().to_numpy()


def _build_dataset(name: str, x: list[np.ndarray], y: list[np.ndarray], where: str) -> Dataset:
    """Build a data set from one part, which is split, or two; features are scaled by the training part alone."""
    from sklearn.model_selection import train_test_split

    labels = [np.asarray(part).ravel() for part in y]
    for inputs, given in zip(x, labels, strict=True):
        if np.ndim(inputs) < 2 or len(inputs) != len(given):
            raise FileError(f"{where}: inputs of shape {np.shape(inputs)} do not match {len(given)} labels.")
        flat = np.asarray(inputs).reshape(len(inputs), -1)
        if flat.dtype.kind not in "buif":
            raise FileError(f"{where}: inputs must be numbers, not {flat.dtype}.")
        bad = np.flatnonzero(~np.isfinite(flat.astype(float, copy=False)).all(axis=1))
        if bad.size:
            rows = [BadRow(int(row), None, "a value that is not finite", "finite inputs") for row in bad[:1000]]
            raise FileError(f"{where}: samples (counted from 0) that cannot be used", rows)
    classes, numbers = np.unique(np.concatenate([part.astype(str) for part in labels]), return_inverse=True)
    classes, numbers = _sort_classes(classes, numbers)
    numbered = list(np.split(numbers, [len(labels[0])])) if len(x) == 2 else [numbers]
    if len(classes) < 2:
        raise FileError(f"{where} has {len(classes)} class; a classifier needs at least 2.")
    if len(x) == 1:
        counts = np.bincount(numbered[0])
        if counts.min() < 2:
            raise FileError(f"{where}: class {classes[counts.argmin()]} has one sample; a split needs at least 2.")
        *x, y_train, y_test = train_test_split(
            np.asarray(x[0]), numbered[0], test_size=TEST_SIZE, stratify=numbered[0], random_state=SPLIT_SEED
        )
        split = f"random 75/25 split, stratified, random_state {SPLIT_SEED}"
    else:
        y_train, y_test = numbered
        split = f"given parts, {len(y_train)} to train, {len(y_test)} to test"
    x_train, x_test, how = _scale(np.asarray(x[0]), np.asarray(x[1]))
    return Dataset(name, f"{split}; {how}", x_train, y_train, x_test, y_test, tuple(map(str, classes)))


def _sort_classes(classes: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort classes that are numbers by value: 2 before 10."""
    try:
        order = np.argsort([float(each) for each in classes], kind="stable")
    except ValueError:
        return classes, numbers
    return classes[order], np.argsort(order)[numbers]


def _scale(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """Scale both parts to 0..1 and say how: pixels by the largest value, features by two channels each."""
    image = train.ndim > 2 or train.dtype == np.uint8
    train, test = (part.reshape(len(part), -1) for part in (train, test))
    width = train.shape[1]
    low, high = float(min(train.min(), test.min())), float(max(train.max(), test.max()))
    whole = width >= LEAST_PIXELS and round(width**0.5) ** 2 == width and bool((train % 1 == 0).all())
    if image and low >= 0 and high <= 1 and train.dtype.kind == "f":
        return train.astype(float), test.astype(float), "pixels of 0 to 1"
    if low >= 0 and 1 < high <= PIXEL_MAX and (image or whole):
        return train / PIXEL_MAX, test / PIXEL_MAX, "inputs taken as pixels of 0 to 255"
    scaling = TwoSided.fit(train.astype(float))
    return scaling.channels(train.astype(float)), scaling.channels(test.astype(float)), "features by two channels each"
