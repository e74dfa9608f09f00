"""Sheets of a spreadsheet (.xlsx, .xlsm, .xlsb, .xls, .ods) as rows of cells, read by calamine.

The cost of opening a workbook is limited before it is opened.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from devicekit.core.errors import FileError
from devicekit.readers import isolated

LARGEST_RATIO = 50  # sheets of numbers pack 3 to 12 times, decompression bombs 1000 times
LARGEST_RATIO_ODS = 200  # its cells are longer
HARMLESS_SIZE = 4 << 20  # unpacked bytes that are never refused
MOST_CELLS = 1_000_000  # plus one for each byte of the file
_BLOCK = 1 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"

Cell = str | float | None


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name and its rows of cells (text, numbers or None), of different length, from file row 1.

    `hidden` is true for a sheet that the spreadsheet program does not show.
    """

    name: str
    rows: list[list[Cell]]
    hidden: bool = False

    @property
    def is_empty(self) -> bool:
        """True if all cells are empty."""
        return not any(self.rows)

    @property
    def label(self) -> str:
        """Name for messages."""
        return f"{self.name} (hidden)" if self.hidden else self.name

    def text(self) -> str:
        """Return the sheet as tab-separated text, one line for each row.

        The first row is padded to the longest, because a parser counts the columns there.
        """
        width = max(len(row) for row in self.rows)
        first = [*self.rows[0], *[None] * (width - len(self.rows[0]))]
        rows = [first, *self.rows[1:]]
        return "\n".join("\t".join(_format_cell(cell) for cell in row) for row in rows)


def _format_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return repr(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return cell.replace("\t", " ").replace("\n", " ").replace("\r", " ")


def detect_kind(path: Path, head: bytes) -> str | None:
    """Return xls, xlsx, xlsb or ods by the content of a file that begins with `head`, None for other files.

    Any other archive counts as xlsx and is refused when its sheets are read.
    """
    if head.startswith(_OLE):
        return "xls"
    if not head.startswith(_ZIP):
        return None
    if head[30:].startswith(b"mimetype" + _ODS):
        return "ods"
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except Exception:  # damaged; reported when its sheets are read
        return "xlsx"
    if "xl/workbook.bin" in names:
        return "xlsb"
    return "ods" if "content.xml" in names else "xlsx"


def read_sheets(path: Path, which: str) -> list[Sheet]:
    """Read every sheet with cells, also hidden ones.

    Raises
    ------
    FileError
        If the file is damaged, not a workbook, or unpacks to far more than its size.
    """
    if which != "xls":
        try:
            _guard(path, which)
        except FileError:
            raise
        except Exception as error:  # an archive can be damaged in many ways
            sentence = " ".join(str(error).split())[:200]
            raise FileError(f"{path.name} is a damaged spreadsheet: {sentence}") from error
    try:
        with tempfile.TemporaryDirectory() as folder:
            named = _link_file(path, Path(folder) / f"book.{which}")
            read = isolated.parse("workbook", named, path.name, most=MOST_CELLS + path.stat().st_size)
    except OSError as error:
        raise FileError.of("cannot read", path, error) from error
    found = [sheet for sheet in (Sheet(name, rows, hidden) for name, hidden, rows in read) if not sheet.is_empty]
    if not found:
        raise FileError(f"{path.name} holds no sheet with cells")
    return found


def _link_file(path: Path, link: Path) -> Path:
    """Link a file to a name with the right ending, which calamine needs."""
    try:
        os.symlink(path.resolve(), link)
    except OSError:  # no links on this system
        shutil.copyfile(path, link)
    return link


def _guard(path: Path, which: str) -> None:
    """Refuse archives that are not a workbook, unpack to far more than their size, or declare XML entities."""
    packed = path.stat().st_size
    ratio = LARGEST_RATIO_ODS if which == "ods" else LARGEST_RATIO
    most = max(HARMLESS_SIZE, ratio * packed)
    total = 0
    with zipfile.ZipFile(path) as archive:
        if not _is_workbook(archive, which):
            raise FileError(f"{path.name} is a zip archive, not a spreadsheet")
        for item in archive.infolist():
            tail = b""
            with archive.open(item) as stream:
                while block := stream.read(_BLOCK):
                    total += len(block)
                    if total > most:
                        raise FileError(f"{path.name} unpacks to more than {ratio} times its size; refused as unsafe")
                    text = tail + block.replace(b"\0", b"")  # also for UTF-16
                    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                        raise FileError(f"{path.name} declares XML entities; refused as unsafe")
                    tail = text[-16:]


def _is_workbook(archive: zipfile.ZipFile, which: str) -> bool:
    names = archive.namelist()
    part, mark = ("mimetype", _ODS) if which == "ods" else ("[Content_Types].xml", b"sheet")
    if part not in names:
        return which == "ods"
    with archive.open(part) as stream:
        return mark in stream.read(_BLOCK)
