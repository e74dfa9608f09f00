"""Columns of a table, as the kinds of table examine them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from devicekit.readers.layout import Column
from devicekit.readers.layouts import pooling
from devicekit.readers.layouts.roles import UNKNOWN, Cells, is_counter, is_row_number, switching_role
from devicekit.readers.lexicon import normalise_name
from devicekit.readers.splitting import is_alternating
from devicekit.readers.state import STATE_COLUMNS
from devicekit.system.options import ReadOptions

FEW = 4  # with fewer voltages a table may not be a sweep
MOST_ALTERNATING = 20  # columns of states that are examined for two levels
MANY_READS = 5  # readings after a pulse from which on a record is a transient


@dataclass(frozen=True)
class Claim:
    """Claim that columns are a table of a kind: strength 2 if a word names it, 1 if it is only possible; and why."""

    strength: int
    why: str


@dataclass(frozen=True, eq=False)
class View:
    """Columns of one block, their cells, the given options, and the labels and names of its tables."""

    columns: Sequence[Column]
    cells: Cells
    options: ReadOptions
    labels: tuple[str, ...] = ()

    @property
    def pulses_by_label(self) -> bool:
        """True if a label above the table or the name of its sheet or file contains potentiation or depression."""
        words = {token.text.lower() for label in self.labels for token in pooling.split_tokens(label)}
        return bool(words & {"ltp", "ltd", "potentiation", "depression"})

    @property
    def where(self) -> str:
        """File name for messages."""
        return self.cells.block.where

    def of(self, *roles: str) -> list[Column]:
        """Return the columns with one of these roles."""
        return [column for column in self.columns if column.role in roles]

    def numbers(self, name: str) -> pd.Series | None:
        """Return a column as floats; None if it holds words."""
        return self.cells.numbers(name)

    def words(self, role: str) -> set[str]:
        """Return the distinct words in the columns of a role, in lower case."""
        return {word for column in self.of(role) for word in self.cells.words(column.name)}

    def is_counter(self, name: str) -> bool:
        """Return whether a column counts."""
        values = self.numbers(name)
        if values is None:
            return False
        if is_counter(values.dropna()) or (self.cells.block.named and is_row_number(values.dropna())):
            return True
        keys = [column.name for column in self.of("device_id", "cycle")]
        if not keys or not self.cells.block.named or values.isna().any():
            return False
        parts = values.groupby([self.cells.block.cells[key] for key in keys])
        return all(is_row_number(part) and part.is_unique for _, part in parts)

    @cached_property
    def once_a_cycle(self) -> bool:
        """True if each cycle holds one row after a set and one after a reset, and no others."""
        rows = self.of("direction", "cycle", "device_id")
        if not (self.of("direction") and self.of("cycle")) or self.words("direction") != {"set", "reset"}:
            return False
        cells = self.cells.block.cells[[column.name for column in rows]]
        cycles = self.cells.numbers(self.of("cycle")[0].name)
        return cycles is not None and cycles.nunique() > 2 and not cells.duplicated().any()

    @cached_property
    def alternates(self) -> bool:
        """True if columns of states jump between two levels in every row: an endurance test, not pulse trains."""
        found = [*self.of(*STATE_COLUMNS, "value", UNKNOWN), *([] if self.sweeps else self.of("current_a"))]
        if not found or self.of("level", "spike_delay_s") or (self.of("time_s") and not self.of("cycle")):
            return False
        values = [self.numbers(column.name) for column in found[:MOST_ALTERNATING]]
        return all(each is not None and is_alternating(each.to_numpy(float)) for each in values)

    @cached_property
    def sides(self) -> set[str]:
        """Directions of two columns of states, if each row of a column of cycles holds both, and pulses have no number.

        Then a cycle is one set and one reset, or the column counts pulses.
        """
        cycles = [values for column in self.of("cycle") if (values := self.numbers(column.name)) is not None]
        if len(cycles) != 1 or len(self.states) != 2 or self.of("pulse_index", "direction", "device_id"):
            return set()
        return {str(column.tags.get("direction")) for column in self.states} if cycles[0].is_unique else set()

    @cached_property
    def set_and_reset(self) -> bool:
        """True if two columns hold the states after the set and after the reset of each cycle, by their names."""
        words = [set(normalise_name(column.name).split()) & {"set", "reset"} for column in self.states]
        return self.sides == {"ltp", "ltd"} and all(words)

    @cached_property
    def extracted(self) -> dict[str, str]:
        """Roles of the set, reset and forming voltages, by column; none beside voltages or currents of a sweep."""
        if any("level" not in column.tags for column in self.of("current_a")):
            return {}
        named = {column.name: switching_role(column.name) for column in self.of("voltage_v")}
        given = {column.name: column.role for column in self.of("v_set_v", "v_reset_v", "v_form_v")}
        roles = {name: role for name, role in named.items() if role is not None}
        return {**given, **roles} if len(roles) == len(named) else {}

    @cached_property
    def sweeps(self) -> bool:
        """True if the columns hold a voltage that changes, and a current."""
        return bool(self.of("voltage_v") and self.of("current_a")) and len(set(self.extracted.values())) < 2

    @cached_property
    def few_voltages(self) -> bool:
        """True if the voltage takes few values and mostly stays at them: rows may be pulses."""
        found = [values for column in self.of("voltage_v") if (values := self.numbers(column.name)) is not None]
        if len(found) != 1 or not 1 < found[0].nunique() < FEW or len(found[0]) < 2 * FEW:
            return False
        return bool((found[0].diff().iloc[1:] == 0).mean() > 0.5)

    @cached_property
    def is_transient(self) -> bool:
        """True if rows have a time, a state, and a pulse voltage that is 0 V for many readings between pulses."""
        if not self.of("time_s") or not self.of(*STATE_COLUMNS, "value", "current_a", UNKNOWN):
            return False
        if self.of("pulse_index", "direction", "spike_delay_s", "level") or len(self.of("pulse_voltage_v")) != 1:
            return False
        volts = self.numbers(self.of("pulse_voltage_v")[0].name)
        if volts is None:
            return False
        pulse = volts.fillna(0.0).to_numpy() != 0
        pulses = int((pulse & ~np.r_[False, pulse[:-1]]).sum())
        numbered = any(column.name.strip().lower() == "record" for column in self.columns)  # as in files of devicekit
        return pulses > 0 and bool((~pulse).sum() >= (1 if numbered else MANY_READS) * pulses)

    @cached_property
    def states(self) -> list[Column]:
        """Columns named for a state; currents too, where no voltage changes."""
        found = self.of(*STATE_COLUMNS, "value")
        return found or ([] if self.sweeps else self.of("current_a"))

    @cached_property
    def unknown(self) -> list[Column]:
        """Columns of numbers of an unknown quantity."""
        return self.of(UNKNOWN)

    def change(self, column: Column, **changes: Any) -> Column:
        """Return a column with changed fields, such as its role."""
        return replace(column, **changes)

    def assign_states(self, level: bool = False) -> list[Column]:
        """Assign currents as readings of the state, and unknown numbers as states where there are no others.

        Parameters
        ----------
        level : bool
            True if each column of states holds one level, named by a word in its name, else by the name.
        """
        known = bool(self.of(*STATE_COLUMNS, "value"))
        reading = {column.name for column in self.states or self.of("current_a")}
        found = []
        for column in self.columns:
            if column.role == "current_a":
                open_ = (column.name in reading) if not known else not level and self.cells.varies(column.name)
                column = self.change(column, role="read_current_a" if open_ else "keep")
            elif column.role == UNKNOWN:
                known_state = self.states or self.of("resistance_before_ohm")
                column = self.change(column, role="keep" if known_state else "value")
            alone = column.is_explicit and len(reading) == 1  # its name is a role, not a level
            if level and not alone and column.role in (*STATE_COLUMNS, "value") and not self.of("level"):
                tags = {"level": _bare_name(column.name, self), **column.tags}
                column = self.change(column, tags=tags)
            found.append(column)
        return found


def _bare_name(name: str, view: View) -> str:
    block = view.cells.block
    place = block.places[name]
    note = block.notes[place] if place < len(block.notes) else ""
    return note or block.headings[place].name or name


def names_as_text(column: pd.Series) -> pd.Series:
    """Return names of devices or levels as text; whole numbers without a decimal point."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column
    if column.dtype.kind == "f" and (column == column.round()).all():
        column = column.astype("int64")
    return column.astype(str).str.strip()
