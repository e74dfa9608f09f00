"""The fingerprint of a file, and its comparison with those of recipes."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from devicekit.readers.cells import is_number
from devicekit.readers.fingerprints import Cells, Fingerprint, Known
from devicekit.readers.layout import matches_pattern
from devicekit.readers.layouts import delimiters
from devicekit.readers.layouts.shape import strip_comment_mark

if TYPE_CHECKING:
    from devicekit.readers.layout import Layout
    from devicekit.readers.source import Source

MOST_LINES, MOST_TEXT = 300, 48 << 10  # lines and characters of a text that are compared
MOST_SHEETS, MOST_ROWS = 5, 60  # of a workbook
LONGEST_NAME = 200  # characters in which a unit in brackets is sought
MOST_WORDS = 6  # of a preamble that are kept
MOST_KEYS = 40  # of a JSON file that are kept; more are data
ALIKE = 4  # names of which all but one make a file of a known make, where no words stand above them
LARGEST_JSON = 4 << 20  # characters in which keys are sought
CELLS = "cells"  # the delimiter of a sheet
_DELIMITERS = (CELLS, *delimiters.DELIMITERS)
_KEY = re.compile(r'"([^"\\]{1,80})"\s*:')
_STATED = re.compile(r"^\W*([^\W\d][^:=;,\t]{2,59}?)\s*[:=;,\t]")  # a word that states something: `Operator: ...`
_UNIT = re.compile(r"^(.*?)\s*[\[(]([^\])]*)[\])]$")
_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?$")


@dataclass(frozen=True)
class Matches:
    """Recipes for a file: those it fits, those it departs from, with the difference, and those that are possible.

    `skip` is the number of rows above the names of those it fits; None in a workbook.
    """

    exact: tuple[Known, ...] = ()
    near: tuple[tuple[Known, str], ...] = ()
    possible: tuple[Known, ...] = ()
    skip: int | None = None


@dataclass
class _Head:
    """The first lines of a file, split by each delimiter that is asked for."""

    source: Source
    split: dict[str, list[tuple[int, Cells]]] = field(default_factory=dict)

    @functools.cached_property
    def lines(self) -> list[str]:
        return self.source.head[:MOST_TEXT].splitlines()[:MOST_LINES]

    @functools.cached_property
    def text(self) -> str:
        if not self.source.workbook_kind:
            return "\n".join(self.lines)
        return "\n".join("\t".join(row) for _, row in self.rows(CELLS))

    @functools.cached_property
    def keys(self) -> frozenset[str]:
        if self.source.workbook_kind != "json":
            return frozenset()
        data = self.source.path.read_bytes()[:LARGEST_JSON]
        return frozenset(_KEY.findall(data.decode("utf-8", errors="replace")))

    def rows(self, delimiter: str) -> list[tuple[int, Cells]]:
        """Return the rows that are not empty, without empty cells at their ends, with the row of the file."""
        if delimiter not in self.split:
            self.split[delimiter] = [(at, row) for at, each in self._split(delimiter) if (row := _trim(each))]
        return self.split[delimiter]

    def _split(self, delimiter: str) -> Iterable[tuple[int, Sequence[str]]]:
        if self.source.workbook_kind:
            if delimiter != CELLS or self.source.workbook_kind == "json":
                return []
            sheets = self.source.sheets
            return [
                (at, ["" if cell is None else str(cell) for cell in row])
                for sheet in sheets[:MOST_SHEETS]
                for at, row in enumerate(sheet.rows[:MOST_ROWS], 1)
            ]
        if delimiter not in delimiters.DELIMITERS:
            return []
        return delimiters.split_lines(self.lines, delimiters.DELIMITERS[delimiter], self.source.path.name)


def _trim(row: Sequence[str]) -> Cells:
    cells = [" ".join(cell.split()) for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)


def take(source: Source, layout: Layout) -> Fingerprint:
    """Return the fingerprint of a file that was read by a layout; an empty one where rows do not tell it.

    Parameters
    ----------
    source : Source
        The file.
    layout : Layout
        How it was read as a table.
    """
    if source.in_memory or source.is_folder or layout.format != "table" or layout.trains is not None:
        return Fingerprint()
    head = _Head(source)
    if source.workbook_kind == "json":
        return Fingerprint(keys=tuple(sorted(head.keys))) if len(head.keys) <= MOST_KEYS else Fingerprint()
    stated = layout.stated
    marks = Fingerprint(delimiter=layout.delimiter, decimal=stated.decimal or ".", sheets=layout.sheets)
    rows = [row for _, row in head.rows(layout.delimiter)]
    if not stated.header:
        body = [row for row in rows if all(map(delimiters.is_number, row))]
        return replace(marks, numbers=_forms(body[:50])) if body else Fingerprint()
    wanted = {column.name for column in layout.columns}
    at = next((k for k, row in enumerate(rows) if _is_row_of_names(row, wanted)), None)
    if at is None:
        return Fingerprint()
    units = rows[at + 1] if stated.units_row and at + 1 < len(rows) else ()
    words = [found[1] for row in rows[:at] if (found := _STATED.match(f"{row[0]}{':' if row[1:] else ''}"))]
    preamble = tuple(dict.fromkeys(words))[:MOST_WORDS]
    names = tuple(strip_comment_mark(rows[at], len(rows[at]) - 1))
    return replace(marks, names=names, units=units, preamble=preamble)


def _is_row_of_names(row: Cells, wanted: set[str]) -> bool:
    bare = strip_comment_mark(row, len(row) - 1)
    return sum(map(bool, bare)) > 0 and all(cell in wanted for cell in bare if cell)


def _forms(rows: Sequence[Cells]) -> Cells:
    """Return the form of the numbers of each column; empty if the rows differ in width."""
    if len({len(row) for row in rows}) != 1:
        return ()
    return tuple(_form(column) for column in zip(*rows, strict=True))


def _form(cells: Sequence[str]) -> str:
    if all(re.fullmatch(r"[+-]?\d+", cell) for cell in cells):
        return "integer"
    return "scientific" if all(re.search(r"[eE]", cell) for cell in cells) else "decimal"


def find(source: Source, known: Sequence[Known]) -> Matches:
    """Compare a file with the fingerprints of recipes.

    Parameters
    ----------
    source : Source
        The file.
    known : sequence of Known
        Recipes with fingerprints; the user's own go before others.
    """
    head = _Head(source)
    exact: list[tuple[Known, int | None]] = []
    near: list[tuple[Known, str]] = []
    possible: list[Known] = []
    for each in known:
        found = _compare(each.fingerprint, head)
        if isinstance(found, str):
            near.append((each, found))
        elif found and each.is_applied:
            exact.append((each, found[0]))
        elif found:
            possible.append(each)
    exact = [each for each in exact if each[0].own] or exact
    skip = exact[0][1] if exact and not source.workbook_kind else None
    return Matches(tuple(each for each, _ in exact), () if exact else tuple(near), tuple(possible), skip)


def _compare(mark: Fingerprint, head: _Head) -> tuple[int | None] | str | None:
    """Return the rows above the names for a file of this make, a difference for one that departs, else None."""
    if mark.keys:
        return (None,) if head.keys.issuperset(mark.keys) else None
    if mark.is_empty or head.source.workbook_kind == "json":
        return None
    if not all(word in head.text for word in mark.preamble):
        return None
    pieces = [max(_bare(name).split("*"), key=len) for name in mark.names]
    if 2 * sum(piece in head.text for piece in pieces) < len(pieces):
        return None
    if mark.sheets and not {sheet.name for sheet in head.source.sheets} & {*mark.sheets}:
        return None
    found = [_compare_rows(mark, head.rows(each)) for each in ([mark.delimiter] if mark.delimiter else _DELIMITERS)]
    fitting = [each for each in found if each is not None]
    return next((each for each in fitting if isinstance(each, tuple)), fitting[0] if fitting else None)


def _compare_rows(mark: Fingerprint, rows: Sequence[tuple[int, Cells]]) -> tuple[int | None] | str | None:
    """Compare the rows of a file, split by one delimiter; see `_compare`."""
    if mark.numbers and not mark.names:
        return (None,) if _forms([row for _, row in rows[:50]]) == mark.numbers else None
    width = len(mark.names)
    for k, (number, row) in enumerate(rows):
        if len(row) - width in (0, 1) and _fits(strip_comment_mark(row, width), mark.names):
            return _compare_below(mark, [below for _, below in rows[k + 1 :]]) or (number - 1,)
    return _departure(mark, [row for _, row in rows])


def _fits(row: Sequence[str], names: Cells) -> bool:
    return len(row) == len(names) and all(map(matches_pattern, row, names))


def _compare_below(mark: Fingerprint, below: Sequence[Cells]) -> str:
    """Compare units and decimal mark below the names."""
    units = tuple(strip_comment_mark(below[0], len(mark.names))) if below else ()
    if mark.units and units != mark.units:
        for name, ours, theirs in zip(mark.names, mark.units, units, strict=False):
            if ours != theirs:
                return f"the unit of {name} is {theirs or 'missing'}, not {ours or 'missing'}"
        return f"units are {', '.join(units) or 'missing'}, not {', '.join(mark.units)}"
    body = [cell for row in below[:20] for cell in row]
    if mark.decimal in (".", ",") and mark.delimiter != "comma":
        commas = any(_COMMA.match(cell) for cell in body)
        points = any("." in cell and is_number(cell) for cell in body)
        if (commas and mark.decimal == ".") or (points and not commas and mark.decimal == ","):
            return f"the decimal mark is {',' if commas else '.'}, not {mark.decimal}"
    return ""


def _departure(mark: Fingerprint, rows: Sequence[Cells]) -> str | None:
    """Return how the names of a file of the same make differ; None if it is of another make."""
    best: tuple[int, Cells] = (0, ())
    names = {_bare(name) for name in mark.names}
    for row in rows:
        if not delimiters.is_number(row[-1]):
            cells = tuple(strip_comment_mark(row, len(row) - 1))
            best = max(best, (len(names & set(map(_bare, cells))), cells), key=lambda each: each[0])
    common, cells = best
    least = len(mark.names) / 2 if mark.preamble else max(ALIKE, len(mark.names) - 1)
    if common < least or any("*" in name for name in mark.names):
        return None
    units = {_bare(cell): cell for cell in cells}
    changed = [(units[_bare(n)], n) for n in mark.names if n not in cells and _bare(n) in units]
    missing = [n for n in mark.names if _bare(n) not in units]
    extra = [c for c in cells if _bare(c) not in {_bare(n) for n in mark.names}]
    if changed:
        return f"it has column {changed[0][0]!r}, the recipe {changed[0][1]!r}"
    if missing:
        return f"column {missing[0]!r} is missing"
    return f"column {extra[0]!r} is new" if extra else "columns stand in another order"


def _bare(name: str) -> str:
    """Return a name without its unit in brackets."""
    found = _UNIT.match(name) if len(name) <= LONGEST_NAME else None
    return found[1] if found and found[1] else name
