"""Rows of names with more or fewer cells than the rows of numbers below them: asked about, never shifted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence

from devicekit.core.errors import Blank, Choice, FileError
from devicekit.core.text import count
from devicekit.readers.cells import Row, is_number
from devicekit.readers.header import parse_heading
from devicekit.readers.layouts.shape import Shape, extent, is_units
from devicekit.readers.lexicon import means, normalise_name
from devicekit.readers.questions import ask

FEW_COLUMNS, LARGE_GRID, EMPTIEST = 256, 200_000, 50  # columns and cells never refused; cells for each that is filled
MOST_APART = 3  # names more or fewer for which the answers are listed
MOST_ROWS = 0.9  # share of rows


def fill_right(cells: Sequence[str]) -> list[str]:
    """Return cells with the cell to the left in place of an empty one, as merged cells are written."""
    found: list[str] = []
    for cell in cells:
        found.append(cell or (found[-1] if found else ""))
    return found


def check_names(names: Sequence[str], rows: Sequence[Row], shape: Shape, where: str) -> None:
    """Ask which names belong to which cells where all rows of a text have more or fewer cells than there are names.

    Raises
    ------
    QuestionError
    """
    filled = [cells for _, cells in rows if any(cells)]
    known = extent(names)
    if shape.delimiter == "cells" or not filled or not known:
        return
    longer = sum(extent(cells) > known for cells in filled) > MOST_ROWS * len(filled)
    width = Counter(map(extent if longer else len, filled)).most_common(1)[0][0]
    if not longer and max(map(len, filled)) >= known:
        return
    apart = known - width
    answers = [Choice.of(text, names=_join(found)) for text, found in _alignments(list(names[:known]), width, apart)]
    answers += [] if answers else [Choice.of("the names, with commas", names=Blank("NAMES"))]
    raise ask(
        where,
        f"which names belong to which columns? There are {count(known, 'name')} above rows of {count(width, 'cell')}",
        [*answers, Choice.of("no names: they are left out", header=0)],
        (f"names: {_join(names[:known])[:200]}", f"first row: {_join(filled[0])[:200]}"),
    )


def check_few_names(above: Sequence[Sequence[str]], width: int, where: str) -> None:
    """Ask whether names of quantities above the first columns stand for each group of columns, with their units.

    Parameters
    ----------
    above : sequence of sequence of str
        Rows without a name for every column, the last one next to the numbers.
    width : int
        Columns of the numbers.
    where : str

    Raises
    ------
    QuestionError
        If the columns are two or more such groups.
    """
    rows = [list(cells[: extent(cells)]) for cells in above[-2:]]
    units = rows.pop() if len(rows) > 1 and is_units(rows[-1]) else []
    names = rows[-1] if rows else []
    if not (1 < len(names) < width and width % len(names) == 0 and all(names)) or any(map(is_number, names)):
        return
    if not any(parse_heading(name).quantity for name in names):
        return
    units += [""] * (len(names) - len(units))
    head = [f"{name} ({unit})" if unit else name for name, unit in zip(names, units, strict=False)]
    times = width // len(names)
    raise ask(
        where,
        f"do the {len(names)} names above {width} columns stand for each of {times} groups of columns?",
        (
            Choice.of("yes, for each group", names=_join(head * times)),
            Choice.of("no names: they are left out", header=0),
        ),
        (f"names: {_join(head)[:200]}",),
    )


def _alignments(names: list[str], width: int, apart: int) -> list[tuple[str, list[str]]]:
    """Return the names without the first or the last, or with a blank before or behind them."""
    if not 0 < abs(apart) <= MOST_APART:
        return []
    if apart > 0:
        last = f"nothing stands below {', '.join(names[width:])} (at the end)"
        first = f"nothing stands below {', '.join(names[:apart])} (at the beginning)"
        answers = [(last, names[:width]), (first, names[apart:])]
        return answers[::-1] if means("counter", normalise_name(names[0])) else answers
    blank = [""] * -apart
    return [("the first column has no name", blank + names), ("the last column has no name", names + blank)]


def _join(names: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(names)
    return text.getvalue()


def check_filled(rows: Sequence[Row], width: int, where: str) -> None:
    """Refuse a row that makes a small file a huge empty table: time and memory go with rows times columns."""
    if width <= FEW_COLUMNS or len(rows) * width <= LARGE_GRID:
        return
    if len(rows) * width > EMPTIEST * sum(sum(map(bool, cells)) for _, cells in rows):
        number, widest = max(rows, key=lambda row: extent(row[1]))
        raise FileError(
            f"{where}, row {number}: found {extent(widest)} cells, far more than in other rows. Correct this row."
        )
