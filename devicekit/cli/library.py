"""`devicekit library add|list|show|compare|remove|refresh`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli import library_words as words
from devicekit.cli import terminal
from devicekit.cli.common import (
    Json,
    ReplaceFile,
    choice,
    over_files,
    print_json,
    print_warnings,
    this_command,
    with_options,
)
from devicekit.cli.lazy import group
from devicekit.core.errors import FileError, UsageError
from devicekit.core.pairs import parse_pairs
from devicekit.core.text import count
from devicekit.features.definitions import V_RESET, V_SET
from devicekit.names import MARKS
from devicekit.system.commands import non_default
from devicekit.system.options import ReadOptions
from devicekit.verbs import shared

if TYPE_CHECKING:
    from devicekit.features.merit import Settings
    from devicekit.library import Added, Entry, Library, Query, Record, Unreadable

library_app = group(help="Keep cards and results; search and compare them.")

Folder = Annotated[
    Path | None,
    typer.Option("--library", metavar="DIR", help="Folder of the library; else DEVICEKIT_LIBRARY names it."),
]


@dataclass(frozen=True)
class Labelled:
    """Labels and place of records, as typed."""

    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label", metavar="NAME=VALUE", help="stack, area, operator, date or any other; may be repeated."
        ),
    ] = None
    wafer: Annotated[str | None, typer.Option("--wafer", metavar="NAME", help="Wafer of the device.")] = None
    die: Annotated[str | None, typer.Option("--die", metavar="NAME", help="Die on the wafer.")] = None
    row: Annotated[int | None, typer.Option("--row", metavar="N", min=0, help="Row of the array.")] = None
    column: Annotated[int | None, typer.Option("--column", metavar="N", min=0, help="Column of the array.")] = None

    @property
    def labels(self) -> dict[str, str]:
        """The labels by name."""
        return parse_pairs(self.label, "--label takes NAME=VALUE, such as stack=HfO2", "--label names {} twice")

    @property
    def place(self) -> dict[str, str | int]:
        """The parts of the place that are given."""
        parts = {"wafer": self.wafer, "die": self.die, "row": self.row, "column": self.column}
        return {name: part for name, part in parts.items() if part is not None}


@dataclass(frozen=True)
class Filters:
    """Filters of a search besides labels and place."""

    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="card, sweep, endurance, retention, stdp, pulse ...")
    ] = None
    range_: Annotated[
        list[str] | None,
        typer.Option(
            "--range",
            metavar="NAME=LOW:HIGH",
            help="A number within a range, SI units, either end open; may be repeated.",
        ),
    ] = None


Sort = Annotated[
    str, typer.Option("--sort", metavar="NAME", help="A number, a label, name, added ...; -NAME: largest first.")
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Largest number of records.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of records, or the beginning of one.")]


def _open(folder: Path | None, must: bool = True) -> Library:
    """Return the library; one that was named must be there, lest a typing error looks like an empty one."""
    from devicekit.library import Library, default_folder
    from devicekit.library.folder import VARIABLE

    named = folder or (default_folder() if os.environ.get(VARIABLE) else None)
    if must and named is not None and not os.path.exists(named):
        raise UsageError(
            f"Library {named} does not exist. Create it with devicekit library add FILE --library {named}."
        )
    return Library(folder)


def _query(searched: Sequence[str] | None, filters: Filters, labelled: Labelled, sort: str, limit: int | None) -> Query:
    from devicekit.library import Place, Query, Range

    split = [word for each in searched or () for word in each.split()]
    ranges = [Range.of(each) for each in filters.range_ or ()]
    place: Any = labelled.place
    return Query(split, filters.kind, ranges, labelled.labels, Place(**place), sort=sort, limit=limit)


@library_app.command("add")
@with_options
def add(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Device cards, records, or files of measurements.")
    ],
    reading: ReadOptions,
    *,
    library: Folder = None,
    labelled: Labelled,
    place_from: Annotated[
        str | None,
        typer.Option("--place-from", metavar="PATTERN", help="Named groups find place and labels in a file's name."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the record, for one file.")
    ] = None,
    by_device: Annotated[bool, typer.Option("--by-device", help="A record for each device of a file.")] = False,
    mark: Annotated[
        list[str] | None, choice("--mark", MARKS, "Origin of the data, if the file does not state it", "MARK")
    ] = None,
    v_set: Annotated[str | None, choice("--v-set", V_SET, "Definition of V_set")] = None,
    v_reset: Annotated[str | None, choice("--v-reset", V_RESET, "Definition of V_reset")] = None,
    threshold: float | None = shared.threshold(None),
    json_output: Json = False,
) -> int:
    """Keep device cards and figures of merit of measurements.

    A file of measurements gives its figures of merit, with the values of every sweep. Fit pulse trains first
    (devicekit fit). R3C5 in a name means row 3, column 5; labels also come from [labels] of a recipe. The same
    content is kept once; adding it again adds its new labels.

    Examples:
        devicekit library add card.json --label stack=HfO2 --label area='5x5 um'
        devicekit library add sweeps/*.csv --place-from 'W(?P<wafer>\\d+)_R(?P<row>\\d+)C(?P<column>\\d+)'
        devicekit library add array.csv --by-device --wafer W1
    """
    if name is not None and len(files) > 1:
        raise UsageError(f"--name needs exactly one file; got {len(files)}.")
    typed = {**labelled.labels, **labelled.place}
    kept = _open(library, must=False)
    options = non_default(reading)

    def work(file: Path | list[Path]) -> dict[str, object]:
        added = kept.add_file(
            Path(str(file)),
            name=name,
            labels=typed,
            place_from=place_from,
            marks=mark or (),
            by_device=by_device,
            settings=_settings(v_set, v_reset, threshold),
            **options,
        )
        if not json_output:
            words.print_added(file, added)
        return {"library": str(kept.folder), "records": [_added(each) for each in added]}

    return over_files(list(files), json_output, work)


def _settings(v_set: str | None, v_reset: str | None, threshold: float | None) -> Settings | None:
    from devicekit.features.merit import Settings

    typed = {"v_set": v_set, "v_reset": v_reset, "threshold": threshold}
    given: dict[str, Any] = {name: value for name, value in typed.items() if value is not None}
    return Settings(**given) if given else None


def _added(each: Added) -> dict[str, object]:
    record = each.record
    return {
        "id": record.id,
        "name": record.name,
        "kind": record.kind,
        "file": str(each.path),
        "known": each.known,
        "place": record.place.model_dump(),
        "labels": record.labels,
        "origins": record.origins,
        "warnings": [warning.as_dict() for warning in record.warnings],
    }


@library_app.command("list")
@with_options
def list_records(
    searched: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS]...", help="Words that name, file, kind, law, labels or warnings contain, all of them."
        ),
    ] = None,
    *,
    library: Folder = None,
    filters: Filters,
    labelled: Labelled,
    sort: Sort = "-added",
    limit: Limit = None,
    json_output: Json = False,
) -> None:
    """Search the records and list them.

    Examples:
        devicekit library list
        devicekit library list hfo2 --kind card --range on_off=3:6 --sort -on_off
        devicekit library list --label stack=HfO2 --range v_set_v=:0.8 --json
    """
    query = _query(searched, filters, labelled, sort, limit)
    kept = _open(library)
    found = kept.records(query)
    bad = kept.unreadable
    if json_output:
        print_json(
            {
                "library": str(kept.folder),
                "total": found.total,
                "records": [each.as_dict() for each in found],
                "unreadable": [each.as_dict() for each in bad],
            }
        )
        return
    words.print_bad(bad)
    asked = [sort.removeprefix("-"), *(each.name for each in query.ranges)]
    words.print_list(found, asked, kept.folder)


@library_app.command("show")
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Id of a record, or its beginning.")],
    library: Folder = None,
    json_output: Json = False,
) -> None:
    """Print what a record holds.

    Example:
        devicekit library show 48e9eb56
    """
    kept = _open(library)
    entry = kept.entry(id_)
    record = kept.open(entry)
    if json_output:
        import json

        print_json(json.loads(record.to_json()))
        return
    words.print_record(record, kept.folder / entry.file)


@library_app.command("compare")
@with_options
def compare_records(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of records, or the beginning of each.")
    ] = None,
    *,
    library: Folder = None,
    searched: Annotated[
        list[str] | None, typer.Option("--words", metavar="WORDS", help="Records with these words instead of ids.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every record instead of ids.")] = False,
    filters: Filters,
    labelled: Labelled,
    sort: Sort = "name",
    limit: Limit = None,
    x: Annotated[str | None, typer.Option("--x", metavar="NAME", help="Number on the horizontal axis.")] = None,
    y: Annotated[str | None, typer.Option("--y", metavar="NAME", help="Number on the vertical axis.")] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="LABEL", help="Label, wafer, die, kind or law that groups figures.")
    ] = None,
    report: Path | None = shared.report(),
    force: ReplaceFile = False,
    json_output: Json = False,
) -> int:
    """Compare records side by side.

    Choose them by id, or by words, kind, range, label or place. --report shows rate curves together, distributions
    over records and sweeps, a scatter plot, box plots by label and array maps. Numbers of different definitions are
    kept apart. It describes these records; it is not a statistical test.

    Examples:
        devicekit library compare 48e9eb56 fd77a611 --report compare.html
        devicekit library compare --kind card --label stack=HfO2 --y increment_ltp --by area --report compare.html
    """
    from devicekit.library.compare import compare
    from devicekit.library.report import comparison_report
    from devicekit.system import writing

    if report is not None:
        writing.check_writable(report)
    kept = _open(library)
    query = _query(searched, filters, labelled, sort, limit)
    records, bad = _read(kept, _chosen(kept, ids or [], query, every))
    found = compare(records, x, y, by)
    if report is not None:
        comparison_report(found, this_command(), bad).save(report)
    if json_output:
        more = {"unreadable": [each.as_dict() for each in bad], "report": str(report) if report else None}
        print_json({"library": str(kept.folder), **found.as_dict(), **more})
        return 2 if bad else 0
    words.print_bad(bad, "cannot be compared")
    words.print_comparison(found)
    print_warnings(found.warnings)
    if report is not None:
        terminal.fields([("report", str(report))])
    return 2 if bad else 0


def _chosen(kept: Library, ids: Sequence[str], query: Query, every: bool) -> tuple[Entry, ...]:
    """Return the records of these ids, or those that a query asks for: one of the two."""
    if bool(ids) + (not query.all or every) != 1:
        raise UsageError("Give ids of records, or choose them with --words, --kind, --range, --label or --all")
    if ids:
        return tuple({entry.id: entry for entry in map(kept.entry, ids)}.values())
    return kept.records(query).entries


def _read(kept: Library, entries: Iterable[Entry]) -> tuple[list[Record], list[Unreadable]]:
    """Return records with their contents, and those that cannot be read."""
    from devicekit.library import Unreadable

    records, bad = [], []
    for entry in entries:
        try:
            records.append(kept.open(entry))
        except FileError as error:
            bad.append(Unreadable(entry.file, str(error)))
    if bad and len(records) < 2:
        raise FileError(f"fewer than two records can be read: {'; '.join(f'{b.file}: {b.reason}' for b in bad)}")
    return records, bad


@library_app.command("remove")
def remove(ids: Ids, library: Folder = None, json_output: Json = False) -> None:
    """Remove records: all the given ones, or none.

    Their files are deleted without a question.

    Example:
        devicekit library remove 48e9eb56 fd77a611
    """
    kept = _open(library)
    gone = kept.remove(*ids)
    if json_output:
        print_json({"library": str(kept.folder), "removed": [each.as_dict() for each in gone]})
        return
    for entry in gone:
        typer.echo(f"removed {entry.id}  {words.plain(entry.name)} ({words.plain(entry.file)})")


@library_app.command("refresh")
def refresh(library: Folder = None, json_output: Json = False) -> None:
    """Rebuild the index from the files, and list files that are not records.

    Every command notices changed files; this one reads all of them again.

    Example:
        devicekit library refresh --library /lab/share/devices
    """
    from devicekit.library import Query

    kept = _open(library)
    bad = kept.refresh(rebuild=True)
    total = kept.records(Query(limit=1)).total
    if json_output:
        shown_bad = [each.as_dict() for each in bad]
        print_json({"library": str(kept.folder), "total": total, "unreadable": shown_bad})
        return
    words.print_bad(bad)
    typer.echo(f"{count(total, 'record')} in {kept.folder}")
