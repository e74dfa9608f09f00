"""Numbers with their unit in the same cell: 1.2 mV, 10k; turned into numbers, the unit belongs to the column."""

from __future__ import annotations

import math
from collections.abc import Sequence

from devicekit.names import parse_unit
from devicekit.names.units import UNIT_PREFIXES
from devicekit.readers.cells import Row
from devicekit.readers.header import parse_heading
from devicekit.readers.layouts import delimiters
from devicekit.readers.lexicon import means, normalise_name

_SI = {"voltage": "V", "current": "A", "time": "s", "conductance": "S", "resistance": "ohm"}
JUDGED = 200  # rows
MOST = 0.9  # share of the cells of a column


def split_quantities(rows: Sequence[Row]) -> tuple[Sequence[Row], dict[int, str]]:
    """Return the rows with plain numbers in columns of numbers with units, and the unit of each such column by place.

    The numbers of a column are those of the unit in its name, else SI units.
    """
    middle = len(rows) // 3
    body = [cells for _, cells in rows[middle : middle + JUDGED] if any(cells)]
    width = max(map(len, body), default=0)
    every = [cells for _, cells in rows]
    places = [k for k in range(width) if _is_column(body, every, k)]
    common = {k: _common_unit([cells[k] for _, cells in rows if k < len(cells) and cells[k]]) for k in places}
    units = {k: unit for k, unit in common.items() if unit is not None}
    if not units:
        return rows, {}
    found = []
    for number, cells in rows:
        if any(k < len(cells) and delimiters.is_quantity(cells[k]) for k in units):
            cells = [_write_number(cell, units[k]) if k in units else cell for k, cell in enumerate(cells)]
        found.append((number, cells))
    return found, {k: unit for k, unit in units.items() if unit}


def _is_column(judged: Sequence[Sequence[str]], every: Sequence[Sequence[str]], k: int) -> bool:
    """Return whether a column holds numbers, some with prefixes, or most with units."""
    cells = [row[k] for row in judged if k < len(row) and row[k]]
    found = [row[k] for row in every if k < len(row) and row[k][-1:].isalpha() and delimiters.is_quantity(row[k])]
    quantities, plain = sum(map(delimiters.is_quantity, cells)), sum(map(delimiters.is_number, cells))
    words = {match[3] for cell in found if (match := delimiters.QUANTITY.fullmatch(cell))}
    often = words <= set(UNIT_PREFIXES) or 2 * quantities > len(cells)
    return len(found) > 1 and quantities + plain > MOST * len(cells) and often


def _common_unit(cells: Sequence[str]) -> str | None:
    """Return the unit for a column, "" for prefixes alone, None for names (1A, 2A) and cells without a common one."""
    first = next(k for k, cell in enumerate(cells) if delimiters.is_quantity(cell))
    head = parse_heading(cells[first - 1]) if first else parse_heading("")
    words = {
        found[3] for cell in cells if delimiters.is_quantity(cell) and (found := delimiters.QUANTITY.fullmatch(cell))
    }
    if means("device_id", normalise_name(head.name)):
        return None
    if words <= set(UNIT_PREFIXES):
        return ""
    whole = all(found[1].isdigit() for cell in cells if (found := delimiters.QUANTITY.fullmatch(cell)))
    if whole and words == {"W"} and head.quantity is None:
        return None  # 2W, 4W: wires
    quantities = {unit.quantity if (unit := parse_unit(word)) else "" for word in words}
    if head.unit is not None and quantities == {head.unit.quantity}:
        return head.word
    # SI, so that files of one make agree, whatever units their cells have
    return _SI.get(quantities.pop(), words.pop() if len(words) == 1 else None) if len(quantities) == 1 else None


def _write_number(cell: str, unit: str) -> str:
    """Return the number of a cell in the column's unit; a power of ten keeps its digits."""
    found = delimiters.QUANTITY.fullmatch(cell)
    if found is None or found[3] == unit:
        return cell if found is None else cell[: found.start(3)].strip()
    meant, wanted = parse_unit(found[3]), parse_unit(unit)
    power = UNIT_PREFIXES.get(found[3], 0) if meant is None or not unit else 0
    if meant is not None and wanted is not None:
        ratio = math.log10(meant.factor / wanted.factor)
        power = round(ratio)
        if not math.isclose(ratio, power, abs_tol=1e-9):  # minutes among seconds
            return repr(float(f"{found[1].replace(',', '.')}e{found[2] or 0}") * meant.factor / wanted.factor)
    return f"{found[1]}e{int(found[2] or 0) + power}"
