"""Columns that do not vary, and columns that count, beside the columns that were measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts import unnamed_columns
from devicekit.readers.layouts.grid import Block
from devicekit.readers.layouts.roles import UNKNOWN, Cells, is_counter, is_switching
from devicekit.readers.terminals import is_gate
from devicekit.system.options import ReadOptions


def settle_constants(columns: Sequence[Column], cells: Cells, block: Block, options: ReadOptions) -> list[Column]:
    """Separate constants and counters from what varies: a constant voltage is the read voltage."""
    volts = [column for column in columns if column.role == "voltage_v"]
    amps = [column for column in columns if column.role == "current_a"]
    stated = [column for column in columns if column.role == "time_s" and column.stated]
    unknown = [column for column in columns if column.role == UNKNOWN]
    sizes = _median_sizes(unknown, cells)
    found = []
    for column in columns:
        given = (
            is_named_sweep(column, columns)
            or column.by in ("map", "recipe")
            or (column.is_explicit and options.kind == "sweep")
        )
        if column.role == "voltage_v" and not (given or is_switching(column.name)):
            value = _constant_value(column, cells, block) if len(block.cells) >= 3 else None
            taken = len(volts) > 1 or any(each.role == "read_voltage_v" for each in columns)
            if value is not None and (value == 0 or is_gate(column.name)):
                column = replace(column, role=KEPT, why=f"constant voltage of {value * column.factor:g} V")
            elif value and not taken:
                column = replace(column, role="read_voltage_v", why=f"constant voltage of {value * column.factor:g} V")
        elif column.role == "current_a" and len(amps) > 1 and _constant_value(column, cells, block):
            column = replace(column, role="compliance_a", why="constant current")
        elif column.role == "time_s" and not (column.stated or column.is_explicit) and stated:
            if _constant_value(column, cells, block) is not None:
                column = replace(column, role=KEPT, why="constant beside a time with its unit")
        elif column.role == UNKNOWN and block.named and _constant_value(column, cells, block) is not None:
            column = replace(column, role=KEPT, why="constant")
        elif column.role == UNKNOWN and _differs_in_size(column, sizes, cells):
            column = replace(column, role=KEPT, why="constant, of another size than the rest")
        elif column.role == UNKNOWN and _is_index(column, unknown, cells):
            column = replace(column, role="counter", why="it counts")
        found.append(column)
    return found


def is_named_sweep(column: Column, columns: Sequence[Column]) -> bool:
    """Return whether a column is `voltage_v` without a time beside it: that of a sweep, as devicekit names it."""
    return column.name == "voltage_v" and not any(each.role == "time_s" for each in columns)


def _median_sizes(unknown: Sequence[Column], cells: Cells) -> np.ndarray:
    """Return medians of the magnitudes of unnamed columns that change; empty if there are few, or one holds words."""
    if len(unknown) < 3:
        return np.array([])
    values = [cells.numbers(each.name) for each in unknown]
    if any(each is None for each in values):
        return np.array([])
    return np.array([float(each.abs().median()) for each in values if each is not None and each.nunique() > 1])


def _differs_in_size(column: Column, sizes: np.ndarray, cells: Cells) -> bool:
    """Return whether an unnamed column is constant and no other is of its size: a setting, not a stuck device."""
    values = cells.numbers(column.name)
    if not sizes.size or values is None or values.nunique() != 1:
        return False
    size = float(values.abs().iloc[0])
    return bool((np.maximum(size, sizes) > unnamed_columns.APART**2 * np.minimum(size, sizes)).all())


def _constant_value(column: Column, cells: Cells, block: Block) -> float | None:
    """Return the value of a constant column, else None."""
    values = cells.numbers(column.name)
    known = None if values is None else values.dropna()
    if known is None or known.empty or known.nunique() != 1 or len(known) < 2:
        return None
    if len(block.cells) > len(cells.block.cells) and Cells(block).read(column.name).nunique() != 1:
        return None
    return float(known.iloc[0])


def _is_index(column: Column, unknown: Sequence[Column], cells: Cells) -> bool:
    """Return whether a first column without a known quantity counts the rows of the others."""
    numbered = cells.block.named and any(map(str.isdigit, column.name))  # cycle 1, beside cycle 2
    if numbered or len(unknown) < 2 or column.name != unknown[0].name:
        return False
    values = cells.numbers(column.name)
    return values is not None and is_counter(values)
