"""The index of a library: a disposable SQLite file in the user cache folder, made from the JSON files.

It is not stored with the records, whose folder may be a network share or read-only. If anything is wrong with the
index (an older format, damage, a read-only folder), it is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from devicekit.core.errors import FileError
from devicekit.library.head import Head
from devicekit.names import MARKS

T = TypeVar("T")
FORM = 2  # version of the tables below; an index of another version is discarded
PATIENCE = 60.0  # time to wait for another process [s]
AREA = "area_m2"  # a field of the head that is searched like a number

# Columns of the table of items, in their order.
COLUMNS = (
    *("key", "file", "mtime_ns", "size", "id", "kind", "name", "source", "law", "added"),
    *(*MARKS, "wafer", "die", "row", "column", "labels", "warnings", "words"),
)
_TYPES = {"key": "INTEGER PRIMARY KEY", "file": "TEXT UNIQUE", "id": "TEXT UNIQUE"}
_TYPES |= dict.fromkeys(("mtime_ns", "size", *MARKS, "row", "column"), "INTEGER")
_ITEM = ", ".join(f'"{name}" {_TYPES.get(name, "TEXT")}' for name in COLUMNS)
_TABLES = f"""
CREATE TABLE item({_ITEM});
CREATE TABLE unreadable(file TEXT PRIMARY KEY, mtime_ns INTEGER, size INTEGER, reason TEXT, twin TEXT);
CREATE TABLE label(item INTEGER, name TEXT, value TEXT, PRIMARY KEY(item, name)) WITHOUT ROWID;
CREATE INDEX label_value ON label(name, value);
CREATE TABLE meaning(key INTEGER PRIMARY KEY, name TEXT, label TEXT, unit TEXT, part TEXT, definition TEXT,
    UNIQUE(name, label, unit, part, definition));
CREATE TABLE scalar(item INTEGER, position INTEGER, name TEXT, value REAL, meaning INTEGER,
    PRIMARY KEY(item, name)) WITHOUT ROWID;
CREATE INDEX scalar_value ON scalar(name, value, item);
CREATE INDEX item_kind ON item(kind);
"""


@dataclass(frozen=True)
class Stamp:
    """Time and size of a file, to detect changes."""

    mtime_ns: int
    size: int


@dataclass(frozen=True)
class KnownFile:
    """A file in the index; `duplicate_of` is another file with the same record, if there is one."""

    stamp: Stamp
    duplicate_of: str | None = None


@dataclass(frozen=True)
class Indexed:
    """The index entry of one file: a head with its search words, or the reason why it has none."""

    file: str
    stamp: Stamp
    head: Head | None = None
    words: str = ""
    reason: str = ""


def index_path(folder: Path) -> Path:
    """Return the path of the index of a folder."""
    import platformdirs

    digest = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:16]
    return platformdirs.user_cache_path("devicekit") / "library" / f"{digest}.sqlite"


class Index:
    """The index of one folder.

    Parameters
    ----------
    path : Path
        File of the index; if it cannot be written, a temporary one is used during the lifetime of the object.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Open a connection to existing tables; a damaged file is made again, once."""
        with closing(self._connect()) as connection:
            yield connection

    def run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query; if the index turns out to be damaged, run it again on a new one.

        If other processes lock the index for a minute, the query runs on a new index in a temporary folder.

        Raises FileError if no index can be written anywhere.
        """
        try:
            try:
                return self._run_once(query)
            except sqlite3.DatabaseError as error:
                if _is_busy(error):
                    self._use_temporary_folder()
                else:
                    self.discard()
                return self._run_once(query)
        except (sqlite3.DatabaseError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise FileError(f"cannot write the index of the library into {self._path.parent}: {reason}") from error

    def _run_once(self, query: Callable[[sqlite3.Connection], T]) -> T:
        with self.open() as connection:
            return query(connection)

    def discard(self) -> None:
        """Remove the file; if that fails, use a temporary one instead."""
        for path in (self._path, self._path.with_name(f"{self._path.name}-journal")):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                self._use_temporary_folder()

    def _use_temporary_folder(self) -> None:
        folder = tempfile.mkdtemp(prefix="devicekit-library-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._path = Path(folder) / "index.sqlite"

    def _connect(self) -> sqlite3.Connection:
        try:
            return self._open_database()
        except sqlite3.DatabaseError as error:
            if _is_busy(error):
                raise
            if isinstance(error, sqlite3.OperationalError) and not self._path.is_file():
                self._use_temporary_folder()
            else:
                self.discard()
        except OSError:
            self._use_temporary_folder()
        try:
            return self._open_database()
        except (sqlite3.OperationalError, OSError):
            self._use_temporary_folder()
            return self._open_database()

    def _open_database(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = OFF")  # it can be made again
            if connection.execute("PRAGMA user_version").fetchone()[0] != FORM:
                _make_tables(connection)
            connection.execute("SELECT key FROM item LIMIT 1")
        except BaseException:
            connection.close()
            raise
        return connection


def _is_busy(error: sqlite3.Error) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables in place of all others; of several processes, only the first makes them."""
    with write_transaction(connection):
        if connection.execute("PRAGMA user_version").fetchone()[0] == FORM:
            return
        there = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for (name,) in there.fetchall():
            connection.execute(f'DROP TABLE "{name}"')
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORM}")


@contextmanager
def write_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Open a transaction that waits for the write lock before it reads."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a disk error may have ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def read_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Open a transaction that shows one state of the index to several queries."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def forget_all(connection: sqlite3.Connection) -> None:
    """Drop every file; within `write_transaction`."""
    for table in ("item", "unreadable", "label", "meaning", "scalar"):
        connection.execute(f"DELETE FROM {table}")


def known_files(connection: sqlite3.Connection) -> dict[str, KnownFile]:
    """Return every file in the index, records and others."""
    rows = connection.execute(
        "SELECT file, mtime_ns, size, NULL FROM item UNION ALL SELECT file, mtime_ns, size, twin FROM unreadable"
    )
    return {file: KnownFile(Stamp(mtime_ns, size), twin) for file, mtime_ns, size, twin in rows}


def put(connection: sqlite3.Connection, found: Iterable[Indexed], gone: Iterable[str] = ()) -> None:
    """Store entries of files, and drop those of removed files; within `write_transaction`."""
    for file in gone:
        _forget(connection, file)
    meanings: dict[tuple[str, ...], int] = {}
    for each in found:
        _forget(connection, each.file)
        if each.head is None:
            _put_unreadable(connection, each, each.reason)
        else:
            _put_head(connection, each, each.head, meanings)


def _forget(connection: sqlite3.Connection, file: str) -> None:
    connection.execute("DELETE FROM unreadable WHERE file = ?", (file,))
    row = connection.execute("SELECT key FROM item WHERE file = ?", (file,)).fetchone()
    if row is not None:
        connection.execute("DELETE FROM label WHERE item = ?", row)
        connection.execute("DELETE FROM scalar WHERE item = ?", row)
        connection.execute("DELETE FROM item WHERE key = ?", row)


def _put_unreadable(connection: sqlite3.Connection, each: Indexed, reason: str, twin: str | None = None) -> None:
    row = (each.file, each.stamp.mtime_ns, each.stamp.size, reason, twin)
    connection.execute("INSERT INTO unreadable VALUES(?, ?, ?, ?, ?)", row)


def _put_head(connection: sqlite3.Connection, each: Indexed, head: Head, meanings: dict[tuple[str, ...], int]) -> None:
    twin = connection.execute("SELECT file FROM item WHERE id = ?", (head.id,)).fetchone()
    if twin is not None:
        _put_unreadable(connection, each, f"It has the same record as {twin[0]}. Remove one of the two.", twin[0])
        return
    place = head.place
    cells: tuple[Any, ...] = (
        *(each.file, each.stamp.mtime_ns, each.stamp.size, head.id, head.kind, head.name, head.source.file, head.law),
        *(head.added, *(getattr(head, mark) for mark in MARKS)),
        *(place.wafer, place.die, place.row, place.column),
        json.dumps(head.labels, ensure_ascii=False),
        json.dumps([[warning.code, warning.message] for warning in head.warnings], ensure_ascii=False),
        each.words,
    )
    marks = ", ".join("?" * len(cells))
    key = connection.execute(f"INSERT INTO item VALUES(NULL, {marks})", cells).lastrowid
    connection.executemany("INSERT INTO label VALUES(?, ?, ?)", [(key, *pair) for pair in head.labels.items()])
    rows = []
    for position, number in enumerate(head.scalars):
        if number.value is not None:
            meaning = (number.name, number.label, number.unit, number.of, number.by)
            rows.append((key, position, number.name, number.value, _meaning(connection, meaning, meanings)))
    if head.area_m2 is not None:
        meaning = (AREA, "area", "m2", "", "")
        rows.append((key, len(head.scalars), AREA, head.area_m2, _meaning(connection, meaning, meanings)))
    connection.executemany("INSERT INTO scalar VALUES(?, ?, ?, ?, ?)", rows)


def _meaning(connection: sqlite3.Connection, meaning: tuple[str, ...], known: dict[tuple[str, ...], int]) -> int:
    """Return the key of the meaning of a number, which many records share."""
    if meaning not in known:
        connection.execute("INSERT OR IGNORE INTO meaning VALUES(NULL, ?, ?, ?, ?, ?)", meaning)
        query = "SELECT key FROM meaning WHERE (name, label, unit, part, definition) = (?, ?, ?, ?, ?)"
        known[meaning] = connection.execute(query, meaning).fetchone()[0]
    return known[meaning]
