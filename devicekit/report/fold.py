"""Folding of a page: a reader sees so many words at once and opens the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from devicekit.report.blocks import Block, CodedList, Figure, Listing, Section, Table, Text

_LONGEST_LABEL = 9  # words
_MOST_SUBJECTS = 3  # tables named in a label
_FRAME = 24  # words of the footer, the version, and links of a page


@dataclass(frozen=True)
class Part:
    """Neighbouring rows of blocks of a section with their numbers, open or folded under a label."""

    rows: Sequence[tuple[int, Sequence[Block]]]
    label: str = ""

    @property
    def is_open(self) -> bool:
        """True if the part is shown at once."""
        return not self.label


@dataclass(frozen=True)
class FoldedSection:
    """A section with its parts; `full_captions` is False where figures show their titles and fold their captions."""

    section: Section
    parts: Sequence[Part]
    full_captions: bool
    first_page: Sequence[Figure] = ()

    @property
    def has_halves(self) -> bool:
        """True if a figure stands alone in its row, so that what is narrow can stand beside it."""
        return any(len(self._drawn(row)) == 1 for part in self.parts if part.is_open for _, row in part.rows)

    def is_half(self, row: Sequence[Block]) -> bool:
        """True if a row of blocks needs half of the page's width: text, a list of values, one figure at most."""
        if isinstance(row[0], Figure):
            return len(self._drawn(row)) < 2 and not any(each.wide for each in self._drawn(row))
        return isinstance(row[0], Text) or (isinstance(row[0], Table) and row[0].is_pairs)

    def _drawn(self, row: Sequence[Block]) -> list[Figure]:
        return [each for each in row if isinstance(each, Figure) and each not in self.first_page]


def words(*texts: str) -> int:
    """Return the number of words of texts."""
    return sum(len(each.split()) for each in texts)


def _texts(block: Block) -> list[str]:
    """Return every text of a block but a figure."""
    if isinstance(block, Text):
        return list(block.paragraphs)
    if isinstance(block, Listing):
        return [block.text]
    if isinstance(block, CodedList):
        return [word for row in block.rows for word in row]
    if isinstance(block, Table):
        return [block.caption, *block.header, *(cell for row in block.rows for cell in row)]
    return []


def _captions(section: Section, first_page: Sequence[Figure]) -> tuple[int, int]:
    """Return the words of a section's figures with their titles, and with their full captions."""
    short = [4 if each in first_page else words(each.title or each.caption) + 2 for each in section.figures]
    return sum(short), sum(words(each.caption) + 6 * (each in first_page) for each in section.figures)


def _subject(caption: str) -> str:
    """Return the beginning of a caption, up to the first mark other than a comma, in at most nine words."""
    first = re.split(r"[.:;](?:\s|$)|\s\(", caption)[0].split()
    return " ".join(first[:_LONGEST_LABEL]) + ("..." if len(first) > _LONGEST_LABEL else "")


def _label(blocks: Sequence[Block]) -> str:
    """Return the line under which blocks are folded: the subjects of their tables."""
    found = [_subject(each.caption) for each in blocks if isinstance(each, Table)]
    subjects = list(dict.fromkeys(each for each in found if each))
    if not subjects:
        pictures = sum(isinstance(each, Figure) for each in blocks)
        others = "All of them" if any(isinstance(each, CodedList) for each in blocks) else "Details"
        return f"{pictures} pictures" if pictures > 1 else others
    left = len(subjects) - _MOST_SUBJECTS
    more = [f"{left} more {'table' if left == 1 else 'tables'}"] if left > 0 else []
    return "; ".join([*subjects[:_MOST_SUBJECTS], *more])


def fold(
    sections: Sequence[Section], first_page_texts: Sequence[str], first_page: Sequence[Figure], most: int
) -> list[FoldedSection]:
    """Decide what of each section is open.

    Figures are shown with their titles at least, unless they alone are too many or their section is closed. Other
    blocks and full captions are shown in the order of the page as long as they fit; of a section in which one does not
    fit, the rest is folded too.

    Parameters
    ----------
    sections : sequence of Section
    first_page_texts : sequence of str
        What the first page shows.
    first_page : sequence of Figure
        Figures of the first page that their section only refers to.
    most : int
        Words that are shown at once.
    """
    captions = [(0, 0) if section.closed else _captions(section, first_page) for section in sections]
    titles = 2 * sum(words(section.title) for section in sections)  # in the contents and above the section
    left = most - _FRAME - words(*first_page_texts) - titles - sum(short for short, _ in captions)
    left -= sum(
        max(_LONGEST_LABEL, words(_label(section.blocks)))
        for section in sections
        if len(section.figures) < len(section.blocks)
    )
    # closed ones, and, from the last on, those whose figures alone are too many
    closed = {number for number, section in enumerate(sections) if section.closed}
    for number in reversed(range(len(sections))):
        if left >= 0:
            break
        left += captions[number][0]  # 0 if it is closed already
        closed.add(number)
    found = []
    for position, (section, (short, full)) in enumerate(zip(sections, captions, strict=True)):
        has_room = position not in closed and full - short <= left
        left -= full - short if has_room else 0
        parts: list[Part] = []
        rest: list[tuple[int, Sequence[Block]]] = []
        for number, row in enumerate(section.rows, 1):
            cost = words(*(text for block in row for text in _texts(block)))
            room = max(left, _LONGEST_LABEL if len(section.rows) == 1 else 0)  # a label takes as much
            if (isinstance(row[0], Figure) and position not in closed) or (
                not rest and not section.closed and 0 < cost <= room
            ):
                left -= cost
                parts.append(Part([(number, row)]))
            else:
                rest.append((number, row))
        if rest:
            parts.append(Part(rest, _label([block for _, row in rest for block in row])))
        found.append(FoldedSection(section, parts, has_room, first_page))
    return found
