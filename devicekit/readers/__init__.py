"""Readers: one file a format behind one registry, detected by content, never by extension alone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from devicekit import plugins
from devicekit.catalog import marks
from devicekit.commands import non_default
from devicekit.errors import FileError, UsageError
from devicekit.names import GLOSSARY, MARK_COLUMN, marks_of_cells
from devicekit.options import QUANTITIES, ReadOptions
from devicekit.readers.layout import KEPT, Column, Layout
from devicekit.readers.source import Source
from devicekit.tables import PulseTable, SweepTable, Table

if TYPE_CHECKING:
    from devicekit.readers.recipe import Recipe


class Reader(Protocol):
    """A reader module.

    NAME and TITLE name it, TAKES are the fields of `ReadOptions` that it can honour (format, device, cycle and width
    are honoured for all of them), `matches` tests the content (a `Signature`, or a function), `read` reads it. A
    format that states its units and quantities sets STATES_UNITS; one of general content, which is asked after the
    specific ones, a number above 0 for GENERAL; one to be asked before them a number below 0.
    """

    NAME: str
    TITLE: str
    TAKES: frozenset[str]

    def matches(self, source: Source) -> bool:
        """Return whether the content is in this format."""

    def read(self, source: Source, options: ReadOptions) -> Table:
        """The validated table of a source that matches."""


_TABLES = frozenset({"long", "updown"})  # older names of the reader of tables
TABLE = "table"
_ALWAYS = frozenset({"format", "device", "cycle", "width"})  # chosen before, or from the table
_OF_TABLES = frozenset({"pulses", "columns_are", "sheets_are", "key"})
_WATCHED = frozenset({"quantity", "unit", "read_voltage", "absolute"})


class _Watched(ReadOptions):
    """Options that note which of them a reader looks at: one that was given and never looked at is refused."""

    def __getattribute__(self, name: str) -> Any:
        if name in _WATCHED:
            self.__dict__.setdefault("seen", set()).add(name)
        return super().__getattribute__(name)


def readers() -> dict[str, Reader]:
    """Every reader by name: those of other packages (entry points `devicekit.readers`) first, then ours.

    Raises
    ------
    UsageError
        If a package announces a reader that cannot be imported.
    """
    found: dict[str, Reader] = plugins.READERS.all()
    return dict(sorted(found.items(), key=lambda item: _general(item[1])))


def _general(reader: Reader) -> int:
    return getattr(reader, "GENERAL", 0)


def _choose(source: Source, options: ReadOptions) -> Reader:
    """The reader of a source: the one that was said, else the first whose format it is.

    Raises
    ------
    FileError, UsageError
        If there is none.
    """
    known = readers()
    if options.format is not None:
        if options.format in _TABLES:
            return known[TABLE]
        if options.format not in known:
            raise UsageError(f"format={options.format!r} is not known; there are {', '.join(known)}")
        return known[options.format]
    for reader in known.values():
        if source.in_memory and _general(reader) <= 0:
            continue
        if reader.matches(source):
            # columns that are named make a table of content that is known by position
            by_position = "columns" not in getattr(reader, "TAKES", {"columns"}) and not source.is_folder
            return known[TABLE] if options.columns and by_position else reader
    raise FileError(f"{source.path} is a folder in no format that devicekit knows")


def _option_names(names: list[str]) -> str:
    return " and ".join({"columns": "map"}.get(name, name) + "=" for name in names)


def _it(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _check_taken(reader: Reader, source: Source, options: ReadOptions, elsewhere: frozenset[str]) -> None:
    """Refuse options that the reader cannot honour."""
    takes = getattr(reader, "TAKES", None)
    said = [name for name in non_default(options) if name not in _ALWAYS | elsewhere]
    wrong = [] if takes is None else [name for name in said if name not in takes]
    if not wrong:
        return
    words = f"{source.path.name} ({reader.TITLE})"
    if getattr(reader, "STATES_UNITS", False) and {"quantity", "unit"} & set(wrong):
        raise UsageError(
            f"{words} states its own quantities and units: leave out unit= and "
            "quantity= (a column of readings after pulses is named by map={read_current_a: COLUMN} or another state)"
        )
    raise UsageError(f"{words} has no use for {_option_names(wrong)}: leave {_it(wrong)} out")


def read(
    path: Path | str | pd.DataFrame | Sequence[Path | str],
    options: ReadOptions | None = None,
    *,
    elsewhere: frozenset[str] = frozenset(),
    **kwargs: Any,
) -> Table:
    """Read a file, a folder or several files of measurements into one validated table.

    Parameters
    ----------
    path : path-like, sequence of path-like, or pandas.DataFrame
        File or folder; several files, which become devices or cycles of one table; or a table in memory, whose
        columns are taken as those of a file would be.
    options : ReadOptions, optional
        What the file does not say itself; alternatively pass the fields of `ReadOptions` as keywords.
    elsewhere : frozenset of str
        Options that the caller has a use of its own for in sweeps; else one that the reader does not use is refused.
    **kwargs
        Fields of `ReadOptions`, instead of `options`; `map` means the same as `columns`.

    Returns
    -------
    PulseTable, SweepTable, EnduranceTable, RetentionTable, StdpTable, TransientTable, PairedTable,
    MultilevelTable or RecordTable
        With its layout, metadata (format, source, records) and a warning for all that was assumed, split or dropped.

    Raises
    ------
    QuestionError
        If there is more than one plausible reading; its `question` says what to answer.
    FileError, TableError, UsageError
        If the file is missing or unreadable, its content is wrong, or an option contradicts it.
    """
    options = options or ReadOptions.of(**kwargs)
    made, asked_files_are = None, options.files_are
    if options.recipe is not None:
        from devicekit.readers import recipe

        made = recipe.load(options.recipe)
        options = replace(made.merge(options), recipe=None)
    if isinstance(path, pd.DataFrame):
        return _read_one(Source.of_frame(path), options, elsewhere, made)
    from devicekit.readers import multiple_files

    files = multiple_files.list_files(path)
    if (files is None or len(files) == 1) and options.files_are is not None:
        if asked_files_are is not None:
            raise UsageError(f"files_are={options.files_are}: there is one file; leave it out")
        options = replace(options, files_are=None)  # a recipe is for one file as well as for many
    if files is None:
        return _read_one(Source(path), options, elsewhere, made)  # type: ignore[arg-type]
    return multiple_files.read(files, options, lambda source, said: _read_one(source, said, elsewhere, made))


def _read_one(
    source: Source, options: ReadOptions, elsewhere: frozenset[str] = frozenset(), made: Recipe | None = None
) -> Table:
    """The table of one source, by a recipe if there is one; see `read`."""
    if made is not None and (made.columns or made.trains) and not source.is_folder:
        options = replace(options, format=options.format or TABLE)
    if made is not None and made.trains is not None and not source.in_memory:
        source = Source.of_trains(source.path, made.trains)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)  # of a hundred columns and more
        reader = _choose(source, options)
        _check_taken(reader, source, options, elsewhere)
        if reader.NAME == TABLE:
            table = _read_table(source, options, made, elsewhere)
        else:
            table = _read_watched(reader, source, options, elsewhere)
    # replace() would validate again
    layout = table.meta.get("layout") or _plain_layout(reader, table)
    layout = layout if made is None else layout.copy_with(trains=made.trains)
    meta = {**table.meta, "layout": layout, "text": {**source.facts(), **layout.text()}}
    known = [*table.meta.get("marks", ()), *(() if source.in_memory else marks(source.path))]
    if known:
        meta["marks"] = list(dict.fromkeys(known))
    if made is not None and made.labels:
        meta["labels"] = dict(made.labels)
    object.__setattr__(table, "meta", meta)
    if MARK_COLUMN in table.frame and marks_of_cells(table.frame[MARK_COLUMN].unique()):  # which meta holds now
        object.__setattr__(table, "frame", table.frame.drop(columns=MARK_COLUMN))
    if isinstance(table, PulseTable):
        return table.select(options.device, options.cycle, options.width)
    if options.width is not None:
        raise UsageError(f"width= chooses pulse trains, and {source.path.name} holds {table.kind} data: leave it out")
    return table.select(options.device, options.cycle)


def _read_table(source: Source, options: ReadOptions, made: Recipe | None, elsewhere: frozenset[str]) -> Table:
    """A table by its layout; options that the layout has no use for are refused."""
    from devicekit.readers.layouts.apply import apply
    from devicekit.readers.layouts.infer import infer_layout

    reading = infer_layout(source, options, made)
    unseen = [name for name in non_default(options) if name in _WATCHED | _OF_TABLES and name not in reading.used]
    unseen = [name for name in unseen if not (name in elsewhere and SweepTable.kind == reading.kind.NAME)]
    if made is not None and options.key == made.options.key:  # it is for the names of many files
        unseen = [name for name in unseen if name != "key"]
    if unseen:
        raise _no_use(source, reading.kind.NAME, unseen)
    return apply(reading, source)


def _read_watched(reader: Reader, source: Source, options: ReadOptions, elsewhere: frozenset[str]) -> Table:
    """A file in an instrument's format; options that its reader never looked at are refused."""
    watched = _Watched(**{each.name: getattr(options, each.name) for each in fields(ReadOptions)})
    watched.__dict__["seen"] = set()
    table = reader.read(source, watched)
    used = watched.__dict__["seen"] | (elsewhere if isinstance(table, SweepTable) else frozenset())
    if unseen := [name for name in non_default(options) if name in _WATCHED - used]:
        raise _no_use(source, table.kind, unseen)
    return table


def _no_use(source: Source, kind: str, names: list[str]) -> UsageError:
    return UsageError(
        f"{source.path.name} was read as a table of kind {kind}, which has no use for {_option_names(names)}: "
        f"leave {_it(names)} out"
    )


def _plain_layout(reader: Reader, table: Table) -> Layout:
    """The layout of an instrument's file: its format explains it."""
    columns = tuple(Column(str(name), str(name) if name in GLOSSARY else KEPT) for name in table.frame.columns)
    return Layout(table.kind, columns, format=reader.NAME, evidence=(f"format {reader.NAME}: {reader.TITLE}",))


__all__ = ["QUANTITIES", "ReadOptions", "Reader", "read", "readers"]
