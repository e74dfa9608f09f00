"""Spreadsheets of every kind: cells, hidden sheets, errors, charts, and malicious containers."""

from __future__ import annotations

import datetime
import struct
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from devicekit.core.errors import FileError
from devicekit.readers import isolated, read, workbook
from devicekit.readers.source import Source
from devicekit.tables import SweepTable

from .conftest import _record, xls_bytes  # type: ignore[import-not-found]
from .damage import ods_bytes  # type: ignore[import-not-found]

ROWS = [["V (V)", "I (A)"], [0, 0], [0.5, 1e-6], [1, 1e-3], [0, 0]]


def write_ods(path: Path, sheets: dict[str, Sequence[Sequence[object]]], kind: str = "spreadsheet") -> Path:
    path.write_bytes(ods_bytes(sheets, kind))
    return path


def test_every_kind_gives_the_same_table(
    tmp_path: Path, write_xlsx: Callable[..., Path], write_xls: Callable[..., Path]
) -> None:
    paths = [write_xlsx({"d": ROWS}), write_xls({"d": ROWS}), write_ods(tmp_path / "a.ods", {"d": ROWS})]
    for path in paths:
        for name in (path.name, "named.wrong", "named.xls", "named.csv"):  # the content counts, not the name
            (tmp_path / "other").mkdir(exist_ok=True)
            copy = tmp_path / "other" / name
            copy.write_bytes(path.read_bytes())
            table = read(copy)
            assert isinstance(table, SweepTable)
            assert list(table.frame["current_a"]) == [0, 1e-6, 1e-3, 0]


def test_cells_are_mapped_unchanged(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([None, "a", None])
    sheet.append([])
    sheet.append([1, 2.5, True, datetime.datetime(2024, 1, 2, 3, 4, 5), datetime.date(2024, 1, 2), "#REF!", " b "])
    sheet["B4"], sheet["B4"].data_type = "#DIV/0!", "e"
    book.save(tmp_path / "a.xlsx")
    (found,) = workbook.read_sheets(tmp_path / "a.xlsx", "xlsx")
    assert found.rows == [
        [None, "a"],
        [],
        [1.0, 2.5, "True", "2024-01-02 03:04:05", "2024-01-02 00:00:00", "#REF!", " b "],
        [None, "#DIV/0!"],
    ]
    assert isinstance(found.rows[2][0], float)


def test_cells_with_an_error_are_named(tmp_path: Path, write_xls: Callable[..., Path]) -> None:
    rows = [["x", "y"], ["#REF!", 1.0], [2.0, None, "#DIV/0!"]]
    (ods,) = workbook.read_sheets(write_ods(tmp_path / "a.ods", {"d": rows}), "ods")
    assert ods.rows == rows
    (xls,) = workbook.read_sheets(write_xls({"d": [["x", "y"], ["#REF", 1.0], [2.0, None, "#REF"]]}), "xls")
    assert xls.rows == [["x", "y"], ["#REF!", 1.0], [2.0, None, "#REF!"]]


def test_hidden_sheets_are_read_and_marked_hidden(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "seen"
    for name, state in (("seen", "visible"), ("hid", "hidden"), ("very", "veryHidden")):
        sheet = book[name] if name in book.sheetnames else book.create_sheet(name)
        sheet.sheet_state = state
        sheet.append([1])
    book.save(tmp_path / "a.xlsx")
    found = Source(tmp_path / "a.xlsx").sheets
    assert [(each.name, each.hidden) for each in found] == [("seen", False), ("hid", True), ("very", True)]
    assert found[1].label == "hid (hidden)"


def test_numbers_of_an_embedded_chart_are_not_cells(tmp_path: Path) -> None:
    """Keithley's workbooks hold charts; their cached numbers have rows and columns of their own."""
    plain = xls_bytes({"d": [["V", "I"], [0.25, 0.75]]})
    place = struct.pack("<HHH", 0, 0, 0)
    chart = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0020, 0, 0, 0, 0))
    chart += _record(0x0203, place + struct.pack("<d", 99.0)) + _record(0x000A, b"")
    at = plain.rindex(_record(0x000A, b""))
    path = tmp_path / "a.xls"
    path.write_bytes(plain[:at] + chart + plain[at : len(plain) - len(chart)])
    (found,) = workbook.read_sheets(path, "xls")
    assert found.rows == [["V", "I"], [0.25, 0.75]]


def test_other_archives_and_documents_are_named(tmp_path: Path) -> None:
    text = write_ods(tmp_path / "letter.odt", {"d": ROWS}, "text")
    with pytest.raises(FileError, match="not a spreadsheet"):
        read(text)
    letter = tmp_path / "letter.docx"
    with zipfile.ZipFile(letter, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types><Override ContentType='wordprocessingml'/></Types>")
        archive.writestr("word/document.xml", "<document/>")
    with pytest.raises(FileError, match="not a spreadsheet"):
        read(letter)
    secret = tmp_path / "secret.xlsx"
    secret.write_bytes(
        xls_bytes({"d": ROWS}).replace("Workbook".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le"), 1)
    )
    with pytest.raises(FileError, match="password"):
        read(secret)
    cut = tmp_path / "cut.ods"
    cut.write_bytes(ods_bytes({"d": ROWS})[:-30])
    with pytest.raises(FileError, match=r"cut\.ods .*damaged"):
        read(cut)


def test_a_packed_workbook_is_named(tmp_path: Path, write_xls: Callable[..., Path]) -> None:
    import gzip

    path = tmp_path / "a.xls.gz"
    path.write_bytes(gzip.compress(write_xls({"d": ROWS}).read_bytes()))
    with pytest.raises(FileError, match="gzip"):
        read(path)


@pytest.mark.parametrize("which", ["a chain that bites its tail", "a million rows", "a sheet far away"])
def test_malicious_containers_are_refused_in_one_sentence(tmp_path: Path, which: str) -> None:
    data = bytearray(xls_bytes({"d": ROWS}))
    if which == "a chain that bites its tail":  # calamine follows it until memory ends
        fat = 512
        struct.pack_into("<I", data, fat + 4 * 2, 2)
        at = data.index("Workbook".encode("utf-16-le"))
        struct.pack_into("<I", data, at + 120, 0xFFFFFFF0)
    else:
        row = 65535 if which == "a million rows" else 60000
        at = data.rindex(struct.pack("<HH", 0x0203, 14))
        struct.pack_into("<HH", data, at + 4, row, 65535 if which == "a sheet far away" else 200)
    path = tmp_path / "a.xls"
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"a\.xls (is damaged|has far more cells|needs more memory)"):
        read(path)


def test_a_parser_that_crashes_or_loops_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(xls_bytes({"d": ROWS}))
    for body in ("import os; os.kill(os.getpid(), 11)", "b = bytearray(1 << 40)", "raise SystemExit(3)"):
        script = tmp_path / "script.py"
        script.write_text(body)
        monkeypatch.setattr(isolated, "_SCRIPT", script)
        with pytest.raises(FileError, match="crashed"):
            read(path)
    script.write_text("while True: pass")
    monkeypatch.setattr(isolated, "WAIT", 0.1)
    with pytest.raises(FileError, match=r"longer.*size"):
        read(path)


def test_a_repeated_row_of_an_ods_takes_little_memory(tmp_path: Path, memory_within: Callable[..., object]) -> None:
    path = write_ods(tmp_path / "a.ods", {"d": ROWS})
    with zipfile.ZipFile(path) as archive:
        text = archive.read("content.xml").decode()
    wide = text.replace("<table:table-row>", '<table:table-row table:number-rows-repeated="1000000">', 1).replace(
        "<table:table-cell ", '<table:table-cell table:number-columns-repeated="16000" ', 1
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", wide)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    with memory_within(50), pytest.raises(FileError, match=r"a\.ods "):  # type: ignore[attr-defined]
        read(path)


def test_incomplete_xml_is_refused_at_once(tmp_path: Path) -> None:
    """calamine 0.9.1 never stops on a table of an .ods file that does not end."""
    path = write_ods(tmp_path / "a.ods", {"d": ROWS})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts["content.xml"]
    parts["content.xml"] = text[: text.index(b"</table:table-row>") + len(b"</table:table-row>")]
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    began = time.perf_counter()
    with pytest.raises(FileError, match=r"a\.ods .*damaged"):
        read(path)
    assert time.perf_counter() - began < 20
