"""Figures of merit of any table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from devicekit.core.calls import called_as
from devicekit.core.errors import CodedWarning, TraceError, UsageError
from devicekit.core.printing import Printed
from devicekit.core.records import plain
from devicekit.core.scalars import Scalar
from devicekit.core.text import count
from devicekit.device.measured import Measured
from devicekit.features.definitions import option_name, refuse_unused
from devicekit.features.merit import MeritResult, Settings
from devicekit.plot import Panel
from devicekit.report import Block, Section, Text
from devicekit.system import files, plugins
from devicekit.system.options import ReadOptions, check_keywords
from devicekit.tables import RecordTable, Table
from devicekit.tables.base import ValidTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Characterization(Printed):
    """Figures of merit of one table.

    Attributes
    ----------
    table : Table
    results : mapping of str to MeritResult
        Result by the name of the figure of merit, one file each in `devicekit.features.merits`: bakes, dc, endurance,
        facilitation, linearity, mechanism (conduction), multilevel, noise, pulses, rates, retention, rtn, sequence,
        sign, stdp, summary, transfer, volatile, wafermap.
    warnings : tuple of CodedWarning
        Warnings of the reader and of the results.
    """

    also_called: ClassVar = {
        **dict.fromkeys(("v_set", "v_reset", "hrs", "lrs", "on_off", "dc"), "results['dc'], the numbers of sweeps"),
        "[]": ".results[name]",
    }

    table: Table
    results: Mapping[str, MeritResult]
    warnings: tuple[CodedWarning, ...] = ()

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Data frames to write, by name."""
        return {name: frame for result in self.results.values() for name, frame in result.tables().items()}

    def as_dict(self) -> dict[str, Any]:
        """Return the results as JSON-ready values, NaN and infinity as None."""
        found = {name: result.as_dict() for name, result in self.results.items()}
        return plain({"kind": self.table.kind, **found, "warnings": [warning.as_dict() for warning in self.warnings]})

    def for_card(self, path: Path | None = None, synthetic: bool = False) -> dict[str, Measured]:
        """Return blocks for a device card by name, of each result that has one.

        Parameters
        ----------
        path : Path, optional
            File or folder that the table was read from, for its checksum.
        synthetic : bool
            Mark the data as synthetic; data marked as synthetic stay so in any case.
        """
        checksum = files.checksum([path] if path is not None else self.table.meta.get("files", [])) or None
        blocks = {result.card_block or name: result.for_card() for name, result in self.results.items()}
        return {name: block.from_file(checksum, synthetic) for name, block in blocks.items() if block is not None}

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the numbers that matter most, each name once; the first figure of merit that has it counts."""
        return _first_of_each_name(result.scalars() for result in self.results.values())

    def tiles(self) -> tuple[Scalar, ...]:
        """Return `scalars` for a first page: labels give the number of sweeps where it is not all of them."""
        return _first_of_each_name(result.tiles() for result in self.results.values())

    def verdict(self) -> str:
        """Return the main result in one sentence: the first with a measured number, not one that only counts sweeps."""
        sentences = self.sentences()
        sure = (result.verdict() for result in self.results.values())
        measured = (each for each in sentences if re.search(r"\d\.\d", each))
        return next((each for each in (*sure, *measured) if each), sentences[0])

    def remarks(self) -> list[str]:
        """Return the other sentences of a summary; the verdict may be among them."""
        return [sentence for result in self.results.values() for sentence in result.remarks()]

    def sentences(self) -> list[str]:
        """Return the findings, one or two sentences per figure of merit."""
        return [sentence for result in self.results.values() for sentence in result.sentences()]

    def __repr__(self) -> str:
        return f"<Characterization of {self.table.contents}: {', '.join(self.results)}>"

    def section(self, name: str, anchor: str) -> Section:
        """Return the section of a report: the table first, then each figure of merit."""
        table = self.table
        devices = ", ".join(table.devices[:12]) + ("…" if len(table.devices) > 12 else "")
        about = f"{count(len(table), 'row')} of {table.contents}, "
        about += f"{count(len(table.devices), 'device')} ({devices})."
        if (form := table.meta.get("format")) is not None:
            about = f"Read as {'a table' if form == 'table' else f'format {form}'}: {about}"
        blocks: list[Block] = [Text([about])]
        with np.errstate(all="ignore"):
            for result in self.results.values():
                blocks += result.blocks()
        return Section(name, anchor, blocks)

    def panel(self) -> Panel:
        """Draw the figure of the first result."""
        return next(iter(self.results.values())).panel()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `panel`."""
        return self.panel().draw(ax)

    def _repr_html_(self) -> str:
        from devicekit.report.notebook import html

        rows = [(name, " ".join(result.sentences())) for name, result in self.results.items()]
        return html(f"Figures of merit of a {self.table.kind} table", rows, self.panel(), self.warnings)


def _first_of_each_name(groups: Iterable[Iterable[Scalar]]) -> tuple[Scalar, ...]:
    found: dict[str, Scalar] = {}
    for group in groups:
        for each in group:
            found.setdefault(each.name, each)
    return tuple(found.values())


@called_as("devicekit.characterize('sweeps.csv')")
def characterize(
    table: Table | Path | str | pd.DataFrame | Mapping[str, Any] | np.ndarray | None = None,
    settings: Settings | None = None,
    **reading: Any,
) -> Characterization:
    """Compute the figures of merit of any table.

    Parameters
    ----------
    table : Table, path-like, or data in memory
        Sweeps give DC figures, read linearity or read noise; other kinds their own. A file, a frame or a mapping such
        as ``{"voltage_v": v, "current_a": i}`` is first read with `devicekit.read` and the keywords of `ReadOptions`.
    settings : Settings, optional
        Definitions of voltages, thresholds.
    **reading
        Single settings, such as ``threshold=10``, and fields of `ReadOptions`, if the table must be read first.

    Raises
    ------
    DevicekitError
        If the file cannot be read, a setting is out of range, or the data have no figure of merit.

    Examples
    --------
    >>> import devicekit
    >>> v = [0, 0.5, 1, 0.5, 0] * 2
    >>> devicekit.characterize({"voltage_v": v, "current_a": [1e-6 * each for each in v]}, accept=True)
    <Characterization of sweeps: dc>
    """
    if not isinstance(settings, Settings | None):
        raise UsageError(
            f"settings= takes Settings, not {type(settings).__name__}. Give one table; its settings by their names."
        )
    if table is None:
        raise UsageError(
            "devicekit.characterize takes a file, a table or named columns: "
            "devicekit.characterize({'voltage_v': ..., 'current_a': ...})."
        )
    own = {each.name for each in fields(Settings)} - {"read_voltage"}
    check_keywords("devicekit.characterize", reading, *own)
    if given := {name: reading.pop(name) for name in own & set(reading)}:
        settings = replace(settings or Settings(), **given)
    if isinstance(table, ValidTable):
        if late := sorted(set(reading) - {"read_voltage"}):
            raise UsageError(f"{', '.join(late)}: these options apply to reading a file, not to a table. Give the path")
    else:
        from devicekit.readers import read

        table = read(table, ReadOptions.of(**reading), elsewhere=frozenset({"read_voltage"}))
    settings = settings or Settings()
    if (voltage := reading.get("read_voltage")) is not None:
        if settings.read_voltage not in (None, voltage):
            raise UsageError(
                f"read_voltage={voltage:g} contradicts the settings ({settings.read_voltage:g}). Give it once."
            )
        settings = replace(settings, read_voltage=voltage)
    found = find_merits(table, settings)
    refuse_unused([(option_name(each), f"{each}=") for each in settings.given], found.results)
    return found


def find_merits(table: Table, settings: Settings) -> Characterization:
    """Compute the figures of merit of a table, whether or not they use all settings.

    Raises
    ------
    TraceError
        If there are none.
    """
    with np.errstate(all="ignore"):  # extreme values overflow; non-finite results are reported as missing
        return _find_merits(table, settings)


def _find_merits(table: Table, settings: Settings) -> Characterization:
    if isinstance(table, RecordTable):
        raise TraceError(
            "the records have no columns of voltage and current. Name them with "
            "map={voltage_v: COLUMN, current_a: COLUMN}."
        )
    found: dict[str, MeritResult] = {}
    for name, module in sorted(plugins.MERITS.all().items()):
        result = module.find(table, settings, found)
        if result is not None:
            found[name] = result
    warnings = tuple(warning for result in found.values() for warning in result.warnings)
    shown = {name: result for name, result in found.items() if result.tables()}
    if not shown:
        raise TraceError("no figure of merit found: " + "; ".join(warning.message for warning in warnings))
    return Characterization(table, shown, (*table.warnings, *warnings))
