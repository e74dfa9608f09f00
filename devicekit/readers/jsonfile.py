"""Tables of a JSON file as other programs write them: arrays by name, records, or the forms of pandas.

Arrays of one length are the columns of a table under their names, an object in the file is read in the same way, and
nested arrays are a matrix: the rules are those of MATLAB files (`devicekit.readers.matfile`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Self, TypeGuard, TypeVar

import numpy as np

from devicekit.core.errors import FileError, OwnFileError, UsageError
from devicekit.readers import matfile
from devicekit.readers.workbook import Cell, Sheet
from devicekit.system import ownmark

T = TypeVar("T")

LARGEST = 16 << 20  # bytes; about half a million numbers
MOST_CELLS = 2_000_000
MOST_TABLES = 200
DEEPEST = 6  # levels of arrays and objects
_BEGINS = (b"{", b"[")
_OF_A_RECORD = {"schema_version", "id", "kind", "source"}  # keys of a record of a library
_OWN_COLUMNS = {"cycle", "direction", "pulse_index", "value"}  # columns of a table of trains
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class TrainKeys:
    """Keys of pulse trains in a JSON file: the section `[json]` of a recipe.

    Parameters
    ----------
    ltp, ltd : str, optional
        Key of the array of states, one train after the other; `a.b` for the key b within the object a.
    readings : int
        Readings of a train, including the one before its first pulse.
    reversed : tuple of str
        Directions, "ltp" or "ltd", whose trains have the last reading first in the file.
    constants : mapping of str to str
        devicekit's column name -> the key of a number for both directions, or of two numbers, LTP and LTD.

    Raises
    ------
    UsageError
        If a value has another type, or no direction is given.
    """

    ltp: str | None = None
    ltd: str | None = None
    readings: int = 0
    reversed: tuple[str, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys = [each for each in (self.ltp, self.ltd) if each is not None]
        if not keys or not all(isinstance(each, str) for each in keys):
            raise UsageError("[json] needs ltp or ltd, the key in quotes of an array of states")
        if isinstance(self.readings, bool) or not isinstance(self.readings, int) or self.readings < 2:
            raise UsageError(f"[json] readings must be the readings of a train, 2 or more, not {self.readings!r}")
        if not set(self.reversed) <= {"ltp", "ltd"}:
            raise UsageError(f"[json] reversed must list ltp, ltd or both, not {self.reversed!r}")
        if not isinstance(self.constants, Mapping) or not all(isinstance(k, str) for k in self.constants.values()):
            raise UsageError("[json] constants must hold lines NAME = KEY, such as read_voltage_v = 'V_read'")
        if wrong := sorted(set(self.constants) & _OWN_COLUMNS):
            raise UsageError(f"[json] constants: {wrong[0]} follows from the trains. Remove it.")

    @classmethod
    def of(cls, lines: Mapping[str, Any]) -> Self:
        """Build the keys from the lines of a recipe.

        Raises
        ------
        UsageError
        """
        if wrong := sorted(set(lines) - {each.name for each in fields(cls)}):
            names = ", ".join(each.name for each in fields(cls))
            raise UsageError(f"[json]: unknown line {wrong[0]!r}. Use {names}.")
        listed = lines.get("reversed", [])
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise UsageError('[json] reversed must be a list, such as ["ltd"]')
        return cls(**{**lines, "reversed": tuple(listed)})


def detect_kind(head: bytes, path: Path) -> str | None:
    """Return "json" if a file that begins with `head` is JSON, else None.

    A table of text may also begin with a bracket (`[V]`), so that the whole file must be JSON, or have its extension.
    """
    start = head.removeprefix(_BOM).lstrip()
    if not start.startswith(_BEGINS):
        return None
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        return "json"
    try:
        _parse(path)
    except FileError:
        return None
    return "json"


def read_tables(path: Path) -> list[Sheet]:
    """Return every table of a JSON file.

    Raises
    ------
    FileError
        If it is not JSON, has a repeated key, rows that do not fit their names, a list within a column or too many
        cells, was written by devicekit, or holds no array of numbers.
    """
    value = _parse(path)
    of_a_record = isinstance(value, dict) and value.keys() >= _OF_A_RECORD
    if isinstance(value, dict) and value.get("tool") == ownmark.TOOL:
        raise OwnFileError(path, results=True)
    if of_a_record or ownmark.is_own_json(value) or path.name in ownmark.read_marker(path.parent)["files"]:
        raise OwnFileError(path)
    try:
        sheets = list(islice(matfile.yield_sheets(_read_variables(value)), MOST_TABLES + 1))
    except _Ambiguous as error:
        raise FileError(f"{path.name}: {error}") from error
    if len(sheets) > MOST_TABLES:
        raise FileError(f"{path.name} holds arrays of more than {MOST_TABLES} lengths. Write one table as CSV.")
    if not sheets:
        raise FileError(f"{path.name} holds no array of numbers")
    return sheets


def read_trains(path: Path, trains: TrainKeys) -> Sheet:
    """Return the trains of a file as one long table: cycle, direction, pulse_index, value and the constants.

    Raises
    ------
    FileError
        If a key is missing, holds other values than numbers, or its length is not a multiple of the readings.
    """
    content = _parse(path)
    rows: list[list[Cell]] = [["cycle", "direction", "pulse_index", "value", *trains.constants]]
    for side, (direction, key) in enumerate((("ltp", trains.ltp), ("ltd", trains.ltd))):
        if key is None:
            continue
        states = _read_numbers(content, key, path, trains.readings)
        count, rest = divmod(len(states), trains.readings)
        if rest:
            raise FileError(f"{path.name}: {key} holds {len(states)} numbers, not a multiple of {trains.readings}")
        constants: list[Cell] = []
        for name in trains.constants.values():
            values = _read_numbers(content, name, path)
            if len(values) > 2:
                raise FileError(f"{path.name}: {name} holds {len(values)} numbers, not one or two (LTP, LTD)")
            constants.append(values[min(side, len(values) - 1)])
        ends = [k * trains.readings for k in range(count + 1)]
        for cycle, (start, stop) in enumerate(pairwise(ends), start=1):
            part = states[start:stop]
            ordered = part[::-1] if direction in trains.reversed else part
            rows += [[float(cycle), direction, float(k), each, *constants] for k, each in enumerate(ordered)]
    return Sheet("trains", rows)


def _read_numbers(content: Any, key: str, path: Path, readings: int = 0) -> list[float]:
    """Return the numbers under a key (`a.b` for b within a); arrays within an array are trains."""
    value = content
    for part in [key] if isinstance(content, dict) and key in content else key.split("."):
        if not isinstance(value, dict) or part not in value:
            keys = ", ".join(map(str, list(value)[:12])) if isinstance(value, dict) else "none"
            raise FileError(f"{path.name} has no key {key!r}. Its keys: {keys}.")
        value = value[part]
    found = value if isinstance(value, list) else [value]
    if readings and _is_list_of(found, list):
        if lengths := sorted({len(each) for each in found} - {readings}):
            raise FileError(
                f"{path.name}: {key} holds arrays of {lengths[0]} readings, not {readings}. Each row must be a train."
            )
        found = [each for row in found for each in row]
    if not found or not all(isinstance(each, float) for each in found):
        raise FileError(f"{path.name}: {key} must hold numbers only, at least one")
    return found


def _parse(path: Path) -> Any:
    """Return the value of a file, every number a float."""
    try:
        if path.stat().st_size > LARGEST:
            raise FileError(f"{path.name} has more than {LARGEST >> 20} MiB of JSON. Write its tables as CSV.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileError.of("cannot read", path, error) from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path.name} is not UTF-8 text, which JSON must be (byte {error.start})") from error
    try:
        return _load(text)
    except json.JSONDecodeError as error:
        if (records := _load_lines(text)) is not None:
            return records
        raise FileError(f"{path.name} is not valid JSON: {error.msg} (line {error.lineno})") from error
    except _Ambiguous as error:
        raise FileError(f"{path.name}: {error}") from error
    except (RecursionError, ValueError) as error:
        raise FileError(f"{path.name} cannot be read as JSON: its brackets are nested too deeply") from error


class _Ambiguous(ValueError):
    """Content that is ambiguous: a number could be lost or confused with another."""


def _load(text: str) -> Any:
    def refuse_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
        value = dict(pairs)
        if len(value) < len(pairs):
            repeated = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
            raise _Ambiguous(f"key {repeated[:80]!r} is repeated. Remove one.")
        return value

    def parse_finite(word: str) -> float:
        number = float(word)
        if abs(number) == float("inf"):
            raise _Ambiguous(f"the number {word[:20]}... is too large for a measurement")
        return number

    return json.loads(text, parse_int=parse_finite, parse_float=parse_finite, object_pairs_hook=refuse_repeats)


def _load_lines(text: str) -> list[Any] | None:
    """Return the objects of a file with one object on each line, None for other text."""
    try:
        found = [_load(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None
    return found if len(found) > 1 and all(isinstance(each, dict) for each in found) else None


def _read_variables(value: object) -> dict[str, object]:
    """Return the variables of a file: its keys, or its only value as `data`."""
    if isinstance(value, dict) and _find_split(value) is None and not _is_indexed(value):
        return {str(key): _convert_value(each) for key, each in value.items()}
    return {"data": _convert_value(value)}


def _is_list_of(value: object, kind_: type[T]) -> TypeGuard[list[T]]:
    return isinstance(value, list) and bool(value) and all(isinstance(each, kind_) for each in value)


def _convert_value(value: Any, depth: int = 1) -> Any:
    """Convert a value for `matfile`: an array, cells, an object; None if it is nested too deeply."""
    if depth > DEEPEST:
        return None
    if isinstance(value, list) and value and all(isinstance(each, dict) or each is None for each in value):
        return _read_records(value, depth)
    if isinstance(value, dict):
        if (split := _find_split(value)) is not None:
            return _read_split(*split)
        if _is_indexed(value):
            columns = {key: list(each.values()) for key, each in value.items()}
            rows = all(key.isdigit() for key in value)
            return _read_records(list(value.values()), depth) if rows else _convert_value(columns, depth)
        return {str(key): _convert_value(each, depth + 1) for key, each in value.items()}
    if _is_list_of(value, list):
        return _build_matrix(value)
    return [_convert_cell(each) for each in value] if isinstance(value, list) else [_convert_cell(value)]


def _find_split(value: Mapping[str, object]) -> tuple[list[str], list[list[object]]] | None:
    """Return names and rows of a table that keeps them apart (pandas, orient="split"); None for other objects."""
    names, rows = value.get("columns"), value.get("data")
    return (names, rows) if _is_list_of(names, str) and _is_list_of(rows, list) else None


def _read_split(names: list[str], rows: list[list[object]]) -> dict[str, object]:
    if len(set(names)) < len(names):
        raise _Ambiguous("columns has a repeated name. Give each column its own name.")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise _Ambiguous(f"row {number} of data has {len(row)} cells, but columns has {len(names)} names")
    return {name: [_convert_cell(row[k]) for row in rows] for k, name in enumerate(names)}


def _is_indexed(value: Mapping[str, object]) -> bool:
    """Return whether all values have the same keys, and row numbers are keys (pandas, "columns" or "index")."""
    inner = list(value.values())
    if not inner or not all(inner) or not _is_list_of(inner, dict):
        return False
    first, *rest = (list(each) for each in inner)
    counted = all(key.isdigit() for key in first) or all(key.isdigit() for key in value)
    return counted and all(each == first for each in rest)


def _read_records(records: Sequence[Mapping[str, object] | None], depth: int) -> dict[str, object]:
    """Return the columns of rows that are objects; missing keys are empty."""
    if (unfolded := _unfold_records(records)) is not None:
        return unfolded
    names = list(dict.fromkeys(key for each in records for key in each or ()))
    if len(names) * len(records) > MOST_CELLS:
        raise _Ambiguous(f"{len(records)} records of {len(names)} keys are more than {MOST_CELLS} cells")
    return {name: _convert_value([(each or {}).get(name) for each in records], depth + 1) for name in names}


def _unfold_records(records: Sequence[Mapping[str, Any] | None]) -> dict[str, object] | None:
    """Return the rows of records that hold arrays side by side, such as V and I of each curve; None for others.

    The plain values of a record stand in each of its rows, beside its number.
    """
    first = records[0] or {}
    arrays = [name for name, value in first.items() if _is_list_of(value, float)]
    if len(arrays) < 2 or any(each is None or set(each) != set(first) for each in records):
        return None
    found: dict[str, list[object]] = {"record": [], **{name: [] for name in first}}
    for number, each in enumerate(records, 1):
        lengths = {len(each[name]) for name in arrays if _is_list_of(each[name], float)}  # type: ignore[index]
        if len(lengths) != 1 or any(isinstance(each[name], (list, dict)) for name in first if name not in arrays):  # type: ignore[index]
            return None
        size = lengths.pop()
        found["record"] += [float(number)] * size
        for name in first:
            value = each[name]  # type: ignore[index]
            found[name] += value if name in arrays else [_convert_cell(value)] * size
    return dict(found)


def _convert_cell(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        raise _Ambiguous("a column holds a list or an object in a cell. Use arrays of plain values.")
    return str(value).lower() if isinstance(value, bool) else value


def _build_matrix(rows: list[Any]) -> Any:
    """Return arrays within arrays as a matrix, padded to equal length; None for other content."""
    if all(_is_list_of(each, list) for each in rows):
        try:
            return np.array(rows, dtype=float).transpose(1, 2, 0)  # a table for each outer array
        except (TypeError, ValueError):
            return None
    width = max(map(len, rows))
    if len(rows) * width > MOST_CELLS:
        raise _Ambiguous(f"{len(rows)} rows, the longest of {width} cells, are more than {MOST_CELLS} cells")
    cells = np.empty((len(rows), width), dtype=object)
    for k, row in enumerate(rows):
        for at, each in enumerate([*row, *[None] * (width - len(row))]):
            cell = _convert_cell(each)
            cells[k, at] = cell if isinstance(cell, str) else np.array([] if cell is None else [cell])
    return cells
