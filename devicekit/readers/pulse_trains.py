"""Pulse trains from rows under our names: what is not named is split, with a warning; every row is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from devicekit.errors import BadRow, CodedWarning, TableError
from devicekit.names import DIRECTION_ALIASES
from devicekit.options import ReadOptions
from devicekit.readers.cells import whole
from devicekit.readers.source import Source
from devicekit.readers.splitting import (
    growing_amplitude,
    order_of_trains,
    split_by_reset,
    split_by_sign,
    split_values,
    tidy_starts,
    train_columns,
)
from devicekit.readers.state import with_state
from devicekit.tables import PULSE_SCHEMA, PulseTable


def pulse_trains(
    frame: pd.DataFrame,
    options: ReadOptions,
    source: Source,
    reader: str = "long",
    warnings: Iterable[CodedWarning] = (),
) -> PulseTable:
    """Rows under our names, in the order of the pulses, as pulse trains; what is not named is split and flagged."""
    if "device_id" not in frame:
        frame["device_id"] = "device1"
    frame, state = with_state(frame, options, source.path.name)
    frame, split = _trains(frame, source.path.name)
    return pulse_table(frame, reader, source, [*warnings, *state, *split])


def pulse_table(frame: pd.DataFrame, reader: str, source: Source, warnings: Iterable[CodedWarning]) -> PulseTable:
    """A `PulseTable` from a frame with the schema's columns: validated, in order, with every warning."""
    warnings = list(warnings)
    column = "conductance_s" if "conductance_s" in frame else "weight"
    frame = frame.assign(device_id=frame["device_id"].astype(str))
    infinite = np.isinf(frame[column])
    if infinite.any():
        frame = frame.assign(**{column: frame[column].where(~infinite)})
        warnings.append(CodedWarning("dropped", f"{int(infinite.sum())} infinite readings were left out"))
    checked = PulseTable(frame)  # before anything is reordered, so that bad rows keep their place
    starts = tidy_starts(checked.frame)
    frame, mended = order_of_trains(checked.frame, column, starts)
    warnings.extend(mended)
    keys = [*train_columns(frame), "pulse_index"]
    repeats = frame.duplicated(keys) if starts is None else np.zeros(0, bool)
    if repeats.any():
        message = f"{int(repeats.sum())} readings repeat a pulse that was read before; a fit takes their mean"
        warnings.append(CodedWarning("repeats", message))
    ordered = [name for name in PULSE_SCHEMA.columns if name in frame]
    ordered += [name for name in frame if name not in ordered]
    if ordered != list(frame.columns):
        frame = frame[ordered]
    if growing := growing_amplitude(frame):
        warnings.append(growing)
    return PulseTable(frame, {"format": reader, "source": source.path.name}, tuple(warnings))


def _trains(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Direction, cycle and pulse index: from the file where it has them, split by devicekit where not."""
    warnings: list[CodedWarning] = []
    if "direction" in frame:
        frame = frame.assign(direction=_directions(frame, name))
    for column in ("cycle", "pulse_index"):
        if column in frame:
            frame = frame.assign(**{column: whole(frame, column, name)})
    if {"direction", "cycle", "pulse_index"} <= set(frame):
        return frame, warnings
    if "direction" not in frame and not frame["device_id"].duplicated().any():
        warnings.append(CodedWarning("split", f"{name}: one reading a device: each is a state before the first pulse"))
        return frame.assign(direction="ltp", cycle=1, pulse_index=0), warnings
    parts = []
    for _, part in frame.groupby("device_id", sort=False):
        parts.append(_split_device(part, name, warnings))
    return pd.concat(parts, ignore_index=True), list(dict.fromkeys(warnings))


def _directions(frame: pd.DataFrame, name: str) -> pd.Series:
    codes, found = pd.factorize(frame["direction"].astype(str), use_na_sentinel=False)
    words = [str(word) for word in found]
    known = [DIRECTION_ALIASES.get(re.sub(r"^(-?1)\.0$", r"\1", word.strip().lower())) for word in words]
    if None in known:
        bad = [
            BadRow(int(frame["file_row"][at]), "direction", repr(words[code]), "ltp or ltd")
            for at, code in zip(frame.index, codes, strict=True)
            if known[code] is None
        ]
        raise TableError(f"{name}: unknown direction", bad)
    return pd.Series(np.array(known, object)[codes], frame.index, dtype=str)


def _split_device(part: pd.DataFrame, name: str, warnings: list[CodedWarning]) -> pd.DataFrame:
    if "direction" not in part:
        if "pulse_voltage_v" in part and np.nan_to_num(part["pulse_voltage_v"]).any():
            direction, cycle = split_by_sign(part["pulse_voltage_v"].to_numpy(float))
            warnings.append(CodedWarning("split", f"{name}: direction from the sign of the pulse voltage"))
            part = part.assign(direction=direction, **({} if "cycle" in part else {"cycle": cycle}))
        else:
            column = "conductance_s" if "conductance_s" in part else "weight"
            split = split_values(part[column].to_numpy(float), name)
            warnings.extend(split.warnings)
            return part.assign(direction=split.direction, cycle=split.cycle, pulse_index=split.pulse_index)
    if "cycle" not in part:
        changes = (part["direction"] != part["direction"].shift()).cumsum()
        if "pulse_index" in part:
            resets = pd.Series(split_by_reset(part["pulse_index"].to_numpy()), part.index)
            changes = changes + resets
        train = changes.rank(method="dense").astype(int)
        first = ~train.duplicated()
        number = part[first].groupby("direction").cumcount() + 1
        part = part.assign(cycle=train.map(dict(zip(train[first], number, strict=True))))
        warnings.append(
            CodedWarning("split", f"{name}: cycles split where the direction changes or the pulse number restarts")
        )
    if "pulse_index" not in part:
        part = part.assign(pulse_index=part.groupby(["cycle", "direction"]).cumcount())
    return part
