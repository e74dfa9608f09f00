"""Loading of data sets by name, file, folder or OpenML name."""

from __future__ import annotations

from pathlib import Path

from devicekit.core.errors import FileError, UsageError
from snn.data import images, sets, user_data
from snn.data.dataset import Dataset

NAMES = ("digits", "optdigits", "mnist", "fashion-mnist")
OPENML = "openml:"


def load(name: str = "digits", data_dir: Path | str | None = None, label: str | None = None) -> Dataset:
    """Load data with a named split.

    Parameters
    ----------
    name : str
        "digits" (scikit-learn's 1797 images: same writers in both parts), "optdigits" (UCI, 3823 images to train and
        1797 of other writers to test), "mnist" or "fashion-mnist" (the official parts), "openml:NAME"; a file .npz
        (x_train, y_train, x_test, y_test, or x and y) or .csv; a folder with idx files, or with train.csv and test.csv.
        Data in one part are split at random, 75/25, stratified.
    data_dir : path, optional
        Folder with the files of optdigits, mnist or fashion-mnist; by default they are downloaded and cached.
    label : str, optional
        Column of a .csv with the classes; default: label, class, target or y.

    Raises
    ------
    UsageError
        If the name is unknown, or an option does not apply.
    FileError
        If a file is missing, cannot be downloaded, or its data cannot be used for training.
    """
    path, folder = Path(name), None if data_dir is None else Path(data_dir)
    named = name in NAMES
    if folder is not None and (not named or name == "digits"):
        raise UsageError(f"data_dir= (--data-dir) applies to optdigits, mnist and fashion-mnist only, not to {name!r}.")
    if label is not None and (named or not (path.suffix.lower() == ".csv" or path.is_dir())):
        raise UsageError(f"label= (--label) applies to .csv tables only, not to {name!r}.")
    if name == "digits":
        return sets.digits()
    if name == "optdigits":
        return sets.optdigits(folder)
    if named:
        return images.load_named(name, folder)
    if name.startswith(OPENML):
        return user_data.fetch_openml_data(name.removeprefix(OPENML))
    if path.is_dir():
        return user_data.read_tables(path, label) if (path / "train.csv").is_file() else images.read_folder(path)
    suffix = path.suffix.lower()
    if suffix in (".npz", ".csv"):
        if not path.is_file():
            raise FileError(f"{path} does not exist.")
        return user_data.read_npz(path) if suffix == ".npz" else user_data.read_csv(path, label)
    raise UsageError(
        f"Unknown data set {name!r}. Use {', '.join(NAMES)}, openml:NAME, a .npz or .csv file, or a folder with idx "
        "files or train.csv and test.csv."
    )
