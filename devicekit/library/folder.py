"""The library itself: a folder of records, one JSON file each, and an index that can be thrown away."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from devicekit import files, work
from devicekit.errors import FileError, invalid_rows
from devicekit.library import index, select
from devicekit.library.head import IndexedHead, check_version
from devicekit.library.index import Index, Indexed, Stamp
from devicekit.library.query import Entry, Found, Query, Unreadable, search_words
from devicekit.text import listed

if TYPE_CHECKING:
    import sqlite3

    from devicekit.features.merit import Settings
    from devicekit.library.record import Record

VARIABLE = "DEVICEKIT_LIBRARY"
_SUFFIX = ".json"
_FILE_DIGITS = 8  # of the id, in a file's name


def default_folder() -> Path:
    """The folder that DEVICEKIT_LIBRARY names, else one among the user's data."""
    import platformdirs

    named = os.environ.get(VARIABLE)
    return Path(named) if named else platformdirs.user_data_path("devicekit") / "library"


@dataclass(frozen=True)
class Added:
    """What adding a record did: the record as it is kept, its file, and whether it was there already."""

    record: Record
    path: Path
    known: bool = False


class Library:
    """A folder of records, plain JSON that may lie on a share, with a disposable index in the user's cache.

    Parameters
    ----------
    folder : path-like, optional
        Made when the first record is added; if not given, the one that DEVICEKIT_LIBRARY names, else one among the
        user's data.

    Raises
    ------
    FileError
        If it is a file.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = Path(folder) if folder is not None else default_folder()
        if os.path.lexists(self.folder) and not self.folder.is_dir():
            raise FileError(f"{self.folder} is no folder; library= takes the folder of a library")
        self._index = Index(index.index_path(self.folder))

    def __repr__(self) -> str:
        return f"<Library {str(self.folder)!r}>"

    def records(self, query: Query | None = None, refresh: bool = True) -> Found:
        """The records that a query asks for, all of them without one, newest first; as the index knows them.

        Parameters
        ----------
        query : Query, optional
        refresh : bool
            Look for changed files first.

        Raises
        ------
        UsageError
            If the query names something that no record has.
        """
        asked = query or Query()
        return self._query_index(lambda connection: select.find(connection, asked), refresh)

    def get(self, id: str) -> Record:
        """A record with its content, by its id or the beginning of one.

        Raises
        ------
        UsageError
            If there is none of that id, or several.
        FileError
            If its content is not valid.
        """
        return self.open(self.entry(id))

    def entry(self, id: str) -> Entry:
        """A record as the index knows it, by its id or the beginning of one; raises UsageError as `get` does."""
        return self._query_index(lambda connection: select.find_by_prefix(connection, id))

    def open(self, entry: Entry) -> Record:
        """A record with its content.

        Raises
        ------
        FileError
            If its content is not valid, or the file has changed since.
        """
        from devicekit.library.record import load

        record = load(self._path(entry.file))
        if record.id != entry.id:
            raise FileError(f"{entry.file} holds another record now; devicekit library refresh takes it up")
        return record

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Files of the folder that are no records, and why."""
        return self._query_index(select.unreadable)

    def names(self) -> tuple[str, ...]:
        """Names of all numbers that can be searched and sorted by."""
        return self._query_index(select.scalar_names)

    def labels(self) -> tuple[str, ...]:
        """Names of all labels."""
        return self._query_index(select.label_names)

    def kinds(self) -> tuple[str, ...]:
        """All kinds of records that there are."""
        return self._query_index(select.kinds)

    def add(self, record: Record) -> Added:
        """Keep a record. One of the same content is there once: what is said anew of place and labels is added to it.

        Raises
        ------
        FileError
            If the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot make the library {self.folder}: {error.strerror or error}") from error
        with work.locked(self.folder):  # what another process adds meanwhile to the same record is not lost
            return self._add(record)

    def _add(self, record: Record) -> Added:
        from devicekit.library.origin import Metadata
        from devicekit.library.record import relabel

        existing = self._index.ask(lambda connection: self._find_duplicate(connection, record))
        if existing is not None:
            path, old = existing
            metadata = Metadata(record.place, record.labels, record.area_m2, record.origins)
            renamed = record.name if record.origins.get("name") == "hand" else None
            new = relabel(old, metadata, renamed, record.marks)
            if new == old:
                return Added(old, path, known=True)
        else:
            free = [each for each in self._candidate_paths(record) if not os.path.lexists(each)]
            if not free:
                raise FileError(f"{self._candidate_paths(record)[1]} is in the way of a record: move it away")
            path, new = free[0], record
        files.write_text(path, new.to_json(), replace=existing is not None)
        self._index_file(path)
        return Added(new, path, known=existing is not None)

    def add_file(
        self,
        path: Path | str,
        *,
        name: str | None = None,
        labels: Mapping[str, str | int] | None = None,
        place_from: str | None = None,
        marks: Sequence[str] = (),
        by_device: bool = False,
        settings: Settings | None = None,
        **reading: Any,
    ) -> tuple[Added, ...]:
        """Keep a device card, a record of another library, or what is found in a measurement.

        Parameters
        ----------
        path : path-like
            A card or record (.json), or a file of measurements, whose figures of merit are taken.
        name : str, optional
            Of the record; if not given the card's, or the file's.
        labels : mapping of str to str, optional
            wafer, die, row, column, and labels: stack, area, operator, date, any other.
        place_from : str, optional
            A pattern whose named groups find these in the file's name; without one R3C5 is found.
        marks : sequence of str
            synthetic, simulated or calibrated, beside what the file says itself.
        by_device : bool
            One record a device of the file instead of one of all.
        settings : Settings, optional
            Definitions of voltages, thresholds.
        **reading
            Fields of `ReadOptions`, for a file of measurements.

        Raises
        ------
        DevicekitError
            If the file cannot be read, nothing can be said about it, or an option does not fit it.
        """
        from devicekit.library.collect import AddOptions, collect

        options = AddOptions(name, dict(labels or {}), place_from, tuple(marks), by_device, settings)
        return tuple([self.add(record) for record in collect(Path(path), options, reading)])

    def remove(self, *ids: str) -> tuple[Entry, ...]:
        """Remove records, by id or the beginning of one: all that are named, or none.

        Raises
        ------
        UsageError
            If an id is unknown or not the beginning of one alone.
        FileError
            If a file cannot be removed.
        """
        gone = tuple({entry.id: entry for entry in map(self.entry, ids)}.values())
        with work.locked(self.folder):
            for entry in gone:
                path = self._path(entry.file)
                head = self._index_entry(path).head
                if head is None or head.id != entry.id:
                    raise FileError(f"{path} is no record any more, and is kept")
                try:
                    path.unlink()
                except OSError as error:
                    raise FileError(f"cannot remove {path}: {error.strerror or error}") from error
        self.refresh()
        return gone

    def refresh(self, rebuild: bool = False) -> tuple[Unreadable, ...]:
        """Take up what changed in the folder; with `rebuild` everything anew. Files that are no records."""
        return self._query_index(select.unreadable, rebuild=rebuild)

    def _query_index(
        self, question: Callable[[sqlite3.Connection], index.T], refresh: bool = True, rebuild: bool = False
    ) -> index.T:
        """The answer of the index to a question, after what changed in the folder was taken up."""

        def answer(connection: sqlite3.Connection) -> index.T:
            if rebuild:
                with index.write_transaction(connection):
                    index.forget_all(connection)
            if refresh or not index.known_files(connection):
                self._update(connection)
            with index.read_transaction(connection):
                return question(connection)

        return self._index.ask(answer)

    def _update(self, connection: sqlite3.Connection) -> None:
        """Read what is new or changed, forget what is gone. What is known is looked up before the folder is listed:
        a file that another process adds meanwhile is then taken up twice, never forgotten."""
        known = index.known_files(connection)
        there = self._list_files()

        def changed(file: str, stamp: Stamp) -> bool:
            old = known.get(file)
            if old is None or old.stamp != stamp:
                return True
            twin = old.twin
            return twin is not None and (twin not in known or there.get(twin) != known[twin].stamp)

        stale = [file for file, stamp in there.items() if changed(file, stamp)]
        gone = [file for file in known if file not in there]
        if stale or gone:
            found = [self._index_entry(self._path(file)) for file in sorted(stale)]
            with index.write_transaction(connection):
                index.put(connection, found, [*gone, *stale])

    def _list_files(self) -> dict[str, Stamp]:
        """JSON files of the folder with their stamps; hidden ones are nobody's business."""
        found = {}
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if entry.name.endswith(_SUFFIX) and not entry.name.startswith("."):
                        name = os.fsencode(entry.name).decode("utf-8", "backslashreplace")
                        try:
                            held = entry.stat(follow_symlinks=False)
                        except OSError:
                            continue  # gone meanwhile
                        found[name] = Stamp(held.st_mtime_ns, held.st_size)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise FileError(f"cannot read the library {self.folder}: {error.strerror or error}") from error
        return found

    def _path(self, file: str) -> Path:
        return self.folder / file

    def _index_entry(self, path: Path) -> Indexed:
        """Return what the index is told of a file."""
        stamp = _stamp(path) or Stamp(0, 0)
        try:
            head = read_head(path)
        except FileError as error:
            reason = " ".join(str(error).replace(f"{path}", path.name).split())
            return Indexed(path.name, stamp, reason=reason)
        from devicekit.models.registry import LAWS  # heavy, and of no use where nothing has changed

        title = LAWS[head.law].title if head.law in LAWS else ""
        return Indexed(path.name, stamp, head, search_words(head, title))

    def _find_duplicate(self, connection: sqlite3.Connection, record: Record) -> tuple[Path, Record] | None:
        """The file that holds the same content already, by the index or by its name, and the record in it."""
        from devicekit.library.record import load

        row = connection.execute("SELECT file FROM item WHERE id = ?", (record.id,)).fetchone()
        for path in [self._path(row[0])] if row else self._candidate_paths(record):
            try:
                held = load(path)
            except FileError:
                continue
            if held.id == record.id:
                return path, held
        return None

    def _candidate_paths(self, record: Record) -> tuple[Path, Path]:
        """Where a record may be: its name and the first digits of its id, or all of them where those are taken."""
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", record.name).strip("._-")[:60] or "record"
        short, long = (self._path(f"{stem}-{digits}{_SUFFIX}") for digits in (record.id[:_FILE_DIGITS], record.id))
        return short, long

    def _index_file(self, path: Path) -> None:
        def put(connection: sqlite3.Connection) -> None:
            with index.write_transaction(connection):
                index.put(connection, [self._index_entry(path)])

        self._index.ask(put)


def _stamp(path: Path) -> Stamp | None:
    """The stamp of a file itself, no link followed; None if there is none."""
    try:
        held = os.lstat(path)
    except OSError:
        return None
    return Stamp(held.st_mtime_ns, held.st_size)


def read_head(path: Path) -> IndexedHead:
    """Return what the index needs of a file.

    Raises
    ------
    FileError
        If it is no record; a link is none, for what it leads to may change unseen.
    """
    if not path.name.isprintable() or "\\" in path.name:
        raise FileError("its name holds characters that cannot be printed: rename it")
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    if stat.S_ISLNK(mode):
        raise FileError(f"{path} is a link: copy the file itself into the library")
    text = files.read_text(path)
    try:
        return IndexedHead.model_validate_json(text)
    except ValidationError as error:
        raw = files.parse_json(text, str(path))
        check_version(raw, str(path))
        rows = [replace(row, expected=row.expected[:200]) for row in invalid_rows(error, "record")[:3]]
        raise FileError(f"{path} is no valid record: {listed([str(row) for row in rows])}") from error
