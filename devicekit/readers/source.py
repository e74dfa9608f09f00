"""A file or folder as the readers see it: bytes decoded once, a delimited table parsed once."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from devicekit.errors import BadRow, FileError, TableError

EMPTY_WORDS = {"", "nan", "na", "n/a", "null", "none", "-", "#ref", "#ref!", "#n/a"}
LARGEST_TEXT = 4 << 30  # bytes; a compressed file that unpacks to more is refused
KEITHLEY_NAN = 9.9e37  # Keithley instruments write 9.91E+37 for "no reading"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECIMAL_COMMA = re.compile(r"^[+-]?\d+,\d+([eE][+-]?\d+)?$")


def decode(data: bytes) -> tuple[str, str]:
    """Text and the encoding it was in: by byte-order mark, else UTF-8, else Windows-1252."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), "cp1252"


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Delimited:
    """A delimited text file as strings.

    Attributes
    ----------
    cells : pandas.DataFrame
        Text of every cell, stripped; blank lines left out; the index is the file row (1-based).
    header : tuple of str, or None
        Column names, if the first line holds any.
    delimiter : str
        The delimiter found ("whitespace" for runs of blanks).
    decimal : str
        "." or ",".
    name : str
        File name for messages.
    """

    cells: pd.DataFrame
    header: tuple[str, ...] | None
    delimiter: str
    decimal: str
    name: str

    @property
    def columns(self) -> list[str]:
        return list(self.cells.columns)

    def numbers(self, column: str) -> pd.Series:
        """A column as floats, NaN where the cell is empty.

        Raises
        ------
        TableError
            If a cell holds text; every such row is named.
        """
        text = self.cells[column]
        if self.decimal == ",":
            text = text.str.replace(",", ".", regex=False)
        values = pd.to_numeric(text, errors="coerce").astype(float)
        wrong = values.isna() & ~text.str.lower().isin(EMPTY_WORDS)
        if wrong.any():
            rows = [BadRow(int(row), column, repr(text[row]), "a number") for row in text.index[wrong]]
            raise TableError(f"{self.name}: text where numbers belong, in column {column}", rows)
        return values.where(np.abs(values) < KEITHLEY_NAN)


def _find_delimiter(lines: list[str]) -> str:
    for delimiter in ("\t", ";", ","):
        counts = [line.count(delimiter) for line in lines]
        if min(counts) > 0:
            return delimiter
    return "whitespace"


def parse_delimited(text: str, name: str) -> Delimited:
    """Sniff delimiter, decimal mark and header, and split the text into cells.

    Raises
    ------
    FileError
        If there is nothing in the file, or a row has more cells than the first one.
    """
    sample = [line for line in text[:65536].splitlines() if line.strip()][:20]
    if not sample:
        raise FileError(f"{name} is empty")
    delimiter = _find_delimiter(sample)
    try:
        cells = pd.read_csv(
            io.StringIO(text),
            sep=r"\s+" if delimiter == "whitespace" else delimiter,
            header=None,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=True,
            skipinitialspace=True,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        place = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if place is None:
            raise FileError(f"{name} is not a table: {error}") from error
        rows = [BadRow(int(place[2]), None, f"{place[3]} cells", f"{place[1]} as in the rows above")]
        raise FileError(f"{name}: a row has more cells than the others", rows) from error
    cells = cells.fillna("").apply(lambda column: column.str.strip())
    cells.index = _row_numbers(text, len(cells))
    cells = cells[(cells != "").any(axis=1)]
    if len(cells.columns) > 1 and (cells.iloc[:, -1] == "").all():
        cells = cells.iloc[:, :-1]  # a comma at the end of every line
    body = cells.iloc[:1].to_numpy().ravel().tolist() + cells.iloc[1:20].to_numpy().ravel().tolist()
    decimal = "," if delimiter != "," and any(_DECIMAL_COMMA.match(cell) for cell in body) else "."
    first = [cell.replace(",", ".") if decimal == "," else cell for cell in cells.iloc[0]]
    has_header = any(cell.lower() not in EMPTY_WORDS and not is_number(cell) for cell in first)
    header = tuple(str(cell) for cell in cells.iloc[0]) if has_header else None
    if header is not None:
        cells = cells.iloc[1:]
    names = list(header) if header is not None else [f"column {k + 1}" for k in range(cells.shape[1])]
    cells.columns = pd.Index(_unique(names))
    return Delimited(cells, header, delimiter, decimal, name)


def _row_numbers(text: str, count: int) -> pd.Index:
    """File row (1-based) of each row that was parsed, blank lines counted but not among them."""
    if re.search(r"^\s*$\n", text, re.MULTILINE):
        rows = [number for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        if len(rows) == count:  # not so where a quoted cell spans lines
            return pd.Index(rows)
    return pd.RangeIndex(1, count + 1)


def _unique(names: list[str]) -> list[str]:
    """Names with blanks filled and repeats numbered, in order."""
    seen: dict[str, int] = {}
    result = []
    for position, name in enumerate(names):
        name = name or f"column {position + 1}"
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return result


class Source:
    """A path that exists, with its content read at most once.

    Raises
    ------
    FileError
        If the path does not exist, cannot be read, or is an empty file.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise FileError(f"{self.path} does not exist")
        if self.path.is_file() and self.path.stat().st_size == 0:
            raise FileError(f"{self.path} is empty")

    @property
    def is_folder(self) -> bool:
        return self.path.is_dir()

    @cached_property
    def head(self) -> str:
        """The first 64 KiB as text; "" for a folder."""
        if self.is_folder:
            return ""
        return decode(self._bytes(65536))[0]

    @cached_property
    def text(self) -> str:
        data = self._bytes(LARGEST_TEXT + 1)
        if len(data) > LARGEST_TEXT:
            raise FileError(f"{self.path.name} holds more than {LARGEST_TEXT >> 30} GiB of text")
        return decode(data)[0]

    def _bytes(self, limit: int) -> bytes:
        """The first `limit` bytes of the file's content, unpacked if it is gzip (by its first bytes)."""
        try:
            with self.path.open("rb") as stream:
                packed = stream.read(2) == b"\x1f\x8b"
                stream.seek(0)
                if not packed:
                    return stream.read(limit)
                with gzip.GzipFile(fileobj=stream) as unpacked:
                    return unpacked.read(limit)
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(
                f"cannot read {self.path}: {getattr(error, 'strerror', None) or error}"
            ) from error

    @cached_property
    def delimited(self) -> Delimited:
        if "\0" in self.head:
            raise FileError(f"{self.path.name} is a binary file, not text; devicekit cannot read this format")
        return parse_delimited(self.text, self.path.name)

    @cached_property
    def header(self) -> tuple[str, ...]:
        """Lower-case cells of the first non-blank line of the head."""
        lines = [line for line in self.head.splitlines() if line.strip()]
        if not lines:
            return ()
        return tuple(cell.strip().strip('"').lower() for cell in re.split(r"[,;\t]", lines[0]))
