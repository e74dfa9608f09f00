"""Words: the glossary of columns and terms, words for directions, unit words, marks; no unit strings elsewhere."""

from __future__ import annotations

from devicekit.names.glossary import (
    DIRECTION_ALIASES,
    DIRECTIONS,
    GLOSSARY,
    LAST_EPOCHS,
    TERMS,
    Quantity,
    label,
)
from devicekit.names.marks import MARK_COLUMN, MARKS, mark_cell, mark_sentence, marks_in, marks_of_cells
from devicekit.names.units import Unit, parse_unit

__all__ = [
    "DIRECTIONS",
    "DIRECTION_ALIASES",
    "GLOSSARY",
    "LAST_EPOCHS",
    "MARKS",
    "MARK_COLUMN",
    "TERMS",
    "Quantity",
    "Unit",
    "label",
    "mark_cell",
    "mark_sentence",
    "marks_in",
    "marks_of_cells",
    "parse_unit",
]
