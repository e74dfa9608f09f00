"""Transposed tables: each row is one train, with or without its name in front."""

from __future__ import annotations

from collections.abc import Sequence

from devicekit.core.text import natural_number
from devicekit.readers.cells import Row
from devicekit.readers.layouts import delimiters
from devicekit.readers.layouts.shape import extent

FEWEST = 8  # numbers of a row that is a train
WIDER = 3  # times as many columns as rows, for rows without names
NARROWEST = 16  # columns of such a table
LARGEST_PIXEL = 255


def transpose_trains(rows: Sequence[Row]) -> tuple[Sequence[Row], bool]:
    """Transpose the rows of a table of trains, so that each train is a column under its name.

    A table is transposed if every row is a name followed by numbers alone, or if it has no text and is much wider
    than high; not if it holds only whole numbers, as images do.

    Returns
    -------
    rows : sequence of Row
    transposed : bool
        True if the rows were transposed.
    """
    if all(len(cells) <= FEWEST for _, cells in rows):
        return rows, False
    filled = [(number, cells[: extent(cells)]) for number, cells in rows if any(cells)]
    first = next((k for k, (_, cells) in enumerate(filled) if len(cells) > FEWEST and _is_train_row(cells)), None)
    if first is None or len(filled) - first < 2:
        return rows, False
    if any(
        len(cells) - sum(map(delimiters.is_number, cells)) > 2 and len(cells) > FEWEST for _, cells in filled[:first]
    ):
        return rows, False  # the columns have names
    body = filled[first:]
    split = [_last_text(cells) + 1 for _, cells in body]
    numbers = [cells[at:] for (_, cells), at in zip(body, split, strict=True)]
    if min(map(len, numbers)) < FEWEST or not all(_is_train_row(cells) for _, cells in body):
        return rows, False
    longest = max(map(len, numbers))
    if min(split) == 0:
        wide = max(split) == 0 and longest >= max(WIDER * len(body), NARROWEST)
        if first > 0 or not wide or all(map(_is_pixel, (cell for row in numbers for cell in row))):
            return rows, False
        head = []
        if labels := _cell_labels([row[0] for row in numbers]):  # addresses in front of the rows
            head = [(body[0][0], labels)]
            numbers = [row[1:] for row in numbers]
            longest -= 1
    else:
        names = [",".join(cells[:at]).strip() for (_, cells), at in zip(body, split, strict=True)]
        head = [(body[0][0], names)]
    columns = [(body[0][0] + k, [row[k] if k < len(row) else "" for row in numbers]) for k in range(longest)]
    return [*filled[:first], *head, *columns], True


def _last_text(cells: Sequence[str]) -> int:
    """Return the place of the last cell that holds words; -1 if all are numbers or empty."""
    return max((k for k, cell in enumerate(cells) if cell and not delimiters.is_number(cell)), default=-1)


def _is_train_row(cells: Sequence[str]) -> bool:
    """Return whether a row is words, or nothing, followed by numbers alone."""
    return len(cells) - _last_text(cells) > FEWEST and all(
        delimiters.is_number(cell) for cell in cells[_last_text(cells) + 1 :]
    )


def _is_pixel(cell: str) -> bool:
    number = natural_number(cell)
    return number is not None and number <= LARGEST_PIXEL


def _cell_labels(cells: Sequence[str]) -> list[str]:
    """Return names of the rows if the first cells count (480, 481, 482, ...); else an empty list."""
    try:
        found = [float(cell) for cell in cells]
    except ValueError:
        return []
    counted = len(found) > 2 and all(each == found[0] + k for k, each in enumerate(found))
    return [f"cell {each:.0f}" for each in found] if counted and found[0] == round(found[0]) else []
