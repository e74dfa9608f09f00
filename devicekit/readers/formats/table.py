"""Tables without an instrument's format: named, long, wide, one column or two; text, workbook or data frame.

The role of a column follows from its name, unit and cells, or from options; see `devicekit.readers.layouts`.
"""

from __future__ import annotations

from devicekit.readers.layouts.apply import apply
from devicekit.readers.layouts.infer import infer_layout
from devicekit.readers.source import Source
from devicekit.system.options import ReadOptions
from devicekit.tables import Table

NAME = "table"
TITLE = "any other table (columns by their names and units, or by options)"
GENERAL = 1
# the layout knows which options it uses and refuses the others
_OPTIONS_OF_CELLS = {"columns", "kind", "sheet", "skip", "header", "units_row", "blocks", "decimal", "recipe"}
_OPTIONS_OF_NUMBERS = {"quantity", "unit", "read_voltage", "absolute", "pulses"}
_OPTIONS_OF_NAMES = {"files_are", "sheets_are", "columns_are", "key"}
TAKES = frozenset(_OPTIONS_OF_CELLS | _OPTIONS_OF_NUMBERS | _OPTIONS_OF_NAMES)


def matches(source: Source) -> bool:
    """Return whether a source may hold a table."""
    return not source.is_folder


def read(source: Source, options: ReadOptions) -> Table:
    """Read a file in this format; see `devicekit.readers.Reader`."""
    return apply(infer_layout(source, options), source)
