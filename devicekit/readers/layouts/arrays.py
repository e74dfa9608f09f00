"""Arrays of a file by key (JSON, npz, HDF5, MATLAB): side by side as columns of one table, where `map` names them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from devicekit.core.errors import Choice, UsageError
from devicekit.readers.header import parse_heading
from devicekit.readers.layouts.grid import Block
from devicekit.readers.questions import ask
from devicekit.readers.workbook import Cell, Sheet
from devicekit.system.options import ReadOptions

KINDS = ("mat", "npz", "json")  # of files that hold arrays by key
_ROLES = {"voltage": "voltage_v", "current": "current_a", "time": "time_s"}
SHOWN = 4  # names in a message


def join_arrays(sheets: Sequence[Sheet], columns: Sequence[str], where: str) -> list[Sheet]:
    """Return one table of the arrays that `map` or a recipe names as columns, if they are several tables; else all.

    Matrices of one shape go side by side column by column; a vector belongs to each column of a matrix.

    Raises
    ------
    UsageError
        If the arrays have different shapes.
    """
    names = list(dict.fromkeys(columns))
    arrays = {name: columns for sheet in sheets for name, columns in _columns_by_name(sheet).items()}
    in_one = any(set(names) <= set(sheet.rows[0] if _is_named(sheet) else ()) for sheet in sheets)
    if len(names) < 2 or in_one or not set(names) <= set(arrays):
        return list(sheets)
    found = [arrays[name] for name in names]
    width = max(map(len, found))
    if len({len(columns[0]) for columns in found}) > 1 or any(len(columns) not in (1, width) for columns in found):
        shapes = ", ".join(f"{name} {len(each[0])} x {len(each)}" for name, each in zip(names, found, strict=True))
        raise UsageError(f"{where}: map names arrays that do not fit side by side ({shapes})")
    cells = [each[k if len(each) > 1 else 0] for k in range(width) for each in found]
    head: list[Cell] = [*names * width]
    return [Sheet(", ".join(names), [head, *map(list, zip(*cells, strict=True))])]


def _is_named(sheet: Sheet) -> bool:
    return bool(sheet.rows) and all(isinstance(cell, str) for cell in sheet.rows[0])


def _columns_by_name(sheet: Sheet) -> dict[str, list[list[Cell]]]:
    """Return the columns of a matrix under the name of its sheet, or each vector of a table under its own."""
    if _is_named(sheet):
        names, rows = [str(cell) for cell in sheet.rows[0]], sheet.rows[1:]
        return {name: [[row[k] for row in rows]] for k, name in enumerate(names)}
    width = max(map(len, sheet.rows), default=0)
    return {sheet.name: [[row[k] if k < len(row) else None for row in sheet.rows] for k in range(width)]}


def check_arrays(blocks: Sequence[Block], options: ReadOptions, where: str) -> None:
    """Ask how matrices of different names belong together: they are not devices or cycles of one table.

    Raises
    ------
    QuestionError
        If they are named for different quantities.
    UsageError
        If an option calls matrices of different names cycles.
    """
    names = list(dict.fromkeys(block.sheet for block in blocks if not block.named))
    stems = {name: re.sub(r"[\d\W_]+", " ", name).strip() for name in names}
    if len(set(stems.values())) < 2:
        return
    listed = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    quantities = {name: parse_heading(stem.rpartition(" ")[2]).quantity for name, stem in stems.items()}
    if len(set(quantities.values()) - {None}) > 1:
        pairs = {_ROLES[kind]: name for name, kind in quantities.items() if kind in _ROLES}
        both = [Choice.of("they are columns of one table", map=pairs)] if len(pairs) > 1 else []
        raise ask(
            where,
            f"how do the arrays {listed} of different quantities belong together?",
            [*both, *(Choice.of(f"only {name}", sheet=name) for name in names[:SHOWN])],
        )
    if options.sheets_are == "cycles":
        raise UsageError(
            f"{where}: {listed} are arrays of different names, not cycles. Name those to read: map or sheet."
        )
