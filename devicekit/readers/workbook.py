"""Sheets of a spreadsheet as rows of cells: .xlsx through openpyxl, .xls through xlrd, both optional.

A workbook is a foreign program's container: what it may cost to open is bounded before it is opened.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devicekit.errors import FileError

LARGEST_RATIO = 50  # a sheet of numbers packs 3 to 12 times; a decompression bomb 1000 times
HARMLESS_SIZE = 4 << 20  # bytes unpacked that are never refused
MOST_CELLS = 1_000_000  # plus one a byte of the file
_BLOCK = 1 << 20

Cell = str | float | None


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name and its rows of cells (text, numbers or None), ragged, from file row 1."""

    name: str
    rows: list[list[Cell]]

    @property
    def is_empty(self) -> bool:
        """Whether no cell holds anything."""
        return not any(self.rows)

    def text(self) -> str:
        """The sheet as tab-separated text, one line a row, so that text readers can read it.

        The first row is padded to the widest one, because that is where a parser counts the columns.
        """
        width = max(len(row) for row in self.rows)
        first = [*self.rows[0], *[None] * (width - len(self.rows[0]))]
        rows = [first, *self.rows[1:]]
        return "\n".join("\t".join(_word(cell) for cell in row) for row in rows)


def _word(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return repr(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return cell.replace("\t", " ").replace("\n", " ").replace("\r", " ")


def sheets(path: Path, which: str) -> list[Sheet]:
    """Every sheet that holds cells.

    Raises
    ------
    FileError
        If the library is not installed, the file is damaged, or it would unpack to far more than its size.
    """
    read = _xlsx if which == "xlsx" else _xls
    try:
        found = read(path)
    except FileError:
        raise
    except ImportError as error:
        raise FileError(
            f"{path.name} is a spreadsheet; reading it needs two more packages: pip install openpyxl xlrd"
        ) from error
    except Exception as error:  # the libraries raise whatever their parsing trips over
        raise FileError(f"{path.name} is a damaged spreadsheet: {type(error).__name__}: {error}") from error
    found = [sheet for sheet in found if not sheet.is_empty]
    if not found:
        raise FileError(f"{path.name} holds no sheet with cells")
    return found


def _guard(path: Path) -> None:
    """Refuse archives that are no workbook, unpack to far more than they are, or declare XML entities."""
    packed = path.stat().st_size
    most = max(HARMLESS_SIZE, LARGEST_RATIO * packed)
    total = 0
    with zipfile.ZipFile(path) as archive:
        if "[Content_Types].xml" not in archive.namelist():
            raise FileError(f"{path.name} is a zip archive, not a spreadsheet")
        for item in archive.infolist():
            tail = b""
            with archive.open(item) as stream:
                while block := stream.read(_BLOCK):
                    total += len(block)
                    if total > most:
                        raise FileError(
                            f"{path.name} unpacks to more than {LARGEST_RATIO} times its size: refused as unsafe"
                        )
                    text = tail + block.replace(b"\0", b"")  # UTF-16 hides nothing
                    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                        raise FileError(f"{path.name} declares XML entities, which no spreadsheet needs: refused")
                    tail = text[-16:]


def _xlsx(path: Path) -> list[Sheet]:
    import openpyxl

    try:
        _guard(path)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise FileError(f"{path.name} is a damaged spreadsheet: {error}") from error
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns about styles and extensions, which hold no data
        book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), read_only=True, data_only=True)
        most = MOST_CELLS + path.stat().st_size
        found = []
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # type: ignore[union-attr]
            rows = []
            for row in sheet.iter_rows(values_only=True):
                most -= len(row) + 1
                if most < 0:
                    raise FileError(f"{path.name}, sheet {sheet.title}: far more cells than the file's size explains")
                rows.append(_trimmed(_cell(cell) for cell in row))
            found.append(Sheet(sheet.title, rows))
    return found


def _cell(cell: object) -> Cell:
    if cell is None or isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        return str(cell)
    return float(cell)


def _trimmed(cells: Iterator[Cell]) -> list[Cell]:
    row = list(cells)
    while row and row[-1] is None:
        row.pop()
    return row


def _xls(path: Path) -> list[Sheet]:
    import xlrd

    # the libary prints remarks about the container, and tracebacks of broken ones, to its log
    book = xlrd.open_workbook(str(path), logfile=io.StringIO(), on_demand=True, ragged_rows=True)
    found = []
    for name in book.sheet_names():
        sheet = book.sheet_by_name(name)
        rows = [_trimmed(_xls_cell(cell) for cell in sheet.row(k)) for k in range(sheet.nrows)]
        found.append(Sheet(name, rows))
        book.unload_sheet(name)
    return found


def _xls_cell(cell: object) -> Cell:
    import xlrd

    kind, value = cell.ctype, cell.value  # type: ignore[attr-defined]
    if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return None
    if kind == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(value, "#REF!"))
    return float(value) if isinstance(value, (int, float)) else (str(value) or None)
