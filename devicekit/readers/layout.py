"""Layouts: the meaning of each cell of a file, as `devicekit read` prints it and a recipe stores it.

A layout stands between the bytes of a file and a table. It is inferred with evidence or given by a recipe, and
then applied; no decision is made while it is applied.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.core.errors import FileError
from devicekit.names import parse_unit
from devicekit.system import writing

if TYPE_CHECKING:
    from devicekit.readers.jsonfile import TrainKeys

IGNORED = "ignore"  # role of a duplicate of another column, or of a constant
VERSION = 1  # of a recipe
TAGS = {"device_id", "cycle", "direction", "level", "compliance_a", "pulse_width_s", "pulse_voltage_v"}
KEPT = "keep"  # role of a column without a devicekit name: kept under its own name


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
    tags: Mapping[str, Any] = field(default_factory=dict)
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
    sheets : tuple of str
        Sheets that are read; empty for text.
    skip, header : int
        Rows above the names, and rows of names.
    units_row : bool
        True if the row below the names holds units.
    comment_rows : int
        Rows between the names and the numbers that hold neither.
    delimiter, decimal, thousands : str
        Delimiter, decimal mark and thousands separator of a text file.
    blocks : str
        How tables beside or below each other are separated.
    files_are, sheets_are, columns_are : str, optional
        Meaning of several files, sheets, or columns of one quantity: devices, cycles, levels.
    pulses : tuple of int
        Pulses of an LTP and of an LTD train, where they are given.
    quantity, unit : str, optional
        Quantity and unit of numbers for which the file states none.
    read_voltage : float, optional
        Read voltage [V].
    absolute : bool
        True if magnitudes of negative conductances are taken.
    key : mapping of str to str
        Patterns that find device and cycle in the names of files or sheets.
    evidence : tuple of str
        Further evidence.
    format : str
        Format by which the file was read; "table" for a table of unknown origin.
    trains : jsonfile.Trains, optional
        Where a JSON file keeps its pulse trains, by a recipe.
    """

    kind: str
    columns: tuple[Column, ...]
    sheets: tuple[str, ...] = ()
    skip: int = 0
    header: int = 1
    units_row: bool = False
    comment_rows: int = 0
    delimiter: str = ""
    decimal: str = "."
    thousands: str = ""
    blocks: str = "none"
    files_are: str | None = None
    sheets_are: str | None = None
    columns_are: str | None = None
    pulses: tuple[int, ...] = ()
    quantity: str | None = None
    unit: str | None = None
    read_voltage: float | None = None
    absolute: bool = False
    key: Mapping[str, str] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    format: str = "table"
    trains: TrainKeys | None = None

    def roles(self, role: str) -> list[Column]:
        """Return the columns with a role."""
        return [column for column in self.columns if column.role == role]

    def save(self, path: Path | str) -> None:
        """Write the layout as a recipe (TOML), for other files of the same kind.

        Raises
        ------
        FileError
            If a file that is not a recipe exists there, or the recipe cannot be written.
        """
        path = Path(path)
        if path.exists() and "[recipe]" not in path.read_text(encoding="utf-8", errors="replace"):
            raise FileError(f"{path} exists and is not a recipe. Choose another name.")
        writing.write_text(path, self.toml())

    def toml(self) -> str:
        """Return the layout as a recipe, with the evidence as comments."""
        return _write_toml(self)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        values = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("columns", "trains")
        }
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        columns = [
            {"name": each.name, "role": each.role, "unit": each.unit, "log10": each.log10, "why": each.why}
            for each in self.columns
        ]
        return {**plain, "key": dict(self.key), "columns": columns}

    def text(self) -> dict[str, str]:
        """Return delimiter, decimal mark and names of a text that was read as a table."""
        if not self.delimiter or self.delimiter == "cells":
            return {}
        names = ", ".join(column.name for column in self.columns) if self.header else "none"
        return {"delimiter": self.delimiter, "decimal": self.decimal, "header": names}

    def lines(self) -> list[tuple[str, str]]:
        """Return the layout for people: a word and a sentence a line."""
        rows = [("kind", self.kind)]
        rows += [("sheets", ", ".join(self.sheets))] if self.sheets else []
        text = {"delimiter": self.delimiter, "decimal": self.decimal, "thousands": self.thousands}
        rows.append(("text", ", ".join(f"{name} {value}" for name, value in text.items() if value)))
        above = f"{self.skip} above the names, " if self.skip else ""
        below = f", {self.comment_rows} of comments" if self.comment_rows else ""
        units = ", one of units" if self.units_row else ""
        rows.append(("rows", f"{above}{self.header or 'none'} of names{units}{below}"))
        rows += [("blocks", self.blocks)] if self.blocks != "none" else []
        rows += [(column.name, _describe_column(column)) for column in self.columns]
        return [*rows, *(("seen", each) for each in self.evidence)]

    def copy_with(self, **changes: Any) -> Layout:
        """Return a copy with some fields changed."""
        return replace(self, **changes)


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
    lines = ["# Recipe for files of this kind: devicekit read FILE --recipe THIS", "[recipe]", f"version = {VERSION}"]
    lines += (
        [f"kind = {_toml_value(layout.kind)}"]
        if layout.format == "table"
        else [f"format = {_toml_value(layout.format)}"]
    )
    lines += [f"# {each}" for each in layout.evidence]
    if layout.trains is not None:
        return "\n".join([*lines, *_json_section(layout.trains), *_read_section(layout)]) + "\n"
    named = [column for column in layout.columns if column.role != KEPT]
    if layout.header or layout.format != "table":
        names = list(dict.fromkeys(_strip_number(column.name) for column in named))
        lines += ["", "[match]", f"columns = [{', '.join(map(_toml_value, names))}]"]
    lines += ["", "[table]"]
    lines += [f"sheet = {_toml_value(','.join(layout.sheets))}"] if layout.sheets and not layout.sheets_are else []
    if layout.format == "table":
        lines += [f"skip = {layout.skip}", f"header = {layout.header}", f"units_row = {_toml_value(layout.units_row)}"]
        lines += [f"decimal = {_toml_value(layout.decimal)}"]
        lines += [f"blocks = {_toml_value(layout.blocks)}"] if layout.blocks != "none" else []
    lines += _read_section(layout)
    lines += ["", "[trains]", f"pulses = [{', '.join(map(str, layout.pulses))}]"] if layout.pulses else []
    keys = {
        "files_are": layout.files_are,
        "sheets_are": layout.sheets_are,
        "columns_are": layout.columns_are,
        **layout.key,
    }
    key_lines = [f"{name} = {_toml_value(value)}" for name, value in keys.items() if value is not None]
    lines += ["", "[keys]", *key_lines] if key_lines else []
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


def _read_section(layout: Layout) -> list[str]:
    read = {"voltage": layout.read_voltage, "quantity": layout.quantity, "unit": layout.unit}
    lines = [f"{name} = {_toml_value(value)}" for name, value in read.items() if value is not None]
    lines += ["absolute = true"] if layout.absolute else []
    return ["", "[read]", *lines] if lines else []


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
