"""Files that make one table must be alike: in kind, columns and read voltages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.readers.layout import IGNORED, KEPT, Layout
from devicekit.tables import Table


def check_alike(tables: Sequence[Table], paths: Sequence[Path]) -> None:
    """Refuse files that differ in kind, columns or read voltage."""
    first = tables[0]
    for table, file in zip(tables[1:], paths[1:], strict=True):
        for noun, value_of in _ALIKE:
            found = [Counter(value_of(each)) for each in (first, table)]
            if found[0] != found[1]:
                ours, theirs = (_list(set(own.items()) - set(other.items())) for own, other in (found, found[::-1]))
                raise UsageError(
                    f"{paths[0].name} and {file.name} differ in {noun} ({ours} and {theirs}). Read them one by one."
                )


def different_from_most(tables: Sequence[Table], paths: Sequence[Path]) -> dict[Path, str]:
    """Return the files that differ in kind, columns or read voltage from more than half of all, and in what."""
    found: dict[Path, str] = {}
    for noun, value_of in _ALIKE:
        own = {file: Counter(value_of(table)) for table, file in zip(tables, paths, strict=True) if file not in found}
        (usual, most), *_ = Counter(frozenset(each.items()) for each in own.values()).most_common()
        if 2 * most <= len(paths):
            return {}
        for file, each in own.items():
            if frozenset(each.items()) != usual:
                ours, theirs = _list(each.items() - usual), _list(usual - each.items())
                found[file] = f"differs from most files in {noun} ({ours}, not {theirs})"
    return found


def _columns(table: Table) -> list[str]:
    """Return the columns that are read, each with its unit."""
    layout: Layout = table.meta["layout"]
    used = [column for column in layout.columns if column.role not in (KEPT, IGNORED)]
    return [f"{column.role}{f' in {column.unit}' if column.unit else ''}" for column in used]


def _read_voltages(table: Table) -> list[str]:
    if "read_voltage_v" not in table.frame:
        return []
    return [f"{volts:g} V" for volts in np.unique(np.round(table.frame["read_voltage_v"].dropna().to_numpy(float), 12))]


_ALIKE: tuple[tuple[str, Callable[[Table], Iterable[str]]], ...] = (
    ("kind", lambda table: (table.kind,)),
    ("columns", _columns),
    ("read voltages", _read_voltages),
)


def _list(counted: Iterable[tuple[str, int]]) -> str:
    """Return what one file has and another has not: each value and how often."""
    each = [f"{number} of {value}" if number > 1 else value for value, number in sorted(counted)]
    return ", ".join([*each[:6], *(["..."] if len(each) > 6 else [])]) or "no others"
