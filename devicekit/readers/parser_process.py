"""Script that `isolated` runs: it limits its memory and time, runs one parser, and answers with plain values.

It does not import devicekit, so that it starts within milliseconds. On a damaged file, a native parser may use all
memory, loop or crash: it does so in this process.
"""

from __future__ import annotations

import importlib
import json
import marshal
import re
import struct
import sys
from array import array
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

Cell = str | float | None
Words = dict[tuple[int, int], str]  # by row and column, from 0

_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_CODES = rb"[\x00\x07\x0f\x17\x1d\x24\x2a]"
_XLS_ERROR = re.compile(rb"\x05\x02\x08\x00.{6}%b\x01|\x02.%b.{3}\xff\xff" % (_CODES, _CODES), re.DOTALL)
_XLSX_ERROR = re.compile(
    rb"""<(?:\w+:)?c\s[^>]*?\br=["']([A-Z]{1,3})([0-9]{1,7})["'][^>]*?\bt=["']e["'][^>]*>(.{0,20000}?)</(?:\w+:)?c>""",
    re.DOTALL,
)
_VALUE = re.compile(rb"<(?:\w+:)?v>(#[^<]*)</")
_MOST_ERRORS = 100_000
_MARKS = 0xFFFFFFFA  # larger sector numbers are marks


class Refused(Exception):
    """Refusal of a file; the message follows the file's name."""


def workbook(path: str, most: int) -> list[tuple[str, bool, list[list[Cell]]]]:
    """Return name, visibility and rows of every sheet, read by calamine; refuse more than `most` cells."""
    import python_calamine as calamine

    errors = _find_ods_errors(path) if path.endswith(".ods") else {}
    try:
        book = calamine.CalamineWorkbook.from_path(path)
    except calamine.CalamineError as error:
        if isinstance(error, calamine.PasswordError) or _is_encrypted(path):
            raise Refused("is protected by a password. Save it without one.") from error
        raise
    errors = errors or _find_error_words(path)
    found = []
    for number, about in enumerate(book.sheets_metadata):
        if about.typ != calamine.SheetTypeEnum.WorkSheet:
            continue
        sheet = book.get_sheet_by_index(number)
        top, left = sheet.start or (0, 0)
        words = errors.get(number, {})
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


def _add_error_words(words: Words, rows: list[list[Cell]]) -> None:
    """Insert the words of cells with an error, which calamine leaves empty (or 0, in .ods)."""
    for (row, column), word in words.items():
        rows.extend([] for _ in range(len(rows), row + 1))
        cells = rows[row]
        cells.extend(None for _ in range(len(cells), column + 1))
        cells[column] = word


def _find_error_words(path: str) -> dict[int, Words]:
    """Return words such as #REF! by sheet of .xlsx and .xls; none of a container that only calamine can read."""
    try:
        if path.endswith(".xlsx"):
            return _find_xlsx_errors(path)
        with open(path, "rb") as stream:
            return _find_xls_errors(_read_workbook_stream(stream.read())) if path.endswith(".xls") else {}
    except (ValueError, KeyError, IndexError, OSError, SyntaxError, struct.error):
        return {}


def _find_xlsx_errors(path: str) -> dict[int, Words]:
    import zipfile
    from xml.etree import ElementTree

    found: dict[int, Words] = {}
    with zipfile.ZipFile(path) as book:
        if "xl/workbook.xml" not in book.namelist():
            return {}
        links = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        about = ElementTree.fromstring(book.read("xl/workbook.xml"))
        sheets = [each for each in about.iter() if each.tag.endswith("}sheet")]
        for number, sheet in enumerate(sheets):
            key = next((value for name, value in sheet.attrib.items() if name.endswith("}id")), None)
            target = targets.get(key, "")
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if part not in book.namelist():
                continue
            text = book.read(part)
            if b"#" not in text:
                continue
            for cell in _XLSX_ERROR.finditer(text):
                if word := _VALUE.search(cell[3]):
                    place = int(cell[2]) - 1, _parse_column_letters(cell[1])
                    found.setdefault(number, {})[place] = word[1].decode("utf-8", "replace")
    return found


def _find_ods_errors(path: str) -> dict[int, Words]:
    """Return the words of cells with an error; refuse XML without an end, on which calamine 0.9.1 never stops."""
    import zipfile
    from xml.etree import ElementTree

    found: dict[int, Words] = {}
    number, row, left = -1, 0, _MOST_ERRORS
    cells: list[tuple[int, str | None]] = []
    with zipfile.ZipFile(path) as book:
        names = book.namelist()
        if "META-INF/manifest.xml" in names and b"encryption-data" in book.read("META-INF/manifest.xml"):
            raise Refused("is protected by a password. Save it without one.")
        stream = book.open("content.xml")
        for event, item in ElementTree.iterparse(stream, ("start", "end")):
            tag = item.tag.rpartition("}")[2]
            if event == "start":
                number, row = (number + 1, 0) if tag == "table" else (number, row)
            elif tag in ("table-cell", "covered-table-cell"):
                cells.append((_count_repeats(item, "columns"), _read_ods_error(item)))
            elif tag == "table-row":
                rows, column = _count_repeats(item, "rows"), 0
                for times, word in cells:
                    if word and (left := left - rows * times) > 0:
                        places = ((row + r, column + c) for r in range(rows) for c in range(times))
                        found.setdefault(number, {}).update(dict.fromkeys(places, word))
                    column += times
                row, cells = row + rows, []
                item.clear()
    return found


def _read_ods_error(cell: Any) -> str | None:
    """Return the word of a cell with an error, which may also have a value of 0."""
    text = next(("".join(each.itertext()) for each in cell if each.tag.endswith("}p")), "")
    if text[:1] != "#" and text[:4] != "Err:":
        return None
    is_error = any(name.endswith("}value-type") and value == "error" for name, value in cell.attrib.items())
    return text if is_error or text in _ERRORS.values() else None


def _count_repeats(item: Any, of: str) -> int:
    """Return how often a row or a cell of an .ods table is repeated."""
    return next((int(value) for name, value in item.attrib.items() if name.endswith(f"number-{of}-repeated")), 1)


def _parse_column_letters(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number - 1


def _read_workbook_stream(data: bytes) -> bytes:
    """Return the workbook stream of an OLE2 container."""
    size = 1 << data[30]
    table = array("I")

    def sectors(start: int) -> Iterator[bytes]:
        for _ in range(len(data) // size + 1):  # a circular chain ends here
            if start >= _MARKS:
                return
            yield data[(start + 1) * size : (start + 2) * size]
            start = table[start]

    fats = list(struct.unpack_from("<109I", data, 76))
    more = struct.unpack_from("<I", data, 68)[0]
    for _ in range(len(data) // size + 1):
        if more >= _MARKS:
            break
        *numbers, more = struct.unpack_from(f"<{size // 4}I", data, (more + 1) * size)
        fats += numbers
    for fat in fats:
        if fat < _MARKS:
            table.frombytes(data[(fat + 1) * size : (fat + 2) * size])
    entries = b"".join(sectors(struct.unpack_from("<I", data, 48)[0]))
    places: dict[str, tuple[int, int]] = {}
    for at in range(0, len(entries) - 127, 128):
        name = entries[at : at + 64].decode("utf-16-le", "replace").partition("\0")[0].lower()
        places.setdefault(name, struct.unpack_from("<II", entries, at + 116))
    start, length = places.get("workbook") or places["book"]
    if length >= 4096:
        return b"".join(sectors(start))[:length]
    small = b"".join(sectors(struct.unpack_from("<I", entries, 116)[0]))
    minis = array("I", b"".join(sectors(struct.unpack_from("<I", data, 60)[0])))
    blocks: list[bytes] = []
    while start < _MARKS and len(blocks) <= len(minis):
        blocks.append(small[64 * start : 64 * start + 64])
        start = minis[start]
    return b"".join(blocks)[:length]


def _find_xls_errors(stream: bytes) -> dict[int, Words]:
    if not _XLS_ERROR.search(stream):
        return {}
    places = [struct.unpack_from("<I", stream, at)[0] for kind, at, _ in _records(stream, 0) if kind == 0x85]
    found: dict[int, Words] = {}
    for number, place in enumerate(places):
        for kind, at, length in _records(stream, place):
            code = None
            if kind == 0x205 and length == 8 and stream[at + 7] == 1:
                code = stream[at + 6]
            elif kind == 0x06 and length >= 14 and stream[at + 6] == 2 and stream[at + 12 : at + 14] == b"\xff\xff":
                code = stream[at + 8]
            if code is not None:
                found.setdefault(number, {})[struct.unpack_from("<HH", stream, at)] = _ERRORS.get(code, "#REF!")
    return found


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Yield kind, place and length of each record of a substream, without those of nested substreams."""
    depth = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind == 0x0A:
            depth -= 1
            if depth <= 0:
                return
        elif kind in (0x809, 0x409, 0x209, 0x09):
            depth += 1
        elif depth == 1:
            yield kind, at + 4, length
        at += 4 + length


def matlab(path: str, names: list[str]) -> dict[str, Any]:
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


def hdf5(path: str, most: int) -> dict[str, Any]:
    """Return the variables of a MATLAB v7.3 file, or the data sets of another HDF5 file; at most `most` numbers.

    Numbers are ("numbers", shape, bytes, type), cells ("cells", shape, list), structs dicts, texts str or lists of
    them, anything else None.
    """
    import h5py

    with h5py.File(path, "r") as file:
        reader = _Hdf5(file, most)
        names = [name for name in file if isinstance(name, str) and not name.startswith("#")]
        return {name: reader.member(file, name) for name in names}


class _Hdf5:
    """Values of one file, with a count of the numbers."""

    deepest = 4

    def __init__(self, file: Any, most: int) -> None:
        self.file, self.left = file, most

    def member(self, group: Any, name: str, depth: int = 0) -> Any:
        """Return the value in a group under a name; None for a link, which may lead to other files."""
        import h5py

        is_here = isinstance(group.get(name, getlink=True), h5py.HardLink)
        return self.value(group[name], depth) if is_here else None

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


def search(path: str, pattern: str, names: list[str]) -> list[tuple[str, tuple[Any, ...], dict[str, Any]] | None]:
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
