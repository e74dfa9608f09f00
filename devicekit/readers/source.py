"""A file or folder as the readers see it: bytes decoded once, a delimited table parsed once."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import warnings
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self

import pandas as pd

from devicekit.errors import BadRow, FileError
from devicekit.readers import workbook
from devicekit.readers.cells import EMPTY_WORDS, is_number, numbers, unique_names

LARGEST_TEXT = 4 << 30  # bytes; a compressed file that unpacks to more is refused
LARGE = 8 << 20  # bytes; beyond this a table is parsed straight into numbers
LARGEST_RATIO = 200  # unpacked over packed size; text of measurements packs 3 to 20 times
LONGEST_LINE = 1 << 20  # bytes
MOST_COLUMNS = 16384  # as many as a spreadsheet has
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WORKBOOKS = {"xlsx": b"PK\x03\x04", "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}  # first bytes
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


def _is_plain_number(cell: str) -> bool:
    return is_number(cell.replace(",", ".")) or cell.lower() in EMPTY_WORDS


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
        """Names of the columns, each once."""
        return list(self.cells.columns)

    def numbers(self, column: str) -> pd.Series:
        """A column as floats, NaN where the cell is empty.

        Raises
        ------
        TableError
            If a cell holds text; every such row is named.
        """
        return numbers(self.cells[column], self.name, self.decimal)


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
    width = len(sample[0].split()) if delimiter == "whitespace" else sample[0].count(delimiter) + 1
    if width > MOST_COLUMNS:
        raise FileError(f"{name} has more than {MOST_COLUMNS} columns")
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
    if cells.empty:
        raise FileError(f"{name} holds no cell with content")
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
    cells.columns = pd.Index(unique_names(names))
    return Delimited(cells, header, delimiter, decimal, name)


def _row_numbers(text: str, count: int) -> pd.Index:
    """File row (1-based) of each row that was parsed, blank lines counted but not among them."""
    if re.search(r"^\s*$\n", text, re.MULTILINE):
        rows = [number for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        if len(rows) == count:  # not so where a quoted cell spans lines
            return pd.Index(rows)
    return pd.RangeIndex(1, count + 1)


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

    @classmethod
    def of_frame(cls, frame: pd.DataFrame) -> Self:
        """A table in memory, as if it had been read from a file; rows count from 1."""
        source = cls.__new__(cls)
        source.path = Path("the table")
        names = tuple(str(name) for name in frame.columns)
        cells = frame.set_axis(pd.Index(unique_names(names)), axis=1).set_axis(pd.RangeIndex(1, len(frame) + 1))
        held: dict[str, Any] = {"head": ",".join(names), "workbook_kind": None, "in_memory": True}
        held["delimited"] = Delimited(cells, names, "none: a table in memory", ".", source.path.name)
        source.__dict__.update(held)
        return source

    in_memory = False  # whether it is a table in memory, which only readers of tables can read

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return not self.in_memory and self.path.is_dir()

    @cached_property
    def workbook_kind(self) -> str | None:
        """xlsx or xls by the file's first bytes; None if it is no spreadsheet."""
        if self.is_folder:
            return None
        head = self._bytes(8)
        return next((kind for kind, magic in _WORKBOOKS.items() if head.startswith(magic)), None)

    @cached_property
    def sheets(self) -> list[workbook.Sheet]:
        """Sheets of a workbook that hold cells; none for other files."""
        return workbook.sheets(self.path, self.workbook_kind) if self.workbook_kind else []

    @cached_property
    def head(self) -> str:
        """The first 64 KiB as text; "" for a folder. Of a workbook: the first sheet's."""
        if self.is_folder:
            return ""
        if self.workbook_kind:
            return self.text[:65536]
        return decode(self._bytes(65536))[0]

    @cached_property
    def opening(self) -> list[str]:
        """The first twenty lines of the head that hold something."""
        return [line for line in self.head.splitlines() if line.strip()][:20]

    @cached_property
    def lines(self) -> list[str]:
        """The text's lines, whatever ends them."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    @cached_property
    def text(self) -> str:
        """The whole text, decoded; of a workbook the first sheet as tab-separated text."""
        if self.workbook_kind:
            return self.sheets[0].text()
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
                    return self._blocks(stream, limit)
                with gzip.GzipFile(fileobj=stream) as unpacked:
                    return self._blocks(unpacked, limit)
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(f"cannot read {self.path}: {getattr(error, 'strerror', None) or error}") from error

    def _blocks(self, stream: IO[bytes] | gzip.GzipFile, limit: int) -> bytes:
        """Read block by block, so that a file which is one endless line is refused early."""
        most = max(8 * LARGE, LARGEST_RATIO * self.path.stat().st_size)
        data = bytearray()
        while len(data) < limit and (block := stream.read(min(LONGEST_LINE, limit - len(data)))):
            if len(block) == LONGEST_LINE and b"\n" not in block and b"\r" not in block:
                raise FileError(f"{self.path.name} has a line of more than {LONGEST_LINE >> 20} MiB: it is no table")
            data += block
            if len(data) > most:
                raise FileError(
                    f"{self.path.name} unpacks to more than {LARGEST_RATIO} times its size: refused as unsafe"
                )
        return bytes(data)

    @property
    def _size(self) -> int:
        """Size of the content [bytes]; of a gzip file as its last four bytes state it."""
        if not self._is_packed:
            return self.path.stat().st_size
        with self.path.open("rb") as stream:
            stream.seek(max(self.path.stat().st_size - 4, 0))
            return int.from_bytes(stream.read(4), "little")

    @cached_property
    def delimited(self) -> Delimited:
        """The text as a table of cells."""
        if self.workbook_kind:
            return parse_delimited(self.text, self.path.name)
        if "\0" in self.head:
            raise FileError(f"{self.path.name} is a binary file, not text; devicekit cannot read this format")
        if self._size > LARGE:
            return self._large()
        return parse_delimited(self.text, self.path.name)

    def facts(self) -> dict[str, str]:
        """What was sniffed: encoding, and delimiter, decimal mark and header if it was read as a table."""
        if self.is_folder or self.in_memory:
            return {}
        facts = {"encoding": self.workbook_kind or decode(self._bytes(65536))[1]}
        table = self.__dict__.get("delimited")
        if table is not None:
            names = {"\t": "tab", ";": "semicolon", ",": "comma"}
            facts["delimiter"] = names.get(table.delimiter, table.delimiter)
            facts["decimal"] = table.decimal
            facts["header"] = "none" if table.header is None else ", ".join(table.header)
        return facts

    def _large(self) -> Delimited:
        """A large table, parsed straight into numbers: the text is never held as cells."""
        name = self.path.name
        self._check_lines()
        sample = parse_delimited(self.head[: self.head.rfind("\n")], name)
        skip = int(sample.cells.index[0]) - 1
        # words repeat: a category holds each once; numbers that turn out to be words are found when they are used
        words = [name for name in sample.columns if not sample.cells[name].map(_is_plain_number).all()]
        missing = sorted({form for word in EMPTY_WORDS for form in (word, word.upper(), word.title(), "NaN")})
        try:
            with warnings.catch_warnings(), self._open() as stream:
                warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # bad cells are named when they are used
                cells = pd.read_csv(
                    stream,
                    sep=r"\s+" if sample.delimiter == "whitespace" else sample.delimiter,
                    header=None,
                    names=sample.columns,
                    skiprows=skip,
                    decimal=sample.decimal,
                    index_col=False,
                    dtype=dict.fromkeys(words, "category"),
                    na_values=missing,
                    keep_default_na=False,
                    skipinitialspace=True,
                    skip_blank_lines=False,
                    encoding=decode(self._bytes(65536))[1],
                    encoding_errors="replace",
                )
        except (pd.errors.ParserError, OSError, EOFError, zlib.error) as error:
            raise FileError(f"{name} is not a table: {error}") from error
        cells.index = pd.RangeIndex(skip + 1, skip + 1 + len(cells))
        return Delimited(cells.dropna(how="all"), sample.header, sample.delimiter, sample.decimal, name)

    def _check_lines(self) -> None:
        most, total = max(8 * LARGE, LARGEST_RATIO * self.path.stat().st_size), 0
        with self._open() as stream:
            while block := stream.read(LONGEST_LINE):
                total += len(block)
                if total > most:
                    raise FileError(
                        f"{self.path.name} unpacks to more than {LARGEST_RATIO} times its size: refused as unsafe"
                    )
                if len(block) == LONGEST_LINE and b"\n" not in block and b"\r" not in block:
                    raise FileError(
                        f"{self.path.name} has a line of more than {LONGEST_LINE >> 20} MiB: it is no table"
                    )

    def _open(self) -> IO[bytes]:
        """The content as a stream of bytes, unpacked if it is gzip."""
        if self._is_packed:
            return gzip.open(self.path, "rb")  # type: ignore[return-value]
        return self.path.open("rb")

    @cached_property
    def _is_packed(self) -> bool:
        with self.path.open("rb") as stream:
            return stream.read(2) == b"\x1f\x8b"

    @cached_property
    def header(self) -> tuple[str, ...]:
        """Lower-case cells of the first non-blank line of the head."""
        first = self.opening[0] if self.opening else ""
        return tuple(cell.strip().strip('"').lower() for cell in re.split(r"[,;\t]", first) if first)
