"""The mark by which a file or a folder of ours is known, where it must not be mixed up with that of somebody else.

JSON has a field `tool`, or the versions and checksum that a card keeps; pages and figures say what made them where
their format has a place for that; HDF5 begins with a line of its own. A CSV has no such place. A folder has a marker.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypedDict

from devicekit._version import __version__
from devicekit.core.errors import FileError
from devicekit.system.files import parse_json, read_json

TOOL = "devicekit"
MARKER = ".devicekit.json"  # of a folder
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


class Marker(TypedDict, total=False):
    """Notes of devicekit in a folder; tool, command and those of the command stand in one that it made only.

    `settings` are those of the command by option. `files` are the names of what it wrote there, with the checksums
    `sha256`; `leaves` are patterns of names of what using these files leaves there; `of` is what they are of; `file`
    and `study` are those of a study.
    """

    tool: str
    command: str
    of: str
    file: str
    study: str
    settings: dict[str, str]
    files: list[str]
    leaves: list[str]
    sha256: dict[str, str]


def read_marker(folder: Path) -> Marker:
    """Read the notes of devicekit in a folder; `files`, `leaves` and `sha256` are empty in any other folder."""
    try:
        found = read_json(folder / MARKER)
    except FileError:
        found = {}
    if not isinstance(found, dict) or found.get("tool") != TOOL:
        found = {}
    for key in ("files", "leaves"):
        names = found.get(key)
        found[key] = [each for each in names if isinstance(each, str)] if isinstance(names, list) else []
    sums = found.get("sha256")
    marker: Marker = {**found, "sha256": sums if isinstance(sums, dict) else {}}  # type: ignore[typeddict-item]
    return marker


def bears(data: bytes, name: str) -> bool:
    """Tell whether the whole content of a file, of that name in messages, bears our mark.

    Raises FileError or UnicodeDecodeError if it begins like JSON and is not.
    """
    if data.startswith(HDF5_MARK):
        return True
    if data.startswith(b"{"):
        return is_own_json(parse_json(data.decode("utf-8"), name))
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
