"""Protocol of a figure of merit, settings that a user may choose, and formatting of numbers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar, TypedDict
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd

from devicekit.core.calls import as_number
from devicekit.core.constants import TEN_YEARS_S
from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.records import Record, column
from devicekit.core.scalars import Scalar
from devicekit.device.measured import Measured
from devicekit.features.dc.trace import each_sweep
from devicekit.features.definitions import (
    BITS,
    DEFAULT_V_RESET,
    DEFAULT_V_SET,
    LIFE_TEMPERATURE_K,
    LIMITS,
    LOST_FACTOR,
    MOST_BITS,
    THRESHOLD,
    check_definitions,
    option_name,
)
from devicekit.plot import Panel
from devicekit.report import Block, Table, Text, draw
from devicekit.system.options import BASELINES, KERNELS
from devicekit.tables import Table as AnyTable

MOST_CURVES = 100  # a figure with more lines is unreadable and large


def _check_numbers(settings: Sample | Settings) -> None:
    """Refuse numbers of another type, or out of the range that their options declare."""
    for each in fields(settings):
        value = getattr(settings, each.name)
        if each.type in ("float", "float | None") and value is not None:
            as_number(value, each.name)
            if (limits := LIMITS.get(option_name(each.name))) is not None:
                limits.check(value, f"{each.name}=")


@dataclass(frozen=True)
class Sample:
    """Properties of the sample; None where unknown. Nothing here is guessed.

    Parameters
    ----------
    thickness_m, area_m2 : float, optional
        Thickness and area of the film between the electrodes [m], [m2], above 0.
    temperature_k : float, optional
        Temperature of the measurement [K], above 0; a column `temperature_k` of the table has priority.
    permittivity : (float, float), optional
        Range of the relative permittivity, from that of light (n squared) to the static one; 1 or more.

    Raises
    ------
    UsageError
        If a number is out of its range.
    """

    thickness_m: float | None = None
    area_m2: float | None = None
    temperature_k: float | None = None
    permittivity: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        _check_numbers(self)
        if self.permittivity is not None and not 1 <= self.permittivity[0] <= self.permittivity[1] < math.inf:
            raise UsageError(f"permittivity= must be a range (low, high) of 1 or more, not {self.permittivity}")


@dataclass(frozen=True)
class Settings:
    """Settings that a user may choose.

    Definitions of the voltages, window threshold, horizon of the retention [s], kernel of a relaxation (chosen from the
    data if None), baseline of the second pulse of a pair (as in the file if None), properties of the sample,
    temperature of use for the predicted life [K], the factor by which a conductance must change for its state to count
    as lost, and of bakes of many cells: bits of a cell, width of a write window [S], the bake for which levels are
    placed [K], apparent energy [eV] and exponent of time of the loss, if they are set by hand.
    """

    read_voltage: float | None = None
    v_set: str = DEFAULT_V_SET
    v_reset: str = DEFAULT_V_RESET
    threshold: float = THRESHOLD
    horizon: float = TEN_YEARS_S
    kernel: str | None = None
    ppf_baseline: str | None = None
    sample: Sample = Sample()
    life_temperature_k: float = LIFE_TEMPERATURE_K
    lost_factor: float = LOST_FACTOR
    bits: tuple[int, ...] = BITS
    write_window_s: float | None = None
    bake_k: float | None = None
    apparent_energy_ev: float | None = None
    time_exponent: float | None = None

    def __post_init__(self) -> None:
        check_definitions(self.v_set, self.v_reset)
        _check_numbers(self)
        if not self.bits or not all(1 <= each <= MOST_BITS for each in self.bits):
            raise UsageError(f"bits= must be 1 to {MOST_BITS}, not {', '.join(map(str, self.bits))}")
        for name, known in (("kernel", KERNELS), ("ppf_baseline", BASELINES)):
            if getattr(self, name) not in (None, *known):
                raise UsageError(f"{name}= is one of {', '.join(known)}, not {getattr(self, name)!r}")

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the settings that are not as by default; those of the sample by their own names."""
        pairs = ((self, Settings()), (self.sample, Sample()))
        return tuple(
            each.name
            for own, usual in pairs
            for each in fields(own)
            if each.name != "sample" and getattr(own, each.name) != getattr(usual, each.name)
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class MeritResult(Record, ABC):
    """Base of the result of a figure of merit: JSON, data frames, card block and report follow from its columns.

    A subclass declares them and writes `sentences` and `panel`. Its blocks are `notes`, a table of each tuple of
    records whose column has a `caption`, and the figure.

    Attributes
    ----------
    card_block : str
        Name of its block of a card, if it is not that of the figure of merit.
    figure_caption, figure_alt : str
        Caption and alternative text of the figure.
    """

    card_block: ClassVar[str] = ""
    figure_caption: ClassVar[str] = ""
    figure_alt: ClassVar[str] = ""

    warnings: tuple[CodedWarning, ...] = column(row=False, default=(), doc="warnings about the data")

    def scalars(self) -> tuple[Scalar, ...]:
        """Return its most important numbers, for libraries and first pages.

        Those of its block of a card; without one, those of its columns with `scalar`.
        """
        if (block := self.for_card()) is not None:
            return block.scalars()
        named = [each for each in self.columns() if each.scalar and getattr(self, each.field) is not None]
        return tuple(Scalar.from_record(self, each.field, each.scalar) for each in named)

    def tiles(self) -> tuple[Scalar, ...]:
        """Return `scalars` as they stand on a first page."""
        return self.scalars()

    def for_card(self) -> Measured | None:
        """Return its block of a device card; None if there is none."""
        return None

    def verdict(self) -> str:
        """Return the main result in one sentence; "" unless it is sure to be the first thing to say of a table."""
        return ""

    def remarks(self) -> list[str]:
        """Return the sentences that stand on a first page beside verdict and tiles."""
        return self.sentences()

    @abstractmethod
    def sentences(self) -> list[str]:
        """Return the findings, in a sentence or two."""

    @abstractmethod
    def panel(self) -> Panel:
        """Draw the figure."""

    def notes(self) -> list[str]:
        """Return the paragraphs above the tables of the report; none unless it says so."""
        return []

    def record_tables(self) -> list[Block]:
        """Return the table of each tuple of records whose column has a caption, of those that are not empty."""
        shown = [(getattr(self, each.field), each.caption) for each in self.columns() if each.caption]
        return [Table.of(records, caption) for records, caption in shown if records]

    def drawn(self) -> Block:
        """Return the figure, or a sentence where the values cannot be drawn."""
        return figure(self.panel(), self.figure_caption, self.figure_alt)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report: notes, tables of records, the figure."""
        notes = self.notes()
        return [*([Text(notes)] if notes else []), *self.record_tables(), self.drawn()]


@dataclass(frozen=True, kw_only=True)
class Skipped(Record):
    """Record of a measurement without a result."""

    record: str = column(doc="device and number of the record")
    reason: str = column(doc="why it has no result")

    def __str__(self) -> str:
        return f"{self.record}: {self.reason}"


class Origin(TypedDict):
    """Source of data, as fields of a block of a card (`devicekit.device.measured.Measured`)."""

    source: str
    synthetic: bool


def origin(table: AnyTable) -> Origin:
    """Return where a table comes from."""
    return {"source": str(table.meta.get("source", "table in memory")), "synthetic": table.synthetic}


def figure(panel: Panel, caption: str, alt: str) -> Block:
    """Draw a figure; return a sentence where the values cannot be drawn."""
    try:
        with catch_warnings():
            simplefilter("ignore", UserWarning)  # about layouts and axes limits
            return draw(panel, caption, alt)
    except (ValueError, OverflowError, np.linalg.LinAlgError) as error:
        return Text([f"No figure could be drawn from these values ({error})."])


def middle(frame: pd.DataFrame) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """Return sweeps of a frame, at most as many as a figure can show, and the middle one."""
    groups = [rows for _, _, rows in each_sweep(frame)]
    return groups[:: max(1, len(groups) // MOST_CURVES)], groups[len(groups) // 2]


def curve(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return voltage [V] and current [A] of a sweep."""
    return rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)


def middle_curves(frame: pd.DataFrame) -> tuple[list[tuple[np.ndarray, np.ndarray]], tuple[np.ndarray, np.ndarray]]:
    """Return voltage [V] and current [A] of the sweeps of `middle`."""
    shown, top = middle(frame)
    return [curve(rows) for rows in shown], curve(top)
