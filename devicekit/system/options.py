"""Reading options: shared by every command that reads a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self

from devicekit.core.declarations import MOST_WHOLE, Option, document, lines_of_recipe, option, options_of
from devicekit.core.errors import UsageError
from devicekit.core.text import closest, natural_number
from devicekit.names import Unit, parse_unit
from devicekit.names.units import multiply_by_size, parse_size
from devicekit.system.plugins import READERS

QUANTITIES = ("conductance", "current", "resistance", "weight")
KINDS = ("pulse", "sweep", "endurance", "retention", "stdp", "transient", "paired", "multilevel", "summary", "record")
KERNELS = ("exponential", "stretched", "double", "power")  # of a relaxation: `devicekit.models.relaxation.KERNELS`
BASELINES = ("original", "before")  # from where the second answer of a pulse pair is counted
PARTS = ("devices", "cycles")  # what sheets or columns of one make may stand for
ROWS = ("reading", "record", "cycle", "device", "summary")  # what a row may stand for
BLOCKS = ("none", "empty-column", "repeated-names", "empty-row", "text-row")
LABELS = (
    "device_id",
    "cycle",
    "direction",
    "level",
    "compliance_a",
    "pulse_width_s",
    "pulse_voltage_v",
    "third_voltage_v",
)
WORDS = ("ltp", "ltd", "lrs", "hrs")  # what a word of a file may mean

CONDITIONS = (  # columns that hold for a whole table or file
    "direction",
    "level",
    "temperature_k",
    "temperature_c",
    "compliance_a",
    "pulse_width_s",
    "pulse_voltage_v",
    "read_voltage_v",
    "third_voltage_v",
)
CONSTANTS = ("device_id", "cycle", *CONDITIONS)
STATES_OF = WORDS  # states of one direction or level
ROLES = (  # of columns of measurements
    *("voltage_v", "current_a", "value", *STATES_OF, "time_s", "device_id", "cycle", "pulse_index", "direction"),
    *("level", "conductance_s", "resistance_ohm", "weight", "pulse_voltage_v", "pulse_width_s", "read_voltage_v"),
    *("read_current_a", "compliance_a", "temperature_c", "temperature_k", "repeat", "point", "target_s"),
    *("resistance_before_ohm", "resistance_after_ohm", "spike_delay_s", "weight_change", "v_set_v", "v_reset_v"),
    *("v_form_v", "g_hrs_s", "g_lrs_s", "on_off", "yield_share"),
)
LARGEST = 1e300  # of a voltage [V] or a time [s]; a whole number has no limit of its own


def _are_train_lengths(value: Any) -> bool:
    numbers = list(value) if isinstance(value, tuple | list) else []
    return bool(numbers) and all(isinstance(each, Integral) and int(each) >= 1 for each in numbers)


def is_encoding(name: str) -> bool:
    """Return whether a name is that of an encoding of text."""
    try:
        "a".encode(name)
    except LookupError:
        return False
    return True


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading a file, for what the file itself leaves open.

    Raises
    ------
    UsageError
        If the options contradict each other or are out of range.
    """

    format: str | None = option(
        help="Reader to use, detected if not given",
        choices=READERS.names,
        form="Format",
        row=22,
        toml="recipe.format",
        doc="Name of a reader; detected from the content if not given.",
    )
    quantity: str | None = option(
        help="Quantity of the numbers",
        choices=QUANTITIES,
        form="State quantity",
        row=3,
        toml="read.quantity",
        doc="What the numbers are.",
    )
    read_voltage: float | None = option(
        metavar="V",
        help="Read voltage [V], for currents.",
        valid=lambda value: 0 < abs(value) < LARGEST,
        needs="must be a finite voltage other than 0",
        form="Read voltage [V]",
        row=5,
        example="0.1",
        toml="read.voltage",
        rank=-1,
        doc="Read voltage [V], not 0; needed for currents.",
    )
    columns: Mapping[str, str] = option(
        "--map",
        default_factory=dict,
        alias="map",
        metavar="NAME=COLUMN",
        help="Use the file's COLUMN as NAME: voltage_v, current_a, time_s, cycle, pulse_index, value (a state), hrs, "
        "lrs, ltp, ltd and others (the formats page lists them); may be repeated.",
        offered=ROLES,
        form="Columns",
        row=6,
        example="value=G, cycle=Run",
        doc="Our column name -> the file's column, or several separated by commas. The name `value` stands for the "
        "column whose quantity is given by `quantity`.",
    )
    unit: str | None = option(
        metavar="UNIT",
        help="Unit of the numbers, such as uS, nA, kohm.",
        form="Unit",
        row=4,
        example="uS, nA, kohm",
        toml="read.unit",
        doc="Unit of the numbers, such as uS, nA or kohm; SI if not given.",
    )
    absolute: bool = option(
        "--abs",
        default=False,
        help="Take magnitudes of negative conductances.",
        form="Use magnitudes of negative conductances",
        row=8,
        toml="read.absolute",
        doc="Take magnitudes of negative conductances.",
    )
    device: str | None = option(help="Only this device.", form="Only device", row=19, doc="Keep only this device.")
    cycle: int | None = option(
        metavar="N", help="Only this cycle.", form="Only cycle", row=20, doc="Keep only this cycle."
    )
    width: float | None = option(
        metavar="S",
        help="Only this pulse width [s].",
        valid=lambda value: 0 < value < LARGEST,
        needs="must be a finite time above 0 [s]",
        form="Only pulse width [s]",
        row=21,
        example="5e-5",
        doc="Keep only this pulse width [s].",
    )
    accept: bool = option(
        default=False,
        help="Accept what was inferred by one way alone; the result says what.",
        form="Accept what was inferred",
        row=0,
        doc="Accept what was inferred by one way alone (kind, unit, borders of cycles and trains, direction).",
    )
    recipe: Path | str | None = option(
        metavar="FILE",
        help="Recipe for reading such files; found by itself if not given, none: without.",
        form="Recipe",
        row=1,
        doc="A recipe (TOML) with any of these options; options given here override it. Found by the "
        "fingerprint of the file if not given; ``none`` for reading without one.",
    )
    kind: str | None = option(
        metavar="KIND",
        help="Kind of measurement in a table",
        choices=KINDS,
        form="Kind of table",
        row=2,
        toml="recipe.kind",
        doc="What kind of measurement a table holds.",
    )
    sheet: str | None = option(
        help="Sheets to read: a name, or a pattern with *.",
        form="Sheets",
        row=9,
        example="Data*",
        toml="table.sheet",
        doc="Sheets of a workbook to be read: a name, or a pattern with ``*``; several separated by commas.",
    )
    skip: int | None = option(
        metavar="N",
        help="Rows above the column names.",
        least=0,
        most=MOST_WHOLE,
        form="Rows above the column names",
        row=10,
        toml="table.skip",
        doc="Rows above the names of the columns.",
    )
    header: int | None = option(
        metavar="N",
        help="Rows with column names: 0, 1, or 2 (such as a device above a quantity).",
        least=0,
        most=2,
        form="Rows of column names",
        row=11,
        toml="table.header",
        doc="Rows of names: 0 (none), 1, or 2, whose cells are joined; an empty upper cell takes the one to its left.",
    )
    units_row: bool | None = option(
        metavar=None,
        help="The row under the names holds units.",
        form="Row of units",
        row=12,
        toml="table.units_row",
        doc="Whether the row under the names holds units.",
    )
    names: str | None = option(
        metavar="A,B,...",
        help="Names of the columns instead of the file's, separated by commas; quote one with a comma.",
        form="Column names",
        row=24,
        example="V (V), I (uA)",
        toml="table.names",
        doc="Names of the columns instead of those in the file, separated by commas.",
    )
    label_rows: Mapping[str, str] = option(
        "--label-row",
        default_factory=dict,
        metavar="NAME=ROW",
        help="Row of the file above the names that gives the device_id, cycle, level, pulse_voltage_v, ... of each "
        "column; may be repeated.",
        names=LABELS,
        needs=f"takes {', '.join(LABELS)}",
        form="Rows of labels",
        row=25,
        example="cycle=1",
        toml="label_rows",
        doc="Name -> the row of the file, above the names, that gives it for each column; an empty cell takes the cell "
        "to its left.",
    )
    drop: tuple[str, ...] = option(
        default=(),
        metavar="PATTERN",
        help="Rows to leave out, by a pattern with *; `text`: rows with words where numbers stand; `overflow` or a "
        "number: cells with it; `negative`: conductances below 0; may be repeated.",
        form="Rows to leave out",
        row=26,
        example="Mean*",
        toml="table.drop",
        doc="Patterns with ``*`` of rows to be left out, compared with their filled cells joined by blanks; ``text`` "
        "means rows with words in columns of numbers. A number stands for cells that hold it, or its negative, and "
        "``overflow`` for cells beyond 1e25: they are missing readings. ``negative`` means conductances "
        "below 0. A pattern or a number that matches nothing is "
        "refused.",
    )
    block: str | None = option(
        metavar="N[,M]",
        help="Only these of several tables in a file, by their numbers.",
        form="Only tables",
        row=27,
        example="2",
        toml="table.block",
        doc="Numbers of the tables to be read, from 1, of a file that holds several.",
    )
    encoding: str | None = option(
        help="Encoding of a text, such as cp1251, gbk or shift_jis; detected if not given.",
        valid=is_encoding,
        needs="must be an encoding that Python has",
        form="Encoding",
        row=28,
        toml="table.encoding",
        doc="Encoding of a text, such as cp1251, gbk or shift_jis; detected if not given.",
    )
    device_area: str | None = option(
        metavar="SIZE",
        valid=lambda value: parse_size(value) is not None,
        needs="must be an area or a width, such as 25 um2, 10 um or 25 um2/5 nm",
        help="Size of the device where numbers are densities: '25 um2', '10 um', or area over length, '25 um2/5 nm'.",
        form="Area or width of the device",
        row=29,
        example="25 um2",
        toml="read.device_area",
        doc="Area, width, or area over length of the device, with units, by which densities (A/cm2, uA/um, S/m) are "
        "multiplied.",
    )
    blocks: str | None = option(
        metavar="HOW",
        help="How tables beside or below each other are separated",
        choices=BLOCKS,
        valid=lambda value: value in BLOCKS or natural_number(value) is not None,
        needs=f"is one of {', '.join(BLOCKS)} or a number of columns",
        form="Side-by-side tables",
        row=14,
        toml="table.blocks",
        rank=1,
        doc="How tables that stand side by side or below each other are separated; or a number of columns.",
    )
    row_is: str | None = option(
        metavar="WHAT",
        help="What one row is",
        choices=ROWS,
        form="Each row is",
        row=23,
        toml="table.row_is",
        doc="What one row is: a reading; a record (identifiers, then readings); a cycle or a device; a summary.",
    )
    cycles_per_row: int | None = option(
        metavar="N",
        help="Endurance: write cycles that a row stands for.",
        least=1,
        most=MOST_WHOLE,
        form="Write cycles per row",
        row=24,
        example="500",
        toml="table.cycles_per_row",
        doc="Endurance: write cycles that one row (or one step of the cycle column) stands for.",
    )
    first_reading: int | None = option(
        metavar="N",
        help="Rows that are records: column of their first reading.",
        least=1,
        most=MOST_WHOLE,
        form="Column of the first reading",
        row=25,
        toml="table.first_reading",
        doc="Where a row is a record: number of the column of its first reading, from 1.",
    )
    decimal: str | None = option(
        metavar="MARK",
        help="Decimal mark",
        choices=(".", ","),
        form="Decimal mark",
        row=13,
        toml="table.decimal",
        doc="Decimal mark, where the numbers leave it open.",
    )
    pulses: tuple[int, ...] | None = option(
        metavar="N[,M ...]",
        help="Pulses of an LTP train and, if different, of an LTD train; or of every train in order.",
        valid=_are_train_lengths,
        needs="is one number of pulses a train, two (LTP, LTD), or one for every train in order",
        form="Pulses per LTP, LTD train",
        row=7,
        example="60, 50",
        toml="trains.pulses",
        doc="Pulses of an LTP and of an LTD train, one number where they are equal, or one for every train in order.",
    )
    files_are: str | None = option(
        metavar="WHAT",
        help="How several files belong together",
        choices=(*PARTS, "separate"),
        offered=PARTS,
        form="Files in a folder are",
        row=17,
        toml="keys.files_are",
        doc="What several files stand for.",
    )
    sheets_are: str | None = option(
        metavar="WHAT",
        help="How several sheets belong together",
        choices=PARTS,
        form="Sheets are",
        row=16,
        toml="keys.sheets_are",
        doc="What several sheets stand for.",
    )
    columns_are: str | None = option(
        metavar="WHAT",
        help="How several columns of one quantity belong together",
        choices=(*PARTS, "levels"),
        form="Columns of one quantity are",
        row=15,
        toml="keys.columns_are",
        doc="What several columns of one quantity stand for; levels are those of retention, endurance and multilevel.",
    )
    key: Mapping[str, str] = option(
        default_factory=dict,
        metavar="FIELD=PATTERN",
        help="Pattern of a device, a cycle or a condition in the names of columns, tables, sheets or files: "
        "device='dev(\\d+)' temperature_c='(\\d+)C'.",
        names=("device", "cycle", *CONDITIONS),
        needs=f"takes device, cycle, {', '.join(CONDITIONS)}",
        form="Device, cycle or condition in names",
        row=18,
        example=r"device=dev(\d+)",
        toml="keys",
        doc="`device`, `cycle` or a column -> a pattern (regular expression) whose first group is it, in the names of "
        "columns, in the rows of words above tables, or in the names of sheets or files: where it differs.",
    )
    words: Mapping[str, str] = option(
        "--word",
        default_factory=dict,
        metavar="NAME=WORD",
        help="Word of the file, in names and cells, for ltp, ltd, lrs or hrs: ltp=GP ltd=GD; | between several.",
        names=WORDS,
        needs=f"takes {', '.join(WORDS)}",
        form="Words for LTP, LTD, LRS, HRS",
        row=18,
        example="ltp=GP, ltd=GD",
        toml="words",
        doc="`ltp`, `ltd`, `lrs` or `hrs` -> the word of the file for it, in names and cells; ``|`` between several.",
    )

    rows_per: Mapping[str, str] = option(
        default_factory=dict,
        metavar="NAME=N",
        help="Rows of each cycle or device, where no column says them: cycle=400.",
        names=("device", "cycle"),
        needs="takes device and cycle with whole numbers of 1 or more",
        valid=lambda value: all(natural_number(str(each)) for each in value.values()),
        form="Rows per device or cycle",
        row=18,
        example="cycle=400",
        toml="rows_per",
        doc="`device` or `cycle` -> the number of rows of each, in the order of the file; of each level for endurance.",
    )
    constant: Mapping[str, str] = option(
        default_factory=dict,
        metavar="NAME=VALUE",
        help="What holds for all rows, such as temperature_c=85, pulse_width_s=100ns or compliance_a=50uA.",
        names=CONSTANTS,
        needs=f"takes {', '.join(CONSTANTS)}",
        form="Holds for all rows",
        row=18,
        example="pulse_width_s=100ns",
        toml="constants",
        doc="A column that the file lacks -> its one value, in SI units or with a unit.",
    )

    def __post_init__(self) -> None:
        if isinstance(self.blocks, Integral) and not isinstance(self.blocks, bool):
            object.__setattr__(self, "blocks", str(self.blocks))
        if isinstance(self.pulses, Integral) and not isinstance(self.pulses, bool):
            object.__setattr__(self, "pulses", (int(self.pulses),))
        if isinstance(self.kind, str):
            object.__setattr__(self, "kind", self.kind.removesuffix("s"))  # pulses is pulse
        for name, each in options_of(ReadOptions).items():
            value = getattr(self, name)
            each.check(value)
            if isinstance(value, Integral) and each.kind.type is Real:  # a column of it is one of floats
                object.__setattr__(self, name, float(value))
        if self.unit is None:
            return
        measured = self._unit.quantity
        if self.quantity is not None and self.quantity != measured:
            raise UsageError(f"unit={self.unit} is a unit of {measured}, but quantity={self.quantity} is not")

    @classmethod
    def of(cls, **given: Any) -> Self:
        """Return options from keywords; an alias, such as `map` of `columns`, means the same.

        Raises
        ------
        UsageError
            If an option is unknown, or both of the two are given.
        """
        known = options_of(ReadOptions)
        for each in known.values():
            if each.alias in given:
                if each.name in given:
                    raise UsageError(f"{each.alias} and {each.name} are the same option: give one of them")
                given[each.name] = given.pop(each.alias)
        check_keywords("devicekit.read", given)
        return cls(**given)

    def meaning(self, what: str) -> str | None:
        """Return what several "files", "sheets" or "columns" stand for; None if it is not given."""
        given: str | None = getattr(self, f"{what}_are")
        return given

    @cached_property
    def _unit(self) -> Unit:
        """The unit that `unit` names; a weight has the unit 1."""
        word = self.unit or ""
        unit = {"1": Unit("weight", 1.0), "%": Unit("weight", 0.01)}.get(word.strip()) or parse_unit(word)
        if unit is not None and unit.of:
            size = parse_size(self.device_area) if self.device_area else None
            unit = multiply_by_size(unit, size) if size else None
            if unit is None:
                raise UsageError(
                    f"unit={word!r} is a density: give the size of the device that fits it, device_area='25 um2', or "
                    "device_area='1 cm2' if it is unknown"
                )
        if unit is None or unit.quantity not in QUANTITIES:
            if "=" in word:
                raise UsageError(f"unit={word!r}: for units of several columns, give names='V (mV),I (uA)'")
            raise UsageError(
                f"unit={word!r} is not a unit of G, I or R; write uS, nA, kohm, ..., or 1 for weights without unit"
            )
        return unit

    @property
    def stated_quantity(self) -> str | None:
        """The quantity, given by `quantity` or implied by `unit`."""
        return self.quantity or (self._unit.quantity if self.unit else None)

    @property
    def gives_density(self) -> bool:
        """True if `unit` is that of a density, such as A/cm2."""
        unit = parse_unit(self.unit) if self.unit else None
        return unit is not None and bool(unit.of)

    @property
    def factor(self) -> float:
        """From the file's unit to SI."""
        return self._unit.factor if self.unit else 1.0


_TITLES = {
    **dict.fromkeys(("recipe", "read"), "What it is"),
    "table": "Rows and tables",
    **dict.fromkeys(("keys", "rows_per", "constants", "label_rows", "trains"), "Devices, cycles and conditions"),
}


def group_options() -> dict[str, tuple[Option, ...]]:
    """Return the reading options under titles, in the order of a form."""
    found: dict[str, list[Option]] = {title: [] for title in (*_TITLES.values(), "How it is read")}
    for each in sorted(OPTIONS.values(), key=lambda each: each.row):
        found[_TITLES.get(each.section, "How it is read")].append(each)
    return {title: tuple(each) for title, each in found.items()}


OPTIONS: Mapping[str, Option] = options_of(ReadOptions)  # by name
document(ReadOptions)
LINES = lines_of_recipe(OPTIONS.values())  # by section and line


_MEANT = {"law": "model", "v_read": "read_voltage", "vread": "read_voltage", "area": "device_area"}


def check_keywords(verb: str, given: Iterable[str], *own: str) -> None:
    """Refuse a keyword that is neither one of a verb's own nor a reading option, with the one that is meant.

    Raises UsageError if there is one.
    """
    reading = options_of(ReadOptions)
    known = [*own, *reading, *(each.alias for each in reading.values() if each.alias)]
    for name in given:
        if name in known:
            continue
        meant = _MEANT.get(name.lower())
        meant = meant if meant in known else closest(name, known)
        hint = f"did you mean {meant}=?" if meant else f"help({verb}) lists its keywords."
        raise UsageError(f"{verb} has no keyword {name}=: {hint}")
