"""Tables of a source: of a text, of the sheets of a workbook, or in memory."""

from __future__ import annotations

import contextlib
import fnmatch
import gzip
import re
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from devicekit.core.errors import Choice, DevicekitError, FileError, NoTableError, QuestionError, TableError, UsageError
from devicekit.core.text import count
from devicekit.readers import workbook
from devicekit.readers.cells import EMPTY_WORDS
from devicekit.readers.header import parse_heading
from devicekit.readers.layouts import arrays, delimiters
from devicekit.readers.layouts.grid import Block, last_place, split_blocks
from devicekit.readers.layouts.rows import TEXT, row_patterns
from devicekit.readers.layouts.shape import Shape
from devicekit.readers.questions import ask
from devicekit.readers.source import END_MARK, LARGE, Source
from devicekit.system.commands import non_default
from devicekit.system.options import ReadOptions

_LATER = {  # options that count once the cells are arranged
    *("quantity", "unit", "read_voltage", "absolute", "device", "cycle", "width", "accept", "pulses", "device_area"),
    *(
        "files_are",
        "sheets_are",
        "columns_are",
        "key",
        "words",
        "rows_per",
        "constant",
        "kind",
        "format",
        "recipe",
        "cycles_per_row",
    ),
}
LARGEST_SPLIT = 64 << 20  # bytes of a text whose rows are looked at one by one
MOST_SHOWN = 8  # sheets and answers of a question
LEAST_ROWS = 2  # of a sheet that is read without being requested


@dataclass(frozen=True)
class SourceBlocks:
    """Tables of a source, and the sheets without one."""

    blocks: tuple[Block, ...]
    left_out: tuple[str, ...] = ()


def gather(source: Source, options: ReadOptions, columns: Sequence[str] = ()) -> SourceBlocks:
    """Collect every table of a source; the last ones are kept with the source.

    Arrays by key that are named as columns are one table.

    Raises
    ------
    FileError
        If the source has no table.
    UsageError
        If a requested sheet does not exist.
    """
    given = {name: value for name, value in non_default(options).items() if name not in _LATER}
    given["record"] = options.kind == "record"  # whose cells stay as they are
    places = last_place(options) if options.columns else False
    mapped = given if options.row_is == "record" else {**given, "columns": places}
    if source.workbook_kind in arrays.KINDS:
        mapped = {**given, "columns": tuple(columns)}
    known: dict[str, SourceBlocks] = source.__dict__.setdefault("gathered", {})
    plain = None if mapped is given else known.get(_name_options({**given, "columns": False}))
    if plain is not None and len(plain.blocks) == 1:  # columns that are named could only join several tables
        return plain
    key = _name_options(mapped)
    if key not in known:
        for old in list(known)[1:]:  # the first one is often needed again, by another answer
            del known[old]
        known[key] = _gather(source, options, columns)
    return known[key]


def _name_options(options: Mapping[str, Any]) -> str:
    return repr(sorted(options.items()))


def _gather(source: Source, options: ReadOptions, columns: Sequence[str]) -> SourceBlocks:
    if source.in_memory:
        return SourceBlocks((_block_in_memory(source),))
    if source.workbook_kind:
        return _workbook_blocks(source, options, columns)
    if options.sheet is not None:
        raise UsageError(f"{source.path.name} is a text file without sheets. Remove sheet={options.sheet}")
    if "\0" in source.head:
        pickled = source.path.suffix.lower() in (".pkl", ".pickle", ".p")
        why = "a Python pickle, which could run any code; save its table as CSV" if pickled else ""
        raise NoTableError(f"{source.path.name} is {why or 'a binary file of an unknown format'}")
    if source.size > LARGE and (large := _read_large(source, options)) is not None:
        return SourceBlocks((large,))
    if source.size > LARGEST_SPLIT:
        raise FileError(
            f"{source.path.name} is larger than {LARGEST_SPLIT >> 20} MB: its records, tables or rows of words cannot "
            "be chosen. Split the file."
        )
    blocks = _text_blocks(source.lines, source.path.name, options)
    if source.other_encodings:
        _ask_encoding(source, [name for block in blocks for name in (*block.names, block.label)])
    return SourceBlocks(tuple(blocks))


def _ask_encoding(source: Source, names: Sequence[str]) -> None:
    """Ask for the encoding of a text if names depend on it and nothing in the text settles it."""
    shown = next((name for name in names if not name.isascii()), None)
    if shown is None:
        return
    data = shown.encode(source.encoding)
    texts: dict[str, str] = {}  # by what is read
    for encoding in (source.encoding, *source.other_encodings):
        with contextlib.suppress(UnicodeDecodeError):
            texts.setdefault(data.decode(encoding), encoding)
    choices = [Choice.of(f"the name is {text}", encoding=encoding) for text, encoding in texts.items()]
    if len(choices) > 1:
        raise ask(source.path.name, "which encoding does the text have?", choices[:5])


_JSON = re.compile(r"\s*\{\s*\"")  # an object begins
_OBJECT = re.compile(r"\s*\{\s*['\"\w][^:=]*[:=].*\}\s*$")  # a whole object, as print() writes it
MOST_LINES = 2000  # that are examined
_LONGEST = 60  # characters of a line in a message


def _block_in_memory(source: Source) -> Block:
    named = bool(source.head.strip(","))
    shape = Shape("none: a table in memory", ".", "", 0, int(named), False, 0)
    heads = tuple(parse_heading(str(name) if named else "") for name in source.frame.columns)
    return Block(heads, source.frame, named, source.path.name, shape)


def _text_blocks(lines: Sequence[str], where: str, options: ReadOptions) -> list[Block]:
    if _JSON.match("".join(lines[:3])):
        raise FileError(
            f"{where} begins like JSON but is not valid JSON. If it is packed, unpack it; else write it as CSV."
        )
    printed = sum(map(bool, map(_OBJECT.match, lines[:MOST_LINES])))
    if 2 * printed > sum(map(bool, lines[:MOST_LINES])):
        shown = next(filter(_OBJECT.match, lines)).strip()[:_LONGEST]
        raise NoTableError(
            f"{where} holds lines such as {shown!r}, which a program printed: a log, not a table of measurements. "
            "Write the numbers to be read as CSV."
        )
    lines = delimiters.tidy_numbers(lines)
    delimiter = delimiters.find_delimiter(lines[:2000], where)
    rows = delimiters.split_lines(lines, delimiters.DELIMITERS[delimiter], where)
    if not any(any(cells) for _, cells in rows):
        raise NoTableError(f"{where} is empty")
    return split_blocks(rows, delimiter, options, where)


def _workbook_blocks(source: Source, options: ReadOptions, columns: Sequence[str]) -> SourceBlocks:
    """Collect the tables of the requested sheets, or of all sheets that have one."""
    sheets = source.sheets
    if source.workbook_kind in arrays.KINDS:
        sheets = arrays.join_arrays(sheets, columns, source.path.name)
    names = [sheet.name for sheet in sheets]
    joined = len(sheets) < len(source.sheets)
    wanted = names if options.sheet is None or joined else _match_sheets(names, options.sheet, source.path.name)
    found: list[Block] = []
    left_out: list[str] = [name for name in names if name not in wanted]
    failed: dict[str, DevicekitError] = {}  # sheets that hold a table which cannot be read
    first: FileError | None = None
    for sheet in sheets:
        if sheet.name not in wanted:
            continue
        try:
            blocks = _sheet_blocks(sheet, source.path.name, options, alone=len(wanted) == 1)
        except FileError as error:
            first = first or error
            left_out.append(sheet.name)
            continue
        except (TableError, QuestionError) as error:
            if len(wanted) == 1:
                raise
            failed[sheet.name] = error
            continue
        if len(names) > 1 and options.sheet is None and sum(len(block.cells) for block in blocks) < LEAST_ROWS:
            left_out.append(sheet.name)
            continue
        found += blocks
    if failed:
        raise _ask_sheets(found, failed, source.path.name)
    if not found:
        raise first or FileError(f"{source.path.name} has no sheet with a table")
    return SourceBlocks(tuple(found), tuple(left_out))


def _ask_sheets(found: Sequence[Block], failed: Mapping[str, DevicekitError], where: str) -> DevicekitError:
    """Return the question which sheets to read where some cannot be read; if none can, the first error."""
    if not found:
        return next(iter(failed.values()))
    good = {block.sheet: block for block in found}
    choices = [
        Choice.of(f"columns {', '.join(block.names[:4])}, {count(len(block.cells), 'row')}", sheet=name)
        for name, block in good.items()
    ]
    together = [Choice.of("all sheets that can be read", sheet=",".join(good))] if len(good) > 1 else []
    choices += [
        Choice.of(
            f"sheet {name} ({error.asked.text.partition(':')[0]}): {each.means}", **{"sheet": name, **each.options}
        )
        for name, error in failed.items()
        if isinstance(error, QuestionError)
        for each in error.asked.choices
    ]
    shown = list(failed.items())[:MOST_SHOWN]
    more = f" and {len(failed) - MOST_SHOWN} more" if len(failed) > MOST_SHOWN else ""
    evidence = [f"sheet {name}: {str(error).partition(chr(10))[0]}" for name, error in shown]
    text = f"which sheets should be read? {', '.join(name for name, _ in shown)}{more} cannot be"
    return ask(where, text, [*together, *choices][:MOST_SHOWN], evidence)


def _match_sheets(names: Sequence[str], patterns: str, where: str) -> list[str]:
    """Return the sheets that match one of the given names or patterns."""
    wanted: list[str] = []
    for pattern in (part.strip() for part in patterns.split(",")):
        fits = [name for name in names if name == pattern or fnmatch.fnmatchcase(name.lower(), pattern.lower())]
        if not fits:
            raise UsageError(f"{where} has no sheet {pattern!r}; its sheets are {', '.join(names)}")
        wanted += fits
    return wanted


def _sheet_blocks(sheet: workbook.Sheet, where: str, options: ReadOptions, alone: bool) -> list[Block]:
    rows = cells_of_sheet(sheet)
    place = where if alone else f"{where}, sheet {sheet.name}"
    return [
        _without_title(replace(block, sheet=sheet.name), alone) for block in split_blocks(rows, "cells", options, place)
    ]


def _without_title(block: Block, alone: bool) -> Block:
    """Return one of several sheets without the name of a column that is the sheet's own: it names no column."""
    own = block.sheet.strip().lower()
    at = next((k for k, name in enumerate(block.names) if name.lower() == own and not block.headings[k].quantity), None)
    if alone or at is None or len(block.names) < 2:
        return block
    heads = (*block.headings[:at], parse_heading(""), *block.headings[at + 1 :])
    return replace(block, headings=heads, cells=block.cells.rename(columns={block.names[at]: f"column {at + 1}"}))


def cells_of_sheet(sheet: workbook.Sheet) -> list[tuple[int, list[str]]]:
    """Return the rows of a sheet as text, each with its number in the file."""
    return [(k, [_cell_text(cell) for cell in row]) for k, row in enumerate(sheet.rows, 1)]


def _cell_text(cell: workbook.Cell) -> str:
    """Return a cell of a sheet as text."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return repr(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return " ".join(str(cell).split())


def _read_large(source: Source, options: ReadOptions) -> Block | None:
    """Read a large table directly as numbers, with the layout of its first 64 KiB, to save memory.

    None if its rows must be looked at one by one: for records, several tables, rows to be left out, rows of a train.
    """
    if row_patterns(options) or TEXT in options.drop or options.block or options.row_is == "record":
        return None
    name = source.path.name
    source.check_lines()
    head = source.head[: source.head.rfind("\n")].replace("\r\n", "\n").split("\n")
    delimiter = delimiters.find_delimiter(head, name)
    rows = delimiters.split_lines(head, delimiters.DELIMITERS[delimiter], name)
    block, *others = split_blocks(rows, delimiter, options, name)
    if others or block.shape.transposed:
        return None
    first = int(block.cells.index[0])
    # words repeat, so that a category saves memory; words among numbers are found when the column is used
    wordy = [
        c
        for c in block.names
        if not block.cells[c].map(lambda x: delimiters.is_number(x) or delimiters.is_empty(x)).all()
    ]
    missing = sorted({form for word in EMPTY_WORDS for form in (word, word.upper(), word.title(), "NaN")})
    separator, missing = delimiters.DELIMITERS[delimiter], [*missing, END_MARK]
    try:
        with warnings.catch_warnings(), source.open() as stream:
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # wrong cells are reported when they are used
            cells = pd.read_csv(
                stream,
                sep=r"\s+" if separator is None else separator or "\t",
                header=None,
                names=block.names,
                skiprows=first - 1,
                decimal=block.shape.decimal,
                thousands=block.shape.thousands or None,
                index_col=False,
                dtype=dict.fromkeys(wordy, "category"),
                na_values=missing,
                keep_default_na=False,
                skipinitialspace=True,
                skip_blank_lines=False,
                encoding=source.encoding,
                encoding_errors="replace",
            )
    except (pd.errors.ParserError, OSError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileError(f"{name} is not a table: {error}") from error
    cells.index = pd.RangeIndex(first, first + len(cells))
    return replace(block, cells=cells.dropna(how="all"))


def take_rows(block: Block, rows: int) -> Block:
    """Return the first rows of a block, for inferring the columns of a large one."""
    return block if len(block.cells) <= rows else replace(block, cells=block.cells.head(rows))
