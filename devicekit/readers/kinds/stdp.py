"""STDP windows: change of a weight against the delay between two spikes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from devicekit.core.errors import CodedWarning, Question, QuestionError
from devicekit.readers.cells import parse_whole_numbers
from devicekit.readers.layout import Column
from devicekit.readers.layouts.view import Claim, View
from devicekit.readers.source import Source
from devicekit.system.options import ReadOptions
from devicekit.tables import StdpTable

NAME = "stdp"
TITLE = "spike-timing windows (weight change against spike delay)"
VALUES = frozenset({"weight_change"})


def claim(view: View) -> Claim | None:
    """Claim a spike delay and a change of the weight."""
    if not view.of("spike_delay_s"):
        return None
    if absolute := view.of("change_in_units"):
        name = absolute[0].name
        text = f"which column holds the relative change of the weight? Column {name!r} holds a change in a unit"
        raise QuestionError(view.where, Question(text, ("columns",)))
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
    if "repeat" not in frame:
        frame = frame.assign(repeat=frame.groupby(["device_id", "spike_delay_s"]).cumcount() + 1)
    frame = frame.assign(repeat=parse_whole_numbers(frame, "repeat", name))
    return StdpTable(frame, {"format": "table", "source": name}, tuple(warnings))
