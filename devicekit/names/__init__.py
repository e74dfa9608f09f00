"""Words of files: units, marks, places of cells."""

from __future__ import annotations

from devicekit.names.marks import MARK_COLUMN, MARKS, mark_cell, mark_sentence, mark_words, marks_in, marks_of_cells
from devicekit.names.units import Unit, parse_unit

__all__ = [
    "MARKS",
    "MARK_COLUMN",
    "Unit",
    "mark_cell",
    "mark_sentence",
    "mark_words",
    "marks_in",
    "marks_of_cells",
    "parse_unit",
]
