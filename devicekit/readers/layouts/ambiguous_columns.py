"""Several columns of one role: the right one is found by its values, or the user is asked.

Gate and drain voltage, or applied and measured voltage, are both voltages; only one can be that of the sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from devicekit.core.errors import Choice, QuestionError
from devicekit.core.quantities import GLOSSARY
from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts.roles import TEXT, UNKNOWN, Cells
from devicekit.readers.layouts.view import View
from devicekit.readers.lexicon import means, normalise_name
from devicekit.readers.questions import ask
from devicekit.readers.state import NEGATIVE_SHARE_OF_A_WEIGHT, STATE_COLUMNS
from devicekit.readers.terminals import find_driven, find_pairs, is_gate

# a second column of these roles does not change the numbers: it is kept under its own name
_HARMLESS = {"time_s", "temperature_k", "compliance_a"}


def assign_terminals(columns: Sequence[Column], cells: Cells) -> list[Column]:
    """Give the columns of a terminal's voltage and current their roles; of several terminals only the driven one's.

    A voltage and a current with the same rest of a name (AV and AI) are of one terminal.
    """
    if any(is_gate(column.name) for column in columns):  # there, "Id" is no identifier
        columns = [
            replace(c, role="current_a", why="the drain current") if c.role == "counter" and _terminal(c.name) else c
            for c in columns
        ]
    found = {c.name: c for c in columns if c.role in ("voltage_v", "current_a", UNKNOWN)}
    pairs = find_pairs(name for name in found if cells.numbers(name) is not None)
    mapped = [t for t, pair in pairs.items() if any(found[name].is_explicit for name in pair.values())]
    transistor = any(is_gate(name) for name in found)  # where the current is not that of the swept terminal
    driven = None if transistor else mapped[0] if mapped else find_driven(pairs, cells.numbers)
    for terminal, pair in pairs.items():
        for quantity, name in pair.items():
            column = found[name]
            if column.is_explicit:
                continue
            if quantity in pairs.get(driven or "", {}) and driven != terminal and len(mapped) < 2:
                why = f"terminal {driven} is {'chosen' if mapped else 'driven'}, not this one"
                found[name] = replace(column, role=KEPT, why=why)
            elif column.role == UNKNOWN and not column.unclear:
                role = {"voltage": "voltage_v", "current": "current_a"}[quantity]
                found[name] = replace(column, role=role, why=f"the {quantity} of a terminal, by its name")
    return [found.get(column.name, column) for column in columns]


def set_aside_terminals(columns: Sequence[Column], cells: Cells) -> list[Column]:
    """Keep other columns: a gate current, a leakage beside readings, a constant voltage beside a swept one."""
    drains = [c for c in columns if c.role == "current_a" and means("drain", normalise_name(c.name))]
    volts = [c for c in columns if c.role == "voltage_v"]
    swept = [c.name for c in volts if cells.varies(c.name)]
    readings = [c for c in columns if c.role in (*STATE_COLUMNS, "value", "current_a", UNKNOWN)]
    readings = [c for c in readings if not means("leakage", normalise_name(c.name))]
    found = []
    for column in columns:
        if column.is_explicit:
            pass
        elif drains and column.role == "current_a" and is_gate(column.name):
            column = replace(column, role=KEPT, why=f"gate current; {drains[0].name} is the device current")
        elif readings and column.role == "current_a" and means("leakage", normalise_name(column.name)):
            column = replace(column, role=KEPT, why=f"leakage beside {readings[0].name}")
        elif len(swept) == 1 and column.role == "voltage_v" and column.name != swept[0]:
            role = "third_voltage_v" if is_gate(swept[0]) and _terminal(column.name) == "drain" else KEPT
            column = replace(column, role=role, why=f"constant while {swept[0]} changes")
        found.append(column)
    return found


def resolve_ambiguous(columns: Sequence[Column], view: View, kind: str) -> list[Column]:
    """Leave one column of each role; keep others under their own names where they do not matter.

    Parameters
    ----------
    columns : sequence of Column
        Columns of one row, without paired series.
    view : View
        Cells of the columns.
    kind : str
        Name of the kind of table.

    Raises
    ------
    QuestionError
        If the right one of several columns is unclear.
    """
    first: dict[str, Column] = {}
    found = []
    for column in columns:
        role = column.role
        if role in GLOSSARY and role != "device_id" and role in first:
            other = first[role]
            beside = role in _HARMLESS and not (role == "time_s" and kind == "retention")
            if not (beside or _hold_same_cells(column, other, view)):
                raise _ask_which(role, [c for c in columns if c.role == role], view)
            column = replace(column, role=KEPT, why=f"{other.name} is the {GLOSSARY[role].label}")
        elif role in GLOSSARY:
            first[role] = column
        found.append(column)
    return found


def _hold_same_cells(one: Column, other: Column, view: View) -> bool:
    if one.role in TEXT:
        cells = view.cells.block.cells
        return bool((cells[one.name].astype(str) == cells[other.name].astype(str)).all())
    x, y = view.numbers(one.name), view.numbers(other.name)
    return x is not None and y is not None and np.allclose(x * one.factor, y * other.factor, atol=0.0, equal_nan=True)


def _ask_which(role: str, several: Sequence[Column], view: View) -> QuestionError:
    names = ", ".join(column.name for column in several)
    label = GLOSSARY[role].label
    if role == "voltage_v" and len(several) == 2 and any(_terminal(column.name) for column in several):
        raise _ask_transistor(several, view)
    choices = tuple(
        Choice.of(f"use {column.name}, keep the others without using them", map={role: column.name})
        for column in several
    )
    pulses: tuple[Choice, ...] = ()
    amps = view.of("current_a")
    if role == "voltage_v" and len(amps) == 1:
        pulses = tuple(
            Choice.of(
                f"{column.name} holds pulses, not a sweep",
                map={"pulse_voltage_v": column.name, "read_current_a": amps[0].name},
            )
            for column in several
            if not (_is_constant(column, view) or _has_both_signs(amps[0], view))
        )
    seen = tuple(_describe_range(column, view) for column in several if column.role not in TEXT)
    text = f"which of the {len(several)} columns {names} is the {label}?"
    return ask(view.where, text, (*choices, *pulses), seen)


def _terminal(name: str) -> str:
    """Return the transistor's terminal that a column is named for, or ""."""
    return "gate" if is_gate(name) else "drain" if means("drain", normalise_name(name)) else ""


def _ask_transistor(several: Sequence[Column], view: View) -> QuestionError:
    """Return the question which terminal of a transistor is swept; the voltage that changes more often comes first."""
    gate, drain = sorted(several, key=lambda c: ("gate", "", "drain").index(_terminal(c.name)))
    amps = next((column.name for column in view.of("current_a")), "the current")
    sweeps = [
        Choice.of(
            f"{word}: {swept.name} is swept, {amps} measured, each value of {third.name} has curves of its own",
            map={"voltage_v": swept.name, "third_voltage_v": third.name},
        )
        for word, swept, third in (
            ("drain sweep (output curves of a transistor)", drain, gate),
            ("gate sweep (transfer curves of a transistor)", gate, drain),
        )
    ]
    moves = [float((values.diff() != 0).mean()) for c in (drain, gate) if (values := view.numbers(c.name)) is not None]
    cell = Choice.of(
        f"a memristor in series with a transistor (1T1R): {drain.name} is its voltage, {gate.name} is kept",
        map={"voltage_v": drain.name, "keep": gate.name},
    )
    return ask(
        view.where,
        f"is {drain.name} or {gate.name} swept, and of what?",
        (*(sweeps if moves == sorted(moves, reverse=True) else reversed(sweeps)), cell),
        tuple(_describe_range(column, view) for column in several),
    )


def _is_constant(column: Column, view: View) -> bool:
    values = view.numbers(column.name)
    return values is not None and values.nunique() < 2


def _has_both_signs(column: Column, view: View) -> bool:
    values = view.numbers(column.name)
    return values is not None and bool(NEGATIVE_SHARE_OF_A_WEIGHT < (values < 0).mean() < 1)


def _describe_range(column: Column, view: View) -> str:
    values = view.numbers(column.name)
    known = None if values is None else values.dropna()
    if known is None or known.empty:
        return f"{column.name}: no numbers"
    return f"{column.name}: {known.min():.4g} to {known.max():.4g}"
