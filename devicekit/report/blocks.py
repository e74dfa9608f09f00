"""Blocks of a report: figures, tables, texts, commands and coded sentences, and the sections that hold them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from devicekit.core.records import Record

ROWS_SHOWN = 30  # rows of a table


def template(name: str) -> Any:
    """Return a template of a report; every value in it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("devicekit.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def data_uri(kind: str, data: bytes) -> str:
    """Return data as a URI, so that a page needs no file beside it."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


@dataclass(frozen=True)
class Figure:
    """A figure as an SVG data URI, with caption and alternative text; `csv` is the data behind it.

    `wide` figures take the whole width of the page; others stand in pairs where there is room. `title` is the caption
    in few words, for a first page; `data` is JSON that a script draws the figure from; `ratio` is height over width.
    """

    uri: str
    caption: str
    alt: str
    csv: str | None = None
    wide: bool = False
    kind: str = "figure"
    title: str = ""
    data: str | None = None
    ratio: float = 0.0

    @property
    def has_short_caption(self) -> bool:
        """True if the caption is the title."""
        return self.title in ("", self.caption)

    @property
    def csv_uri(self) -> str | None:
        """The data as a URI to download, or None."""
        return None if self.csv is None else data_uri("text/csv", self.csv.encode())

    def to_html(self, name: str = "figure") -> str:
        """It alone, as HTML to stand in another page; `name` is that of the file of its data."""
        return str(template("picture.html.j2").module.picture(self, self.caption, name, ""))


def rows_text(total: int, most: int = ROWS_SHOWN) -> str:
    """Return how many rows of a table are shown, for its caption; "" if it is all of them."""
    return f" (the first {most} of {total}; the CSV files have all)" if total > most else ""


@dataclass(frozen=True)
class Table:
    """A table of text; numbers are formatted by whoever makes it."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    kind: str = "table"

    @classmethod
    def of(cls, records: Sequence[Record], caption: str, most: int = ROWS_SHOWN) -> Self:
        """Make the table of records, at most so many; the caption, without its full stop, says so."""
        head = type(records[0]).head() if records else ()
        rows = [each.cells() for each in records[:most]]
        return cls(head, rows, f"{caption}{rows_text(len(records), most)}.")

    @classmethod
    def pairs(cls, record: Record, caption: str, head: tuple[str, str] = ("quantity", "value")) -> Self:
        """Make the table of one record, a row per number."""
        return cls(head, record.pairs(), caption)

    @property
    def is_pairs(self) -> bool:
        """True if it is a list of names and values, which wraps on a narrow screen where others scroll."""
        return len(self.header) == 2


@dataclass(frozen=True)
class Text:
    """Paragraphs."""

    paragraphs: Sequence[str]
    kind: str = "text"


@dataclass(frozen=True)
class Listing:
    """Commands or code, set as they are."""

    text: str
    kind: str = "listing"


@dataclass(frozen=True)
class CodedList:
    """Sentences with a code each, such as warnings."""

    rows: Sequence[tuple[str, str]]
    kind: str = "coded"


Block = Figure | Table | Text | Listing | CodedList


@dataclass(frozen=True)
class Section:
    """A titled part of a report; `anchor` is its id in the page."""

    title: str
    anchor: str
    blocks: Sequence[Block]

    @property
    def rows(self) -> list[list[Block]]:
        """The blocks in order, neighbouring figures together."""
        rows: list[list[Block]] = []
        for block in self.blocks:
            if isinstance(block, Figure) and rows and isinstance(rows[-1][0], Figure):
                rows[-1].append(block)
            else:
                rows.append([block])
        return rows

    @property
    def figures(self) -> list[Figure]:
        """Its figures."""
        return [block for block in self.blocks if isinstance(block, Figure)]
