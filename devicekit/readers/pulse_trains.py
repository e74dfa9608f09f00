"""Pulse trains from rows under devicekit's column names; missing directions, cycles and indices are found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import BadRow, Choice, CodedWarning, TableError, UsageError
from devicekit.core.quantities import DIRECTION_ALIASES
from devicekit.core.text import count
from devicekit.readers.cells import parse_whole_numbers
from devicekit.readers.questions import ask
from devicekit.readers.source import Source
from devicekit.readers.splitting import (
    find_train_starts,
    mend_train_order,
    split_by_reset,
    split_by_sign,
    split_values,
    train_columns,
    warn_about_growing_amplitude,
)
from devicekit.readers.state import OF_CONDUCTANCES, resolve_state
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable
from devicekit.tables.schemas import PULSE_SCHEMA

# columns whose groups are split separately
_KEYS = ("device_id", "_part", "pulse_width_s", "cycle")


def build_pulse_trains(
    frame: pd.DataFrame,
    options: ReadOptions,
    source: Source,
    reader: str = "long",
    warnings: Iterable[CodedWarning] = (),
) -> PulseTable:
    """Build pulse trains from rows in the order of the pulses; split what has no names, with a warning."""
    if "device_id" not in frame:
        frame["device_id"] = "device1"
    frame, state = resolve_state(frame, options, source.path.name)
    frame, split = _complete_trains(frame, source.path.name, options.pulses)
    return build_pulse_table(frame, reader, source, [*warnings, *state, *split])


def build_pulse_table(frame: pd.DataFrame, reader: str, source: Source, warnings: Iterable[CodedWarning]) -> PulseTable:
    """Build a validated, ordered `PulseTable` with all warnings from a frame with the schema's columns."""
    warnings = list(warnings)
    column = "conductance_s" if "conductance_s" in frame else "weight"
    frame = frame.assign(device_id=frame["device_id"].astype(str))
    infinite = np.isinf(frame[column])
    if infinite.any():
        frame = frame.assign(**{column: frame[column].where(~infinite)})
        warnings.append(CodedWarning("dropped", f"{int(infinite.sum())} infinite readings were dropped"))
    checked = PulseTable(frame)  # before reordering, so that bad rows keep their numbers
    starts = find_train_starts(checked.frame)
    frame, mended = mend_train_order(checked.frame, column, starts)
    warnings.extend(mended)
    keys = [*train_columns(frame), "pulse_index"]
    repeats = frame.duplicated(keys) if starts is None else np.zeros(0, bool)
    if repeats.any():
        message = f"{int(repeats.sum())} readings repeat a pulse; a fit uses their mean"
        warnings.append(CodedWarning("repeats", message))
    ordered = [name for name in PULSE_SCHEMA.columns if name in frame]
    ordered += [name for name in frame if name not in ordered]
    if ordered != list(frame.columns):
        frame = frame[ordered]
    if growing := warn_about_growing_amplitude(frame):
        warnings.append(growing)
    unused = OF_CONDUCTANCES if column == "weight" else frozenset()
    meta = {"format": reader, "source": source.path.name, "unused": unused}
    return PulseTable(frame, meta, tuple(warnings))


def _complete_trains(
    frame: pd.DataFrame, name: str, pulses: tuple[int, ...] | None
) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Return the frame with direction, cycle and pulse index, from the file or by splitting."""
    warnings: list[CodedWarning] = []
    if "direction" in frame:
        frame = frame.assign(direction=_parse_directions(frame, name))
    for column in ("cycle", "pulse_index"):
        if column in frame:
            frame = frame.assign(**{column: parse_whole_numbers(frame, column, name)})
    if not {"direction", "cycle", "pulse_index"} <= set(frame):
        if "direction" not in frame and not frame.duplicated([key for key in _KEYS if key in frame]).any():
            words = f"{name}: one reading for each device, read as the state before the first pulse"
            warnings.append(CodedWarning("split", words))
            frame = frame.assign(direction="ltp", cycle=1, pulse_index=0)
        else:
            frame = _split(frame, name, pulses, warnings)
    elif pulses:
        raise UsageError(f"{name} names its trains. Remove pulses={pulses}")
    return frame.drop(columns="_part", errors="ignore"), list(dict.fromkeys(warnings))


def _split(
    frame: pd.DataFrame, name: str, pulses: tuple[int, ...] | None, warnings: list[CodedWarning]
) -> pd.DataFrame:
    """Split each device separately; in a wide table also each column, and each cycle that the file names."""
    keys = [key for key in _KEYS if key in frame]
    parts = [
        _split_part(_sort_by_index(part), name, pulses, warnings)
        for _, part in frame.groupby(keys, sort=False, dropna=False)
    ]
    _check_agreement(parts, name)
    if "_part" not in frame and "pulse_width_s" not in frame and "cycle" not in frame:
        return pd.concat(parts, ignore_index=True)
    counted: dict[tuple[Any, ...], int] = {}
    for part in parts:  # cycles continue from one part of a device to the next
        if part.attrs.pop("cycle stated", False):
            continue
        key = (part["device_id"].iloc[0], part["pulse_width_s"].iloc[0] if "pulse_width_s" in part else None)
        numbers = []
        for direction, trains in part.groupby("direction", sort=False)["cycle"]:
            before = counted.get((*key, direction), 0)
            numbers.append(trains + before)
            counted[(*key, direction)] = before + int(trains.max())
        part["cycle"] = pd.concat(numbers).reindex(part.index)
    return pd.concat(parts, ignore_index=True)


def _check_agreement(parts: list[pd.DataFrame], name: str) -> None:
    """Ask if parts of a device with equally many readings were split at different turns.

    Raises
    ------
    QuestionError
        With the splits, the most frequent first.
    """
    found: dict[tuple[Any, ...], Counter[tuple[int, int]]] = {}
    for part in parts:
        at_turns = part.attrs.pop("split at turns", False) and part["direction"].iloc[0] != part["direction"].iloc[-1]
        if at_turns and part["cycle"].nunique() == 1:
            pulses = part.groupby("direction")["pulse_index"].max()
            if len(pulses) == 2:
                key = (part["device_id"].iloc[0], len(part))
                found.setdefault(key, Counter())[int(pulses["ltp"]), int(pulses["ltd"])] += 1
    for (device, readings), splits in found.items():
        if len(splits) > 1:
            choices = tuple(
                Choice.of(f"{up} LTP and {down} LTD pulses (as in {count(n, 'cycle')})", pulses=(up, down))
                for (up, down), n in splits.most_common(4)
            )
            raise ask(
                name,
                f"cycles of {device} have {readings} readings each and turn at different places: how many "
                "pulses has each train?",
                choices,
                tuple(f"{up} and {down} pulses in {count(n, 'cycle')}" for (up, down), n in splits.items()),
            )


def _sort_by_index(part: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by pulse number if each number occurs once (in each direction, if known)."""
    if "pulse_index" not in part:
        return part
    keys = ["direction", "pulse_index"] if "direction" in part else ["pulse_index"]
    if part.duplicated(keys).any():
        return part
    if len(keys) == 1 or not part["pulse_index"].duplicated().any():
        return part.sort_values("pulse_index", kind="stable")
    order = {direction: k for k, direction in enumerate(part["direction"].unique())}
    return part.iloc[np.lexsort((part["pulse_index"], part["direction"].map(order)))]


def _parse_directions(frame: pd.DataFrame, name: str) -> pd.Series:
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


def _split_part(
    part: pd.DataFrame, name: str, pulses: tuple[int, ...] | None, warnings: list[CodedWarning]
) -> pd.DataFrame:
    """Add directions, cycles and pulse numbers to the rows of one device, or of one cycle if the file has cycles."""
    stated = "cycle" in part
    cycle = part["cycle"].iloc[0] if stated else None
    if "direction" not in part:
        part = _add_directions(part.drop(columns="cycle", errors="ignore"), name, pulses, warnings)
    elif pulses:
        raise UsageError(f"{name} names the directions of its trains. Remove pulses={pulses}")
    elif stated:
        part = part.drop(columns="cycle")  # cycles within it are counted; its number is restored below
    if "cycle" not in part:
        part = _add_cycles(part, name, warnings)
    if "pulse_index" not in part:
        part = part.assign(pulse_index=part.groupby(["cycle", "direction"], sort=False).cumcount())
    part = _count_from_start(part)
    if stated and part["cycle"].max() == 1:
        part = part.assign(cycle=cycle)
        part.attrs["cycle stated"] = True
    elif stated:
        words = f"{name}: cycle {cycle} holds {part['cycle'].max()} cycles, which are numbered consecutively"
        warnings.append(CodedWarning("split", words))
    return part


def _add_directions(
    part: pd.DataFrame, name: str, pulses: tuple[int, ...] | None, warnings: list[CodedWarning]
) -> pd.DataFrame:
    """Add directions by the sign of the pulses, else by restarts of the pulse number, else by turning points."""
    if "pulse_voltage_v" in part and len(set(np.sign(np.nan_to_num(part["pulse_voltage_v"]))) - {0.0}) == 2:
        direction, cycle = split_by_sign(part["pulse_voltage_v"].to_numpy(float))
        warnings.append(CodedWarning("split", f"{name}: direction from the sign of the pulse voltage"))
        part = part.assign(direction=direction, cycle=cycle)
        return part if "pulse_index" not in part else _add_cycles(part.drop(columns="cycle"), name, [])
    column = "conductance_s" if "conductance_s" in part else "weight"
    if "pulse_index" in part:
        train = split_by_reset(part["pulse_index"].to_numpy())
        if train[-1] > 0:
            ends = part[column].groupby(train).agg(["first", "last"])
            directions = np.where(ends["last"] >= ends["first"], "ltp", "ltd")
            cycles = pd.Series(directions).groupby(directions).cumcount().to_numpy() + 1
            words = f"{name}: split where the pulse number restarts, into {count(len(directions), 'train')}"
            warnings.append(CodedWarning("split", words))
            return part.assign(direction=directions[train], cycle=cycles[train])
    split = split_values(part[column].to_numpy(float), name, pulses)
    warnings.extend(split.warnings)
    part = part.assign(direction=split.direction, cycle=split.cycle)
    part = _renumber(part) if "pulse_index" in part else part.assign(pulse_index=split.pulse_index)
    part.attrs["split at turns"] = pulses is None
    return part


def _renumber(part: pd.DataFrame) -> pd.DataFrame:
    """Count the file's pulse numbers of each train from the end of the train before it."""
    train = part.groupby(["direction", "cycle"], sort=False).ngroup()
    last = part["pulse_index"].groupby(train).last()
    before = last.shift(fill_value=0)
    return part.assign(pulse_index=part["pulse_index"] - train.map(before))


def _add_cycles(part: pd.DataFrame, name: str, warnings: list[CodedWarning]) -> pd.DataFrame:
    """Add cycles, split where the direction changes or the pulse number restarts."""
    changes = (part["direction"] != part["direction"].shift()).cumsum()
    if "pulse_index" in part:
        changes = changes + pd.Series(split_by_reset(part["pulse_index"].to_numpy()), part.index)
    train = changes.rank(method="dense").astype(int)
    first = ~train.duplicated()
    number = part[first].groupby("direction").cumcount() + 1
    words = f"{name}: cycles split where the direction changes or the pulse number restarts"
    warnings.append(CodedWarning("split", words))
    return part.assign(cycle=train.map(dict(zip(train[first], number, strict=True))))


def _count_from_start(part: pd.DataFrame) -> pd.DataFrame:
    """Count pulse numbers from the start of each train if the file counts on from one train to the next."""
    if all((part[name] == part[name].iloc[0]).all() for name in ("cycle", "direction")):
        return part  # one train
    groups = part.groupby(["cycle", "direction"], sort=False)["pulse_index"]
    first, last = groups.transform("min"), groups.max().to_numpy()
    starts = groups.min().to_numpy()
    if len(starts) < 2 or not (starts[1:] == last[:-1] + 1).all():
        return part
    base = min(int(starts[0]), 1)
    later = first != starts[0]
    return part.assign(pulse_index=part["pulse_index"] - first + np.where(later, 1, base))
