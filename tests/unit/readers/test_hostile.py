"""Files that mean harm: entities, decompression bombs, endless lines, formulas; and what they may cost."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.errors import DevicekitError, FileError
from devicekit.readers import read

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
    with memory_within(100), pytest.raises(FileError, match="unpacks to more than"):
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
    with memory_within(100), pytest.raises(FileError, match="line of more than"):
        read(path)


def test_a_gzip_bomb_of_many_lines_is_refused_before_it_is_unpacked(tmp_path: Path, memory_within: Any) -> None:
    path = tmp_path / "x.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as stream:
        for _ in range(100):
            stream.write(b"voltage_v,current_a\n" + b"1,2\n" * (1 << 18))
    with memory_within(100), pytest.raises(FileError, match="unpacks to more than"):
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
    with memory_within(300), pytest.raises(FileError, match="line of more than"):
        read(path)


def test_formulas_are_neutralised_on_export(tmp_path: Path, fixtures: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('device_id,voltage_v,current_a,note\n=1+1,0,0,"@SUM(1)"\n=1+1,1,1e-6,-ok\n')
    table = read(path)
    table.to_csv(tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert all("'=1+1" in line for line in lines[1:])
    assert "'@SUM(1)" in lines[1]
