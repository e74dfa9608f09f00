"""Words of cells with an error, such as #REF!, or no value, which calamine leaves empty; for `parser_process`."""

from __future__ import annotations

import re
import struct
from array import array
from collections.abc import Iterator
from typing import Any

Words = dict[tuple[int, int], str]  # by row and column, from 0

_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_CODES = rb"[\x00\x07\x0f\x17\x1d\x24\x2a]"
_XLS_ERROR = re.compile(rb"\x05\x02\x08\x00.{6}%b\x01|\x02.%b.{3}\xff\xff" % (_CODES, _CODES), re.DOTALL)
_XLSX_ERROR = re.compile(
    rb"""<(?:\w+:)?c\s[^>]*?\br=["']([A-Z]{1,3})([0-9]{1,7})["'][^>]*?\bt=["']e["'][^>]*>(.{0,20000}?)</(?:\w+:)?c>""",
    re.DOTALL,
)
_XLSX_NO_VALUE = re.compile(  # a formula, other than one of text, with nothing in <v>
    rb"""<(?:\w+:)?c\s(?![^>]*\bt=["']str)[^>]*?\br=["']([A-Z]{1,3})([0-9]{1,7})["'][^>]*><(?:\w+:)?f\b"""
    rb"""(?:[^<>]*/>|[^<]*</(?:\w+:)?f>)(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"""
)
_VALUE = re.compile(rb"<(?:\w+:)?v>(#[^<]*)</")
_MOST_ERRORS = 100_000
_MARKS = 0xFFFFFFFA  # larger sector numbers are marks


def find_words(path: str) -> dict[int, Words]:
    """Return the words by sheet of .xlsx and .xls; none of a container that only calamine can read."""
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
            if cell := _XLSX_NO_VALUE.search(text):
                found[number] = {(int(cell[2]) - 1, _parse_column_letters(cell[1])): f"={(cell[1] + cell[2]).decode()}"}
            if b"#" not in text:
                continue
            for cell in _XLSX_ERROR.finditer(text):
                if word := _VALUE.search(cell[3]):
                    place = int(cell[2]) - 1, _parse_column_letters(cell[1])
                    found.setdefault(number, {})[place] = word[1].decode("utf-8", "replace")
    return found


def _parse_column_letters(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number - 1


def find_ods_words(path: str) -> dict[int, Words]:
    """Return the words of cells with an error; refuse XML without an end, on which calamine 0.9.1 never stops."""
    import zipfile
    from xml.etree import ElementTree

    found: dict[int, Words] = {}
    number, row, left = -1, 0, _MOST_ERRORS
    cells: list[tuple[int, str | None]] = []
    with zipfile.ZipFile(path) as book:
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
