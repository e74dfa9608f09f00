"""A table in an HDF5 file that devicekit wrote (`devicekit.readers.hdf5`)."""

from __future__ import annotations

from dataclasses import replace

from devicekit.core.errors import FileError
from devicekit.readers import hdf5
from devicekit.readers.source import Source
from devicekit.system.options import ReadOptions
from devicekit.tables import Table

NAME = "hdf5"
TITLE = "HDF5 file of devicekit"
TAKES = frozenset({"kind"})
STATES_UNITS = True
GENERAL = -1  # tried first, because other readers would look for tables in it


def matches(source: Source) -> bool:
    """Return whether the file was written by `devicekit.readers.hdf5`."""
    return not source.is_folder and not source.in_memory and hdf5.is_ours(source.path)


def read(source: Source, options: ReadOptions) -> Table:
    """Read a table in this format, the one of `options.kind` if there are several; see `devicekit.readers.Reader`."""
    name = source.path.name
    tables = hdf5.load(source.path).tables
    found = [table for table in tables if options.kind in (None, table.kind)]
    kinds = ", ".join(table.kind for table in tables)
    if not tables:
        raise FileError(f"{name} holds a card or a network, not a table. Read it in Python with devicekit.load_hdf5.")
    if not found:
        raise FileError(f"{name} holds no table of kind {options.kind}; it holds {kinds}")
    if len(found) > 1:
        raise FileError(
            f"{name} holds {len(found)} tables ({kinds}). Choose one with kind=, or use devicekit.load_hdf5."
        )
    return replace(found[0], meta={"source": name, "format": NAME, **found[0].meta})
