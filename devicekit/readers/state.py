"""State columns: conversion of a file's numbers (conductance, current, resistance, weight) to S or to weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.core.errors import BadRow, Blank, Choice, CodedWarning, TableError, UsageError
from devicekit.names import Unit
from devicekit.readers.header import find_stated_unit
from devicekit.readers.questions import NONE_OF_THESE, ask
from devicekit.system.options import QUANTITIES, ReadOptions

NEGATIVE_SHARE_OF_A_WEIGHT = 0.05
NOISE_SHARE = 0.2  # of the readings of a state near 0 S that noise makes negative
NEGATIVE = "negative"  # of `drop`: conductances below 0
# Columns that hold a state, in order of preference.
STATE_COLUMNS = {
    "conductance_s": "conductance",
    "resistance_ohm": "resistance",
    "read_current_a": "current",
    "weight": "weight",
}
OF_STATES = frozenset({"quantity", "unit", "read_voltage", "absolute"})  # options about the numbers of a state
OF_CONDUCTANCES = frozenset({"read_voltage", "absolute"})
_EXAMPLES = {"current": "A (or mA, uA)", "resistance": "ohm (or kohm)", "conductance": "S (or uS)"}


def to_conductance(values: pd.Series, quantity: str, read_voltage: float | pd.Series | None, where: str) -> pd.Series:
    """Convert conductances [S], resistances [ohm] or currents [A] to conductances [S]; NaN if not finite.

    Raises
    ------
    UsageError
        If the values are currents and the read voltage [V] is unknown.
    """
    if quantity == "current":
        if read_voltage is None:
            raise UsageError(f"{where} holds currents. Pass the read voltage: read_voltage=V")
        values = values / read_voltage
    elif quantity == "resistance":
        values = 1.0 / values.where(values != 0)
    return values.where(np.isfinite(values))


def find_factor(name: str, quantity: str, options: ReadOptions, where: str) -> float:
    """Return the factor to SI of a column, by its name, else by --unit; a voltage without a unit is in V.

    Raises
    ------
    UsageError
        If the name states a unit of another quantity or another unit than the options, or no unit is given.
    """
    unit = check_unit(name, options, where) or find_stated_unit(name)
    if unit is not None and unit.quantity != quantity:
        raise UsageError(f"{where}: column {name!r} has a unit of {unit.quantity}, not of {quantity}")
    if unit is not None:
        return unit.factor
    if options.stated_quantity == quantity:
        return options.factor
    if quantity == "voltage":
        return 1.0
    example = _EXAMPLES.get(quantity, quantity)
    raise UsageError(f"{where}: column {name!r} does not state its unit. Pass unit={example}")


def check_unit(name: str, options: ReadOptions, where: str) -> Unit | None:
    """Return the unit in a column's name, if it is a unit of a state; refuse one that contradicts the options."""
    unit = find_stated_unit(name)
    if unit is None or unit.quantity not in QUANTITIES:
        return None
    stated = options.stated_quantity
    wanted = options.factor if options.unit else unit.factor
    if stated not in (None, unit.quantity) or not np.isclose(wanted, unit.factor, rtol=1e-9, atol=0.0):
        option = f"unit={options.unit}" if options.unit else f"quantity={options.quantity}"
        raise UsageError(f"{where}: column {name!r} has a unit of {unit.quantity}, which contradicts {option}")
    return unit


def resolve_state(frame: pd.DataFrame, options: ReadOptions, name: str) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Return the frame with conductance_s or weight, from the column that holds the state, and warnings.

    Raises
    ------
    TableError
        If no column holds a state, or there is a weight and another state.
    UsageError
        If the options contradict the column's name.
    """
    if "value" in frame:
        return add_state(frame, options, name)
    present = [column for column in STATE_COLUMNS if column in frame]
    if not present or ("weight" in present and len(present) > 1):
        raise TableError(
            f"{name} needs one state column (conductance_s, read_current_a with a read voltage, resistance_ohm or "
            f"weight); found {' and '.join(present) or 'none'}. Choose it with map={{value: COLUMN}}"
        )
    column, *others = present
    quantity = STATE_COLUMNS[column]
    if options.stated_quantity not in (None, quantity):
        option = f"unit={options.unit}" if options.unit else f"quantity={options.quantity}"
        raise UsageError(f"{name}: column {column} is a {quantity}, but {option} means {options.stated_quantity}")
    if options.factor != 1.0 and column not in options.columns:
        raise UsageError(f"{name}: column {column} is in SI units, which contradicts unit={options.unit}")
    if quantity == "weight":
        return frame, []
    if quantity == "conductance":
        if options.factor != 1.0:
            frame = frame.assign(conductance_s=frame[column] * options.factor)
        if options.read_voltage is not None and "read_voltage_v" not in frame:
            frame = frame.assign(read_voltage_v=options.read_voltage)
        return check_sign(frame, options, name, [])
    remarks = (
        [CodedWarning("columns", f"{name}: the state is {column}; {', '.join(others)} is kept unchanged")]
        if others
        else []
    )
    found, warnings = add_state(frame.rename(columns={column: "value"}), replace(options, quantity=quantity), name)
    return found, [*remarks, *warnings]


def add_state(
    frame: pd.DataFrame, options: ReadOptions, name: str, *, assumed: str | None = None
) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Turn the column `value` into conductance_s or weight.

    Parameters
    ----------
    frame : pandas.DataFrame
        Frame with a column `value`, perhaps read_voltage_v; the index or file_row gives rows for messages.
    options : ReadOptions
        Quantity, unit and read voltage.
    name : str
        File name for messages.
    assumed : str, optional
        Quantity by the format's convention, used with a warning if no option gives one.

    Raises
    ------
    UsageError
        If the quantity is unknown or, for currents, the read voltage.
    """
    warnings = []
    quantity = options.stated_quantity or assumed
    if quantity is None:
        text = (
            "what are the numbers in this file? Pass quantity=conductance, current (with read_voltage=), "
            "resistance or weight; add unit= if they are not in SI units"
        )
        fields = ("quantity", "unit", "read_voltage")
        raise ask(name, text, list_quantity_choices(options), fields=fields)
    if options.stated_quantity is None:
        words = f"{name}: numbers read as {assumed} in SI units, the convention of the format"
        warnings.append(CodedWarning("assumed_unit", words))
    values = frame["value"] * options.factor
    frame = frame.drop(columns="value")
    if quantity == "weight":
        return frame.assign(weight=values), warnings
    voltage = frame.get("read_voltage_v", options.read_voltage)
    states = to_conductance(values, quantity, voltage, name)
    if quantity == "current":
        frame = frame.assign(read_voltage_v=voltage, read_current_a=values)
    elif voltage is not None and "read_voltage_v" not in frame:
        frame = frame.assign(read_voltage_v=voltage)
    return check_sign(frame.assign(conductance_s=states), options, name, warnings)


def list_quantity_choices(options: ReadOptions, unclear: bool = False) -> tuple[Choice, ...]:
    """Return the possible quantities of states; for currents, also ask for the read voltage unless it is given.

    With `unclear`, a unit word was not understood: the unit is asked for too.
    """
    volts = {"current": {"read_voltage": Blank("V")}} if options.read_voltage is None else {}
    unit = {"unit": Blank("UNIT")} if unclear and options.unit is None else {}
    return tuple(
        Choice.of(f"states are {each}s", quantity=each, **({} if each == "weight" else unit), **volts.get(each, {}))
        for each in QUANTITIES
    )


def check_sign(
    frame: pd.DataFrame, options: ReadOptions, name: str, warnings: list[CodedWarning]
) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Ask what negative conductances are; take magnitudes or leave them out if an option says so.

    Parameters
    ----------
    frame : pandas.DataFrame
        With conductance_s; file_row or the index gives rows for messages.
    options : ReadOptions
    name : str
        File name for messages.
    warnings : list of CodedWarning

    Raises
    ------
    QuestionError
    """
    values = frame["conductance_s"]
    negative = values < 0
    number = int(negative.sum())
    if not number:
        return frame, warnings
    if options.absolute:
        words = f"{name}: magnitudes of {number} negative conductances were used"
        return frame.assign(conductance_s=values.abs()), [*warnings, CodedWarning("abs", words)]
    if NEGATIVE in options.drop or (options.accept and number <= NOISE_SHARE * len(values)):
        words = f"{name}: {number} of {len(values)} conductances left out: negative, as by noise about 0"
        return frame.assign(conductance_s=values.mask(negative)), [*warnings, CodedWarning("dropped", words)]
    rows = frame["file_row"] if "file_row" in frame else pd.Series(frame.index, frame.index)
    question = ask(
        name,
        f"{number} of {len(values)} conductances are negative: what are they?",
        (*_list_signs(frame, options, number), NONE_OF_THESE),
    )
    question.rows = tuple(
        BadRow(int(rows[at]), "conductance_s", f"{values[at]:.6g}", "0 S or more") for at in frame.index[negative]
    )
    raise question


def _list_signs(frame: pd.DataFrame, options: ReadOptions, number: int) -> list[Choice]:
    """Return what negative conductances can be, the likeliest first."""
    share = number / len(frame)
    v = options.read_voltage
    turned = [Choice.of("the read voltage has the other sign", read_voltage=-v)] if v is not None else []
    polarity = Choice.of("the sign is only a polarity: take magnitudes", absolute=True)
    noise = Choice.of("noise about 0: these readings are left out", drop=(*options.drop, NEGATIVE))
    in_si = "read_current_a" in frame or options.unit is not None
    weights = [] if in_si else [Choice.of("weights without a unit", quantity="weight")]
    signs = [noise, polarity] if share <= NOISE_SHARE else [polarity, noise][: 1 + (share < 1)]
    return [*weights, *signs] if share < 1 else [*turned, *signs]
