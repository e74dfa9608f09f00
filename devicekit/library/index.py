"""The index of a library: SQLite in the user's cache folder, made from the JSON files and thrown away at will.

It is never beside the records: their folder may be a share, or one that may only be read. Whatever is wrong with it
(an older form, damage, a folder that may not be written) is answered by making it anew.
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

from devicekit.errors import FileError
from devicekit.library.head import Head

T = TypeVar("T")
FORM = 1  # of the tables below; another one found is thrown away
PATIENCE = 60.0  # s to wait for another process
AREA = "area_m2"  # a number of the head that is searched like the others

# Of the table of items, in their order.
COLUMNS = (
    *("key", "file", "mtime_ns", "size", "id", "kind", "name", "source", "law", "added"),
    *("synthetic", "simulated", "calibrated", "wafer", "die", "row", "column", "labels", "warnings", "words"),
)
_TYPES = {"key": "INTEGER PRIMARY KEY", "file": "TEXT UNIQUE", "id": "TEXT UNIQUE"}
_TYPES |= dict.fromkeys(("mtime_ns", "size", "synthetic", "simulated", "calibrated", "row", "column"), "INTEGER")
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
    """By which a changed file is known."""

    mtime_ns: int
    size: int


@dataclass(frozen=True)
class KnownFile:
    """What the index knows of a file; `twin` is the file that holds the same record, if that is why it has none."""

    stamp: Stamp
    twin: str | None = None


@dataclass(frozen=True)
class Indexed:
    """What the index is told of one file: a head with the words to search it by, or why there is none."""

    file: str
    stamp: Stamp
    head: Head | None = None
    words: str = ""
    reason: str = ""


def index_path(folder: Path) -> Path:
    """Return where the index of a folder is kept."""
    import platformdirs

    digest = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:16]
    return platformdirs.user_cache_path("devicekit") / "library" / f"{digest}.sqlite"


class Index:
    """The index of one folder.

    Parameters
    ----------
    path : Path
        Its file; where that cannot be written, a temporary one is used as long as the object lives.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """A connection with the tables there; damage is met by making the file anew, once."""
        with closing(self._connect()) as connection:
            yield connection

    def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """The answer to a question; where damage comes to light on the way, it is asked again of a new index.

        So it is, of one in a temporary folder, where other processes do not leave the index for a minute.

        Raises
        ------
        FileError
            If there is no room for an index anywhere.
        """
        try:
            try:
                return self._run_once(question)
            except sqlite3.DatabaseError as error:
                if _is_busy(error):
                    self._use_temporary_folder()
                else:
                    self.discard()
                return self._run_once(question)
        except (sqlite3.DatabaseError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise FileError(f"cannot write the index of the library into {self._path.parent}: {reason}") from error

    def _run_once(self, question: Callable[[sqlite3.Connection], T]) -> T:
        with self.open() as connection:
            return question(connection)

    def discard(self) -> None:
        """Remove the file; what cannot be removed is not used any more."""
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
            connection.execute("PRAGMA synchronous = OFF")  # it can be made anew
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
    """The tables, in place of whatever is there; of several processes the first makes them."""
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
    """One transaction, that waits for its turn before it reads."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a failure of the disk has ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def read_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One state of the index for several questions: what other processes write meanwhile is not seen."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def forget_all(connection: sqlite3.Connection) -> None:
    """Forget every file; within `write_transaction`."""
    for table in ("item", "unreadable", "label", "meaning", "scalar"):
        connection.execute(f"DELETE FROM {table}")


def known_files(connection: sqlite3.Connection) -> dict[str, KnownFile]:
    """Every file that the index knows, records and others."""
    rows = connection.execute(
        "SELECT file, mtime_ns, size, NULL FROM item UNION ALL SELECT file, mtime_ns, size, twin FROM unreadable"
    )
    return {file: KnownFile(Stamp(mtime_ns, size), twin) for file, mtime_ns, size, twin in rows}


def put(connection: sqlite3.Connection, found: Iterable[Indexed], gone: Iterable[str] = ()) -> None:
    """Take up files, and forget those that are gone; within `write_transaction`."""
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
        _put_unreadable(connection, each, f"holds the same record as {twin[0]}: remove one of the two", twin[0])
        return
    place = head.place
    cells: tuple[Any, ...] = (
        *(each.file, each.stamp.mtime_ns, each.stamp.size, head.id, head.kind, head.name, head.source.file, head.law),
        *(head.added, head.synthetic, head.simulated, head.calibrated),
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
    """Key of a number's meaning, which many records share."""
    if meaning not in known:
        connection.execute("INSERT OR IGNORE INTO meaning VALUES(NULL, ?, ?, ?, ?, ?)", meaning)
        query = "SELECT key FROM meaning WHERE (name, label, unit, part, definition) = (?, ?, ?, ?, ?)"
        known[meaning] = connection.execute(query, meaning).fetchone()[0]
    return known[meaning]
