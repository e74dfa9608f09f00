"""Content of a MATLAB file as plain values: arrays, texts, structs and cells, without objects and functions.

The parts are checked before scipy reads them: for sizes beyond the end of the file, endless nesting, and variables that
unpack to far more than the file.
"""

from __future__ import annotations

import importlib.util
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from devicekit.core.errors import FileError
from devicekit.readers import isolated

LARGEST_RATIO = 200  # unpacked over packed size
HARMLESS_SIZE = 64 << 20  # unpacked bytes that are never refused
MOST_PARTS = 200_000
DEEPEST = 16
MOST_NUMBERS_HDF5 = 20_000_000
_HDF5 = b"\x89HDF\r\n\x1a\n"
_V5 = b"MATLAB 5.0 MAT-file"
_MATRIX, _COMPRESSED = 14, 15
_CELL, _CHAR, _SPARSE, _OBJECT = 1, 4, 5, 17
_NUMBERS = (*range(1, 8), 9, 12, 13)  # kinds of parts: int8 to single, double, int64, uint64
_TEXTS = (16, 17, 18)  # UTF-8, -16, -32
_NESTED = (1, 2)  # classes of arrays: cells and structs
_FLAT = (_CHAR, *range(6, 16))  # text, and numbers from double to uint64
_CUT = "it ends within a variable; copy it again"
_V4_SIZES = (8, 4, 4, 2, 2, 1)  # bytes for each number, by type
_V4_NAME = re.compile(rb"[A-Za-z]\w*\0+")
Value = Any


class _Damaged(ValueError):
    pass


def is_hdf5(head: bytes) -> bool:
    """Return whether a file begins like HDF5 (after 512 bytes in a MATLAB file)."""
    return any(head.startswith(_HDF5, at) for at in (0, 512, 1024, 2048))


def is_v5(head: bytes) -> bool:
    """Return whether a file begins like a file of MATLAB 5 to 7."""
    return head.startswith(_V5)


def is_v4(head: bytes, size: int) -> bool:
    """Return whether a file of that size begins like a file of MATLAB 4: with a possible first variable."""
    try:
        return _v4_variable(head, 0)[2] <= size
    except _Damaged:
        return False


def read_before_hdf5(path: Path) -> dict[str, Value]:
    """Return the variables of a file of MATLAB 4 to 7; None for other content than numbers, text, structs and cells.

    Raises
    ------
    FileError
        If it is damaged or unpacks to far more than its size.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError.of("cannot read", path, error) from error
    try:
        wanted = dict(_v5_variables(data) if is_v5(data) else _v4_variables(data))
    except MemoryError as error:
        raise FileError(f"{path.name} needs more memory than is available") from error
    except Exception as error:  # damaged parts raise many errors
        sentence = " ".join(str(error).split())[:200]
        raise FileError(f"{path.name} is a damaged MATLAB file: {sentence or type(error).__name__}") from error
    names = [each for each, known in wanted.items() if known]
    # in a separate process, because some damaged files crash scipy's parser
    loaded = isolated.parse("matlab", path.resolve(), path.name, names=names) if names else {}
    return {each: _restore_value(loaded.get(each)) if known else None for each, known in wanted.items()}


def _v4_variables(data: bytes) -> Iterator[tuple[str, bool]]:
    at = 0
    while at < len(data):
        name, known, end = _v4_variable(data, at)
        if end > len(data):
            raise _Damaged(_CUT)
        yield name, known
        at = end


def _v4_variable(data: bytes, at: int) -> tuple[str, bool, int]:
    """Return the name of a variable, whether it is numbers or text, and its end."""
    if at + 20 > len(data):
        raise _Damaged(_CUT)
    for order in "<>":
        mark, rows, columns, imaginary, length = struct.unpack_from(f"{order}5i", data, at)
        name = data[at + 20 : at + 20 + length] if 1 < length <= 256 else b""
        is_number, kind = mark // 10 % 10, mark % 10
        fits = mark // 1000 == (order == ">") and mark % 1000 < 100 and is_number < 6 and kind < 3
        if fits and min(rows, columns) >= 0 and imaginary in (0, 1) and _V4_NAME.fullmatch(name):
            bytes_ = rows * columns * _V4_SIZES[is_number] * (1 + imaginary)
            return name.rstrip(b"\0").decode("ascii"), kind < 2, at + 20 + length + bytes_
    raise _Damaged("a variable has no header")


def _v5_variables(data: bytes) -> Iterator[tuple[str, bool]]:
    """Yield the name of each variable, and whether it is numbers, text, a struct or cells."""
    if len(data) < 128 or data[126:128] not in (b"IM", b"MI"):
        raise _Damaged("its header is incomplete")
    order = "<" if data[126:128] == b"IM" else ">"
    left = [max(HARMLESS_SIZE, LARGEST_RATIO * len(data)), MOST_PARTS]
    at = 128
    while at < len(data):
        kind, start, stop, after = _read_tag(data, at, len(data), order)
        if kind == _COMPRESSED:
            inner, after = _unpack(data[start:stop], left), stop  # without padding
            kind, first, last, _ = _read_tag(inner, 0, len(inner), order)
            name, known = _check_array(inner, first, last, order, left) if kind == _MATRIX else ("", False)
        elif kind == _MATRIX:
            name, known = _check_array(data, start, stop, order, left)
        else:
            raise _Damaged(f"it has part {kind} instead of a variable")
        if name and not name.startswith("__"):
            yield name, known
        at = after


def _unpack(packed: bytes, left: list[int]) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, left[0])
    except zlib.error as error:
        raise _Damaged(f"a packed variable cannot be unpacked ({error})") from error
    if unpacker.unconsumed_tail:
        raise _Damaged(f"it unpacks to more than {LARGEST_RATIO} times its size; refused as unsafe")
    if not unpacker.eof:
        raise _Damaged(_CUT)
    left[0] -= len(data)
    return data


def _read_tag(data: bytes, at: int, end: int, order: str) -> tuple[int, int, int, int]:
    """Return the kind of a part, the begin and end of its data, and the begin of the next part."""
    if at + 8 > end:
        raise _Damaged(_CUT)
    kind, size = struct.unpack_from(f"{order}2I", data, at)
    if kind >> 16:  # up to four bytes, in the tag itself
        return kind & 0xFFFF, at + 4, at + 4 + min(kind >> 16, 4), at + 8
    stop = at + 8 + size
    if stop > end:
        raise _Damaged(_CUT)
    return kind, at + 8, stop, min(-(-(stop - at) // 8) * 8 + at, end)


def _check_array(data: bytes, at: int, end: int, order: str, left: list[int], depth: int = 0) -> tuple[str, bool]:
    """Return the name of the array in data[at:end], and whether its class is read; check its parts."""
    if at == end:
        return "", True  # an empty cell
    left[1] -= 1
    if left[1] < 0 or depth > DEEPEST:
        raise _Damaged("its structs and cells have too many parts")
    _, flags, stop, at = _read_tag(data, at, end, order)
    if stop - flags < 4:
        raise _Damaged("an array has no class")
    which = struct.unpack_from(f"{order}I", data, flags)[0] & 0xFF
    if which == _OBJECT:  # of a MATLAB class such as table, without dimensions
        _, begin, stop, at = _read_tag(data, at, end, order)
        if depth:  # scipy reads it with the array around it
            _check_parts(data, at, end, order, left, depth, which)
        return data[begin:stop].rstrip(b"\0").decode("latin-1"), False
    _, first, stop, after = _read_tag(data, at, end, order)
    if (stop - first) % 4 or not 8 <= stop - first <= 128:
        raise _Damaged("an array has no dimensions")
    sizes = struct.unpack_from(f"{order}{(stop - first) // 4}i", data, first)
    _, begin, stop, at = _read_tag(data, after, end, order)
    name = data[begin:stop].rstrip(b"\0").decode("latin-1")
    there = (end - at) // (8 if which == _CELL else 1)
    if min(sizes) < 0 or (which in (*_NESTED, *_FLAT) and math.prod(sizes) > there):
        raise _Damaged(f"an array of {' x '.join(map(str, sizes))} is longer than the file")
    _check_parts(data, at, end, order, left, depth, which)
    return name, which in _NESTED or which in _FLAT


def _check_parts(data: bytes, at: int, end: int, order: str, left: list[int], depth: int, which: int) -> None:
    """Check the parts of an array after its header; an unknown kind makes scipy 1.17 end the process."""
    while at < end:
        kind, start, stop, at = _read_tag(data, at, end, order)
        if kind == _MATRIX and which not in (*_FLAT, _SPARSE):
            _check_array(data, start, stop, order, left, depth + 1)
        elif kind not in _NUMBERS and not (kind in _TEXTS and which == _CHAR):
            raise _Damaged(f"an array holds a part of unknown kind {kind}")


def is_npz(path: Path, head: bytes) -> bool:
    """Return whether a file that begins with `head` is one of numpy: an array, or an archive of arrays."""
    if not head.startswith(b"PK\x03\x04"):
        return head.startswith(b"\x93NUMPY")
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):  # damaged; reported as a workbook
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def read_npz(path: Path) -> dict[str, Value]:
    """Return the arrays of a file of numpy (.npz, .npy) by their keys; None for objects, which could run code.

    Raises
    ------
    FileError
        If it is damaged, or holds too many numbers.
    """
    found = isolated.parse("npz", path.resolve(), path.name, most=MOST_NUMBERS_HDF5)
    return {name: _restore_value(value) for name, value in found.items()}


def read_hdf5(path: Path, most: int | None = None, links: bool = False) -> dict[str, Value]:
    """Return the variables of a v7.3 file, or the data sets of any HDF5 file, as `read_before_hdf5` does.

    Parameters
    ----------
    path : Path
    most : int, optional
        Largest count of numbers to read.
    links : bool
        Whether soft links are followed within the file; links to other files never are.

    Raises
    ------
    FileError
        If h5py is not installed, or the file is damaged.
    """
    if importlib.util.find_spec("h5py") is None:
        raise FileError(
            f"{path.name} is an HDF5 file, such as MATLAB writes with -v7.3. Save it with -v7, or pip install h5py."
        )
    found = isolated.parse(
        "hdf5", path.resolve(), path.name, most=MOST_NUMBERS_HDF5 if most is None else most, links=links
    )
    return {name: _restore_value(value) for name, value in found.items()}


def _restore_value(value: Any) -> Value:
    if isinstance(value, dict):
        return {name: _restore_value(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_restore_value(each) for each in value]
    if isinstance(value, tuple) and value[0] == "numbers":
        return np.frombuffer(value[2], value[3]).reshape(value[1])
    if isinstance(value, tuple):
        return _build_cells(value[1], [_restore_value(each) for each in value[2]])
    return value


def _build_cells(shape: tuple[int, ...], values: list[Value]) -> np.ndarray:
    """Build a cell array; numpy would unpack arrays in it."""
    cells = np.empty(len(values), dtype=object)
    for k, value in enumerate(values):
        cells[k] = value
    return cells.reshape(shape)
