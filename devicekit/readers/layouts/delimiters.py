"""Numbers as text: delimiter, decimal mark and thousands separator of a table, inferred from its cells."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from devicekit.core.errors import Choice, FileError
from devicekit.names import parse_unit
from devicekit.names.units import UNIT_PREFIXES
from devicekit.readers.cells import EMPTY_WORDS, OVERFLOW_WORDS
from devicekit.readers.questions import ask

DELIMITERS = {"tab": "\t", "semicolon": ";", "bar": "|", "comma": ",", "blanks": None, "none": ""}
_CELL = re.compile(r"\S+(?:[ \t]+[(\[][^()\[\]]{0,40}[)\]])?")  # a unit in brackets belongs to the name before it
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|[+-]?(inf|infinity|nan)$", re.IGNORECASE)
QUANTITY = re.compile(r"([+-]?(?:\d+[.,]?\d*|[.,]\d+))(?:[eE]([+-]?\d+))? ?([^\W\d_°%][^\d\s,;]{0,8}|%|°C)")
EVEN = 0.85  # share of rows of one width
_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?$")
_APART = re.compile(r"\t+| {2,}")
_ONE_NUMBER = re.compile(r"\s*[+-]?\d+(,\d+)?([eE][+-]?\d+)?\s*$")
_ZERO_BEHIND = re.compile(r",0\d")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?P<mark>[,.' \u00a0\u202f])\d{3}((?P=mark)\d{3})*(?P<rest>[.,]\d+)?$")
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}$")
JUDGED = 2000  # lines
MOST_SEEN = 4000  # cells that are examined


def is_plain(cell: str) -> bool:
    """Return whether a cell is a number with a decimal point and no separators."""
    return bool(_NUMBER.match(cell))


def is_number(cell: str) -> bool:
    """Return whether a cell is a number, with any decimal mark and thousands separator."""
    return bool(_NUMBER.match(cell) or _COMMA.match(cell) or _GROUPED.match(cell))


def is_quantity(cell: str) -> bool:
    """Return whether a cell is a number with a unit or a prefix behind it: 1.2 mV, 10k."""
    found = QUANTITY.fullmatch(cell)
    return found is not None and (found[3] in UNIT_PREFIXES or parse_unit(found[3]) is not None)


def is_empty(cell: str) -> bool:
    """Return whether a cell is empty or holds a word for a missing value."""
    return (word := cell.lower()) in EMPTY_WORDS or word in OVERFLOW_WORDS


_FORTRAN = re.compile(r"(?<![\w.])([+-]?(?:\d+\.?\d*|\.\d+))[dD]([+-]\d{1,3})(?![\w.])")
_MINUS = re.compile(r"\u2212(?=[\d.,])|(?<![\w)\]])[\u2013\uff0d](?=[\d.,])")


def tidy_numbers(lines: Sequence[str]) -> Sequence[str]:
    """Return lines with the minus sign of typography and the exponent of Fortran (1.0D-5) as numbers are written."""
    if any(sign in line for line in lines for sign in "\u2212\u2013\uff0d"):
        lines = [_MINUS.sub("-", line) for line in lines]
    if any(map(_FORTRAN.search, lines[:JUDGED])):
        lines = [_FORTRAN.sub(r"\1E\2", line) for line in lines]
    return lines


def split_lines(lines: Sequence[str], delimiter: str | None, where: str) -> list[tuple[int, list[str]]]:
    """Split lines into rows of stripped cells with their file row (1-based); blank lines are rows without cells.

    Raises
    ------
    FileError
        If a quoted cell is too long.
    """
    if delimiter == "":
        return [(number, [line.strip()] if line.strip() else []) for number, line in enumerate(lines, 1)]
    if delimiter is None:
        apart = [_APART.split(line.strip()) for line in lines[:JUDGED] if line.strip()]
        wide = Counter(map(len, apart)).most_common(1)
        even = [row for row in apart if len(row) == wide[0][0]] if wide else []
        if len(even) > max(EVEN * len(apart), 1) and _lies_within_cells(None, even):  # single blanks lie within cells
            return [(n, _APART.split(line.strip()) if line.strip() else []) for n, line in enumerate(lines, 1)]
        rows = [(number, _CELL.findall(line)) for number, line in enumerate(lines, 1)]
        widths = Counter(len(cells) for _, cells in rows[:JUDGED] if cells and is_plain(cells[-1]))
        width = widths.most_common(1)[0][0] if widths else 0
        return [(n, _split_names(line, cells, width)) for (n, cells), line in zip(rows, lines, strict=True)]
    limit = csv.field_size_limit(1 << 20)
    rows = []
    start = 0
    try:
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        for row in reader:
            rows.append((start + 1, [cell.strip() for cell in row]))
            start = reader.line_num
    except csv.Error as error:
        raise FileError(f"{where} is not a table: {error} near row {start + 1}") from error
    finally:
        csv.field_size_limit(limit)
    return rows


def _split_names(line: str, cells: list[str], width: int) -> list[str]:
    """Return names with blanks in them, in columns separated by two blanks or more, if that makes one for each.

    The first column, such as an index, may have no name.
    """
    if len(cells) < width or not cells or is_plain(cells[0]):
        return cells
    apart = _APART.split(line.strip())
    if 1 < len(apart) == width - 1 and line[:1].isspace():
        return ["", *apart]
    if len(cells) == width:
        return cells
    return apart if len(apart) == width else cells


def find_delimiter(lines: Sequence[str], where: str) -> str:
    """Return the delimiter (a key of `DELIMITERS`) that makes the most regular table of numbers."""
    sample = [line for line in lines if line.strip() and line.lstrip()[0] not in "#%!"][-200:]
    best, most = "none", 0.0
    even: dict[str, list[list[str]]] = {}  # rows of one width
    for name, delimiter in DELIMITERS.items():
        if delimiter == "":
            continue
        if delimiter is not None and not any(delimiter in line for line in sample):
            continue
        rows = [row for _, row in split_lines(sample, delimiter, where) if row]
        widest = [row[-1] for row in rows if len(row) == max(map(len, rows))]
        if len(widest) < len(rows) and not any(widest):  # else an empty last column counts as a column
            rows = [row[:-1] if row[-1] == "" else row for row in rows]
        widths = Counter(len(row) for row in rows)
        width = widths.most_common(1)[0][0] if rows else 0
        if width < 2 and rows:  # more remarks than rows: the last row is one of numbers
            width = len(rows[-1])
        if width < 2:
            continue
        count = widths[width]
        cells = [cell for row in rows for cell in row if cell]
        regular = count / len(rows)
        numeric = sum(is_number(cell) or is_empty(cell) or is_quantity(cell) for cell in cells) / max(len(cells), 1)
        if regular > EVEN and delimiter:
            even[name] = [row for row in rows if len(row) == width]
        score = regular * (0.2 + numeric)
        if score > 1.15 * most:  # the first in the list, unless another is clearly better
            best, most = name, score
    if best == "comma" and all(map(_ONE_NUMBER.match, sample)) and any(map(_ZERO_BEHIND.search, sample)):
        return "none"  # one column with a decimal comma: no whole number begins with 0
    return next((name for name, rows in even.items() if _lies_within_cells(DELIMITERS[best], rows)), best)


def _lies_within_cells(delimiter: str | None, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a delimiter lies within the cells of a more regular table: a blank in a name, a decimal comma."""
    if len(rows[0]) < 3 and delimiter != ",":
        return False
    cells = [cell for row in rows for cell in row]
    if delimiter is None:
        holding = [cell for cell in cells if " " in cell]
        words = all(
            not all(map(is_number, cell.split())) and not all(map(_COMMA.match, cell.split())) for cell in holding
        )
        return bool(holding) and words and any(map(is_number, cells))
    holding = [cell for cell in cells if delimiter in cell]
    return delimiter == "," and len(holding) > 0.8 * len(rows) and all(map(_COMMA.match, holding))


def find_marks(cells: Iterable[str], delimiter: str, where: str, decimal: str | None) -> tuple[str, str]:
    """Find decimal mark and thousands separator ("" for none) of the cells; `decimal` is the given mark, if any.

    Raises
    ------
    QuestionError
        If every comma could be a decimal mark as well as a thousands separator.
    """
    filled = [cell for _, cell in zip(range(MOST_SEEN), cells, strict=False) if cell]
    seen = [cell for cell in filled if not _NUMBER.match(cell)]
    pointed = [cell for cell in filled if "." in cell and _NUMBER.match(cell)]
    grouping = "." if pointed and all(map(_ONE_GROUP.match, pointed)) else ""  # 1.500 beside 0,25
    grouped = [found for cell in seen if (found := _GROUPED.match(cell))]
    grouped.sort(key=lambda found: not found["rest"])  # 1 584,893 says more than 10 000
    plain = {cell for cell in seen if _COMMA.match(cell)}
    for found in grouped:
        mark, rest = found["mark"], found["rest"]
        if rest or found[0].count(mark) > 1 or mark in "' \u00a0\u202f":
            commas = plain if mark in "' \u00a0\u202f" else ()  # 1 000 beside 0,25
            last = rest[0] if rest else ("," if mark == "." or (commas and not pointed) else ".")
            if rest and last == mark:
                continue
            return decimal or last, mark if mark != decimal else ""
    if delimiter == "comma":  # a cell with a comma was quoted
        return decimal or ".", "," if plain else ""
    if not plain:
        return decimal or ".", grouping if decimal == "," else ""
    if decimal is not None:
        return decimal, grouping if decimal == "," else ","
    if any(not _ONE_GROUP.match(cell) for cell in plain):
        return ",", grouping
    example = sorted(plain)[0]
    thousand, point = example.replace(",", ""), example.replace(",", ".")
    raise ask(
        where,
        f"is the comma in {example} a decimal mark or a thousands separator?",
        (
            Choice.of(f"{example} means {point} (decimal mark)", decimal=","),
            Choice.of(f"{example} means {thousand} (thousands separator)", decimal="."),
        ),
        (f"{len(plain)} numbers with a comma, each followed by three digits",),
    )
