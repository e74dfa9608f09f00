"""Words: the glossary of columns and terms, words for directions, and unit words; no unit strings elsewhere."""

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
from devicekit.names.units import Unit, parse_unit

__all__ = [
    "DIRECTIONS",
    "DIRECTION_ALIASES",
    "GLOSSARY",
    "LAST_EPOCHS",
    "TERMS",
    "Quantity",
    "Unit",
    "label",
    "parse_unit",
]
