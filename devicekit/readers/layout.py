"""Layouts: the meaning of each cell of a file, as `devicekit read` prints it and a recipe stores it.

A layout stands between the bytes of a file and a table. It is inferred with evidence or given by a recipe, and
then applied; no decision is made while it is applied.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.core.errors import FileError
from devicekit.core.records import plain
from devicekit.names import parse_unit
from devicekit.system import writing
from devicekit.system.options import LINES, ReadOptions

if TYPE_CHECKING:
    from devicekit.readers.fingerprints import Fingerprint
    from devicekit.readers.jsonfile import TrainKeys

IGNORED = "ignore"  # role of a duplicate of another column, or of a constant
VERSION = 1  # of a recipe
_USUAL: dict[str, Any] = {"skip": 0, "header": 1, "units_row": False, "decimal": ".", "blocks": "none"}
TAGS = {"device_id", "cycle", "direction", "level", "compliance_a", "pulse_width_s", "pulse_voltage_v"}
KEPT = "keep"  # role of a column without a devicekit name: kept under its own name

Tag = str | float  # a fact about all values of a column or table: its device, cycle, direction, a condition in SI units


@dataclass(frozen=True)
class Column:
    """One column: its name in the file, its role, and the reason.

    Parameters
    ----------
    name : str
        Name as the file writes it.
    role : str
        devicekit's column name (`devicekit.core.quantities.GLOSSARY`), `value`, `keep` or `ignore`.
    unit : str, optional
        Unit word; none if the numbers are in SI units or have no unit.
    factor : float
        Factor from the numbers to SI units.
    log10 : bool
        True if the numbers are decimal logarithms.
    why : str
        Evidence for the role.
    tags : mapping of str to value
        Facts in the column's name about all its values: device_id, cycle, direction, level, compliance_a ...
    by : {"name", "glossary", "map", "recipe"}
        Source of the role: the words of its name (or its cells), a devicekit name, an option, a recipe.
    stated : bool
        True if its name or a units row states the unit.
    unclear : str
        Reason why its unit word was not understood; "" if there is none.
    magnitude : bool
        True if its name says that the numbers are magnitudes.
    """

    name: str
    role: str
    unit: str | None = None
    factor: float = 1.0
    log10: bool = False
    why: str = ""
    tags: Mapping[str, Tag] = field(default_factory=dict)
    by: str = "name"
    stated: bool = False
    unclear: str = ""
    magnitude: bool = False

    @property
    def is_explicit(self) -> bool:
        """True if an option, a recipe or a devicekit name gives the role: then nothing is inferred."""
        return self.by != "name"


@dataclass(frozen=True)
class Layout:
    """Sheets, rows and columns of a file that are read, and the role of each column.

    Parameters
    ----------
    kind : str
        Kind of measurement: pulse, sweep, endurance, retention, stdp ...
    columns : tuple of Column
        Columns in the order of the file.
    options : ReadOptions
        Options by which such a file is read in the same way: those that were given and those that were found.
    sheets : tuple of str
        Sheets that are read; empty for text.
    comment_rows : int
        Rows between the names and the numbers that hold neither.
    delimiter, thousands : str
        Delimiter and thousands separator of a text file.
    evidence : tuple of str
        Further evidence.
    format : str
        Format by which the file was read; "table" for a table of unknown origin.
    trains : TrainKeys, optional
        Where a JSON file keeps its pulse trains, by a recipe.
    fingerprint : Fingerprint, optional
        Marks of the file, by which a recipe of this layout is found again.
    """

    kind: str
    columns: tuple[Column, ...]
    options: ReadOptions = field(default_factory=ReadOptions)
    sheets: tuple[str, ...] = ()
    comment_rows: int = 0
    delimiter: str = ""
    thousands: str = ""
    evidence: tuple[str, ...] = ()
    format: str = "table"
    trains: TrainKeys | None = None
    fingerprint: Fingerprint | None = None

    def roles(self, role: str) -> list[Column]:
        """Return the columns with a role."""
        return [column for column in self.columns if column.role == role]

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write the layout as a recipe (TOML), for other files of the same kind; `overwrite` replaces another file.

        Raises
        ------
        FileError
            If another file exists there, or the recipe cannot be written.
        """
        path = Path(path)
        if not overwrite and path.exists() and "[recipe]" not in path.read_text(encoding="utf-8", errors="replace"):
            raise FileError(f"{path} exists and is not a recipe. Choose another name.")
        writing.write_text(path, self.toml(), overwrite)

    def toml(self) -> str:
        """Return the layout as a recipe, with the evidence as comments."""
        return _write_toml(self)

    @property
    def stated(self) -> ReadOptions:
        """Options with the usual arrangement of rows where none is stated."""
        missing = {name: value for name, value in _USUAL.items() if getattr(self.options, name) is None}
        return replace(self.options, **missing)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        hidden = ("options", "trains", "fingerprint")
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in hidden}
        stated = self.stated
        kept = {each.name: getattr(stated, each.name) for lines in LINES.values() for each in lines.values()}
        del kept["sheet"]  # those that were read are listed
        columns = [
            {name: getattr(each, name) for name in ("name", "role", "unit", "log10", "why")} for each in self.columns
        ]
        found: dict[str, Any] = plain({**kept, "pulses": stated.pulses or (), **own, "columns": columns})
        return found

    def text(self) -> dict[str, str]:
        """Return delimiter, decimal mark and names of a text that was read as a table."""
        if not self.delimiter or self.delimiter == "cells":
            return {}
        stated = self.stated
        names = ", ".join(column.name for column in self.columns) if stated.header else "none"
        return {"delimiter": self.delimiter, "decimal": stated.decimal or ".", "header": names}

    def lines(self) -> list[tuple[str, str]]:
        """Return the layout for people: a word and a sentence a line."""
        stated = self.stated
        rows = [("kind", self.kind)]
        rows += [("sheets", ", ".join(self.sheets))] if self.sheets else []
        text = {"delimiter": self.delimiter, "decimal": stated.decimal, "thousands": self.thousands}
        rows.append(("text", ", ".join(f"{k} {v}" for k, v in text.items() if v).replace(" ,", " comma")))
        above = f"{stated.skip} above the names, " if stated.skip else ""
        below = f", {self.comment_rows} of comments" if self.comment_rows else ""
        units = ", one of units" if stated.units_row else ""
        rows.append(("rows", f"{above}{stated.header or 'none'} of names{units}{below}"))
        rows += [("blocks", str(stated.blocks))] if stated.blocks != "none" else []
        rows += [(column.name, _describe_column(column)) for column in self.columns]
        return [*rows, *(("seen", each) for each in self.evidence)]


def list_mapped(columns: Mapping[str, str], names: Sequence[str]) -> list[tuple[str, str]]:
    """Return role and column of each column that `map` names: one, or several separated by commas."""
    found = []
    for role, word in columns.items():
        parts = [each.strip() for each in word.split(",")]
        found += [(role, each) for each in (parts if word not in names and set(parts) <= set(names) else [word])]
    return found


def matches_pattern(name: str, pattern: str) -> bool:
    """Return whether a name matches a pattern, in which * matches anything and all else itself."""
    if "*" not in pattern:
        return name == pattern
    head, *inner, tail = pattern.split("*")
    if not name.startswith(head) or not name[len(head) :].endswith(tail):
        return False
    at, end = len(head), len(name) - len(tail)
    for part in inner:  # a regular expression would try every place of every part
        if (found := name.find(part, at, end)) < 0:
            return False
        at = found + len(part)
    return True


def _describe_column(column: Column) -> str:
    scaled = f" in {column.unit}" if column.unit else ""
    logarithm = ", log10" if column.log10 else ""
    tags = ", ".join(f"{name} {value}" for name, value in column.tags.items())
    why = f" ({column.why})" if column.why else ""
    return f"{column.role}{scaled}{logarithm}{': ' + tags if tags else ''}{why}"


def _write_toml(layout: Layout) -> str:
    """Return a layout in TOML, with the evidence as comments."""
    by_name = layout.format == "table"
    if not by_name:  # the format says the rest
        mapped = tuple(Column(theirs, ours) for ours, theirs in layout.options.columns.items())
        layout = replace(layout, columns=mapped)
    head = f"kind = {_toml_value(layout.kind)}" if by_name else f"format = {_toml_value(layout.format)}"
    lines = ["# Recipe for files of this kind: devicekit read FILE --recipe THIS", "[recipe]", f"version = {VERSION}"]
    lines += [head, *(f"# {each}" for each in layout.evidence)]
    if layout.trains is not None:
        lines += [*_match_section(layout, ()), *_json_section(layout.trains)]
        return "\n".join([*lines, *_section("read", layout.options), *_section("keys", layout.options)]) + "\n"
    named = [column for column in layout.columns if column.role != KEPT]
    lines += _match_section(layout, named if layout.stated.header or not by_name else [])
    stated = layout.options
    sheets = () if stated.meaning("sheets") else layout.sheets
    sheet = ",".join(each.replace(",", "*") for each in sheets) or None
    options = replace(stated, sheet=sheet, blocks=None if stated.blocks == "none" else stated.blocks)
    lines += _section("table", options) or ["", "[table]"]
    for section in ("read", "trains", "keys", "words", "label_rows", "rows_per", "constants"):
        lines += _section(section, options)
    lines += ["", "[columns]"]
    written = set()
    for column in layout.columns:
        name = _strip_number(column.name)
        if name in written:
            continue
        written.add(name)
        lines += [f"# {column.why}"] if column.why else []
        alike = [each for each in layout.columns if _strip_number(each.name) == name]
        lines.append(f"{_toml_value(name)} = {_column_line(column, tags=len(alike) == 1)}")
    return "\n".join(lines) + "\n"


def _match_section(layout: Layout, named: Sequence[Column]) -> list[str]:
    """Return the columns that are needed, and the fingerprint."""
    names = list(dict.fromkeys(_strip_number(column.name) for column in named))
    marks = layout.fingerprint.lines() if layout.fingerprint is not None else {}
    found = {**({"columns": names} if names else {}), **marks}
    lines = [f"{name} = {_toml_value(value)}" for name, value in found.items()]
    return ["", "[match]", *lines] if lines else []


def _section(section: str, options: ReadOptions) -> list[str]:
    """Return the lines of a section of a recipe that differ from the defaults, below its name; none if it is empty."""
    lines = []
    for line, each in LINES[section].items():
        value = getattr(options, each.name)
        value = value.get(line) if each.is_pairs else value
        if value is not None and value != each.default:
            lines.append(f"{line} = {_toml_value(value)}")
    return ["", f"[{section}]", *lines] if lines else []


def _json_section(trains: TrainKeys) -> list[str]:
    keys = [
        f"{side} = {_toml_value(key)}" for side, key in (("ltp", trains.ltp), ("ltd", trains.ltd)) if key is not None
    ]
    lines = ["", "[json]", *keys, f"readings = {trains.readings}"]
    lines += [f"reversed = [{', '.join(map(_toml_value, trains.reversed))}]"] if trains.reversed else []
    constants = ", ".join(f"{_toml_value(name)} = {_toml_value(key)}" for name, key in trains.constants.items())
    return [*lines, f"constants = {{ {constants} }}"] if constants else lines


def _strip_number(name: str) -> str:
    """Return a name without the number that was added because it occurs twice."""
    return re.sub(r"\.\d+$", "", name)


def _column_line(column: Column, tags: bool) -> str:
    """Return the line of a column; without its `tags` where several columns share the name."""
    parts = [f"role = {_toml_value(column.role)}"]
    unit = parse_unit(column.unit) if column.unit else None
    if (unit is not None and unit.factor == column.factor) or column.unit in ("1", "%"):
        parts.append(f"unit = {_toml_value(column.unit)}")
    elif column.factor != 1.0:
        parts.append(f"scale = {column.factor!r}")
    parts += ["log10 = true"] if column.log10 else []
    parts += [f"{tag} = {_toml_value(value)}" for tag, value in column.tags.items() if tag in TAGS] if tags else []
    return "{ " + ", ".join(parts) + " }"


def _toml_value(value: Any) -> str:
    """Return a value as TOML writes it; strings of JSON are strings of TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False)
