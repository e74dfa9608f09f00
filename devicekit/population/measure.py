"""Sweeps of all cells of a folder: evaluated in parallel, kept by checksum, the same for any number of jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import DevicekitError
from devicekit.core.records import plain
from devicekit.population.reading import Makes, reason
from devicekit.population.steps import Definitions, Item, Step, evaluate, items_of
from devicekit.population.templates import Keys
from devicekit.system import files
from devicekit.system.kept import Kept
from devicekit.system.left_out import LeftOut
from devicekit.system.workers import end_workers_on_error, ignore_interrupts

MOST_FILES = 25  # of one task


@dataclass(frozen=True)
class Entry:
    """A file with its name in the folder, what that says, and the checksum of its content."""

    path: Path
    name: str
    keys: Keys
    sha256: str


@dataclass(frozen=True)
class _Task:
    """Consecutive files of one cell, and the file of the cell after them."""

    entries: tuple[Entry, ...]
    following: Entry | None


@dataclass(frozen=True)
class Measured:
    """Sweeps of a folder.

    Attributes
    ----------
    rows : list of mapping
        One per sweep in the order of cell and measurement: fields of `Step`.
    left_out : list of LeftOut
    parts : mapping of str to value
        What can be kept for the next time, by its key.
    """

    rows: list[dict[str, Any]]
    left_out: list[LeftOut]
    parts: Mapping[str, Any]


def tasks_of(entries: Sequence[Entry]) -> list[_Task]:
    """Return the files of each cell in the order of measurement, in parts of a few files."""
    cells: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        cells[entry.keys.cell].append(entry)
    found = []
    for own in cells.values():
        own.sort(key=lambda each: (each.keys.order, natural_key(each.name)))
        for k in range(0, len(own), MOST_FILES):
            ahead = own[k + MOST_FILES] if k + MOST_FILES < len(own) else None
            found.append(_Task(tuple(own[k : k + MOST_FILES]), ahead))
    return found


def natural_key(name: str) -> list[tuple[bool, float, str]]:
    """Return a key that sorts names by their numbers: 2 before 10."""
    import re

    parts = re.split(r"(\d+)", name)
    return [(not each.isdigit(), float(each) if each.isdigit() else 0.0, each) for each in parts if each]


def checksums(paths: Sequence[Path]) -> list[str]:
    """Return the SHA-256 of each file; "" of one that cannot be read."""
    found = []
    for path in paths:
        try:
            found.append(files.sha256(path))
        except DevicekitError:
            found.append("")
    return found


def measure(
    entries: Sequence[Entry],
    makes: Makes,
    definitions: Definitions,
    jobs: int,
    count: Callable[[int, int], None],
    kept: Kept,
    before: Mapping[str, Any],
) -> Measured:
    """Evaluate the sweeps of all files.

    Parameters
    ----------
    entries : sequence of Entry
    makes : Makes
    definitions : Definitions
    jobs : int
        Processes at a time.
    count : callable
        Given how many files of how many are done.
    kept : Kept
        Where finished parts are kept for a run that is interrupted.
    before : mapping of str to value
        Parts of an earlier run, by key.
    """
    from joblib import Parallel, delayed

    tasks = tasks_of(entries)
    keys = [_key(task, makes, definitions, kept) for task in tasks]
    known = {**{key: before[key] for key in keys if key in before}, **kept.known(keys, "cell")}
    open_ = [(key, task) for key, task in zip(keys, tasks, strict=True) if key not in known]
    total, done = len(entries), len(entries) - sum(len(task.entries) for _, task in open_)
    count(done, total)
    here = str(Path.cwd())
    with ignore_interrupts() if jobs > 1 else nullcontext(), end_workers_on_error():
        run = Parallel(n_jobs=min(jobs, max(len(open_), 1)), return_as="generator", batch_size=1)
        results = run(delayed(_evaluate)(task, makes, definitions, here) for _, task in open_)
        for (key, task), value in zip(open_, results, strict=True):
            kept.put(key, value)
            known[key] = value
            done += len(task.entries)
            count(done, total)
    parts = {key: known[key] for key in keys}
    rows = [row for part in parts.values() for row in part["rows"]]
    left = [LeftOut(**each) for part in parts.values() for each in part["left_out"]]
    return Measured(rows, left, parts)


def _key(task: _Task, makes: Makes, definitions: Definitions, kept: Kept) -> str:
    """Return the name of a part by the content of its files and all that it depends on."""
    own = [(each.name, each.sha256, each.keys.step, each.keys.numbers.get("compliance")) for each in task.entries]
    ahead = task.following and task.following.sha256
    return kept.key("population", own, ahead, asdict(definitions), asdict(makes.options))


def _evaluate(task: _Task, makes: Makes, definitions: Definitions, folder: str) -> dict[str, Any]:
    """Read and evaluate the files of a task; relative paths are those of `folder`."""
    left: list[dict[str, str]] = []
    items: list[Item] = []
    with chdir(folder):
        for entry in task.entries:
            items += _items(entry, makes, left)
        ahead = _items(task.following, makes, []) if task.following else []
    try:
        with np.errstate(all="ignore"):
            found = evaluate(items, ahead[0] if ahead else None, definitions)
    except (ValueError, ArithmeticError, IndexError) as error:  # never stops the other cells
        names = dict.fromkeys(item.file for item in items)
        left += [{"file": name, "reason": f"could not be evaluated: {error}"} for name in names]
        found = []
    return {"rows": plain([each.row() for each in found]), "left_out": left}


def _items(entry: Entry, makes: Makes, left: list[dict[str, str]]) -> list[Item]:
    """Return the sweeps of a file; one that cannot be read is noted in `left`."""
    limit = entry.keys.numbers.get("compliance", float("nan"))
    try:
        trace, note = makes.read(entry.path)
        return items_of(entry.name, trace, entry.keys.step, limit if limit > 0 else float("nan"), note)
    except DevicekitError as error:
        left.append({"file": entry.name, "reason": reason(error)})
    except Exception as error:
        left.append({"file": entry.name, "reason": f"could not be read: {type(error).__name__}: {error}"})
    return []


def to_frame(measured: Measured, entries: Sequence[Entry]) -> pd.DataFrame:
    """Return one row per sweep in the order of measurement: place, step, figures, and what the names say."""
    by_file = {entry.name: entry.keys for entry in entries}
    names = {"start", "stop"}  # of the sweep, which the file shows
    rows = []
    for row in measured.rows:
        keys = by_file[row["file"]]
        place = {name: keys.place[name] for name in keys.place if name != "cell"}
        own = {name: value for name, value in keys.numbers.items() if name not in {*names, "compliance"}}
        rows.append(
            {"cell": keys.cell, **place, **row, **{f"key_{name}": value for name, value in own.items()}}
            | {f"key_{name}": word for name, word in keys.words.items()}
        )
    numbers = [each.name for each in Step.columns() if each.quantity.unit]
    frame = pd.DataFrame(rows)
    for name in numbers:
        if name in frame:
            frame[name] = pd.to_numeric(frame[name], errors="coerce").astype(float)
    for name in ("wafer", "die"):
        if name not in frame:
            frame[name] = ""
    return frame.fillna({"wafer": "", "die": ""}) if len(frame) else frame
