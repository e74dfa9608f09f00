"""Rows of names with more or fewer cells than the rows of numbers below them: asked about, never shifted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence

from devicekit.core.errors import Blank, Choice, FileError, QuestionError
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


def check_names(names: Sequence[str], units: Sequence[str], rows: Sequence[Row], shape: Shape, where: str) -> None:
    """Ask which names belong to which cells where all rows of a text have more or fewer cells than there are names.

    Raises
    ------
    QuestionError
    """
    filled = [cells for _, cells in rows if any(cells)]
    known = extent(names)
    if not filled or not known:
        return
    longer = sum(extent(cells) > known for cells in filled) > MOST_ROWS * len(filled)
    width = Counter(map(extent if longer else len, filled)).most_common(1)[0][0]
    if not longer and (shape.delimiter == "cells" or max(map(len, filled)) >= known):
        return
    raise _ask_names(_with_units(names[:known], units), width, where)


def check_few_names(above: Sequence[Sequence[str]], width: int, where: str) -> None:
    """Ask which columns names of quantities stand for that are fewer than the columns, with their units.

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
    """
    rows = [list(cells[: extent(cells)]) for cells in above[-2:]]
    units = rows.pop() if len(rows) > 1 and is_units(rows[-1]) else []
    names = rows[-1] if rows else []
    if not 1 < len(names) < width or not all(names) or any(map(is_number, names)):
        return
    if not any(parse_heading(name).quantity for name in names):
        return
    raise _ask_names(_with_units(names, units), width, where)


def _with_units(names: Sequence[str], units: Sequence[str]) -> list[str]:
    units = [*units[: len(names)], *[""] * (len(names) - len(units))]
    return [f"{name} ({unit})" if unit else name for name, unit in zip(names, units, strict=True)]


def _ask_names(names: Sequence[str], width: int, where: str) -> QuestionError:
    answers = [Choice.of(text, names=_join(found)) for text, found in _alignments(list(names), width)]
    answers += [] if answers else [Choice.of("the names, with commas", names=Blank("NAMES"))]
    return ask(
        where,
        f"which columns do the names stand for? {count(len(names), 'name')} above {count(width, 'column')}",
        [*answers, Choice.of("no names: they are left out", header=0)],
        (f"names: {_join(names)[:200]}",),
    )


def _alignments(names: list[str], width: int) -> list[tuple[str, list[str]]]:
    """Return the names without the first or the last, for each group of columns, or with blanks before or behind."""
    more, times = width - len(names), width // len(names)
    if more < 0:
        last = f"nothing stands below {', '.join(names[width:])} (at the end)"
        first = f"nothing stands below {', '.join(names[:-more])} (at the beginning)"
        answers = [(last, names[:width]), (first, names[-more:])] if -more <= MOST_APART else []
        return answers[::-1] if means("counter", normalise_name(names[0])) else answers
    groups = width % len(names) == 0 and len(names) > 1
    answers = [(f"they stand for each of {times} groups of columns", names * times)] if groups else []
    answers += [("the last name stands for all further columns", [*names, *[names[-1]] * more])] if more > 1 else []
    none = "column has no name" if more == 1 else f"{more} columns have no name"
    blanks = [(f"the first {none}", [""] * more + names), (f"the last {none}", names + [""] * more)]
    return [*answers, *(blanks if more <= MOST_APART else [])]


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
