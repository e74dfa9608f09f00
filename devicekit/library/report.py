"""The report of a comparison: numbers side by side, figures, warnings, and sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.core.errors import CodedWarning
from devicekit.core.quantities import DIRECTIONS
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, listed
from devicekit.features.merit import figure
from devicekit.library.compare import Comparison
from devicekit.library.query import Unreadable
from devicekit.library.rows import Row
from devicekit.plot import Image, Panel
from devicekit.report import Block, CodedList, Figure, Report, Section, Table, Text, draw, mark_keys
from devicekit.report.shared import provenance_section, warnings_section

SIDE_BY_SIDE = 6  # records in columns; more are in rows
MOST_ROWS = 500
MOST_WARNINGS = 200
NAMED = 4  # records named in a warning
_RANKS = "Median ranks (i - 0.3) / (n + 0.4)."


def comparison_report(found: Comparison, command: str, unreadable: Sequence[Unreadable] = ()) -> Report:
    """Build the page of a comparison.

    Parameters
    ----------
    found : Comparison
    command : str
        Command that makes the page again.
    unreadable : sequence of Unreadable
        Requested records that could not be read.
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
    words, shown = summary(found, unreadable), any(name and found.number(name).n > 1 for name in (found.x, found.y))
    pictures = [figure for section in sections for figure in section.figures]
    numbers = [_median_scalar(found, name) for name in dict.fromkeys((found.y, found.x)) if name]
    return Report(
        f"Comparison of {count(len(found.records), 'record')}",
        " ".join(words[:2] if shown else words[:1]),
        words[2 if shown else 1 :],
        sections,
        marks=mark_keys(set.intersection(*(set(record.marks) for record in found.records))),
        pictures=pictures,
        numbers=[Scalar("records", "records", float(len(found.records))), *numbers],
        warnings=found.warnings,
        source=listed([*dict.fromkeys(record.source.file for record in found.records[:NAMED])]),
    )


def _median_scalar(found: Comparison, name: str) -> Scalar:
    row = found.number(name)
    meaning = row.meaning
    label = f"{meaning.label.removesuffix(', median')}, median of {row.n} records"
    return Scalar(name, label, float(np.nanmedian(row.values)), meaning.unit, meaning.of, by=meaning.by)


def summary(found: Comparison, unreadable: Sequence[Unreadable] = ()) -> list[str]:
    """Return the comparison in sentences; it describes the records, without a statistical test."""
    sentences = [f"{found.counts[:1].upper()}{found.counts[1:]} of a library of devices."]
    shown = [name for name in dict.fromkeys((found.y, found.x)) if name and found.number(name).n > 1]
    shown.sort(key=lambda name: not name.startswith("nrmse"))
    sentences += [_range_sentence(found, name) for name in shown]
    sentences.append(
        "These numbers describe the selected records, without a statistical test: they depend on the selection."
    )
    if unreadable:
        words = count(len(unreadable), "record")
        sentences.append(
            f"{words} could not be read and {'is' if len(unreadable) == 1 else 'are'} left out; see below."
        )
    return sentences


def _range_sentence(found: Comparison, name: str) -> str:
    row = found.number(name)
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
    return Section(
        "Records",
        "records",
        [Table(head, rows, f"Records with place, labels and origin of the data{_truncation_note(found)}.")],
    )


def _truncation_note(found: Comparison) -> str:
    total = len(found.records)
    return f" (the first {MOST_ROWS} of {total})" if total > MOST_ROWS else ""


def _format_cell(row: Row, n: int) -> str:
    """Format a number with its interval, in the unit of the heading."""
    cell = row.numbers[n]
    if cell is None:
        return "–"
    shown = row.scale.text(cell.value)
    if cell.low is None or cell.high is None:
        return shown
    return f"{shown} ({row.scale.text(cell.low)} to {row.scale.text(cell.high)})"


def _numbers_section(found: Comparison) -> Section:
    if not found.rows:
        return Section("Numbers", "numbers", [Text(["The records have no numbers."])])
    caption = "Numbers of the records; 95 % intervals in brackets if a record has them."
    which = range(len(found.records))
    if len(found.records) <= SIDE_BY_SIDE:
        rows = [(row.scale.heading, *(_format_cell(row, n) for n in which)) for row in found.rows]
        return Section("Numbers", "numbers", [Table(("number", *found.names), rows, caption)])
    head = ("record", *(row.scale.heading for row in found.rows))
    body = [(found.names[n], *(_format_cell(row, n) for row in found.rows)) for n in which[:MOST_ROWS]]
    blocks: list[Block] = [_quantile_table(found), Table(head, body, f"{caption[:-1]}{_truncation_note(found)}.")]
    return Section("Numbers", "numbers", blocks)


def _quantile_table(found: Comparison) -> Table:
    """Return a table of each number over the records: count, median, quartiles, range."""
    rows = []
    for row in found.rows:
        values, scale = row.values[np.isfinite(row.values)], row.scale
        low, q1, middle, q3, high = (scale.text(float(each)) for each in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
        rows.append((scale.heading, str(values.size), low, q1, middle, q3, high))
    head = ("number", "records", "least", "25 %", "median", "75 %", "most")
    return Table(head, rows, "Quantiles of the numbers over the selected records.")


def _figure(panel: Panel | None, caption: str, alt: str) -> list[Block]:
    return [] if panel is None else [figure(panel, caption, alt)]


def _rate_figures(found: Comparison) -> list[Block]:
    blocks: list[Block] = []
    for direction in DIRECTIONS:
        panel = found.overlay(direction)
        n = len(panel.curves) if panel else 0
        words = f"{direction.upper()} rate of {count(n, 'card')}"
        words += "." if blocks else " over the measured range, each in its own window."
        blocks += _figure(panel, words, f"Rate curves of {n} cards over the state, {direction.upper()}")
    return blocks


def _figures_over_records(found: Comparison) -> list[Block]:
    blocks: list[Block] = []
    by = f", by {found.by}" if found.by else ""
    for name in dict.fromkeys((found.y, found.x)):
        if name:
            label = found.number(name).scale.label
            words = f"Distribution of {label} over the records{by}."
            words += "" if blocks else f" {_RANKS}"
            blocks += _figure(found.cdf(name), words, f"Cumulative distribution of {label} over the records")
    if found.x and found.y:
        across, up = found.number(found.x).scale.label, found.number(found.y).scale.label
        blocks += _figure(found.scatter(), f"{up} against {across}{by}; one dot per record.", f"Scatter of {up}")
        words = (
            f"{up}{by}: records (grey); for groups of three or more also range (thin), quartiles (thick) and median "
            "(white)."
        )
        blocks += _figure(found.boxes(), words, f"{up} by {found.by}")
    return blocks


def _figures_within_records(found: Comparison) -> list[Block]:
    blocks: list[Block] = []
    ranks = "" if any(found.cdf(name) for name in (found.y, found.x) if name) else f" {_RANKS}"
    for name in found.sweep_names():
        label = found.number(name).meaning.label.removesuffix(", median")
        panel = found.sweep_cdf(name)
        n = count(len(panel.curves) if panel else 0, "record")
        words = f"All values of {label} in {n}."
        words += "" if blocks else f" One curve per record, with only the sweeps that switch.{ranks}"
        blocks += _figure(panel, words, f"Cumulative distributions of {label} within records")
    return blocks


def _map_figures(found: Comparison) -> list[Block]:
    return [_map_figure(image, first=n == 0) for n, image in enumerate(found.maps())]


def _map_figure(image: Image, first: bool) -> Figure:
    size = (9.6, min(max(2.8, 0.42 * image.values.shape[0] + 1.4), 9.0))
    where = f" of {image.title}" if image.title else ""
    words = f"{image.label}{where}." + (" Cells without a record are blank." if first else "")
    alt = f"Map of {image.label} over the array"
    return draw([image], words, alt, size, wide=True)


def _warnings_section(found: Comparison, unreadable: Sequence[Unreadable]) -> Section:
    blocks = list(warnings_section(list(found.warnings)).blocks)
    own = _record_warnings(found)
    if own:
        more = f" (the first {MOST_WARNINGS} of {len(own)})" if len(own) > MOST_WARNINGS else ""
        blocks += [Text([f"Warnings of the records{more}:"]), CodedList(own[:MOST_WARNINGS])]
    if unreadable:
        blocks += [Text(["Records that could not be read:"]), CodedList([(u.file, u.reason) for u in unreadable])]
    return Section("Warnings", "warnings", blocks)


def _record_warnings(found: Comparison) -> list[tuple[str, str]]:
    """Return each warning of the records once, with the names of the records that have it."""
    names_of: dict[CodedWarning, list[str]] = {}
    for name, record in zip(found.names, found.records, strict=True):
        for warning in dict.fromkeys(record.warnings):
            names_of.setdefault(warning, []).append(name)
    total = len(found.records)
    return [(warning.code, f"{_list_names(names, total)}: {warning.message}") for warning, names in names_of.items()]


def _list_names(names: Sequence[str], total: int) -> str:
    if len(names) == total:
        return f"all {total} records"
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _provenance(found: Comparison, command: str) -> Section:
    shown = list(zip(found.names, found.records, strict=True))[:MOST_ROWS]
    rows = [
        (name, f"{record.source.file} (SHA-256 {record.source.sha256[:12] or 'unknown'}), added {record.added}")
        for name, record in shown
    ]
    return provenance_section(rows, command)
