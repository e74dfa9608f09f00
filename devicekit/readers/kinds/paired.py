"""Paired pulses: ratio of the two responses against the interval between the pulses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from devicekit.core.errors import Choice, CodedWarning, QuestionError, TableError
from devicekit.readers.cells import number_within
from devicekit.readers.header import parse_heading
from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts.view import Claim, View
from devicekit.readers.lexicon import means
from devicekit.readers.questions import ask
from devicekit.readers.source import Source
from devicekit.system.options import BASELINES, ReadOptions
from devicekit.tables import PairedTable

NAME = "paired"
TITLE = "paired pulses (ratio of the responses against the interval)"
VALUES = frozenset({"ratio", "ratio_excess"})
NEEDS = (("interval_s", "ratio"), ("interval_s", "first_amplitude", "second_amplitude"))
MOST = 20.0  # larger ratios are implausible: the numbers may be percent


def claim(view: View) -> Claim | None:
    """Claim an interval, and a ratio or two amplitudes."""
    if view.of("pulse_index", "direction", "weight_change"):
        return None
    roles = _find_roles(view)
    if "interval_s" not in roles:
        return None
    if {"ratio", "ratio_excess"} & set(roles):
        return Claim(2, "an interval and a ratio of two responses")
    if {"first_amplitude", "second_amplitude"} <= set(roles):
        return Claim(2, "an interval and the responses to a first and a second pulse")
    return None


def _find_roles(view: View) -> dict[str, list[Column]]:
    """Find the columns of pairs by role."""
    found: dict[str, list[Column]] = {}
    for column in view.columns:
        role = _find_role(column, view)
        if role is not None:
            found.setdefault(role, []).append(column)
    return found


def _find_role(column: Column, view: View) -> str | None:
    roles = ("interval_s", "ratio", "ratio_excess", "first_amplitude", "second_amplitude", "baseline", "repeat")
    if column.is_explicit and column.role in roles:
        return column.role
    bare = column.name.strip().lower()
    if bare == "baseline" and set(view.cells.words(column.name)) <= set(BASELINES):
        return "baseline"
    if column.is_explicit or column.role in ("device_id", "cycle", "repeat"):
        return None
    if column.role in ("time_s", "spike_delay_s") and means("interval", bare):
        return "interval_s"
    if view.numbers(column.name) is None:
        return None
    if means("quotient", bare) or means("ratio", bare):
        return "ratio_excess" if bare == "ratio_excess" else "ratio"
    name = parse_heading(column.name).name.strip().lower()
    return next((role for role in ("first_amplitude", "second_amplitude") if means(role, name)), None)


def assign(view: View) -> list[Column]:
    """Assign the roles of pairs; a ratio is preferred to two amplitudes."""
    roles = {column.name: role for role, columns in _find_roles(view).items() for column in columns}
    ratio = bool({"ratio", "ratio_excess"} & set(roles.values()))
    found = []
    for column in view.columns:
        role = roles.get(column.name)
        if role in ("ratio", "ratio_excess"):
            column = _resolve_ratio(replace(column, role=role), view)
        elif role in ("first_amplitude", "second_amplitude"):
            column = replace(column, role=KEPT if ratio and not column.is_explicit else role, why="by its name")
        elif role is not None:
            column = replace(column, role=role, why=column.why or "by its name")
        elif column.role == "cycle" and not view.of("repeat"):
            column = replace(column, role="repeat")
        elif column.role not in ("device_id", "pulse_voltage_v", "repeat"):
            column = replace(column, role=KEPT)
        found.append(column)
    return found


def _resolve_ratio(column: Column, view: View) -> Column:
    """Return a ratio with its factor; ask whether it is a ratio or an excess, a number or percent, if unclear."""
    options, bare = view.options, column.name.strip().lower()
    unit = options.unit if options.stated_quantity == "weight" else None
    in_percent = "%" in bare or "percent" in bare
    factor = 0.01 if unit == "%" or (unit is None and in_percent) else 1.0
    if column.is_explicit or bare in ("ratio", "ratio_excess"):
        return replace(column, factor=factor, unit="%" if factor != 1.0 else None, stated=True, unclear="")
    values = view.numbers(column.name)
    large = values is not None and bool((values.abs() > MOST).any())
    plain = means("quotient", bare) or "ratio" in bare
    if unit is not None or (plain and not in_percent and not large):
        return replace(
            column, role="ratio", factor=factor, unit="%" if factor != 1.0 else None, stated=True, unclear=""
        )
    raise _ask_ratio(column, view, in_percent)


def _ask_ratio(column: Column, view: View, in_percent: bool) -> QuestionError:
    name = column.name
    values = view.numbers(name)
    seen = () if values is None else (f"{name}: {values.min():.4g} to {values.max():.4g}",)
    percent = (
        Choice.of("A2/A1 in percent, 150 % means 1.5", unit="%"),
        Choice.of("(A2 - A1)/A1 in percent, 50 % means A2/A1 = 1.5", map={"ratio_excess": name}, unit="%"),
    )
    plain = (
        Choice.of("A2/A1, such as 1.5", unit="1"),
        Choice.of("(A2 - A1)/A1, 0.5 means A2/A1 = 1.5", map={"ratio_excess": name}, unit="1"),
    )
    return ask(
        view.where,
        f"is column {name!r} A2/A1 or (A2 - A1)/A1{'' if in_percent else ', as a number or in percent'}?",
        percent if in_percent else (*plain, *percent),
        seen,
        fields=("unit", "columns"),
    )


def build(frame: pd.DataFrame, options: ReadOptions, source: Source, warnings: Sequence[CodedWarning]) -> PairedTable:
    """Build the table from rows under devicekit's column names."""
    del options
    name = source.path.name
    if "ratio_excess" in frame:
        frame = frame.rename(columns={"ratio_excess": "ratio"}).assign(ratio=frame["ratio_excess"] + 1.0)
    elif "ratio" not in frame:
        if not {"first_amplitude", "second_amplitude"} <= set(frame):
            raise TableError(f"{name}: paired pulses need a ratio, or a first and a second amplitude")
        first = frame["first_amplitude"].where(frame["first_amplitude"] != 0)
        frame = frame.assign(ratio=frame["second_amplitude"] / first)
    if "baseline" in frame:
        frame = frame.assign(baseline=frame["baseline"].str.lower())
    frame = number_within(frame, "repeat", ["device_id", "interval_s"], name)
    return PairedTable(frame, {"format": "table", "source": name}, tuple(warnings))
