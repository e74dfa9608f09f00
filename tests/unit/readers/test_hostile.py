"""Malicious files: entities, decompression bombs, endless lines, formulas; with limits of memory and time.

Damaged packs, strange encodings, and paths that are no files: one error each, at once.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.core.errors import DevicekitError, FileError
from devicekit.readers import read, source
from devicekit.readers.layouts import gather
from devicekit.readers.source import LARGE, Source
from devicekit.tables import SweepTable

TABLE = "V (V),I (A)\n" + "".join(f"{k / 10},{k}e-6\n" for k in [*range(10), *range(10, -1, -1)])
TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'spreadsheetml.sheet.main+xml"/></Types>'
)


def workbook(path: Path, **parts: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        for name, data in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(tmp_path: Path, encoding: str) -> None:
    text = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet>&e;</worksheet>'
    path = workbook(tmp_path / "x.xlsx", xl__workbook=b"<workbook/>", xl__sheet1=text.encode(encoding))
    with pytest.raises(FileError, match="entities"):
        read(path)


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, memory_within: Any) -> None:
    path = workbook(tmp_path / "bomb.xlsx", xl__workbook=b"<workbook/>", xl__sheet1=b"<c/>" * (50 << 20))
    assert path.stat().st_size < 1 << 20
    with memory_within(100), pytest.raises(FileError, match="unpacks"):
        read(path)


def test_a_sheet_of_far_apart_cells_is_refused(tmp_path: Path, write_xlsx: Callable[..., Path]) -> None:
    path = write_xlsx({"data": [["V (V)", "I (A)"], [0, 0]]})
    rows = "".join(f'<row r="{k}"><c r="XFD{k}"><v>1</v></c></row>' for k in range(1, 400))
    sheet = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'
    wide = tmp_path / "wide.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(wide, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.namelist():
            target.writestr(item, sheet if "sheet1" in item else source.read(item))
    with pytest.raises(FileError, match="cells"):
        read(wide)


def test_other_archives_and_damaged_workbooks(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(FileError, match="not a spreadsheet"):
        read(tmp_path / "x.xlsx")
    (tmp_path / "cut.xlsx").write_bytes((tmp_path / "x.xlsx").read_bytes()[:40])
    (tmp_path / "cut.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500))
    for name in ("cut.xlsx", "cut.xls"):
        with pytest.raises(FileError, match="damaged"):
            read(tmp_path / name)


def test_a_gzip_bomb_of_one_line_is_refused_before_it_is_unpacked(tmp_path: Path, memory_within: Any) -> None:
    path = tmp_path / "x.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for _ in range(64):
            stream.write(b"1," * (1 << 20))
    with memory_within(100), pytest.raises(FileError, match="line"):
        read(path)


def test_a_gzip_bomb_of_many_lines_is_refused_before_it_is_unpacked(tmp_path: Path, memory_within: Any) -> None:
    path = tmp_path / "x.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as stream:
        for _ in range(100):
            stream.write(b"voltage_v,current_a\n" + b"1,2\n" * (1 << 18))
    with memory_within(100), pytest.raises(FileError, match="unpacks"):
        read(path)


@pytest.mark.parametrize("text", ["1," * 20000, "1 " * 20000 + "\n1 2\n", "\t" * 20000 + "\n"])
def test_too_many_columns(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(DevicekitError):
        read(path)


@pytest.mark.slow
def test_a_gigabyte_line_is_refused_within_memory(tmp_path: Path, memory_within: Any) -> None:
    path = tmp_path / "line.csv"
    with path.open("wb") as stream:
        for _ in range(1024):
            stream.write(b"0.123456" * (1 << 17))
    with memory_within(300), pytest.raises(FileError, match="line"):
        read(path)


def test_formulas_are_neutralised_on_export(tmp_path: Path, fixtures: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('device_id,voltage_v,current_a,note\n=1+1,0,0,"@SUM(1)"\n=1+1,1,1e-6,-ok\n')
    table = read(path)
    table.to_csv(tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert all("'=1+1" in line for line in lines[1:])
    assert "'@SUM(1)" in lines[1]


def test_a_gzip_file_cut_anywhere_is_an_error(tmp_path: Path) -> None:
    data = gzip.compress(TABLE.encode(), mtime=0)
    path = tmp_path / "a.csv.gz"
    for length in range(1, len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(DevicekitError) as caught:
            read(path)
        if length > 2:
            assert "damaged" in str(caught.value), length


def large_from(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse texts beyond this size [bytes] straight into numbers."""
    monkeypatch.setattr(source, "LARGE", size)
    monkeypatch.setattr(gather, "LARGE", size)


@pytest.mark.parametrize(
    ("size", "large"), [(1, LARGE), (3 << 16, 1 << 16), pytest.param(3 * LARGE, LARGE, marks=pytest.mark.slow)]
)
def test_packs_of_any_size_damaged_or_of_several_members(
    tmp_path: Path, size: int, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    large_from(large, monkeypatch)
    lines = TABLE.splitlines(keepends=True)
    text = (TABLE + "".join(lines[1:]) * (size // len(TABLE))).encode()
    data = bytearray(gzip.compress(text, compresslevel=1, mtime=0))
    path = tmp_path / "a.csv.gz"
    for name, damaged in (
        ("checksum", bytes(data[:-8]) + b"\0\1\2\3" + bytes(data[-4:])),
        ("cut", bytes(data[:-9])),
        ("garbage", bytes(data) + b"garbage"),
        ("length", bytes(data[:-4]) + b"\0\0\0\0"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(FileError, match=r"a\.csv\.gz .*damaged"):
            read(path)
        assert name
    half = text.index(b"\n", len(text) // 2) + 1
    path.write_bytes(gzip.compress(text[:half], 1, mtime=0) + gzip.compress(text[half:], 1, mtime=0))
    whole = tmp_path / "whole.csv"
    whole.write_bytes(text)
    assert len(read(path)) == len(read(whole))
    assert Source(path).size == len(text)  # not that of the last member, as its last bytes say


def _table(encoding: str, rows: int) -> bytes:
    text = "V (V),I (µA),note\n" + "".join(f"{k % 7},{k},x\n" for k in range(rows)) + "1,1,10 µm\n"
    return text.encode(encoding)


_BEYOND = 8000  # rows that go on beyond the head
_ENCODINGS = ["cp1252", "utf-16-le", "utf-16-be", "utf-16", "utf-8", "utf-8-sig"]


@pytest.mark.parametrize(
    ("encoding", "rows", "large"),
    [
        *((code, 20, LARGE) for code in _ENCODINGS),
        *(pytest.param(code, _BEYOND, LARGE, marks=pytest.mark.slow) for code in _ENCODINGS),
        *((code, _BEYOND, 1 << 16) for code in _ENCODINGS[:2]),
        *(pytest.param(code, LARGE // 8, LARGE, marks=pytest.mark.slow) for code in _ENCODINGS[:2]),
    ],
)
def test_encodings_are_found_wherever_they_show(
    tmp_path: Path, encoding: str, rows: int, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    large_from(large, monkeypatch)
    path = tmp_path / "a.csv"
    data = _table(encoding, rows)
    if encoding == "cp1252":  # the head alone is plain ASCII
        data = data.replace(b"(\xb5A)", b"(uA)")
    path.write_bytes(data)
    table = read(path, accept=True)
    assert isinstance(table, SweepTable)
    assert table.meta["text"]["encoding"] == encoding
    assert table.frame["note"].iloc[-1] == "10 µm"
    assert table.frame["current_a"].iloc[2] == pytest.approx(2e-6)


def test_a_character_cut_at_the_end_of_the_head_changes_nothing(tmp_path: Path) -> None:
    head = "V (V),I (A),note\n"
    for shift in range(3):
        rows = "0,1,abc\n" * ((65536 - len(head)) // 8)
        text = head + rows + "x" * ((65536 - len(head) - len(rows)) + shift - 2) + "µ,1,2\n1,1,é\n"
        (tmp_path / "a.csv").write_bytes(text.encode())
        source = Source(tmp_path / "a.csv")
        assert source.encoding == "utf-8"
        assert source.head.startswith(head)
        assert "Â" not in source.head


@pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and devices of POSIX systems")
def test_paths_that_are_not_files_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    began = time.perf_counter()
    try:
        for name, words in {
            "pipe": "is a pipe, not a file",
            "socket": "is a socket, not a file",
            "/dev/zero": "is a device, not a file",
            "loop": "cannot read",
            "dangling": "does not exist",
            "x" * 5000: "cannot read",
            "no\0name": "cannot read",
            "pipe/x": "does not exist",
        }.items():
            with pytest.raises(FileError, match=words):
                Source(tmp_path / name)
        for name in ("pipe", "socket", "/dev/zero", "loop", "dangling"):
            with pytest.raises(FileError):
                read(tmp_path / name)
    finally:
        listener.close()
    assert time.perf_counter() - began < 30


def test_a_file_without_read_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE)

    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)  # root may read anything
    with pytest.raises(FileError, match=r"cannot read .*a\.csv: Permission denied"):
        read(path)
    monkeypatch.undo()
    monkeypatch.setattr(os, "stat", denied)
    with pytest.raises(FileError, match=r"cannot read .*a\.csv: Permission denied"):
        Source(path)


@pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and devices of POSIX systems")
def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xff.csv"))
    path.write_text(TABLE)
    assert len(read(path)) == 21
    path.write_text(TABLE.replace("0.3", "nought"))
    with pytest.raises(DevicekitError, match="row 5"):
        read(path)


@pytest.mark.parametrize(
    "header",
    [
        f"V{' ' * 20000}x,I,n",
        f"cycle{' ' * 20000}x{' ' * 20000}1,cycle 2,n",
        f"a{' ' * 20000}/{' ' * 20000}b,c,n",
        "(" * 20000 + ",c,n",
        f"delta{' ' * 20000}t,x,n",
        f"{' ' * 20000}V (V),I (A){' ' * 20000},n",
        "a_" * 10000 + "A,c,n",
    ],
)
def test_headers_of_endless_blanks_and_brackets_are_read_quickly(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n1,2,3\n3,4,5\n")
    for options in ({}, {"quantity": "conductance", "unit": "S"}):
        began = time.perf_counter()
        with contextlib.suppress(DevicekitError):
            read(path, **options)
        assert time.perf_counter() - began < 20
