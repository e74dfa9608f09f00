"""Place of a device on wafer, die, row and column, from its name or the columns beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

PLACES = ("wafer", "die", "row", "column")
# names of columns that are a place, where row and column stand side by side
ROW_WORDS = frozenset({"row", "wl", "word line", "wordline"})
COLUMN_WORDS = frozenset({"column", "col", "bl", "bit line", "bitline"})
# R3C5, r3_c5, R03-C05: a row and a column, not in the middle of a word
_CELL = re.compile(r"(?<![A-Za-z0-9])R(\d{1,5})[_-]?C(\d{1,5})(?![A-Za-z0-9])", re.IGNORECASE)
_SPELLED = re.compile(r"(?<![A-Za-z])(wafer|die)[ _-]?([A-Za-z0-9]{1,8})(?![A-Za-z0-9])", re.IGNORECASE)


def cell(texts: Sequence[str]) -> dict[str, str | int]:
    """Row and column that names say, if they say one pair only.

    Parameters
    ----------
    texts : sequence of str
        Names of a file or of a device.
    """
    found = {(int(row), int(column)) for text in texts for row, column in _CELL.findall(text)}
    if len(found) != 1:
        return {}
    row, column = found.pop()
    return {"row": row, "column": column}


def place(name: str) -> dict[str, str | int]:
    """Row and column of a device by its name, and wafer and die where these words stand in it; empty without a cell."""
    found = cell([name])
    return {**found, **{word.lower(): value for word, value in _SPELLED.findall(name)}} if found else {}


def meaning(word: str) -> str | None:
    """Return which part of a place a column of that name is: wafer, die, row or column; None for another."""
    bare = " ".join(word.replace("_", " ").lower().split())
    if bare in ROW_WORDS:
        return "row"
    if bare in COLUMN_WORDS:
        return "column"
    return bare if bare in ("wafer", "die") else None
