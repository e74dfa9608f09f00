"""Blocks of a report: figures, tables, texts, commands and coded sentences, and the sections that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from devicekit.core.records import Record
from devicekit.core.scales import Units
from devicekit.plot import Image, Panel
from devicekit.report import pictures

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


@dataclass(frozen=True)
class Figure:
    """A figure as an SVG data URI, with caption and alternative text; `csv` is the data behind it.

    `wide` figures take the whole width of the page; others stand in pairs where there is room. `title` is the caption
    in few words, for a first page; `data` is JSON that a script draws the figure from; `ratio` is height over width.
    `shown` is what it shows, with its `size` [inch], so that a page can draw it in units of its own.
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
    shown: Panel | tuple[Image, ...] | None = field(default=None, compare=False, repr=False)
    size: tuple[float, float] = (0.0, 0.0)

    @property
    def quantities(self) -> list[tuple[str, list[float]]]:
        """Unit and values of each axis, and of a colour bar."""
        if self.shown is None:
            return []
        if isinstance(self.shown, Panel):
            return self.shown.quantities()
        return [(each.unit, list(each.limits)) for each in self.shown]

    @property
    def has_conductance(self) -> bool:
        """True if it can show resistances."""
        return isinstance(self.shown, Panel) and self.shown.has_conductance

    def in_units(self, units: Units) -> Figure:
        """Return the figure in the units of a page, and with the numbers of its captions in them."""
        words: dict[str, Any] = {name: units.rewrite(getattr(self, name)) for name in ("caption", "title", "alt")}
        drawn = pictures.redraw(self.shown, self.size, units) if self.shown is not None else {}
        return replace(self, **words, **drawn)

    @property
    def has_short_caption(self) -> bool:
        """True if the caption is the title."""
        return self.title in ("", self.caption)

    @property
    def csv_uri(self) -> str | None:
        """The data as a URI to download, or None."""
        return None if self.csv is None else pictures.data_uri("text/csv", self.csv.encode())

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

    def in_units(self, units: Units) -> Table:
        """Return the table with its numbers in the units of a page."""
        rows = [[units.rewrite(cell) for cell in row] for row in self.rows]
        header = [units.rewrite(cell) for cell in self.header]
        return replace(self, header=header, rows=rows, caption=units.rewrite(self.caption))

    @property
    def is_pairs(self) -> bool:
        """True if it is a list of names and values, which wraps on a narrow screen where others scroll."""
        return len(self.header) == 2


@dataclass(frozen=True)
class Text:
    """Paragraphs."""

    paragraphs: Sequence[str]
    kind: str = "text"

    def in_units(self, units: Units) -> Text:
        """Return the paragraphs with their numbers in the units of a page."""
        return replace(self, paragraphs=[units.rewrite(each) for each in self.paragraphs])


@dataclass(frozen=True)
class Listing:
    """Commands or code, set as they are."""

    text: str
    kind: str = "listing"

    def in_units(self, units: Units) -> Listing:
        """Return it as it is."""
        return self


@dataclass(frozen=True)
class CodedList:
    """Sentences with a code each, such as warnings."""

    rows: Sequence[tuple[str, str]]
    kind: str = "coded"

    def in_units(self, units: Units) -> CodedList:
        """Return the sentences with their numbers in the units of a page."""
        return replace(self, rows=[(code, units.rewrite(words)) for code, words in self.rows])


Block = Figure | Table | Text | Listing | CodedList


@dataclass(frozen=True)
class Section:
    """A titled part of a report; `anchor` is its id in the page. One that is `closed` is folded, its figures too."""

    title: str
    anchor: str
    blocks: Sequence[Block]
    closed: bool = False

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
