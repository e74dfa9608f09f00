"""A library of devices: a folder of plain JSON records, searched through an index that can be thrown away."""

from devicekit.library.folder import Added, Library, default_folder
from devicekit.library.head import Head, Place
from devicekit.library.query import Entry, Found, Query, Range, Unreadable
from devicekit.library.record import Frame, Record, Result

__all__ = [
    "Added",
    "Entry",
    "Found",
    "Frame",
    "Head",
    "Library",
    "Place",
    "Query",
    "Range",
    "Record",
    "Result",
    "Unreadable",
    "default_folder",
]
