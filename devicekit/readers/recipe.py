"""Recipes: a layout in TOML, for all files of the same make. One a instrument, written once."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from devicekit import files
from devicekit.commands import non_default
from devicekit.errors import FileError, UsageError
from devicekit.names import GLOSSARY, Unit, parse_unit
from devicekit.options import ReadOptions
from devicekit.readers import jsonfile
from devicekit.readers.layout import IGNORED, KEPT, TAGS, VERSION, Column, matches_pattern

FOLDER = Path(__file__).with_name("recipes")
_HEAD = {"version", "kind", "format", "about"}
_TABLE = {"sheet", "skip", "header", "units_row", "decimal", "blocks"}
_READ = {"quantity", "unit", "voltage", "absolute"}
_TRAINS = {"pulses"}
_KEYS = {"files_are", "sheets_are", "columns_are", "device", "cycle"}
_SECTIONS = {"recipe": _HEAD, "match": {"columns"}, "table": _TABLE, "read": _READ, "trains": _TRAINS, "keys": _KEYS}
_FREE = ("columns", "labels", "json")  # whose lines are checked where they are read


@dataclass(frozen=True)
class Recipe:
    """What a recipe says: options, and the columns that it describes.

    Parameters
    ----------
    path : Path
        For messages.
    match : tuple of str
        Names of columns that the file must have; * stands for anything.
    options : ReadOptions
        Its lines as options.
    columns : tuple of Column
        Roles and units by name.
    labels : mapping of str to str
        What it says of the devices themselves, for a library: stack, area, operator, wafer ...
    trains : jsonfile.Trains, optional
        Where a JSON file keeps its pulse trains.
    """

    path: Path
    match: tuple[str, ...]
    options: ReadOptions
    columns: tuple[Column, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    trains: jsonfile.TrainKeys | None = None

    def merge(self, said: ReadOptions) -> ReadOptions:
        """Its options, overridden by what was said."""
        return replace(self.options, **non_default(said))

    @property
    def expected_columns(self) -> str:
        """The columns that a file must have, in words."""
        return f"columns {', '.join(self.match[:6])}" if self.match else "another arrangement of rows"

    def check(self, names: list[str], where: str) -> None:
        """Refuse a file that lacks a column of the recipe.

        Raises
        ------
        UsageError
        """
        plain = [re.sub(r"\.\d+$", "", name) for name in names] + names
        missing = [each for each in self.match if not any(matches_pattern(name, each) for name in plain)]
        if missing:
            raise UsageError(
                f"recipe {self.path.name} is for files with column {missing[0]!r}; {where} has {', '.join(names[:12])}"
            )


def list_shipped() -> list[str]:
    """Names of the recipes that come with devicekit."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def find(said: Path | str) -> Path:
    """The file of a recipe: a path, or the name of a shipped one.

    Raises
    ------
    UsageError
        If there is no such file.
    """
    path = Path(said)
    if files.is_file(path):
        return path
    own = FOLDER / f"{path.name}.toml"
    if path.parent == Path() and files.is_file(own):
        return own
    raise UsageError(f"recipe={said}: there is no such file; shipped recipes are {', '.join(list_shipped())}")


def load(said: Path | str) -> Recipe:
    """Read a recipe.

    Raises
    ------
    UsageError
        If it is no TOML, or holds a line that no recipe has.
    """
    path = find(said)
    try:
        held = files.read_toml(path)
    except FileError as error:
        raise UsageError(f"{path.name} is no recipe: {error.message}") from error
    _check_sections(held, path)
    head, table, read = (held.get(name, {}) for name in ("recipe", "table", "read"))
    if head.get("version") != VERSION:
        raise UsageError(f"{path.name} is no recipe of version {VERSION}: it needs [recipe] with version = {VERSION}")
    keys = dict(held.get("keys", {}))
    key = {name: keys.pop(name) for name in ("device", "cycle") if name in keys}
    said_options: dict[str, Any] = {
        "kind": head.get("kind"),
        "format": head.get("format"),
        **table,
        **{("read_voltage" if name == "voltage" else name): value for name, value in read.items()},
        **keys,
        "key": key,
    }
    if pulses := held.get("trains", {}).get("pulses"):
        said_options["pulses"] = tuple(pulses) if isinstance(pulses, list) else (pulses,)
    described, match = held.get("columns", {}), held.get("match", {}).get("columns", [])
    if not isinstance(described, dict):
        raise UsageError(f"{path.name}: [columns] holds lines NAME = {{ role = ... }}, not a list")
    if not isinstance(match, list) or not all(isinstance(each, str) for each in match):
        raise UsageError(f"{path.name}: [match] columns is a list of names, not {match!r}")
    columns = tuple(_read_column(name, line, path) for name, line in described.items())
    try:
        options = ReadOptions(**{name: value for name, value in said_options.items() if value is not None})
    except UsageError as error:
        raise UsageError(f"{path.name}: {error.message}") from error
    labels = _read_labels(held.get("labels", {}), path)
    return Recipe(path, tuple(match), options, columns, labels, _read_trains(held, path))


def _read_trains(held: Mapping[str, Any], path: Path) -> jsonfile.TrainKeys | None:
    lines = held.get("json")
    if lines is None:
        return None
    if not isinstance(lines, dict):
        raise UsageError(f"{path.name}: [json] holds lines NAME = VALUE")
    try:
        return jsonfile.TrainKeys.of(lines)
    except UsageError as error:
        raise UsageError(f"{path.name}: {error.message}") from error


def _read_labels(lines: Any, path: Path) -> dict[str, str]:
    """The lines of `[labels]`: any name, and a text, a whole number or a date."""
    if not isinstance(lines, dict):
        raise UsageError(f"{path.name}: [labels] holds lines NAME = VALUE")
    for name, value in lines.items():
        if isinstance(value, bool) or not isinstance(value, str | int | datetime.date):
            raise UsageError(
                f"{path.name}: [labels] {name} is a text, a whole number or a date, not {value!r}: put it in quotes"
            )
    return {name: str(value) for name, value in lines.items()}


def _check_sections(held: Mapping[str, Any], path: Path) -> None:
    unknown = [name for name in held if name not in (*_SECTIONS, *_FREE)]
    if unknown:
        raise UsageError(
            f"{path.name}: [{unknown[0]}] is no part of a recipe; there are {', '.join((*_SECTIONS, *_FREE))}"
        )
    for section, words in _SECTIONS.items():
        lines = held.get(section, {})
        if not isinstance(lines, dict):
            raise UsageError(f"{path.name}: [{section}] holds lines NAME = VALUE")
        if wrong := sorted(set(lines) - words):
            raise UsageError(f"{path.name}: [{section}] has no line {wrong[0]!r}; there are {', '.join(sorted(words))}")


def _read_column(name: str, line: Any, path: Path) -> Column:
    if not isinstance(line, dict) or "role" not in line:
        raise UsageError(f'{path.name}: column {name!r} needs a role, such as {{ role = "voltage_v", unit = "V" }}')
    role, word = line["role"], line.get("unit")
    for key, value in line.items():
        if isinstance(value, dict | list):
            raise UsageError(f"{path.name}: column {name!r}: {key} is one value, not {value!r}")
    if word is not None and not isinstance(word, str):
        raise UsageError(f"{path.name}: column {name!r}: unit is a text, not {word!r}")
    if role not in (*GLOSSARY, "value", IGNORED, KEPT):
        raise UsageError(
            f"{path.name}: column {name!r}: no role {role!r}; there are value, keep, ignore, {', '.join(GLOSSARY)}"
        )
    unit = (Unit("weight", 1.0) if word == "1" else parse_unit(word)) if word else None
    wanted = parse_unit(GLOSSARY[role].unit) if role in GLOSSARY and GLOSSARY[role].unit else None
    if word and (unit is None or (wanted is not None and wanted.quantity != unit.quantity)):
        raise UsageError(f"{path.name}: column {name!r}: {word!r} is no unit of {role}")
    scale = line.get("scale", unit.factor if unit else 1.0)
    if not isinstance(scale, int | float) or not 0 < scale < float("inf"):
        raise UsageError(f"{path.name}: column {name!r}: scale is a number above 0, not {scale!r}")
    tags: dict[str, Any] = {tag: line[tag] for tag in TAGS if tag in line}
    return Column(name, role, word, float(scale), bool(line.get("log10", False)), "", tags)
