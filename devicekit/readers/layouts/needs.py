"""Roles that a kind of table needs: which are missing in a file, and the options that give them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, permutations
from types import ModuleType

import numpy as np

from devicekit.core.errors import Blank, Choice, QuestionError
from devicekit.core.quantities import GLOSSARY
from devicekit.readers.layout import IGNORED, KEPT, Column
from devicekit.readers.layouts.scale import describe_columns
from devicekit.readers.layouts.view import View
from devicekit.readers.questions import NONE_OF_THESE, ask

MOST_FREE = 3  # columns whose roles are listed in every order
MOST_CHOICES = 6
RISING = frozenset({"time_s", "cycle", "interval_s"})  # roles of columns that do not fall
_LABELS = {"value": "a state", "hrs": "the HRS", "lrs": "the LRS"}


def find_missing(view: View, module: ModuleType) -> list[tuple[str, ...]]:
    """Return what is missing for each way to make a table of a kind, the shortest first; empty if nothing is.

    A kind declares its ways as `NEEDS`; one without them needs nothing.
    """
    known = known_roles(view)
    ways = [tuple(role for role in way if role not in known) for way in getattr(module, "NEEDS", ())]
    return [] if not all(ways) else sorted(dict.fromkeys(ways), key=len)


def known_roles(view: View) -> set[str]:
    """Return the roles that columns or options give; `value` for any state, `hrs` and `lrs` for its level."""
    levels = {str(column.tags["level"]).lower() for column in view.states if "level" in column.tags}
    return {
        *(column.role for column in view.columns),
        *(levels & {"hrs", "lrs"}),
        *(("value",) if view.states or len(view.unknown) == 1 else ()),
        *view.options.constant,
        *view.options.key,
    }


def numeric_columns(view: View) -> list[Column]:
    """Return the columns of numbers whose role no option gives."""
    return [column for column in view.columns if not column.is_explicit and view.numbers(column.name) is not None]


def ask_missing(view: View, module: ModuleType, ways: Sequence[tuple[str, ...]]) -> QuestionError:
    """Return the question which columns have the roles that a kind needs."""
    needs = " or ".join(" and ".join(map(label_role, way)) for way in ways[:2])
    free = [column.name for column in numeric_columns(view)]
    given = {"kind": module.NAME}
    choices = [
        Choice.of(_describe(way, names), **given, map=dict(zip(way, names, strict=True)))
        for way in ways
        for names in _arrange(free, way, view)
    ]
    choices += [
        Choice.of(f"give {' and '.join(map(label_role, way))}", **given, map={role: Blank("COLUMN") for role in way})
        for way in ways
        if len(way) <= len(free)
    ]
    if any("level" in way for way in ways):
        choices.append(Choice.of("all rows hold one level", **given, constant={"level": Blank("LEVEL")}))
    names = ", ".join(view.cells.block.names[:12])
    return ask(
        view.where,
        f"kind={module.NAME} needs {needs}: which columns are they? The file has {names}",
        (*choices[:MOST_CHOICES], NONE_OF_THESE),
        describe_columns([column for column in view.columns if column.role not in (KEPT, IGNORED)], view),
        fields=("columns", "kind"),
    )


def label_role(role: str) -> str:
    """Return the words for a role in a sentence."""
    return _LABELS.get(role) or (f"a {GLOSSARY[role].label}" if role in GLOSSARY else role)


def _describe(way: Sequence[str], names: Sequence[str]) -> str:
    return ", ".join(f"{name} is {label_role(role)}" for role, name in zip(way, names, strict=True))


def _arrange(free: Sequence[str], way: Sequence[str], view: View) -> list[tuple[str, ...]]:
    """Return the orders in which few free columns can have the missing roles, those that rise as times first."""
    if not len(way) <= len(free) <= MOST_FREE:
        return []
    rising = {name for name in free if is_rising(name, view)}
    found = islice(permutations(free, len(way)), MOST_CHOICES)
    return sorted(
        found, key=lambda names: -sum(n in rising for n, role in zip(names, way, strict=True) if role in RISING)
    )


def is_rising(name: str, view: View) -> bool:
    """Return whether a column never falls, is never negative, and is not constant."""
    values = view.numbers(name)
    x = np.array([]) if values is None else values.to_numpy(float)
    if x.size <= 2 or not np.isfinite(x).all() or x[0] < -1e-9 * x[-1]:
        return False
    return bool(x[-1] > x[0] and (np.diff(x) >= 0).all())
