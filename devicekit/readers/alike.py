"""Files that make one table must be alike: in kind, columns and read voltages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from devicekit.core.errors import Choice, DevicekitError, Question, QuestionError, UsageError
from devicekit.core.text import count, listed
from devicekit.readers.layout import IGNORED, KEPT, Layout
from devicekit.tables import Table

KINDS = "kinds of files"  # subject of the question which of several kinds is to be read
IN_TIME = ("pulse", "retention")  # kinds whose readings may be transients; a sweep has a course of its own


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


def find_other_kinds(
    paths: Sequence[Path], read_kind: Callable[[Path], str], wanted: str | None, where: str
) -> dict[Path, str]:
    """Return the files of a folder that hold another kind of data than the one that is wanted, with the reason.

    Parameters
    ----------
    paths : sequence of Path
    read_kind : callable
        Reads the kind of a file; raises DevicekitError where it cannot.
    wanted : str, optional
    where : str
        Folder for messages.

    Raises
    ------
    QuestionError
        If no kind is wanted, and none is that of more than half of the files.
    """
    kinds: dict[Path, str] = {}
    for file in paths:
        with suppress(DevicekitError):
            kinds[file] = read_kind(file)
    numbers = Counter(kinds.values())
    if wanted is None and len(numbers) > 1 and 2 * max(numbers.values()) <= len(kinds):
        held = [f"{count(number, 'file')} of {kind} data" for kind, number in numbers.items()]
        choices = tuple(
            Choice.of(f"those of {kind} data, such as {_first(kinds, kind)}; others are left out", kind=kind)
            for kind, _ in numbers.most_common()
        )
        text = f"the folder holds {listed(held)}: which are to be read?"
        raise QuestionError(where, Question(text, ("kind",), choices, subject=KINDS))
    if wanted not in numbers:
        return {}
    return {file: f"holds {kind} data, not {wanted}" for file, kind in kinds.items() if kind != wanted}


def find_alike(own: Sequence[Path], others: Sequence[Path], read: Callable[[Path], Table]) -> list[Path]:
    """Return the files of other kinds that can be read as the stated one, with the columns of its own files.

    Parameters
    ----------
    own, others : sequence of Path
        Files that by themselves are of the stated kind, and of others.
    read : callable
        Reads a file as the stated kind; raises DevicekitError where it cannot.
    """
    found = []
    for sample in own[:1]:
        for file in others:
            with suppress(DevicekitError):
                check_alike([read(sample), read(file)], [sample, file])
                found.append(file)
    return found


def _first(kinds: Mapping[Path, str], kind: str) -> str:
    """Return the name of the first file of a kind."""
    return next(file.name for file, own in kinds.items() if own == kind)


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
