"""The mark by which a file of ours is known, where it must not be mixed up with one that somebody else made.

JSON has a field `tool`, or the versions and checksum that a card keeps; pages and figures say what made them where
their format has a place for that; HDF5 begins with a line of its own. A CSV has no such place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devicekit._version import __version__

TOOL = "devicekit"
HDF5_MARK = b"devicekit 1: tables, cards and networks; HDF5 begins at byte 512\n"  # of an .h5 of ours
_PNG, _IEND = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_SOFTWARE = b"tEXtSoftware\0devicekit "
_PAGE = re.compile(
    rb'<!DOCTYPE html>\s*<html [^>]*>\s*<head>\s*(?:<meta (?!name="generator")[^>]*>\s*)*'
    rb'<meta name="generator" content="devicekit [^"]*">'
)
_SVG = re.compile(rb"<dc:creator>\s*<cc:Agent>\s*<dc:title>devicekit [^<]*</dc:title>\s*</cc:Agent>")
_PDF = re.compile(rb"<<\s*/Creator \(devicekit [^)]*\)\s*/Producer \(Matplotlib ")


def figure_metadata(kind: str) -> dict[str, str]:
    """Give what matplotlib is to note in a figure of ours: png, svg or pdf."""
    return {"Software" if kind == "png" else "Creator": f"{TOOL} {__version__}"}


def is_hdf5(path: Path) -> bool:
    """Tell whether a file is HDF5 of ours."""
    with path.open("rb") as stream:
        return stream.read(len(HDF5_MARK)) == HDF5_MARK


def bears(data: bytes, parse: Callable[[str], Any]) -> bool:
    """Tell whether the whole content of a file bears our mark.

    Parameters
    ----------
    data : bytes
    parse : callable
        str -> the value of JSON.
    """
    if data.startswith(HDF5_MARK):
        return True
    if data.startswith(b"{"):
        return is_own_json(parse(data.decode("utf-8")))
    end = data[-64:].rstrip()
    if data.startswith(_PNG):
        return data[33:200].find(_SOFTWARE) == 4 and end.endswith(_IEND)  # the chunk behind the header's
    if data.startswith(b"%PDF-"):
        return _PDF.search(data) is not None and end.endswith(b"%%EOF")
    if data.startswith(b"<?xml "):
        head, _, _ = data[:4096].partition(b"</metadata>")
        return _SVG.search(head) is not None and end.endswith(b"</svg>")
    return _PAGE.match(data) is not None and end.endswith(b"</html>")


def is_own_json(value: Any) -> bool:
    """Tell whether it names the tool; or is a card, with the versions that made it and a checksum of its data."""
    if not isinstance(value, dict):
        return False
    if "tool" in value:
        return value["tool"] == TOOL
    origin = value.get("provenance")
    if not isinstance(origin, dict):
        return False
    versions = origin.get("versions")
    return (
        isinstance(versions, dict)
        and isinstance(versions.get(TOOL), str)
        and {"source", "sha256", "settings"} <= origin.keys()
        and {"schema_version", "window", "ltp", "ltd", "variation", "conditions"} <= value.keys()
    )
