"""The numbers of records side by side, kept apart by how they are defined; and what records are grouped by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.features.definitions import COUNTED
from devicekit.library.display_units import Scale
from devicekit.library.record import Record
from devicekit.names.places import PLACES
from devicekit.scalars import Scalar
from devicekit.text import natural_number

AREA = Scalar("area_m2", "area", float("nan"), "m2")


@dataclass(frozen=True)
class Row:
    """One number under one definition.

    Parameters
    ----------
    meaning : Scalar
        Name, label, unit and definition; its value says nothing.
    cells : tuple of Scalar or None
        The number of each record, None where it has none or none of this definition.
    only_definition : bool
        Whether no other row has this name.
    """

    meaning: Scalar
    cells: tuple[Scalar | None, ...]
    only_definition: bool = True

    @property
    def values(self) -> np.ndarray:
        """The numbers, shape (records,); NaN where there is none."""
        return np.array([np.nan if cell is None else cell.value for cell in self.cells], float)

    @property
    def n(self) -> int:
        """Records that have it."""
        return int(np.isfinite(self.values).sum())

    @property
    def scale(self) -> Scale:
        """The unit that keeps its values short; its label says the definition where there are several."""
        found = Scale.of(self.meaning, self.values)
        how = "" if self.only_definition else f" ({self.meaning.by or 'definition not said'})"
        return Scale(f"{found.label}{how}", found.unit, found.factor)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        meaning = self.meaning
        cells = [
            None if cell is None else {"value": cell.value, "low": cell.low, "high": cell.high} for cell in self.cells
        ]
        head = {"name": meaning.name, "label": meaning.label, "unit": meaning.unit, "of": meaning.of, "by": meaning.by}
        return {**head, "records": cells}


def display_names(records: Sequence[Record]) -> tuple[str, ...]:
    """Return what each record is called: its name, with its id where two share it."""
    names = Counter(record.name for record in records)
    return tuple(record.name if names[record.name] == 1 else f"{record.name} ({record.id})" for record in records)


def _definition(scalar: Scalar) -> tuple[str, str, str, str]:
    return scalar.name, scalar.unit, scalar.of, scalar.by


def build_rows(records: Sequence[Record]) -> tuple[Row, ...]:
    """Every number under every definition, in the order in which they appear, those of one name together."""
    held = [{_definition(each): each for each in _known_numbers(record)} for record in records]
    keys = list(dict.fromkeys(key for each in held for key in each))
    names = list(dict.fromkeys(key[0] for key in keys))
    definitions = Counter(key[0] for key in keys)
    rows = []
    for key in sorted(keys, key=lambda key: names.index(key[0])):
        cells = tuple(each.get(key) for each in held)
        meaning = next(cell for cell in cells if cell is not None)
        rows.append(Row(meaning, cells, definitions[key[0]] == 1))
    return tuple(rows)


def _known_numbers(record: Record) -> list[Scalar]:
    found = [each.scalar for each in record.scalars if each.scalar.known]
    if record.area_m2 is not None:
        found.append(Scalar(AREA.name, AREA.label, record.area_m2, AREA.unit))
    return found


def group(record: Record, by: str) -> str | None:
    """Return what a record says of a label, a part of the place, kind or law; None if nothing."""
    if by in PLACES:
        part = getattr(record.place, by)
        return None if part is None else str(part)
    if by in ("kind", "law"):
        return getattr(record, by) or None
    return record.labels.get(by)


def recorded_values(record: Record, name: str) -> np.ndarray:
    """Every value that a record keeps of one of its numbers: of sweeps, those that its median counts.

    Parameters
    ----------
    record : Record
    name : str
        Of the number, and of the column.
    """
    frame = next((frame for frame in record.tables().values() if name in frame.columns), None)
    if frame is None:
        return np.empty(0)
    values = frame.numbers(name)
    if "outcome" in frame.columns:
        values = values[[cell in COUNTED for cell in frame.columns["outcome"]]]
    return values


def array_cells(records: Sequence[Record], values: np.ndarray) -> dict[str, dict[tuple[int, int], list[float]]]:
    """KnownFile values by row and column, for each wafer and die by its name."""
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
    """Key of an order in which W2 comes before W10."""
    parts = [(natural_number(part), part) for part in re.split(r"([0-9]+)", text) if part]
    return tuple((1, 0, part) if number is None else (0, number, "") for number, part in parts)
