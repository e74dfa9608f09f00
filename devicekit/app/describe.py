"""The part of a form in which a user describes a table: the role and unit of each column, and all reading options."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from devicekit.app.forms import Field
from devicekit.app.results import FileColumn, Opened
from devicekit.core.errors import UsageError
from devicekit.core.quantities import GLOSSARY
from devicekit.names import parse_unit
from devicekit.readers.header import parse_heading
from devicekit.readers.layout import KEPT, list_mapped
from devicekit.system.options import OPTIONS, ReadOptions, group_options

NAME, ROLE, UNIT = "column-name", "column-role", "column-unit"  # inputs, one of each for a column


@dataclass(frozen=True)
class ColumnRow:
    """One column in the form.

    Parameters
    ----------
    column : FileColumn
    role, unit : str
        What the user has chosen; "" for what the file says.
    """

    column: FileColumn
    role: str = ""
    unit: str = ""

    @property
    def found(self) -> str:
        """What the column is read as."""
        if not self.column.role:
            return ""
        label = name_role(self.column.role)
        return f"read as {label}{f', in {self.column.unit}' if self.column.unit else ''}"


@dataclass(frozen=True)
class DescribeForm:
    """Columns and reading options of a form.

    Parameters
    ----------
    columns : tuple of ColumnRow
    roles : tuple of (str, str)
        Roles to choose from: value and text.
    others : int
        Columns of the file that have no row.
    groups : tuple of (str, tuple of Field)
        Reading options under titles.
    is_used : bool
        True if something is filled in.
    """

    columns: tuple[ColumnRow, ...]
    roles: tuple[tuple[str, str], ...]
    others: int
    groups: tuple[tuple[str, tuple[Field, ...]], ...]
    is_used: bool


@dataclass(frozen=True)
class Described:
    """Columns as a user describes them.

    Parameters
    ----------
    columns : dict of str to str
        Role -> column, or columns.
    names : str, optional
        New names of all columns, if units were given.
    renamed : dict of str to str
        New names by the old ones.
    """

    columns: dict[str, str] = field(default_factory=dict)
    names: str | None = None
    renamed: dict[str, str] = field(default_factory=dict)

    def apply(self, options: ReadOptions) -> ReadOptions:
        """Return reading options with the described columns."""
        if not self.columns and self.names is None:
            return options
        columns = {**self.rename(options.columns), **self.columns}
        return replace(options, columns=columns, names=self.names or options.names)

    def rename(self, columns: Mapping[str, str]) -> dict[str, str]:
        """Return role -> column with the new names of the columns."""
        return {role: self.renamed.get(name, name) for role, name in columns.items()}


def are_renamed(describe: DescribeForm, form: Any) -> bool:
    """Return whether the columns of a file have other names, units aside, than those in the entries of a form."""
    now = [each.column.name for each in describe.columns]
    before = [str(each) for each in form.getlist(NAME)]
    return [parse_heading(each).name for each in now] != [parse_heading(each).name for each in before]


def name_role(role: str) -> str:
    """Return the text of a role for people."""
    if role == "value":
        return "state"
    if role in (KEPT, "ignore"):
        return "not used"
    return GLOSSARY[role].label if role in GLOSSARY else role.upper() if role in OPTIONS["columns"].offered else role


def build_describe_form(opened: Opened, options: ReadOptions, fields: Sequence[Field], form: Any) -> DescribeForm:
    """Return the columns of a file and all reading options, with the entries of a form."""
    names = [each.name for each in opened.columns]
    chosen = {name: role for role, name in list_mapped(options.columns, names)}
    typed = list(zip(*(map(str, form.getlist(name)) for name in (NAME, ROLE, UNIT)), strict=False))
    typed = typed if len(typed) == len(names) else []  # by place: a unit changes a name
    entries = [entry[1:] for entry in typed] or [(chosen.get(name, ""), "") for name in names]
    rows = tuple(ColumnRow(each, *entry) for each, entry in zip(opened.columns, entries, strict=True))
    shown = {each.name: each for each in fields}
    if "columns" in shown:  # those of other columns
        rest = {role: word for role, word in options.columns.items() if not _are_in(word, names)}
        shown["columns"] = replace(shown["columns"], value=", ".join(f"{role}={word}" for role, word in rest.items()))
    filled = {
        name: replace(each, value=str(form.get(name, each.value)), doc=_explain(name)) for name, each in shown.items()
    }
    groups = tuple((title, tuple(filled[each.name] for each in parts)) for title, parts in group_options().items())
    is_used = any(map(any, (entry[1:] for entry in typed))) or any(str(form.get(name, "")) for name in shown)
    roles = tuple((role, name_role(role)) for role in (KEPT, *OPTIONS["columns"].offered))
    return DescribeForm(rows, roles, opened.width - len(rows), groups, is_used)


def _are_in(word: str, names: Sequence[str]) -> bool:
    return all(name in names for _, name in list_mapped({"": word}, names))


def _explain(name: str) -> str:
    """Return the names that pairs take; "" for an option whose label is enough."""
    return f"Names: {', '.join(OPTIONS[name].names)}." if OPTIONS[name].names else ""


def parse_described(form: Any) -> Described:
    """Return the columns that a form describes.

    Raises UsageError if a unit is unknown, or not every column of the file has a row in which it could be renamed.
    """
    names, roles, units = ([str(each).strip() for each in form.getlist(name)] for name in (NAME, ROLE, UNIT))
    if not len(names) == len(roles) == len(units):
        return Described()
    for name, unit in zip(names, units, strict=True):
        if unit and parse_unit(unit) is None and unit not in ("1", "%"):
            raise UsageError(f"Column {name}: {unit!r} is not a unit. Write mV, uA, nS, kohm, ms, min, ...")
    renamed = {name: f"{parse_heading(name).name} ({unit})" for name, unit in zip(names, units, strict=True) if unit}
    if renamed and str(form.get("columns-left", "0")) != "0":
        raise UsageError("A file with so many columns takes units in its names only. Use Column names.")
    columns: dict[str, list[str]] = {}
    for name, role in zip(names, roles, strict=True):
        if role:
            columns.setdefault(role, []).append(renamed.get(name, name))
    line = io.StringIO()
    csv.writer(line).writerow([renamed.get(name, name) for name in names])
    found = {role: ",".join(each) for role, each in columns.items()}
    return Described(found, line.getvalue().strip() if renamed else None, renamed)
