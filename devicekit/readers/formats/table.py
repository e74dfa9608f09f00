"""Tables that no instrument's format explains: named, long, wide, one column or two; text, workbook or data frame.

What each column is follows from its name, its unit and its cells, or is said; see `devicekit.readers.layouts`.
"""

from __future__ import annotations

from devicekit.options import ReadOptions
from devicekit.readers.layouts.apply import apply
from devicekit.readers.layouts.infer import infer_layout
from devicekit.readers.source import Source
from devicekit.tables import Table

NAME = "table"
TITLE = "any other table (columns by their names and units, or as options say)"
GENERAL = 1
# the layout says which options it uses, and refuses the others
_SAID_OF_CELLS = {"columns", "kind", "sheet", "skip", "header", "units_row", "blocks", "decimal", "recipe"}
_SAID_OF_NUMBERS = {"quantity", "unit", "read_voltage", "absolute", "pulses"}
_SAID_OF_NAMES = {"files_are", "sheets_are", "columns_are", "key"}
TAKES = frozenset(_SAID_OF_CELLS | _SAID_OF_NUMBERS | _SAID_OF_NAMES)


def matches(source: Source) -> bool:
    """Return whether it is something that may hold a table."""
    return not source.is_folder


def read(source: Source, options: ReadOptions) -> Table:
    """The table of a file in this format; see `devicekit.readers.Reader`."""
    return apply(infer_layout(source, options), source)
