"""Marks of data that were not measured: the words in a file, and how they are found again."""

from __future__ import annotations

import re
from collections.abc import Iterable

_UNMEASURED = "not from a measurement"
SENTENCES = {  # of each mark, what a file says after its word
    "synthetic": _UNMEASURED,
    "simulated": _UNMEASURED,
    "calibrated": _UNMEASURED,
    "published": "from numbers in print, not from readings",
}
MARKS = tuple(SENTENCES)
MARK_COLUMN = "data_origin"  # of a CSV of ours: its marks in every row, so that rows taken out of it keep them
_WORD = f"(?:{'|'.join(MARKS).upper()})"
_SENTENCE = re.compile(rf"({_WORD}(?:, {_WORD})*): (?:{'|'.join(dict.fromkeys(SENTENCES.values()))})")


def ordered(marks: Iterable[str]) -> tuple[str, ...]:
    """Return marks of ours, each once, in the order of `MARKS`."""
    given = {mark.lower() for mark in marks}
    return tuple(mark for mark in MARKS if mark in given)


def mark_sentence(marks: Iterable[str]) -> str:
    """Return what a file says of itself: "SYNTHETIC: not from a measurement"; empty without a mark."""
    groups: dict[str, list[str]] = {}
    for mark in ordered(marks):
        groups.setdefault(SENTENCES[mark], []).append(mark)
    return "; ".join(f"{mark_words(own)}: {words}" for words, own in groups.items())


def mark_words(marks: Iterable[str]) -> str:
    """Return marks as words: "SYNTHETIC, SIMULATED"; empty without a mark."""
    return ", ".join(ordered(marks)).upper()


def marks_in(text: str) -> tuple[str, ...]:
    """Return the marks that a text says by `mark_sentence`."""
    return ordered(mark for found in _SENTENCE.findall(text) for mark in found.split(", "))


def mark_cell(marks: Iterable[str]) -> str:
    """Return marks as a cell of `MARK_COLUMN`: "SYNTHETIC SIMULATED"; no comma, which would need quotes."""
    return " ".join(ordered(marks)).upper()


def marks_of_cells(cells: Iterable[object]) -> tuple[str, ...] | None:
    """Return the marks of a column's different cells; None if a cell is neither marks nor empty."""
    found: set[str] = set()
    for cell in cells:
        words = cell.lower().split() if isinstance(cell, str) else []
        if (not isinstance(cell, str) and cell == cell and cell is not None) or not set(words) <= set(MARKS):
            return None
        found.update(words)
    return ordered(found) or None
