"""Temperatures of bakes in kelvin: converted from a stated unit, else the user is asked.

States are not baked below 200 K, so that such values are degrees Celsius. If no value lies above 273, the user is
asked, unless an option or a recipe gives kelvin.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from devicekit.core.constants import ZERO_C
from devicekit.core.errors import Choice, CodedWarning, QuestionError
from devicekit.readers.header import parse_heading
from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts.view import View
from devicekit.readers.lexicon import means, normalise_name
from devicekit.readers.questions import ask

COLDEST = 200.0  # K; no bake is colder
FREEZING = 273.0  # K; if no bake is warmer, the values are probably degrees Celsius
MOVES = 5.0  # K; a thermometer that varies by less shows one temperature


def convert_to_kelvin(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Convert `temperature_c` to `temperature_k` = C + 273.15, with a warning."""
    if "temperature_c" not in frame or "temperature_k" in frame:
        return frame, []
    celsius = frame["temperature_c"]
    words = f"{name}: converted temperatures of {celsius.min():g} to {celsius.max():g} °C to kelvin: K = C + 273.15"
    frame = frame.rename(columns={"temperature_c": "temperature_k"})
    return frame.assign(temperature_k=celsius + ZERO_C), [CodedWarning("celsius", words)]


def assign_bake_temperatures(view: View, columns: Sequence[Column]) -> list[Column]:
    """Assign the role of the bake temperature in a retention table.

    Raises
    ------
    QuestionError
        If its unit is unknown, or cannot be kelvin.
    """
    assigned = [column for column in columns if column.role in ("temperature_k", "temperature_c")]
    for column in assigned:
        if column.role == "temperature_k":
            _check_kelvin(view, column)
    if assigned or any(column.is_explicit and column.role == KEPT for column in columns):
        return list(columns)
    found = []
    for column in columns:
        if column.role == KEPT and not column.is_explicit and (values := _changing_values(view, column)) is not None:
            head = parse_heading(column.name)
            if head.quantity in ("celsius", "temperature") and head.unit is not None:
                role = "temperature_c" if head.quantity == "celsius" else "temperature_k"
                column = view.change(
                    column, role=role, unit=head.word, stated=True, why=f"a temperature in {head.word}"
                )
                if role == "temperature_k":
                    _check_kelvin(view, column)
            elif head.unit is None and (
                head.quantity == "temperature" or means("temperature", normalise_name(head.name))
            ):
                raise _ask_unit(view, column, values)
        found.append(column)
    if sum(column.role in ("temperature_k", "temperature_c") for column in found) > 1:
        return list(columns)  # two thermometers: the one of the bake is unknown
    return found


def _changing_values(view: View, column: Column) -> np.ndarray | None:
    """Return the distinct values of a column that changes by more than thermometer noise, else None."""
    values = view.numbers(column.name)
    known = np.array([]) if values is None else np.unique(values.dropna().to_numpy(float))
    return known if known.size > 1 and np.ptp(known) > MOVES else None


def _check_kelvin(view: View, column: Column) -> None:
    """Ask for the unit where values are too cold for kelvin, or none is above 273."""
    if parse_heading(column.name).quantity in ("celsius", "fahrenheit"):
        return  # its unit is stated, and checked with the units of the other columns
    values = view.numbers(column.name)
    kelvin = np.array([]) if values is None else values.dropna().to_numpy(float)
    if not kelvin.size or (kelvin.min() >= COLDEST and (kelvin.max() > FREEZING or column.by in ("map", "recipe"))):
        return
    celsius = Choice.of("degrees Celsius: K = C + 273.15", map={"temperature_c": column.name})
    keep = Choice.of("not a bake temperature: the column is kept but not used", map={"keep": column.name})
    right = Choice.of("kelvin", map={"temperature_k": column.name})
    cold = kelvin.min() < COLDEST
    why = f"they would be below {COLDEST:g} K" if cold else f"none would be above {FREEZING:g} K"
    text = (
        f"are the temperatures in column {column.name!r} degrees Celsius ({_list_values(np.unique(kelvin))})? "
        f"As kelvin {why}"
    )
    raise ask(view.where, text, (celsius, keep) if cold else (celsius, right, keep))


def _ask_unit(view: View, column: Column, values: np.ndarray) -> QuestionError:
    text = f"in which unit is the temperature in column {column.name!r} ({_list_values(values)})?"
    choices = (
        Choice.of("degrees Celsius: K = C + 273.15", map={"temperature_c": column.name}),
        *([Choice.of("kelvin", map={"temperature_k": column.name})] if values.min() >= COLDEST else []),
        Choice.of("not a bake temperature: the column is kept but not used", map={"keep": column.name}),
    )
    return ask(view.where, text, choices)


def _list_values(values: np.ndarray) -> str:
    return f"{', '.join(f'{value:g}' for value in values[:6])}{', ...' if values.size > 6 else ''}"
