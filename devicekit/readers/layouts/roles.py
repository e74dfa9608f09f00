"""Roles of the columns of a block: by devicekit's names, by options, by words and units of names, by cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from devicekit.core.errors import TableError, UsageError
from devicekit.core.quantities import DIRECTION_ALIASES, GLOSSARY
from devicekit.names import parse_unit
from devicekit.names.places import meaning
from devicekit.names.units import readings
from devicekit.readers.cells import parse_clock, parse_numbers
from devicekit.readers.header import Heading
from devicekit.readers.layout import KEPT, Column, Tag, list_mapped, matches_pattern
from devicekit.readers.layouts import pooling
from devicekit.readers.layouts.densities import use_area
from devicekit.readers.layouts.grid import Block
from devicekit.readers.layouts.keys import translate, translate_cell
from devicekit.readers.lexicon import means, normalise_name
from devicekit.readers.state import STATE_COLUMNS
from devicekit.system.options import ROLES, STATES_OF, ReadOptions

_PREFIX = re.compile(r"[ _./(\[]([kMGmuµμnpf])[)\]]?$")
TEXT = {"device_id", "direction", "level", "baseline"}
MOST_KEPT = 100_000  # rows of a table whose numbers are kept for other answers
DEVICEKIT_NAMES = frozenset(ROLES) - set(STATES_OF)
UNKNOWN = "unknown"  # numbers of an unknown quantity: states, if an option gives the quantity
SIDES: dict[str, dict[str, Tag]] = {  # states of one level or direction, as `map` names them
    **{level: {"level": level} for level in ("hrs", "lrs")},
    **{way: {"direction": way} for way in ("ltp", "ltd")},
}
LEVEL_WORDS = {"lrs", "on", "set", "hrs", "off", "reset", "low", "high", "lrs state", "hrs state", "r_on", "r_off"}
LEVEL_IN_NAME = re.compile(r"(?i)(?<![a-z])(hrs|lrs)(?![a-z])")  # of a file, a sheet or a table
READ = re.compile(r"(?i)(?<=[^\W\d])[ _-]+read(?:ing)?$")  # behind a word for a level or a direction: SET_READ
_LEVEL = re.compile(r"(?i)(?:^|[\s_])[rgi]?[\s_]?(lrs|hrs|low|high|on|off)(?=$|[\s_\d])")


@dataclass(frozen=True, eq=False)
class Cells:
    """Columns of a block as numbers or text, each computed once."""

    block: Block

    @cached_property
    def _cache(self) -> dict[str, pd.Series | None]:
        return {}

    def numbers(self, name: str) -> pd.Series | None:
        """Return a column as floats, NaN for a word; None if most of its cells are words."""
        if name not in self._cache:
            try:
                self._cache[name] = self.read(name)
            except TableError as error:
                cells = self.block.cells[name]
                rest = cells.drop(index=[row.row for row in error.rows], errors="ignore")
                wordy = 2 * len(error.rows) > int((cells != "").sum())
                self._cache[name] = None if wordy else self._read_partly(rest)
        return self._cache[name]

    def varies(self, name: str) -> bool:
        """Return whether a column has more than one number."""
        if name not in self._varying:
            found = self.numbers(name)
            values = np.array([]) if found is None else found.to_numpy(float)
            values = values[~np.isnan(values)]
            self._varying[name] = bool(values.size) and bool((values != values[0]).any())
        return self._varying[name]

    @cached_property
    def _varying(self) -> dict[str, bool]:
        return {}

    def _read_partly(self, rest: pd.Series) -> pd.Series:
        shape = self.block.shape
        return parse_numbers(rest, self.block.where, shape.decimal, shape.thousands).reindex(self.block.cells.index)

    def read(self, name: str) -> pd.Series:
        """Return a column as floats.

        Raises
        ------
        TableError
            If a cell holds a word; every such row is reported.
        """
        if name not in self._read:
            shape = self.block.shape
            cells = self.block.cells[name]
            self._read[name] = parse_numbers(cells, self.block.where, shape.decimal, shape.thousands)
        return self._read[name]

    @cached_property
    def _read(self) -> dict[str, pd.Series]:
        return self.block.parsed if len(self.block.cells) <= MOST_KEPT else {}

    def words(self, name: str) -> set[str]:
        """Return the distinct words of a column in lower case; an empty set for numbers."""
        cells = self.block.cells[name]
        if cells.dtype.kind in "iufb":
            return set()
        distinct = set(cells.to_numpy()) if cells.dtype == object else cells.unique()
        found = {READ.sub("", str(cell).strip()).lower() for cell in distinct}
        return found - {"", "nan"}


def assign_roles(cells: Cells, options: ReadOptions, recipe_columns: Sequence[Column] = ()) -> list[Column]:
    """Return each column of a block with its role.

    Raises
    ------
    UsageError
        If `map` names a column that the file does not have, or an unknown devicekit column.
    """
    block = cells.block
    mapped = _mapped_columns(block, options)
    found: list[Column] = []
    taken: set[str] = set()
    # a column with a devicekit name has that role, so that no other column can have it
    reserved = {name.strip().lower() for name in block.names} & (DEVICEKIT_NAMES - set(STATE_COLUMNS)) - set(
        mapped.values()
    )
    for k, (name, written) in enumerate(zip(block.names, block.headings, strict=True)):
        head = use_area(written, options, block.where)
        note = block.notes[k] if k < len(block.notes) else ""
        title = translate(f"{head.name} {note}", options.words)
        column = _apply_recipe(name, title, recipe_columns) or _apply_map(name, head, mapped)
        if column is None:
            column = _match_devicekit_name(name, head, taken | set(mapped.values())) or _infer_from_cells(
                name, head, cells, options.words
            )
            column = column or _infer_from_name(name, head, cells, title)
        elif column.by == "map" and options.words and column.role in (*STATE_COLUMNS, "value", "current_a"):
            column = replace(column, tags=_parse_tags(title))
        if column.role in reserved and not column.is_explicit:
            column = replace(column, role=KEPT, why=f"another column is named {column.role}")
        if column.role in GLOSSARY and column.role not in STATE_COLUMNS:
            taken.add(column.role)
        found.append(column)
    return _keep_places(found)


def _keep_places(columns: list[Column]) -> list[Column]:
    """Keep a row and a column (and wafer and die) side by side as a place: they do not count."""
    free = [
        column for column in columns if not column.is_explicit and column.role in ("counter", "point", UNKNOWN, KEPT)
    ]
    parts = {column.name: part for column in free if (part := meaning(column.name)) is not None}
    if not {"row", "column"} <= set(parts.values()):
        return columns
    return [replace(c, role=KEPT, why=f"the {parts[c.name]} of a place") if c.name in parts else c for c in columns]


def _mapped_columns(block: Block, options: ReadOptions) -> dict[str, str]:
    """Return devicekit's column name for each column of the file that `map` names."""
    others = ("value", *SIDES, KEPT)
    unknown = [name for name in options.columns if name not in GLOSSARY and name not in others]
    if unknown:
        choices = ", ".join((*others, *GLOSSARY))
        raise UsageError(f"map={{{unknown[0]}: ...}}: unknown column; choose {choices}")
    mapped = list_mapped(options.columns, block.names)
    missing = [name for _, name in mapped if name not in block.names]
    if missing:
        raise UsageError(f"map: {block.where} has no column {missing[0]!r}; it has {', '.join(block.names)}")
    return {file_name: name for name, file_name in mapped}


def _apply_recipe(name: str, words: str, recipe_columns: Sequence[Column]) -> Column | None:
    """Return a column as the recipe describes it, by its name or by a pattern with *."""
    plain = re.sub(r"\.\d+$", "", name)  # a repeated name
    for column in recipe_columns:
        if column.name in (name, plain) or matches_pattern(name, column.name):
            tags = {
                **(_parse_tags(words) if column.role in (*STATE_COLUMNS, "value", "current_a") else {}),
                **column.tags,
            }
            return replace(column, name=name, why="set by the recipe", tags=tags, by="recipe")
    return None


def _apply_map(name: str, head: Heading, mapped: Mapping[str, str]) -> Column | None:
    if name not in mapped:
        return None
    role = mapped[name]
    if role in SIDES:
        column = _apply_map(name, head, {name: "value"})
        return None if column is None else replace(column, tags=SIDES[role])
    level = {k: tag for k, tag in _parse_tags(head.name).items() if k == "level" and role in (*STATE_COLUMNS, "value")}
    factor, unit = 1.0, None
    # naming the quantity of a state does not make an unclear unit SI
    unclear = head.unclear if role in (*STATE_COLUMNS, "value", "current_a") and head.unit is None else ""
    wanted = parse_unit(GLOSSARY[role].unit) if role in GLOSSARY and GLOSSARY[role].unit else None
    if head.unit is None and wanted is not None and head.word:
        # `t_min` is clear once it is known to be a time, if only one unit of time is written so
        meant = {unit for _, unit in readings(head.word) if unit.quantity == wanted.quantity}
        meant |= {unit for unit in [parse_unit(head.word)] if unit is not None and unit.quantity == wanted.quantity}
        if len(meant) == 1:
            return Column(name, role, head.word, meant.pop().factor, head.log10, "set by map", by="map", stated=True)
    if head.unit is None and role in (*STATE_COLUMNS, "current_a") and not unclear and (prefix := _PREFIX.search(name)):
        unclear = f"{prefix[1]!r} may be a unit prefix"
    if role == "value" and head.unit is not None and head.unit.quantity not in STATE_COLUMNS.values():
        return Column(name, role, why="set by map", by="map", unclear=f"{head.word} is a unit of {head.unit.quantity}")
    if role == "value" and head.unit is not None:  # the unit gives the quantity
        role = next((state for state, quantity in STATE_COLUMNS.items() if quantity == head.unit.quantity), role)
    if role == "temperature_c":  # the answer where the name states kelvin but the numbers are not
        return Column(name, role, "°C", why="set by map", by="map", stated=True)
    if head.unit is not None and role not in TEXT:
        if wanted is not None and wanted.quantity != head.unit.quantity:
            raise UsageError(
                f"map={{{role}: {name}}}: the column has a unit of {head.unit.quantity}, not of {wanted.quantity}"
            )
        factor, unit = head.unit.factor, head.word
    return Column(name, role, unit, factor, head.log10, "set by map", level, "map", unit is not None, unclear)


def _match_devicekit_name(name: str, head: Heading, taken: set[str]) -> Column | None:
    standard = name.strip().lower()
    if standard == "value" and head.unit is not None:
        return None  # the unit gives the quantity
    if standard in DEVICEKIT_NAMES and standard not in taken:
        return Column(name, standard, why="a devicekit name", by="glossary", unclear=head.unclear)
    return None


def _infer_from_cells(name: str, head: Heading, cells: Cells, given: Mapping[str, str]) -> Column | None:
    """Return the role of a column of clock times, or of words for directions or levels; else None."""
    bare = normalise_name(head.name)
    if means("clock", bare) and _is_clock(cells.block.cells[name]):
        why = "clock times, counted from the first"
        return Column(name, "time_s", "s", why=why, stated=True)
    words = {translate_cell(word, given) for word in cells.words(name)}
    if not words or len(words) > 12 or not (words <= LEVEL_WORDS or words <= set(DIRECTION_ALIASES)):
        return None
    numeric = cells.numbers(name) is not None
    if words <= LEVEL_WORDS and (
        means("level", bare) or (not numeric and words <= {"lrs", "hrs", "on", "off", "r_on", "r_off"})
    ):
        return Column(name, "level", why=f"its words are {', '.join(sorted(words))}")
    named = means("direction", bare)
    if words <= set(DIRECTION_ALIASES) and (named or not numeric):
        return Column(name, "direction", why=f"its words are {', '.join(sorted(words))}")
    return None


def _infer_from_name(name: str, head: Heading, cells: Cells, title: str) -> Column:
    """Return the role of a column by the words and the unit of its name; `title` is with the comment below it."""
    bare = normalise_name(head.name)
    text = cells.numbers(name) is None
    if cells.block.named and not head.name and not text and _is_numbering(cells.numbers(name)):
        return Column(name, KEPT, why="no name, and it numbers the rows")
    if not name.strip() or not cells.block.named:
        return Column(name, KEPT if text else UNKNOWN, why="no name")
    for standard in ("device_id", "cycle", "pulse_index", "point", "level", "repeat"):
        plain = strip_directions(bare) if standard == "pulse_index" else bare  # LTP pulse number
        matches = means(standard, plain) and (standard in TEXT or not text)
        if head.unit is None and not head.unclear and matches:
            if standard == "level" and not text and not _has_few_values(cells, name):
                continue
            return Column(name, standard, why="by its name")
    if text and not (head.unit or head.unclear):
        return Column(name, KEPT, why="words")
    if means("error", bare):
        return Column(name, KEPT, why="named as an error or a spread")
    if (role := _role_of_quantity(bare, head)) is not None:
        stated = head.unit is not None
        factor = head.unit.factor if head.unit else 1.0
        why = f"{head.quantity or 'its name'}{f' in {head.word}' if head.word else ''}"
        return Column(
            name,
            role,
            head.word if stated else None,
            factor,
            head.log10,
            why,
            _parse_tags(title),
            stated=stated,
            unclear=head.unclear,
            magnitude=head.magnitude,
        )
    if head.unit is None and means("counter", bare):
        return Column(name, "counter", why="by its name")
    tags = _parse_tags(title)
    if "level" in tags or "direction" in tags:
        return Column(name, "value", why="named for a level or direction, without a unit", tags=tags)
    if head.unclear:
        return Column(name, UNKNOWN, why=head.unclear, unclear=head.unclear)
    if head.unit is not None:
        return Column(name, KEPT, why=f"in a unit of {head.unit.quantity}")
    return Column(name, UNKNOWN, why="numbers without a unit")


def _is_clock(cells: pd.Series) -> bool:
    """Return whether every cell is a clock time: 11:19:46.603."""
    return cells.dtype.kind not in "iuf" and bool(parse_clock(cells).notna().all())


def _is_numbering(values: pd.Series | None) -> bool:
    return values is not None and is_counter(values.dropna())


def switching_role(name: str) -> str | None:
    """Return the role of a voltage that was extracted before, by its name: V_set, V_reset, V_form; else None."""
    bare = normalise_name(name)
    for role, pattern in (("v_form_v", r"form"), ("v_reset_v", r"reset"), ("v_set_v", r"(^|[ v])set( |$)")):
        if re.search(pattern, bare):
            return role
    return None


def is_switching(name: str) -> bool:
    """Return whether a name means a switching voltage: Vset, V_reset, set voltage."""
    return means("switching", normalise_name(name))


def strip_directions(bare: str) -> str:
    """Return the words of a name without those for a direction."""
    return " ".join(word for word in bare.split() if len(word) < 2 or word not in DIRECTION_ALIASES) or bare


def _has_few_values(cells: Cells, name: str) -> bool:
    """Return whether a column holds a few whole numbers only, as names of levels do."""
    values = cells.numbers(name)
    known = None if values is None else values.dropna()
    return known is not None and known.nunique() <= 12 and bool((known % 1 == 0).all())


def _role_of_quantity(bare: str, head: Heading) -> str | None:
    """Return devicekit's column name for a column by its quantity."""
    quantity = head.quantity
    if means("change", bare) and quantity in ("conductance", "resistance", "weight", "fraction", None):
        return (
            "weight_change" if head.unit is None or head.unit.quantity in ("fraction", "weight") else "change_in_units"
        )
    if quantity == "fraction" or re.search(r"\bfraction", bare):  # fractional seconds: a part of a time
        return None
    if quantity == "time":
        return "spike_delay_s" if means("delay", bare) else "pulse_width_s" if means("width", bare) else "time_s"
    if quantity == "voltage":
        return "read_voltage_v" if means("read", bare) else "pulse_voltage_v" if means("pulse", bare) else "voltage_v"
    if quantity == "celsius" and head.unit is not None:
        return "temperature_c"  # converted to kelvin, and reported
    if quantity == "current":
        return "compliance_a" if means("limit", bare) else "current_a"
    if quantity == "resistance" and means("before", bare):
        return "resistance_before_ohm"
    if quantity == "resistance" and means("after", bare):
        return "resistance_after_ohm"
    if quantity is None and head.unit is None and not head.unclear and re.search(r"\bweight\b", bare):
        return "weight"
    return {"conductance": "conductance_s", "resistance": "resistance_ohm", "weight": "weight"}.get(quantity or "")


def _parse_tags(name: str) -> dict[str, Tag]:
    """Parse level and direction in a name."""
    tags: dict[str, Tag] = {}
    if found := _LEVEL.search(name):
        tags["level"] = found[1]
    words = {token.text.lower() for token in pooling.split_tokens(name) if token.number is None}
    directions = {DIRECTION_ALIASES[word] for word in words & set(DIRECTION_ALIASES) if len(word) > 1}
    if len(directions) == 1 and "level" not in tags:
        tags["direction"] = directions.pop()
    return tags


def is_counter(values: pd.Series) -> bool:
    """Return whether a column counts: whole numbers from 0 or 1 in steps of one size, which may start again."""
    x = values.to_numpy(float)
    if x.size < 2 or not np.isfinite(x).all() or not (x == np.round(x)).all() or x[0] not in (0, 1):
        return False
    steps = np.diff(x)
    forward, restarts = steps[steps >= 0], x[1:][steps < 0]
    even = forward.size > 0 and (forward == np.median(forward)).mean() > 0.9 and np.median(forward) > 0
    return bool(even and (restarts <= x[0] + 1).all())


def is_row_number(values: pd.Series) -> bool:
    """Return whether a column numbers rows in any order: it holds every whole number from 0 or 1 to its largest."""
    x = values.to_numpy(float)
    if x.size < 3 or not np.isfinite(x).all() or not (x == np.round(x)).all() or x.min() not in (0, 1):
        return False
    found = np.unique(x)
    return bool(found.size > 2 and found.size == x.max() - x.min() + 1)
