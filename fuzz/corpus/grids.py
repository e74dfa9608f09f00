"""Grids of cells from columns: headers in many styles, blocks beside and below each other, lines above the names."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

BRACKETS = {"round": "({})", "square": "[{}]", "curly": "{{{}}}", "slash": "/{}", "wide slash": " / {}"}
STYLES = (
    *("round",) * 6,
    *("square",) * 3,
    *("slash", "wide slash", "comma", "space", "in", "underscore", "curly"),
    *("units row",) * 2,
    "origin",
    "origin labels",
)


class Num(str):
    """A printed number, with a decimal point."""


@dataclass
class Column:
    """A column of a table: `word` and `unit` make its name, `qualifier` distinguishes columns of one quantity.

    `role` is devicekit's name, if any; `before` puts the qualifier before the word.
    """

    word: str
    cells: list[str]
    unit: str = ""
    qualifier: str = ""
    role: str = ""
    before: bool = True
    tight: bool = False  # no blank between name and bracket
    beside: bool = False  # a duplicate or a constant

    @property
    def bare(self) -> str:
        """Name without the unit."""
        if not self.qualifier:
            return self.word
        if not self.word:
            return self.qualifier
        if self.qualifier.startswith("\0"):  # glued to the word: G1
            return self.word + self.qualifier[1:]
        return ("_" if self.tight else " ").join(
            (self.qualifier, self.word) if self.before else (self.word, self.qualifier)
        )

    def name(self, style: str) -> str:
        """Return the name with the unit, unless the style puts units into a row."""
        bare, unit = self.bare, self.unit
        if not unit or style.startswith(("units row", "origin")):
            return bare
        if style in BRACKETS:
            gap = "" if "slash" in style or self.tight else " "
            return bare + gap + BRACKETS[style].format(unit)
        return {"comma": f"{bare}, {unit}", "space": f"{bare} {unit}", "in": f"{bare} in {unit}"}.get(
            style, f"{bare}_{unit}"
        )


@dataclass
class Sheet:
    """Content of one file or sheet: `lines` of text above the `rows`."""

    rows: list[list[str]]
    lines: list[list[str]] = field(default_factory=list)
    name: str = ""


def build_header(columns: list[Column], style: str, comments: str = "") -> list[list[str]]:
    """Build the rows of names (and units) of a table."""
    names = [column.name(style) for column in columns]
    if style == "none":
        return []
    units = [column.unit for column in columns]
    if style == "units row":
        return [names, units]
    if style == "units row in brackets":
        return [names, [f"[{unit}]" if unit else "" for unit in units]]
    if style.startswith("origin"):
        notes = [column.qualifier.lstrip("\0 ") for column in columns]
        plain = [column.word or each for column, each in zip(columns, notes, strict=True)]
        return [plain, units, notes if any(notes) else [comments] * len(columns)]
    return [names]


def build_table(columns: list[Column], style: str, comments: str = "") -> list[list[str]]:
    """Build the rows of a table; short columns end in empty cells."""
    rows = build_header(columns, style, comments)
    longest = max(len(column.cells) for column in columns)
    rows += [[column.cells[k] if k < len(column.cells) else "" for column in columns] for k in range(longest)]
    if style == "origin labels":
        words = ["Long Name", "Units", "Comments"]
        rows = [[words[k] if k < 3 else Num(k - 2), *row] for k, row in enumerate(rows)]
    return rows


def place_beside(tables: list[list[list[str]]], titles: list[str], gap: int) -> list[list[str]]:
    """Place tables side by side with `gap` empty columns between, each under its title if there is one."""
    longest = max(map(len, tables))
    rows: list[list[str]] = [[] for _ in range(longest)]
    top: list[str] = []
    for number, (each, title) in enumerate(zip(tables, titles, strict=True)):
        width = max(map(len, each))
        space = [""] * gap if number else []
        for k, row in enumerate(rows):
            here = each[k] if k < len(each) else []
            row += space + here + [""] * (width - len(here))
        top += [*space, title, *[""] * (width - 1)]
    return [top, *rows] if any(titles) else rows


def place_below(tables: list[list[list[str]]], titles: list[str]) -> list[list[str]]:
    """Place tables below each other with an empty row between, each under its title if there is one."""
    rows: list[list[str]] = []
    for number, (each, title) in enumerate(zip(tables, titles, strict=True)):
        rows += [[]] if number else []
        rows += [[title]] if title else []
        rows += each
    return rows


def format_numbers(values: list[float], style: str) -> list[str]:
    """Format numbers: `style` is e7, E6, g8 (significant figures or decimals of the mantissa) or f (fixed)."""
    kind, digits = style[0], style[1:]
    if kind in "eEg":
        return [Num(f"{value:.{digits}{kind}}") for value in values]
    decimals = int(digits)
    return [Num(f"{value:.{decimals}f}") for value in values]


def choose_fixed_format(values: list[float], figures: int = 6) -> str:
    """Return the fixed style that leaves enough figures for the smallest value."""
    smallest = min((abs(value) for value in values if value), default=1.0)
    place = 0
    while smallest >= 10:
        smallest, place = smallest / 10, place + 1
    while smallest < 1 and place > -12:
        smallest, place = smallest * 10, place - 1
    return f"f{max(0, figures - 1 - place)}"


def shuffle_rows(rng: random.Random, columns: list[Column]) -> list[Column]:
    """Return the columns with their rows in another order."""
    order = list(range(len(columns[0].cells)))
    rng.shuffle(order)
    return [replace(column, cells=[column.cells[k] for k in order]) for column in columns]
