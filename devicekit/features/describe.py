"""Summary of a table as it was read: counts, columns with units, layout, warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devicekit.core.errors import CodedWarning
from devicekit.core.quantities import DIRECTIONS, GLOSSARY
from devicekit.core.records import Record, column
from devicekit.core.text import count
from devicekit.features.dc.sweeps import split_segments
from devicekit.features.dc.trace import each_sweep
from devicekit.tables import MultilevelTable, PairedTable, PulseTable, SweepTable, Table, TransientTable

if TYPE_CHECKING:
    from devicekit.readers.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Description(Record):
    """Content of a file as it was understood."""

    kind: str = column(doc="kind of the table")
    format: str | None = column(doc="format of the file")
    source: str | None = column(doc="file or folder")
    rows: int = column(doc="number of rows")
    devices: int = column(doc="number of devices")
    columns_read: Mapping[str, str | None] = column(name="columns", doc="unit of each column; None if unknown")
    layout: Layout | None = column(doc="layout of a table that is read without a format of its own")
    text: Mapping[str, object] = column(doc="what the file says beside its numbers")
    records: Sequence[Mapping[str, Any]] = column(doc="facts about each record")
    statements: Sequence[Mapping[str, Any]] = column(doc="what the reading states: subject, says, origin, ways")
    contents: Mapping[str, Any] = column(inline=True, doc="trains, sweeps, levels or what else the kind counts")
    warnings: tuple[CodedWarning, ...] = column(doc="warnings of the reader")

    def in_words(self) -> str:
        """Return the contents in words: trains, sweeps or levels."""
        found = self.contents
        if "trains" in found:
            return f"{found['trains']['ltp']} LTP and {found['trains']['ltd']} LTD trains"
        if "sweeps" in found:
            branches = count(found["branches"], "branch", "branches")
            return f"{count(found['sweeps'], 'sweep')} of {branches}{' in all' if found['sweeps'] > 1 else ''}"
        if "transients" in found:
            return f"{count(found['transients'], 'record')} of readings in time"
        if "intervals" in found:
            return f"pairs of pulses at {count(found['intervals'], 'interval')}"
        if "levels" in found:
            return f"{self.kind}, levels {', '.join(found['levels'][:12])}"
        return self.kind


def describe(table: Table) -> Description:
    """Return how a file was understood: counts, columns with units, warnings."""
    meta = table.meta
    stated = {name: unit for record in meta.get("records", []) for name, unit in record["units"].items()}
    return Description(
        kind=table.kind,
        format=meta.get("format"),
        source=meta.get("source"),
        rows=len(table),
        devices=len(table.devices),
        columns_read={n: GLOSSARY[n].unit if n in GLOSSARY else stated.get(n) for n in table.frame.columns},
        layout=meta.get("layout"),
        text=meta.get("text", {}),
        records=meta.get("records", []),
        statements=[
            {name: getattr(each, name) for name in ("subject", "says", "origin", "ways")}
            for each in meta.get("statements", ())
        ],
        contents=_contents(table),
        warnings=table.warnings,
    )


def _contents(table: Table) -> Mapping[str, object]:
    """Return the counts of a table of its kind."""
    frame = table.frame
    if isinstance(table, PulseTable):
        direction = frame.drop_duplicates(["device_id", "cycle", "direction"])["direction"]
        trains = {name: int((direction == name).sum()) for name in DIRECTIONS}
        return {"trains": trains, "pulse_widths_s": table.widths}
    if isinstance(table, SweepTable):
        branches = [len(split_segments(rows["voltage_v"].to_numpy(float))) for _, _, rows in each_sweep(frame)]
        return {"sweeps": len(branches), "branches": sum(branches)}
    if isinstance(table, TransientTable):
        return {"transients": len(frame.drop_duplicates(["device_id", "record"]))}
    if isinstance(table, PairedTable):
        return {"intervals": int(frame["interval_s"].nunique())}
    if isinstance(table, MultilevelTable):
        return {"levels": [str(level) for level in frame["level"].unique()]}
    return {"levels": sorted(frame["level"].unique())} if "level" in frame else {}
