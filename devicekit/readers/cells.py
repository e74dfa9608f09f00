"""Cells of text: numbers, empty cells, and columns of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from devicekit.core.errors import BadRow, TableError

Row = tuple[int, list[str]]  # row of a file, from 1, and its cells
EMPTY_WORDS = {"", "nan", "na", "n/a", "n.a.", "null", "none", "-", "--", "---", "-nan", "nan(ind)", "-nan(ind)"}
EMPTY_WORDS |= {"#ref", "#ref!", "#n/a", "#div/0!", "#value!", "#num!", "1.#qnan", "-1.#ind"}
OVERFLOW_WORDS = {"overflow", "overload", "ovrflow", "ovflw", "ovf", "ovld", "overrange", "over range", "ol", "o.l."}
KEITHLEY_NAN = 9.9e37  # Keithley instruments write 9.91E+37 for "no reading"
_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}([,.' \u00a0\u202f]\d{3})+([.,]\d+)?$")
LARGEST_COUNT = 2**53  # beyond it floats do not hold every whole number


def is_number(cell: str) -> bool:
    """Return whether a cell of text is a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _strip_cells(text: pd.Series) -> pd.Series:
    """Return the stripped text of every cell, "" for an empty cell."""
    return text.astype(object).map(_strip_cell)


def _strip_words(text: pd.Series) -> list[str]:
    """Return the same as a list, which is faster for short columns."""
    return list(map(_strip_cell, (text if text.dtype == object else text.astype(object)).to_numpy()))


def _strip_cell(cell: object) -> str:
    return "" if cell is None or cell != cell else str(cell).strip()


def _mask_missing(values: pd.Series) -> pd.Series:
    """Replace Keithley's number for no reading by NaN, without a copy of a column that has none."""
    missing = np.abs(values.to_numpy()) >= KEITHLEY_NAN
    return values.mask(missing) if missing.any() else values


def _as_column(values: np.ndarray, text: pd.Series) -> pd.Series:
    """Return the numbers of a column, NaN for Keithley's number for no reading."""
    values[np.abs(values) >= KEITHLEY_NAN] = np.nan
    return pd.Series(values, text.index, name=text.name)


def _parse_floats(words: Iterable[str]) -> np.ndarray:
    """Return the float nearest to each number's text, NaN for other text; old pandas may be off by the last bit."""
    return np.array([_parse_float(word) for word in words], float)


def _parse_float(word: str) -> float:
    try:
        return float(word) if word.isascii() and "_" not in word else np.nan
    except ValueError:
        return np.nan


def _use_decimal_point(words: list[str], decimal: str, thousands: str) -> list[str]:
    """Return numbers with a point as decimal mark and no mark between groups of digits."""
    if decimal == "," and (pointed := {word for word in words if "." in word and "," not in word}):
        grouped, commas = set(filter(_GROUPS.match, pointed)), any("," in word for word in words)
        if grouped == pointed:
            thousands = "." if commas else thousands  # 1.234 beside 2,5
        elif commas:  # and 1.5, so that 1.234 is unclear
            words = [f"?{word}" if word in grouped else word for word in words]
        else:
            thousands = thousands.replace(".", "")
    if thousands:
        words = [word.replace(thousands, "") if _GROUPS.match(word) else word for word in words]
    return [word.replace(",", ".") for word in words] if decimal == "," else words


def parse_numbers(text: pd.Series, where: str, decimal: str = ".", thousands: str = "") -> pd.Series:
    """Return a column as floats; empty cells and Keithley's 9.91e37 are NaN.

    Parameters
    ----------
    text : pandas.Series
        Cells, with the file row as index and the column's name as name.
    where : str
        File name for messages.
    decimal : {".", ","}
        Decimal mark.
    thousands : str
        Mark between groups of three digits; "" for none.

    Raises
    ------
    TableError
        If a cell is neither a number nor empty; `rows` lists every such row.
    """
    if text.dtype.kind in "iuf":
        return _mask_missing(text.astype(float))
    words = _strip_words(text)
    values = _parse_floats(_use_decimal_point(words, decimal, thousands))
    known = EMPTY_WORDS | OVERFLOW_WORDS
    wrong = [k for k in np.flatnonzero(np.isnan(values)).tolist() if words[k].lower() not in known]
    if len(wrong) == len(words) and words and ":" in words[0]:
        clock = parse_clock(pd.Series(words, text.index, name=text.name))
        if clock.notna().all():
            return clock
    if wrong:
        wanted = "a number" if decimal == "." else "a number, with one decimal mark in the column (see decimal=)"
        bad = [BadRow(int(text.index[k]), str(text.name), repr(words[k]), wanted) for k in wrong]
        raise TableError(f"{where}: column {text.name} must hold numbers, but holds text", bad)
    return _as_column(values, text)


def parse_clock(text: pd.Series) -> pd.Series:
    """Return clock times (hours:minutes:seconds) as seconds from the first, also past midnight; NaN for other cells."""
    found = _strip_cells(text).str.extract(r"^(\d{1,3}):([0-5]?\d):([0-5]?\d(?:[.,]\d+)?)$")
    parts = [found[k].str.replace(",", ".", regex=False).astype(float) for k in range(3)]
    day = 3600 * parts[0] + 60 * parts[1] + parts[2]
    passed = day + 86400.0 * (day.diff() < -43200.0).cumsum()
    return passed - passed.iloc[0] if len(passed) else passed


def parse_column(text: pd.Series, decimal: str = ".", thousands: str = "") -> pd.Series:
    """Return a column as numbers if every cell is a number or empty, else as text; see `parse_numbers`."""
    if text.dtype.kind in "iuf":
        return text
    if isinstance(text.dtype, pd.CategoricalDtype):  # texts of a large table, each stored once
        text = text.cat.rename_categories(lambda word: str(word).strip()).astype(str)
    words = _strip_words(text)
    values = _parse_floats(_use_decimal_point(words, decimal, thousands))
    if any(words[k].lower() not in EMPTY_WORDS | OVERFLOW_WORDS for k in np.flatnonzero(np.isnan(values))):
        return pd.Series(words, text.index, dtype=object, name=text.name)
    return _as_column(values, text)


def parse_whole_numbers(frame: pd.DataFrame, column: str, name: str) -> pd.Series:
    """Return a column that counts pulses, cycles or points as whole numbers.

    Raises
    ------
    TableError
        If a cell is not a whole number; `rows` lists every such row.
    """
    values = frame[column]
    if values.dtype.kind == "i":
        return values.astype("int64")
    values = pd.to_numeric(values, errors="coerce")
    wrong = values.isna() | (values != np.round(values)) | (values.abs() > LARGEST_COUNT)
    if wrong.any():
        found = [f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in frame[column][wrong]]
        rows = frame["file_row"][wrong]
        bad = [BadRow(int(row), column, cell, "a whole number") for row, cell in zip(rows, found, strict=True)]
        raise TableError(f"{name}: {column} counts pulses or cycles and must hold whole numbers, not times", bad)
    return values.astype("int64")


def make_names_unique(names: Sequence[str]) -> list[str]:
    """Return names in order, blank ones filled and repeated ones numbered."""
    taken: set[str] = set()
    last: dict[str, int] = {}  # number of the last repeat of each name
    result = []
    for position, name in enumerate(names):
        name = first_name = name or f"column {position + 1}"
        number = last.get(name, 1)
        while name in taken:
            number += 1
            name = f"{first_name}.{number}"
        last[first_name] = number
        taken.add(name)
        result.append(name)
    return result


def number_within(frame: pd.DataFrame, column: str, groups: list[str], name: str) -> pd.DataFrame:
    """Return the frame with whole numbers in a column; rows are counted from 1 within groups if it is missing."""
    if column not in frame:
        frame = frame.assign(**{column: frame.groupby(groups, sort=False).cumcount() + 1})
    return frame.assign(**{column: parse_whole_numbers(frame, column, name)})


def rows_below(cells: Sequence[list[str]], names_at: int) -> list[Row]:
    """Return the filled rows below the row of names at a position, with their numbers in the file."""
    return [(number, row) for number, row in enumerate(cells[names_at + 1 :], names_at + 2) if any(row)]


def split_segments(names: list[str], rows: Iterable[Row]) -> list[tuple[list[str], list[Row]]]:
    """Return rows of names, each with the rows below it; a row of two or more words, of which none is a number, names.

    Segments without rows are left out.
    """
    segments: list[tuple[list[str], list[Row]]] = [(names, [])]
    for number, row in rows:
        filled = [cell for cell in row if cell]
        if len(filled) > 1 and not any(is_number(cell) or cell.lower() in EMPTY_WORDS for cell in filled):
            segments.append((row, []))
        else:
            segments[-1][1].append((number, row))
    return [(names, body) for names, body in segments if body]


def text_frame(rows: Sequence[Row], names: Sequence[str]) -> pd.DataFrame:
    """Return rows of cells as a frame of text; short rows are filled with empty cells, long rows are refused.

    Raises
    ------
    TableError
        If a row has more cells than names.
    """
    width = len(names)
    bad = [
        BadRow(number, None, f"{len(row)} cells", f"{width}, one for each column name")
        for number, row in rows
        if len(row) > width and any(cell.strip() for cell in row[width:])
    ]
    if bad:
        raise TableError("Some rows have more cells than there are column names", bad)
    cells = [row if len(row) == width else [*row[:width], *[""] * (width - len(row))] for _, row in rows]
    columns = pd.Index(make_names_unique([name.strip() for name in names]))
    return pd.DataFrame(cells, columns=columns, index=pd.Index([number for number, _ in rows]), dtype=object)
