"""Readers: one file a format behind one registry, detected by content, never by extension alone."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from devicekit import plugins
from devicekit.errors import FileError, UsageError
from devicekit.options import QUANTITIES, ReadOptions
from devicekit.readers.source import Source
from devicekit.tables import PulseTable, SweepTable, Table


class Reader(Protocol):
    """A reader module.

    NAME and TITLE name it, TAKES are the fields of `ReadOptions` that it can honour (format, device, cycle and width
    are honoured for all of them), `matches` tests the content (a `Signature`, or a function), `read` reads it. A
    format that states its units and quantities sets STATES_UNITS; one of general content, which is asked after the
    specific ones, a number above 0 for GENERAL.
    """

    NAME: str
    TITLE: str
    TAKES: frozenset[str]

    def matches(self, source: Source) -> bool:
        """Whether the content is in this format."""

    def read(self, source: Source, options: ReadOptions) -> Table:
        """The validated table of a source that matches."""


_ALWAYS = frozenset({"format", "device", "cycle", "width"})  # chosen before, or from the table
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
    known = readers()
    if options.format is not None:
        if options.format not in known:
            raise UsageError(f"format={options.format!r} is not known; there are {', '.join(known)}")
        return known[options.format]
    for reader in known.values():
        if source.in_memory and not _general(reader):
            continue
        if reader.matches(source):
            # columns that are named make a long table of content that is known by position
            by_position = "columns" not in getattr(reader, "TAKES", {"columns"}) and not source.is_folder
            return known["long"] if options.columns and by_position else reader
    raise _unknown(source, known)


def _unknown(source: Source, known: dict[str, Reader]) -> FileError:
    """What to say of content that no reader knows."""
    if source.path.suffix == ".m":
        return FileError(
            f"{source.path.name}: no NeuroSim data in it; they stand in exp_LTP_raw = [pulse G ...]; and "
            "exp_LTD_raw = [...];"
        )
    if source.is_folder:
        missing = [name for name in ("set.csv", "reset.csv") if not (source.path / name).is_file()]
        return FileError(
            f"{source.path} is a folder without the expected files: CrossSim ramps need set.csv (LTP) and reset.csv "
            f"(LTD), and {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        )
    formats = "; ".join(f"{reader.NAME}: {reader.TITLE}" for reader in known.values())
    columns = ", ".join(source.delimited.columns[:12])
    return FileError(
        f"{source.path.name} is in no format that devicekit knows ({formats}). Its columns are {columns}; say "
        "what they are with map={NAME: COLUMN}"
    )


def _given(options: ReadOptions) -> list[str]:
    """The options that somebody gave."""
    usual = ReadOptions()
    return [each.name for each in fields(ReadOptions) if getattr(options, each.name) != getattr(usual, each.name)]


def _option_names(names: list[str]) -> str:
    return " and ".join({"columns": "map"}.get(name, name) + "=" for name in names)


def _it(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _check_taken(reader: Reader, source: Source, options: ReadOptions, elsewhere: frozenset[str]) -> None:
    """Refuse options that the reader cannot honour."""
    takes = getattr(reader, "TAKES", None)
    given = [name for name in _given(options) if name not in _ALWAYS | elsewhere]
    wrong = [] if takes is None else [name for name in given if name not in takes]
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
    path: Path | str | pd.DataFrame,
    options: ReadOptions | None = None,
    *,
    elsewhere: frozenset[str] = frozenset(),
    **kwargs: Any,
) -> Table:
    """Read a file or folder of measurements into a validated table.

    Parameters
    ----------
    path : path-like or pandas.DataFrame
        File or folder; or a table in memory, whose columns are taken as those of a file would be.
    options : ReadOptions, optional
        What the file does not say itself; alternatively pass the fields of `ReadOptions` as keywords.
    elsewhere : frozenset of str
        Options that the caller has a use of its own for in sweeps; else one that the reader does not use is refused.
    **kwargs
        Fields of `ReadOptions`, instead of `options`; `map` means the same as `columns`.

    Returns
    -------
    PulseTable, SweepTable, EnduranceTable, RetentionTable, StdpTable or RecordTable
        With metadata (format, source, records) and a warning for all that was assumed, split or dropped.

    Raises
    ------
    FileError, TableError, UsageError
        If the file is missing or unreadable, its content is wrong, or something must be said by an option.
    """
    options = options or ReadOptions.of(**kwargs)
    source = Source.of_frame(path) if isinstance(path, pd.DataFrame) else Source(path)
    reader = _choose(source, options)
    _check_taken(reader, source, options, elsewhere)
    watched = _Watched(**{each.name: getattr(options, each.name) for each in fields(ReadOptions)})
    watched.__dict__["seen"] = set()
    table = reader.read(source, watched)
    used = watched.__dict__["seen"] | (elsewhere if isinstance(table, SweepTable) else frozenset())
    unseen = [name for name in _given(options) if name in _WATCHED - used]
    if unseen:
        raise UsageError(
            f"{source.path.name} was read as a table of kind {table.kind}, which has no use for "
            f"{_option_names(unseen)}: leave {_it(unseen)} out"
        )
    # replace() would validate again
    object.__setattr__(table, "meta", {**table.meta, "text": source.facts()})
    if isinstance(table, PulseTable):
        return table.select(options.device, options.cycle, options.width)
    if options.width is not None:
        raise UsageError(f"width= chooses pulse trains, and {source.path.name} holds {table.kind} data: leave it out")
    return table.select(options.device, options.cycle)


__all__ = ["QUANTITIES", "ReadOptions", "Reader", "read", "readers"]
