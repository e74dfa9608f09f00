"""Summary of a table as it was read: counts, columns with units, layout, warnings."""

from __future__ import annotations

from typing import Any

from devicekit.core.quantities import GLOSSARY
from devicekit.core.text import count
from devicekit.features.dc.sweeps import split_segments
from devicekit.tables import MultilevelTable, PairedTable, PulseTable, SweepTable, Table, TransientTable


def describe(table: Table) -> dict[str, Any]:
    """Return how a file was understood: counts, columns with units, warnings."""
    stated = {name: unit for record in table.meta.get("records", []) for name, unit in record["units"].items()}
    columns = {name: GLOSSARY[name].unit if name in GLOSSARY else stated.get(name) for name in table.frame.columns}
    summary: dict[str, Any] = {
        "kind": table.kind,
        "format": table.meta.get("format"),
        "source": table.meta.get("source"),
        "rows": len(table),
        "devices": len(table.devices),
        "columns": columns,
    }
    layout = table.meta.get("layout")
    summary["layout"] = layout.as_dict() if layout is not None else None
    summary["text"] = table.meta.get("text", {})
    summary["records"] = table.meta.get("records", [])
    if isinstance(table, PulseTable):
        trains = table.frame.drop_duplicates(["device_id", "cycle", "direction"])
        summary["trains"] = {direction: int((trains["direction"] == direction).sum()) for direction in ("ltp", "ltd")}
        summary["pulse_widths_s"] = table.widths
    elif isinstance(table, SweepTable):
        summary["sweeps"] = len(table.frame.drop_duplicates(["device_id", "cycle"]))
        summary["branches"] = sum(
            len(split_segments(sweep.to_numpy(float)))
            for _, sweep in table.frame.groupby(["device_id", "cycle"], sort=False)["voltage_v"]
        )
    elif isinstance(table, TransientTable):
        summary["transients"] = len(table.frame.drop_duplicates(["device_id", "record"]))
    elif isinstance(table, PairedTable):
        summary["intervals"] = int(table.frame["interval_s"].nunique())
    elif isinstance(table, MultilevelTable):
        summary["levels"] = [str(level) for level in table.frame["level"].unique()]
    elif "level" in table.frame:
        summary["levels"] = sorted(table.frame["level"].unique())
    summary["warnings"] = [warning.as_dict() for warning in table.warnings]
    return summary


def counts(summary: dict[str, Any]) -> str:
    """Return the contents in words: trains, sweeps or levels of `describe`."""
    if "trains" in summary:
        return f"{summary['trains']['ltp']} LTP and {summary['trains']['ltd']} LTD trains"
    if "sweeps" in summary:
        branches = count(summary["branches"], "branch", "branches")
        return f"{count(summary['sweeps'], 'sweep')} of {branches}{' in all' if summary['sweeps'] > 1 else ''}"
    if "transients" in summary:
        return f"{count(summary['transients'], 'record')} of readings in time"
    if "intervals" in summary:
        return f"pairs of pulses at {count(summary['intervals'], 'interval')}"
    if "levels" in summary:
        return f"{summary['kind']}, levels {', '.join(summary['levels'][:12])}"
    return str(summary["kind"])
