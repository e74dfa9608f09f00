"""Validated tables: trains, sweeps, endurance, retention, STDP, transients, pulse pairs, levels, summaries, records.

Their columns are in `devicekit.tables.schemas`, which measured and simulated data share. Columns with no name
of ours are kept as they are.
"""

from __future__ import annotations

from devicekit.tables.csvtext import csv_text, neutral, revealed, write_csv
from devicekit.tables.kinds import (
    EnduranceTable,
    MultilevelTable,
    PairedTable,
    RecordTable,
    RetentionTable,
    StdpTable,
    SummaryTable,
    SweepTable,
    TransientTable,
)
from devicekit.tables.pulse import PulseTable

Table = (
    PulseTable
    | SweepTable
    | EnduranceTable
    | RetentionTable
    | StdpTable
    | TransientTable
    | PairedTable
    | MultilevelTable
    | RecordTable
    | SummaryTable
)

__all__ = [
    "EnduranceTable",
    "MultilevelTable",
    "PairedTable",
    "PulseTable",
    "RecordTable",
    "RetentionTable",
    "StdpTable",
    "SummaryTable",
    "SweepTable",
    "Table",
    "TransientTable",
    "csv_text",
    "neutral",
    "revealed",
    "write_csv",
]
