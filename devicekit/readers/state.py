"""From what a file's numbers are (S, A, ohm, weight) to the state column of a pulse table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from devicekit.errors import Flag, TableError, UsageError
from devicekit.names import Unit, parse_unit
from devicekit.options import QUANTITIES, ReadOptions
from devicekit.readers.header import unit_of

NEGATIVE_SHARE_OF_A_WEIGHT = 0.05
LARGEST_LIKELY_CONDUCTANCE = 0.1  # S


def add_state(
    frame: pd.DataFrame, options: ReadOptions, name: str, *, assumed: str | None = None
) -> tuple[pd.DataFrame, list[Flag]]:
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
        Quantity by the format's convention, used (and flagged) if nobody says otherwise.

    Raises
    ------
    UsageError
        If the quantity or, for currents, the read voltage is not known.
    """
    flags = []
    quantity = options.stated_quantity
    if quantity is None:
        if assumed is None:
            raise UsageError(
                f"{name} does not say what its numbers are: pass --quantity conductance, current (with "
                "--read-voltage), resistance or weight; --unit if they are not in SI units"
            )
        quantity = assumed
        flags.append(
            Flag(
                "assumed_unit",
                f"{name}: numbers are taken as {assumed} in SI units by the format's convention",
            )
        )
    values = frame["value"] * options.factor
    frame = frame.drop(columns="value")
    if quantity == "weight":
        return frame.assign(weight=values), flags
    if quantity == "current":
        voltage = frame.get("read_voltage_v", options.read_voltage)
        if voltage is None:
            raise UsageError(f"{name} holds currents: pass the read voltage with --read-voltage V")
        frame = frame.assign(read_voltage_v=voltage, read_current_a=values)
        values = values / voltage
    elif options.read_voltage is not None and "read_voltage_v" not in frame:
        frame = frame.assign(read_voltage_v=options.read_voltage)
    if quantity == "resistance":
        values = 1.0 / values.where(values != 0)
    frame = frame.assign(conductance_s=values.where(np.isfinite(values)))
    return check_sign(frame, options, name, flags)


def check_unit(name: str, options: ReadOptions, where: str) -> Unit | None:
    """The unit that a column's name states, if it is one of a state; refused if the options say something else."""
    word = unit_of(name)[1]
    unit = parse_unit(word) if word else None
    if unit is None or unit.quantity not in QUANTITIES:
        return None
    said = options.stated_quantity
    factor = options.factor if options.unit else unit.factor
    if said not in (None, unit.quantity) or not np.isclose(factor, unit.factor, rtol=1e-9):
        option = f"--unit {options.unit}" if options.unit else f"--quantity {options.quantity}"
        raise UsageError(f"{where}: column {name!r} is in {word}, but {option} says otherwise")
    return unit


def check_sign(
    frame: pd.DataFrame, options: ReadOptions, name: str, flags: list[Flag]
) -> tuple[pd.DataFrame, list[Flag]]:
    """Refuse conductances that are really weights; take magnitudes on request; doubt improbable units."""
    values = frame["conductance_s"]
    negative = values < 0
    if negative.any() and options.absolute:
        flags.append(
            Flag("abs", f"{name}: magnitudes of {int(negative.sum())} negative conductances were taken")
        )
        frame = frame.assign(conductance_s=values.abs())
    elif negative.mean() > NEGATIVE_SHARE_OF_A_WEIGHT:
        from devicekit.errors import BadRow

        rows = frame["file_row"] if "file_row" in frame else pd.Series(frame.index, frame.index)
        bad = [
            BadRow(int(rows[at]), "conductance_s", f"{values[at]:.6g}", "0 S or more")
            for at in frame.index[negative]
        ]
        advice = (
            "currents and the read voltage must have one sign: see --read-voltage, or pass --abs"
            if negative.all()
            else "numbers of both signs look like a normalised weight (pass --quantity weight) or like currents with "
            "an offset"
        )
        raise TableError(
            f"{name}: {len(bad)} of {len(values)} conductances are negative, which no device has; {advice}", bad
        )
    median = float(frame["conductance_s"].median())
    if median > LARGEST_LIKELY_CONDUCTANCE:
        flags.append(
            Flag("suspect_unit", f"{name}: the median conductance is {median:.3g} S, more than any memristor has; "
                 "is the unit right (--unit uS)?")
        )  # fmt: skip
    return frame, flags
