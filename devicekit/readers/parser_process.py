"""Script that `isolated` runs: it limits its memory and time, runs one parser, and answers with plain values.

It does not import devicekit, so that it starts within milliseconds. On a damaged file, a native parser may use all
memory, loop or crash: it does so in this process.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import marshal
import os
import re
import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

Cell = str | float | None


class Refused(Exception):
    """Refusal of a file; the message follows the file's name."""


def _load_beside(name: str) -> Any:
    """Load a module of this folder by its file: its package would be imported with it."""
    file = os.path.join(os.path.dirname(__file__), f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def workbook(path: str, most: int) -> list[tuple[str, bool, list[list[Cell]]]]:
    """Return name, visibility and rows of every sheet, read by calamine; refuse more than `most` cells."""
    import python_calamine as calamine

    error_words, is_ods = _load_beside("error_words"), path.endswith(".ods")
    if is_ods and _is_encrypted_ods(path):
        raise Refused("is protected by a password. Save it without one.")
    errors = error_words.find_ods_words(path) if is_ods else {}
    try:
        book = calamine.CalamineWorkbook.from_path(path)
    except calamine.CalamineError as error:
        if isinstance(error, calamine.PasswordError) or _is_encrypted(path):
            raise Refused("is protected by a password. Save it without one.") from error
        raise
    errors = errors or error_words.find_words(path)
    found = []
    for number, about in enumerate(book.sheets_metadata):
        if about.typ != calamine.SheetTypeEnum.WorkSheet:
            continue
        sheet = book.get_sheet_by_index(number)
        top, left = sheet.start or (0, 0)
        words = errors.get(number, {})
        if cell := next((word[1:] for word in words.values() if word[:1] == "="), ""):
            where = f"sheet {about.name}, cell {cell}"
            raise Refused(f"has a formula without a value: {where}. Open and save it in a spreadsheet program.")
        height = max(top + sheet.height, *(row + 1 for row, _ in words), 0)
        width = max(left + sheet.width, *(column + 1 for _, column in words), 0)
        most -= (height + 1) * (width + 1)
        if most < 0:
            raise Refused(f"has far more cells in sheet {about.name} than its size explains")
        rows: list[list[Cell]] = [[] for _ in range(top)]
        rows += [[*[None] * left, *map(_cell, row)] for row in sheet.to_python()]
        _add_error_words(words, rows)
        found.append((about.name, about.visible != calamine.SheetVisibleEnum.Visible, list(map(_trim_row, rows))))
    return found


def _is_encrypted(path: str) -> bool:
    """Return whether it is a newer workbook with a password, which is in a container like that of .xls."""
    with open(path, "rb") as stream:
        return "EncryptedPackage".encode("utf-16-le") in stream.read()


def _is_encrypted_ods(path: str) -> bool:
    import zipfile

    with zipfile.ZipFile(path) as book:
        name = "META-INF/manifest.xml"
        return name in book.namelist() and b"encryption-data" in book.read(name)


def _cell(cell: Any) -> Cell:
    if isinstance(cell, str):
        return cell.replace("\0", "") or None
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return f"{cell} 00:00:00"
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        return str(cell)
    return float(cell)


def _trim_row(row: list[Cell]) -> list[Cell]:
    while row and row[-1] is None:
        row.pop()
    return row


def _add_error_words(words: dict[tuple[int, int], str], rows: list[list[Cell]]) -> None:
    """Insert the words of cells with an error, which calamine leaves empty (or 0, in .ods)."""
    for (row, column), word in words.items():
        rows.extend([] for _ in range(len(rows), row + 1))
        cells = rows[row]
        cells.extend(None for _ in range(len(cells), column + 1))
        cells[column] = word


def matlab(path: str, names: list[str]) -> dict[str, object]:
    """Return the variables of a MATLAB file before v7.3, read by scipy; values as those of `hdf5`."""
    import warnings

    from scipy.io import loadmat

    warnings.simplefilter("ignore")  # of repeated names and similar
    loaded = loadmat(path, variable_names=names, appendmat=False)
    return {name: _convert_value(loaded[name]) for name in names if name in loaded}


def _convert_value(value: Any) -> Any:
    """Convert a value of scipy; None for a sparse matrix, an object or a function."""
    import numpy as np

    if not isinstance(value, np.ndarray) or type(value) is not np.ndarray:
        return None
    if value.dtype.names:
        fields = [{field: _convert_value(each[field]) for field in value.dtype.names} for each in value.flat]
        return fields[0] if len(fields) == 1 else fields
    if value.dtype.kind == "U":
        texts = [str(each).rstrip() for each in value.flat]
        return texts[0] if len(texts) == 1 else texts
    if value.dtype == object:
        return ("cells", value.shape, [_convert_value(each) for each in value.flat])
    if value.dtype.kind not in "biufc":
        return None
    return ("numbers", value.shape, np.ascontiguousarray(value).tobytes(), value.dtype.str)


def npz(path: str, most: int) -> dict[str, object]:
    """Return the arrays of a file of numpy (.npz, .npy) by their keys, at most `most` numbers; values as of `hdf5`."""
    import zipfile

    import numpy as np

    found: dict[str, object] = {}
    if not zipfile.is_zipfile(path):
        return {"data": _convert_value(np.load(path, allow_pickle=False))}
    with zipfile.ZipFile(path) as archive:
        if sum(item.file_size for item in archive.infolist()) > 8 * most:
            raise Refused("holds more numbers than are read at once. Save a part of them.")
    with np.load(path, allow_pickle=False) as arrays:
        for name in arrays.files:
            try:
                found[name] = _convert_value(arrays[name])
            except ValueError as error:  # of objects, which need pickle and may run code
                if "pickle" not in str(error):
                    raise
                found[name] = None
    return found


def hdf5(path: str, most: int, links: bool = False) -> dict[str, object]:
    """Return the variables of a MATLAB v7.3 file, or the data sets of another HDF5 file; at most `most` numbers.

    Numbers are ("numbers", shape, bytes, type), cells ("cells", shape, list), structs dicts, texts str or lists of
    them, anything else None. With `links`, soft links within the file are followed, and what they lead to stands at
    the links alone.
    """
    import h5py

    with h5py.File(path, "r") as file:
        reader = _Hdf5(file, most)
        if links:
            file.visititems_links(reader.note_link)
        names = [name for name in file if isinstance(name, str) and not name.startswith("#")]
        found = {name: reader.member(file, name) for name in names}
        if reader.outside and all(each is None for each in found.values()):
            raise Refused(f"links to another file at {reader.outside[0]}, which is not read. Copy the data into it.")
        return found


class _Hdf5:
    """Values of one file, with a count of the numbers."""

    deepest = 4

    most_links = 16  # from one to the next

    def __init__(self, file: Any, most: int) -> None:
        self.file, self.left = file, most
        self.linked: set[Any] = set()  # what soft links lead to
        self.outside: list[str] = []  # links to other files

    def note_link(self, name: str, link: Any) -> None:
        """Note what a soft link leads to, or that a link leads to another file."""
        import h5py

        if isinstance(link, h5py.ExternalLink):
            self.outside.append(name)
        elif isinstance(link, h5py.SoftLink) and (item := self._follow(self.file, name)) is not None:
            self.linked.add(item)

    def _follow(self, group: Any, path: str, left: int = most_links) -> Any:
        """Return what stands under a path, by hard and soft links; None if it leads nowhere or to another file."""
        import h5py

        item = self.file if path.startswith("/") else group
        for part in (each for each in path.split("/") if each not in ("", ".")):
            link = item.get(part, getlink=True) if hasattr(item, "keys") and part in item.keys() else None  # noqa: SIM118
            if isinstance(link, h5py.SoftLink) and left > 0:
                item = self._follow(item, link.path, left - 1)
            elif isinstance(link, h5py.HardLink):
                item = item[part]
            else:
                return None
        return item

    def member(self, group: Any, name: str, depth: int = 0) -> Any:
        """Return the value in a group under a name; None for a link to another file."""
        import h5py

        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            item = group[name]
            return None if item in self.linked else self.value(item, depth)
        item = self._follow(group, name) if self.linked else None
        return None if item is None else self.value(item, depth)

    def value(self, item: Any, depth: int = 0) -> Any:
        """Return a group or data set as a plain value; None if its data are in other files."""
        if depth > self.deepest:
            return None
        if not hasattr(item, "dtype"):
            return self._struct(item, depth)
        if not hasattr(item, "shape") or item.external or item.is_virtual:
            return None
        kind = item.attrs.get("MATLAB_class", b"")
        if "MATLAB_empty" in item.attrs or item.shape is None:
            return []
        self.left -= item.size
        if self.left < 0:
            raise Refused("holds more numbers than are read at once. Save a part of them.")
        values = item[()].T if kind else item[()]
        if item.dtype.names and set(item.dtype.names) != {"real", "imag"}:
            return {name: self._numbers(values[name]) for name in item.dtype.names}
        if kind == b"char":
            lines = values.reshape(-1, values.shape[-1]) if values.ndim else values.reshape(1, 1)
            texts = ["".join(map(chr, line)).rstrip() for line in lines.tolist()]
            return texts[0] if len(texts) == 1 else texts
        if item.dtype.kind == "O" and self._refers(item):
            return ("cells", values.shape, [self.value(self.file[each], depth + 1) for each in values.flat])
        return self._numbers(values)

    def _refers(self, item: Any) -> bool:
        import h5py

        return h5py.check_ref_dtype(item.dtype) is not None

    def _numbers(self, values: Any) -> Any:
        import numpy as np

        values = np.asarray(values)
        if values.dtype.names:
            values = values["real"] + 1j * values["imag"]
        if values.dtype.kind in "SO":
            texts = [each.decode("utf-8", "replace") if isinstance(each, bytes) else each for each in values.flat]
            return texts if all(isinstance(each, str) for each in texts) else None
        if values.dtype.kind not in "biufc":
            return None
        values = values.astype(complex if values.dtype.kind == "c" else float)
        return ("numbers", values.shape, values.tobytes(), values.dtype.str)

    def _struct(self, group: Any, depth: int) -> Any:
        """Return the fields of a struct, or a list of structs for a struct array, whose fields are references."""
        fields = {name: self.member(group, name, depth + 1) for name in group}
        is_array = [isinstance(each, tuple) and each[0] == "cells" for each in fields.values()]
        if fields and all(is_array) and not any("MATLAB_class" in group[name].attrs for name in group):
            columns = [each[2] for each in fields.values()]
            return [dict(zip(fields, values, strict=False)) for values in zip(*columns, strict=False)]
        return fields


def search(
    path: str, pattern: str, names: list[str]
) -> list[tuple[str, tuple[str | None, ...], dict[str, str | None]] | None]:
    """Return the first match of a regular expression in each name: whole match, groups, and named groups."""
    found = map(re.compile(pattern).search, names)
    return [None if each is None else (each[0], each.groups(), each.groupdict()) for each in found]


def _limit_resources(memory: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # not on this system
        return
    memory += _used_address_space()
    for kind, wanted in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(kind, (most, hard))
        except (ValueError, OSError):
            continue


def _used_address_space() -> int:
    """Return the address space that this process already uses [bytes]."""
    try:
        with open("/proc/self/statm") as stream:
            return int(stream.read().split()[0]) * 4096
    except (OSError, ValueError):  # not on this system
        return 1 << 30


def main() -> None:
    """Run the parser in the first argument with settings from standard input; answer on standard output."""
    how, path, request = sys.argv[1], sys.argv[2], json.load(sys.stdin)
    sys.path[:] = request["path"]
    parsers: dict[str, tuple[Callable[..., Any], str]] = {
        "workbook": (workbook, "python_calamine"),
        "hdf5": (hdf5, "h5py"),
        "matlab": (matlab, "scipy.io"),
        "npz": (npz, "numpy"),
        "search": (search, "re"),
    }
    parse, library = parsers[how]
    try:
        importlib.import_module(library)  # before the limit
        _limit_resources(request["memory"], request["seconds"])
        found: tuple[str, Any] = ("parsed", parse(path, **request["settings"]))
    except ImportError as error:
        found = ("refused", f"cannot be read: {error}; pip install {library.replace('_', '-')}")
    except MemoryError:
        found = ("refused", "needs more memory than its size explains; refused as unsafe")
    except BaseException as error:  # a panic of native code is not an Exception
        sentence = " ".join(str(error).split())[:200]
        found = ("refused", sentence if isinstance(error, Refused) else f"is damaged: {sentence}")
    sys.stdout.buffer.write(marshal.dumps(found))


if __name__ == "__main__":
    main()
