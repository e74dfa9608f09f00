"""Place and labels of a device: by hand, from a file's name, from a recipe. The hand counts most, the recipe least."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from devicekit.errors import UsageError, invalid_rows
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
    """Place and labels of one record, and who said each.

    Parameters
    ----------
    place : Place
    labels : mapping of str to str
    area_m2 : float, optional
        What the label `area` says [m2].
    origins : mapping of str to str
        "hand", "file name", "device name" or "recipe", by label, part of the place, or "name" of the record.
    """

    place: Place = field(default_factory=Place)
    labels: Mapping[str, str] = field(default_factory=dict)
    area_m2: float | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """As fields of a record."""
        return {
            "place": self.place,
            "labels": dict(self.labels),
            "area_m2": self.area_m2,
            "origins": dict(self.origins),
        }

    def merge(self, other: Metadata) -> Metadata:
        """What both say; where they differ, the hand before a name before a recipe, and this one before the other."""
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
    """Place and labels from all who say some: the hand first, then the file's name, the device's name, the recipe.

    Parameters
    ----------
    hand, recipe : mapping of str to str
        Labels, and wafer, die, row, column.
    file_name : str
        Its name alone.
    device : str, optional
        Name of the one device that the file holds.
    pattern : re.Pattern, optional
        Its named groups are labels or parts of the place; without one, R3C5 is read where there is only one.

    Raises
    ------
    UsageError
        If the pattern does not fit the name, or a value cannot be what it is said to be.
    """
    cell = cell_of([file_name])
    named = match_pattern(pattern, file_name) if pattern else cell
    by_device = {} if pattern or device is None else cell_of([device])
    if cell and by_device and cell != by_device:  # two answers are none
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
    """Place and labels of several sources, the first of which counts most."""
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
        raise UsageError(f"the place of a device: {'; '.join(map(str, invalid_rows(error, 'place')))}") from error
    return Metadata(place, labels, parse_area(labels["area"]) if "area" in labels else None, origins)


def _parse_whole_number(name: str, value: str | int) -> int:
    if isinstance(value, int):
        return value
    if not re.fullmatch(r"\d{1,9}", value):
        raise UsageError(f"{name} is a whole number of 0 or more, not {value!r}")
    return int(value)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern with named groups.

    Raises
    ------
    UsageError
        If it is no regular expression, or names no group.
    """
    made = isolated.compile_pattern(pattern, f"place_from={pattern!r}")
    if not made.groupindex:
        raise UsageError(
            f"place_from={pattern!r} names nothing: write W(?P<wafer>\\d+)_R(?P<row>\\d+)C(?P<column>\\d+), "
            "or other labels in place of wafer"
        )
    return made


def match_pattern(pattern: re.Pattern[str], name: str) -> dict[str, str | int]:
    """Return what the named groups of a pattern find in a file's name.

    Raises
    ------
    UsageError
        If it does not fit.
    """
    option = f"place_from={pattern.pattern!r}"
    (found,) = isolated.search(pattern.pattern, (name,), option)
    if found is None:
        raise UsageError(f"the name {name} does not fit {option}")
    return {group: value for group, value in found.named.items() if value}


def parse_area(text: str) -> float:
    """An area [m2] from its text: "25 um2", "5 um x 5 um", "100x100 nm".

    Raises
    ------
    UsageError
        If it says no unit, or no area above 0.
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
        raise UsageError(f"area={text!r} is no area: write a number with its unit, such as 25 um2 or 5 um x 5 um")
    return value
