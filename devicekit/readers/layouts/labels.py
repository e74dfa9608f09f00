"""Columns that label whole sweeps: the user is asked whether they name devices or cycles."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import numpy as np
import pandas as pd

from devicekit.core.errors import Choice, QuestionError
from devicekit.core.text import count
from devicekit.readers.borders import split_sweeps
from devicekit.readers.header import parse_heading
from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts.roles import UNKNOWN
from devicekit.readers.layouts.view import View
from devicekit.readers.questions import ask

MOST = 3  # columns in one question


def check_labels(view: View, columns: Sequence[Column]) -> list[Column]:
    """Return the columns of a table of sweeps, if the device and cycle of each sweep are clear.

    Parameters
    ----------
    view : View
        The columns before they got the roles of sweeps.
    columns : sequence of Column
        The same with these roles.

    Raises
    ------
    QuestionError
        If a column without a role is constant within each sweep and changes between sweeps, and neither devices nor
        cycles are named.
    """
    volts = [column for column in columns if column.role == "voltage_v"]
    named = any(
        column.role in ("device_id", "cycle")
        or {"device_id", "cycle"} & set(column.tags)
        or (column.is_explicit and column.role == KEPT)
        for column in columns
    )
    values = view.numbers(volts[0].name) if len(volts) == 1 and not named else None
    if values is None:
        return list(columns)
    sweep, _ = split_sweeps(values.to_numpy(float))
    known = values.notna().to_numpy()
    found = [
        (after, cells)
        for before, after in zip(view.columns, columns, strict=True)
        if _is_open(before, after) and (cells := _label_cells(view, after, sweep[known], known)) is not None
    ]
    if found:
        raise _ask_label(view, found[:MOST], int(sweep[-1]))
    return list(columns)


_AXES = ("voltage_v", "time_s", "pulse_index", "cycle", "interval_s", "spike_delay_s")
FEWEST = 3  # rows of each value of a column that may name devices


def check_groups(view: View, columns: Sequence[Column], kind: ModuleType, levels: bool) -> list[Column]:
    """Return the columns of a kind, if none without a role may name devices; `levels` as in `check_runs`.

    Raises
    ------
    QuestionError
    """
    found = check_interleaved(view, columns, kind.VALUES)
    axes = {"sweep": ("cycle",), "record": ()}.get(kind.NAME, _AXES[1:])
    return check_runs(view, found, levels, axes)


def check_interleaved(view: View, columns: Sequence[Column], values: frozenset[str]) -> list[Column]:
    """Return the columns, if no column may name devices whose rows alternate: 1, 2, 3, 1, 2, 3, ... at each voltage.

    Raises
    ------
    QuestionError
        If a column without a role has a few values, in turn, and each of them goes with the same voltages or times.
    """
    named = any(column.role in ("device_id", "level") or "device_id" in column.tags for column in columns)
    named = named or sum(column.role in values for column in columns) > 1
    axis = next((column for role in _AXES for column in columns if column.role == role), None)
    along = None if axis is None or named else view.numbers(axis.name)
    for before, after in zip(view.columns, columns, strict=True):
        found = _is_open(before, after) or after.role == "point"
        if along is None or not found or after.is_explicit:
            continue
        cells = view.cells.block.cells[after.name].astype(str).str.strip()
        count_ = int(cells.nunique())
        if 1 < count_ <= len(cells) // FEWEST and _alternate(cells, along, count_):
            raise _ask_label(view, [(after, cells)], len(cells) // count_, "row")
    return list(columns)


def check_runs(view: View, columns: Sequence[Column], levels: bool, axes: Sequence[str]) -> list[Column]:
    """Return the columns, if no column may name devices that follow each other: cycles or times begin anew with each.

    Parameters
    ----------
    view : View
    columns : sequence of Column
        Columns with the roles of the kind.
    levels : bool
        True if the kind has levels, which the column may name as well.
    axes : sequence of str
        Roles of columns that begin anew with each device, the first one that there is.

    Raises
    ------
    QuestionError
        If a column without a role is constant between the places where the axis begins anew, and changes there.
    """
    axis = next((column for role in axes for column in columns if column.role == role), None)
    along = None if axis is None else view.numbers(axis.name)
    if along is None or any(column.role == "device_id" or "device_id" in column.tags for column in columns):
        return list(columns)
    known = along.notna().to_numpy()
    run = (along[known].diff() < 0).cumsum().to_numpy()
    found = [
        (after, cells)
        for before, after in zip(view.columns, columns, strict=True)
        if _is_open(before, after) and (cells := _label_cells(view, after, run, known)) is not None
    ]
    levels &= not any(column.role == "level" or "level" in column.tags for column in columns)
    if found:
        raise _ask_label(view, found[:MOST], int(run[-1]) + 1, "run", levels)
    return list(columns)


def _alternate(cells: pd.Series, along: pd.Series, number: int) -> bool:
    """Return whether the values of a column follow each other in every group of rows, with one value of the axis."""
    whole = len(cells) // number * number
    turns = cells.to_numpy()[:whole].reshape(-1, number)
    steps = along.to_numpy(float)[:whole].reshape(-1, number)
    return whole == len(cells) and bool((turns == turns[0]).all()) and bool((steps == steps[:, :1]).all())


def _is_open(before: Column, after: Column) -> bool:
    """Return whether a column is unknown: it has no role and no quantity, and is not part of a place."""
    if after.role not in (KEPT, "counter") or before.role not in (UNKNOWN, "counter", KEPT) or after.is_explicit:
        return False
    if "of a place" in after.why:
        return False
    head = parse_heading(after.name)
    return head.unit is None and head.quantity is None and not head.unclear


def _label_cells(view: View, column: Column, sweep: np.ndarray, known: np.ndarray) -> pd.Series | None:
    """Return the cells of a column that is constant within each sweep and changes between sweeps, else None."""
    cells = view.cells.block.cells[column.name][known]
    words = cells.astype(str).str.strip()
    if words.nunique() < 2 or (words == "").any():
        return None
    return cells if bool((words.groupby(sweep).nunique() == 1).all()) else None


def _ask_label(
    view: View,
    found: Sequence[tuple[Column, pd.Series]],
    number: int,
    within: str = "sweep",
    levels: bool = False,
) -> QuestionError:
    choices, seen = [], []
    for column, cells in found:
        name = column.name
        numbers = view.numbers(name)
        choices.append(Choice.of(f"each value of {name} is a device (D2D)", map={"device_id": name}))
        if numbers is not None and bool((numbers.dropna() % 1 == 0).all()):
            choices.append(Choice.of(f"each value of {name} is a cycle of one device (C2C)", map={"cycle": name}))
        if levels:
            choices.append(Choice.of(f"each value of {name} is a level", map={"level": name}))
        choices.append(
            Choice.of(f"neither: {name} is kept, and all {within}s belong to one device", map={"keep": name})
        )
        first, last = cells.iloc[0], cells.iloc[-1]
        values = f"{count(int(cells.nunique()), 'value')} in {count(number, within)}, from {first} to {last}"
        how = "in turn at each point" if within == "row" else f"constant within each {within}"
        seen.append(f"{name}: {values}, {how}, {count(len(cells), 'row')}")
    names = " and ".join(column.name for column, _ in found)
    text = f"do the values of {names} stand for devices or for cycles of one device?"
    return ask(view.where, text, choices, seen)
