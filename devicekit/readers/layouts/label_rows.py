"""Rows above the names of a table that label its columns: an amplitude, a level, a device or a cycle for each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from devicekit.core.errors import Choice, UsageError
from devicekit.core.quantities import DIRECTION_ALIASES, GLOSSARY
from devicekit.core.text import natural_number
from devicekit.names import parse_unit
from devicekit.readers.header import parse_heading
from devicekit.readers.layout import Tag
from devicekit.readers.layouts import delimiters
from devicekit.readers.layouts.grid import Block
from devicekit.readers.layouts.keys import translate_cell
from devicekit.readers.layouts.misfits import fill_right
from devicekit.readers.lexicon import means, normalise_name
from devicekit.system.options import ReadOptions

_OF_QUANTITY = {"voltage": "pulse_voltage_v", "time": "pulse_width_s", "current": "compliance_a"}
_VALUE = re.compile(r"([^\W\d].*?[=: ])?\s*([+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*(\S*)")
SHOWN = 4  # labels in an answer


def label_tags(block: Block, places: Sequence[int], options: ReadOptions) -> list[dict[str, Tag]]:
    """Return the tags that rows above the names give the columns at some places.

    Raises
    ------
    UsageError
        If a given row is not above the names, or a label does not fit its name.
    """
    found: list[dict[str, Tag]] = [{} for _ in places]
    for name, row in options.label_rows.items():
        cells = _row_above(block, name, row)
        filled = fill_right(cells)
        for tags, place in zip(found, places, strict=True):
            label = translate_cell(filled[place], options.words)
            tags[name] = _convert(name, label, _title(cells), block.where)
    return found


def _row_above(block: Block, name: str, row: str) -> Sequence[str]:
    cells = next((cells for number, cells in block.above if number == natural_number(row.strip())), None)
    if cells is None:
        rows = ", ".join(str(number) for number, _ in block.above) or "none"
        raise UsageError(f"{block.where}: label_rows={{{name}: {row}}} must be a row above the names: {rows}")
    return cells


def label_block(block: Block, options: ReadOptions) -> dict[str, Tag]:
    """Return the tags that rows above the names give a table beside others, each by the one label over its columns.

    Raises
    ------
    UsageError
        If its columns have different labels, or a label does not fit its name.
    """
    found: dict[str, Tag] = {}
    for name, row in options.label_rows.items():
        cells = _row_above(block, name, row)
        label = _find_only_label(cells, block)
        if label is None:
            raise UsageError(f"{block.where}: label_rows={{{name}: {row}}} labels single columns; add blocks=none")
        found[name] = _convert(name, translate_cell(label, options.words), _title(cells), block.where)
    return found


def _find_only_label(cells: Sequence[str], block: Block) -> str | None:
    """Return the one label that a row has over the columns of a table; None for several or none."""
    own = {cell for cell in cells[: len(block.names)] if cell}
    return own.pop() if len(own) == 1 else None


def _title(cells: Sequence[str]) -> str:
    first = cells[0] if cells else ""
    return "" if delimiters.is_number(first) else first


def _convert(name: str, cell: str, title: str, where: str) -> Tag:
    """Return a label as the value of a devicekit column, in SI units."""
    if name in ("device_id", "level") and cell:
        return cell
    if name == "direction" and cell.lower() in DIRECTION_ALIASES:
        return DIRECTION_ALIASES[cell.lower()]
    found = _VALUE.fullmatch(cell.strip())
    if found and name == "cycle" and natural_number(found[2]) is not None:
        return int(found[2])
    if found and GLOSSARY[name].unit and delimiters.is_number(found[2]):
        wanted = parse_unit(GLOSSARY[name].unit)
        unit = parse_unit(found[3]) if found[3] else parse_heading(title).unit or wanted
        if unit is not None and wanted is not None and unit.quantity == wanted.quantity:
            return float(f"{float(found[2].replace(',', '.')) * unit.factor:.15g}")  # 1400 mV is 1.4 V
    raise UsageError(f"{where}: the label {cell!r} is not a {GLOSSARY[name].label if name in GLOSSARY else name}")


def label_choices(block: Block, places: Sequence[int]) -> list[Choice]:
    """Return the answers that rows above the names offer: those with different labels over the columns."""
    choices = []
    for number, cells in reversed(block.above):
        filled = fill_right(cells)
        labels = [filled[place] for place in places if place < len(filled)]
        if len(labels) == len(places) and not _is_own_row(cells, block):
            choices += _offer_labels(labels, number, _title(cells), block.where)
    return choices


def block_choices(blocks: Sequence[Block]) -> list[Choice]:
    """Return the answers that rows above tables side by side offer: those with one label over each table."""
    choices = []
    for number, cells in reversed(blocks[0].above):
        rows = [next((own for at, own in block.above if at == number), ()) for block in blocks]
        labels = [_find_only_label(row, block) or "" for row, block in zip(rows, blocks, strict=True)]
        choices += _offer_labels(labels, number, _title(cells), blocks[0].where)
    return choices


def _offer_labels(labels: Sequence[str], number: int, title: str, where: str) -> list[Choice]:
    """Return the answers that labels in a row offer; none if one is missing or all are the same."""
    choices = []
    shown = ", ".join(dict.fromkeys(labels[:SHOWN])) + (", ..." if len(labels) > SHOWN else "")
    for name in _names_of(title or labels[0]) if all(labels) and len(set(labels)) > 1 else ():
        try:
            [_convert(name, label, title, where) for label in labels]
        except UsageError:
            continue
        label = GLOSSARY[name].label if name in GLOSSARY else name
        choices.append(Choice.of(f"row {number} is the {label}: {shown}", label_rows={name: str(number)}))
    return choices


def _is_own_row(cells: Sequence[str], block: Block) -> bool:
    """Return whether a row is that of the names or of the units."""
    names = [re.sub(r"\.\d+$", "", name) for name in block.names]
    words = [heading.word for heading in block.headings]
    return list(cells) == names or all(
        not cell or cell.strip("[]()") == word for cell, word in zip(cells, words, strict=True)
    )


def _names_of(title: str) -> list[str]:
    """Return what a row of labels may give, by its title or a label."""
    bare = normalise_name(re.sub(r"[\d.,]+", " ", title))
    for name in ("cycle", "device_id", "level", "direction"):
        if means(name, bare):
            return [name]
    quantity = parse_heading(title).quantity
    if quantity is None and (found := _VALUE.fullmatch(title)) and found[3] and (unit := parse_unit(found[3])):
        quantity = unit.quantity
    return [_OF_QUANTITY[quantity]] if quantity in _OF_QUANTITY else ["device_id", "cycle", "level"]
