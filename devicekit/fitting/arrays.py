"""Trains given as arrays: `devicekit.fit(ltp=..., ltd=..., unit="uS")`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.calls import as_reals
from devicekit.core.errors import UsageError


def trains_frame(trains: Mapping[str, Any], reading: Mapping[str, Any]) -> pd.DataFrame:
    """Return trains as a frame, one row for each reading.

    Raises UsageError if they do not, or a train does not hold numbers.

    Parameters
    ----------
    trains : mapping of {"ltp", "ltd"} to array-like
        Shape (N + 1,), or (cycles, N + 1) or a sequence of trains that differ in length: the reading before the first
        pulse, then one after each pulse; NaN where nothing was read.
    reading : mapping
        Reading options, which must state a unit or a quantity.
    """
    if not {"unit", "quantity"} & set(reading):
        raise UsageError(
            "ltp= and ltd= are numbers without a unit. Add unit='uS', a unit of I with read_voltage=, of R, or '1' for "
            "weights."
        )
    parts = []
    for direction, given in trains.items():
        for cycle, train in enumerate(_rows(direction, given), 1):
            seen = ~np.isnan(train)
            frame = pd.DataFrame({"pulse_index": np.arange(train.size)[seen], "value": train[seen]})
            parts.append(frame.assign(device_id="device1", direction=direction, cycle=cycle))
    parts.sort(key=lambda part: part["cycle"].iloc[0])  # as measured: LTP, LTD of a cycle, then the next
    return pd.concat(parts, ignore_index=True)


def _rows(direction: str, given: Any) -> list[np.ndarray]:
    """Return the trains of one direction, each of shape (N + 1,)."""
    try:
        one = np.ndim(given[0] if isinstance(given, Sequence) and len(given) else given) + isinstance(given, Sequence)
        rows = [as_reals(each, f"{direction}=") for each in (given if one > 1 else [given])]
    except (TypeError, ValueError):
        rows = []
    if not rows or any(row.ndim != 1 or np.isinf(row).any() or np.isnan(row).all() for row in rows):
        raise UsageError(
            f"{direction}= takes the readings of one train, or of several, one row for each cycle: numbers of shape "
            "(N + 1,) or (cycles, N + 1)."
        )
    return rows


def is_nameless(data: Any) -> bool:
    """Return whether data in memory are numbers without names: an array, a list of numbers or an unnamed series."""
    if isinstance(data, pd.Series):
        return data.name is None and data.index.name is None
    if isinstance(data, np.ndarray):
        return data.dtype.names is None
    return isinstance(data, list | tuple) and not all(isinstance(each, str | Path) for each in data)


def refuse_nameless(reading: Mapping[str, Any]) -> None:
    """Refuse numbers without names whose meaning no option states.

    Raises UsageError if there is none.
    """
    if not {"unit", "quantity", "kind", "recipe", "map", "columns"} & set(reading):
        raise UsageError(
            "Numbers without names can mean anything. Name them: devicekit.fit(ltp=..., ltd=..., unit='uS'), or a dict "
            "of columns such as {'pulse_index': ..., 'conductance_s': ...}."
        )
