"""What one row of a table is: a reading, a cycle, a device, or a summary of either."""

from __future__ import annotations

from dataclasses import replace

from devicekit.core.errors import UsageError
from devicekit.system.options import ReadOptions

_ROWS = {"summary": ("summary", "cycle", "device"), "endurance": ("reading", "cycle")}  # by kind, else readings


def use_row_meaning(options: ReadOptions) -> ReadOptions:
    """Return the options with the kind that follows from what a row is."""
    if options.row_is != "summary" or options.kind == "summary":
        return options
    if options.kind is not None:
        raise UsageError(f"row_is=summary contradicts kind={options.kind}. Remove one of them.")
    return replace(options, kind="summary")


def unused_of_rows(kind: str, options: ReadOptions) -> set[str]:
    """Return the options about rows that do not apply to a kind of table."""
    unused = set() if kind == "endurance" else {"cycles_per_row"}
    return unused | ({"row_is"} if options.row_is not in (None, *_ROWS.get(kind, ("reading",))) else set())
