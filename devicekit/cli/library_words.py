"""Text of a library for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devicekit.cli import terminal
from devicekit.cli.common import print_warnings, shown
from devicekit.core.text import count, si

if TYPE_CHECKING:
    from devicekit.core.scalars import Scalar
    from devicekit.library import Added, Entry, Found, Record, Unreadable
    from devicekit.library.compare import Comparison

BAD_SHOWN = 10
COLUMNS_SHOWN = 4  # numbers beside each record of a list, and records beside each number of a comparison


def plain(text: object) -> str:
    """Return text of a file for a terminal: nothing in it moves the cursor."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def print_bad(bad: Sequence[Unreadable], what: str = "of the library cannot be read") -> None:
    """Print files that are no records, for people, on standard error."""
    if bad:
        lines = [f"{plain(each.file)}: {plain(each.reason)}" for each in bad[:BAD_SHOWN]]
        lines += [f"... and {len(bad) - BAD_SHOWN} more (--json lists all)"] if len(bad) > BAD_SHOWN else []
        terminal.warning("\n  ".join([f"{count(len(bad), 'file')} {what}:", *lines]))


def print_added(file: Path | list[Path], added: Sequence[Added]) -> None:
    """Print records that a file has given, for people."""
    for each in added:
        record = each.record
        words = " (was there already)" if each.known else ""
        terminal.title(f"{record.id}  {plain(record.name)}{words}")
        terminal.fields([("from", shown(file)), ("kind", record.kind), *_facts(record), ("file", str(each.path))])
    print_warnings([warning for each in added for warning in each.record.warnings])


def _facts(record: Record) -> list[tuple[str, str]]:
    """Return place, labels and marks of a record, and where each comes from."""
    origins = record.origins

    def labelled(name: str, value: object) -> tuple[str, str]:
        return name, f"{plain(value)} (by {origins[name]})" if name in origins else plain(value)

    parts = [labelled(name, part) for name, part in record.place.model_dump().items() if part is not None]
    labels = [labelled(name, value) for name, value in record.labels.items()]
    return [*parts, *labels, *([("data", ", ".join(record.marks))] if record.marks else [])]


def print_list(found: Found, asked: Sequence[str], where: Path) -> None:
    """Print the records of a query, for people; numbers that were asked for first."""
    more = f", {len(found)} shown" if len(found) < found.total else ""
    terminal.title(f"{count(found.total, 'record')}{more} in {where}")
    if found.entries:
        names = _columns(found.entries, asked)
        head = ("id", "name", "kind", "law", "place", *names)
        terminal.table(head, [_line(each, names) for each in found], first_left=5)


def _columns(entries: Sequence[Entry], asked: Sequence[str]) -> list[str]:
    """Return names of the numbers that a list shows: those that were asked for, then those that most records have."""
    counts: dict[str, int] = {}
    for entry in entries:
        for scalar in entry.scalars:
            counts[scalar.name] = counts.get(scalar.name, 0) + 1
    usual = sorted(counts, key=lambda name: -counts[name])
    return list(dict.fromkeys([*(name for name in asked if name in counts), *usual]))[:COLUMNS_SHOWN]


def _line(entry: Entry, names: Sequence[str]) -> tuple[str, ...]:
    values = [scalar.text if (scalar := entry.scalar(name)) else "–" for name in names]
    return entry.id, plain(entry.name), entry.kind, entry.law or "–", plain(entry.place) or "–", *values


def print_record(record: Record, path: Path) -> None:
    """Print what a record holds."""
    terminal.title(f"{record.id}  {plain(record.name)}")
    source = f"{plain(record.source.file)} (SHA-256 {record.source.sha256[:12] or 'not known'})"
    rows = [("kind", record.kind), ("law", record.law), ("source", source), ("added", record.added)]
    rows = [(name, value) for name, value in [*rows, *_facts(record)] if value]
    rows += [(each.name, _number(each.scalar)) for each in record.scalars]
    if record.area_m2 is not None:
        rows.append(("area_m2", f"{si(record.area_m2 * 1e12, '')} µm²  area"))
    rows += [
        (f"table {name}", f"{count(frame.rows, 'row')}: {', '.join(map(plain, frame.columns))}")
        for name, frame in record.tables().items()
    ]
    terminal.fields([*rows, ("file", str(path))])
    for sentence in record.result.sentences if record.result else ():
        terminal.paragraph(plain(sentence), 2)
    print_warnings(record.warnings)


def _number(scalar: Scalar) -> str:
    """Format a number with its label, its interval and its definition."""
    notes = "; ".join(plain(each) for each in (scalar.interval, scalar.by) if each)
    return f"{scalar.text}  {plain(scalar.label)}" + (f" ({notes})" if notes else "")


def print_comparison(found: Comparison) -> None:
    """Print numbers side by side, or their ranges where there are many records."""
    import numpy as np

    terminal.title(f"{found.counts}, side by side")
    if len(found.records) <= COLUMNS_SHOWN:
        head = ("number", *(plain(name) for name in found.names))
        rows = [
            (row.scale.heading, *(row.scale.text(None if each is None else each.value) for each in row.numbers))
            for row in found.rows
        ]
    else:
        head = ("number", "records", "least", "median", "most")
        rows = []
        for r in found.rows:
            ends = [float(each) for each in np.nanquantile(r.values, [0, 0.5, 1])]
            rows.append((r.scale.heading, str(r.n), *map(r.scale.text, ends)))
    terminal.table(head, [tuple(map(plain, row)) for row in rows])
