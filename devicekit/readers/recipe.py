"""Recipes: a layout in TOML for all files of one instrument or script, written once."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from devicekit.core.errors import FileError, UsageError
from devicekit.core.quantities import GLOSSARY
from devicekit.names import Unit, parse_unit
from devicekit.readers import fingerprints, jsonfile
from devicekit.readers.fingerprints import Fingerprint
from devicekit.readers.layout import IGNORED, KEPT, TAGS, VERSION, Column, matches_pattern
from devicekit.system import files
from devicekit.system.commands import non_default
from devicekit.system.options import LINES, ReadOptions

FOLDER = Path(__file__).with_name("recipes")
OWN = "DEVICEKIT_RECIPES"  # names the folder of the user's own recipes
NONE = "none"  # for `recipe`: no recipe, and none that is found
_OTHERS = {  # lines that are no options
    "recipe": {"version", "about"},
    "match": {"columns", *(each.name for each in fields(Fingerprint))},
}
_SECTIONS = {
    name: _OTHERS.get(name, set()) | set(LINES.get(name, ()))
    for name in ("recipe", "match", "table", "read", "trains", "keys", "words", "label_rows", "rows_per", "constants")
}
_BESIDE = {
    "accept",
    "device",
    "cycle",
    "width",
    "files_are",
    "key",
    "absolute",
    "read_voltage",
    "recipe",
}  # say no layout
_FREE = ("columns", "labels", "json")  # their lines are checked when they are read


@dataclass(frozen=True)
class Recipe:
    """Options of a recipe, and the columns that it describes.

    Parameters
    ----------
    path : Path
        File of the recipe, for messages.
    match : tuple of str
        Names of columns that the file must have; * matches anything.
    options : ReadOptions
        Lines of the recipe as options.
    columns : tuple of Column
        Roles and units of columns, by name.
    labels : mapping of str to str
        Labels of the devices for a library: stack, area, operator, wafer ...
    trains : jsonfile.Trains, optional
        Where a JSON file keeps its pulse trains.
    fingerprint : Fingerprint
        Marks of the files for which it is.
    about : str
        One sentence on the make.
    """

    path: Path
    match: tuple[str, ...]
    options: ReadOptions
    columns: tuple[Column, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    trains: jsonfile.TrainKeys | None = None
    fingerprint: Fingerprint = field(default_factory=Fingerprint)
    about: str = ""

    def agrees_with(self, options: ReadOptions) -> bool:
        """Return whether given options leave the layout of the recipe as it is."""
        for name, value in non_default(options).items():
            own = getattr(self.options, name)
            if name not in _BESIDE and value != own and not (name == "kind" and own is None):
                return False
        return True

    def merge(self, options: ReadOptions) -> ReadOptions:
        """Return the options of the recipe, overridden by those that are given."""
        return replace(self.options, **non_default(options))

    @property
    def expected_columns(self) -> str:
        """Columns that a file must have, for messages."""
        return f"columns {', '.join(self.match[:6])}" if self.match else "another layout of rows"

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
                f"recipe {self.path.name} needs column {missing[0]!r}; {where} has {', '.join(names[:12])}"
            )


def list_shipped() -> list[str]:
    """Return the names of the recipes that come with devicekit."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def own_folder() -> Path:
    """Return the folder of the user's recipes: DEVICEKIT_RECIPES, else that of the library, as the app uses it."""
    import platformdirs

    if named := os.environ.get(OWN):
        return Path(named)
    library = os.environ.get("DEVICEKIT_LIBRARY")
    return (Path(library) if library else platformdirs.user_data_path("devicekit") / "library") / "recipes"


def list_known() -> tuple[fingerprints.Known, ...]:
    """Return the recipes with a fingerprint: the user's own, then those that come with devicekit."""
    return (*fingerprints.known_in(own_folder(), own=True), *fingerprints.known_in(FOLDER, own=False))


def find(name: Path | str) -> Path:
    """Return the file of a recipe, given as a path, or as the name of one of the user's or of a shipped one.

    Raises
    ------
    UsageError
        If the file does not exist.
    """
    path = Path(name)
    if files.is_file(path):
        return path
    for folder in (own_folder(), FOLDER):
        if path.parent == Path() and files.is_file(folder / f"{path.name}.toml"):
            return folder / f"{path.name}.toml"
    raise UsageError(f"recipe={name}: file not found; shipped recipes are {', '.join(list_shipped())}")


def load(name: Path | str) -> Recipe:
    """Read a recipe.

    Raises
    ------
    UsageError
        If the file is not TOML, or holds a line that recipes do not have.
    """
    path = find(name)
    try:
        content = files.read_toml(path)
    except FileError as error:
        raise UsageError(f"{path.name} is not a recipe: {error.message}") from error
    _check_sections(content, path)
    if content.get("recipe", {}).get("version") != VERSION:
        raise UsageError(f"{path.name} is not a recipe of version {VERSION}: add [recipe] with version = {VERSION}")
    described, match = content.get("columns", {}), content.get("match", {}).get("columns", [])
    if not isinstance(described, dict):
        raise UsageError(f"{path.name}: [columns] must hold lines NAME = {{ role = ... }}, not a list")
    if not isinstance(match, list) or not all(isinstance(each, str) for each in match):
        raise UsageError(f"{path.name}: [match] columns must be a list of names, not {match!r}")
    columns = tuple(_read_column(name, line, path) for name, line in described.items())
    try:
        options, marks = _read_options(content), Fingerprint.of(content.get("match", {}))
    except UsageError as error:
        raise UsageError(f"{path.name}: {error.message}") from error
    labels = _read_labels(content.get("labels", {}), path)
    about = content["recipe"].get("about", "")
    return Recipe(path, tuple(match), options, columns, labels, _read_trains(content, path), marks, str(about))


def _read_options(content: Mapping[str, Mapping[str, Any]]) -> ReadOptions:
    """Return the reading options among the lines of a recipe."""
    found: dict[str, Any] = {}
    for section, lines in LINES.items():
        for line, value in content.get(section, {}).items():
            if (each := lines.get(line)) is None:
                continue
            if each.is_pairs:
                found.setdefault(each.name, {})[line] = value
            elif each.kind.type in (object, tuple):  # several values, or one
                found[each.name] = tuple(value) if isinstance(value, list) else (value,)
            else:
                found[each.name] = value
    return ReadOptions(**found)


def _read_trains(content: Mapping[str, Any], path: Path) -> jsonfile.TrainKeys | None:
    lines = content.get("json")
    if lines is None:
        return None
    if not isinstance(lines, dict):
        raise UsageError(f"{path.name}: [json] must hold lines NAME = VALUE")
    try:
        return jsonfile.TrainKeys.of(lines)
    except UsageError as error:
        raise UsageError(f"{path.name}: {error.message}") from error


def _read_labels(lines: Any, path: Path) -> dict[str, str]:
    """Read the lines of `[labels]`: any name with a text, a whole number or a date."""
    if not isinstance(lines, dict):
        raise UsageError(f"{path.name}: [labels] must hold lines NAME = VALUE")
    for name, value in lines.items():
        if isinstance(value, bool) or not isinstance(value, str | int | datetime.date):
            raise UsageError(f"{path.name}: [labels] {name} must be a text, a whole number or a date, not {value!r}")
    return {name: str(value) for name, value in lines.items()}


def _check_sections(content: Mapping[str, Any], path: Path) -> None:
    unknown = [name for name in content if name not in (*_SECTIONS, *_FREE)]
    if unknown:
        raise UsageError(f"{path.name}: unknown section [{unknown[0]}]; a recipe has {', '.join((*_SECTIONS, *_FREE))}")
    for section, words in _SECTIONS.items():
        lines = content.get(section, {})
        if not isinstance(lines, dict):
            raise UsageError(f"{path.name}: [{section}] must hold lines NAME = VALUE")
        if wrong := sorted(set(lines) - words):
            raise UsageError(
                f"{path.name}: unknown line {wrong[0]!r} in [{section}]; it has {', '.join(sorted(words))}"
            )


def _read_column(name: str, line: Any, path: Path) -> Column:
    if not isinstance(line, dict) or "role" not in line:
        raise UsageError(f'{path.name}: column {name!r} needs a role, for example {{ role = "voltage_v", unit = "V" }}')
    role, word = line["role"], line.get("unit")
    for key, value in line.items():
        if isinstance(value, dict | list):
            raise UsageError(f"{path.name}: column {name!r}: {key} must be one value, not {value!r}")
    if word is not None and not isinstance(word, str):
        raise UsageError(f"{path.name}: column {name!r}: unit must be a text, not {word!r}")
    if role not in (*GLOSSARY, "value", IGNORED, KEPT):
        raise UsageError(
            f"{path.name}: column {name!r}: unknown role {role!r}; roles are value, keep, ignore, {', '.join(GLOSSARY)}"
        )
    unit = (Unit("weight", 1.0) if word == "1" else parse_unit(word)) if word else None
    wanted = parse_unit(GLOSSARY[role].unit) if role in GLOSSARY and GLOSSARY[role].unit else None
    if word and (unit is None or (wanted is not None and wanted.quantity != unit.quantity)):
        raise UsageError(f"{path.name}: column {name!r}: {word!r} is not a unit of {role}")
    scale = line.get("scale", unit.factor if unit else 1.0)
    if not isinstance(scale, int | float) or not 0 < scale < float("inf"):
        raise UsageError(f"{path.name}: column {name!r}: scale must be a number above 0, not {scale!r}")
    tags: dict[str, Any] = {tag: line[tag] for tag in TAGS if tag in line}
    return Column(name, role, word, float(scale), bool(line.get("log10", False)), "", tags)
