"""Inputs of a figure: measurements, results that devicekit wrote, device cards, records of a library."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CardError, CodedWarning, FileError, TraceError, UsageError
from devicekit.features.merit import MeritResult, Settings
from devicekit.names.marks import ordered
from devicekit.system import files, ownmark, plugins, writing
from devicekit.system.options import ReadOptions

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.features.characterize import Characterization
    from devicekit.fitting.result import DeviceFit
    from devicekit.library import Record
    from devicekit.tables import Table

LIBRARY = "library:"
RESULTS = "results.json"  # of `characterize`, beside its tables
METRICS, BENCHMARK, TABLE = "metrics.json", "benchmark.json", "table.csv"
_TABLES = ("cycles", "decades", "devices", "levels")  # of `characterize` that panels show
_MERITS = ("bakes", "arrhenius", "dc", "endurance", "multilevel", "retention", "summary")  # those that panels show
_WITHOUT = {  # what a kind of input has not, and what to give instead
    "card": "is a device card: it holds fitted laws, not the measurement. Give the measured file",
    "record": "is a record of the library: it holds numbers, not the measurement. Give the measured file",
    "results": "holds the results of characterize, not the measurement. Give the measured file",
    "training": "holds the accuracies of a training",
    "benchmark": "holds the accuracies of a benchmark",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Input:
    """One input of a figure, with whatever it holds.

    Attributes
    ----------
    label : str
        Its name in legends.
    source : str
        As it was given.
    holds : str
        measurement, results, record, card, training or benchmark.
    kind : str
        Kind of the table that was measured; "" of others.
    marks : tuple of str
        synthetic, simulated, calibrated: what it is, if not measured.
    table : Table, optional
        The measurement.
    merits : mapping of str to MeritResult
        Figures of merit that panels show, by name.
    tables : mapping of str to pandas.DataFrame
        Their tables, by the names of `characterize`.
    fit : DeviceFit, optional
        Update law fitted to pulse trains.
    card : DeviceCard, optional
    numbers : mapping
        JSON of results, training or benchmark.
    warnings : tuple of CodedWarning
    """

    label: str
    source: str
    holds: str
    kind: str = ""
    marks: tuple[str, ...] = ()
    table: Table | None = None
    merits: Mapping[str, MeritResult] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    fit: DeviceFit | None = None
    card: DeviceCard | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[CodedWarning, ...] = ()

    def without(self, needs: str) -> str:
        """Return a sentence on an input that lacks what a panel needs."""
        if self.holds == "measurement":
            return f"{self.label} holds {self.kind} data, not {needs}."
        return f"{self.label} {_WITHOUT[self.holds]} with {needs}."


def load(given: Any, reading: ReadOptions, settings: Settings, library: Path | None = None) -> list[Input]:
    """Load one thing that was given: a path, paths of one table, `library:ID`, or an object of Python.

    Raises DevicekitError if it cannot be read, or is nothing that a figure shows.

    Returns
    -------
    list of Input
        Several of a folder with the results of several files, or of a JSON file with several benchmarks.
    """
    if isinstance(given, str) and given.startswith(LIBRARY):
        return [_of_record(_record(given.removeprefix(LIBRARY), library), given)]
    if isinstance(given, list | tuple):
        from devicekit.readers import read

        table = read(given, reading, elsewhere=frozenset({"read_voltage"}))
        return [of_table(table, settings, Path(given[0]).resolve().parent.name, str(Path(given[0]).parent))]
    if isinstance(given, str | os.PathLike):
        return _of_path(Path(given), reading, settings)
    return [_of_object(given, settings)]


def _of_path(path: Path, reading: ReadOptions, settings: Settings) -> list[Input]:
    if files.is_folder(path):
        found = [each for name in (METRICS, BENCHMARK) if (each := path / name).is_file()]
        results = [path / RESULTS, *sorted(path.glob(f"*/{RESULTS}"))]
        found = found or [each for each in results if each.is_file()]
        ours = found and ownmark.read_marker(path)["files"] + ownmark.read_marker(path.parent)["files"]
        if ours and (known := [each for file in found for each in _of_json(file)]):
            if (path / METRICS) in found and files.is_file(path / TABLE):  # of a whole run
                known += _of_path(path / TABLE, reading, settings)
            return known
    elif path.suffix.lower() == ".json" and files.is_file(path) and (known := _of_json(path)):
        return known
    from devicekit.readers import read

    table = read(path, reading, elsewhere=frozenset({"read_voltage"}))
    return [of_table(table, settings, files.stem(path), str(path))]


def _of_json(path: Path) -> list[Input]:
    """Return what a JSON file of ours holds; nothing of any other, which a reader may know."""
    numbers = files.read_json(path)
    if not isinstance(numbers, dict):
        return []
    writing.note_input(path)
    name = path.parent.resolve().name if path.name in (METRICS, BENCHMARK, RESULTS) else files.stem(path)
    if {"schema_version", "ltp", "ltd"} <= numbers.keys():
        from devicekit.device.card import load_card

        return [of_card(load_card(path), str(path))]
    if {"schema_version", "id", "kind", "name"} <= numbers.keys():
        from devicekit.library.record import load as load_record

        return [_of_record(load_record(path), str(path))]
    if _is_training(numbers):
        return [Input(label=name, source=str(path), holds="training", numbers=numbers, marks=_marks(numbers))]
    if isinstance(numbers.get("train"), dict):  # of a whole run
        parts = [("training", numbers["train"], _is_training), ("benchmark", numbers.get("benchmark"), _is_benchmark)]
        return [
            Input(label=name, source=str(path), holds=holds, numbers=part, marks=_marks(numbers))
            for holds, part, holds_it in parts
            if holds_it(part)
        ]
    several = numbers.get("results", [numbers])
    known = [each for each in several if _is_benchmark(each)] if isinstance(several, list) else []
    if known:
        return [
            Input(label=str(each["name"]), source=str(path), holds="benchmark", numbers=each, marks=_marks(each))
            for each in known
        ]
    if path.name == RESULTS and "kind" in numbers:
        return [_of_results(path, numbers, name)]
    return []


def _is_training(numbers: Any) -> bool:
    """Return whether numbers are those of a training, with all that panels show."""
    if not isinstance(numbers, dict):
        return False
    epochs, data = numbers.get("epochs"), numbers.get("data")
    return (
        isinstance(epochs, list)
        and all(isinstance(each, dict) and "test_accuracy" in each for each in epochs)
        and isinstance(data, dict)
        and {"n_test", "name", "split"} <= data.keys()
    )


def _is_benchmark(numbers: Any) -> bool:
    """Return whether numbers are those of a benchmark, with all that panels show."""
    if not isinstance(numbers, dict) or not {"name", "split", "seeds", "severities", "variants"} <= numbers.keys():
        return False
    variants = numbers["variants"]
    fields = {"variant", "device", "twin"}
    if not isinstance(variants, list) or not isinstance(numbers["severities"], dict):
        return False
    return bool(variants) and all(isinstance(each, dict) and fields <= each.keys() for each in variants)


def _marks(numbers: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the marks in JSON of ours; none in any other that has something else there."""
    given = numbers.get("marks")
    return ordered(each for each in given if isinstance(each, str)) if isinstance(given, list | tuple) else ()


def _of_results(path: Path, numbers: Mapping[str, Any], name: str) -> Input:
    """Return the results of `characterize` for one file: its numbers, and the tables beside them."""
    found = {name: path.parent / f"{name}.csv" for name in _TABLES}
    tables = {name: _table_of(each) for name, each in found.items() if files.is_file(each)}
    return Input(
        label=name,
        source=str(path.parent),
        holds="results",
        kind=str(numbers["kind"]),
        marks=_marks(numbers),
        tables=tables,
        numbers=numbers,
    )


def _table_of(path: Path) -> pd.DataFrame:
    """Return a table of `characterize`.

    Raises FileError if it is not a CSV of UTF-8.
    """
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:  # of its encoding, without columns, or with lines that differ
        raise FileError.of("cannot read", path, error) from error
    writing.note_input(path)
    if "device_id" in frame:
        frame["device_id"] = frame["device_id"].astype(str)
    return frame


def of_card(card: DeviceCard, source: str) -> Input:
    """Return the input that a device card is."""
    return Input(label=card.name, source=source, holds="card", card=card, marks=card.marks)


def of_table(table: Table, settings: Settings, label: str, source: str) -> Input:
    """Return the input that a measurement is, with those figures of merit, or the fit, that panels show.

    Raises DevicekitError if its trains cannot be fitted.
    """
    found: dict[str, MeritResult] = {}
    known = plugins.MERITS.builtin_names()
    with np.errstate(all="ignore"):
        for name in sorted(each for each in _MERITS if each in known):
            try:
                result = plugins.MERITS.load(name).find(table, settings, found)
            except TraceError:
                continue  # its readings are drawn, without a law
            if result is not None:
                found[name] = result
    tables = {name: frame for result in found.values() for name, frame in result.tables().items()}
    made = Input(
        label=label,
        source=source,
        holds="measurement",
        kind=table.kind,
        marks=table.marks,
        table=table,
        merits=found,
        tables=tables,
        warnings=(*table.warnings, *(warning for result in found.values() for warning in result.warnings)),
    )
    if table.kind != "pulse":
        return made
    from devicekit.fitting.branch.options import FitOptions
    from devicekit.fitting.device import fit_table

    fit = fit_table(table, FitOptions())  # type: ignore[arg-type]
    return replace(made, fit=fit, warnings=fit.warnings)


def _of_object(given: Any, settings: Settings) -> Input:
    """Return the input that an object of the Python interface is."""
    from devicekit.device.card import DeviceCard
    from devicekit.features.characterize import Characterization
    from devicekit.fitting.result import DeviceFit
    from devicekit.library import Record
    from devicekit.tables.base import ValidTable

    if isinstance(given, Input):
        return given
    if isinstance(given, ValidTable):
        return of_table(given, settings, _name(given), str(given.meta.get("source", "table")))  # type: ignore[arg-type]
    if isinstance(given, Characterization):
        return _of_characterization(given)
    if isinstance(given, DeviceFit):
        label = _name(given.table)
        return Input(
            label=label,
            source=label,
            holds="measurement",
            kind="pulse",
            table=given.table,
            fit=given,
            marks=given.marks(),
            warnings=given.warnings,
        )
    if isinstance(given, DeviceCard):
        return of_card(given, given.name)
    if isinstance(given, Record):
        return _of_record(given, f"{LIBRARY}{given.id}")
    if hasattr(given, "as_dict"):
        numbers = given.as_dict()
        holds = "training" if _is_training(numbers) else "benchmark" if _is_benchmark(numbers) else ""
        if holds:
            name = str(numbers.get("name", holds))
            return Input(label=name, source=name, holds=holds, numbers=numbers, marks=ordered(numbers.get("marks", ())))
    raise UsageError(
        f"A figure takes files, tables, fits, cards, records and results of a training or benchmark, not "
        f"{type(given).__name__}."
    )


def _of_characterization(given: Characterization) -> Input:
    label = _name(given.table)
    return Input(
        label=label,
        source=label,
        holds="measurement",
        kind=given.table.kind,
        marks=given.table.marks,
        table=given.table,
        merits=given.results,
        tables=given.tables,
        warnings=given.warnings,
    )


def _name(table: Table) -> str:
    return files.stem(Path(str(table.meta.get("source", "measurement"))))


def _record(id_: str, folder: Path | None) -> Record:
    """Return the record of a library by the beginning of its id, or by its name if no other has it."""
    from devicekit.library import Library

    library = Library(folder)
    named = [each for each in library.records().entries if each.name == id_]
    if len(named) == 1:
        return library.open(named[0])
    if len(named) > 1:
        ids = ", ".join(each.id for each in named[:10])
        raise UsageError(f"{len(named)} records are called {id_}. Give an id: {ids}.")
    return library.get(id_)


def _of_record(record: Record, source: str) -> Input:
    if record.card is not None:
        marks = ordered([*record.marks, *record.card.marks])
        return replace(of_card(record.card, source), label=record.name, marks=marks)
    tables = {name: frame.to_pandas() for name, frame in record.tables().items()}
    return Input(label=record.name, source=source, holds="record", kind=record.kind, marks=record.marks, tables=tables)


def _by_folder(inputs: Sequence[Input]) -> list[str]:
    """Return the labels of inputs; of files with one name in several folders, those of the folders."""
    shared = Counter((each.holds, each.label) for each in inputs)
    found = []
    for each in inputs:
        alike = [other for other in inputs if (other.holds, other.label) == (each.holds, each.label)]
        folders = [Path(other.source).resolve().parent.name for other in alike]
        own = Path(each.source).resolve().parent.name
        is_file = all(files.is_file(Path(other.source)) for other in alike)
        told_apart = shared[each.holds, each.label] > 1 and is_file and len(set(folders)) == len(folders)
        found.append(own if told_apart else each.label)
    return found


def relabelled(inputs: Sequence[Input], labels: Sequence[str]) -> list[Input]:
    """Return inputs with labels of the user, or with their own, made distinct.

    Raises UsageError if there is not one label for each.
    """
    if labels and len(labels) != len(inputs):
        raise UsageError(
            f"labels= gives {len(labels)} names for {len(inputs)} inputs ({', '.join(each.label for each in inputs)})."
        )
    if labels and len(set(labels)) < len(labels):
        raise UsageError("labels= gives a name twice. Give different names.")
    found: list[Input] = []
    for each, label in zip(inputs, labels or _by_folder(inputs), strict=True):
        taken = {other.label for other in found if other.holds == each.holds}
        names = [label, *(f"{label} ({number})" for number in range(2, len(inputs) + 1))]
        found.append(replace(each, label=next(name for name in names if name not in taken)))
    return found


__all__ = ["CardError", "Input", "load", "of_card", "of_table", "relabelled"]
