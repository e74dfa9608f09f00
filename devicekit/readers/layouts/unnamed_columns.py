"""Tables whose columns have no names: roles of the columns for each kind that the user may choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from types import ModuleType

import numpy as np

from devicekit.core.errors import Choice, QuestionError
from devicekit.names import parse_unit
from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts.meanings import HINT, option_of
from devicekit.readers.layouts.roles import UNKNOWN
from devicekit.readers.layouts.scale import describe_ranges
from devicekit.readers.layouts.view import Claim, View
from devicekit.readers.questions import NONE_OF_THESE, ask
from devicekit.readers.sizes import UNITS, describe_others, median_size, rank_units
from devicekit.readers.state import NEGATIVE_SHARE_OF_A_WEIGHT
from devicekit.system import plugins

APART = 10.0  # ratio of medians beyond which two columns hold different quantities
_POSITIVE = ("conductance", "resistance")  # quantities that are refused where many numbers are negative
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


def find_candidates(view: View) -> list[tuple[ModuleType, Claim]]:
    """Find every kind as which the columns can be read, if the user chooses it."""
    found = []
    for module in plugins.KINDS.all().values():
        as_kind = replace(view, options=replace(view.options, kind=module.NAME))
        claim = module.claim(as_kind)
        if claim is not None and module.NAME != "record":
            found.append((module, claim))
    return sorted(found, key=lambda each: each[0].claim(view) is None)  # kinds that need no option first


def ask_kind(view: View, found: Sequence[tuple[ModuleType, Claim]]) -> QuestionError:
    """Return the question about a table without names: its kind, and the quantity of its numbers."""
    wide = len(view.unknown) > 2
    fields = ("kind", "quantity", "unit", "read_voltage", *((option_of("columns"),) if wide else ()), "columns")
    names = ", ".join(column.name for column in view.columns[:8]) + (", ..." if len(view.columns) > 8 else "")
    known = view.options.stated_quantity is not None
    numbers = [values for column in view.unknown if (values := view.numbers(column.name)) is not None]
    negative = any((values < 0).mean() > NEGATIVE_SHARE_OF_A_WEIGHT for values in numbers)
    hints = [
        *([] if known else ["change quantity=, unit= or read_voltage= if needed"]),
        *([f"add {HINT} for several states"] if wide else []),
    ]
    hint = "; ".join(hints)
    return ask(
        view.where,
        f"what do the columns without names hold ({names})?{f' {hint[0].upper()}{hint[1:]}' if hint else ''}",
        (
            *(
                _choice(view, module, claim, {} if known else getattr(module, "BARE", {}))
                for module, claim in found
                if known or not (negative and getattr(module, "BARE", {}).get("quantity") in _POSITIVE)
            ),
            NONE_OF_THESE,
        ),
        describe_ranges(view),
        fields=fields,
    )


def _choice(view: View, module: ModuleType, claim: Claim, bare: Mapping[str, str]) -> Choice:
    """Return a kind as an answer, in the unit that makes the numbers probable; the others are named beside it."""
    says = f"{module.TITLE}: {claim.why}"
    unit = parse_unit(bare.get("unit", ""))
    if unit is None or len(view.unknown) == 0:
        return Choice.of(says, kind=module.NAME, **bare)
    first, *rest = [each.name for each in view.unknown]
    is_axis = bool(rest) and (module.NAME == "sweep" or find_axis(view) is not None)
    values = [median_size(view.numbers(name)) for name in (rest if is_axis else [first, *rest])]
    volts = median_size(view.numbers(first)) if module.NAME == "sweep" and is_axis else float("nan")
    ranked = rank_units(float(np.median(values)), UNITS[unit.quantity], volts)
    word, size = next(iter(ranked.items()))
    return Choice.of(f"{says}; {word}: {size}{describe_others(ranked)}", kind=module.NAME, **{**bare, "unit": word})
