"""One self-contained HTML file: a first page, then sections of text, tables and figures; no network.

Figures are pictures, which a script in the file replaces by live ones with zoom and values; print, and readers without
script, have the pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from devicekit._version import __version__
from devicekit.core import advice
from devicekit.core.errors import CodedWarning
from devicekit.core.scalars import Scalar
from devicekit.core.scales import Units
from devicekit.core.text import Switched
from devicekit.plot import Image, Panel
from devicekit.report import live, pictures, theme
from devicekit.report.blocks import (
    ROWS_SHOWN,
    Block,
    CodedList,
    Figure,
    Listing,
    Section,
    Table,
    Text,
    rows_text,
    template,
)
from devicekit.report.fold import FoldedSection, fold
from devicekit.system import writing

__all__ = [
    "FIGURE_SIZE",
    "MARKS",
    "ROWS_SHOWN",
    "Block",
    "CodedList",
    "Figure",
    "Listing",
    "Report",
    "Section",
    "Table",
    "Text",
    "draw",
    "rows_text",
]

# Small enough that its text stays legible on a telephone: 10 pt becomes 9.4 px at 360 px.
FIGURE_SIZE = (4.8, 3.1)  # inch


MARKS = {
    "SYNTHETIC": "SYNTHETIC DATA: generated, not measured",
    "SIMULATED": "SIMULATED: from equations, not measured",
    "CALIBRATED": "CALIBRATED: parameters fitted to measurements",
    "PUBLISHED": "PUBLISHED NUMBERS: from labels in print, not from readings",
}

MOST_PICTURES, MOST_NUMBERS = 3, 5  # of a first page
DENSE = 1500  # characters of a first page from which on it is printed with smaller pictures
TALL = 1.0  # height over width above which a picture of the first page is shown in its section again


class Tile(NamedTuple):
    """Number of a first page, in words."""

    label: str
    text: str
    interval: str


def mark_keys(marks: Iterable[str]) -> tuple[str, ...]:
    """Return the keys of `MARKS` of data that are not measured, each once, in their order."""
    given = {mark.upper() for mark in marks}
    return tuple(key for key in MARKS if key in given)


@dataclass(frozen=True)
class Report:
    """A report: a first page that can be printed alone, then sections.

    Parameters
    ----------
    title : str
    verdict : str
        What came out, in a sentence. What the warnings mean together comes before it.
    summary : sequence of str
        The result in plain sentences, the most important first.
    sections : sequence of Section
    marks : sequence of str
        Keys of `MARKS`: what the reader must know of the data before anything else.
    pictures : sequence of Figure
        Up to three, for the first page. One that is a block of a section as well stands on the first page only, and
        its section refers to it.
    numbers : sequence of Scalar
        The few that matter most, five at most; those that are not known are left out.
    warnings : sequence of CodedWarning
        All of them; the first page shows the three that matter most, with what to do.
    source : str
        Where the numbers come from, in a line, without the version of devicekit.
    most_words : int
        Words that a reader sees at once; what does not fit is folded, from the last section on.
    """

    title: str
    verdict: str
    summary: Sequence[str] = ()
    sections: Sequence[Section] = field(default_factory=tuple)
    marks: Sequence[str] = ()
    pictures: Sequence[Figure] = ()
    numbers: Sequence[Scalar] = ()
    warnings: Sequence[CodedWarning] = ()
    source: str = ""
    most_words: int = 400
    resistance: bool = False

    @property
    def figures(self) -> list[Figure]:
        """All figures."""
        return [*self.pictures[:MOST_PICTURES], *(each for section in self.sections for each in section.figures)]

    @property
    def first_numbers(self) -> list[Scalar]:
        """Those of the first page."""
        return [each for each in self.numbers if each.known][:MOST_NUMBERS]

    @property
    def tiles(self) -> list[Tile]:
        """The numbers of the first page, in words."""
        known = self.first_numbers
        whole = [f"{each.label} [% of {each.of}]" if each.of else each.label_text for each in known]
        return [Tile(words, each.text, each.interval) for words, each in zip(whole, known, strict=True)]

    @property
    def marked(self) -> list[str]:
        """The marks in words."""
        return [MARKS[mark] for mark in MARKS if mark in self.marks]

    @property
    def first_pictures(self) -> list[Figure]:
        """Those of the first page."""
        return list(self.pictures[:MOST_PICTURES])

    @cached_property
    def unmarked_warnings(self) -> list[CodedWarning]:
        """The warnings without those that a mark states."""
        return [each for each in self.warnings if each.code.upper() not in self.marks]

    @property
    def combined_verdict(self) -> str | None:
        """Verdict of warnings that add up, or None."""
        return advice.verdict(self.unmarked_warnings)

    @property
    def top(self) -> list[tuple[str, str, str, bool]]:
        """Code, message, what to do, and whether it is but a remark, of the warnings that matter most."""
        return [
            (each.code, each.message, advice.what_to_do(each.code), advice.is_remark(each.code))
            for each in advice.top(self.unmarked_warnings)
        ]

    @property
    def more(self) -> str:
        """Number and codes of the other warnings; "" if none."""
        return advice.rest_text(advice.remaining(self.unmarked_warnings, advice.top(self.unmarked_warnings)))

    @property
    def first_page_only(self) -> list[Figure]:
        """Pictures of the first page that their sections only refer to."""
        return [each for each in self.first_pictures if each.ratio <= TALL]

    def place(self, figure: Figure) -> int:
        """Number of a figure on the first page, from 1; 0 if it is not there."""
        return next((n for n, each in enumerate(self.first_pictures, 1) if each == figure), 0)

    @cached_property
    def sentences(self) -> list[str]:
        """The summary without what the verdict or a section states in the same words."""
        texts = [block for section in self.sections for block in section.blocks if isinstance(block, Text)]
        stated = " ".join([self.verdict, *(each for text in texts for each in text.paragraphs)])
        rest = [
            " ".join(each for each in re.split(r"(?<=[.!?])\s+(?=[A-Z])", words) if each not in stated)
            for words in self.summary
        ]
        return [words for words in rest if words]

    @cached_property
    def first_page_texts(self) -> list[str]:
        """Every text of the first page."""
        pictures = [f"Picture 1. {figure.title or figure.caption} Data (CSV)" for figure in self.first_pictures]
        numbers = [word for each in self.tiles for word in each]
        warnings = [word for code, message, what, _ in self.top for word in (code, message, what)]
        verdicts = [self.combined_verdict or "", self.verdict]
        return [self.title, *self.marked, *verdicts, *pictures, *numbers, *warnings, self.source]

    @cached_property
    def folded(self) -> list[FoldedSection]:
        """The sections that say something new, the summary at the end of the first, with what is open and folded."""
        sections = [each for section in self.sections if (each := self._without_shown_warnings(section)).blocks]
        if self.sentences:
            first = sections[0] if sections else Section("Summary in words", "summary", [])
            sections[:1] = [replace(first, blocks=[*first.blocks, Text(self.sentences)])]
        return fold(sections, self.first_page_texts, self.first_page_only, self.most_words)

    def _without_shown_warnings(self, section: Section) -> Section:
        """Return the section Warnings without those that the first page shows, any other section as it is."""
        if section.anchor != "warnings" or not any(isinstance(block, CodedList) for block in section.blocks):
            return replace(section, blocks=[]) if section.anchor == "warnings" else section
        shown = {(code, message) for code, message, _, _ in self.top}
        blocks: list[Block] = []
        for block in section.blocks:
            if isinstance(block, CodedList):
                rest = [row for row in block.rows if tuple(row) not in shown]
                blocks += [CodedList(rest)] if rest else []
            else:
                blocks.append(block)
        return replace(section, blocks=blocks)

    @property
    def is_dense(self) -> bool:
        """True if the texts of the first page leave less room for pictures when it is printed."""
        return sum(map(len, self.first_page_texts)) > DENSE

    @property
    def is_live(self) -> bool:
        """True if a figure has data that a script can draw."""
        return any(each.data for each in self.figures)

    @cached_property
    def units(self) -> Units:
        """Display units: each has one prefix on the page, by the axes, or by the numbers of tables without an axis."""
        axes = (each for figure in self.figures for each in figure.quantities)
        titles = {self.title, self.title.partition(": ")[2], *(each.title for each in self.sections)} - {""}
        names = tuple(sorted(titles, key=len, reverse=True))  # files are called by them in texts
        return Units.of(axes, self._numbers_in_words(), resistance=self.resistance, names=names)

    def _numbers_in_words(self) -> Iterator[str]:
        tables = [each for section in self.sections for each in section.blocks if isinstance(each, Table)]
        for text in [
            *(each.text for each in self.tiles),
            *(cell for each in tables for row in each.rows for cell in row),
        ]:
            yield text
            if isinstance(text, Switched):
                yield text.other

    @cached_property
    def shown(self) -> ShownReport:
        """The report in its display units."""
        units, drawn = self.units, {each: each.in_units(self.units) for each in dict.fromkeys(self.figures)}
        sections = [
            replace(each, blocks=[drawn[b] if isinstance(b, Figure) else b.in_units(units) for b in each.blocks])
            for each in self.sections
        ]
        tiles = tuple(Tile(*map(units.rewrite, each)) for each in self.tiles)
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        given |= {
            "title": self.title,
            "verdict": units.rewrite(self.verdict),
            "summary": [units.rewrite(each) for each in self.summary],
            "sections": sections,
            "pictures": [drawn[each] for each in self.pictures[:MOST_PICTURES]],
            "warnings": [CodedWarning(each.code, units.rewrite(each.message)) for each in self.warnings],
        }
        return ShownReport(**given, own_tiles=tiles)

    def to_html(self) -> str:
        """Return the page as text; every value is escaped."""
        return self.shown.to_page()

    def body(self) -> str:
        """Return what the page shows, as HTML to stand in another page that has the style sheets and the script."""
        return template("body.html.j2").render(report=self.shown, version=__version__)

    def save(self, path: Path, overwrite: bool = False) -> None:
        """Write the page whole or not at all; `overwrite` replaces a file that devicekit did not write."""
        writing.write_text(path, self.to_html(), overwrite)


@dataclass(frozen=True)
class ShownReport(Report):
    """A report in its display units, as the templates show it."""

    own_tiles: tuple[Tile, ...] = ()

    @property
    def tiles(self) -> list[Tile]:
        """The numbers of the first page, in words."""
        return list(self.own_tiles)

    @property
    def has_resistance(self) -> bool:
        """True if a figure can be switched from conductance to resistance."""
        return any(each.has_conductance for each in self.figures) and self.is_live

    def to_page(self) -> str:
        """Return the page as text; every value is escaped."""
        style = "\n".join([theme.variables(), live.sheet("report.css"), live.style() if self.is_live else ""])
        script = live.script() if self.is_live else live.sheet("pictures.js") if self.figures else ""
        return template("report.html.j2").render(report=self, version=__version__, style=style, script=script)


def draw(
    shown: Panel | Sequence[Image],
    caption: str,
    alt: str,
    size: tuple[float, float] = FIGURE_SIZE,
    wide: bool = False,
    title: str = "",
) -> Figure:
    """A figure with the data behind it.

    Parameters
    ----------
    shown : Panel, or sequence of Image
        What it shows; maps of one quantity stand side by side with one colour bar.
    caption, alt : str
        Text under the figure, and text for those who cannot see it.
    size : tuple of float
        Width and height [inch].
    wide : bool
        Whether it takes the whole width of the page.
    title : str
        The caption in few words, for a first page; the caption itself if not given.
    """
    shown = shown if isinstance(shown, Panel) else tuple(shown)
    found = pictures.drawn(shown, size)
    return Figure(
        caption=caption, alt=alt, wide=wide, title=title, ratio=size[1] / size[0], shown=shown, size=size, **found
    )
