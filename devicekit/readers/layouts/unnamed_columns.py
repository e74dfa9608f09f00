"""Tables whose columns have no names: what each kind would take them for, if somebody says the kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from types import ModuleType

import numpy as np

from devicekit import plugins
from devicekit.errors import Choice, Question, QuestionError
from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts.roles import UNKNOWN
from devicekit.readers.layouts.scale import describe_ranges
from devicekit.readers.layouts.view import Claim, View

APART = 10.0  # ratio of medians beyond which two columns hold no one quantity
FEWEST = 3  # rows from which on a column that rises may be an axis


def has_no_names(view: View) -> bool:
    """Return whether no column has a name, or was told by an option or a recipe."""
    return not view.cells.block.named and not any(column.is_explicit for column in view.columns)


def find_axis(view: View) -> Column | None:
    """The first of several nameless columns if it never falls and is never negative, as a time or a count is."""
    columns = [column for column in view.columns if column.role in (UNKNOWN, "counter")]
    if not has_no_names(view) or len(columns) < 2 or columns[0] is not view.columns[0]:
        return None
    values = view.numbers(columns[0].name)
    x = np.array([]) if values is None else values.to_numpy(float)
    if x.size < FEWEST or not np.isfinite(x).all() or x[0] < 0 or x[-1] <= x[0] or (np.diff(x) < 0).any():
        return None
    return columns[0]


def has_distinct_axis(view: View) -> bool:
    """Return whether the first of nameless columns rises and is of another size than the rest: perhaps a time."""
    first = find_axis(view)
    if first is None or first.role != UNKNOWN:
        return False
    sizes = [float(v.abs().median()) for c in view.unknown[1:] if (v := view.numbers(c.name)) is not None]
    own = float(view.numbers(first.name).abs().median())  # type: ignore[union-attr]
    return bool(sizes) and all(max(own, size) > APART * min(own, size) for size in sizes)


def _redundant_of_ohm(view: View) -> set[str]:
    """Of a voltage, a current and their ratio without names, those that are not of the quantity that was said."""
    quantity = view.options.stated_quantity
    held = {c.name: v.abs() for c in view.unknown[1:] if (v := view.numbers(c.name)) is not None}
    for volts, one, other in permutations(held, 3):
        if one < other and np.allclose(held[one] * held[other], held[volts], rtol=0.02, atol=0.0):
            small, large = sorted((one, other), key=lambda name: float(held[name].median()))
            return {volts, one, other} - {{"resistance": large, "current": small}.get(quantity or "", "")}
    return set()


def assign_axis(view: View, role: str) -> View:
    """The view with its axis as a column of that role, and what never changes left aside."""
    first = find_axis(view)
    if first is None:
        return view
    found, left_out = [], _redundant_of_ohm(view)
    for column in view.columns:
        values = view.numbers(column.name)
        if column.name in left_out:
            column = replace(column, role=KEPT, why="a voltage, a current and a resistance: one is the others' ratio")
        elif column is first:
            column = replace(column, role=role, why="the first column, and it rises", stated=True)
        elif column.role == UNKNOWN and values is not None and values.nunique() == 1:
            column = replace(column, role=KEPT, why="a constant")
        found.append(column)
    return replace(view, columns=tuple(found))


def find_candidates(view: View) -> list[tuple[ModuleType, Claim]]:
    """Every kind as which the columns could be read, if it were said."""
    found = []
    for module in plugins.KINDS.all().values():
        said = replace(view, options=replace(view.options, kind=module.NAME))
        claim = module.claim(said)
        if claim is not None:
            found.append((module, claim))
    return sorted(found, key=lambda each: each[0].claim(view) is None)  # what needs no word first


def ask_kind(view: View, found: Sequence[tuple[ModuleType, Claim]]) -> QuestionError:
    """Return what to ask of a table that has no names: the kind, and with it what the numbers are."""
    wide = len(view.unknown) > 2
    fields = ("kind", "quantity", "unit", "read_voltage", *(("columns_are",) if wide else ()), "columns")
    several = "; with several columns of states columns_are=devices or cycles" if wide else ""
    names = ", ".join(column.name for column in view.columns[:8]) + (", ..." if len(view.columns) > 8 else "")
    known = view.options.stated_quantity is not None
    numbers = (
        ""
        if known
        else ", and quantity=conductance, resistance, weight or current (with read_voltage=V); unit= if they are not "
        "in SI units"
    )
    return QuestionError(
        view.where,
        Question(
            f"the columns have no names ({names}): say what they hold with kind={numbers}{several}; or name them with "
            "map={NAME: COLUMN}",
            fields,
            tuple(
                Choice.of(
                    f"{module.TITLE}: {claim.why}", kind=module.NAME, **({} if known else getattr(module, "BARE", {}))
                )
                for module, claim in found
            ),
            describe_ranges(view),
        ),
    )
