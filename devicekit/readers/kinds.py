"""Long tables of endurance, retention and STDP: the kinds beside pulse trains and sweeps."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from devicekit.errors import BadRow, CodedWarning, TableError, UsageError
from devicekit.options import ReadOptions
from devicekit.readers.cells import whole
from devicekit.readers.source import Source
from devicekit.readers.state import STATE_COLUMNS, with_state
from devicekit.tables import EnduranceTable, RetentionTable, StdpTable

LEVEL_ALIASES = {
    "lrs": "lrs",
    "on": "lrs",
    "low": "lrs",
    "set": "lrs",
    "r_low": "lrs",
    "lrs state": "lrs",
    "1": "lrs",
    "hrs": "hrs",
    "off": "hrs",
    "high": "hrs",
    "reset": "hrs",
    "r_high": "hrs",
    "hrs state": "hrs",
    "0": "hrs",
}
_PULSE_COLUMNS = {"pulse_index", "direction", "pulse_voltage_v", "pulse_width_s"}


def kind(names: set[str]) -> str | None:
    """endurance, retention or stdp by our column names, else None."""
    if {"spike_delay_s", "weight_change"} <= names:
        return "stdp"
    has_state = bool(names & {*STATE_COLUMNS, "value"} - {"weight"})
    if not has_state or names & _PULSE_COLUMNS:
        return None
    if {"level", "cycle"} <= names:
        return "endurance"
    return "retention" if "time_s" in names else None


def read(
    which: str,
    frame: pd.DataFrame,
    options: ReadOptions,
    source: Source,
    warnings: tuple[CodedWarning, ...] = (),
    settled: bool = False,
) -> EnduranceTable | RetentionTable | StdpTable:
    """The table of that kind from a frame with our names; `device_id` and file_row are there.

    `settled` says that the names of the levels are clear.
    """
    name = source.path.name
    meta = {"format": "long", "source": name}
    if which == "stdp":
        if "repeat" not in frame:
            frame = frame.assign(repeat=frame.groupby(["device_id", "spike_delay_s"]).cumcount() + 1)
        return StdpTable(frame.assign(repeat=whole(frame, "repeat", name)), meta, warnings)
    if which == "endurance":
        held = next((column for column in STATE_COLUMNS if column in frame), "value")
        quantity = options.stated_quantity or STATE_COLUMNS.get(held, "resistance")
        if not settled:
            check_words(_words(frame["level"]), quantity, name)
    frame, more = with_state(frame, options, name)
    if which == "endurance":
        frame = _levels(frame.assign(cycle=whole(frame, "cycle", name)), name)
        return EnduranceTable(frame, meta, (*warnings, *more))
    frame = frame.assign(level=_words(frame["level"]) if "level" in frame else "state")
    return RetentionTable(frame, meta, (*warnings, *more))


def _words(column: pd.Series) -> pd.Series:
    """Level names as text; whole numbers without a decimal point."""
    if column.dtype.kind == "f" and (column == column.round()).all():
        column = column.astype("int64")
    return column.astype(str).str.strip()


def check_words(words: Iterable[str], quantity: str, where: str) -> None:
    """Refuse `low` and `high` of anything but resistances: low conductance is HRS, the low-resistance state is LRS.

    Raises
    ------
    UsageError
    """
    unclear = sorted({word.lower() for word in words} & {"low", "high"})
    if unclear and quantity != "resistance":
        raise UsageError(
            f"{where}: {' and '.join(unclear)} of a {quantity} may mean that conductance is {unclear[0]} or that "
            "resistance is: name the levels lrs and hrs"
        )


def _levels(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    words = _words(frame["level"]).str.lower()
    levels = words.map(LEVEL_ALIASES)
    if levels.isna().any():
        bad = [
            BadRow(int(frame["file_row"][k]), "level", repr(words[k]), "lrs or hrs") for k in frame.index[levels.isna()]
        ]
        raise TableError(f"{name}: unknown level", bad)
    return frame.assign(level=levels)
