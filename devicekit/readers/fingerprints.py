"""Fingerprints: names, units, words above them and number format of a make of files, as recipes state them."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from devicekit.core.errors import DevicekitError, UsageError

Cells = tuple[str, ...]
FEW_NAMES = 4  # names below which tables of many makes are alike


@dataclass(frozen=True)
class Fingerprint:
    """Marks of a make of files: the section `[match]` of a recipe.

    Parameters
    ----------
    names, units : tuple of str
        Every name in the order of the file, * matches anything; and the cells of the row of units.
    preamble : tuple of str
        Words that stand above the names.
    delimiter, decimal : str
        Delimiter by its name in a layout, and decimal mark; "" for any.
    sheets : tuple of str
        Names of sheets, of which the file has one or more.
    numbers : tuple of str
        Form of the numbers in each column of a file without names: "integer", "scientific" or "decimal".
    keys : tuple of str
        Keys of a JSON file.
    distinct : bool
        True if no other make has these names, few as they are.
    """

    names: Cells = ()
    units: Cells = ()
    preamble: Cells = ()
    delimiter: str = ""
    decimal: str = ""
    sheets: Cells = ()
    numbers: Cells = ()
    keys: Cells = ()
    distinct: bool = False

    @classmethod
    def of(cls, lines: Mapping[str, Any]) -> Self:
        """Build a fingerprint from lines of `[match]`; those of others are left out.

        Raises
        ------
        UsageError
            If a line has another type.
        """
        found: dict[str, Any] = {}
        for each in fields(cls):
            value = lines.get(each.name, each.default)
            if isinstance(each.default, bool):
                if not isinstance(value, bool):
                    raise UsageError(f"[match] {each.name} must be true or false, not {value!r}")
            elif each.default == "":
                if not isinstance(value, str):
                    raise UsageError(f"[match] {each.name} must be a text, not {value!r}")
            elif not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
                raise UsageError(f"[match] {each.name} must be a list of texts, not {value!r}")
            found[each.name] = value if isinstance(value, str | bool) else tuple(value)
        return cls(**found)

    @property
    def is_certain(self) -> bool:
        """True if names or keys are among the marks: forms of numbers alone are shared by many files."""
        return bool(self.names or self.keys)

    @property
    def is_distinct(self) -> bool:
        """True if the marks belong to one make: words above the names, four names or more, keys, or as it says."""
        return bool(self.keys or (self.names and (self.preamble or self.distinct or len(self.names) >= FEW_NAMES)))

    @property
    def is_empty(self) -> bool:
        """True if a recipe has no marks of a make."""
        return not (self.names or self.keys or self.numbers)

    def lines(self) -> dict[str, str | bool | list[str]]:
        """Return the lines of `[match]` that are not empty."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value}


@dataclass(frozen=True)
class Known:
    """A recipe and its fingerprint; `own` is true for the user's own."""

    path: Path
    fingerprint: Fingerprint
    own: bool

    @property
    def is_applied(self) -> bool:
        """True if it is applied to the files that it fits; else it is only offered."""
        return self.fingerprint.is_certain if self.own else self.fingerprint.is_distinct


@functools.lru_cache(maxsize=64)
def _read_folder(folder: Path, own: bool, stamp: tuple[tuple[str, int], ...]) -> tuple[Known, ...]:
    """Read the fingerprints of a folder whose files have these times of change; damaged recipes have none."""
    found = []
    for name, _ in stamp:
        path = folder / name
        try:
            fingerprint = Fingerprint.of(_match_section(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, DevicekitError):
            continue  # `devicekit recipe list` names it
        if not fingerprint.is_empty:
            found.append(Known(path, fingerprint, own))
    return tuple(found)


def _match_section(text: str) -> Mapping[str, Any]:
    """Return the section `[match]`; the whole recipe is read only where it does not stand alone."""
    start = text.find("\n[match]\n")
    end = text.find("\n[", start + 1)
    try:
        content = tomllib.loads(text[start : end if end >= 0 else None] if start >= 0 else text)
    except tomllib.TOMLDecodeError:
        content = tomllib.loads(text)
    found = content.get("match")
    return found if isinstance(found, dict) else {}


def known_in(folder: Path, own: bool) -> tuple[Known, ...]:
    """Return the recipes of a folder that have a fingerprint; read again when a file has changed."""
    try:
        stamp = tuple(sorted((each.name, each.stat().st_mtime_ns) for each in folder.glob("*.toml")))
    except OSError:
        return ()
    return _read_folder(folder, own, stamp)
