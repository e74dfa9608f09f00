"""Pictures and numbers that betray a wrong reading: borders and points of cycles and trains, first and last row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from devicekit.core.errors import DevicekitError
from devicekit.core.quantities import GLOSSARY
from devicekit.core.records import Record, column
from devicekit.core.text import count, si
from devicekit.features.merit import middle
from devicekit.features.preview import preview
from devicekit.plot import COLOURS, Axis, Curve, Panel
from devicekit.readers.opening import Opening
from devicekit.readers.source import LARGE, Source
from devicekit.tables import EnduranceTable, PulseTable, RetentionTable, SweepTable, Table, TransientTable

MOST_POINTS = 4000  # of a picture of the course
MOST_GROUPS = 40  # cycles or trains of a picture whose borders can still be told apart
MOST_OPENED = 1000  # points of a column before anything is known of it
MOST_COLUMNS = 4  # that are drawn then
LONGEST_NAME = 30  # characters at an axis
MOST_LINES = 6  # lines of a file that no reader understands
LONGEST_CELL = 200  # characters
_GROUPS: dict[type[Table], tuple[str, tuple[str, ...]]] = {
    SweepTable: ("sweep", ("device_id", "cycle")),
    PulseTable: ("train", ("device_id", "cycle", "direction")),
    EnduranceTable: ("state", ("device_id", "level")),
    RetentionTable: ("record", ("device_id", "level", "temperature_k", "repeat")),
    TransientTable: ("record", ("device_id", "record")),
}


@dataclass(frozen=True, kw_only=True)
class Points(Record):
    """Numbers of points of each cycle, train or record of a table."""

    noun: str = column(doc="sweep, train, state or record")
    devices: int = column(doc="number of devices")
    groups: int = column(doc="number of cycles, trains, states or records of all devices")
    least: int = column(doc="fewest points of one")
    most: int = column(doc="most points of one")
    is_equal: bool = column(doc="whether all have as many; those of LTP and LTD may differ")

    @property
    def of_each(self) -> str:
        """Points of one group: the number, or the fewest and the most."""
        return f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"

    @property
    def words(self) -> str:
        """Devices, groups and points in one line."""
        each, rest = divmod(self.groups, self.devices)
        groups = f"{each} {self.noun}{'s' * (each > 1)}" if not rest else f"{self.groups} {self.noun}s in all"
        unequal = "" if self.is_equal else ", unequal"
        return f"{count(self.devices, 'device')} x {groups} x {self.of_each} points{unequal}"


@dataclass(frozen=True, kw_only=True)
class EndRow(Record):
    """First or last row of a table, beside its cells in the file."""

    name: str = column(doc="first row or last row")
    in_si: str = column(doc="the row in SI units")
    place: str = column(default="", doc="line or row of the file; empty if it is not known")
    file_cells: str = column(default="", doc="the cells of the file")


def _keys(table: Table) -> list[str]:
    found = next((keys for kind, (_, keys) in _GROUPS.items() if isinstance(table, kind)), ())
    return [name for name in found if name in table.frame]


def points(table: Table) -> Points | None:
    """Count the points of each cycle, train or record; None for a table without any."""
    keys = _keys(table)
    if not keys:
        return None
    noun = next(noun for kind, (noun, _) in _GROUPS.items() if isinstance(table, kind))
    sizes = table.frame.groupby(keys, sort=False, dropna=False).size()
    alike = sizes.groupby("direction") if "direction" in keys else [("", sizes)]
    return Points(
        noun=noun,
        devices=len(table.devices),
        groups=len(sizes),
        least=int(sizes.min()),
        most=int(sizes.max()),
        is_equal=all(each.nunique() == 1 for _, each in alike),
    )


def panels(table: Table) -> tuple[tuple[Panel, str], ...]:
    """Draw a table so that a wrong border, direction or column is seen: figures with their captions."""
    if isinstance(table, SweepTable):
        drawn, number = len(middle(table.frame)[0]), len(table.frame.groupby(_keys(table), sort=False))
        caption = "The sweeps." if drawn == number else f"{drawn} of {number} sweeps."
        return ((_course(table), "Voltage over rows; lines: borders of sweeps."), (preview(table), caption))
    if isinstance(table, PulseTable):
        return ((_course(table), "State over rows; lines: borders of trains."),)
    return ((preview(table), "The data as read."),)


def statements(table: Table) -> tuple[tuple[str, str, str], ...]:
    """Return what the reading of a table states: subject, sentence, and origin with the ways in which it was found."""
    found = []
    for each in table.meta.get("statements", ()):
        ways = f" ({', '.join(each.ways)})" if each.ways else ""
        found.append((each.subject, each.says, f"{each.origin}{ways}"))
    return tuple(found)


def _course(table: SweepTable | PulseTable) -> Panel:
    """Draw voltage or state against the row, with the borders of sweeps or trains."""
    frame = table.frame
    name = "voltage_v" if isinstance(table, SweepTable) else table.quantity
    group = frame.groupby(_keys(table), sort=False, dropna=False).ngroup().to_numpy()
    order = np.argsort(group, kind="stable")
    sizes = np.bincount(group)
    first, last = _choose_groups(sizes)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    rows = np.arange(ends[first], ends[last])
    step = max(1, -(-rows.size // MOST_POINTS))
    rows = rows[::step]
    shown = frame.iloc[order[rows]]
    y = shown[name].to_numpy(float)
    kinds = shown["direction"].to_numpy(str) if isinstance(table, PulseTable) else _mark_odd(sizes, group[order[rows]])
    colours = {"ltp": ("LTP", COLOURS["ltp"]), "ltd": ("LTD", COLOURS["ltd"]), "odd": ("odd length", COLOURS["ltd"])}
    curves = [
        Curve(label, rows + 1.0, np.where(kinds == kind, y, np.nan), style=".-", width=0.8, size=2.5, colour=colour)
        for kind in dict.fromkeys(kinds.tolist())
        for label, colour in [colours.get(kind, (GLOSSARY[name].label, COLOURS["ltp"]))]
    ]
    lines = [("x", float(each) + 0.5) for each in ends[first + 1 : last]]
    noun = next(noun for kind, (noun, _) in _GROUPS.items() if isinstance(table, kind))
    part = f"{noun}s {first + 1} to {last} of {sizes.size}" if last - first < sizes.size else count(sizes.size, noun)
    part += f"; one row in {step}" if step > 1 else ""
    legend: Literal["in", "none"] = "in" if len(curves) > 1 else "none"
    return Panel(Axis("row of the table", whole=True), Axis.of(name), curves, title=part, lines=lines, legend=legend)


def _mark_odd(sizes: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return "odd" for rows of cycles whose length is not the usual one, else ""."""
    usual = np.median(sizes)
    return np.where(np.abs(sizes[group] - usual) > 0.5, "odd", "")


def _choose_groups(sizes: np.ndarray) -> tuple[int, int]:
    """Return the first group and the end of those to be drawn: all, or some about the one of the oddest length."""
    if sizes.size <= MOST_GROUPS and sizes.sum() <= MOST_POINTS:
        return 0, sizes.size
    number = int(np.clip(MOST_POINTS // max(1.0, float(np.median(sizes))), 1, min(MOST_GROUPS, sizes.size)))
    inner = sizes[:-1] if sizes.size > 2 else sizes  # the last one is often cut off
    oddest = int(np.argmax(np.abs(inner - np.median(sizes)))) if np.ptp(inner) else 0
    first = int(np.clip(oddest - number // 2, 0, sizes.size - number))
    return first, first + number


def end_rows(table: Table, path: Path | None) -> tuple[EndRow, ...]:
    """Return the first and last row in SI units beside their cells in the file.

    Parameters
    ----------
    table : Table
    path : Path, optional
        The file; without one, and for a folder, the cells are not known.
    """
    numbers = table.meta.get("file_rows", (None, None))
    found = []
    places = dict(_places(path, [each for each in numbers if each])) if path is not None else {}
    for name, at, number in (("first row", 0, numbers[0]), ("last row", len(table) - 1, numbers[1])):
        row = table.frame.iloc[at].dropna().to_dict()
        in_si = ", ".join(_describe(str(key), value) for key, value in row.items())
        place, cells = places.get(number, ("", ""))
        found.append(EndRow(name=name, in_si=in_si, place=place, file_cells=cells))
    return tuple(found)


def _describe(name: str, value: object) -> str:
    """Return a value with what it is: "voltage 0.1 V" of voltage_v; symbols of labels are left out."""
    unit = GLOSSARY[name].unit if name in GLOSSARY else ""
    if name in GLOSSARY:
        name = re.sub(r" \S$", "", GLOSSARY[name].label)
    value = value.upper() if value in ("ltp", "ltd", "lrs", "hrs") and isinstance(value, str) else value
    if unit and isinstance(value, float | np.floating):
        return f"{name} {si(float(value), unit)}"
    return f"{name} {value:.6g}" if isinstance(value, float | np.floating) else f"{name} {value}"


def _places(path: Path, numbers: list[int]) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield rows of a file, counted from 1: each with its place and its cells, as far as they can be told."""
    try:
        source = Source(path)
        kind = source.workbook_kind
        if (
            source.is_folder
            or kind in ("mat", "npz", "json")
            or source.size > LARGE
            or (kind and len(source.sheets) > 1)
        ):
            return
        lines = source.text.split("\n") if kind else source.lines
    except DevicekitError:
        return
    for number in numbers:
        if number <= len(lines):
            words = " | ".join(each.strip() for each in lines[number - 1].split("\t"))
            yield number, (f"{'row' if kind else 'line'} {number}", words.strip()[:LONGEST_CELL])


def first_lines(path: Path) -> tuple[str, ...]:
    """Return the first lines of a file that are not blank; none of a folder."""
    try:
        return tuple(each[:LONGEST_CELL] for each in Source(path).opening[:MOST_LINES])
    except DevicekitError:
        return ()


def opening_panels(opening: Opening) -> tuple[tuple[Panel, str], ...]:
    """Draw the numbers of a file over its rows, before anything is known of them: a figure for each column."""
    shown = [each for each in opening.columns if np.unique(each.numbers[np.isfinite(each.numbers)]).size > 1]
    step = max(1, -(-opening.rows // MOST_OPENED))
    rows = np.arange(0, opening.rows, step)
    part = "" if opening.is_whole else f" of the first {opening.rows}"
    thinned = f", one row in {step}{part}" if step > 1 else f", rows{part}" if part else ""
    found = []
    for each in shown[:MOST_COLUMNS]:
        curve = Curve(each.name, rows + 1.0, each.numbers[rows], style="-", width=0.7, colour=COLOURS["ltp"])
        panel = Panel(Axis("row"), Axis(each.name[:LONGEST_NAME], each.unit), [curve], legend="none")
        found.append((panel, f"{each.name[:LONGEST_CELL]} over rows{thinned}."))
    return tuple(found)
