"""Signatures of formats: patterns by which a reader recognises the content of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devicekit.readers.source import Source

LINES = 5


@dataclass(frozen=True)
class Signature:
    """The signature of a format; called with a `Source`, it returns whether the content is in that format.

    Parameters
    ----------
    folder : tuple of str
        Files that must be in a folder.
    head : pattern, optional
        Must occur in the first 64 KiB of text.
    first : pattern, optional
        Must match the first line with content.
    lines : pattern, optional
        Must match each of the first five lines with content.
    in_sheets : bool
        Apply the patterns also to the first sheet of a spreadsheet, as text.
    cells : frozenset of str
        One of these must be a cell of a spreadsheet.
    sheet : str
        Name of a sheet of a spreadsheet, in lower case.
    keys : frozenset of str
        One of these must be in the first column of that sheet.
    """

    folder: tuple[str, ...] = ()
    head: re.Pattern[str] | None = None
    first: re.Pattern[str] | None = None
    lines: re.Pattern[str] | None = None
    in_sheets: bool = False
    cells: frozenset[str] = frozenset()
    sheet: str = ""
    keys: frozenset[str] = frozenset()

    def __call__(self, source: Source) -> bool:
        if source.is_folder:
            return bool(self.folder) and all((source.path / name).is_file() for name in self.folder)
        if source.workbook_kind:
            return self._in_workbook(source) or (self.in_sheets and self._in_text(source))
        return self._in_text(source)

    def _in_text(self, source: Source) -> bool:
        opening = source.opening[:LINES]
        return bool(
            (self.head and self.head.search(source.head))
            or (self.first and opening and self.first.match(opening[0]))
            or (self.lines and opening and all(self.lines.match(line) for line in opening))
        )

    def _in_workbook(self, source: Source) -> bool:
        for sheet in source.sheets if self.cells or self.keys else ():
            if self.cells and any(cell in self.cells for row in sheet.rows[:200] for cell in row):
                return True
            if sheet.name.strip().lower() == self.sheet:
                return bool(self.keys & {str(row[0]).strip() for row in sheet.rows if row})
        return False
