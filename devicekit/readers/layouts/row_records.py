"""Rows that are records: leading identifiers, then readings, as many as there are; one row a reading afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from devicekit.core.errors import BadRow, Choice, TableError, UsageError
from devicekit.core.text import count
from devicekit.readers.cells import Row
from devicekit.readers.layouts import delimiters
from devicekit.readers.layouts.shape import extent, is_units
from devicekit.readers.questions import ask
from devicekit.system.options import ReadOptions

RECORD, READING, VALUE = "record", "reading", "readings"  # names of the columns that are made
MOST_LEADING = 20  # columns among which the first reading is sought
APART = 100.0  # ratio to the median reading from which on a number is not a reading


def unfold(rows: Sequence[Row], options: ReadOptions, where: str) -> tuple[list[Row], int]:
    """Return rows with names, one for each reading of each record, and how many rows of names the file has.

    Their columns: record, identifiers, number of the reading, reading.

    Raises
    ------
    QuestionError
        If the column of the first reading is not clear.
    TableError
        If a reading is not a number; every such cell is reported.
    """
    rows = [(number, cells) for number, cells in rows if any(cells) and number > (options.skip or 0)]
    names, rows = _split_names(rows, options)
    if not rows:
        raise TableError(f"{where} has no records below its names")
    first = _find_first(names, rows, options, where)
    if not any(extent(cells) > first for _, cells in rows):
        raise UsageError(f"first_reading={first + 1}: the rows of {where} have fewer cells")
    lead = [(names[k] if k < len(names) else "") or f"column {k + 1}" for k in range(first)]
    found: list[Row] = [(1, [RECORD, *lead, READING, _name_readings(names[first:])])]
    bad: list[BadRow] = []
    for record, (number, cells) in enumerate(rows, 1):
        for k, cell in enumerate(cells[first : extent(cells)]):
            if not (delimiters.is_empty(cell) or delimiters.is_plain(cell)):
                bad.append(BadRow(number, f"column {first + k + 1}", repr(cell), "a reading"))
            # rows are numbered through, for a row of the file holds many
            found.append((len(found) + 1, [str(record), *cells[:first], str(k + 1), cell]))
    if bad:
        raise TableError(f"{where}: {count(len(bad), 'reading')} cannot be read as numbers", bad)
    return found, int(bool(names) and options.names is None)


def _split_names(rows: Sequence[Row], options: ReadOptions) -> tuple[list[str], Sequence[Row]]:
    """Return the names and the rows below them; names hold a word where most other rows hold a number."""
    if options.names is not None:
        return [each.strip() for each in options.names.split(",")], rows[options.header or 0 :]
    if not rows or options.header == 0:
        return [], rows
    below = rows[1:21]
    words = [k for k, cell in enumerate(rows[0][1]) if cell and not delimiters.is_number(cell)]
    numbers = [sum(k < len(cells) and delimiters.is_number(cells[k]) for _, cells in below) for k in words]
    if options.header is None and not any(2 * each > len(below) for each in numbers):
        return [], rows
    units = len(rows) > 1 and is_units(rows[1][1])
    names = rows[0][1]
    if units:
        names = [f"{name} ({unit})" if unit else name for name, unit in zip(names, rows[1][1], strict=False)]
    return names, rows[1 + units :]


def _find_first(names: Sequence[str], rows: Sequence[Row], options: ReadOptions, where: str) -> int:
    """Return the place of the first reading: given, by the names, after what is mapped, or asked."""
    if options.first_reading is not None:
        return options.first_reading - 1
    width = max(extent(cells) for _, cells in rows)
    named = list(names[: extent(names)])
    if named and len(named) < width:
        return len(named) - 1  # the last name is that of the readings
    if named:
        stems = [re.sub(r"\d+(\.\d+)?", "#", name) for name in named]
        return next(k for k in range(len(stems)) if len(set(stems[k:])) == 1)
    mapped = [int(name[7:]) for name in options.columns.values() if re.fullmatch(r"column \d+", name)]
    if mapped:
        return max(mapped)
    guess = _guess_first(rows)
    places = dict.fromkeys((guess, 0))
    raise ask(
        where,
        "in which column is the first reading of each record? Those before it identify the record",
        tuple(Choice.of(f"column {k + 1}: {rows[0][1][k]}", row_is="record", first_reading=k + 1) for k in places),
        (f"the first cells are {', '.join(rows[0][1][: guess + 3])}, ...",),
    )


def _guess_first(rows: Sequence[Row]) -> int:
    """Return the place from which on all cells are numbers of one size."""
    cells = rows[0][1][: extent(rows[0][1])]
    sizes = np.array([abs(float(cell)) if delimiters.is_number(cell) else np.nan for cell in cells])
    usual = float(np.nanmedian(sizes[len(sizes) // 2 :])) if np.isfinite(sizes).any() else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        other = ~(np.abs(np.log(sizes / usual)) < np.log(APART)) if usual else np.isnan(sizes)
    apart = np.flatnonzero(other[:MOST_LEADING])
    return int(apart[-1]) + 1 if apart.size and apart[-1] + 1 < len(cells) else 0


def _name_readings(names: Sequence[str]) -> str:
    """Return the name that the readings share, without their numbers: `I1 (A)` and `I2 (A)` are `I (A)`."""
    if not names or not names[0]:
        return VALUE
    return re.sub(r"[ _]*\d+(?=\s*(\(|\[|$))", "", names[0]) or VALUE
