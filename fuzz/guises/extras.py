"""Columns beside the readings that are no readings of their own: copies, averages, constants, times, words."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from drafts import Draft
from grids import Column, Num, printed
from layouts import Layout

Extra = Callable[[list[Column]], Column]


def _state(columns: list[Column]) -> tuple[Column, np.ndarray]:
    state = next(column for column in columns if column.role == "state")
    values = [float(cell) if _number(cell) else np.nan for cell in state.cells]
    return state, np.array(values)


def _number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) and float(cell) < 9e36
    except ValueError:
        return False


def _cells(values: np.ndarray, style: str = "e8") -> list[str]:
    return [cell if _number(cell) else "" for cell in printed(list(values), style)]


def extras(draft: Draft, layout: Layout) -> list[Extra]:
    """Up to three of them; each makes its column from the others of its table."""
    rng, kind = draft.rng, draft.kind
    made: list[Extra] = []
    single = not layout.having("wide")

    def constant(name: str, unit: str, cell: str, feature: str, role: str = "") -> None:
        number = Num(cell) if _number(cell) else cell
        made.append(lambda columns: Column(name, [number] * len(columns[0].cells), unit, role=role))
        draft.features.add(feature)

    if draft.voltage_told == "column":
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
        elif what == "width" and "width" not in draft.hows:
            name = rng.choice(("Pulse width", "Width", "t_pulse"))
            constant(name, *rng.choice((("ns", "100"), ("us", "1"), ("s", "1e-7"))), "constant pulse width")
        elif what == "amplitude" and "sign" not in draft.hows.values():
            constant(rng.choice(("Pulse amplitude", "Amplitude")), "V", "1.2", "constant unsigned amplitude")
        elif what == "time":
            step = rng.choice((0.1, 0.5, 1.0, 2e-3))
            name = rng.choice(("Time", "time", "t", "Timestamp"))
            made.append(lambda columns, step=step, name=name: _time(columns, step, name))
            draft.features.add("time column")
        elif what == "second":
            layout.twice = rng.choice(("No.", "Index", "Row", "#"))
            draft.features.add("a second counter")
        elif single and draft.unit.said:
            _copy(draft, what, made)
    return made


def _time(columns: list[Column], step: float, name: str) -> Column:
    return Column(name, [Num(f"{k * step:.4f}") for k in range(len(columns[0].cells))], "s")


def _copy(draft: Draft, what: str, made: list[Extra]) -> None:
    rng = draft.rng
    unit, factor = draft.unit.spelled, draft.unit.factor
    if what == "average":
        if "direction" in draft.hows and draft.hows["direction"] in ("column", "order", "sign"):
            word = rng.choice(("Smoothed", "{} smoothed", "{} avg", "{}_avg", "Moving average", "{} (5 pt. average)"))

            def average(columns: list[Column]) -> Column:
                state, values = _state(columns)
                wide = np.concatenate([values[:1], values[:1], values, values[-1:], values[-1:]])
                mean = np.convolve(wide, np.ones(5) / 5, "valid")
                return Column(word.format(state.word), _cells(mean), unit)

            made.append(average)
            draft.features.add("copy: moving average")
    elif what == "absolute":
        word = rng.choice(("|I|", "AbsI", "abs(I)", "Abs(I)", "abs I"))
        made.append(lambda columns: Column(word, [Num(cell.lstrip("-")) for cell in _state(columns)[0].cells], unit))
        draft.features.add("copy: |I|")
    elif what == "logarithm":
        word = rng.choice(("log|I|", "log10(I)", "log I", "log10|I|", "lg(|I|)"))
        made.append(lambda columns: Column(word, _cells(np.log10(np.abs(_state(columns)[1])), "f6")))
        draft.features.add("copy: log I")
    elif what == "resistance":
        word = rng.choice(("R", "Resistance", "R = V/I"))

        def resistance(columns: list[Column]) -> Column:
            voltage = np.array([float(cell) for cell in next(c for c in columns if c.role == "voltage_v").cells])
            return Column(word, _cells(voltage / (_state(columns)[1] * factor), "e6"), "ohm")

        made.append(resistance)
        draft.features.add("copy: R beside V and I")
    elif what == "inverse" and draft.quantity in ("conductance", "resistance", "current"):
        word, other = rng.choice((("R", "ohm"), ("Resistance", "ohm")))
        if draft.quantity == "resistance":
            word, other = rng.choice((("G", "S"), ("Conductance", "S")))

        def inverse(columns: list[Column]) -> Column:
            values = _state(columns)[1] * factor
            ratio = (draft.read_voltage or 1.0) / values
            return Column(word, _cells(ratio), other)

        made.append(inverse)
        draft.features.add(f"copy: {'G' if other == 'S' else 'R'} beside {draft.quantity}")


def digitised(draft: Draft, columns: list[Column]) -> None:
    """Pulse numbers as a digitised figure has them, in place of whole ones: not to be counted by rows."""
    index = next(column for column in columns if column.role == "pulse_index")
    at, cells = 0.0, []
    for _ in index.cells:
        at += draft.rng.uniform(0.15, 0.6)
        cells.append(Num(f"{at:.2f}"))
    index.cells = cells
