"""Opening of a file: the columns of its first rows, with their cells and numbers, before anything is known of them."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from devicekit.core.errors import DevicekitError
from devicekit.readers import encodings
from devicekit.readers.cells import Row, is_number
from devicekit.readers.layouts import delimiters
from devicekit.readers.layouts.gather import cells_of_sheet, take_rows
from devicekit.readers.layouts.grid import Block, split_blocks
from devicekit.readers.layouts.roles import Cells
from devicekit.readers.source import Source
from devicekit.system.options import ReadOptions

MOST_BYTES = 1 << 19  # of a text that are looked at
MOST_ROWS = 6000
MOST_COLUMNS = 64
MOST_CELLS = 3  # that are shown of a column
LONGEST_CELL = 30  # characters
LONGEST_NUMBER = 10
_ARRANGED = ("skip", "header", "units_row", "names", "decimal", "row_is", "first_reading")


@dataclass(frozen=True, eq=False)
class OpenedColumn:
    """One column of the first rows of a file.

    Parameters
    ----------
    name : str
        Name by which options call it.
    unit : str
        Unit word that the file writes; "" without one.
    cells : tuple of str
        First cells that are filled.
    numbers : ndarray, shape (n,)
        Its numbers, NaN for other cells.
    """

    name: str
    unit: str
    cells: tuple[str, ...]
    numbers: np.ndarray


@dataclass(frozen=True, eq=False)
class Opening:
    """Columns of the first rows of a file.

    Parameters
    ----------
    columns : tuple of OpenedColumn
        At most 64 of them.
    width : int
        Number of columns of the file.
    rows : int
        Number of rows that were looked at.
    is_whole : bool
        True if these are all rows of the file.
    """

    columns: tuple[OpenedColumn, ...] = ()
    width: int = 0
    rows: int = 0
    is_whole: bool = True


def open_columns(path: Path, options: ReadOptions | None = None) -> Opening:
    """Return the columns of the first rows of a file, or of the first file of a folder; none of a file without rows.

    Parameters
    ----------
    path : Path
    options : ReadOptions, optional
        Those about sheet, encoding and arrangement of rows are used as far as they fit.
    """
    options = options or ReadOptions()
    try:
        source = _first_source(path)
        rows, delimiter, is_whole = _first_rows(source, options)
        block = _largest_block(rows, delimiter, options, source.path.name)
    except (DevicekitError, IndexError, OSError):  # the reader reports what is wrong
        return Opening()
    block = take_rows(block, MOST_ROWS)
    cells, names = Cells(block), block.names[:MOST_COLUMNS]
    columns = tuple(_open_column(cells, name, block.headings[k].word or "") for k, name in enumerate(names))
    return Opening(columns, len(block.names), len(block.cells), is_whole)


def _first_source(path: Path) -> Source:
    from devicekit.readers.multiple_files import list_files

    if not path.is_dir():
        return Source(path)
    files = list_files(path) or sorted(filter(Path.is_file, path.iterdir()), key=lambda each: each.stat().st_size)[::-1]
    return Source(files[0])


def _first_rows(source: Source, options: ReadOptions) -> tuple[list[Row], str, bool]:
    """Return rows of a text or of a sheet, the name of the delimiter, and whether these are all.

    Raises
    ------
    DevicekitError
        If the file cannot be read.
    """
    if source.workbook_kind:
        sheets = [each for each in source.sheets if options.sheet in (None, each.name)] or source.sheets
        sheet = max(sheets, key=lambda each: len(each.rows))
        return cells_of_sheet(replace(sheet, rows=sheet.rows[:MOST_ROWS])), "cells", len(sheet.rows) <= MOST_ROWS
    data = source.beginning(MOST_BYTES)
    encoding = options.encoding or encodings.detect_mark(data) or _guess_encoding(data)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(data)
    is_whole = len(data) < MOST_BYTES
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    tidied = delimiters.tidy_numbers(lines if is_whole else lines[:-1])[:MOST_ROWS]
    delimiter = delimiters.find_delimiter(tidied[: delimiters.JUDGED], source.path.name)
    rows = delimiters.split_lines(tidied, delimiters.DELIMITERS[delimiter], source.path.name)
    return rows, delimiter, is_whole and len(tidied) < MOST_ROWS


def _guess_encoding(data: bytes) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return encodings.guess(data)[0]
    return "utf-8"


def _largest_block(rows: Sequence[Row], delimiter: str, options: ReadOptions, where: str) -> Block:
    """Return the table with the most rows, arranged as the options say, else as the rows are."""
    given = {name: getattr(options, name) for name in _ARRANGED}
    try:
        blocks = split_blocks(rows, delimiter, ReadOptions(**given, drop=options.drop, blocks=options.blocks), where)
    except DevicekitError:
        blocks = split_blocks(rows, delimiter, ReadOptions(header=0, drop=("text",)), where)
    return max(blocks, key=lambda each: len(each.cells))


def _open_column(cells: Cells, name: str, unit: str) -> OpenedColumn:
    words = cells.block.cells[name]
    filled = [str(each).strip() for each in words.head(100) if str(each).strip() not in ("", "nan")]
    shown = tuple(_shorten_cell(each) for each in filled[:MOST_CELLS])
    numbers = cells.numbers(name)
    empty = np.full(len(words), np.nan)
    return OpenedColumn(name, unit, shown, empty if numbers is None else numbers.to_numpy(float))


def _shorten_cell(cell: str) -> str:
    return f"{float(cell):.5g}" if len(cell) > LONGEST_NUMBER and is_number(cell) else cell[:LONGEST_CELL]
