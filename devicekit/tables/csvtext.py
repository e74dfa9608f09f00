"""Text of a frame as CSV: every digit, the marks of the data, and nothing that a spreadsheet would run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.names.marks import MARK_COLUMN, mark_cell
from devicekit.system import writing

_RUN = ("=", "+", "@", "\t", "\r")  # first characters of what a spreadsheet runs
_NEGATIVE = re.compile(r"-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")  # a negative number and nothing else


def write_csv(
    frame: pd.DataFrame,
    path: Path,
    marks: Iterable[str] = (),
    overwrite: bool = False,
    sources: Iterable[Path | str] = (),
) -> None:
    """Write a frame as one CSV, whole or not at all; text that a spreadsheet would run is made plain.

    Parameters
    ----------
    frame : pandas.DataFrame
    path : Path
    marks : iterable of str
        synthetic, simulated, calibrated: a last column `data_origin` says them in every row.
    overwrite, sources
        As `replace` and `sources` of `devicekit.system.writing.write_bytes`.
    """
    writing.write_text(path, csv_text(frame, marks), overwrite, sources)


def csv_text(frame: pd.DataFrame, marks: Iterable[str] = ()) -> str:
    """Return the text of `write_csv`."""
    buffer = io.StringIO()
    made = _spelt(_neutral(frame))
    if cell := mark_cell(marks):
        made = made.rename(columns={MARK_COLUMN: f"{MARK_COLUMN}.1"}).assign(**{MARK_COLUMN: cell})
    made.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def _spelt(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with numbers that stand in many rows, such as a read voltage, spelt once with every digit."""
    spelt: dict[str, Any] = {}
    for name in frame.select_dtypes(include="float64"):
        # by their bits: 0 and -0 are two, and so are texts
        codes, bits = pd.factorize(np.ascontiguousarray(frame[name].to_numpy()).view(np.int64))
        if 4 * len(bits) < len(frame):
            texts = ["" if value != value else repr(value) for value in bits.view(np.float64).tolist()]
            spelt[str(name)] = np.array(texts, object)[codes]
    return frame.assign(**spelt) if spelt else frame


def _neutral(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with text that a spreadsheet would run, names too, made plain by a leading apostrophe."""
    if any(isinstance(name, str) and neutral(name) != name for name in frame.columns):
        frame = frame.rename(columns=lambda name: neutral(name) if isinstance(name, str) else name)
    text = frame.select_dtypes(include=["object", "string"])
    if text.empty:
        return frame
    frame = frame.copy()
    for name in text:
        column = frame[name].astype("object")
        plain = {cell: neutral(cell) for cell in column.unique() if isinstance(cell, str)}  # each text once
        if any(cell != text for cell, text in plain.items()):
            column = column.map(lambda cell, plain=plain: plain.get(cell, cell) if isinstance(cell, str) else cell)
        frame[name] = column
    return frame


def neutral(text: str) -> str:
    """Return text that a spreadsheet would run as a formula, made plain by a leading apostrophe; see `revealed`."""
    bare = text.lstrip("'")  # behind apostrophes of its own too, so that one can be taken away again
    runs = bare[:1] in _RUN or (bare[:1] == "-" and not _NEGATIVE.fullmatch(bare))
    return f"'{text}" if bare and runs else text


def revealed(text: str) -> str:
    """Return text as it was before `neutral`."""
    return text[1:] if text[:1] == "'" and neutral(text[1:]) == text else text
