"""Tables without an instrument's format: named, long, wide, one column or two; text, workbook or data frame.

The role of a column follows from its name, unit and cells, or from options; see `devicekit.readers.layouts`.
"""

from __future__ import annotations

from devicekit.readers.layouts.apply import apply
from devicekit.readers.layouts.infer import infer_layout
from devicekit.readers.source import Source
from devicekit.system.options import OPTIONS, ReadOptions
from devicekit.tables import Table

NAME = "table"
TITLE = "any other table (columns by their names and units, or by options)"
GENERAL = 1
TAKES = frozenset(name for name, each in OPTIONS.items() if each.tables)  # the layout refuses what does not apply


def matches(source: Source) -> bool:
    """Return whether a source may hold a table."""
    return not source.is_folder


def read(source: Source, options: ReadOptions) -> Table:
    """Read a file in this format; see `devicekit.readers.Reader`."""
    return apply(infer_layout(source, options), source)
