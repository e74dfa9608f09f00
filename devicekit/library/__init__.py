"""A library of devices: a folder of JSON records, searched through a disposable index."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from devicekit.library.folder import Added, Library, default_folder
from devicekit.library.head import Head, Place
from devicekit.library.query import Entry, Found, Query, Range, Unreadable

if TYPE_CHECKING:
    from devicekit.library.record import Frame, Record, Result

# Imported on first use: a search does not need cards, which load the compiled laws.
_CONTENT = dict.fromkeys(("Frame", "Record", "Result"), "devicekit.library.record")

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


def __getattr__(name: str) -> Any:
    if name not in _CONTENT:
        raise AttributeError(f"module 'devicekit.library' has no attribute {name!r}")
    return getattr(import_module(_CONTENT[name]), name)
