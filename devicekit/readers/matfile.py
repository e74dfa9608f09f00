"""Tables of arrays by key: MATLAB files (v7.3 through h5py where it is installed), HDF5, and numpy's npz and npy.

A 2-D array is a table, and so is each slice of a 3-D array along its last axis (`name[1]`, ...). Vectors and texts of
one length are the columns of a table under their names. A struct is read in the same way, by the names of its fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from devicekit.core.errors import FileError
from devicekit.readers import matparts
from devicekit.readers.workbook import Cell, Sheet

HEAD = 2056  # bytes that identify a file
MOST_NUMBERS = 20_000_000
_LONGEST_NAME = 60  # of a sheet that is named by its columns
Value = Any  # numbers, str, list of str, dict (struct), list of dict (struct array), object array (cells), or None


def detect_kind(head: bytes, path: Path) -> str | None:
    """Return "mat" if a file with these first `HEAD` bytes is of MATLAB or HDF5, "npz" if it is of numpy, else None."""
    if matparts.is_npz(path, head):
        return "npz"
    is_mat = matparts.is_hdf5(head) or matparts.is_v5(head) or matparts.is_v4(head, path.stat().st_size)
    return "mat" if is_mat else None


def read_tables(path: Path) -> list[Sheet]:
    """Read every table of a file of MATLAB, HDF5 or numpy; of HDF5, none that a link repeats.

    Raises
    ------
    FileError
        If it is damaged, holds no table of numbers, or is a v7.3 file and h5py is not installed.
    """
    name = path.name
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError as error:
        raise FileError.of("cannot read", path, error) from error
    if matparts.is_npz(path, head):
        values = matparts.read_npz(path)
    elif matparts.is_hdf5(head):
        values = matparts.read_hdf5(path, links=True)
    else:
        values = matparts.read_before_hdf5(path)
    left = sorted(each for each, value in values.items() if value is None)
    total = sum(_count(value) for value in values.values())
    if total > MOST_NUMBERS:
        raise FileError(f"{name} holds {total} numbers; the limit is {MOST_NUMBERS}. Save a part of them.")
    found: list[Sheet] = []
    for sheet in yield_sheets(values):
        if not matparts.is_hdf5(head) or all(sheet.rows != other.rows for other in found):  # linked to twice
            found.append(sheet)
    if not found:
        others = f"; {', '.join(left[:5])} cannot be read (save columns of a table as vectors)" if left else ""
        raise FileError(f"{name} holds no vector or matrix of numbers{others}")
    return found


def _count(value: Value) -> int:
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.size
    if isinstance(value, np.ndarray):
        return sum(map(_count, value.flat))
    if isinstance(value, dict):
        return sum(map(_count, value.values()))
    return sum(map(_count, value)) if isinstance(value, list) else 1


def yield_sheets(values: Mapping[str, Value], name: str = "") -> Iterator[Sheet]:
    """Yield the tables of a file's variables, or of the fields of the struct `name`; vectors of one number last."""
    columns: dict[int, dict[str, list[Cell]]] = {}
    found: list[Sheet | int] = []
    for key, value in _yield_values(values):
        full = f"{name}.{key}" if name else key
        if isinstance(value, dict):
            found += yield_sheets(value, full)
        elif isinstance(value, list):
            column: list[Cell] = [cell if cell == cell else None for cell in value]
            if len(value) not in columns:
                columns[len(value)] = {}
                found.append(len(value))
            columns[len(value)][key] = column
        else:
            found += _yield_slices(full, value)
    several = len(columns) > 1
    for each in sorted(found, key=lambda sheet: sheet == 1):
        if isinstance(each, Sheet):
            yield each
            continue
        of = columns[each]
        listed = " + ".join(of)
        listed = listed if len(listed) <= _LONGEST_NAME else f"{next(iter(of))} + ..."
        sheet_name = (f"{name} ({listed})" if several else name) if name else listed
        yield Sheet(sheet_name, [list(of), *map(list, zip(*of.values(), strict=True))])


def _yield_values(values: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    """Yield vectors as lists, matrices as arrays, structs as dicts; the parts of cells and struct arrays one by one."""
    for name, value in values.items():
        if isinstance(value, str):
            yield name, [value]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _yield_structs(name, value)
        elif isinstance(value, (list, dict)) and value:
            yield name, value
        elif isinstance(value, np.ndarray) and value.size:
            yield from _yield_array(name, value)


def _yield_array(name: str, value: np.ndarray) -> Iterator[tuple[str, Value]]:
    if value.dtype == object:
        cells = [_read_scalar(each) for each in value.flat]
        if any(cell is ... for cell in cells):
            yield from _yield_values({f"{name}{{{k + 1}}}": each for k, each in enumerate(value.flat)})
            return
        value = np.array([None if cell is ... else cell for cell in cells], dtype=object).reshape(value.shape)
    elif value.dtype.kind == "c":
        yield from _yield_array(f"{name} (real)", value.real)
        yield from _yield_array(f"{name} (imag)", value.imag)
        return
    else:
        value = value.astype(float)
    value = np.squeeze(value) if value.ndim > 2 else value
    yield name, value.ravel().tolist() if max(value.shape, default=1) == value.size else value


def _read_scalar(value: Value) -> Any:
    """Return the number or text in a cell, None if it is empty, ... for any other content."""
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray) and value.dtype != object and value.dtype.kind != "c" and value.size <= 1:
        return float(value.item()) if value.size else None
    return "" if isinstance(value, list) and not value else ...


def _yield_structs(name: str, structs: list[dict[str, Value]]) -> Iterator[tuple[str, Value]]:
    """Yield one table of the elements if every field is a number or a text, else each struct."""
    fields = {field: [_read_scalar(struct.get(field)) for struct in structs] for field in structs[0]}
    if all(cell is not ... for cells in fields.values() for cell in cells):
        yield name, fields
    else:
        yield from ((f"{name}[{k + 1}]", struct) for k, struct in enumerate(structs))


def _yield_slices(name: str, value: np.ndarray) -> Iterator[Sheet]:
    """Yield a matrix as one table, an array of more dimensions as one table for each index on its later axes."""
    if value.ndim == 2:
        yield Sheet(name, [[cell if cell == cell else None for cell in row] for row in value.tolist()])
        return
    for k in range(value.shape[-1]):
        yield from _yield_slices(f"{name}[{k + 1}]", value[..., k])
