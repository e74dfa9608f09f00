"""A table in an HDF5 file of devicekit's own (`devicekit.readers.hdf5`)."""

from __future__ import annotations

from dataclasses import replace

from devicekit.errors import FileError
from devicekit.options import ReadOptions
from devicekit.readers import hdf5
from devicekit.readers.source import Source
from devicekit.tables import Table

NAME = "hdf5"
TITLE = "HDF5 file of devicekit's own"
TAKES = frozenset({"kind"})
STATES_UNITS = True
GENERAL = -1  # asked first: others would look for tables in it


def matches(source: Source) -> bool:
    """Return whether the file was written by `devicekit.readers.hdf5`."""
    return not source.is_folder and not source.in_memory and hdf5.is_ours(source.path)


def read(source: Source, options: ReadOptions) -> Table:
    """The table of a file in this format; see `devicekit.readers.Reader`. Of several the one of `options.kind`."""
    name = source.path.name
    tables = hdf5.load(source.path).tables
    found = [table for table in tables if options.kind in (None, table.kind)]
    kinds = ", ".join(table.kind for table in tables)
    if not tables:
        raise FileError(f"{name} holds no table, but a card or a network: devicekit.load_hdf5 in Python reads these")
    if not found:
        raise FileError(f"{name} holds no table of kind {options.kind}; it holds {kinds}")
    if len(found) > 1:
        raise FileError(f"{name} holds {len(found)} tables ({kinds}): choose one by kind=, or use devicekit.load_hdf5")
    return replace(found[0], meta={"source": name, "format": NAME, **found[0].meta})
