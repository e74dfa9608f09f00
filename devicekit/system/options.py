"""Reading options: shared by every command that reads a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self

from devicekit.core.errors import UsageError
from devicekit.core.text import natural_number
from devicekit.names import Unit, parse_unit

QUANTITIES = ("conductance", "current", "resistance", "weight")
KINDS = ("pulse", "sweep", "endurance", "retention", "stdp", "transient", "paired", "multilevel")
KERNELS = ("exponential", "stretched", "double", "power")  # of a relaxation: `devicekit.models.relaxation.KERNELS`
BASELINES = ("original", "before")  # from where the second answer of a pulse pair is counted
PARTS = ("devices", "cycles")  # what sheets or columns of one make may stand for
FILES = (*PARTS, "separate")
COLUMNS = (*PARTS, "levels")  # what several columns may stand for: levels of retention, endurance, multilevel, too
BLOCKS = ("none", "empty-column", "repeated-names", "empty-row")

MOST_SKIPPED = 2**53
LARGEST = 1e300  # of a voltage [V] or a time [s]; a whole number has no limit of its own
_TEXT, _WHOLE, _NUMBER = (str, "a text"), (Integral, "a whole number"), (Real, "a number")
_TAKES: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("format", "quantity", "unit", "device", "kind", "sheet", "blocks", "decimal"), _TEXT),
    **dict.fromkeys(("files_are", "sheets_are", "columns_are"), _TEXT),
    **dict.fromkeys(("cycle", "skip", "header"), _WHOLE),
    **dict.fromkeys(("read_voltage", "width"), _NUMBER),
    **dict.fromkeys(("absolute", "units_row"), (bool, "true or false")),
    **dict.fromkeys(("columns", "key"), (Mapping, "names with a text each")),
    "recipe": (str | Path, "a file"),
}


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading a file, for what the file itself leaves open.

    Parameters
    ----------
    format : str, optional
        Name of a reader; detected from the content if not given.
    quantity : {"conductance", "current", "resistance", "weight"}, optional
        What the numbers are.
    read_voltage : float, optional
        Read voltage [V], not 0; needed for currents.
    columns : mapping of str to str
        Our column name -> the file's column name. The name `value` stands for the column whose quantity
        is given by `quantity`.
    unit : str, optional
        Unit of the numbers, such as uS, nA or kohm; SI if not given.
    absolute : bool
        Take magnitudes of negative conductances.
    device, cycle, width : optional
        Keep only this device, cycle, or pulse width [s].
    recipe : path, optional
        A recipe (TOML) with any of these options; options given here override it.
    kind : {"pulse", "sweep", "endurance", "retention", "stdp", "transient", "paired", "multilevel"}, optional
        What kind of measurement a table holds.
    sheet : str, optional
        Sheets of a workbook to be read: a name, or a pattern with ``*``; several separated by commas.
    skip : int, optional
        Rows above the names of the columns.
    header : int, optional
        Rows of names: 0 (none) or 1.
    units_row : bool, optional
        Whether the row under the names holds units.
    blocks : str, optional
        How tables that stand side by side or below each other are separated: none, empty-column, repeated-names,
        empty-row, or a number of columns.
    decimal : {".", ","}, optional
        Decimal mark, where the numbers leave it open.
    pulses : tuple of int, optional
        Pulses of an LTP and of an LTD train, one number where they are equal.
    files_are, sheets_are, columns_are : {"devices", "cycles"}, optional
        What several files, sheets, or columns of one quantity stand for; files may also be "separate".
    key : mapping of str to str
        `device` or `cycle` -> a pattern (regular expression) whose first group, in a file's or sheet's name, is it.

    Raises
    ------
    UsageError
        If the options contradict each other or are out of range.
    """

    format: str | None = None
    quantity: str | None = None
    read_voltage: float | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    absolute: bool = False
    device: str | None = None
    cycle: int | None = None
    width: float | None = None
    recipe: Path | str | None = None
    kind: str | None = None
    sheet: str | None = None
    skip: int | None = None
    header: int | None = None
    units_row: bool | None = None
    blocks: str | None = None
    decimal: str | None = None
    pulses: tuple[int, ...] | None = None
    files_are: str | None = None
    sheets_are: str | None = None
    columns_are: str | None = None
    key: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.blocks, Integral) and not isinstance(self.blocks, bool):
            object.__setattr__(self, "blocks", str(self.blocks))
        for name, (kind, words) in _TAKES.items():
            value = getattr(self, name)
            if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
                raise UsageError(f"{name}= takes {words}, not {value!r}")
        for name in ("columns", "key"):
            if not all(isinstance(each, str) for pair in getattr(self, name).items() for each in pair):
                raise UsageError(f"{name}= takes names with a text each, not {getattr(self, name)!r}")
        for name, most in (("skip", MOST_SKIPPED), ("header", 1)):
            if (value := getattr(self, name)) is not None and not 0 <= value <= most:
                raise UsageError(f"{name}= is a whole number from 0 to {most}, not {value}")
        if self.quantity is not None and self.quantity not in QUANTITIES:
            raise UsageError(f"quantity= is one of {', '.join(QUANTITIES)}, not {self.quantity!r}")
        if self.read_voltage is not None and not 0 < abs(self.read_voltage) < LARGEST:
            raise UsageError(f"read_voltage= must be a finite voltage other than 0, not {str(self.read_voltage)[:20]}")
        if self.width is not None and not 0 < self.width < LARGEST:
            raise UsageError(f"width= must be a finite time above 0 [s], not {str(self.width)[:20]}")
        object.__setattr__(self, "kind", self.kind and self.kind.removesuffix("s"))  # pulses is pulse
        for name, known in (("kind", KINDS), ("decimal", (".", ",")), ("files_are", FILES), ("sheets_are", PARTS)):
            self._check(name, known)
        self._check("columns_are", COLUMNS)
        if self.blocks is not None and self.blocks not in BLOCKS and natural_number(self.blocks) is None:
            raise UsageError(f"blocks= is one of {', '.join(BLOCKS)} or a number of columns, not {self.blocks!r}")
        pulses = self.pulses if isinstance(self.pulses, tuple | list | None) else ()
        whole = pulses is None or all(isinstance(each, Integral) and each >= 1 for each in pulses)
        if pulses is not None and not (whole and len(pulses) in (1, 2)):
            raise UsageError(f"pulses= is one number of pulses a train, or two (LTP, LTD), not {self.pulses}")
        if any(name not in ("device", "cycle") for name in self.key):
            raise UsageError(f"key= takes device and cycle, not {', '.join(self.key)}")
        if self.unit is None:
            return
        measured = self._unit.quantity
        if self.quantity is not None and self.quantity != measured:
            raise UsageError(f"unit={self.unit} is a unit of {measured}, but quantity={self.quantity} is not")

    def _check(self, name: str, known: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value is not None and value not in known:
            raise UsageError(f"{name}= is one of {', '.join(known)}, not {value!r}")

    @classmethod
    def of(cls, **given: Any) -> Self:
        """Options from keywords; `map` means the same as `columns`.

        Raises
        ------
        UsageError
            If an option is unknown, or both of the two are given.
        """
        if "map" in given:
            if "columns" in given:
                raise UsageError("map and columns are the same option: give one of them")
            given["columns"] = given.pop("map")
        unknown = sorted(set(given) - {each.name for each in fields(cls)})
        if unknown:
            known = ", ".join(each.name for each in fields(cls))
            raise UsageError(f"{unknown[0]!r} is not a reading option; there are {known}")
        return cls(**given)

    @cached_property
    def _unit(self) -> Unit:
        """The unit that `unit` names; a weight has the unit 1."""
        word = self.unit or ""
        unit = {"1": Unit("weight", 1.0), "%": Unit("weight", 0.01)}.get(word.strip()) or parse_unit(word)
        if unit is None or unit.quantity not in QUANTITIES:
            raise UsageError(
                f"unit={word!r} is not a unit of G, I or R; write uS, nA, kohm, ..., or 1 for weights without unit"
            )
        return unit

    @property
    def stated_quantity(self) -> str | None:
        """The quantity, given by `quantity` or implied by `unit`."""
        return self.quantity or (self._unit.quantity if self.unit else None)

    @property
    def factor(self) -> float:
        """From the file's unit to SI."""
        return self._unit.factor if self.unit else 1.0
