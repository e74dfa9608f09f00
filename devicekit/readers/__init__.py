"""Readers: one file a format behind one registry, detected by content, never by extension alone."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from devicekit.errors import FileError, UsageError
from devicekit.options import QUANTITIES, ReadOptions
from devicekit.plugins import announced
from devicekit.readers import (
    arcone,
    crosssim,
    easyexpert,
    keithley4200,
    long,
    neurosim,
    smu,
    table,
    testchip,
    updown,
    wgfmu,
)
from devicekit.readers.source import Source
from devicekit.tables import PulseTable, Table


class Reader(Protocol):
    """A reader module: its name, a title for people, a test of the content, and the reading itself."""

    NAME: str
    TITLE: str

    def matches(self, source: Source) -> bool:
        """Whether the content is in this format."""

    def read(self, source: Source, options: ReadOptions) -> Table:
        """The validated table of a source that matches."""


# In order of detection: the most specific content first.
READERS: dict[str, Reader] = {
    module.NAME: module  # type: ignore[misc]
    for module in (
        crosssim, neurosim, keithley4200, easyexpert, smu, wgfmu, arcone, testchip, long, updown, table,
    )
}  # fmt: skip
_TAKE_MAP = {
    "keithley4200",
    "easyexpert",
    "smu",
    "wgfmu",
    "long",
}  # the others know their columns by position


def readers() -> dict[str, Reader]:
    """Every reader by name: those of other packages (entry points `devicekit.readers`) first, then ours.

    Raises
    ------
    UsageError
        If a package announces a reader that cannot be imported.
    """
    return {**announced("devicekit.readers", "reader"), **READERS}


# Instrument formats say what their numbers are; an option that says otherwise must not be passed over.
_UNITS_OF_THEIR_OWN = frozenset({"arcone", "easyexpert", "keithley4200", "smu", "testchip", "wgfmu"})


def _choose(source: Source, options: ReadOptions) -> Reader:
    known = readers()
    if options.format is not None:
        if options.format not in known:
            raise UsageError(f"--format {options.format!r} is not known; there are {', '.join(known)}")
        return known[options.format]
    for name, reader in known.items():
        if reader.matches(source):
            return (
                known["long"]
                if options.columns and not source.is_folder and name in (READERS.keys() - _TAKE_MAP)
                else reader
            )
    if source.path.suffix == ".m":
        raise FileError(
            f"{source.path.name}: no NeuroSim data in it; they stand in exp_LTP_raw = [pulse G ...]; and "
            "exp_LTD_raw = [...];"
        )
    formats = "; ".join(f"{reader.NAME}: {reader.TITLE}" for reader in known.values())
    if source.is_folder:
        missing = [name for name in ("set.csv", "reset.csv") if not (source.path / name).is_file()]
        raise FileError(
            f"{source.path} is a folder without the expected files: CrossSim ramps need set.csv (LTP) and reset.csv "
            f"(LTD), and {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        )
    columns = ", ".join(source.delimited.columns[:12])
    raise FileError(
        f"{source.path.name} is in no format that devicekit knows ({formats}). Its columns are {columns}; say "
        "what they are with --map NAME=COLUMN"
    )


def read(path: Path | str, options: ReadOptions | None = None, **kwargs: object) -> Table:
    """Read a file or folder of measurements into a validated table.

    Parameters
    ----------
    path : path-like
        File or folder.
    options : ReadOptions, optional
        What the file does not say itself; alternatively pass the fields of `ReadOptions` as keywords.
    **kwargs
        Fields of `ReadOptions`, instead of `options`.

    Returns
    -------
    PulseTable, SweepTable, EnduranceTable, RetentionTable, StdpTable or RecordTable
        With metadata (format, source, records) and flags for all that was assumed, split or dropped.

    Raises
    ------
    FileError, TableError, UsageError
        If the file is missing or unreadable, its content is wrong, or something must be said by an option.
    """
    options = options or ReadOptions(**kwargs)  # type: ignore[arg-type]
    source = Source(path)
    reader = _choose(source, options)
    if reader.NAME in _UNITS_OF_THEIR_OWN and (options.unit or options.quantity):
        raise UsageError(
            f"{source.path.name} is {reader.TITLE}, which states its own quantities and units: leave out --unit and "
            "--quantity (a column of readings after pulses is named by --map read_current_a=COLUMN or another state)"
        )
    table = reader.read(source, options)
    object.__setattr__(
        table, "meta", {**table.meta, "text": source.facts()}
    )  # replace() would validate again
    if isinstance(table, PulseTable):
        return table.select(options.device, options.cycle, options.width)
    return table.select(options.device, options.cycle)


__all__ = ["QUANTITIES", "READERS", "ReadOptions", "Reader", "read", "readers"]
