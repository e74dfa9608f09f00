"""Numbers of records side by side, one row per definition; and groups of records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.core import records as core
from devicekit.core.records import Estimate
from devicekit.core.scalars import Scalar
from devicekit.core.text import natural_number
from devicekit.features.definitions import COUNTED
from devicekit.library.display_units import Scale
from devicekit.library.record import Record
from devicekit.names.places import PLACES

AREA = Scalar("area_m2", "area", float("nan"), "m2")


@dataclass(frozen=True)
class Row(core.Record):
    """One number under one definition."""

    meaning: Scalar = core.internal("name, label, unit and definition; its value is not used")
    numbers: tuple[Scalar | None, ...] = core.internal(
        "the number of each record; None if it has none with this definition"
    )
    only_definition: bool = core.internal("whether no other row has this name", default=True)

    name = core.part("meaning.name", doc="name of the number")
    label = core.part("meaning.label", doc="label of the number")
    unit = core.part("meaning.unit", doc="unit of the number")
    of = core.part("meaning.of", doc="whole of a fraction")
    by = core.part("meaning.by", doc="definition of the number")

    @property
    def values(self) -> np.ndarray:
        """Numbers, shape (records,); NaN if a record has none."""
        return np.array([np.nan if cell is None else cell.value for cell in self.numbers], float)

    @property
    def n(self) -> int:
        """Number of records that have it."""
        return int(np.isfinite(self.values).sum())

    @property
    def scale(self) -> Scale:
        """Unit that keeps the values short; the label includes the definition if there are several."""
        found = Scale.of(self.meaning, self.values)
        how = "" if self.only_definition else f" ({self.meaning.by or 'unknown definition'})"
        return Scale(f"{found.label}{how}", found.unit, found.factor)

    @core.derived(name="records")
    def estimates(self) -> tuple[Estimate | None, ...]:
        """The number of each record with its interval."""
        return tuple(None if each is None else Estimate(each.value, each.low, each.high) for each in self.numbers)


def display_names(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the name of each record, with its id if several records share the name."""
    names = Counter(record.name for record in records)
    return tuple(record.name if names[record.name] == 1 else f"{record.name} ({record.id})" for record in records)


def _definition(scalar: Scalar) -> tuple[str, str, str, str]:
    return scalar.name, scalar.unit, scalar.of, scalar.by


def build_rows(records: Sequence[Record]) -> tuple[Row, ...]:
    """Build one row per number and definition, misfits first, then in order of appearance; one name together."""
    numbers = [{_definition(each): each for each in _known_numbers(record)} for record in records]
    keys = list(dict.fromkeys(key for each in numbers for key in each))
    names = list(dict.fromkeys(key[0] for key in keys))
    definitions = Counter(key[0] for key in keys)
    rows = []
    for key in sorted(keys, key=lambda key: (not key[0].startswith("nrmse"), names.index(key[0]))):
        cells = tuple(each.get(key) for each in numbers)
        meaning = next(cell for cell in cells if cell is not None)
        rows.append(Row(meaning, cells, definitions[key[0]] == 1))
    return tuple(rows)


def _known_numbers(record: Record) -> list[Scalar]:
    found = [each.scalar for each in record.scalars if each.scalar.known]
    if record.area_m2 is not None:
        found.append(Scalar(AREA.name, AREA.label, record.area_m2, AREA.unit))
    return found


def group(record: Record, by: str) -> str | None:
    """Return the label, part of the place, kind or law of a record; None if it has none."""
    if by in PLACES:
        part = getattr(record.place, by)
        return None if part is None else str(part)
    if by in ("kind", "law"):
        return getattr(record, by) or None
    return record.labels.get(by)


def recorded_values(record: Record, name: str) -> np.ndarray:
    """Return all recorded values of a number; for sweeps, those that enter the median.

    Parameters
    ----------
    record : Record
    name : str
        Name of the number, and of the column.
    """
    frame = next((frame for frame in record.tables().values() if name in frame.columns), None)
    if frame is None:
        return np.empty(0)
    values = frame.numbers(name)
    if "outcome" in frame.columns:
        values = values[[cell in COUNTED for cell in frame.columns["outcome"]]]
    return values


def array_cells(records: Sequence[Record], values: np.ndarray) -> dict[str, dict[tuple[int, int], list[float]]]:
    """Return the known values by row and column, for each wafer and die by name."""
    found: dict[str, dict[tuple[int, int], list[float]]] = {}
    for record, value in zip(records, values, strict=True):
        place = record.place
        if place.row is None or place.column is None or not np.isfinite(value):
            continue
        parts = [f"{word} {part}" for word, part in (("wafer", place.wafer), ("die", place.die)) if part is not None]
        cells = found.setdefault(", ".join(parts), {})
        cells.setdefault((place.row, place.column), []).append(float(value))
    return dict(sorted(found.items(), key=lambda item: natural(item[0])))


def natural(text: str) -> tuple[Any, ...]:
    """Return a sort key that puts W2 before W10."""
    parts = [(natural_number(part), part) for part in re.split(r"([0-9]+)", text) if part]
    return tuple((1, 0, part) if number is None else (0, number, "") for number, part in parts)
