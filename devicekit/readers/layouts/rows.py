"""Rows that are not numbers, below the names of a table: dropped by patterns, further names, titles and footers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from devicekit.core.errors import Choice, CodedWarning, QuestionError, UsageError
from devicekit.core.text import count
from devicekit.readers.cells import Row
from devicekit.readers.layout import matches_pattern
from devicekit.readers.layouts import delimiters
from devicekit.readers.questions import ask
from devicekit.readers.state import NEGATIVE
from devicekit.system.options import ReadOptions

TEXT = "text"  # pattern of rows with words in columns of numbers
OVERFLOW = "overflow"  # instead of a pattern: cells with overflow codes
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)  # instead of a pattern: cells with it
FEWEST = 3  # rows of numbers of a table above further names
SHOWN = 3  # rows in a message
_REMARK = re.compile(r"[^\W\d][^=:]{0,60}[=:]")  # Number of Averages = 5
_LONGEST = 60  # characters of a row in a message


def is_number_row(cells: Sequence[str]) -> bool:
    """Return whether a row holds numbers in most of its filled cells."""
    filled = [cell for cell in cells if cell]
    return 2 * sum(map(delimiters.is_number, filled)) > len(filled)


def has_cells(row: Row) -> bool:
    """Return whether a row has a filled cell."""
    return any(row[1])


def has_number(cells: Sequence[str]) -> bool:
    """Return whether any cell is a number."""
    return any(map(delimiters.is_number, cells))


def show_row(row: Row) -> str:
    """Return a row for messages."""
    number, cells = row
    text = " ".join(cell for cell in cells if cell)
    return f"row {number}: {text[:_LONGEST]}{'...' if len(text) > _LONGEST else ''}"


def row_patterns(options: ReadOptions) -> list[str]:
    """Return the patterns of `drop` that are compared with rows."""
    return [each for each in options.drop if each not in (TEXT, OVERFLOW, NEGATIVE) and not NUMBER.fullmatch(each)]


def drop_rows(rows: Sequence[Row], options: ReadOptions) -> tuple[Sequence[Row], list[Row]]:
    """Return the rows that match none of the patterns of `drop`, and the others."""
    patterns = row_patterns(options)
    if not patterns:
        return rows, []
    found = [k for k, row in enumerate(rows) if any(_matches(row, each) for each in patterns)]
    return _without(rows, found)


def check_dropped(dropped: Sequence[Row], options: ReadOptions, where: str) -> None:
    """Refuse a pattern of `drop` that matches none of the rows that are left out.

    Raises
    ------
    UsageError
    """
    for pattern in [*row_patterns(options), *({TEXT} & set(options.drop))]:
        if not (dropped if pattern == TEXT else any(_matches(row, pattern) for row in dropped)):
            raise UsageError(f"{where}: no row matches drop={pattern}. Remove it, or write * for what varies.")


def _matches(row: Row, pattern: str) -> bool:
    filled = [cell for cell in row[1] if cell]
    return bool(filled) and (matches_pattern(" ".join(filled), pattern) or matches_pattern(filled[0], pattern))


def split_sections(rows: Sequence[Row], options: ReadOptions) -> list[Sequence[Row]]:
    """Split rows where other names stand below numbers, with the titles directly above them.

    A row of names has several different words and no number, and numbers below it.
    """
    if options.header == 0 or options.blocks == "none" or TEXT in options.drop:
        return [rows]
    cuts, numbers, last = [0], 0, 0  # rows of numbers of this section, and the place behind the last one
    seen: set[tuple[str, ...]] = set()  # names that stand above; `_split_below` splits where they repeat
    for k, (number, cells) in enumerate(rows):
        if not any(cells) or number <= (options.skip or 0):
            continue
        if is_number_row(cells):
            numbers, last = numbers + 1, k + 1
        elif not has_number(cells) and _can_be_names(rows, k):
            names = tuple(cell.lower() for cell in cells if cell)
            if numbers >= FEWEST and names not in seen:
                cuts.append(last)
                seen, numbers = set(), 0
            seen.add(names)
    return [rows[start:end] for start, end in zip(cuts, [*cuts[1:], len(rows)], strict=True)]


def _can_be_names(rows: Sequence[Row], k: int) -> bool:
    """Return whether a row has as many words as the next row of numbers has cells, or nearly."""
    filled = [cell for cell in rows[k][1] if cell]
    if len(filled) < 2 or len(set(filled)) < 2 or any(map(delimiters.is_empty, filled)):
        return False
    below = [cells for _, cells in rows[k + 1 : k + 6] if any(cells)][:3]
    first = next((cells for cells in below if is_number_row(cells)), None)
    return first is not None and sum(map(bool, first)) <= len(filled) + 1


def is_text_row(cells: Sequence[str], numeric: Sequence[int]) -> bool:
    """Return whether a row has no number, and words in a column of numbers or behind a comment mark."""
    return not has_number(cells) and has_word(cells, numeric)


def has_word(cells: Sequence[str], numeric: Sequence[int]) -> bool:
    """Return whether a row has a word in a column of numbers, or begins with a comment mark."""
    words = (cells[k] for k in numeric if k < len(cells))
    wrong = any(word and not delimiters.is_number(word) and not delimiters.is_empty(word) for word in words)
    return wrong or next((cell for cell in cells if cell), "").startswith(("#", "%", "//", "!"))


def split_text_rows(
    rows: Sequence[Row], numeric: Sequence[int], options: ReadOptions, where: str
) -> tuple[list[Row], list[Row]]:
    """Return the rows of numbers of a table, and the rows that are left out: footers, and all of words by `drop=text`.

    Raises
    ------
    QuestionError
        If rows of words stand between rows of numbers.
    """
    if TEXT in options.drop:
        return _without(rows, [k for k, (_, cells) in enumerate(rows) if any(cells) and has_word(cells, numeric)])
    last = next((k for k in range(len(rows) - 1, -1, -1) if has_number(rows[k][1])), -1)
    words = [k for k, (_, cells) in enumerate(rows) if any(cells) and (k > last >= 0 or is_text_row(cells, numeric))]
    if between := [rows[k] for k in words if k < last]:
        raise _ask_between(between, where)
    summary = _summary_rows(rows, numeric)
    if not all(_REMARK.match(row[1][0]) for row in summary):
        raise _ask_summary(summary, where)
    return _without(rows, sorted({*words, *(k for k, row in enumerate(rows) if row in summary)}))


def _summary_rows(rows: Sequence[Row], numeric: Sequence[int]) -> list[Row]:
    """Return the last rows that have a word in the first column, which holds numbers, and numbers beside it."""
    found: list[Row] = []
    for row in reversed(rows):
        cells = row[1]
        if any(cells) and not (cells[0] and has_number(cells[1:]) and has_word(cells[:1], numeric)):
            break
        found += [row] if any(cells) else []
    return found[::-1] if numeric and numeric[0] == 0 else []


def _ask_summary(found: Sequence[Row], where: str) -> QuestionError:
    return ask(
        where,
        f"{count(len(found), 'last row')} with a word before the numbers: left out?",
        (Choice.of("yes, only the rows above are readings", drop=(TEXT,)),),
        ("; ".join(map(show_row, found[:SHOWN])),),
    )


def _ask_between(between: Sequence[Row], where: str) -> QuestionError:
    more = f", and {len(between) - SHOWN} more" if len(between) > SHOWN else ""
    return ask(
        where,
        f"{count(len(between), 'row')} of words between the numbers: what are they?",
        (
            Choice.of("each begins a table and is its label, such as a cycle or a device", blocks="text-row"),
            Choice.of("they are left out", drop=(TEXT,)),
        ),
        ("; ".join(map(show_row, between[:SHOWN])) + more,),
    )


def _without(rows: Sequence[Row], places: Sequence[int]) -> tuple[list[Row], list[Row]]:
    out = set(places)
    return [row for k, row in enumerate(rows) if k not in out], [rows[k] for k in places]


def warn_dropped(rows: Sequence[Row], where: str) -> list[CodedWarning]:
    """Report rows that were left out, with their number and the first of them."""
    if not rows:
        return []
    more = ", ..." if len(rows) > SHOWN else ""
    shown = "; ".join(map(show_row, rows[:SHOWN]))
    return [CodedWarning("dropped", f"{where}: {count(len(rows), 'row')} left out ({shown}{more})")]
