"""Rows above the numbers of a table: names, units, comments, and facts about the measurement."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from devicekit.core.errors import FileError, NoTableError
from devicekit.names import parse_unit
from devicekit.names.units import readings
from devicekit.readers.cells import Row
from devicekit.readers.header import parse_heading
from devicekit.readers.layouts import delimiters
from devicekit.system.options import ReadOptions

_FACT = re.compile(r"^\s*[#%!/*;]*\s*([^:=]{1,60}?)\s*[:=]\s*(.*?)\s*$")
_COMMENT = re.compile(r"^\s*(#+|%+|//+|!+|\*+)\s*")
_NAME = re.compile(r"[^\s\[(]+(?: ?[\[(][^\])]*[\])])?")  # a name, with its unit in brackets
MOST_ROWS_ABOVE = 200
JUDGED = 3000  # rows from which the arrangement of a table is inferred
MOST_COMMENTS = 3  # rows
MOST_SKIPPED = 2  # consecutive rows of numbers above a table that may be skipped
ORIGIN = {"long name", "units", "comments", "f(x)=", "f(x)", "sampling interval", "sparklines"}


@dataclass(frozen=True)
class Shape:
    """Arrangement of the cells of a text or sheet; see `devicekit.readers.layout.Layout`.

    `transposed` is true if each row of the file is a train, which was turned into a column; `numeric` are the places
    of columns of numbers.
    """

    delimiter: str
    decimal: str
    thousands: str
    skip: int
    header: int
    units_row: bool
    comment_rows: int
    facts: Mapping[str, str] = field(default_factory=dict)
    transposed: bool = False
    numeric: tuple[int, ...] = ()
    numbers_above: tuple[Row, ...] = ()


def find_shape(rows: Sequence[Row], delimiter: str, options: ReadOptions, where: str) -> tuple[Shape, int]:
    """Find names, units and comments above the numbers, and the position (in `rows`) of the first row of numbers.

    Raises
    ------
    FileError
        If no column holds numbers.
    """
    types = _numeric_columns([cells for _, cells in rows[:JUDGED]])
    if not types:
        raise NoTableError(f"{where} is not a table: it has no column of numbers")
    start = _first_number_row(rows[:JUDGED], types)
    if 0 < start < len(rows) and options.skip is None and _counts_columns(rows, start):
        start = next((k for k in range(start + 1, len(rows)) if any(rows[k][1])), start)
    if options.skip is None:
        _check_skipped_rows(rows[:start], where)
    above = [k for k in range(start) if any(rows[k][1])]
    header, units_row, comments = _classify_header_rows([rows[k][1] for k in above], len(types[0]))
    if not header and options.skip is None and options.header is None and _is_row_of_codes(rows, start):
        above, start, header = [*above, start], start + 1, 1
    if options.header is not None:
        header = options.header
    if options.units_row is not None:
        units_row, comments = options.units_row, comments if units_row == options.units_row else 0
    if options.skip is not None:
        start, header, units_row, comments = _apply_skip(rows, options, header, units_row, start)
    taken = header + units_row + comments
    first = rows[above[len(above) - taken]][0] if options.skip is None and taken <= len(above) and taken else None
    skip = options.skip if options.skip is not None else ((first or rows[min(start, len(rows) - 1)][0]) - 1)
    preamble = [cells for number, cells in rows[:start] if number <= skip]
    facts = _read_facts(preamble)
    decimal, thousands = delimiters.find_marks(
        (cell for _, cells in rows[start:] for cell in cells), delimiter, where, options.decimal
    )
    above_names = [] if options.skip is not None else [row for row in rows[:start] if row[0] <= skip]
    shape = Shape(
        delimiter,
        decimal,
        thousands,
        skip,
        header,
        units_row,
        comments,
        facts,
        numeric=(*types[1],),
        numbers_above=tuple(row for row in above_names if _holds_numbers(row[1])),
    )
    return shape, start


def _holds_numbers(cells: Sequence[str]) -> bool:
    """Return whether a row holds two numbers or more and nothing else."""
    filled = [cell for cell in cells if cell]
    return len(filled) > 1 and all(map(delimiters.is_number, filled))


def _counts_columns(rows: Sequence[Row], start: int) -> bool:
    """Return whether the first row of numbers counts columns (1, 2, ...), as comments below units do."""
    above = next((cells for _, cells in reversed(rows[:start]) if any(cells)), [])
    filled = [cell for cell in rows[start][1] if cell]
    later = [sum(map(bool, cells)) for _, cells in rows[start + 1 : start + 6] if any(cells)]
    counted = filled == [str(k) for k in range(1, len(filled) + 1)]
    return (
        counted and len(filled) > 1 and is_units(strip_origin_label(above)) and bool(later) and min(later) > len(filled)
    )


def _is_row_of_codes(rows: Sequence[Row], start: int) -> bool:
    """Return whether the first row counts the columns, or holds a code for each, above numbers with fractions.

    pandas writes such a row for columns without names, with an empty cell above its index.
    """
    if start + 1 >= len(rows):
        return False
    first, below = rows[start][1], [cells for _, cells in rows[start + 1 : start + 6]]
    words = not any(delimiters.is_number(cells[0]) for cells in below if cells)  # or nothing
    corner = bool(first[0]) and not delimiters.is_number(first[0]) and words
    at = int(not first[0] or corner)
    counted = list(first[at : extent(first)])
    filled = [cell for cells in below for cell in cells[at:] if cell]
    begins = (0,) if len(counted) == 2 else (0, 1)
    codes = len(counted) > 2 and len(set(counted)) == len(counted) and all(map(str.isdigit, counted))
    return (
        len(counted) > 1
        and (codes or any(counted == [str(each + k) for k in range(len(counted))] for each in begins))
        and len(filled) > 2
        and all(
            any(re.search(r"[.,eE]", cells[k]) for cells in below if k < len(cells)) for k in range(at, extent(first))
        )
    )


def _check_skipped_rows(rows: Sequence[Row], where: str) -> None:
    """Refuse to skip rows of numbers above a table that they do not fit.

    Raises
    ------
    FileError
        If several consecutive rows hold only numbers.
    """
    run: list[int] = []
    for number, cells in rows:
        run = [*run, number] if _holds_numbers(cells) else [] if any(cells) else run
        if len(run) > MOST_SKIPPED:
            raise FileError(
                f"{where}: rows {run[0]} to {run[-1]} or more hold numbers in other columns than the table below. "
                "Give the rows above the names with skip=N, or split the file."
            )


def split_names(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows with the names split at blanks where names and numbers have different delimiters.

    Names with doubled delimiters between them are those of the columns, if there are as many.
    """
    first = next(
        (
            k
            for k, (_, cells) in enumerate(rows)
            if extent(cells) > 1 and all(map(delimiters.is_number, cells[: extent(cells)]))
        ),
        0,
    )
    above = next((k for k in range(first - 1, -1, -1) if any(rows[k][1])), None)
    if above is None:
        return rows
    number, cells = rows[above]
    width = extent(rows[first][1])
    filled = [cell for cell in cells if cell]
    if extent(cells) > width == len(filled) > 1 and not any(map(delimiters.is_number, filled)):
        return [(k, filled if each == cells else each) for k, each in rows]  # above further tables, too
    names = _NAME.findall(" ".join(cells))
    if extent(cells) >= width or len(names) != width or any(map(delimiters.is_number, names)):
        return rows
    return [*rows[:above], (number, names), *rows[above + 1 :]]


def _apply_skip(
    rows: Sequence[Row], options: ReadOptions, header: int, units_row: bool, found: int
) -> tuple[int, int, bool, int]:
    """Return where the numbers begin if `skip` gives the rows above the names; `found` is where they were found."""
    after = [k for k, (number, cells) in enumerate(rows) if number > (options.skip or 0) and any(cells)]
    taken = header + units_row
    start = after[taken] if taken < len(after) else len(rows)
    between = [k for k in after[taken:] if k < found]
    if header and 0 < len(between) <= MOST_COMMENTS:  # rows of comments between the names and the numbers
        return found, header, units_row, len(between)
    return start, header, units_row, 0


def _numeric_columns(rows: Sequence[Sequence[str]]) -> tuple[list[int], list[int]] | None:
    """Return all columns, and those of numbers, of the rows that make up most of the table."""
    filled = [row for row in rows if any(delimiters.is_number(cell) for cell in row)]
    if not filled:
        return None
    extents = Counter(extent(row) for row in filled)
    width = max(extents, key=lambda each: (extents[each], each))
    whole = Counter(extent(row) for row in filled if all(delimiters.is_number(cell) for cell in row if cell))
    often = [each for each in whole if each > width and whole[each] >= max(3, len(filled) / 20)]
    width = max([width, *often])  # a column that ends early is a column
    body = [row for row in filled if extent(row) <= max(width, 1)] or filled
    width = max(extent(row) for row in body)
    numeric = []
    for k in range(width):
        cells = [row[k] for row in body if k < len(row) and not delimiters.is_empty(row[k])]
        if cells and 2 * sum(delimiters.is_number(cell) for cell in cells) > len(cells):
            numeric.append(k)
    return (list(range(width)), numeric) if numeric else None


def extent(row: Sequence[str]) -> int:
    """Return the number of cells up to the last filled one."""
    size = len(row)
    while size and not row[size - 1]:
        size -= 1
    return size


def _is_number_row(cells: Sequence[str], types: tuple[list[int], list[int]]) -> bool:
    """Return whether a row holds numbers: one or nothing in each column of numbers, and one in most."""
    everywhere, numeric = types
    here = [cells[k] if k < len(cells) else "" for k in numeric]
    numbers = sum(delimiters.is_number(cell) for cell in here)
    if cells and (cells[0].strip().lower() in ORIGIN or is_units(cells)):
        return False
    if any(cell and not delimiters.is_number(cell) and not delimiters.is_empty(cell) for cell in here):
        return False
    return numbers > 0 and extent(cells) <= len(everywhere) and (2 * numbers >= len(here) or numbers >= 2)


def _first_number_row(rows: Sequence[Row], types: tuple[list[int], list[int]]) -> int:
    """Return the position of the first row of numbers: the first of three that fit, or the end."""
    filled = [k for k, (_, cells) in enumerate(rows) if any(cells)]
    fits = [_is_number_row(rows[k][1], types) for k in filled]
    start = next((at for at in range(len(filled)) if all(fits[at : at + 3])), len(filled))
    places = [{k for k, cell in enumerate(rows[at][1]) if cell} for at in filled[start : start + 3]]
    start += len(places) > 2 and not places[0] & (places[1] | places[2])  # numbers above empty columns are labels
    above = start
    # rows with numbers below a full row of names belong to the table, even with wrong cells
    while above > 0 and _holds_number(rows[filled[above - 1]][1], types):
        above -= 1
    if 0 < above < start and _can_be_names(
        strip_comment_mark(rows[filled[above - 1]][1], len(types[0])), len(types[0])
    ):
        start = above
    return filled[start] if start < len(filled) else len(rows)


def cut_side_cells(rows: Sequence[Row]) -> tuple[Sequence[Row], list[Row]]:
    """Return rows without the cells beside the first row of a table, and these cells.

    A row of numbers that goes on, behind an empty cell, where all rows below it end belongs to the table.
    """
    types = _numeric_columns([cells for _, cells in rows[:JUDGED]])
    start = _first_number_row(rows[:JUDGED], types) if types else 0
    if types is None or not 0 < start < len(rows):
        return rows, []
    number, cells = rows[start - 1]
    width = len(types[0])
    if extent(cells) <= width or cells[width] or not _is_number_row(cells[:width], types):
        return rows, []
    whole = [*rows[: start - 1], (number, list(cells[:width])), *rows[start:]]
    return whole, [(number, ["beside the table:", *filter(None, cells[width:])])]


def _holds_number(cells: Sequence[str], types: tuple[list[int], list[int]]) -> bool:
    if is_units(cells):
        return False
    full = extent(cells) >= len(types[0]) or extent(cells) >= max(types[1]) + 1
    return full and any(delimiters.is_number(cells[k]) for k in types[1] if k < len(cells))


def _classify_header_rows(rows: Sequence[Sequence[str]], width: int) -> tuple[int, bool, int]:
    """Return the number of rows of names (0 or 1), whether a row of units follows, and the rows of comments."""
    last = [strip_origin_label(strip_comment_mark(row, width)) for row in rows[-3:]]
    if rows and (labels := _origin_header(rows)) is not None:
        return labels
    above = len(last) == 3 and _can_be_names(last[0], width) and not is_units(last[0])
    if len(last) >= 2 and is_units(last[-1]) and _can_be_names(last[-2], width) and not (is_units(last[-2]) and above):
        return 1, True, 0
    if len(last) == 3 and _can_be_names(last[0], width) and is_units(last[1]):
        return 1, True, 1
    if len(last) >= 2 and _repeats_one_word(last[-1]) and _can_be_names(last[-2], width):
        return 1, False, 1  # `raw` in every column is not a name
    if (
        len(last) >= 2
        and (_names_every_column(last[-2], width) or _names_units(last[-2], width))
        and any(last[-1])
        and not _names_every_column(last[-1], width)
    ):
        return 1, False, 1  # names, and comments below some of them
    return int(bool(last) and _can_be_names(last[-1], width)), False, 0


def _repeats_one_word(row: Sequence[str]) -> bool:
    """Return whether several cells of a row hold the same word, and all others are empty."""
    filled = [cell for cell in row if cell]
    return len(filled) > 1 and len(set(filled)) == 1 and not delimiters.is_plain(filled[0])


def _names_every_column(row: Sequence[str], width: int) -> bool:
    """Return whether every column has a name in a row."""
    return width > 2 and all(k < len(row) and row[k] and not delimiters.is_plain(row[k]) for k in range(width))


def _names_units(row: Sequence[str], width: int) -> bool:
    """Return whether every one of two columns has a name, and one a unit: then a line below them is a comment."""
    words = all(row[:2]) and not any(map(delimiters.is_number, row[:2]))  # a number states what its name asks for
    return width == extent(row) == 2 and words and any(parse_heading(cell).unit for cell in row[:2])


def _origin_header(rows: Sequence[Sequence[str]]) -> tuple[int, bool, int] | None:
    """Classify the rows that Origin labels Long Name, Units, Comments; None if these labels are missing."""
    first = [row[0].strip().lower() if row else "" for row in rows]
    at = next((k for k in range(len(first) - 1, -1, -1) if first[k] == "long name"), None)
    if at is None or any(label not in ORIGIN for label in first[at:]):
        return None
    units = first[at + 1 : at + 2] == ["units"]
    return 1, units, len(first) - at - 1 - units


def strip_origin_label(row: Sequence[str]) -> list[str]:
    """Return a row without the label that Origin writes in front."""
    return ["", *row[1:]] if row and row[0].strip().lower() in ORIGIN else list(row)


def _can_be_names(row: Sequence[str], width: int) -> bool:
    """Return whether a row can hold the names of so many columns."""
    filled = [cell for cell in row[:width] if cell]
    if not filled or filled[0].endswith((":", "=")):  # a line `Date: today` above the table
        return False
    return len(filled) >= min(width, max(2, (width + 1) // 2)) and not all(delimiters.is_plain(cell) for cell in filled)


def is_units(row: Sequence[str]) -> bool:
    """Return whether most cells of a row are units; also if a few hold 1 (no unit) and all others are empty."""
    filled = [strip_brackets(cell) for cell in row if cell]
    if filled and set(filled) == {"1"}:
        return 2 * len(filled) < len(row)
    words = [cell for cell in filled if cell not in ("-", "1")]
    if any(delimiters.is_number(cell) for cell in words):
        return False
    known = [cell for cell in words if cell == "#" or parse_unit(cell) is not None or readings(cell)]
    return bool(words) and 10 * len(known) >= 6 * len(words)


def strip_brackets(cell: str) -> str:
    """Return a cell of a units row without its brackets."""
    return cell[1:-1].strip() if cell[:1] in "([{" and cell[-1:] in ")]}" else cell


def strip_comment_mark(row: Sequence[str], width: int) -> list[str]:
    """Return a row without its comment mark."""
    cells = list(row)
    if cells and _COMMENT.match(cells[0]):
        rest = _COMMENT.sub("", cells[0])
        if rest:
            cells[0] = rest
        elif len(cells) == width + 1:
            cells = cells[1:]
    return cells


def _read_facts(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """Read facts in rows above a table: `key: value`, `key = value`, or two cells."""
    facts: dict[str, str] = {}
    for row in rows[:MOST_ROWS_ABOVE]:
        filled = [cell for cell in row if cell]
        found = _FACT.match(" ".join(filled)) if filled else None
        if found and found[2]:
            facts.setdefault(found[1].strip(), found[2])
        elif len(filled) == 2:
            facts.setdefault(_COMMENT.sub("", filled[0]).rstrip(":= "), filled[1])
    return facts
