"""Readers of measured files: one module for each format, chosen by the content of a file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from devicekit.core.calls import called_as
from devicekit.core.errors import CodedWarning, DevicekitError, FileError, UsageError
from devicekit.core.quantities import GLOSSARY
from devicekit.core.text import count
from devicekit.names import MARK_COLUMN, marks_of_cells
from devicekit.readers import effort, memory, origins, own
from devicekit.readers.checks import add_checks
from devicekit.readers.layout import KEPT, Column, Layout
from devicekit.readers.source import Source, Sources, find_source
from devicekit.system import left_out, plugins
from devicekit.system.answers import Answered, read_with_answers
from devicekit.system.catalog import marks
from devicekit.system.commands import keyword, non_default
from devicekit.system.options import OPTIONS, QUANTITIES, ReadOptions
from devicekit.tables import PulseTable, RecordTable, SweepTable, Table

if TYPE_CHECKING:
    from devicekit.readers.recipe import Recipe


class Reader(Protocol):
    """A reader module.

    NAME and TITLE name it. TAKES lists the fields of `ReadOptions` that it uses; format, device, cycle and width work
    with every reader. A table may list under "unused" in its metadata those that do not apply to what it holds.
    `matches` tests the content (a `Signature`, or a function) and `read` reads it. STATES_UNITS is true for a format
    that states its units and quantities; KINDS lists the kinds of table that it gives, if not all. GENERAL is above 0
    for general content, which is tried after the specific formats, and below 0 for a format to be tried before them.
    """

    NAME: str
    TITLE: str
    TAKES: frozenset[str]

    def matches(self, source: Source) -> bool:
        """Return whether the content is in this format."""

    def read(self, source: Source, options: ReadOptions) -> Table:
        """Read a source that matches into a validated table."""


LARGEST_TOGETHER = 4_000_000  # bytes of text of several files that are kept open for other answers
_TABLES = frozenset({"long", "updown"})  # older names of the table reader
TABLE = "table"
ALWAYS = frozenset({"format", "device", "cycle", "width", "encoding", "accept"})  # applied before or after the reader


def readers() -> dict[str, Reader]:
    """Return every reader by name: those of other packages (entry points `devicekit.readers`) first.

    Raises
    ------
    UsageError
        If a package declares a reader that cannot be imported.
    """
    found: dict[str, Reader] = plugins.READERS.all()
    return dict(sorted(found.items(), key=lambda item: _rank(item[1])))


def _rank(reader: Reader) -> int:
    return getattr(reader, "GENERAL", 0)


def _choose(source: Source, options: ReadOptions) -> Reader:
    """Return the reader of a source: `options.format`, else the first reader that matches.

    Raises
    ------
    FileError, UsageError
        If no reader matches.
    """
    known = readers()
    if options.format is not None:
        if options.format in _TABLES:
            return known[TABLE]
        if options.format not in known:
            raise UsageError(f"format={options.format!r} is unknown. Choose one of: {', '.join(known)}.")
        return known[options.format]
    for reader in known.values():
        if source.in_memory and _rank(reader) <= 0:
            continue
        if reader.matches(source):
            # named columns make a table of a format that goes by position
            by_position = "columns" not in getattr(reader, "TAKES", {"columns"}) and not source.is_folder
            by_table = (options.columns and by_position) or (not source.is_folder and _left_to_table(reader, options))
            return known[TABLE] if by_table else reader
    raise FileError(f"{source.path} is a folder in an unknown format")


def _left_to_table(reader: Reader, options: ReadOptions) -> list[str]:
    """Return the options that describe a table as the format of a reader does not: the table reader then applies."""
    takes, kinds = getattr(reader, "TAKES", OPTIONS), getattr(reader, "KINDS", (options.kind,))
    names = [name for name in ("kind", "rows_per") if getattr(options, name) and name not in takes]
    return ["kind"] if not names and options.kind and options.kind not in kinds else names


def _describe_left(reader: Reader, source: Source, options: ReadOptions) -> str:
    """Return the words that an instrument's file is read as a table, because its format does not read an option."""
    if reader.NAME != TABLE or options.format is not None or not (options.kind or options.rows_per):
        return ""
    format_ = _choose(source, replace(options, kind=None, rows_per={}))
    if format_.NAME == TABLE:
        return ""
    names = _option_names(_left_to_table(format_, options))
    return f"{source.path.name} ({format_.TITLE}) is read as a plain table: its format does not use {names}"


def _option_names(names: list[str]) -> str:
    return " and ".join(f"{keyword(name)}=" for name in names)


def _pronoun(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _check_taken(reader: Reader, source: Source, options: ReadOptions, elsewhere: frozenset[str]) -> None:
    """Refuse options that the reader does not use."""
    takes = getattr(reader, "TAKES", None)
    named = [name for name in non_default(options) if name not in ALWAYS | elsewhere]
    wrong = [] if takes is None else [name for name in named if name not in takes]
    if not wrong:
        return
    file = f"{source.path.name} ({reader.TITLE})"
    if getattr(reader, "STATES_UNITS", False) and {"quantity", "unit"} & set(wrong):
        raise UsageError(
            f"{file} states its quantities and units. Remove unit= and quantity=; for readings after pulses, use "
            "map={read_current_a: COLUMN}."
        )
    raise UsageError(f"{file} does not use {_option_names(wrong)}. Remove {_pronoun(wrong)}.")


@called_as("devicekit.read('mine.csv')")
def read(
    path: Path | str | Sequence[Any] | pd.DataFrame | pd.Series | Mapping[str, Any] | np.ndarray,
    options: ReadOptions | None = None,
    *,
    elsewhere: frozenset[str] = frozenset(),
    expected: str | None = None,
    accepted: frozenset[str] = frozenset(),
    **kwargs: Any,
) -> Table:
    """Read a file, a folder or several files of measurements into one validated table.

    Parameters
    ----------
    path : path-like, sequence of path-like, or data in memory
        File or folder; several files, which become devices or cycles of one table; or a pandas frame or series, a
        mapping of names to columns, an array or a list of numbers, read like the columns of a file.
    options : ReadOptions, optional
        Information that is not in the file; alternatively pass the fields of `ReadOptions` as keywords.
    elsewhere : frozenset of str
        Options that the caller itself uses for sweeps; other options that the reader does not use are refused.
    expected : str, optional
        Kind of table that the caller takes; it is then not asked about.
    accepted : frozenset of str
        Statements about the file that a person has accepted, as their questions say them.
    **kwargs
        Fields of `ReadOptions`, instead of `options`; `map` means the same as `columns`.

    Returns
    -------
    PulseTable, SweepTable, EnduranceTable, RetentionTable, StdpTable, TransientTable, PairedTable,
    MultilevelTable, SummaryTable or RecordTable
        With its layout, metadata (format, source, records) and a warning for everything assumed, split or dropped.

    Raises
    ------
    QuestionError
        If the file can be read in several plausible ways; `question` holds the choices.
    FileError, TableError, UsageError
        If the file is missing or unreadable, its content is wrong, an option contradicts it, or `path` is of another
        type.
    """
    if options is not None and kwargs:
        raise UsageError(f"Give options= or {', '.join(f'{name}=' for name in kwargs)}, not both.")
    options = options if options is not None else ReadOptions.of(**kwargs)
    if not isinstance(options, ReadOptions):
        raise UsageError(f"options= takes ReadOptions, not {type(options).__name__}. Pass each option by its name.")
    frame = memory.frame_of(path)
    return read_opened(path if frame is None else frame, Answered(options, accepted), {}, elsewhere, expected)


def read_opened(
    path: Any,
    state: Answered,
    sources: Sources,
    elsewhere: frozenset[str] = frozenset(),
    expected: str | None = None,
) -> Table:
    """Read a path or a frame; see `read`.

    Parameters
    ----------
    sources : dict of (Path, str) to Source
        Opened files by path and encoding, to be filled: answers that are tried need not open them again.
    """
    size = effort.estimate(path)
    table = read_with_answers(lambda each: _read(path, each, elsewhere, expected, sources, size), state, size)
    left_out.note(table.meta.get("left_out", ()))
    return add_checks(table)


def _read(
    path: Any, state: Answered, elsewhere: frozenset[str], expected: str | None, sources: Sources, size: int
) -> Table:
    """Read a path, several or a frame with the answers so far; ask about what one way alone says."""
    from devicekit.readers import multiple_files

    options, loaded = state.options, None
    if options.recipe not in (None, "none"):
        from devicekit.readers import recipe

        loaded = recipe.load(options.recipe)  # type: ignore[arg-type]
        options = replace(loaded.merge(options), recipe=None)
    stated: dict[Path, Sequence[origins.Statement]] = {}

    def read_file(source: Source, each: ReadOptions) -> Table:
        if not source.in_memory and (several is None or size <= LARGEST_TOGETHER):
            source = find_source(source, each.encoding, sources)
        table = _read_one(source, each, elsewhere, loaded)
        stated[source.path] = table.meta.get("statements", ())
        return table

    several = None if isinstance(path, pd.DataFrame) else multiple_files.list_files(path)
    if (several is None or len(several) == 1) and options.files_are is not None:
        if state.options.files_are is not None:
            raise UsageError(f"files_are={options.files_are} needs several files; got one. Remove it.")
        options = replace(options, files_are=None)  # a recipe is for one file or for many
    if isinstance(path, pd.DataFrame):
        table, where = read_file(Source.of_frame(path), options), "the table"
    elif several is None:
        table, where = read_file(Source(path), options), Path(path).name
        object.__setattr__(table, "meta", {**table.meta, "files": [str(path)]})
    else:
        if loaded is None:
            options = _options_for_several(several, options, sources)
        table, where = multiple_files.read_all(path, several, options, read_file, expected), count(len(several), "file")
    left = {
        *(Path(each.file) for each in table.meta.get("left_out", ())),
        *map(Path, table.meta.get("other_kinds", ())),
    }
    statements = [statement for file, own in stated.items() if file not in left for statement in own]
    return origins.check(table, statements, state, where, expected)


def _read_one(
    source: Source, options: ReadOptions, elsewhere: frozenset[str] = frozenset(), recipe: Recipe | None = None
) -> Table:
    """Read one source, by a recipe if one is given or its fingerprint matches; see `read`."""
    table = _read_own(source, options, elsewhere) if recipe is None else None
    if table is None and recipe is None and options.recipe is None and not (source.in_memory or source.is_folder):
        return _read_found(source, options, elsewhere)
    options = replace(options, recipe=None)
    if recipe is not None and not source.in_memory and not source.is_folder:
        from devicekit.readers import made

        options = made.align(recipe, source, options)
    if recipe is not None and options.format not in (None, TABLE, *_TABLES):
        described = {column.role: column.name for column in recipe.columns if column.role != column.name}
        options = replace(options, columns={**described, **options.columns})
    if recipe is not None and (recipe.columns or recipe.trains) and not source.is_folder:
        options = replace(options, format=options.format or TABLE)
    if recipe is not None and recipe.trains is not None and not source.in_memory:
        source = Source.of_trains(source.path, recipe.trains)
    if options.encoding is not None:
        source.use_encoding(options.encoding)
    table = _read_by_format(source, options, elsewhere, recipe) if table is None else table
    layout: Layout = table.meta["layout"]
    from devicekit.readers import matching

    layout = layout if recipe is None else replace(layout, trains=recipe.trains)
    layout = replace(layout, fingerprint=recipe.fingerprint if recipe is not None else matching.take(source, layout))
    meta = {**table.meta, "layout": layout, "text": {**source.facts(), **layout.text()}}
    meta.pop("unused", None)
    known = [*table.meta.get("marks", ()), *(() if source.in_memory else marks(source.path))]
    if known:
        meta["marks"] = list(dict.fromkeys(known))
    if recipe is not None and recipe.labels:
        meta["labels"] = dict(recipe.labels)
    object.__setattr__(table, "meta", meta)
    if MARK_COLUMN in table.frame and marks_of_cells(table.frame[MARK_COLUMN].unique()):  # now in meta
        object.__setattr__(table, "frame", table.frame.drop(columns=MARK_COLUMN))
    if isinstance(table, PulseTable):
        return table.select(options.device, options.cycle, options.width)
    if options.width is not None:
        raise UsageError(f"width= selects pulse trains; {source.path.name} holds {table.kind} data. Remove it.")
    return table.select(options.device, options.cycle)


def _read_by_format(source: Source, options: ReadOptions, elsewhere: frozenset[str], recipe: Recipe | None) -> Table:
    """Read a source by the reader of its format; its layout is then in its metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)  # for a hundred columns or more
        reader = _choose(source, options)
        _check_taken(reader, source, options, elsewhere)
        if reader.NAME == TABLE:
            table = _read_table(source, options, recipe, elsewhere)
        else:
            table = reader.read(source, options)
            if options.kind not in (None, table.kind):
                words = "Remove kind=, or pass format=table."
                raise UsageError(f"{source.path.name} ({reader.TITLE}) holds {table.kind} data. {words}")
            _refuse_unused(source, options, table.kind, table.meta.get("unused", frozenset()), elsewhere)
        if words := _describe_left(reader, source, options):
            object.__setattr__(table, "warnings", (*table.warnings, CodedWarning("columns", words)))
    layout = table.meta.get("layout") or _format_layout(reader, table, options)
    object.__setattr__(table, "meta", {**table.meta, "layout": layout})  # replace() would validate again
    return table


def _read_found(source: Source, options: ReadOptions, elsewhere: frozenset[str]) -> Table:
    """Read one source by the recipe whose fingerprint it has, else without one; see `devicekit.readers.made`."""
    from devicekit.readers import made

    by_itself = replace(options, recipe="none")
    if source.workbook_kind != "json" and _choose(source, options).NAME != TABLE:
        return _read_one(source, by_itself, elsewhere)
    found = made.find(source, options)
    if found.recipe is None:
        with made.offer(found):
            table = _read_one(source, by_itself, elsewhere)
        remarks = (CodedWarning("recipe", found.departs),) if found.departs else ()
        object.__setattr__(table, "warnings", (*table.warnings, *remarks))
        return table
    merged = replace(found.recipe.merge(options), recipe=None, files_are=None)
    with made.explain(found.recipe):
        table = _read_one(source, merged, elsewhere, found.recipe)
    object.__setattr__(table, "warnings", (*table.warnings, made.notice(found.recipe)))
    return table


def _options_for_several(files: Sequence[Path], options: ReadOptions, sources: Sources) -> ReadOptions:
    """Return options with what the recipe of the first of several files that can be opened says about their names."""
    from devicekit.readers import made

    if options.recipe is not None or options.files_are or options.key:
        return options
    found = None
    for file in files:
        with suppress(DevicekitError):
            source = find_source(Source(file), options.encoding, sources)
            found = None if source.is_folder else made.find(source, options, ask=False).recipe
            break
    return options if found is None else replace(options, files_are=found.options.files_are, key=found.options.key)


def _read_table(source: Source, options: ReadOptions, recipe: Recipe | None, elsewhere: frozenset[str]) -> Table:
    """Read a table by its layout; refuse options that the layout does not use."""
    from devicekit.readers.layouts.apply import apply
    from devicekit.readers.layouts.infer import infer_layout

    reading = infer_layout(source, options, recipe)
    # the keys of a recipe may be meant for many files
    strict = recipe is None or options.key != recipe.options.key
    if reading.layout.kind != RecordTable.kind:
        _refuse_unused(source, options, reading.kind.NAME, reading.unused, elsewhere)
        return apply(reading, source, strict)
    table = apply(reading, source, strict)
    if names := [name for name in non_default(options) if name in reading.unused]:
        words = f"{source.path.name}: plain records keep the numbers of the file; {_option_names(names)} is not used"
        object.__setattr__(table, "warnings", (*table.warnings, CodedWarning("columns", words)))
    return table


def _read_own(source: Source, options: ReadOptions, elsewhere: frozenset[str]) -> Table | None:
    """Read a table that devicekit wrote; None for another file, or with options that describe a table otherwise."""
    given = set(non_default(options)) - ALWAYS - elsewhere - {"kind", "recipe"}
    table = own.read(source) if not given and options.format in (None, TABLE, *_TABLES) else None
    if table is None:
        return None
    known = ALWAYS | (elsewhere if table.kind == SweepTable.kind else frozenset())
    known |= {name for name, value in (("kind", table.kind), ("recipe", "none")) if getattr(options, name) == value}
    return table if set(non_default(options)) <= known else None


def _refuse_unused(
    source: Source, options: ReadOptions, kind: str, unused: frozenset[str], elsewhere: frozenset[str]
) -> None:
    """Refuse options that are given and do not apply to a file's content, nor to what the caller does with sweeps.

    Raises
    ------
    UsageError
    """
    unused -= elsewhere if kind == SweepTable.kind else frozenset()
    if names := [name for name in non_default(options) if name in unused]:
        raise UsageError(
            f"{source.path.name} holds {kind} data; {_option_names(names)} does not apply. Remove {_pronoun(names)}."
        )


def _format_layout(reader: Reader, table: Table, options: ReadOptions) -> Layout:
    """Return the layout of an instrument's file, which its format defines, with the options that were given."""
    columns = tuple(Column(str(name), str(name) if name in GLOSSARY else KEPT) for name in table.frame.columns)
    given = {name: value for name, value in non_default(options).items() if name in getattr(reader, "TAKES", ())}
    kept = ReadOptions(**{name: value for name, value in given.items() if OPTIONS[name].toml or name == "columns"})
    evidence = (f"format {reader.NAME}: {reader.TITLE}",)
    return Layout(table.kind, columns, kept, format=reader.NAME, evidence=evidence)


__all__ = ["QUANTITIES", "ReadOptions", "Reader", "read", "readers"]
