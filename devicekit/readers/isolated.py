"""Native parsers and regular expressions run in a separate process (`parser_process`), with limits on memory and time.

A malicious file can make a native parser loop, crash or use all memory; then that process ends, not this one. A regular
expression from a recipe can do the same: Python's engine takes exponential time for some. Engines with linear time or
a time limit are native packages with other syntax or other ways to use all memory; a process costs a few hundredths of
a second and limits both.
"""

from __future__ import annotations

import json
import marshal
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from devicekit.core.errors import FileError, UsageError

MEMORY = 1 << 28  # bytes, plus MEMORY_A_BYTE for each byte of the file
MEMORY_A_BYTE = 64
SECONDS = 2  # of processor time, plus one for each quarter of a megabyte; a tenth would be enough
LONGEST_PATTERN = 500  # characters
WAIT = 30  # times longer on the clock: the machine may be busy
_SCRIPT = Path(__file__).with_name("parser_process.py")


def parse(how: str, path: Path, name: str, **settings: Any) -> Any:
    """Parse a file in the separate process; return plain values.

    Parameters
    ----------
    how : {"workbook", "hdf5", "matlab", "npz"}
        Function of `parser_process`.
    path : Path
        The file to parse.
    name : str
        File name for messages.
    **settings
        Arguments of that function.

    Raises
    ------
    FileError
        If the file is refused, or its parser crashes.
    """
    size = path.stat().st_size
    try:
        done = _run(how, path, SECONDS + (size >> 18), MEMORY + MEMORY_A_BYTE * size, settings)
    except subprocess.TimeoutExpired as error:
        raise FileError(f"{name} takes far longer to read than its size explains; refused as unsafe") from error
    except OSError as error:
        raise FileError(f"cannot read {name}: its parser process did not start ({error.strerror or error})") from error
    if done is None:
        raise FileError(
            f"{name} is damaged: its parser crashed, or needed more memory or time than the file's size explains"
        )
    word, value = done
    if word == "refused":
        raise FileError(f"{name} {value}")
    return value


class PatternMatch(NamedTuple):
    """Match of a regular expression: the whole match, its groups, and its named groups."""

    whole: str
    groups: list[str | None]
    named: dict[str, str | None]


def compile_pattern(pattern: str, option: str) -> re.Pattern[str]:
    """Compile a regular expression that a user or a file gives; find its matches with `search`.

    Parameters
    ----------
    pattern : str
    option : str
        Option and value, for messages: `key=...`.

    Raises
    ------
    UsageError
        If it is not a regular expression, or longer than `LONGEST_PATTERN`.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise UsageError(f"{option[:80]}... has {len(pattern)} characters; the limit is {LONGEST_PATTERN}")
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"{option} is not a regular expression: {error}") from error


@lru_cache
def search(pattern: str, names: tuple[str, ...], option: str) -> list[PatternMatch | None]:
    """Return the first match of a regular expression in each name, None without a match.

    Parameters
    ----------
    pattern : str
    names : tuple of str
    option : str
        Option and value, for messages: `key=...`.

    Raises
    ------
    UsageError
        If it is not a regular expression, or needs more time or memory than the names explain.
    """
    compile_pattern(pattern, option)
    try:
        done = _run("search", Path(), 1, MEMORY, {"pattern": pattern, "names": names})
    except (subprocess.TimeoutExpired, OSError):
        done = None
    if done is None or done[0] == "refused":
        longest = max(names, key=len, default="")[:40]
        raise UsageError(f"{option} takes too long on names such as {longest!r}. Avoid a repeat inside a repeat.")
    return [None if each is None else PatternMatch(*each) for each in done[1]]


def _run(how: str, path: Path, seconds: int, memory: int, settings: Mapping[str, object]) -> tuple[str, Any] | None:
    """Return the answer of `parser_process`; None if it ran out of memory or time, or crashed."""
    request = {"memory": memory, "seconds": seconds, "path": sys.path, "settings": settings}
    command = [sys.executable, "-I", "-S", str(_SCRIPT), how, str(path)]
    done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, timeout=WAIT * seconds)
    try:
        word, value = marshal.loads(done.stdout)
    except (EOFError, ValueError, TypeError):
        return None
    return word, value
