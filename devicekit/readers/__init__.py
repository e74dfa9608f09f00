"""Readers: one file a format behind one registry, detected by content, never by extension alone."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from devicekit.errors import FileError, UsageError
from devicekit.options import QUANTITIES, ReadOptions
from devicekit.readers import crosssim, long, neurosim, updown
from devicekit.readers.source import Source
from devicekit.tables import PulseTable, SweepTable


class Reader(Protocol):
    """A reader module: its name, a title for people, a test of the content, and the reading itself."""

    NAME: str
    TITLE: str

    def matches(self, source: Source) -> bool: ...

    def read(self, source: Source, options: ReadOptions) -> PulseTable | SweepTable: ...


# In order of detection: the most specific content first.
READERS: dict[str, Reader] = {module.NAME: module for module in (crosssim, neurosim, long, updown)}  # type: ignore[misc]


def _choose(source: Source, options: ReadOptions) -> Reader:
    if options.format is not None:
        if options.format not in READERS:
            raise UsageError(f"--format {options.format!r} is not known; there are {', '.join(READERS)}")
        return READERS[options.format]
    if options.columns and not source.is_folder:
        return READERS["long"]
    for reader in READERS.values():
        if reader.matches(source):
            return reader
    formats = "; ".join(f"{reader.NAME}: {reader.TITLE}" for reader in READERS.values())
    if source.is_folder:
        raise FileError(
            f"{source.path} is a folder without the expected files (set.csv and reset.csv for CrossSim ramps)"
        )
    columns = ", ".join(source.delimited.columns[:12])
    raise FileError(
        f"{source.path.name} is in no format that devicekit knows ({formats}). Its columns are {columns}; say "
        "what they are with --map NAME=COLUMN"
    )


def read(path: Path | str, options: ReadOptions | None = None, **kwargs: object) -> PulseTable | SweepTable:
    """Read a file or folder of measurements into a validated table.

    Parameters
    ----------
    path : path-like
        File or folder.
    options : ReadOptions, optional
        What the file does not say itself; alternatively pass the fields of `ReadOptions` as keywords.

    Returns
    -------
    PulseTable or SweepTable
        With metadata (format, source) and flags for all that was assumed, split or dropped.

    Raises
    ------
    FileError, TableError, UsageError
        If the file is missing or unreadable, its content is wrong, or something must be said by an option.
    """
    options = options or ReadOptions(**kwargs)  # type: ignore[arg-type]
    source = Source(path)
    table = _choose(source, options).read(source, options)
    if isinstance(table, PulseTable):
        table = table.select(options.device, options.cycle, options.width)
    return table


__all__ = ["QUANTITIES", "READERS", "ReadOptions", "read"]
