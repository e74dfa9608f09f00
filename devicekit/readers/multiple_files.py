"""Several files, or a folder of them, as one table: devices or cycles, by their names or by an option."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from devicekit.core.errors import (
    ROWS_SHOWN,
    CodedWarning,
    DevicekitError,
    FileError,
    NoTableError,
    QuestionError,
    UsageError,
)
from devicekit.core.text import count
from devicekit.readers.alike import IN_TIME, check_alike, different_from_most, find_alike, find_other_kinds
from devicekit.readers.borders import describe_borders
from devicekit.readers.layout import Layout, Tag
from devicekit.readers.layouts import pooling
from devicekit.readers.layouts.keys import find_words, fits_all, take_keys
from devicekit.readers.layouts.places import tag_names
from devicekit.readers.source import Source
from devicekit.system.left_out import LeftOut
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable, SweepTable, Table, TransientTable

_NO_DATA = {".md", ".toml", ".png", ".jpg", ".jpeg", ".svg", ".pdf", ".py", ".ipynb", ".html", ".doc", ".docx"}
_SETTINGS = {".cfg", ".conf", ".ini"}  # beside the measurements
_NO_NAMES = ("readme", "license", "licence", "copying", "notice", ".")
_BESIDE = ("datapackage.json", "citation.cff", ".zenodo.json", "codemeta.json")  # descriptions of a data set
MOST_FILES = 20_000

ReadFile = Callable[[Source, ReadOptions], Table]


def list_files(path: Any) -> list[Path] | None:
    """Return the files of a list or of a folder; None for one file, or for a folder that is itself a format.

    Files of settings, and JSON files in a folder, count as notes beside the data, unless there are no other files.

    Raises
    ------
    FileError
        If a folder holds no file of measurements.
    """
    from devicekit.readers import readers

    if isinstance(path, Sequence) and not isinstance(path, str):
        return _without([Path(each) for each in path], _SETTINGS)
    folder = Path(path)
    if not os.path.isdir(folder):
        return None
    source = Source(folder)
    if any(reader.matches(source) for reader in readers().values()):
        return None
    candidates = sorted(file for file in folder.iterdir() if not file.is_dir() and may_hold_data(file))
    found = _without(candidates, {".json", *_SETTINGS})
    if not found:
        raise FileError(_describe_missing(folder))
    if len(found) > MOST_FILES:
        raise FileError(f"{folder} holds {len(found)} files. Name the files to read.")
    return found


def _without(files: list[Path], endings: set[str]) -> list[Path]:
    """Return the files but those with some endings; all if no other is there."""
    return [file for file in files if file.suffix.lower() not in endings] or files


def group_files(files: list[Path], reading: ReadOptions) -> tuple[list[Path | list[Path]], ReadOptions]:
    """Group files that make one table together, by an option or by their names.

    Returns
    -------
    list of Path or list of Path
        Files to read, a table for each item.
    ReadOptions
        The options for each.
    """
    if len(files) == 1 and os.path.isdir(files[0]):
        return list(files), reading
    if len(files) < 2 or reading.files_are == "separate":
        return list(files), replace(reading, files_are=None)
    if reading.files_are or reading.key or names_identify_files(files):
        return [files], reading
    return list(files), reading


def may_hold_data(file: Path) -> bool:
    """Return whether a file of a folder may hold measurements, by its name and size; reading names a dangling link."""
    named = file.suffix.lower() not in _NO_DATA and not file.name.lower().startswith(_NO_NAMES)
    return named and (not file.exists() or file.stat().st_size > 0)


def _is_description(file: Path) -> bool:
    """Return whether a file is one that stands beside any data set: a licence or a description, by its name."""
    name = file.name.lower()
    return name.startswith(_NO_NAMES) or name in _BESIDE or file.suffix.lower() == ".md"


def _describe_missing(folder: Path) -> str:
    missing = [name for name in ("set.csv", "reset.csv") if not (folder / name).is_file()]
    return (
        f"{folder} holds no measured files. (For CrossSim ramps, {' and '.join(missing)} "
        f"{'is' if len(missing) == 1 else 'are'} missing.)"
    )


def names_identify_files(paths: Sequence[Path]) -> bool:
    """Return whether the names of several files identify the device or cycle of each."""
    result = pooling.parse_names([_stem(file) for file in sorted(paths, key=_natural_key)])
    return len(paths) > 1 and not result.unclear and any(key.device or key.cycle is not None for key in result.keys)


def read_all(
    path: Any, paths: Sequence[Path], options: ReadOptions, read_file: ReadFile, expected: str | None = None
) -> Table:
    """Read the files of a list or of a folder into one table; a warning names the files that are left out.

    Parameters
    ----------
    path : sequence of path-like, or path-like
        The list or the folder. In a folder, files without a table are left out.
    paths : sequence of Path
        The files of it that may hold measurements; see `list_files`.
    options, read_file
        See `read`.
    expected : str, optional
        Kind of table that the caller takes: of a folder, files of other kinds are left out.

    Raises
    ------
    QuestionError
        If a folder holds several kinds, none of them in more than half of its files.
    """
    is_folder = not isinstance(path, Sequence) or isinstance(path, str)
    given = [file for file in Path(path).iterdir() if file.is_file()] if is_folder else [Path(each) for each in path]
    known: dict[str, Table | DevicekitError] = {}
    empty: list[Path] = []
    bad: dict[Path, str] = {}

    def read_once(source: Source, each: ReadOptions) -> Table:
        place = f"{source.path}: {each}"
        if place not in known:
            try:
                known[place] = read_file(source, each)
            except DevicekitError as error:
                known[place] = error
        found = known[place]
        if isinstance(found, NoTableError):
            empty.append(source.path)
        if isinstance(found, DevicekitError):
            raise found
        return found

    others: dict[Path, str] = {}
    if is_folder and len(paths) > 1:
        paths = sorted(paths, key=_natural_key)
        alone, _ = _options_of_each([_stem(file) for file in paths], replace(options, kind=None), _name_source(paths))
        wanted = options.kind or expected
        others = find_other_kinds(paths, lambda file: read_once(Source(file), alone).kind, wanted, _name_source(paths))
        if others and options.kind == "transient":
            stated, _ = _options_of_each([_stem(file) for file in paths], options, _name_source(paths))
            in_time = [file for file in others if read_once(Source(file), alone).kind in IN_TIME]
            own = [file for file in paths if file not in others]
            for file in find_alike(own, in_time, lambda file: read_once(Source(file), stated)):
                del others[file]
        empty.clear()  # with other options they may hold a table; else the last one says why there is none
    while True:
        rest = [file for file in paths if file not in empty and file not in bad and file not in others]
        try:
            most_left = (len(rest) + len(bad)) // 2 - len(bad)  # half of the files at most are left out
            table = read(rest, options, read_once, max(most_left, 0) if is_folder else 0)
            break
        except NoTableError:
            if not is_folder or len(rest) == 1:
                raise
        except _UnreadableFiles as found:
            bad |= found.reasons
            if len(found.reasons) > most_left:
                raise UsageError(f"{_name_source(paths)}: {_describe_bad(bad)}; more than half.") from None
    if options.kind is None:
        bad |= others
    left = sorted(file.name for file in given if file not in (*rest, *bad, *others) and not _is_description(file))
    warnings = []
    if bad:
        warnings.append(CodedWarning("unreadable", f"{_name_source(rest)}: {_describe_bad(bad)}"))
        left_out = tuple(LeftOut(str(file), reason) for file, reason in bad.items())
        object.__setattr__(table, "meta", {**table.meta, "left_out": left_out})
    of_kind = sorted(file.name for file in others if file not in bad)
    for names, why in ((left, "without measurements"), (of_kind, f"not of {options.kind} data")):
        if names:
            shown = ", ".join([*names[:8], *(["..."] if len(names) > 8 else [])])
            words = f"{_name_source(rest)}: {count(len(names), 'file')} left out, {why}: {shown}"
            warnings.append(CodedWarning("dropped", words))
    object.__setattr__(table, "meta", {**table.meta, "other_kinds": tuple(map(str, others))})
    object.__setattr__(table, "warnings", (*table.warnings, *warnings))
    return table


class _UnreadableFiles(Exception):
    """Files of a folder that cannot be read, or differ from the others, with the reason of each."""

    def __init__(self, reasons: dict[Path, str]) -> None:
        self.reasons = reasons


def _describe_bad(bad: dict[Path, str]) -> str:
    listed = "; ".join(f"{file.name}: {reason}" for file, reason in list(bad.items())[:ROWS_SHOWN])
    return f"{count(len(bad), 'file')} left out: {listed}{'; ...' if len(bad) > ROWS_SHOWN else ''}"


def _reason(file: Path, error: DevicekitError) -> str:
    """Return why a file cannot be read, in one line without its name."""
    if isinstance(error, QuestionError):
        return "open: " + error.asked.text.partition("?")[0] + "?"
    return error.message.splitlines()[0].removeprefix(f"{file}: ").removeprefix(f"{file.name}: ")


def read(paths: Sequence[Path], options: ReadOptions, read_file: ReadFile, most_left: int = 0) -> Table:
    """Read several files into one table.

    Parameters
    ----------
    paths : sequence of Path
        Files in any order; their names identify devices and cycles.
    options : ReadOptions
        Reading options; `files_are` and `key` define what the files are.
    read_file : callable
        Reads one file.
    most_left : int
        How many files may be left out.

    Raises
    ------
    QuestionError
        If the names do not identify devices or cycles.
    UsageError
        If the files differ in kind, columns or read voltage, or two of them are the same device and cycle.
    _UnreadableFiles
        If at most `most_left` files cannot be read, or differ from most.
    """
    if len(paths) == 1:
        return read_file(Source(paths[0]), options)
    paths = sorted(paths, key=_natural_key)
    if len({file.resolve() for file in paths}) < len(paths):
        raise UsageError("A file is named twice. Remove one.")
    if options.files_are == "separate":
        raise UsageError("files_are=separate needs one file at a time")
    names = [_stem(file) for file in paths]
    where = f"{len(paths)} files"
    alone, of_files = _options_of_each(names, options, where)
    options = replace(options, key=of_files)
    tables, errors = list[Table](), dict[Path, DevicekitError]()
    for file in paths:
        try:
            tables.append(read_file(Source(file), alone))
        except DevicekitError as error:
            if file.name not in error.message:
                error.message = f"{file.name}: {error.message}"
            if not most_left or isinstance(error, NoTableError):
                raise
            errors[file] = error
    if len(errors) > most_left:
        raise next(iter(errors.values()))
    bad = {file: _reason(file, error) for file, error in errors.items()}
    if bad := bad or (different_from_most(tables, paths) if most_left else {}):
        raise _UnreadableFiles(bad)
    check_alike(tables, paths)
    identified = (
        options.files_are is None and not options.key and _are_identified(tables, _name_directions(names, alone))
    )
    tags: list[dict[str, Tag]] = [{} for _ in names] if identified else tag_names(names, options, "files", where)[0]
    frames = [_tag_rows(table, each, name) for table, each, name in zip(tables, tags, paths, strict=True)]
    frames = _check_repeats(frames, tables[0])
    warnings = [warning for table in tables for warning in table.warnings]
    listed = ", ".join(f"{file.name}: {_describe_tags(each)}" for file, each in list(zip(paths, tags, strict=True))[:6])
    more = ", ..." if len(paths) > 6 else ""
    warnings.append(CodedWarning("columns", f"{count(len(paths), 'file')} make one table: {listed}{more}"))
    whole = pd.concat(frames, ignore_index=True)
    layout: Layout = tables[0].meta["layout"]
    layout = replace(
        layout, options=replace(layout.options, files_are=options.files_are, key={**alone.key, **of_files})
    )
    meta = {**tables[0].meta, "source": _name_source(paths), "files": [str(file) for file in paths], "layout": layout}
    if "borders" in meta:
        sizes = whole.groupby(["device_id", "cycle"], sort=False).size().to_numpy()
        meta["borders"] = describe_borders([table.meta["borders"].found for table in tables], sizes)
    if marks := list(dict.fromkeys(mark for table in tables for mark in table.meta.get("marks", ()))):
        meta["marks"] = marks
    table = type(tables[0])(whole, meta, tuple(dict.fromkeys(warnings)))
    if isinstance(table, PulseTable):
        return table.select(options.device, options.cycle, options.width)
    return table.select(options.device, options.cycle)


def _natural_key(file: Path) -> list[tuple[bool, float, str]]:
    """Return a sorting key by the numbers in a name: 2 before 10."""
    parts = pooling.split_tokens(file.name)
    return [(part.number is None, part.number or 0.0, part.text) for part in parts]


def _stem(file: Path) -> str:
    """Return the name without its endings: table.csv.gz is table."""
    stem = file.name
    for ending in reversed(file.suffixes):
        if ending[1:].isalnum() and not ending[1:].isdigit() and len(ending) <= 5:
            stem = stem.removesuffix(ending)
        else:
            break
    return stem


def _describe_tags(tags: dict[str, Tag]) -> str:
    return ", ".join(f"{name} {value}" for name, value in tags.items()) or "by its columns"


def _name_source(paths: Sequence[Path]) -> str:
    return f"{count(len(paths), 'file')} of {paths[0].parent.name or paths[0].parent}"


def _options_of_each(names: Sequence[str], options: ReadOptions, where: str) -> tuple[ReadOptions, dict[str, str]]:
    """Return the options for each file alone, and the patterns of `key` that are of all files together."""
    of_files, of_each = _split_keys(names, options, where)
    return replace(options, files_are=None, key=of_each, device=None, cycle=None), of_files


def _split_keys(names: Sequence[str], options: ReadOptions, where: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the patterns of `key` for devices and cycles in the names of files, and those for each file alone.

    Conditions are of each file; their words are checked for all files at once.
    """
    sheets = {"devices": "device", "cycles": "cycle"}.get(options.sheets_are or "")  # its pattern is for sheets
    matching = {field: matches for field, matches in options.key.items() if fits_all(names, field, matches)}
    if "direction" in matching:
        take_keys(names, replace(options, key={"direction": matching["direction"]}), where, alone=True)
    of_files = {field: each for field, each in matching.items() if field in ("device", "cycle") and field != sheets}
    return of_files, {field: each for field, each in options.key.items() if field not in of_files}


def _name_directions(names: Sequence[str], options: ReadOptions) -> bool:
    """Return whether options give each file a direction or a level by its name."""
    given = {"direction", "level"} & set(options.key)
    return bool(given) or bool(options.words and all(find_words(name, options) for name in names))


def _are_identified(tables: Sequence[Table], named: bool) -> bool:
    """Return whether columns, or directions and levels by names, identify the files: nothing is in two of them."""
    if not named and not all(any(c.role == "device_id" for c in table.meta["layout"].columns) for table in tables):
        return False
    keys = [key for key in ("device_id", "cycle", "direction", "pulse_width_s", "level") if key in tables[0].frame]
    seen = pd.concat([table.frame[keys].drop_duplicates() for table in tables])
    return not seen.duplicated().any()


def _tag_rows(table: Table, tags: dict[str, Tag], file: Path) -> pd.DataFrame:
    """Return the rows of a file with the tags from its name."""
    frame = table.frame.copy()
    for name, value in tags.items():
        if name == "direction" and name in frame and (frame[name] != value).any():
            raise UsageError(f"{file.name}: the name states {value}, but the file has trains of both directions")
        if name == "cycle" and name in frame and frame[name].nunique() > 1:
            raise UsageError(f"{file.name} itself holds {frame[name].nunique()} cycles. Pass files_are=devices.")
        if name == "device_id" and frame[name].nunique() > 1:
            frame[name] = str(value) + "_" + frame[name].astype(str)
        else:
            frame[name] = value
    return frame


def _number_records(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Number the records of readings in time on from file to file of a device."""
    last: dict[str, int] = {}
    found = []
    for frame in frames:
        number = frame.groupby("device_id", sort=False)["record"].rank(method="dense").astype(int)
        found.append(frame.assign(record=number + frame["device_id"].map(last).fillna(0).astype(int)))
        last |= {str(name): int(most) for name, most in found[-1].groupby("device_id")["record"].max().items()}
    return found


def _check_repeats(frames: list[pd.DataFrame], first: Table) -> list[pd.DataFrame]:
    """Refuse two files with the same device, cycle and direction."""
    wanted = ("device_id", "cycle", "direction", "pulse_width_s", "level", "compliance_a", "temperature_k")
    keys = [key for key in wanted if all(key in frame for frame in frames)]
    if isinstance(first, TransientTable):
        return _number_records(frames)
    if not isinstance(first, PulseTable | SweepTable):
        return frames
    seen = pd.concat([frame[keys].drop_duplicates() for frame in frames])
    if seen.duplicated().any():
        row = seen[seen.duplicated()].iloc[0]
        raise UsageError(
            f"Two files hold the same {', '.join(f'{key} {row[key]}' for key in keys)}. Pass files_are=devices or "
            "files_are=cycles."
        )
    return frames
