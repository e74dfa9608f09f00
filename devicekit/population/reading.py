"""Reading of thousands of files of few makes: the reader of one file is learned, and repeated on those of its make.

The readers of `devicekit.readers` understand one file with a given line of column names. Which columns they took, and
with which factors, is then found by comparing numbers, and repeated on every file with the same line; a file in which
that does not hold is read by them. So a value is the same as if each file had been read alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from devicekit.core.errors import DevicekitError, NoTableError, TableError
from devicekit.readers.borders import split_sweeps
from devicekit.system.options import ReadOptions
from devicekit.tables import SweepTable

DELIMITERS = (",", "\t", ";", " ")
LONGEST_NOTE, MOST_LINES = 300, 12  # characters of a note; lines above the names that are one
LARGEST = 1e25  # beyond, a number is an overflow of an instrument
MOST_TEXT = 8 << 20  # bytes of a file that is read in this way
_NUMBER = re.compile(rb"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
EMPTY, NO_MEASUREMENTS, NO_ROWS = "empty", "not a file of measurements", "no rows of numbers"
HARMLESS = frozenset({EMPTY, NO_MEASUREMENTS, NO_ROWS})  # reasons by which nothing measured is lost
COLUMNS = ("voltage_v", "current_a", "time_s")


@dataclass(frozen=True, eq=False)
class Scan:
    """Text file before its numbers are parsed.

    Attributes
    ----------
    names : str
        Line of the column names; "" without one.
    delimiter : str
    note : str
        Words above the names, as a person has written them.
    body : bytes
        Lines of numbers.
    """

    names: str
    delimiter: str
    note: str
    body: bytes

    @property
    def make(self) -> tuple[str, str]:
        """Line of names and delimiter, which files of one make share."""
        return self.names, self.delimiter

    def numbers(self) -> np.ndarray | None:
        """Return the numbers, shape (rows, columns); None if they are not a full table of plain numbers."""
        text = self.body.decode("ascii", "replace")
        if '"' in text or not text.strip():
            return None
        try:
            found = np.loadtxt(text.splitlines(), delimiter=None if self.delimiter == " " else self.delimiter, ndmin=2)
        except ValueError:
            return None
        return found if np.isfinite(found).all() and np.abs(found).max(initial=0.0) < LARGEST else None


def scan(path: Path) -> Scan | None:
    """Scan a text file for its line of names; None for another kind of file, or one without rows of numbers."""
    if path.stat().st_size > MOST_TEXT:
        return None
    data = path.read_bytes()
    if b"\0" in data[:1024] or data[:2] in (b"\x1f\x8b", b"PK"):
        return None
    at, above = 0, list[str]()
    while at < len(data) and len(above) < 500:
        end = data.find(b"\n", at)
        line = data[at : end if end >= 0 else len(data)].strip()
        for delimiter in DELIMITERS:
            cells = line.split(delimiter.encode()) if delimiter != " " else line.split()
            if len(cells) > 1 and all(_NUMBER.fullmatch(cell) for cell in cells):
                names = above[-1] if above else ""
                ours = [each for each in above[:-1] if any(c.isalnum() for c in each)]
                note = " ".join(ours) if len(ours) <= MOST_LINES else ""
                return Scan(names, delimiter, note[:LONGEST_NOTE], data[at:])
        if line:
            above.append(line.decode("utf-8", "replace").lstrip("\ufeff"))
        at = end + 1 if end >= 0 else len(data)
    return None


def may_hold_rows(path: Path) -> bool:
    """Return whether a file is not a text without rows of numbers; other kinds of files may hold some."""
    if scan(path) is not None or path.stat().st_size > MOST_TEXT:
        return True
    data = path.read_bytes()[:1024]
    return b"\0" in data or data[:2] in (b"\x1f\x8b", b"PK") or path.suffix.lower() == ".json"


@dataclass(frozen=True)
class Layout:
    """Columns of the files of one make: position and factor to SI of each that is read."""

    columns: Mapping[str, tuple[int, float]]
    others: tuple[int, ...] = ()  # voltages of other terminals, which must not change

    def take(self, numbers: np.ndarray) -> Trace | None:
        """Return the trace of a file; None where another terminal is driven."""
        if numbers.shape[1] <= max(index for index, _ in self.columns.values()):
            return None
        parts = {name: factor * numbers[:, index] for name, (index, factor) in self.columns.items()}
        moved = np.ptp(parts["voltage_v"]) if len(numbers) > 1 else 1.0
        if any(np.ptp(numbers[:, k]) > 0.01 * moved for k in self.others if k < numbers.shape[1]):
            return None
        return Trace(parts["voltage_v"], parts["current_a"], parts.get("time_s"))


@dataclass(frozen=True, eq=False)
class Trace:
    """Voltage [V], current [A] and time [s] of one file, shape (n,); its sweeps are numbered from 1."""

    voltage: np.ndarray
    current: np.ndarray
    time: np.ndarray | None = None
    number: np.ndarray | None = None
    compliance: np.ndarray | None = None

    def sweeps(self) -> list[np.ndarray]:
        """Return the positions of the points of each sweep."""
        number = split_sweeps(self.voltage)[0] if self.number is None else self.number
        return [np.flatnonzero(number == k) for k in np.unique(number)]

    @property
    def rate(self) -> float:
        """Median size of dV/dt [V/s]; NaN without times."""
        if self.time is None or self.voltage.size < 3:
            return float("nan")
        steps, times = np.abs(np.diff(self.voltage)), np.diff(self.time)
        moving = (times > 0) & (steps > 0)
        return float(np.median(steps[moving] / times[moving])) if moving.any() else float("nan")


def read_fully(path: Path, options: ReadOptions) -> Trace:
    """Read one file by the readers.

    Raises DevicekitError if it cannot be read, asks a question, or does not hold voltage sweeps of one device.
    """
    from devicekit.readers import read

    table = read(path, options, elsewhere=frozenset({"read_voltage"}))
    if not isinstance(table, SweepTable):
        raise TableError(f"{path.name} holds {table.kind} data, not voltage sweeps")
    if len(table.devices) > 1:
        raise TableError(f"{path.name} holds {len(table.devices)} devices; a folder of one cell a file was expected")
    frame = table.frame
    time, limit = (frame[name].to_numpy(float) if name in frame else None for name in ("time_s", "compliance_a"))
    number = frame["cycle"].to_numpy(int)
    return Trace(frame["voltage_v"].to_numpy(float), frame["current_a"].to_numpy(float), time, number, limit)


def learn(found: Scan, trace: Trace) -> Layout | None:
    """Find the columns by which a file was read; None if its numbers cannot be repeated from its text."""
    numbers = found.numbers()
    if numbers is None or len(numbers) != trace.voltage.size or trace.compliance is not None:
        return None
    if trace.number is not None and not np.array_equal(trace.number, split_sweeps(trace.voltage)[0]):
        return None
    columns: dict[str, tuple[int, float]] = {}
    for name, values in (("voltage_v", trace.voltage), ("current_a", trace.current), ("time_s", trace.time)):
        if values is None:
            continue
        for k in range(numbers.shape[1]):
            if (factor := _factor(numbers[:, k], values)) is not None:
                columns[name] = (k, factor)
                break
        else:
            return None
    heads = [each.strip() for each in found.names.split(None if found.delimiter == " " else found.delimiter)]
    chosen = columns["voltage_v"][0]
    volts = [k for k, head in enumerate(heads) if re.fullmatch(r"(?i)v\w*|\w*v(?:olt\w*)?", head) and k != chosen]
    clock = next((k for k, head in enumerate(heads) if head.lower() in ("time", "time (s)", "time_s", "t (s)")), None)
    if len(heads) == numbers.shape[1] and "time_s" not in columns and clock is not None:
        columns["time_s"] = clock, 1.0
    return Layout(columns, tuple(volts) if len(heads) == numbers.shape[1] else ())


def _factor(column: np.ndarray, values: np.ndarray) -> float | None:
    """Return the factor that makes one column of another, up to rounding; None if there is none."""
    size = float(np.abs(column).max())
    at = int(np.argmax(np.abs(column)))
    if size == 0 or not np.isfinite(values).all():
        return None
    factor = float(values[at] / column[at])
    nearest = 10.0 ** round(np.log10(abs(factor))) if factor else 0.0
    factor = float(np.copysign(nearest, factor)) if abs(abs(factor) - nearest) < 1e-9 * nearest else factor
    return factor if np.allclose(values, factor * column, rtol=1e-9, atol=1e-12 * size * abs(factor)) else None


@dataclass(frozen=True)
class Makes:
    """Layouts of the makes of files in a folder; one without a layout is read file by file."""

    layouts: Mapping[tuple[str, str], Layout]
    options: ReadOptions

    def read(self, path: Path) -> tuple[Trace, str]:
        """Return the trace of a file and its note.

        Raises DevicekitError if it cannot be read.
        """
        found = scan(path)
        if found is None:
            return read_fully(path, self.options), ""
        layout = self.layouts.get(found.make)
        numbers = found.numbers() if layout else None
        trace = layout.take(numbers) if layout and numbers is not None else None
        return trace or read_fully(path, self.options), found.note


def open_makes(paths: Sequence[Path], options: ReadOptions) -> tuple[Makes, list[tuple[Path, DevicekitError]]]:
    """Learn the makes of files from one file each, the longest of some; return them and what could not be read.

    Parameters
    ----------
    paths : sequence of Path
        Some files, in a fixed order.
    options : ReadOptions
    """
    makes: dict[tuple[str, str], list[tuple[int, Path, Scan]]] = {}
    for path in paths:
        if (found := scan(path)) is not None:
            makes.setdefault(found.make, []).append((len(found.body), path, found))
    layouts: dict[tuple[str, str], Layout] = {}
    open_: list[tuple[Path, DevicekitError]] = []
    for make, candidates in makes.items():
        _, path, found = max(candidates, key=lambda each: (each[0], str(each[1])))
        try:
            trace = read_fully(path, options)
        except DevicekitError as error:
            open_.append((path, error))
            continue
        if (layout := learn(found, trace)) is not None:
            layouts[make] = layout
    return Makes(layouts, replace(options, files_are=None)), open_


def reason(error: DevicekitError) -> str:
    """Return why a file cannot be read, in one line."""
    if isinstance(error, NoTableError):
        return NO_ROWS
    return error.message.splitlines()[0]
