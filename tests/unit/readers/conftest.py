"""Fixtures of the readers' tests: the folder of instrument files, and a writer of small .xls workbooks."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from .small_files import ROWS  # type: ignore[import-not-found]

DATA = Path(__file__).parents[2] / "data"
_SECTOR, _FREE, _END, _FAT = 512, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _cell(row: int, column: int, value: object) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if value is None:
        return b""
    if value == "#REF":
        return _record(0x0205, place + bytes([0x17, 1]))
    if isinstance(value, str):
        return _record(0x0204, place + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
    return _record(0x0203, place + struct.pack("<d", float(value)))  # type: ignore[arg-type]


def _stream(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """A BIFF8 workbook stream: globals with one BOUNDSHEET a sheet, then the sheets."""
    begin = struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 0x0600)
    bodies = []
    for rows in sheets.values():
        cells = b"".join(_cell(r, c, value) for r, row in enumerate(rows) for c, value in enumerate(row))
        top = struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 0x0600)
        bodies.append(_record(0x0809, top) + cells + _record(0x000A, b""))
    names = [struct.pack("<BB", len(name), 0) + name.encode("latin-1") for name in sheets]
    head = len(_record(0x0809, begin)) + sum(4 + 6 + len(name) for name in names) + 4
    bounds, offset = b"", head
    for name, body in zip(names, bodies, strict=True):
        bounds += _record(0x0085, struct.pack("<IH", offset, 0) + name)
        offset += len(body)
    return _record(0x0809, begin) + bounds + _record(0x000A, b"") + b"".join(bodies)


def xls_bytes(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """An OLE2 container with one stream, `Workbook`."""
    stream = _stream(sheets)
    stream += bytes(max(4096, -(-len(stream) // _SECTOR) * _SECTOR) - len(stream))
    count = len(stream) // _SECTOR
    assert count + 2 <= 128, "one FAT sector is enough for a fixture"
    fat = [_FAT, _END, *range(3, count + 2), _END]
    fat += [_FREE] * (128 - len(fat))

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = name.encode("utf-16-le") + b"\0\0" if name else b""
        return struct.pack(
            "<64sHBBIII16sIQQIII", text, len(text), kind, 1, _FREE, _FREE, child, b"", 0, 0, 0, start, size, 0
        )

    directory = entry("Root Entry", 5, 1, _END, 0) + entry("Workbook", 2, _FREE, 2, len(stream))
    directory += entry("", 0, _FREE, 0, 0) * 2
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, _END, 0, _END, 0)
    )
    header += struct.pack("<I", 0) + struct.pack("<I", _FREE) * 108
    return header[:_SECTOR] + struct.pack("<128I", *fat) + directory + stream


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Folder of the instrument files that were written by hand from the formats' grammars."""
    return DATA


@pytest.fixture
def write_xls(tmp_path: Path) -> Callable[..., Path]:
    def write(sheets: Mapping[str, Sequence[Sequence[object]]], name: str = "book.xls") -> Path:
        path = tmp_path / name
        path.write_bytes(xls_bytes(sheets))
        return path

    return write


@pytest.fixture
def write_xlsx(tmp_path: Path) -> Callable[..., Path]:
    def write(sheets: Mapping[str, Sequence[Sequence[object]]], name: str = "book.xlsx") -> Path:
        import openpyxl

        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(list(row))
        path = tmp_path / name
        book.save(path)
        return path

    return write


@pytest.fixture
def memory_within() -> Callable[[float], AbstractContextManager[None]]:
    """A block whose own allocations stay below so many megabytes at any time, whatever the machine."""

    @contextmanager
    def within(megabytes: float) -> Iterator[None]:
        tracemalloc.start()
        try:
            yield
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < megabytes * 1e6

    return within


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes lines to a file."""

    def write(*rows: str, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(ROWS)
    return path


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def to_file(text: str, name: str = "d1.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to_file
