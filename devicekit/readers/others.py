"""Long tables of endurance, retention and STDP: the kinds beside pulse trains and sweeps."""

from __future__ import annotations

import numpy as np
import pandas as pd

from devicekit.errors import BadRow, Flag, TableError
from devicekit.options import ReadOptions
from devicekit.readers.source import Source
from devicekit.readers.state import add_state
from devicekit.tables import EnduranceTable, RetentionTable, StdpTable

LEVEL_ALIASES = {
    "lrs": "lrs", "on": "lrs", "low": "lrs", "set": "lrs", "r_low": "lrs", "lrs state": "lrs", "1": "lrs",
    "hrs": "hrs", "off": "hrs", "high": "hrs", "reset": "hrs", "r_high": "hrs", "hrs state": "hrs", "0": "hrs",
}  # fmt: skip
STATE_COLUMNS = {
    "conductance_s": "conductance", "read_current_a": "current", "resistance_ohm": "resistance", "weight": "weight",
}  # fmt: skip
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
    which: str, frame: pd.DataFrame, options: ReadOptions, source: Source, flags: tuple[Flag, ...] = ()
) -> EnduranceTable | RetentionTable | StdpTable:
    """The table of that kind from a frame with our names; `device_id` and file_row are there."""
    name = source.path.name
    meta = {"format": "long", "source": name}
    if which == "stdp":
        if "repeat" not in frame:
            frame = frame.assign(repeat=frame.groupby(["device_id", "spike_delay_s"]).cumcount() + 1)
        return StdpTable(_whole(frame, "repeat", name), meta, flags)
    frame, more = _state(frame, options, name)
    if which == "endurance":
        frame = _levels(_whole(frame, "cycle", name), name)
        return EnduranceTable(frame, meta, (*flags, *more))
    frame = frame.assign(level=_words(frame["level"]) if "level" in frame else "state")
    return RetentionTable(frame, meta, (*flags, *more))


def _words(column: pd.Series) -> pd.Series:
    """Level names as text; whole numbers without a decimal point."""
    if column.dtype.kind == "f" and (column == column.round()).all():
        column = column.astype("int64")
    return column.astype(str).str.strip()


def _state(frame: pd.DataFrame, options: ReadOptions, name: str) -> tuple[pd.DataFrame, list[Flag]]:
    if "value" in frame:
        return add_state(frame, options, name)
    present = [column for column in STATE_COLUMNS if column in frame]
    preferred = [
        column for column in ("conductance_s", "resistance_ohm", "read_current_a") if column in present
    ]
    if not preferred:
        raise TableError(f"{name}: no column of conductances, resistances or currents")
    if preferred[0] == "conductance_s":
        return frame, []
    said = ReadOptions(
        quantity=STATE_COLUMNS[preferred[0]], read_voltage=options.read_voltage, absolute=options.absolute
    )
    return add_state(frame.rename(columns={preferred[0]: "value"}), said, name)


def _whole(frame: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    values = pd.to_numeric(frame[column], errors="coerce")
    wrong = values.isna() | (values != np.round(values)) | (values.abs() > 2**53)
    if wrong.any():
        bad = [
            BadRow(int(frame["file_row"][k]), column, str(frame[column][k]), "a whole number")
            for k in frame.index[wrong]
        ]
        raise TableError(f"{name}: {column} holds whole numbers", bad)
    return frame.assign(**{column: values.astype("int64")})


def _levels(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    words = _words(frame["level"]).str.lower()
    levels = words.map(LEVEL_ALIASES)
    if levels.isna().any():
        bad = [
            BadRow(int(frame["file_row"][k]), "level", repr(words[k]), "lrs or hrs")
            for k in frame.index[levels.isna()]
        ]
        raise TableError(f"{name}: unknown level", bad)
    return frame.assign(level=levels)
