"""The last step of every reader of pulse trains: one column order, every row kept, flags collected."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from devicekit.clean import growing_amplitude, order_of_trains, tidy_starts, train_columns
from devicekit.errors import Flag
from devicekit.readers.source import Source
from devicekit.tables import PULSE_SCHEMA, PulseTable


def pulse_table(frame: pd.DataFrame, reader: str, source: Source, flags: Iterable[Flag]) -> PulseTable:
    """A `PulseTable` from a frame with the schema's columns: validated, in order, with every flag."""
    flags = list(flags)
    column = "conductance_s" if "conductance_s" in frame else "weight"
    frame = frame.assign(device_id=frame["device_id"].astype(str))
    infinite = np.isinf(frame[column])
    if infinite.any():
        frame = frame.assign(**{column: frame[column].where(~infinite)})
        flags.append(Flag("dropped", f"{int(infinite.sum())} infinite readings were left out"))
    checked = PulseTable(frame)  # before anything is reordered, so that bad rows keep their place
    starts = tidy_starts(checked.frame)
    frame, mended = order_of_trains(checked.frame, column, starts)
    flags.extend(mended)
    keys = [*train_columns(frame), "pulse_index"]
    repeats = frame.duplicated(keys) if starts is None else np.zeros(0, bool)
    if repeats.any():
        message = f"{int(repeats.sum())} readings repeat a pulse that was read before; a fit takes their mean"
        flags.append(Flag("repeats", message))
    ordered = [name for name in PULSE_SCHEMA.columns if name in frame]
    ordered += [name for name in frame if name not in ordered]
    if ordered != list(frame.columns):
        frame = frame[ordered]
    if growing := growing_amplitude(frame):
        flags.append(growing)
    return PulseTable(frame, {"format": reader, "source": source.path.name}, tuple(flags))
