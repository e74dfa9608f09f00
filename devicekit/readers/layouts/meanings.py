"""Meaning of several files, sheets, tables or columns of one kind: devices, cycles of one device, or its levels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from devicekit.core.errors import Choice
from devicekit.system.options import ReadOptions

LEVELS = "levels"  # columns may also be states of one device
HINT = "columns_are=devices or cycles"


def option_of(what: str) -> str:
    """Return the option that gives the meaning of "files", "sheets" or "columns"."""
    return f"{what}_are"


def without_meaning(options: ReadOptions, what: str) -> ReadOptions:
    """Return the options without what several files, sheets or columns mean."""
    left_out: dict[str, Any] = {option_of(what): None}
    return replace(options, **left_out)


def list_choices(what: str, noun: str, levels: str = "") -> tuple[Choice, ...]:
    """Return the answers to the question what several files, sheets or columns are.

    Parameters
    ----------
    what : {"files", "sheets", "columns"}
    noun : str
        One of them, such as "table".
    levels : str
        What one of them is, if they may be levels; "" if they cannot.
    """
    option = option_of(what)
    return (
        Choice.of(f"each {noun} is a device (D2D)", **{option: "devices"}),
        Choice.of(f"each {noun} is a cycle of one device (C2C)", **{option: "cycles"}),
        *((Choice.of(f"each {noun} is {levels}", **{option: LEVELS}),) if levels else ()),
    )
