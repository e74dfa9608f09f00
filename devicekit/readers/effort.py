"""What a reading takes, as a number of bytes: the same on every machine, so that questions are, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

PER_FILE = 20_000  # bytes of text in as much time as opening a file takes
PER_COLUMN = 1000  # and the names and roles of a column
PACKED = {".xlsx": 6, ".xlsm": 6, ".xlsb": 6, ".ods": 20, ".xls": 2, ".gz": 6, ".npz": 8}  # per byte
_MARKS = (",", ";", "\t", " ")


def estimate(path: Any) -> int:
    """Return the bytes of plain text that take about as long to read.

    Parameters
    ----------
    path : path-like, sequence of path-like, or pandas.DataFrame
    """
    if isinstance(path, pd.DataFrame):
        return PER_FILE + PER_COLUMN * path.shape[1] + 8 * path.size
    if not isinstance(path, str | Path) and isinstance(path, list | tuple):
        return sum(map(estimate, path))
    file = Path(path)
    try:
        if file.is_dir():
            return sum(PER_FILE + each.stat().st_size for each in file.iterdir() if each.is_file())
        if not file.is_file():  # a pipe would be waited for
            return PER_FILE
        size = file.stat().st_size
        if (packed := PACKED.get(file.suffix.lower())) is not None:
            return PER_FILE + packed * size
        with file.open("rb") as stream:
            head = stream.read(65536).decode("latin-1")
    except OSError:
        return PER_FILE  # which the reading itself reports
    return PER_FILE + size + PER_COLUMN * _count_columns(head)


def _count_columns(head: str) -> int:
    lines = head.splitlines()[:20]
    if any(line.count('"') % 2 for line in lines):  # cells with ends of lines: a row may be all of it
        return max(map(head.count, _MARKS)) + 1
    return max((line.count(mark) for line in lines for mark in _MARKS), default=0) + 1
