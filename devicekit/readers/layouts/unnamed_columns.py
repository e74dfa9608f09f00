"""Tables whose columns have no names: roles of the columns for each kind that the user may choose."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np

from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts.roles import UNKNOWN
from devicekit.readers.layouts.view import View

APART = 10.0  # ratio of medians beyond which two columns hold different quantities
FEWEST = 3  # rows from which on a column that rises may be an axis


def has_no_names(view: View) -> bool:
    """Return whether no column has a name or a role from an option or a recipe."""
    return not view.cells.block.named and not any(column.is_explicit for column in view.columns)


def find_axis(view: View) -> Column | None:
    """Return the first of several unnamed columns if it never falls and is never negative, as a time or a count."""
    columns = [column for column in view.columns if column.role in (UNKNOWN, "counter")]
    if not has_no_names(view) or len(columns) < 2 or columns[0] is not view.columns[0]:
        return None
    values = view.numbers(columns[0].name)
    x = np.array([]) if values is None else values.to_numpy(float)
    if x.size < FEWEST or not np.isfinite(x).all() or x[0] < 0 or x[-1] <= x[0] or (np.diff(x) < 0).any():
        return None
    return columns[0]


def has_distinct_axis(view: View) -> bool:
    """Return whether the first of several unnamed columns rises and differs in size from the rest, as a time may."""
    first = find_axis(view)
    if first is None or first.role != UNKNOWN:
        return False
    sizes = [float(v.abs().median()) for c in view.unknown[1:] if (v := view.numbers(c.name)) is not None]
    own = float(view.numbers(first.name).abs().median())  # type: ignore[union-attr]
    return bool(sizes) and all(max(own, size) > APART * min(own, size) for size in sizes)


def _redundant_of_ohm(view: View) -> set[str]:
    """Find voltage, current and their ratio without names; return those that are not of the given quantity."""
    quantity = view.options.stated_quantity
    sizes = {c.name: v.abs() for c in view.unknown[1:] if (v := view.numbers(c.name)) is not None}
    for volts, one, other in permutations(sizes, 3):
        if one < other and np.allclose(sizes[one] * sizes[other], sizes[volts], rtol=0.02, atol=0.0):
            small, large = sorted((one, other), key=lambda name: float(sizes[name].median()))
            return {volts, one, other} - {{"resistance": large, "current": small}.get(quantity or "", "")}
    return set()


def assign_axis(view: View, role: str) -> View:
    """Give the axis a role, and keep constant columns as others."""
    first = find_axis(view)
    if first is None:
        return view
    found, left_out = [], _redundant_of_ohm(view)
    for column in view.columns:
        values = view.numbers(column.name)
        if column.name in left_out:
            column = replace(column, role=KEPT, why="voltage, current and resistance: one is the ratio of the others")
        elif column is first:
            column = replace(column, role=role, why="the first column, which rises", stated=True)
        elif column.role == UNKNOWN and values is not None and values.nunique() == 1:
            column = replace(column, role=KEPT, why="a constant")
        found.append(column)
    return replace(view, columns=tuple(found))
