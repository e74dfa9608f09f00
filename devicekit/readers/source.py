"""A file or folder for the readers; its content is read and decoded once."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import IO, Any, Self

import pandas as pd

from devicekit.core.errors import FileError, UsageError
from devicekit.readers import encodings, jsonfile, matfile, workbook
from devicekit.readers.cells import make_names_unique
from devicekit.system import catalog, files, writing

LARGEST_TEXT = 4 << 30  # bytes; a compressed file that unpacks to more is refused
LARGE = 8 << 20  # bytes; a larger table is parsed directly into numbers
LARGEST_RATIO = 200  # unpacked over packed size; text of measurements packs 3 to 20 times
LONGEST_LINE = 1 << 20  # bytes
MOST_COLUMNS = 16384  # as many as a spreadsheet has
LONGEST_NAME = 2000  # characters of a column's name
_HEAD = 65536  # bytes
END_MARK = "\x1a"  # the end of a file in DOS, and from instruments of its time
_BLANKS = re.compile(" {200,}")  # patterns of formats could take minutes on them


class Source:
    """An existing path; its content is read at most once.

    Raises
    ------
    FileError
        If the path does not exist, cannot be read, or is an empty file.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        try:
            kind = files.kind(self.path)
        except FileError as error:
            if not error.message.endswith("does not exist") or (found := catalog.shipped().get(str(path))) is None:
                raise
            raise FileError(f"{path} does not exist. The data set of this name that ships is {found.data}") from None
        if kind == "file" and self.path.stat().st_size == 0:
            raise FileError(f"{self.path} is empty")
        writing.note_input(self.path)

    @classmethod
    def of_frame(cls, frame: pd.DataFrame) -> Self:
        """Make a source of a table in memory, whose columns have no names where pandas counts them; rows from 1."""
        source = cls.__new__(cls)
        source.path = Path("the table")
        counted = isinstance(frame.columns, pd.RangeIndex)
        names = tuple("" if counted else str(name) for name in frame.columns)
        cells = frame.set_axis(pd.Index(make_names_unique(names)), axis=1).set_axis(pd.RangeIndex(1, len(frame) + 1))
        attributes: dict[str, Any] = {"head": ",".join(names), "workbook_kind": None, "in_memory": True, "frame": cells}
        source.__dict__.update(attributes)
        return source

    @classmethod
    def of_trains(cls, path: Path, trains: jsonfile.TrainKeys) -> Self:
        """Make a source of the pulse trains in a JSON file."""
        source = cls(path)
        source.__dict__.update(workbook_kind="json", sheets=[jsonfile.read_trains(source.path, trains)])
        return source

    frame: pd.DataFrame  # a table in memory, under unique names
    has_given_encoding = False  # by an option or a recipe
    in_memory = False  # a table in memory, which only table readers can read

    @property
    def is_folder(self) -> bool:
        """True if it is a folder of files."""
        return not self.in_memory and files.is_folder(self.path)

    @cached_property
    def workbook_kind(self) -> str | None:
        """Kind of workbook by the content: xlsx, xlsb, xls, ods, mat, npz or json; None without sheets."""
        if self.is_folder:
            return None
        head = self._bytes(matfile.HEAD)
        found = matfile.detect_kind(head, self.path) or workbook.detect_kind(self.path, head)
        found = found or jsonfile.detect_kind(head, self.path)
        if found and self._is_packed:
            raise FileError(f"{self.path.name} is a file of kind {found} packed by gzip. Unpack it first.")
        return found

    @cached_property
    def sheets(self) -> list[workbook.Sheet]:
        """Sheets of a workbook, or tables of a MATLAB or JSON file; empty for other files."""
        if not self.workbook_kind:
            return []
        if self.workbook_kind in ("mat", "npz"):
            return matfile.read_tables(self.path)
        if self.workbook_kind == "json":
            return jsonfile.read_tables(self.path)
        return workbook.read_sheets(self.path, self.workbook_kind)

    @cached_property
    def head(self) -> str:
        """First 64 KiB of text, hundreds of blanks in a row as one; the first sheet of a workbook."""
        if self.is_folder:
            return ""
        if self.workbook_kind:
            return _BLANKS.sub(" ", self.text[:_HEAD])
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        text = decoder.decode(self._bytes(_HEAD))  # without a character that is cut at the end
        return _BLANKS.sub(" ", text.rstrip(END_MARK) if self.size <= _HEAD else text)

    @cached_property
    def encoding(self) -> str:
        """Encoding of the whole text, not only of its beginning; see `encodings`."""
        return self._scan[0][0]

    @property
    def other_encodings(self) -> tuple[str, ...]:
        """Other encodings that are as plausible, if none is given."""
        return self._scan[0][1:] if self.encoding == self._scan[0][0] else ()

    def use_encoding(self, encoding: str) -> None:
        """Read the text in an encoding.

        Raises
        ------
        UsageError
            If the file is not a text in this encoding.
        """
        if self.in_memory or self.is_folder or self.workbook_kind:
            raise UsageError(f"{self.path.name} is not a text. Remove encoding={encoding}")
        try:
            codecs.getincrementaldecoder(encoding)("strict").decode(self._bytes(_HEAD))
        except UnicodeDecodeError as error:
            raise UsageError(f"{self.path.name} is not a text in encoding={encoding}: {error.reason}") from error
        self.__dict__.update(encoding=encoding, _scan=((encoding,), self.size), has_given_encoding=True)

    @cached_property
    def opening(self) -> list[str]:
        """First twenty lines of the head that are not blank."""
        return [line for line in self.head.splitlines() if line.strip()][:20]

    @cached_property
    def lines(self) -> list[str]:
        """Lines of the text, with any line ends."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    @cached_property
    def text(self) -> str:
        """The whole text, decoded; the first sheet of a workbook as tab-separated text."""
        if self.workbook_kind:
            return self.sheets[0].text()
        data = self._bytes(LARGEST_TEXT + 1)
        if len(data) > LARGEST_TEXT:
            raise FileError(f"{self.path.name} holds more than {LARGEST_TEXT >> 30} GiB of text")
        return data.decode(self.encoding, errors="replace").rstrip(END_MARK)

    def beginning(self, limit: int) -> bytes:
        """Return the first `limit` bytes of the content, unpacked if it is gzip."""
        return self._bytes(limit)

    def _bytes(self, limit: int) -> bytes:
        """Return the first `limit` bytes of the content, unpacked if the first bytes are those of gzip."""
        data = bytearray()
        for block in self._blocks(limit):
            data += block
        return bytes(data)

    def _blocks(self, limit: int = LARGEST_TEXT + 1) -> Iterator[bytes]:
        """Yield the content in blocks, to refuse an endless line, a decompression bomb or damage early."""
        left, total = limit, 0
        most = max(8 * LARGE, LARGEST_RATIO * self.path.stat().st_size)
        name = self.path.name
        try:
            with self.open() as stream:
                while left > 0 and (block := stream.read(min(LONGEST_LINE, left))):
                    if len(block) == LONGEST_LINE and b"\n" not in block and b"\r" not in block:
                        raise FileError(f"{name} has a line of more than {LONGEST_LINE >> 20} MiB; it is not a table")
                    left, total = left - len(block), total + len(block)
                    if total > most:
                        raise FileError(
                            f"{name} unpacks to more than {LARGEST_RATIO} times its size; refused as unsafe"
                        )
                    yield block
        except EOFError as error:
            raise FileError(f"{name} is a damaged gzip file: it ends too early. Copy or export it again.") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise FileError(f"{name} is a damaged gzip file ({error}). Copy or export it again.") from error
        except OSError as error:
            raise FileError.of("cannot read", self.path, error) from error

    @cached_property
    def _scan(self) -> tuple[tuple[str, ...], int]:
        """Plausible encodings and size [bytes] of the whole content."""
        encoding: tuple[str, ...] | None = None
        size = 0
        decoder = codecs.getincrementaldecoder("utf-8")()
        for block in chain(self._blocks(), [b""]):
            mark = encodings.detect_mark(block) if size == 0 else None
            encoding = (mark,) if mark else encoding
            size += len(block)
            if encoding is None:
                try:
                    decoder.decode(block, final=not block)
                except UnicodeDecodeError:
                    head = self._bytes(_HEAD)
                    encoding = encodings.guess(block if head.isascii() else head)
        return encoding or ("utf-8",), size

    @property
    def size(self) -> int:
        """Size of the content [bytes]."""
        return self._scan[1] if self._is_packed else self.path.stat().st_size

    def facts(self) -> dict[str, str]:
        """Return what the bytes show: the encoding."""
        if self.is_folder or self.in_memory:
            return {}
        return {"encoding": self.workbook_kind or self.encoding}

    def check_lines(self) -> None:
        """Refuse an endless line, a decompression bomb or damage anywhere in the content."""
        _ = self._scan

    def open(self) -> IO[bytes]:
        """Open the content as a stream of bytes, unpacked if it is gzip."""
        if self._is_packed:
            return gzip.open(self.path, "rb")  # type: ignore[return-value]
        return self.path.open("rb")

    @cached_property
    def _is_packed(self) -> bool:
        try:
            with self.path.open("rb") as stream:
                return stream.read(2) == b"\x1f\x8b"
        except OSError as error:
            raise FileError.of("cannot read", self.path, error) from error


Sources = dict[tuple[Path, str | None], Source]  # by path and encoding


def find_source(source: Source, encoding: str | None, sources: Sources) -> Source:
    """Return the source of a file that was opened before; one with another encoding is opened anew."""
    known = sources.setdefault((source.path, encoding), source)
    if known.has_given_encoding and encoding is None:  # by a recipe, which an answer may replace
        known = sources[source.path, None] = source
    return known
