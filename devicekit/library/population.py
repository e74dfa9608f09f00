"""Records of a folder of many cells: one of each cell, and one of the population."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from devicekit.core.scalars import Scalar
from devicekit.library.head import Source, line
from devicekit.library.origin import Metadata, combine
from devicekit.library.record import Frame, Record, Result, numbers
from devicekit.population.join import QUANTITIES
from devicekit.system import files
from devicekit.system.kept import Kept
from devicekit.system.options import ReadOptions

if TYPE_CHECKING:
    from devicekit.features.merit import Settings
    from devicekit.population.result import Population

READ = 0.1  # V
JOBS = 2
PLACES = ("wafer", "die", "row", "column")


def measure_folder(path: Path, reading: ReadOptions, settings: Settings) -> Population:
    """Read and analyse a folder of many cells.

    Raises DevicekitError if its names or its reading are open.
    """
    from devicekit.population.measure import measure, to_frame
    from devicekit.population.opening import open_folder
    from devicekit.population.result import Unread, analyse
    from devicekit.population.steps import Definitions

    opened = open_folder(path, reading)
    definitions = Definitions(settings.read_voltage or READ, settings.v_set, settings.v_reset)
    found = measure(opened.entries, opened.makes, definitions, JOBS, lambda done, total: None, Kept(None), {})
    return analyse(
        to_frame(found, opened.entries),
        name=opened.name,
        files=len(opened.entries) - len(found.left_out),
        templates=[each.text for each in opened.templates],
        left_out=[Unread(file=each.file, reason=each.reason) for each in (*opened.left_out, *found.left_out)],
        definitions=(definitions.read, definitions.v_set, definitions.v_reset),
    )


def population_records(
    path: Path, reading: ReadOptions, settings: Settings, labels: Mapping[str, str | int], marks: set[str]
) -> list[Record]:
    """Return the record of the population in a folder, then that of each cell.

    Parameters
    ----------
    path : Path
    reading : ReadOptions
    settings : Settings
    labels : mapping of str to value
        Labels of all of them.
    marks : set of str
        Marks of the data besides those that the files say.
    """
    found = measure_folder(path, reading, settings)
    source = Source(file=line(path.name or path.resolve().name), sha256=files.sha256(path))
    common: dict[str, Any] = {"source": source, **dict.fromkeys(sorted({*marks, *found.marks}), True)}
    tables = {name: frame for name, frame in found.tables().items() if name != "steps"}
    whole = _record(found.name, "population", found.sentences(), tables, found.scalars(), labels, {}, common)
    return [whole, *(_cell(found, str(cell), labels, common) for cell in found.of_cells["cell"])]


def _cell(found: Population, cell: str, labels: Mapping[str, str | int], common: dict[str, Any]) -> Record:
    """Return the record of one cell: its sweeps, and the medians of its quantities."""
    own = found.of_cells[found.of_cells["cell"] == cell].iloc[0]
    by = {each.name: each.by for each in found.scalars()}
    medians = [
        Scalar(name, f"{about.label}, median", float(own[name]), about.unit, by=by.get(name, ""))
        for name, about in QUANTITIES.items()
        if np.isfinite(own[name])
    ]
    place = {name: own[name] for name in PLACES if name in own and str(own[name]) not in ("", "nan")}
    place = {name: each for name, each in place.items() if name in ("wafer", "die") or str(each).isdigit()}
    steps = found.steps[found.steps["cell"] == cell].drop(columns="cell")
    name = f"{found.name} {cell}"
    words = [f"{cell}: {own['state']}."]
    return _record(name, "cell", words, {"steps": steps}, medians, labels, place, common)


def _record(
    name: str,
    kind: str,
    sentences: list[str],
    tables: Mapping[str, pd.DataFrame],
    scalars: Any,
    labels: Mapping[str, str | int],
    place: Mapping[str, str | int],
    common: dict[str, Any],
) -> Record:
    metadata: Metadata = combine(
        labels, place, origins={**dict.fromkeys(place, "file name"), **dict.fromkeys(labels, "hand")}
    )
    result = Result(
        devices=(name,),
        merits=("population",),
        sentences=tuple(sentences),
        tables={each: Frame.of(frame, each) for each, frame in tables.items()},
    )
    known = [replace(each, low=None, high=None) if each.ends is None else each for each in scalars]
    return Record.of_parts(metadata, result, name=line(name), kind=kind, scalars=numbers(known), **common)
