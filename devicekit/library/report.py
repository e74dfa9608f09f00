"""The report of a comparison: numbers side by side, figures, what must not be compared, where the numbers come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.errors import CodedWarning
from devicekit.features.merit import figure
from devicekit.library.compare import Comparison
from devicekit.library.head import MARKS
from devicekit.library.query import Unreadable
from devicekit.library.rows import Row
from devicekit.names import DIRECTIONS
from devicekit.plot import Image, Panel
from devicekit.report import Block, CodedList, Figure, Report, Section, Table, Text, draw
from devicekit.report.shared import provenance_section, warnings_section, warnings_sentence
from devicekit.scalars import Scalar
from devicekit.text import count, listed

SIDE_BY_SIDE = 6  # records that stand in columns; more stand in rows
MOST_ROWS = 500
MOST_WARNINGS = 200
NAMED = 4  # records that a warning names
_RANKS = "Median ranks (i - 0.3) / (n + 0.4)."


def comparison_report(found: Comparison, command: str, unreadable: Sequence[Unreadable] = ()) -> Report:
    """The page of a comparison.

    Parameters
    ----------
    found : Comparison
    command : str
        That makes the page again.
    unreadable : sequence of Unreadable
        Records that were asked for and could not be read.
    """
    sections = [
        _records_section(found),
        _numbers_section(found),
        *_section("Rate curves", "rates", _rate_figures(found)),
        *_section("Over the records", "records-figures", _figures_over_records(found)),
        *_section("Within the records", "sweeps", _figures_within_records(found)),
        *_section("On the array", "array", _map_figures(found)),
        _warnings_section(found, unreadable),
        _provenance(found, command),
    ]
    words = summary(found, unreadable)
    pictures = [figure for section in sections for figure in section.figures]
    numbers = [_median_scalar(found, name) for name in dict.fromkeys((found.y, found.x)) if name]
    return Report(
        f"Comparison of {count(len(found.records), 'record')}",
        words[0],
        words,
        sections,
        marks=[mark.upper() for mark in MARKS if any(mark in record.marks for record in found.records)],
        pictures=pictures,
        numbers=[Scalar("records", "records", float(len(found.records))), *numbers],
        warnings=found.warnings,
        source=listed([*dict.fromkeys(record.source.file for record in found.records[:NAMED])]),
    )


def _median_scalar(found: Comparison, name: str) -> Scalar:
    row = found.row(name)
    meaning = row.meaning
    label = f"{meaning.label.removesuffix(', median')}, median of {row.n} records"
    return Scalar(name, label, float(np.nanmedian(row.values)), meaning.unit, meaning.of, by=meaning.by)


def summary(found: Comparison, unreadable: Sequence[Unreadable] = ()) -> list[str]:
    """The comparison in plain sentences; it describes these records and tests nothing."""
    told = [f"{found.counts[:1].upper()}{found.counts[1:]} of a library of devices."]
    told += [
        _range_sentence(found, name)
        for name in dict.fromkeys((found.y, found.x))
        if name and found.row(name).n > 1
    ]  # fmt: skip
    told.append(
        "These numbers describe the records that were chosen. Nothing was tested: how they were chosen decides what "
        "they say about other devices."
    )
    if unreadable:
        words = count(len(unreadable), "record")
        told.append(f"{words} could not be read and {'is' if len(unreadable) == 1 else 'are'} left out; see below.")
    return [*told, *([sentence] if (sentence := warnings_sentence(found.warnings)) else [])]


def _range_sentence(found: Comparison, name: str) -> str:
    row = found.row(name)
    scale, values = row.scale, row.values
    low, middle, high = (scale.text(float(each), 3) for each in np.nanquantile(values, [0, 0.5, 1]))
    ends, unit = (low if low == high else f"{low} to {high}"), f" {scale.unit}".rstrip()
    label = f"{scale.label[:1].upper()}{scale.label[1:]}"
    return f"{label}: {ends}{unit} in {count(row.n, 'record')}, median {middle}{unit}."


def _section(title: str, anchor: str, blocks: Sequence[Block]) -> list[Section]:
    return [Section(title, anchor, blocks)] if blocks else []


def _records_section(found: Comparison) -> Section:
    rows = [
        (
            name,
            record.id,
            record.kind,
            record.law or "–",
            str(record.place) or "–",
            ", ".join(f"{key} {value}" for key, value in record.labels.items()) or "–",
            ", ".join(record.marks) or "measured",
        )
        for name, record in list(zip(found.names, found.records, strict=True))[:MOST_ROWS]
    ]
    head = ("record", "id", "kind", "law", "place", "labels", "data")
    return Section("Records", "records", [Table(head, rows, f"The records{_truncation_note(found)}.")])


def _truncation_note(found: Comparison) -> str:
    total = len(found.records)
    return f" (the first {MOST_ROWS} of {total})" if total > MOST_ROWS else ""


def _format_cell(row: Row, n: int) -> str:
    """A number with its interval, in the unit of the heading."""
    cell = row.cells[n]
    if cell is None:
        return "–"
    shown = row.scale.text(cell.value)
    if cell.low is None or cell.high is None:
        return shown
    return f"{shown} ({row.scale.text(cell.low)} to {row.scale.text(cell.high)})"


def _numbers_section(found: Comparison) -> Section:
    if not found.rows:
        return Section("Numbers", "numbers", [Text(["The records have no number in common, nor any of their own."])])
    caption = "Numbers side by side; 95 % intervals in brackets where a record has them."
    which = range(len(found.records))
    if len(found.records) <= SIDE_BY_SIDE:
        rows = [(row.scale.heading, *(_format_cell(row, n) for n in which)) for row in found.rows]
        return Section("Numbers", "numbers", [Table(("number", *found.names), rows, caption)])
    head = ("record", *(row.scale.heading for row in found.rows))
    body = [(found.names[n], *(_format_cell(row, n) for row in found.rows)) for n in which[:MOST_ROWS]]
    blocks: list[Block] = [_quantile_table(found), Table(head, body, f"{caption[:-1]}{_truncation_note(found)}.")]
    return Section("Numbers", "numbers", blocks)


def _quantile_table(found: Comparison) -> Table:
    """Each number over the records: how many have it, median, quartiles, range."""
    rows = []
    for row in found.rows:
        values, scale = row.values[np.isfinite(row.values)], row.scale
        low, q1, middle, q3, high = (scale.text(float(each)) for each in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
        rows.append((scale.heading, str(values.size), low, q1, middle, q3, high))
    head = ("number", "records", "least", "25 %", "median", "75 %", "most")
    return Table(head, rows, "Numbers over the records: quantiles of what was chosen.")


def _figure(panel: Panel | None, caption: str, alt: str) -> list[Block]:
    return [] if panel is None else [figure(panel, caption, alt)]


def _rate_figures(found: Comparison) -> list[Block]:
    blocks: list[Block] = []
    by = "" if found.colours is None else f"; blue to orange by {found.colours.scale.label}"
    for direction in DIRECTIONS:
        panel = found.overlay(direction)
        n = len(panel.curves) if panel else 0
        words = f"{direction.upper()}: rdot(r) of {count(n, 'card')} where it was measured, each in its own window{by}."
        blocks += _figure(panel, words, f"Rate curves of {n} cards over the state, {direction.upper()}")
    return blocks


def _figures_over_records(found: Comparison) -> list[Block]:
    blocks: list[Block] = []
    by = f", by {found.by}" if found.by else ""
    for name in dict.fromkeys((found.y, found.x)):
        if name:
            label = found.row(name).scale.label
            words = f"Distribution of {label} over the records{by}. {_RANKS}"
            blocks += _figure(found.cdf(name), words, f"Cumulative distribution of {label} over the records")
    if found.x and found.y:
        across, up = found.row(found.x).scale.label, found.row(found.y).scale.label
        blocks += _figure(found.scatter(), f"{up} against {across}{by}; a dot a record.", f"Scatter of {up}")
        words = (
            f"{up}{by}: every record grey; of groups of three or more the range (thin), quartiles (thick) and median "
            "(white)."
        )
        blocks += _figure(found.boxes(), words, f"{up} by {found.by}")
    return blocks


def _figures_within_records(found: Comparison) -> list[Block]:
    blocks: list[Block] = []
    for name in found.sweep_names():
        label = found.row(name).meaning.label
        panel = found.sweep_cdf(name)
        n = count(len(panel.curves) if panel else 0, "record")
        words = f"Every value behind {label} in {n}, a curve each; of sweeps those that switched. {_RANKS}"
        blocks += _figure(panel, words, f"Cumulative distributions of the values behind {label}")
    return blocks


def _map_figures(found: Comparison) -> list[Block]:
    return [_map_figure(image) for image in found.maps()]


def _map_figure(image: Image) -> Figure:
    size = (9.6, min(max(2.8, 0.42 * image.values.shape[0] + 1.4), 9.0))
    where = f" of {image.title}" if image.title else ""
    words = f"{image.label}{where}: row by row from the top; cells without a record are blank."
    alt = f"Map of {image.label} over the array"
    return draw([image], words, alt, size, wide=True)


def _warnings_section(found: Comparison, unreadable: Sequence[Unreadable]) -> Section:
    told = list(found.warnings)
    blocks = list(warnings_section(told).blocks)
    own = _record_warnings(found)
    if own:
        more = f" (the first {MOST_WARNINGS} of {len(own)})" if len(own) > MOST_WARNINGS else ""
        blocks += [Text([f"Of the records themselves{more}:"]), CodedList(own[:MOST_WARNINGS])]
    if unreadable:
        blocks += [Text(["Records that could not be read:"]), CodedList([(u.file, u.reason) for u in unreadable])]
    return Section("Warnings", "warnings", blocks)


def _record_warnings(found: Comparison) -> list[tuple[str, str]]:
    """Warnings of the records, each once with the names of those that have it."""
    held: dict[CodedWarning, list[str]] = {}
    for name, record in zip(found.names, found.records, strict=True):
        for warning in dict.fromkeys(record.warnings):
            held.setdefault(warning, []).append(name)
    total = len(found.records)
    return [(warning.code, f"{_list_names(names, total)}: {warning.message}") for warning, names in held.items()]


def _list_names(names: Sequence[str], total: int) -> str:
    if len(names) == total:
        return f"all {total} records"
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _provenance(found: Comparison, command: str) -> Section:
    shown = list(zip(found.names, found.records, strict=True))[:MOST_ROWS]
    rows = [
        (name, f"{record.source.file} (SHA-256 {record.source.sha256[:12] or 'not known'}), added {record.added}")
        for name, record in shown
    ]
    return provenance_section(rows, command)
