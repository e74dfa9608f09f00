"""Several files, or a folder of them, as one table: devices or cycles, told by their names or asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.errors import CodedWarning, DevicekitError, FileError, UsageError
from devicekit.options import ReadOptions
from devicekit.readers.layout import IGNORED, KEPT, Layout
from devicekit.readers.layouts import pooling
from devicekit.readers.layouts.places import tag_names
from devicekit.readers.source import Source
from devicekit.tables import PulseTable, SweepTable, Table, TransientTable
from devicekit.text import count

_NO_DATA = {".md", ".toml", ".png", ".jpg", ".jpeg", ".svg", ".pdf", ".py", ".ipynb", ".html", ".doc", ".docx"}
_NO_NAMES = ("readme", "license", "licence", "copying", "notice", ".")
MOST_FILES = 20_000

One = Callable[[Source, ReadOptions], Table]


def list_files(path: Any) -> list[Path] | None:
    """The files of a list or of a folder that is not itself a format; None for one file or such a folder.

    In a folder JSON files count as notes beside the data, unless nothing else is there.

    Raises
    ------
    FileError
        If a folder holds no file of measurements.
    """
    from devicekit.readers import readers

    if isinstance(path, Sequence) and not isinstance(path, str):
        return [Path(each) for each in path]
    folder = Path(path)
    if not os.path.isdir(folder):
        return None
    source = Source(folder)
    if any(reader.matches(source) for reader in readers().values()):
        return None
    there = sorted(file for file in folder.iterdir() if file.is_file() and _may_hold_data(file))
    found = [file for file in there if file.suffix.lower() != ".json"] or there
    if not found:
        raise FileError(_nothing(folder))
    if len(found) > MOST_FILES:
        raise FileError(f"{folder} holds {len(found)} files: name those to be read")
    return found


def group_files(files: list[Path], reading: ReadOptions) -> tuple[list[Path | list[Path]], ReadOptions]:
    """Files that make one table together, because their names or an option say so, else each by itself.

    Returns
    -------
    list of Path or list of Path
        What is to be read, a table each.
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


def _may_hold_data(file: Path) -> bool:
    name = file.name.lower()
    return file.suffix.lower() not in _NO_DATA and not name.startswith(_NO_NAMES) and file.stat().st_size > 0


def _nothing(folder: Path) -> str:
    missing = [name for name in ("set.csv", "reset.csv") if not (folder / name).is_file()]
    return (
        f"{folder} is a folder without a file of measurements (CrossSim ramps would be set.csv and reset.csv; "
        f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing)"
    )


def names_identify_files(paths: Sequence[Path]) -> bool:
    """Return whether the names of several files say which device or cycle each is."""
    told = pooling.parse_names([_stem(file) for file in sorted(paths, key=_natural)])
    return len(paths) > 1 and not told.unclear and any(key.device or key.cycle is not None for key in told.keys)


def read(paths: Sequence[Path], options: ReadOptions, one: One) -> Table:
    """One table of several files.

    Parameters
    ----------
    paths : sequence of Path
        Files in any order; their names tell devices and cycles.
    options : ReadOptions
        What was said; `files_are` and `key` say what the files are.
    one : callable
        Reads one file.

    Raises
    ------
    QuestionError
        If the names do not say what the files are.
    UsageError
        If the files differ in kind, columns or read voltage, or two of them are the same device and cycle.
    """
    if len(paths) == 1:
        return one(Source(paths[0]), options)
    paths = sorted(paths, key=_natural)
    if len({file.resolve() for file in paths}) < len(paths):
        raise UsageError("a file is named twice")
    if options.files_are == "separate":
        raise UsageError("files_are=separate: read the files one by one")
    alone = replace(options, files_are=None, key={}, device=None, cycle=None)
    tables = []
    for file in paths:
        try:
            tables.append(one(Source(file), alone))
        except DevicekitError as error:
            if file.name not in error.message:
                error.message = f"{file.name}: {error.message}"
            raise
    where = f"{len(paths)} files"
    _check_alike(tables, paths)
    names = [_stem(file) for file in paths]
    told = options.files_are is None and not options.key and _told_by_columns(tables)
    sheets = {"devices": "device", "cycles": "cycle"}.get(options.sheets_are or "")  # whose pattern is for sheets
    own = replace(options, key={field: pattern for field, pattern in options.key.items() if field != sheets})
    tags: list[dict[str, Any]] = (
        [{} for _ in names] if told else tag_names(names, own, options.files_are, "files", where)
    )
    frames = [_tagged(table, each, name) for table, each, name in zip(tables, tags, paths, strict=True)]
    frames = _counted(frames, tables[0])
    warnings = [warning for table in tables for warning in table.warnings]
    shown = ", ".join(f"{file.name}: {_words(each)}" for file, each in list(zip(paths, tags, strict=True))[:6])
    more = ", ..." if len(paths) > 6 else ""
    warnings.append(CodedWarning("columns", f"{count(len(paths), 'file')} make one table: {shown}{more}"))
    whole = pd.concat(frames, ignore_index=True)
    layout: Layout = replace(tables[0].meta["layout"], files_are=options.files_are, key=options.key)
    meta = {**tables[0].meta, "source": _common(paths), "files": [str(file) for file in paths], "layout": layout}
    if marks := list(dict.fromkeys(mark for table in tables for mark in table.meta.get("marks", ()))):
        meta["marks"] = marks
    made = type(tables[0])(whole, meta, tuple(dict.fromkeys(warnings)))
    if isinstance(made, PulseTable):
        return made.select(options.device, options.cycle, options.width)
    return made.select(options.device, options.cycle)


def _natural(file: Path) -> list[tuple[bool, float, str]]:
    """Files in the order of the numbers in their names: 2 before 10."""
    parts = pooling.split_tokens(file.name)
    return [(part.number is None, part.number or 0.0, part.text) for part in parts]


def _stem(file: Path) -> str:
    """The name without its endings: table.csv.gz is table."""
    stem = file.name
    for ending in reversed(file.suffixes):
        if ending[1:].isalnum() and not ending[1:].isdigit() and len(ending) <= 5:
            stem = stem.removesuffix(ending)
        else:
            break
    return stem


def _words(tags: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in tags.items()) or "as its columns say"


def _common(paths: Sequence[Path]) -> str:
    return f"{len(paths)} files of {paths[0].parent.name or paths[0].parent}"


def _check_alike(tables: Sequence[Table], paths: Sequence[Path]) -> None:
    """Refuse files that differ in what is measured, or how."""
    first = tables[0]
    for table, file in zip(tables[1:], paths[1:], strict=True):
        for what, of in (
            ("kind", lambda t: t.kind),
            ("columns and units", _columns),
            ("read voltages", _read_voltages),
        ):
            if of(first) != of(table):
                raise UsageError(
                    f"{paths[0].name} and {file.name} differ in {what} ({_shown(of(first))} and {_shown(of(table))}): "
                    "read them one by one"
                )


def _columns(table: Table) -> tuple[tuple[str, str | None], ...]:
    layout: Layout = table.meta["layout"]
    return tuple((c.role, c.unit) for c in layout.columns if c.role not in (KEPT, IGNORED))


def _read_voltages(table: Table) -> tuple[float, ...]:
    if "read_voltage_v" not in table.frame:
        return ()
    return tuple(np.unique(np.round(table.frame["read_voltage_v"].dropna().to_numpy(float), 12)))


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _told_by_columns(tables: Sequence[Table]) -> bool:
    """Return whether columns of the files tell them apart: no device and cycle stands in two of them."""
    if not all(any(c.role == "device_id" for c in table.meta["layout"].columns) for table in tables):
        return False
    keys = [key for key in ("device_id", "cycle", "direction", "pulse_width_s", "level") if key in tables[0].frame]
    seen = pd.concat([table.frame[keys].drop_duplicates() for table in tables])
    return not seen.duplicated().any()


def _tagged(table: Table, tags: dict[str, Any], file: Path) -> pd.DataFrame:
    """The rows of a file with what its name says."""
    frame = table.frame.copy()
    for name, value in tags.items():
        if name == "direction" and name in frame and (frame[name] != value).any():
            raise UsageError(f"{file.name}: its name says {value}, but its trains go both ways")
        if name == "cycle" and name in frame and frame[name].nunique() > 1:
            raise UsageError(
                f"{file.name} holds {frame[name].nunique()} cycles itself: files are devices (files_are=devices)"
            )
        if name == "device_id" and frame[name].nunique() > 1:
            value = str(value) + "_" + frame[name].astype(str)
        frame[name] = value
    return frame


def _numbered(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Records of readings in time, counted on from file to file of a device."""
    given: dict[str, int] = {}
    found = []
    for frame in frames:
        own = frame.groupby("device_id", sort=False)["record"].rank(method="dense").astype(int)
        found.append(frame.assign(record=own + frame["device_id"].map(given).fillna(0).astype(int)))
        given |= {str(name): int(most) for name, most in found[-1].groupby("device_id")["record"].max().items()}
    return found


def _counted(frames: list[pd.DataFrame], first: Table) -> list[pd.DataFrame]:
    """Refuse two files that give the same device, cycle and direction."""
    wanted = ("device_id", "cycle", "direction", "pulse_width_s", "level", "compliance_a", "temperature_k")
    keys = [key for key in wanted if all(key in frame for frame in frames)]
    if isinstance(first, TransientTable):
        return _numbered(frames)
    if not isinstance(first, PulseTable | SweepTable):
        return frames
    seen = pd.concat([frame[keys].drop_duplicates() for frame in frames])
    if seen.duplicated().any():
        row = seen[seen.duplicated()].iloc[0]
        raise UsageError(
            f"two files hold the same {', '.join(f'{key} {row[key]}' for key in keys)}: say what the files are with "
            "files_are=devices or cycles"
        )
    return frames
