"""Columns beside the readings: duplicates, averages, constants, times, words."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from drafts import Draft
from grids import Column, Num, format_numbers
from layouts import Layout

Extra = Callable[[list[Column]], Column]


def _find_state(columns: list[Column]) -> tuple[Column, np.ndarray]:
    state = next(column for column in columns if column.role == "state")
    values = [float(cell) if _is_number(cell) else np.nan for cell in state.cells]
    return state, np.array(values)


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) and float(cell) < 9e36
    except ValueError:
        return False


def _format_cells(values: np.ndarray, style: str = "e8") -> list[str]:
    return [cell if _is_number(cell) else "" for cell in format_numbers(list(values), style)]


def draw_extras(draft: Draft, layout: Layout) -> list[Extra]:
    """Draw up to three; each makes its column from the others of its table."""
    rng, kind = draft.rng, draft.kind
    made: list[Extra] = []
    single = not layout.names_placed("wide")

    def constant(name: str, unit: str, cell: str, feature: str, role: str = "") -> None:
        number = Num(cell) if _is_number(cell) else cell
        made.append(lambda columns: Column(name, [number] * len(columns[0].cells), unit, role=role))
        draft.features.add(feature)

    if draft.voltage_place == "column":
        name = rng.choice(("Vread", "V_read", "Read voltage", "Vmeas"))
        constant(name, "V", f"{draft.read_voltage}", "constant read voltage", "read_voltage_v")
    few = rng.choices((0, 1, 2), (5, 3, 2))[0]
    choices = {
        "pulses": ("average", "time", "temperature", "status", "compliance", "width", "second", "inverse", "amplitude"),
        "sweeps": ("absolute", "logarithm", "resistance", "time", "temperature", "status", "compliance"),
        "endurance": ("temperature", "status", "compliance"),
        "retention": ("temperature", "status"),
        "stdp": ("status", "amplitude"),
    }[kind]
    for what in rng.sample(choices, few):
        if what == "temperature":
            name, unit, cell = rng.choice(
                (("T", "K", "300"), ("Temperature", "K", "298.15"), ("Temp", "\u00b0C", "25"), ("T", "C", "85"))
            )
            constant(name, unit, cell, "constant temperature")
        elif what == "status":
            constant(
                rng.choice(("Status", "Flag", "Remark")), "", rng.choice(("OK", "C", "N", "Normal")), "status words"
            )
        elif what == "compliance":
            name = rng.choice(("Compliance", "Icomp", "Icc", "I_limit", "CC"))
            constant(
                name, *rng.choice((("A", "0.001"), ("mA", "1"), ("A", "1E-3"), ("uA", "100"))), "constant compliance"
            )
        elif what == "width" and "width" not in draft.placements:
            name = rng.choice(("Pulse width", "Width", "t_pulse"))
            constant(name, *rng.choice((("ns", "100"), ("us", "1"), ("s", "1e-7"))), "constant pulse width")
        elif what == "amplitude" and "sign" not in draft.placements.values():
            constant(rng.choice(("Pulse amplitude", "Amplitude")), "V", "1.2", "constant unsigned amplitude")
        elif what == "time":
            step = rng.choice((0.1, 0.5, 1.0, 2e-3))
            name = rng.choice(("Time", "time", "t", "Timestamp"))
            made.append(lambda columns, step=step, name=name: _time_column(columns, step, name))
            draft.features.add("time column")
        elif what == "second":
            layout.twice = rng.choice(("No.", "Index", "Row", "#"))
            draft.features.add("a second counter")
        elif single and draft.unit.option:
            _add_copy(draft, what, made)
    return made


def _time_column(columns: list[Column], step: float, name: str) -> Column:
    return Column(name, [Num(f"{k * step:.4f}") for k in range(len(columns[0].cells))], "s")


def _add_copy(draft: Draft, what: str, made: list[Extra]) -> None:
    rng = draft.rng
    unit, factor = draft.unit.spelled, draft.unit.factor
    if what == "average":
        if "direction" in draft.placements and draft.placements["direction"] in ("column", "order", "sign"):
            word = rng.choice(("Smoothed", "{} smoothed", "{} avg", "{}_avg", "Moving average", "{} (5 pt. average)"))

            def average(columns: list[Column]) -> Column:
                state, values = _find_state(columns)
                wide = np.concatenate([values[:1], values[:1], values, values[-1:], values[-1:]])
                mean = np.convolve(wide, np.ones(5) / 5, "valid")
                return Column(word.format(state.word), _format_cells(mean), unit)

            made.append(average)
            draft.features.add("copy: moving average")
    elif what == "absolute":
        word = rng.choice(("|I|", "AbsI", "abs(I)", "Abs(I)", "abs I"))
        made.append(
            lambda columns: Column(word, [Num(cell.lstrip("-")) for cell in _find_state(columns)[0].cells], unit)
        )
        draft.features.add("copy: |I|")
    elif what == "logarithm":
        word = rng.choice(("log|I|", "log10(I)", "log I", "log10|I|", "lg(|I|)"))
        made.append(lambda columns: Column(word, _format_cells(np.log10(np.abs(_find_state(columns)[1])), "f6")))
        draft.features.add("copy: log I")
    elif what == "resistance":
        word = rng.choice(("R", "Resistance", "R = V/I"))

        def resistance(columns: list[Column]) -> Column:
            voltage = np.array([float(cell) for cell in next(c for c in columns if c.role == "voltage_v").cells])
            return Column(word, _format_cells(voltage / (_find_state(columns)[1] * factor), "e6"), "ohm")

        made.append(resistance)
        draft.features.add("copy: R beside V and I")
    elif what == "inverse" and draft.quantity in ("conductance", "resistance", "current"):
        word, other = rng.choice((("R", "ohm"), ("Resistance", "ohm")))
        if draft.quantity == "resistance":
            word, other = rng.choice((("G", "S"), ("Conductance", "S")))

        def inverse(columns: list[Column]) -> Column:
            values = _find_state(columns)[1] * factor
            ratio = (draft.read_voltage or 1.0) / values
            return Column(word, _format_cells(ratio), other)

        made.append(inverse)
        draft.features.add(f"copy: {'G' if other == 'S' else 'R'} beside {draft.quantity}")


def digitise(draft: Draft, columns: list[Column]) -> None:
    """Replace whole pulse numbers by those of a digitised figure."""
    index = next(column for column in columns if column.role == "pulse_index")
    at, cells = 0.0, []
    for _ in index.cells:
        at += draft.rng.uniform(0.15, 0.6)
        cells.append(Num(f"{at:.2f}"))
    index.cells = cells
