"""Validated tables: trains, sweeps, endurance, retention, STDP, transients, pulse pairs, levels, and plain records.

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
)

__all__ = [
    "EnduranceTable",
    "MultilevelTable",
    "PairedTable",
    "PulseTable",
    "RecordTable",
    "RetentionTable",
    "StdpTable",
    "SweepTable",
    "Table",
    "TransientTable",
    "csv_text",
    "neutral",
    "revealed",
    "write_csv",
]
