"""Data in memory as one frame: arrays, mappings and lists of numbers, frames and series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.calls import as_reals
from devicekit.core.errors import UsageError

ACCEPTED = (
    "a path, several paths, a pandas frame or series, a mapping of names to columns, or an array or list of numbers"
)


def frame_of(data: Any) -> pd.DataFrame | None:
    """Return data in memory as a frame, without names where it has none; None for a path or several paths.

    Parameters
    ----------
    data : pandas.DataFrame, pandas.Series, mapping, numpy.ndarray or sequence of numbers
        A named index becomes columns; a two-dimensional array holds one reading in each row.

    Raises
    ------
    UsageError
        If it is none of these, or its columns differ in length.
    """
    if hint := getattr(data, "not_data", ""):
        raise UsageError(f"{_name(data)}: {hint}")
    if isinstance(data, pd.Series):
        data = data.to_frame() if data.name is not None or data.index.name else data.to_numpy()
    if isinstance(data, pd.DataFrame):
        indexed = any(name is not None for name in data.index.names)
        return data.reset_index() if indexed else data
    if isinstance(data, Mapping):
        return _of_mapping(data)
    if isinstance(data, np.ndarray):
        return _of_array(data)
    if isinstance(data, str) and not data:
        raise UsageError("The path is empty. Name a file or a folder; this folder is '.'.")
    if isinstance(data, str | PathLike):
        return None
    if not isinstance(data, Sequence) or isinstance(data, bytes | bytearray) or not len(data):
        raise UsageError(f"devicekit.read takes {ACCEPTED}, not {_name(data)}")
    if all(isinstance(each, str | Path) or hasattr(each, "__fspath__") for each in data):
        return None
    if all(isinstance(each, Real | Sequence | np.ndarray) and not isinstance(each, str | bytes) for each in data):
        try:
            return _of_array(as_reals(data, "a list"))
        except (TypeError, ValueError):
            pass
    kinds = ", ".join(dict.fromkeys(_name(each) for each in data))
    raise UsageError(f"devicekit.read takes {ACCEPTED}, not a {_name(data)} of {kinds}. Read them one by one.")


def _name(data: Any) -> str:
    found = "nothing" if data is None else type(data).__name__
    return f"empty {found}" if hasattr(data, "__len__") and not len(data) else found


def _of_mapping(data: Mapping[Any, Any]) -> pd.DataFrame:
    """Return columns by name; a single value holds for every row."""
    columns = {str(name): _unmasked(each) if np.ndim(each) else np.asarray(each, object) for name, each in data.items()}
    lengths = {name: len(each) for name, each in columns.items() if each.ndim}
    if deep := [name for name, each in columns.items() if each.ndim > 1]:
        raise UsageError(f"column {deep[0]!r} has {columns[deep[0]].ndim} dimensions; a column has one")
    if len(set(lengths.values())) != 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items()) or "none"
        raise UsageError(f"columns must have one number of values; they have: {found}")
    return pd.DataFrame({name: each if each.ndim else each.item() for name, each in columns.items()})


def _of_array(data: np.ndarray) -> pd.DataFrame:
    """Return an array as columns without names, a structured one under its own."""
    if data.dtype.names:
        return pd.DataFrame({name: _unmasked(data[name]) for name in data.dtype.names})
    if data.dtype.kind not in "iufO" or data.ndim not in (1, 2) or not data.size:
        raise UsageError(
            "an array must hold real numbers in one or two dimensions; "
            f"got {data.dtype} of shape {'x'.join(map(str, data.shape)) or 'none'}"
        )
    return pd.DataFrame(_unmasked(data).reshape(len(data), -1))


def _unmasked(values: Any) -> np.ndarray:
    """Return an array without a mask: what is masked is missing."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        values = np.ma.filled(values.astype(float if values.dtype.kind in "iuf" else object), np.nan)
    return np.asarray(values)
