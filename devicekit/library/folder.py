"""The library: a folder of records, one JSON file each, and a disposable index."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from devicekit.core.calls import as_path, called_as
from devicekit.core.errors import FileError, UsageError, invalid_rows
from devicekit.core.printing import Printed
from devicekit.core.text import count, listed
from devicekit.library import index, select
from devicekit.library.head import IndexedHead, check_version
from devicekit.library.index import Index, Indexed, Stamp
from devicekit.library.query import Entry, Found, Query, Unreadable, search_words
from devicekit.system import files, work, writing

if TYPE_CHECKING:
    import sqlite3

    from devicekit.features.merit import Settings
    from devicekit.library.record import Record

VARIABLE = "DEVICEKIT_LIBRARY"
_SUFFIX = ".json"
_FILE_DIGITS = 8  # digits of the id in a file name


def default_folder() -> Path:
    """Return the folder named by DEVICEKIT_LIBRARY, else one in the user data folder."""
    import platformdirs

    named = os.environ.get(VARIABLE)
    return Path(named) if named else platformdirs.user_data_path("devicekit") / "library"


def file_stem(name: str) -> str:
    """Return the name of a record as a file may be called, without an ending."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:60] or "record"


@dataclass(frozen=True)
class Added(Printed):
    """The result of adding a record: the stored record, its file, and True if it was in the library before."""

    record: Record
    path: Path
    known: bool = False


class Library:
    """A folder of JSON records, also on a network share, with a disposable index in the user cache.

    Parameters
    ----------
    folder : path-like, optional
        Created with the first record; default: the folder named by DEVICEKIT_LIBRARY, else one in the user data
        folder.

    Raises
    ------
    FileError
        If the path is a file.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = as_path(folder, "devicekit.Library") if folder is not None else default_folder()
        if os.path.lexists(self.folder) and not self.folder.is_dir():
            raise FileError(f"{self.folder} is not a folder. library= takes the folder of a library.")
        self._index = Index(index.index_path(self.folder))

    def __repr__(self) -> str:
        return f"<Library {str(self.folder)!r}>"

    def __str__(self) -> str:
        found = self.records()
        names = ", ".join(each.name for each in found.entries[:5])
        return f"<Library {str(self.folder)!r}: {count(found.total, 'record')}>" + (f"\n  {names}" if names else "")

    def records(self, query: Query | None = None, refresh: bool = True) -> Found:
        """Return the index entries of the records that match a query, by default all, newest first.

        Parameters
        ----------
        query : Query, optional
        refresh : bool
            True to look for changed files first.

        Raises
        ------
        UsageError
            If the query names a kind, number or label that no record has.
        """
        asked = query or Query()
        return self._query_index(lambda connection: select.find(connection, asked), refresh)

    def get(self, id: str) -> Record:
        """Return a record with its content, by its id or the beginning of one.

        Raises
        ------
        UsageError
            If no record or several records have that id.
        FileError
            If its content is invalid.
        """
        return self.open(self.entry(id))

    def entry(self, id: str) -> Entry:
        """Return the index entry of a record, by its id or the beginning of one; raises UsageError as `get` does."""
        return self._query_index(lambda connection: select.find_by_prefix(connection, id))

    def open(self, entry: Entry) -> Record:
        """Return the record of an entry, with its content.

        Raises
        ------
        FileError
            If its content is invalid, or the file was changed since.
        """
        from devicekit.library.record import load

        record = load(self._path(entry.file))
        if record.id != entry.id:
            raise FileError(f"{entry.file} now contains another record. Run devicekit library refresh.")
        return record

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Files of the folder that are not records, with the reason."""
        return self._query_index(select.unreadable)

    def names(self) -> tuple[str, ...]:
        """Return the names of all numbers for searching and sorting."""
        return self._query_index(select.scalar_names)

    def labels(self) -> tuple[str, ...]:
        """Return the names of all labels."""
        return self._query_index(select.label_names)

    def kinds(self) -> tuple[str, ...]:
        """Return all kinds of records in the library."""
        return self._query_index(select.kinds)

    @called_as("library.add(record)")
    def add(self, record: Record) -> Added:
        """Add a record. A record with the same content is kept once; new place, labels and marks are added to it.

        Raises
        ------
        FileError
            If the folder cannot be written.
        """
        from devicekit.library.record import Record

        if not isinstance(record, Record):
            raise UsageError(
                f"library.add takes a record, not {type(record).__name__}. For files: library.add_file('mine.csv')."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError.of("Cannot create the library", self.folder, error) from error
        with work.locked(self.folder):  # keeps what another process adds to the same record
            return self._add(record)

    def _add(self, record: Record) -> Added:
        from devicekit.library.origin import Metadata
        from devicekit.library.record import relabel

        existing = self._index.run(lambda connection: self._find_duplicate(connection, record))
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
                raise FileError(f"cannot write the record: {self._candidate_paths(record)[1]} exists. Move it away.")
            path, new = free[0], record
        writing.write_text(path, new.to_json(), replace=existing is not None)
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
        """Add a device card, a record of another library, or the figures of merit of a measurement.

        Parameters
        ----------
        path : path-like
            A card or record (.json), or a file of measurements.
        name : str, optional
            Name of the record; default: that of the card or the file.
        labels : mapping of str to str, optional
            wafer, die, row, column, and labels: stack, area, operator, date, any other.
        place_from : str, optional
            A pattern whose named groups find these in the file name; by default R3C5 is found.
        marks : sequence of str
            synthetic, simulated or calibrated, in addition to the marks in the file.
        by_device : bool
            True for one record per device of the file instead of one in total.
        settings : Settings, optional
            Definitions of voltages, thresholds.
        **reading
            Fields of `ReadOptions`, for a file of measurements.

        Raises
        ------
        DevicekitError
            If the file cannot be read or evaluated, or an option does not apply to it.
        """
        from devicekit.library.collect import AddOptions, collect

        options = AddOptions(name, dict(labels or {}), place_from, tuple(marks), by_device, settings)
        return tuple([self.add(record) for record in collect(Path(path), options, reading)])

    def remove(self, *ids: str) -> tuple[Entry, ...]:
        """Remove records, by id or the beginning of one: all of them, or none.

        Raises
        ------
        UsageError
            If an id is unknown or ambiguous.
        FileError
            If a file cannot be removed.
        """
        gone = tuple({entry.id: entry for entry in map(self.entry, ids)}.values())
        with work.locked(self.folder):
            for entry in gone:
                path = self._path(entry.file)
                head = self._index_entry(path).head
                if head is None or head.id != entry.id:
                    raise FileError(f"{path} was changed and is not this record any more. It was not removed.")
                try:
                    path.unlink()
                except OSError as error:
                    raise FileError.of("Cannot remove", path, error) from error
        self.refresh()
        return gone

    def refresh(self, rebuild: bool = False) -> tuple[Unreadable, ...]:
        """Index changed files, or all files with `rebuild`; return the files that are not records."""
        return self._query_index(select.unreadable, rebuild=rebuild)

    def _query_index(
        self, query: Callable[[sqlite3.Connection], index.T], refresh: bool = True, rebuild: bool = False
    ) -> index.T:
        """Run a query on the index, after indexing changed files."""

        def answer(connection: sqlite3.Connection) -> index.T:
            if rebuild:
                with index.write_transaction(connection):
                    index.forget_all(connection)
            if refresh or not index.known_files(connection):
                self._update(connection)
            with index.read_transaction(connection):
                return query(connection)

        return self._index.run(answer)

    def _update(self, connection: sqlite3.Connection) -> None:
        """Index new and changed files, and drop removed ones.

        The index is read before the folder is listed: a file that another process adds in between is then indexed
        twice, but never dropped.
        """
        known = index.known_files(connection)
        there = self._list_files()

        def changed(file: str, stamp: Stamp) -> bool:
            old = known.get(file)
            if old is None or old.stamp != stamp:
                return True
            other = old.duplicate_of
            return other is not None and (other not in known or there.get(other) != known[other].stamp)

        stale = [file for file, stamp in there.items() if changed(file, stamp)]
        gone = [file for file in known if file not in there]
        if stale or gone:
            found = [self._index_entry(self._path(file)) for file in sorted(stale)]
            with index.write_transaction(connection):
                index.put(connection, found, [*gone, *stale])

    def _list_files(self) -> dict[str, Stamp]:
        """Return the JSON files of the folder with their stamps, without hidden files."""
        found = {}
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if entry.name.endswith(_SUFFIX) and not entry.name.startswith("."):
                        name = os.fsencode(entry.name).decode("utf-8", "backslashreplace")
                        try:
                            status = entry.stat(follow_symlinks=False)
                        except OSError:
                            continue  # removed in the meantime
                        found[name] = Stamp(status.st_mtime_ns, status.st_size)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise FileError.of("cannot read the library", self.folder, error) from error
        return found

    def _path(self, file: str) -> Path:
        return self.folder / file

    def _index_entry(self, path: Path) -> Indexed:
        """Return the index entry of a file."""
        stamp = _stamp(path) or Stamp(0, 0)
        try:
            head = read_head(path)
        except FileError as error:
            reason = " ".join(str(error).replace(f"{path}", path.name).split())
            return Indexed(path.name, stamp, reason=reason)
        from devicekit.models.registry import LAWS  # slow to import, and not needed if nothing has changed

        title = LAWS[head.law].title if head.law in LAWS else ""
        return Indexed(path.name, stamp, head, search_words(head, title))

    def _find_duplicate(self, connection: sqlite3.Connection, record: Record) -> tuple[Path, Record] | None:
        """Find an existing record with the same content, by the index or by its file name."""
        from devicekit.library.record import load

        row = connection.execute("SELECT file FROM item WHERE id = ?", (record.id,)).fetchone()
        for path in [self._path(row[0])] if row else self._candidate_paths(record):
            try:
                found = load(path)
            except FileError:
                continue
            if found.id == record.id:
                return path, found
        return None

    def _candidate_paths(self, record: Record) -> tuple[Path, Path]:
        """Return the possible paths of a record: its name with the first digits of its id, or with all of them."""
        stem = file_stem(record.name)
        short, long = (self._path(f"{stem}-{digits}{_SUFFIX}") for digits in (record.id[:_FILE_DIGITS], record.id))
        return short, long

    def _index_file(self, path: Path) -> None:
        def put(connection: sqlite3.Connection) -> None:
            with index.write_transaction(connection):
                index.put(connection, [self._index_entry(path)])

        self._index.run(put)


def _stamp(path: Path) -> Stamp | None:
    """Return the stamp of a file, without following links; None if it does not exist."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return Stamp(status.st_mtime_ns, status.st_size)


def read_head(path: Path) -> IndexedHead:
    """Read the head of a record file.

    Raises FileError if it is not a record, or a link, whose target could change unnoticed.
    """
    if not path.name.isprintable() or "\\" in path.name:
        raise FileError("The file name has unprintable characters. Rename it.")
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        raise FileError.of("cannot read", path, error) from error
    if stat.S_ISLNK(mode):
        raise FileError(f"{path} is a link. Copy the file itself into the library.")
    text = files.read_text(path)
    try:
        return IndexedHead.model_validate_json(text)
    except ValidationError as error:
        raw = files.parse_json(text, str(path))
        check_version(raw, str(path))
        rows = [replace(row, expected=row.expected[:200]) for row in invalid_rows(error, "record")[:3]]
        raise FileError(f"{path} is not a valid record: {listed([str(row) for row in rows])}") from error
