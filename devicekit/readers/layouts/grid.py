"""Split cells into blocks: tables below or beside each other under the same names."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

from devicekit.core.errors import DevicekitError, FileError, NoTableError, UsageError
from devicekit.core.quantities import DIRECTION_ALIASES
from devicekit.core.text import count, natural_number
from devicekit.readers.cells import make_names_unique, text_frame
from devicekit.readers.header import Heading, parse_heading
from devicekit.readers.layouts import delimiters
from devicekit.readers.layouts.misfits import check_few_names, check_filled, check_names, fill_right
from devicekit.readers.layouts.quantities import split_quantities
from devicekit.readers.layouts.row_records import unfold
from devicekit.readers.layouts.rows import drop_rows, has_cells, has_word, split_sections, split_text_rows
from devicekit.readers.layouts.shape import (
    JUDGED,
    Row,
    Shape,
    cut_side_cells,
    extent,
    find_shape,
    split_names,
    strip_brackets,
    strip_comment_mark,
    strip_origin_label,
)
from devicekit.readers.layouts.transposed import transpose_trains
from devicekit.system.options import ReadOptions

_UNIT = ("unit", "units")
MOST_ABOVE = 5  # rows above the names that may hold labels
MOST_COLUMNS = 16384  # as many as a spreadsheet has
LONGEST_NAME = 2000  # characters of a column's name


@dataclass(frozen=True, eq=False)
class Block:
    """One table.

    Attributes
    ----------
    headings : tuple of Heading
        Parsed name (and units row) of each column.
    cells : pandas.DataFrame
        Cells as text or numbers, under unique names; the index is the file row.
    named : bool
        True if the file has names.
    where : str
        File (and sheet) for messages.
    shape : Shape
        Arrangement of the cells.
    notes : tuple of str
        Comment on each column.
    label : str
        Text above the table: `Cycle 2`.
    sheet, file : str
        Sheet and file of the table.
    dropped : tuple of Row
        Rows below the names that were left out.
    above : tuple of Row
        Rows above the names, a cell for each column.
    """

    headings: tuple[Heading, ...]
    cells: pd.DataFrame
    named: bool
    where: str
    shape: Shape
    notes: tuple[str, ...] = ()
    label: str = ""
    sheet: str = ""
    file: str = ""
    dropped: tuple[Row, ...] = ()
    above: tuple[Row, ...] = ()

    @property
    def title(self) -> str:
        """All words above the table."""
        return " ".join([self.label, *(cell for _, cells in self.above for cell in cells if cell)])

    @property
    def names(self) -> list[str]:
        """Unique names of the columns."""
        return [str(name) for name in self.cells.columns]

    @cached_property
    def parsed(self) -> dict[str, pd.Series]:
        """Columns that were read as numbers; they are kept for other answers and must not be changed."""
        return {}

    @cached_property
    def places(self) -> dict[str, int]:
        """Place of each column, from 0, by its name."""
        return {name: place for place, name in enumerate(self.names)}


@dataclass
class _Part:
    """Rows of one table, its label, and the rows of words directly above it."""

    label: str = ""
    rows: list[Row] = field(default_factory=list)
    above: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class _Head:
    """Cells above the columns: names, units and comments."""

    names: list[str]
    units: list[str]
    notes: list[str]

    def of(self, columns: Sequence[int]) -> _Head:
        """Return the cells above some columns."""
        return _Head(
            *([cells[k] if k < len(cells) else "" for k in columns] for cells in (self.names, self.units, self.notes))
        )


def split_blocks(rows: Sequence[Row], delimiter: str, options: ReadOptions, where: str) -> list[Block]:
    """Split rows of cells into tables: one, or several below or beside each other under the same names.

    Raises
    ------
    FileError
        If no table is found.
    TableError
        If a row has more cells than there are names.
    """
    rows, dropped = drop_rows(rows, options)
    if options.row_is == "record":
        inner = replace(options, row_is=None, header=1, skip=0, names=None, units_row=False, drop=())
        unfolded, header = unfold(rows, options, where)
        records = _split_section(unfolded, delimiter, inner, where)
        shape = replace(records[0].shape, header=header, skip=options.skip or 0)
        return [replace(each, shape=shape) for each in records]
    first, *others = split_sections(rows, options)
    blocks = _split_section(first, delimiter, options, where)
    below = replace(options, skip=None, units_row=None, names=None)
    for section in others:
        blocks += _split_section(section, delimiter, below, where)
    return [replace(blocks[0], dropped=(*dropped, *blocks[0].dropped)), *blocks[1:]] if dropped else blocks


def _split_section(rows: Sequence[Row], delimiter: str, options: ReadOptions, where: str) -> list[Block]:
    """Split rows under one row of names into tables; see `split_blocks`."""
    rows, cell_units = (
        (rows, {}) if options.kind == "record" else split_quantities(rows)
    )  # whose cells stay as they are
    transposed = False
    if options.header is None and options.skip is None:
        rows, transposed = transpose_trains(rows)
    rows = rows if transposed else split_names(rows)
    rows, beside = cut_side_cells(rows) if options.skip is None and not transposed else (rows, [])
    shape, start = find_shape(rows, delimiter, options, where)
    shape = replace(shape, transposed=transposed)
    above = [cells for number, cells in rows[:start] if any(cells) and number > shape.skip]
    width = max((extent(cells) for _, cells in rows[start:]), default=0)
    head = _align_head(_read_head(above, shape, width), rows[start:], width)
    if options.names is not None:
        head = _rename(head, options.names, width, where)
    elif shape.header and not transposed:
        check_names(head.names, head.units, rows[start:], shape, where)
    elif not shape.header and options.header is None and options.skip is None and options.kind != "record":
        near = itertools.takewhile(any, (cells for _, cells in reversed(rows[:start])))
        check_few_names(list(near)[1::-1], width, where)
    if width > MOST_COLUMNS:
        raise FileError(f"{where} has more than {MOST_COLUMNS} columns")
    check_filled(rows, max(width, len(head.names)), where)
    for number, name in enumerate(head.names, 1):
        if len(name) > LONGEST_NAME:
            raise FileError(
                f"{where}, column {number}: the name has {len(name)} characters; up to {LONGEST_NAME} are allowed"
            )
    parts, dropped = _split_below(rows, start, head.names, shape, options)
    if not transposed:
        split = [split_text_rows(part.rows, shape.numeric, options, where) for part in parts]
        pairs = zip(parts, split, strict=True)
        parts = [replace(part, rows=kept) for part, (kept, _) in pairs if any(map(has_cells, kept))]
        dropped += [row for _, out in split for row in out]
    dropped = [*beside, *dropped]
    if not parts:
        raise NoTableError(f"{where} has no rows of numbers below its names")
    sides = _split_beside(rows, start, head, shape, width, options)
    if len(sides) == 1 and shape.header:
        _check_widths([row for part in parts for row in part.rows], head.names, where)
    blocks: list[Block] = []
    for part in parts:
        for name, columns in sides:
            own = head.of(columns)
            cut = cut_columns(part.rows, columns)
            places = columns if len(sides) == 1 else range(len(columns))
            if len(sides) > 1:  # the label holds the direction, the names need not
                names = [
                    _strip_direction(each).strip(" _") if _direction_word(name) else _strip_comment_mark(each)
                    for each in own.names
                ]
                own = replace(own, names=names)
            frame = _build_frame(cut, [name or f"column {k + 1}" for name, k in zip(own.names, places, strict=True)])
            own = _add_cell_units(_add_unit_columns(own, frame), [cell_units.get(k, "") for k in columns])
            heads = tuple(_build_heading(own, k) for k in range(len(columns)))
            title = " ".join(filter(None, (part.label, name)))
            blocks.append(
                Block(
                    heads,
                    frame,
                    bool(shape.header) or options.names is not None,
                    where,
                    shape,
                    tuple(own.notes),
                    title,
                    dropped=() if blocks else tuple(dropped),
                    above=tuple(cut_columns(part.above or rows[:start][-MOST_ABOVE:], columns)),
                )
            )
    return [block for block in blocks if len(block.cells)] or blocks


def cut_columns(rows: Sequence[Row], columns: Sequence[int]) -> list[Row]:
    """Return the cells of some columns of each row; a blank line stays without cells."""
    width = len(columns) if list(columns) == list(range(len(columns))) else -1  # a row of all these columns stays
    return [
        (number, cells if len(cells) in (0, width) else [cells[k] if k < len(cells) else "" for k in columns])
        for number, cells in rows
    ]


def _read_head(above: Sequence[list[str]], shape: Shape, width: int) -> _Head:
    if not shape.header or not above:
        return _Head([""] * width, [], [])
    names = strip_origin_label(strip_comment_mark(above[0], width))
    names = names[: max(extent(names), 1)]
    if shape.header == 2 and len(above) > 1:
        upper, above = fill_right(names), above[1:]
        names = strip_comment_mark(above[0], width)
        upper += [upper[-1]] * (len(names) - len(upper)) if upper else []
        names = [" ".join(filter(None, pair)) for pair in itertools.zip_longest(upper, names, fillvalue="")][:width]
    units = strip_origin_label(strip_comment_mark(above[1], width)) if shape.units_row and len(above) > 1 else []
    comments = shape.comment_rows and len(above) > 1 + shape.units_row
    notes = strip_origin_label(above[1 + shape.units_row]) if comments else []
    return _Head(names, units, notes)


def _rename(head: _Head, names: str, width: int, where: str) -> _Head:
    """Return the head with given names; the units of the file stay if there are as many columns."""
    found = [name.strip() for name in next(csv.reader([names], skipinitialspace=True), [])]
    if len(found) != width:
        raise UsageError(f"names={names}: {len(found)} names are given; {where} has {count(width, 'column')}")
    return _Head(found, head.units if len(head.units) == width else [], head.notes if len(head.notes) == width else [])


def _align_head(head: _Head, body: Sequence[Row], width: int) -> _Head:
    """Move the names above the filled columns, where there are as many names but at other places.

    A header may separate its names by two delimiters where the numbers are separated by one.
    """
    named = [k for k, name in enumerate(head.names) if name]
    filled = [k for k in range(width) if any(k < len(cells) and cells[k] for _, cells in body[:JUDGED])]
    if len(named) != len(filled) or len(named) < 2 or set(named) <= set(filled):
        return head
    places = dict(zip(filled, named, strict=True))
    moved = (
        [cells[places[k]] if k in places and places[k] < len(cells) else "" for k in range(width)]
        for cells in (head.names, head.units, head.notes)
    )
    return _Head(*moved)


def _build_heading(head: _Head, k: int) -> Heading:
    unit = head.units[k] if k < len(head.units) else ""
    return parse_heading(head.names[k], strip_brackets(unit) if unit not in ("", "-", "#", "1") else None)


def _add_unit_columns(head: _Head, frame: pd.DataFrame) -> _Head:
    """Add the units that a column `Unit` gives, in every row, for the column before it, as instruments do."""
    if any(head.units) or not any(name.strip().lower() in _UNIT for name in head.names[1:]):
        return head
    units = [""] * len(head.names)
    for k, name in enumerate(head.names[1:], 1):
        words = {str(cell).strip() for cell in frame.iloc[:, k].unique()} if name.strip().lower() in _UNIT else set()
        if len(words) == 1:
            units[k - 1] = re.sub(r"(?i)\s+[ad]c$", "", words.pop())  # Amp DC
    return _Head(head.names, units, head.notes)


def _add_cell_units(head: _Head, units: Sequence[str]) -> _Head:
    """Add the units that stand in the cells behind the numbers."""
    if not any(units):
        return head
    given = [head.units[k] if k < len(head.units) else "" for k in range(len(head.names))]
    found = [unit or own for unit, own in itertools.zip_longest(units, given, fillvalue="")]
    return _Head(head.names, found, head.notes)


def _check_widths(rows: Sequence[Row], names: Sequence[str], where: str) -> None:
    """Refuse rows that are longer than the names above them."""
    rows = [(number, cells) for number, cells in rows if len(cells) > len(names)]
    try:
        text_frame(rows, names)
    except DevicekitError as error:
        error.message = f"{where}: {error.message}"
        raise


def _build_frame(rows: Sequence[Row], names: Sequence[str]) -> pd.DataFrame:
    """Build a table of the filled rows as text under unique names."""
    body = [row for k, row in enumerate(rows) if any(row[1]) or _is_gap(rows, k)]
    frame = text_frame(body, names)
    return frame.set_axis(pd.Index(make_names_unique([name.strip() for name in names])), axis=1)


def _is_gap(rows: Sequence[Row], k: int) -> bool:
    """Return whether a row of empty cells lies between two rows of numbers: missing readings."""
    return len(rows[k][1]) > 1 and 0 < k < len(rows) - 1 and any(rows[k - 1][1]) and any(rows[k + 1][1])


def _split_below(
    rows: Sequence[Row], start: int, names: Sequence[str], shape: Shape, options: ReadOptions
) -> tuple[list[_Part], list[Row]]:
    """Split rows of numbers where names repeat, or at rows that an option gives; return the parts, and the rest.

    The rest are repeated names that an option makes part of one table.
    """
    wanted = [name.lower() for name in names]
    parts = [_Part(_find_label(rows[:start], shape))]
    skipping, dropped = 0, []
    for number, cells in rows[start:]:
        repeated = shape.header and cells and cells[0].lower() == wanted[0] and _repeats_names(cells, wanted)
        if repeated and not skipping and options.blocks != "text-row":
            skipping = 1 + shape.units_row + shape.comment_rows
            parts += [] if options.blocks == "none" else [_Part(_pop_label(parts[-1].rows))]
        if skipping:
            skipping -= 1
            dropped += [(number, cells)] if options.blocks == "none" else []
        elif options.blocks == "empty-row" and not any(cells) and parts[-1].rows:
            parts.append(_Part())
        elif options.blocks == "text-row" and any(cells) and has_word(cells, shape.numeric):
            parts += [_Part()] if any(any(each) for _, each in parts[-1].rows) else []
            parts[-1].above.append((number, cells))
        else:
            parts[-1].rows.append((number, cells))
    parts = [part for part in parts if any(any(cells) for _, cells in part.rows)]
    if parts and options.blocks == "text-row":
        _label_parts(parts, [row for row in rows[:start] if any(row[1])], shape)
    return parts, dropped


def _label_parts(parts: Sequence[_Part], above: Sequence[Row], shape: Shape) -> None:
    """Label tables by the rows of words above each, but those that all tables have alike."""
    names = [row for row in above if row[0] > shape.skip][: shape.header + shape.units_row]
    heads = [cells for _, cells in names]
    for part in parts[1:]:
        part.above = [row for row in part.above if row[1] not in heads]
    most = max((len(part.above) for part in parts), default=0)
    parts[0].above = [row for row in above if row not in names][-most:] if most else []
    texts = [[_strip_comment_mark(" ".join(filter(None, cells))) for _, cells in part.above] for part in parts]
    if len({len(words) for words in texts}) == 1 and len(parts) > 2:  # the first may stand below a title
        varied = [k for k in range(most) if len({words[k] for words in texts[1:]}) > 1]
        texts = [[words[k] for k in varied] for words in texts]
    for part, words in zip(parts, texts, strict=True):
        part.label = " ".join(words)


def _repeats_names(cells: Sequence[str], wanted: Sequence[str]) -> bool:
    return [cell.lower() for cell in cells[: len(wanted)]] == list(wanted)


def _find_label(rows: Sequence[Row], shape: Shape) -> str:
    """Return the text that is alone in the last row above the names."""
    above = [[cell for cell in cells if cell] for number, cells in rows if any(cells) and number <= shape.skip]
    return above[-1][0] if above and len(above[-1]) == 1 else ""


def _pop_label(part: list[Row]) -> str:
    """Remove the lone text before repeated names from the part above, and return it."""
    label = ""
    while part and not any(delimiters.is_number(cell) for cell in part[-1][1]):
        filled = [cell for cell in part.pop()[1] if cell]
        label = label or (filled[0] if len(filled) == 1 else "")
    return label


def _split_beside(
    rows: Sequence[Row], start: int, head: _Head, shape: Shape, width: int, options: ReadOptions
) -> list[tuple[str, list[int]]]:
    """Find the columns and the label of each table: separated by empty columns, or by repeated names."""
    width = max(width, len(head.names))
    seen: set[int] = set()
    for _, cells in rows[start:]:
        if len(seen) == width:
            break
        seen.update(k for k in range(len(cells)) if cells[k])
    named = {k for k, name in enumerate(head.names) if name}
    filled = [k for k in range(width) if k in seen or k in named]
    groups = _group_columns(filled, head, bool(shape.header), options)
    if len(groups) < 2:
        return [("", filled)]
    line = next((cells for number, cells in reversed(rows[:start]) if any(cells) and number <= shape.skip), [])
    ends = [-1, *(group[-1] for group in groups)]  # a label may stand above the empty columns to the left
    labels = [[cell for cell in line[before + 1 : end + 1] if cell] for before, end in itertools.pairwise(ends)]
    labelled = all(len(each) == 1 for each in labels)
    ways = [{way for k in group if k < len(head.names) and (way := _direction_word(head.names[k]))} for group in groups]
    if not labelled and all(len(each) == 1 for each in ways) and len(set().union(*ways)) > 1:
        return [(each.pop(), group) for each, group in zip(ways, groups, strict=True)]  # LTP_Pulse, ... LTD_Pulse, ...
    return [(label[0] if labelled else "", group) for label, group in zip(labels, groups, strict=True)]


def _direction_word(name: str) -> str:
    """Return the one word for a direction in a column's name; "" if there is none or several."""
    found = [word for word in re.findall(r"[^\W\d_]+", name) if len(word) > 1 and word.lower() in DIRECTION_ALIASES]
    return found[0] if len(found) == 1 else ""


def _strip_comment_mark(name: str) -> str:
    """Return a name without the comment mark in front; a mark alone is a name."""
    return name.lstrip("# ") or name.strip()


def _strip_direction(name: str) -> str:
    name = _strip_comment_mark(name)
    return name.replace(way, "", 1) if (way := _direction_word(name)) else name


def last_place(options: ReadOptions) -> int:
    """Return the place of the last column that `map` names by its place, from 1; 0 without one."""
    words = (word.strip() for each in options.columns.values() for word in each.split(","))
    return max((natural_number(word.removeprefix("column ")) or 0 for word in words), default=0)


def _group_columns(filled: Sequence[int], head: _Head, named: bool, options: ReadOptions) -> list[list[int]]:
    """Group the columns of equal tables beside each other; one group if there is one table."""
    if options.blocks == "none" or not filled:
        return [list(filled)]
    if (size := natural_number(options.blocks or "")) is not None:
        size = max(size, 1)
        return [list(filled[k : k + size]) for k in range(0, len(filled), size)]
    names = [head.names[k].lower() if k < len(head.names) else "" for k in range(filled[-1] + 1)]
    units = [head.units[k] if k < len(head.units) else "" for k in range(filled[-1] + 1)]
    runs: list[list[int]] = [[filled[0]]]
    for before, k in itertools.pairwise(filled):
        if k > before + 1:
            runs.append([])
        runs[-1].append(k)
    alike = {tuple((_strip_direction(names[k]), units[k]) for k in group) for group in runs}
    within = last_place(options) <= len(runs[0])  # else map= names a column by its place among all
    if len(runs) > 1 and len(alike) == 1 and (named or within):
        return runs
    if not named:
        return [list(filled)]
    for size in (each for each in range(2, len(filled) // 2 + 1) if len(filled) % each == 0):
        groups = [list(filled[k : k + size]) for k in range(0, len(filled), size)]
        if len({tuple((names[k], units[k]) for k in group) for group in groups}) == 1:
            return groups
    return [list(filled)]
