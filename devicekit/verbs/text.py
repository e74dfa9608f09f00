"""Blocks of terminal text, laid out where they are shown, by the width that there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devicekit.core.errors import CodedWarning
from devicekit.core.records import Record
from devicekit.names import mark_sentence

REPORT = "report.html"


@dataclass(frozen=True)
class Title:
    """A line that begins a block of results."""

    words: str


@dataclass(frozen=True)
class Paragraph:
    """Text that is wrapped; empty text is an empty line."""

    words: str
    indent: int = 2


@dataclass(frozen=True)
class Fields:
    """Names and values in two columns."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Columns:
    """Cells under their names; so many columns of words stand to the left, the numbers after them to the right."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1


@dataclass(frozen=True)
class Warnings:
    """Coded warnings, for standard error; of many those that matter, with what to do."""

    coded: Sequence[CodedWarning]


@dataclass(frozen=True)
class Alert:
    """A sentence for standard error; `kind` is the function of the terminal: "warning" or "error"."""

    words: str
    kind: str = "warning"


Block = Title | Paragraph | Fields | Columns | Warnings | Alert


def marks_title(marks: Iterable[str]) -> list[Block]:
    """Return a line that says what data are, if they are not measured: SYNTHETIC, SIMULATED, CALIBRATED."""
    words = mark_sentence(marks)
    return [Title(words)] if words else []


def paragraphs(sentences: Iterable[str]) -> list[Block]:
    """Return a paragraph for each sentence that is not empty."""
    return [Paragraph(each) for each in sentences if each]


def table_of(records: Sequence[Record]) -> Columns:
    """Return the columns that records declare; there is at least one of them."""
    return Columns(records[0].head(), [each.cells() for each in records])


def report_field(folder: Path | None) -> list[Block]:
    """Return where the page is; nothing if it is not written."""
    return [] if folder is None else [Fields([("report", str(folder / REPORT))])]
