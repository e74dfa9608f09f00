"""STDP windows: change of a weight against the delay between two spikes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.readers.cells import number_within
from devicekit.readers.layout import Column
from devicekit.readers.layouts.view import Claim, View
from devicekit.readers.questions import ask
from devicekit.readers.source import Source
from devicekit.system.options import ReadOptions
from devicekit.tables import StdpTable

NAME = "stdp"
TITLE = "spike-timing windows (weight change against spike delay)"
VALUES = frozenset({"weight_change"})
NEEDS = (("spike_delay_s", "weight_change"),)


def claim(view: View) -> Claim | None:
    """Claim a spike delay and a change of the weight."""
    if not view.of("spike_delay_s"):
        return None
    if absolute := view.of("change_in_units"):
        name = absolute[0].name
        text = f"which column holds the relative change of the weight? Column {name!r} holds a change in a unit"
        raise ask(view.where, text, fields=("columns",))
    return Claim(2, "a spike delay and a change of the weight") if view.of("weight_change") else None


def assign(view: View) -> list[Column]:
    """Assign a column of cycles or trials as the number of the repetition."""
    if view.of("repeat"):
        return list(view.columns)
    return [view.change(c, role="repeat") if c.role == "cycle" and not c.is_explicit else c for c in view.columns]


def build(frame: pd.DataFrame, options: ReadOptions, source: Source, warnings: Sequence[CodedWarning]) -> StdpTable:
    """Build the table from rows under devicekit's column names."""
    del options
    name = source.path.name
    frame = number_within(frame, "repeat", ["device_id", "spike_delay_s"], name)
    return StdpTable(frame, {"format": "table", "source": name}, tuple(warnings))
