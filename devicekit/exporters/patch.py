"""Edits of program text line by line, by patterns, and what they change as a unified diff; no file is changed here.

Text is latin-1, so that every byte of a file comes back as it was, and lines keep the ends that they have.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devicekit.errors import FileError, UsageError
from devicekit.files import kind, note_input

LARGEST = 8 << 20  # bytes of a file of source text
_COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@dataclass(frozen=True)
class Edit:
    """One line that is replaced.

    Attributes
    ----------
    description : str
        The line in words.
    pattern : str
        Regular expression of the whole line without its end.
    replacement : str or None
        What stands there instead, as `re.Match.expand` takes it; several lines are apart by a line feed. None: nothing.
    """

    description: str
    pattern: str
    replacement: str | None


def read(path: Path) -> str:
    """A file's text, each byte a character.

    Raises
    ------
    FileError
        If it is no file, cannot be read, or is larger than any source text.
    """
    if kind(path) == "folder":
        raise FileError(f"cannot read {path}: it is a folder")
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    if len(content) > LARGEST:
        raise FileError(f"{path} is larger than {LARGEST >> 20} MiB: it is no source text")
    note_input(path)
    return content.decode("latin-1")


def split_lines(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def find_function(text: str, opening: str) -> tuple[int, int]:
    """First and one past the last line of the one function that opens with a pattern and ends with } at a line's start.

    Raises
    ------
    LookupError
        If there is not exactly one.
    """
    rows = split_lines(text)
    found = [k for k, row in enumerate(rows) if re.match(opening, row)]
    if len(found) != 1:
        raise LookupError(f"stands there {len(found)} times")
    ends = (k for k in range(found[0] + 1, len(rows)) if rows[k].startswith("}"))
    end = next(ends, None)
    if end is None:
        raise LookupError("has no end")
    return found[0], end + 1


def strip_comments(text: str) -> str:
    """Program text without its comments."""
    return _COMMENTS.sub(" ", text)


def fingerprint(text: str) -> str:
    """16 hex digits of what a compiler sees of program text: comments and blanks do not count."""
    return hashlib.sha256(re.sub(r"\s+", "", strip_comments(text)).encode("latin-1")).hexdigest()[:16]


def apply_edits(text: str, edits: Sequence[Edit], first: int, end: int) -> str:
    """The text with every edit changed once in lines `first` to `end` (not included).

    Raises
    ------
    UsageError
        If a line that an edit is for does not stand there exactly once.
    """
    rows = split_lines(text)
    changed: dict[int, str] = {}
    for edit in edits:
        found = [(k, match) for k in range(first, end) if (match := re.fullmatch(edit.pattern, rows[k].rstrip("\r\n")))]
        if len(found) != 1:
            raise UsageError(f"{edit.description} stands there {len(found)} times, not once")
        k, match = found[0]
        ending = rows[k][len(rows[k].rstrip("\r\n")) :]
        changed[k] = (
            "" if edit.replacement is None else match.expand(edit.replacement).replace("\n", ending or "\n") + ending
        )
    return "".join(changed.get(k, row) for k, row in enumerate(rows))


def unified_diff(name: str, before: str, after: str) -> str:
    """Return what changes in a file, as `patch -p1` and `git apply` take it; empty if nothing does."""
    rows = difflib.unified_diff(split_lines(before), split_lines(after), f"a/{name}", f"b/{name}")
    return "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows)
