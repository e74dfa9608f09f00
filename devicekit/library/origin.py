"""Place and labels of a device, in order of priority: given by hand, from a file name, from a recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from devicekit.core.errors import UsageError, invalid_rows
from devicekit.library.head import Origin, Place
from devicekit.names import parse_unit
from devicekit.names.places import PLACES
from devicekit.names.places import cell as cell_of
from devicekit.readers import isolated

_NUMBER = r"\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?"
_AREA = re.compile(rf"\s*({_NUMBER})\s*(\D.*?)\s*")
_SIDES = re.compile(rf"\s*({_NUMBER})\s*([^\W\d_]*)\s*[x×*]\s*({_NUMBER})\s*([^\W\d_]+)\s*", re.IGNORECASE)

_RANK: dict[Origin, int] = {"hand": 0, "file name": 1, "device name": 2, "recipe": 3}


@dataclass(frozen=True)
class Metadata:
    """Place and labels of one record, with the origin of each.

    Parameters
    ----------
    place : Place
    labels : mapping of str to str
    area_m2 : float, optional
        Area from the label `area` [m2].
    origins : mapping of str to str
        "hand", "file name", "device name" or "recipe", by label, part of the place, or "name" of the record.
    """

    place: Place = field(default_factory=Place)
    labels: Mapping[str, str] = field(default_factory=dict)
    area_m2: float | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """Return the corresponding fields of a record."""
        return {
            "place": self.place,
            "labels": dict(self.labels),
            "area_m2": self.area_m2,
            "origins": dict(self.origins),
        }

    def merge(self, other: Metadata) -> Metadata:
        """Merge two; on conflict hand wins over name over recipe, and then this one over the other."""
        mine, theirs, origins = _flatten(self), _flatten(other), dict(self.origins)
        for name, value in theirs.items():
            who = other.origins.get(name, "recipe")
            if name not in mine or _RANK[who] < _RANK[self.origins.get(name, "recipe")]:
                mine[name], origins[name] = value, who
        if "name" in other.origins:
            origins["name"] = other.origins["name"]
        return combine(mine, origins=origins)


def _flatten(metadata: Metadata) -> dict[str, str | int]:
    parts = {name: getattr(metadata.place, name) for name in PLACES}
    return {**{name: value for name, value in parts.items() if value is not None}, **metadata.labels}


def gather(
    hand: Mapping[str, str | int],
    file_name: str,
    device: str | None,
    recipe: Mapping[str, str],
    pattern: re.Pattern[str] | None = None,
) -> Metadata:
    """Collect place and labels, in order of priority, by hand, from file name, device name and recipe.

    Raises UsageError if the pattern does not match the name, or a value is invalid.

    Parameters
    ----------
    hand, recipe : mapping of str to str
        Labels, and wafer, die, row, column.
    file_name : str
        File name without its folder.
    device : str, optional
        Name of the only device of the file.
    pattern : re.Pattern, optional
        Named groups are labels or parts of the place; by default R3C5 is read if it is unique.
    """
    cell = cell_of([file_name])
    named = match_pattern(pattern, file_name) if pattern else cell
    by_device = {} if pattern or device is None else cell_of([device])
    if cell and by_device and cell != by_device:  # contradictory, so neither is used
        named, by_device = {}, {}
    sources: list[tuple[Origin, Mapping[str, str | int]]] = [
        ("hand", hand),
        ("file name", named),
        ("device name", by_device),
        ("recipe", recipe),
    ]
    origins: dict[str, Origin] = {}
    for who, words in sources:
        for name in words:
            origins.setdefault(name, who)
    return combine(*(words for _, words in sources), origins=origins)


def combine(*sources: Mapping[str, str | int], origins: Mapping[str, Origin]) -> Metadata:
    """Combine place and labels of several sources; earlier sources have priority."""
    words: dict[str, str | int] = {}
    for source in sources:
        for name, value in source.items():
            words.setdefault(name, value)
    parts: dict[str, Any] = {name: words.pop(name) for name in PLACES if name in words}
    for name in ("row", "column"):
        if name in parts:
            parts[name] = _parse_whole_number(name, parts[name])
    for name in ("wafer", "die"):
        if name in parts:
            parts[name] = str(parts[name])
    labels = {name: str(value) for name, value in words.items()}
    try:
        place = Place(**parts)
    except ValidationError as error:
        raise UsageError(f"Invalid place of a device: {'; '.join(map(str, invalid_rows(error, 'place')))}") from error
    return Metadata(place, labels, parse_area(labels["area"]) if "area" in labels else None, origins)


def _parse_whole_number(name: str, value: str | int) -> int:
    if isinstance(value, int):
        return value
    if not re.fullmatch(r"\d{1,9}", value):
        raise UsageError(f"{name} must be a whole number of 0 or more; got {value!r}.")
    return int(value)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern with named groups.

    Raises UsageError if it is not a regular expression, or has no named group.
    """
    made = isolated.compile_pattern(pattern, f"place_from={pattern!r}")
    if not made.groupindex:
        raise UsageError(
            f"place_from={pattern!r} has no named group. Example: W(?P<wafer>\\d+)_R(?P<row>\\d+)C(?P<column>\\d+); "
            "other labels are possible."
        )
    return made


def match_pattern(pattern: re.Pattern[str], name: str) -> dict[str, str | int]:
    """Return the values of the named groups of a pattern in a file name.

    Raises UsageError if the pattern does not match.
    """
    option = f"place_from={pattern.pattern!r}"
    (found,) = isolated.search(pattern.pattern, (name,), option)
    if found is None:
        raise UsageError(f"{option} does not match the file name {name}.")
    return {group: value for group, value in found.named.items() if value}


def parse_area(text: str) -> float:
    """Parse an area [m2]: "25 um2", "5 um x 5 um", "100x100 nm".

    Raises UsageError if the unit is missing, or the area is not above 0.
    """
    value = 0.0
    if found := _SIDES.fullmatch(text):
        first, own, second, unit = found.groups()
        sides = [parse_unit(own or unit), parse_unit(unit)]
        if all(each is not None and each.quantity == "length" for each in sides):
            value = float(first) * sides[0].factor * float(second) * sides[1].factor  # type: ignore[union-attr]
    elif found := _AREA.fullmatch(text):
        unit_read = parse_unit(found[2].replace("²", "2"))
        if unit_read is not None and unit_read.quantity == "area":
            value = float(found[1]) * unit_read.factor
    if not 0 < value < float("inf"):
        raise UsageError(f"area={text!r} is not an area. Write a number with its unit, such as 25 um2 or 5 um x 5 um.")
    return value
