"""Foreign native parsers at work in a process of their own (`parser_process`), with limits on memory and time.

A file made to harm can make such a parser loop, panic or ask for all memory; then that process ends, not this one. So
can a regular expression, which a recipe brings along: Python's engine takes exponential time over some. Engines of
linear time, and those with a time limit of their own, are packages of native code that bring other patterns or other
ways to take all memory; a process costs a few hundredths of a second and bounds both.
"""

from __future__ import annotations

import json
import marshal
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from devicekit.errors import FileError, UsageError

MEMORY = 1 << 28  # bytes, plus MEMORY_A_BYTE for each byte of the file
MEMORY_A_BYTE = 64
SECONDS = 2  # of processor time, plus one for each quarter of a megabyte; a tenth of it would do
LONGEST_PATTERN = 500  # characters
WAIT = 30  # times as long on the clock: the machine may be busy
_SCRIPT = Path(__file__).with_name("parser_process.py")


def parse(how: str, path: Path, name: str, **settings: Any) -> Any:
    """Return what a parser makes of a file: plain values.

    Parameters
    ----------
    how : {"workbook", "hdf5", "matlab"}
        Function of `parser_process`.
    path : Path
        The file to parse.
    name : str
        File name for messages.
    **settings
        Handed to the function.

    Raises
    ------
    FileError
        If the file is refused, or the parser ends over it.
    """
    size = path.stat().st_size
    try:
        done = _run(how, path, SECONDS + (size >> 18), MEMORY + MEMORY_A_BYTE * size, settings)
    except subprocess.TimeoutExpired as error:
        raise FileError(f"{name} takes far longer to read than its size explains: refused as unsafe") from error
    except OSError as error:
        raise FileError(f"cannot read {name}: no process can be started ({error.strerror or error})") from error
    if done is None:
        raise FileError(
            f"{name} is damaged: its parser ended over it, or wanted more memory or time than the file's size explains"
        )
    word, value = done
    if word == "refused":
        raise FileError(f"{name} {value}")
    return value


class Found(NamedTuple):
    """What a regular expression found: the whole match, its groups, and those that have a name."""

    whole: str
    groups: list[str | None]
    named: dict[str, str | None]


def compiled(pattern: str, said: str) -> re.Pattern[str]:
    """A regular expression of a user or of a file; its matches are to be found by `search`.

    Parameters
    ----------
    pattern : str
    said : str
        The option that holds it, for messages.

    Raises
    ------
    UsageError
        If it is none, or a very long one.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise UsageError(f"{said[:80]}... is a pattern of {len(pattern)} characters; the most are {LONGEST_PATTERN}")
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"{said} is no regular expression: {error}") from error


@lru_cache
def search(pattern: str, names: tuple[str, ...], said: str) -> list[Found | None]:
    """The first match of a regular expression in each name, None where there is none.

    Parameters
    ----------
    pattern : str
    names : tuple of str
    said : str
        The option that holds the pattern, for messages.

    Raises
    ------
    UsageError
        If it is no regular expression, or takes more time or memory than names explain.
    """
    compiled(pattern, said)
    try:
        done = _run("search", Path(), 1, MEMORY, {"pattern": pattern, "names": names})
    except (subprocess.TimeoutExpired, OSError):
        done = None
    if done is None or done[0] == "refused":
        longest = max(names, key=len, default="")[:40]
        raise UsageError(f"{said} takes too long over names such as {longest!r}; write no repeat inside a repeat")
    return [None if each is None else Found(*each) for each in done[1]]


def _run(how: str, path: Path, seconds: int, memory: int, settings: dict[str, Any]) -> tuple[str, Any] | None:
    """The answer of `parser_process`; None where it was ended: out of memory, out of time, or a crash."""
    said = {"memory": memory, "seconds": seconds, "path": sys.path, "settings": settings}
    command = [sys.executable, "-I", "-S", str(_SCRIPT), how, str(path)]
    done = subprocess.run(command, input=json.dumps(said).encode(), capture_output=True, timeout=WAIT * seconds)
    try:
        word, value = marshal.loads(done.stdout)
    except (EOFError, ValueError, TypeError):
        return None
    return word, value
