"""Line-by-line edits of program text by patterns, and the changes as a unified diff; no file is changed here.

Text is latin-1, so that every byte of a file and every line ending is preserved.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devicekit.core.errors import FileError, UsageError
from devicekit.system.files import kind
from devicekit.system.writing import note_input

LARGEST = 8 << 20  # bytes of a source file
_COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@dataclass(frozen=True)
class Edit:
    """A replacement of one line.

    Attributes
    ----------
    description : str
        Name of the line for messages.
    pattern : str
        Regular expression of the whole line without its line ending.
    replacement : str or None
        Template of `re.Match.expand`; line feeds separate several lines. None deletes the line.
    """

    description: str
    pattern: str
    replacement: str | None


def read(path: Path) -> str:
    """Read a file as text, one character per byte.

    Raises
    ------
    FileError
        If it is not a file, cannot be read, or is too large for source text.
    """
    if kind(path) == "folder":
        raise FileError(f"cannot read {path}: it is a folder.")
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise FileError.of("cannot read", path, error) from error
    if len(content) > LARGEST:
        raise FileError(f"{path} is larger than {LARGEST >> 20} MiB, too large for a source file.")
    note_input(path)
    return content.decode("latin-1")


def split_lines(text: str) -> list[str]:
    """Split text into lines with their endings; only a line feed ends a line."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def find_function(text: str, opening: str) -> tuple[int, int]:
    """Return the range of lines, end excluded, of the function that opens with a pattern and ends with a } in column 1.

    Raises LookupError if there is not exactly one such function.
    """
    rows = split_lines(text)
    found = [k for k, row in enumerate(rows) if re.match(opening, row)]
    if len(found) != 1:
        raise LookupError(f"was found {len(found)} times")
    ends = (k for k in range(found[0] + 1, len(rows)) if rows[k].startswith("}"))
    end = next(ends, None)
    if end is None:
        raise LookupError("has no closing brace")
    return found[0], end + 1


def strip_comments(text: str) -> str:
    """Remove the comments of program text."""
    return _COMMENTS.sub(" ", text)


def fingerprint(text: str) -> str:
    """Return 16 hex digits of a hash of program text without comments and whitespace."""
    return hashlib.sha256(re.sub(r"\s+", "", strip_comments(text)).encode("latin-1")).hexdigest()[:16]


def apply_edits(text: str, edits: Sequence[Edit], first: int, end: int) -> str:
    """Apply every edit once in lines `first` to `end`, `end` excluded.

    Raises UsageError if the line of an edit is not found exactly once.
    """
    rows = split_lines(text)
    changed: dict[int, str] = {}
    for edit in edits:
        found = [(k, match) for k in range(first, end) if (match := re.fullmatch(edit.pattern, rows[k].rstrip("\r\n")))]
        if len(found) != 1:
            raise UsageError(f"{edit.description} was found {len(found)} times, not once")
        k, match = found[0]
        ending = rows[k][len(rows[k].rstrip("\r\n")) :]
        changed[k] = (
            "" if edit.replacement is None else match.expand(edit.replacement).replace("\n", ending or "\n") + ending
        )
    return "".join(changed.get(k, row) for k, row in enumerate(rows))


def unified_diff(name: str, before: str, after: str) -> str:
    """Return the unified diff of a file for `patch -p1` and `git apply`; empty if nothing changes."""
    rows = difflib.unified_diff(split_lines(before), split_lines(after), f"a/{name}", f"b/{name}")
    return "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows)
