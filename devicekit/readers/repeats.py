"""Parts of a table below each other that nothing names: repetitions of one device, or several devices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from devicekit.core.errors import Choice
from devicekit.core.text import count
from devicekit.readers.origins import INFERRED, Statement
from devicekit.system.options import CONDITIONS
from devicekit.tables import PulseTable, SweepTable, Table

AXES = ("time_s", "cycle", "repeat", "pulse_index", "spike_delay_s", "interval_s")
COORDINATES = ("voltage_v", "pulse_voltage_v", "direction", "level", *AXES)
SPLIT = ("record", "transient")  # kinds whose records are counted, and reported
READINGS = ("current_a", "conductance_s", "resistance_ohm", "read_current_a", "value", "weight")
SMALLEST = 0.05  # relative change of all readings from one part to the next
CLEAR = 5  # times the spread of that change over the rows of a part
ALIKE = 0.8  # length of the shortest part over that of the longest
FEWEST = 5  # rows of a part that shows a change of all
MOST_TRIED = 100  # lengths of a part


def of_parts(rows: pd.DataFrame, table: Table) -> list[Statement]:
    """Return the statement that parts which repeat the same coordinates belong to one device; none if none do.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows in the order of the file, under devicekit's column names, without a column for the device.
    table : Table
        What they make.
    """
    cyclic = isinstance(table, SweepTable | PulseTable)  # whose coordinates return in every cycle of one device
    names = [name for name in COORDINATES if name in rows and rows[name].nunique() > 1]
    names = [name for name in names if not _always_rises(rows[name])]
    varied = any(name in rows and rows[name].nunique() > 1 for name in CONDITIONS if name not in COORDINATES)
    if table.kind in SPLIT or varied or not (cyclic or set(AXES) & set(names)):
        return []
    gaps = np.flatnonzero(np.diff(rows["file_row"].to_numpy()) > 1) + 1
    starts, ways = gaps, ["empty rows lie between them"]
    if not (gaps.size and names and bool((rows[names].iloc[gaps] == rows[names].iloc[0]).all(axis=None))):
        if not cyclic:
            starts, ways = _find_period(rows[names]), []
        elif "cycle" in rows:
            starts = np.flatnonzero(np.diff(rows["cycle"].to_numpy()) < 0) + 1
            ways = ["the cycle begins anew"]
        else:
            starts = np.flatnonzero(np.diff(table.frame["cycle"].to_numpy())) + 1
            starts = starts[_find_jumps(table.frame, starts)]
            ways = ["all readings of a part are larger or smaller than those before it"]
    if not starts.size:
        return []
    sizes = np.diff(np.r_[0, starts, len(rows)])
    lengths = f"{sizes[0]} rows each" if np.ptp(sizes) == 0 else f"{sizes.min()} to {sizes.max()} rows"
    begin = f" that begin anew ({', '.join(names)})" if names else ""
    ways += ["equal lengths"] if np.ptp(sizes) == 0 else []
    says = f"{count(len(sizes), 'part')} of {lengths}{begin} are of one device"
    others = _others(sizes, set(starts) <= set(gaps), rows)
    return [Statement(subject="devices", says=says, origin=INFERRED, ways=tuple(ways), others=others)]


def _others(sizes: np.ndarray, apart: bool, rows: pd.DataFrame) -> tuple[Choice, ...]:
    """Return the answers that each part is a device; `apart`: empty rows lie between them."""
    found = []
    levels = rows["level"].nunique() if "level" in rows else 1  # rows are counted for each
    if np.ptp(sizes) == 0 and sizes[0] % levels == 0:
        n = str(sizes[0] // levels)
        found.append(Choice.of(f"no, every {sizes[0]} rows are a device", rows_per={"device": n}))
    if apart:
        found.append(
            Choice.of("no, each table below an empty row is a device", blocks="empty-row", columns_are="devices")
        )
    return tuple(found) or (Choice.of("no: the columns are kept as they are", kind="record"),)


def _always_rises(values: pd.Series) -> bool:
    """Return whether numbers go on through all parts, as a time does."""
    return values.dtype.kind in "iuf" and bool((values.diff().dropna() > 0).all())


def _find_period(coordinates: pd.DataFrame) -> np.ndarray:
    """Return the first row of each part after the first, where all coordinates repeat those of the first."""
    n = len(coordinates)
    codes = np.column_stack([pd.factorize(coordinates[name])[0] for name in coordinates])
    again = np.flatnonzero((codes == codes[0]).all(axis=1))[1:]
    for length in again[again > 1][:MOST_TRIED].tolist():
        if n % length == 0 and bool((codes[length:] == codes[:-length]).all()):
            return np.arange(length, n, length)
    return np.zeros(0, int)


def _find_jumps(rows: pd.DataFrame, starts: np.ndarray) -> np.ndarray:
    """Return, for each part after the first, whether all its readings are changed by one factor, clearly."""
    name = next((each for each in READINGS if each in rows), None)
    parts = np.split(rows[name].abs().to_numpy(float), starts) if name is not None and starts.size else []
    length = min(map(len, parts), default=0)
    if length < max(FEWEST, ALIKE * max(map(len, parts), default=0)):
        return np.zeros(starts.size, bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.diff(np.log([part[:length] for part in parts]), axis=0)
        steps[~np.isfinite(steps)] = np.nan
        middle = np.nanmedian(steps, axis=1)
        spread = np.nanmedian(np.abs(steps - middle[:, None]), axis=1)
    return np.abs(middle) > np.maximum(SMALLEST, CLEAR * spread)
