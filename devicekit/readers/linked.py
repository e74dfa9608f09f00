"""Records of an instrument: copies of each other's data, and the SET and RESET of one cycle in one run of a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.text import count
from devicekit.readers.cells import is_number

READ = 0.5  # of the smaller of the largest voltages of SET and RESET; below, a sweep reads the state


@dataclass(frozen=True)
class Record:
    """One record of an instrument file, under the file's own names.

    Parameters
    ----------
    columns : pandas.DataFrame
        The file's columns as text or numbers; the index is the file row.
    name, device, date : str, optional
        Title of the record, measured device, date as the file writes it.
    roles : mapping
        devicekit's column name -> the file's column, as far as the file's settings state it.
    quantities : mapping
        The file's column -> voltage, current or time, as far as the file states it.
    units : mapping
        The file's column -> unit, as far as the file states it; otherwise SI, by the instrument's convention.
    compliance : float, optional
        Current limit of the swept channel [A].
    third : float, optional
        Constant voltage of the terminal whose current is measured while a gate is swept [V].
    points : int, optional
        Points of one sweep, if the record holds several.
    run : str
        Link to the other records of the same run of a test; "" if the file states none.
    summary : bool
        True for the record of a test of several steps, which may repeat the data of a step.
    meta : mapping
        All other information in the file about the record.
    """

    columns: pd.DataFrame
    name: str = ""
    device: str | None = None
    date: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    quantities: Mapping[str, str] = field(default_factory=dict)
    compliance: float | None = None
    third: float | None = None
    points: int | None = None
    run: str = ""
    summary: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict)


def drop_copies(records: Sequence[Record], where: str) -> tuple[list[Record], list[CodedWarning]]:
    """Drop the records whose data repeat those of another record of the same run, and report it.

    The run is known by a link in the file, else by time, title and device. A test of several steps is stored
    with the data of one of its steps; the step is kept.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for k, record in enumerate(records):
        key = (record.run,) if record.run else (record.date, record.name, record.device)
        groups.setdefault(key, []).append(k)
    dropped: set[int] = set()
    for group in groups.values():
        cells = {k: _cells_of(records[k]) for k in group} if len(group) > 1 else {}
        owners: dict[tuple[object, ...], set[int]] = {}
        for k, columns in cells.items():
            for column in columns:
                owners.setdefault(column, set()).add(k)
        for k in sorted(cells, key=lambda k: (not records[k].summary, -k)):
            holding = sorted((owners[column] for column in cells[k]), key=len)  # the rarest column first: it is fast
            if holding and set.intersection(holding[0] - dropped - {k}, *holding[1:]):
                dropped.add(k)
    if not dropped:
        return list(records), []
    words = f"{where}: {count(len(dropped), 'record')} left out, which repeat the data of another record of their run"
    return [record for k, record in enumerate(records) if k not in dropped], [CodedWarning("dropped", words)]


def _cells_of(record: Record) -> frozenset[tuple[object, ...]]:
    """Return the cells of each column, without empty columns."""
    columns = (tuple(map(_cell_as_number, record.columns[name].tolist())) for name in record.columns)
    return frozenset(cells for cells in columns if any(cell != "" for cell in cells))


def _cell_as_number(cell: Any) -> Any:
    """Return a cell as a number if it is one: the same number may be written in two ways."""
    return float(cell) if is_number(str(cell)) and float(cell) == float(cell) else str(cell).strip()


def number_turns(records: Sequence[Record], frames: Sequence[pd.DataFrame], order: Sequence[int]) -> None:
    """Replace the column `sweep` by a number that the SET and the RESET of one cycle share.

    Steps of one run on one device, each a sweep of one polarity, are one cycle until a polarity returns. A sweep to
    less than half their voltages reads the state and belongs to the cycle in which it stands.

    Parameters
    ----------
    records, frames : sequences
        Records and their frames, with `sweep` from 0 within each.
    order : sequence of int
        Positions of the records from the oldest to the newest.
    """
    ends = {k: _ends(frames[k]) for k in order if records[k].run and len(frames[k])}
    runs: dict[tuple[str, str | None], list[int]] = {}
    for k in ends:
        runs.setdefault((records[k].run, records[k].device), []).append(k)
    switching = {run: READ * _smallest_switch([ends[k] for k in group]) for run, group in runs.items()}
    following = 0
    opened: dict[tuple[str, str | None], tuple[int, set[float]]] = {}  # the open cycle and its polarities
    for k in order:
        frame, run = frames[k], (records[k].run, records[k].device)
        low, high = ends.get(k, (-1.0, 1.0))
        is_step = low * high == 0 and low != high and frame["sweep"].max() == 0
        signs = {float(np.sign(low + high))} if high - low >= switching.get(run, 0.0) else set()
        number, seen = opened.get(run, (following, signs))
        if is_step and number < following and not signs & seen:
            frame["sweep"] = number
            opened[run] = (number, seen | signs)
            continue
        opened.pop(run, None)
        if is_step:
            opened[run] = (following, signs)
        frame["sweep"] += following
        following = int(frame["sweep"].max()) + 1 if len(frame) else following


def _ends(frame: pd.DataFrame) -> tuple[float, float]:
    """Return the least and the largest voltage, with 0 among them; a deviation of 2 % is an offset."""
    volts = frame["voltage_v"].to_numpy(float) if "voltage_v" in frame else np.zeros(0)
    low, high = min(0.0, float(np.nanmin(volts, initial=0.0))), max(0.0, float(np.nanmax(volts, initial=0.0)))
    offset = 0.02 * max(-low, high)
    return (low if -low > offset else 0.0), (high if high > offset else 0.0)


def _smallest_switch(ends: Sequence[tuple[float, float]]) -> float:
    """Return the smaller of the largest voltages of both polarities; 0 if only one polarity occurs."""
    return min(max((-low for low, _ in ends), default=0.0), max((high for _, high in ends), default=0.0))
