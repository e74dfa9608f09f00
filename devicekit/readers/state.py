"""From what a file's numbers are (S, A, ohm, weight), and in which unit, to the state column of a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.errors import (
    BadRow,
    Blank,
    Choice,
    CodedWarning,
    Question,
    QuestionError,
    TableError,
    UsageError,
)
from devicekit.names import Unit
from devicekit.options import QUANTITIES, ReadOptions
from devicekit.readers.header import find_stated_unit

NEGATIVE_SHARE_OF_A_WEIGHT = 0.05
LARGEST_LIKELY_CONDUCTANCE = 0.1  # S
# Columns that hold a state, the one to be preferred first.
STATE_COLUMNS = {
    "conductance_s": "conductance",
    "resistance_ohm": "resistance",
    "read_current_a": "current",
    "weight": "weight",
}
_EXAMPLES = {"current": "A (or mA, uA)", "resistance": "ohm (or kohm)", "conductance": "S (or uS)"}


def to_conductance(values: pd.Series, quantity: str, read_voltage: float | pd.Series | None, where: str) -> pd.Series:
    """Conductance [S] of conductances [S], resistances [ohm] or currents [A]; NaN where it is not finite.

    Raises
    ------
    UsageError
        If these are currents, and the read voltage [V] is not known.
    """
    if quantity == "current":
        if read_voltage is None:
            raise UsageError(f"{where} holds currents: pass the read voltage with read_voltage=V")
        values = values / read_voltage
    elif quantity == "resistance":
        values = 1.0 / values.where(values != 0)
    return values.where(np.isfinite(values))


def find_factor(name: str, quantity: str, options: ReadOptions, where: str) -> float:
    """Factor to SI of a column: by its name, else by --unit; a voltage without a unit is in V.

    Raises
    ------
    UsageError
        If the name states a unit of something else or another unit than the options, or nobody states one.
    """
    unit = check_unit(name, options, where) or find_stated_unit(name)
    if unit is not None and unit.quantity != quantity:
        raise UsageError(f"{where}: column {name!r} is in a unit of {unit.quantity}, not of {quantity}")
    if unit is not None:
        return unit.factor
    if options.stated_quantity == quantity:
        return options.factor
    if quantity == "voltage":
        return 1.0
    example = _EXAMPLES.get(quantity, quantity)
    raise UsageError(f"{where}: column {name!r} does not state its unit: pass unit={example}")


def check_unit(name: str, options: ReadOptions, where: str) -> Unit | None:
    """The unit that a column's name states, if it is one of a state; refused if the options say something else."""
    unit = find_stated_unit(name)
    if unit is None or unit.quantity not in QUANTITIES:
        return None
    said = options.stated_quantity
    wanted = options.factor if options.unit else unit.factor
    if said not in (None, unit.quantity) or not np.isclose(wanted, unit.factor, rtol=1e-9, atol=0.0):
        option = f"unit={options.unit}" if options.unit else f"quantity={options.quantity}"
        raise UsageError(f"{where}: column {name!r} is in a unit of {unit.quantity}, but {option} says otherwise")
    return unit


def resolve_state(frame: pd.DataFrame, options: ReadOptions, name: str) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """The frame with conductance_s or weight, from whichever of our columns holds the state, and what to say of it.

    Raises
    ------
    TableError
        If no column holds a state, or a weight stands beside another one.
    UsageError
        If the options say something else than the column's name.
    """
    if "value" in frame:
        return add_state(frame, options, name)
    present = [column for column in STATE_COLUMNS if column in frame]
    if not present or ("weight" in present and len(present) > 1):
        raise TableError(
            f"{name}: needs one column that holds the state (conductance_s, read_current_a with a read voltage, "
            f"resistance_ohm or weight); found {' and '.join(present) or 'none'}. Map one with map={{value: COLUMN}}"
        )
    column, *others = present
    quantity = STATE_COLUMNS[column]
    if options.stated_quantity not in (None, quantity):
        said = f"unit={options.unit}" if options.unit else f"quantity={options.quantity}"
        raise UsageError(f"{name}: column {column} is a {quantity}, but {said} says {options.stated_quantity}")
    if options.factor != 1.0 and column not in options.columns:
        raise UsageError(f"{name}: column {column} is in SI units, but unit={options.unit} says otherwise")
    if quantity == "weight":
        return frame, []
    if quantity == "conductance":
        if options.factor != 1.0:
            frame = frame.assign(conductance_s=frame[column] * options.factor)
        if options.read_voltage is not None and "read_voltage_v" not in frame:
            frame = frame.assign(read_voltage_v=options.read_voltage)
        return check_sign(frame, options, name, [])
    told = (
        [CodedWarning("columns", f"{name}: the state is {column}; {', '.join(others)} is kept as it is")]
        if others
        else []
    )
    found, warnings = add_state(frame.rename(columns={column: "value"}), replace(options, quantity=quantity), name)
    return found, [*told, *warnings]


def add_state(
    frame: pd.DataFrame, options: ReadOptions, name: str, *, assumed: str | None = None
) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Turn the column `value` into conductance_s or weight.

    Parameters
    ----------
    frame : pandas.DataFrame
        Has a column `value`; may have read_voltage_v. The index or file_row names rows in messages.
    options : ReadOptions
        Says the quantity, unit and read voltage.
    name : str
        File name for messages.
    assumed : str, optional
        Quantity by the format's convention, used (with a warning) if nobody says otherwise.

    Raises
    ------
    UsageError
        If the quantity or, for currents, the read voltage is not known.
    """
    warnings = []
    quantity = options.stated_quantity or assumed
    if quantity is None:
        text = (
            "the file does not say what its numbers are: pass quantity=conductance, current (with read_voltage=), "
            "resistance or weight; unit= if they are not in SI units"
        )
        fields = ("quantity", "unit", "read_voltage")
        raise QuestionError(name, Question(text, fields, list_quantity_choices(options)))
    if options.stated_quantity is None:
        words = f"{name}: numbers are taken as {assumed} in SI units by the format's convention"
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


def list_quantity_choices(options: ReadOptions) -> tuple[Choice, ...]:
    """Return what states may be; of currents the read voltage is asked as well, unless it was said."""
    asked = {"read_voltage": Blank("V")} if options.read_voltage is None else {}
    return tuple(
        Choice.of(f"states are {each}s", quantity=each, **(asked if each == "current" else {})) for each in QUANTITIES
    )


def check_sign(
    frame: pd.DataFrame, options: ReadOptions, name: str, warnings: list[CodedWarning]
) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Refuse conductances that are really weights; take magnitudes on request; doubt improbable units."""
    values, magnitudes = frame["conductance_s"], options.absolute
    negative = values < 0
    if negative.any() and magnitudes:
        told = f"{name}: magnitudes of {int(negative.sum())} negative conductances were taken"
        warnings.append(CodedWarning("abs", told))
        frame = frame.assign(conductance_s=values.abs())
    elif negative.mean() > NEGATIVE_SHARE_OF_A_WEIGHT:
        rows = frame["file_row"] if "file_row" in frame else pd.Series(frame.index, frame.index)
        bad = [
            BadRow(int(rows[at]), "conductance_s", f"{values[at]:.6g}", "0 S or more") for at in frame.index[negative]
        ]
        advice = (
            "currents and the read voltage must have one sign: see read_voltage=, or pass absolute=True"
            if negative.all()
            else "numbers of both signs look like a normalised weight (pass quantity=weight) or like currents with "
            "an offset; absolute=True takes magnitudes"
        )
        raise TableError(
            f"{name}: {len(bad)} of {len(values)} conductances are negative, which no device has; {advice}",
            bad,
        )
    median = float(frame["conductance_s"].median())
    if median > LARGEST_LIKELY_CONDUCTANCE:
        told = f"{name}: the median conductance is {median:.3g} S, more than any memristor has; is the unit right "
        warnings.append(CodedWarning("suspect_unit", told + "(unit=uS)?"))
    return frame, warnings
