"""Groups that options state: a fixed number of rows, what holds for all rows, and conditions in a file's name."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from devicekit.core.errors import UsageError
from devicekit.core.quantities import DIRECTION_ALIASES, GLOSSARY
from devicekit.names import parse_unit
from devicekit.readers.layout import Tag
from devicekit.readers.layouts import pooling
from devicekit.system.options import CONDITIONS, ReadOptions

_WITH_UNIT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$")
_TEXTS = {"device_id", "level"}


def parse_value(name: str, text: str) -> Tag:
    """Return what a text says of a column, in SI units: `100ns` is 1e-7 for pulse_width_s.

    Raises
    ------
    UsageError
        If it is not a number of that quantity.
    """
    if name in _TEXTS:
        return text
    if name == "direction":
        if (way := DIRECTION_ALIASES.get(text.strip().lower())) is None:
            raise UsageError(f"direction={text} is neither ltp nor ltd")
        return way
    found = _WITH_UNIT.match(text)
    word = found[2] if found else ""
    own = GLOSSARY[name].unit if name in GLOSSARY else "C"
    unit = parse_unit(word) if word and word != own else None
    stated = parse_unit(own or "")
    other = word not in ("", own) and (unit is None or stated is None or unit.quantity != stated.quantity)
    if found is None or other:
        raise UsageError(f"{name}={text} is not a number{f' in {own}' if own else ''}")
    return float(found[1]) * (unit.factor if unit else 1.0)


def find_in_name(name: str, options: ReadOptions, several: bool) -> dict[str, Tag]:
    """Return what the patterns of `key` find in a file's name.

    Parameters
    ----------
    name : str
    options : ReadOptions
    several : bool
        True if device and cycle are sought in the names of several sheets instead.

    Raises
    ------
    UsageError
        If a pattern does not match.
    """
    found: dict[str, Tag] = {}
    for column, pattern in options.key.items():
        if several and column not in CONDITIONS:
            continue
        (text,) = pooling.match_pattern([name], pattern, f"key={{{column}: {pattern}}}")
        if text is None:
            raise UsageError(f"key={{{column}: {pattern}}} does not match {name!r}")
        column = "device_id" if column == "device" else column
        found[column] = parse_value(column, text)
    return found


def matching_keys(key: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the patterns of `key` that match a name."""
    return {
        each: text for each, text in key.items() if pooling.match_pattern([name], text, f"key={{{each}: {text}}}")[0]
    }


def add_groups(frame: pd.DataFrame, options: ReadOptions, where: str, several: bool) -> pd.DataFrame:
    """Add the columns that options state to the rows of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows in the order of the file.
    options : ReadOptions
    where : str
        File name.
    several : bool
        True if the rows are of several sheets.

    Raises
    ------
    UsageError
        If the file has such a column, or its rows cannot be divided in this way.
    """
    stated = {name: parse_value(name, str(text)) for name, text in options.constant.items()}
    stated |= find_in_name(where.rpartition(".")[0] or where, options, several)
    rows = {"device_id" if name == "device" else name: int(text) for name, text in options.rows_per.items()}
    for name in (*stated, *rows):
        if name in frame and not (name == "level" and frame[name].nunique() == 1):  # that of the column's name
            raise UsageError(f"{where} states its {name}. Remove the option, or keep the column: map={{keep: COLUMN}}")
    for name in ("device_id", "cycle"):  # the cycles of each device
        if name not in rows:
            continue
        keys = [each for each in ("device_id", "level") if each in frame]  # readings of each level
        groups = frame.groupby(keys, sort=False) if keys else None
        number = pd.Series(range(len(frame)), frame.index) if groups is None else groups.cumcount()
        sizes = [len(frame)] if groups is None else groups.size().tolist()
        if odd := [size for size in sizes if size % rows[name]]:
            raise UsageError(f"{where}: {odd[0]} rows are not a multiple of {rows[name]}")
        part = number // rows[name] + 1
        frame = frame.assign(**{name: part if name == "cycle" else "device" + part.astype(str)})
    return frame.assign(**{name: int(value) if name == "cycle" else value for name, value in stated.items()})
