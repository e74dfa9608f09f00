"""Queries of a library, and their results."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.pairs import parse_pair, parse_range
from devicekit.core.printing import Printed
from devicekit.core.records import Record, column, derived, internal
from devicekit.core.scalars import Scalar
from devicekit.library.head import Head, Place
from devicekit.names import MARKS

MOST_ASKED = 50  # words, ranges or labels; SQLite allows some hundreds


@dataclass(frozen=True)
class Range:
    """A range of one number, including both ends.

    Parameters
    ----------
    name : str
        Name of the number: on_off, v_set_v, area_m2.
    low, high : float
        Ends in the SI unit of the number; fractions are not percentages. Infinity leaves an end open.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if not self.low <= self.high or math.inf in (self.low, -self.high):  # also False for NaN
            raise UsageError(f"The range {self.name}={self.low:g}:{self.high:g} is empty. Write LOW:HIGH.")

    @classmethod
    def of(cls, text: str) -> Self:
        """Parse `name=low:high`; either end may be left out.

        Raises
        ------
        UsageError
            If the text has another form.
        """
        pair = parse_pair(text)
        if pair is None or ":" not in pair[1]:
            raise UsageError(f"A range is NAME=LOW:HIGH, such as on_off=3:6 or v_set_v=:0.8; got {text!r}.")
        try:
            return cls(pair[0], *parse_range(pair[1], (-math.inf, math.inf)))
        except ValueError as error:
            word = str(error)
            raise UsageError(f"{text!r}: {word!r} is not a number. Ends are in SI units, such as 1e-6.") from None


@dataclass(frozen=True)
class Query:
    """A selection of records, and their order.

    Parameters
    ----------
    words : sequence of str
        All must be in name, source, kind, law, labels, place or warnings; case is ignored.
    kind : str, optional
        card, sweep, endurance, ...
    ranges : sequence of Range
        All must be met; a record without the number is left out.
    labels : mapping of str to str
        All must be equal.
    place : Place
        All given parts must be equal.
    ids : sequence of str, optional
        Only these records.
    sort : str
        A number, a label, or one of name, added, kind, source, law, wafer, die, row, column; with a leading minus sign
        the largest first. Records without it come last in both cases.
    limit : int, optional
        Maximum number of records.
    """

    words: Sequence[str] = ()
    kind: str | None = None
    ranges: Sequence[Range] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    place: Place = field(default_factory=Place)
    ids: Sequence[str] | None = None
    sort: str = "-added"
    limit: int | None = None

    def __post_init__(self) -> None:
        for name in ("words", "ranges", "labels"):
            if (number := len(getattr(self, name))) > MOST_ASKED:
                raise UsageError(f"Too many {name}: {number}; at most {MOST_ASKED} are allowed.")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"limit= must be a whole number of 1 or more; got {self.limit}.")

    @property
    def all(self) -> bool:
        """True if the query selects every record."""
        return not (self.words or self.kind or self.ranges or self.labels or self.ids or self.place != Place())


@dataclass(frozen=True, kw_only=True)
class Entry(Record):
    """A record in the index, without its content."""

    file: str = column(doc="name of its file in the folder")
    id: str = column(doc="beginning of the SHA-256 of the content")
    name: str = column(doc="name of the record")
    kind: str = column(doc="card, or the kind of table")
    added: str = column(doc="time of adding, UTC")
    source: str = column(doc="name of the source file")
    law: str = column(doc="update law of a card")
    synthetic: bool = column(doc="whether its data are synthetic")
    simulated: bool = column(doc="whether its data are simulated")
    calibrated: bool = column(doc="whether its data are of a calibrated simulation")
    published: bool = column(doc="whether it is made from published numbers, without readings")
    place: Place = column(doc="place of the device")
    labels: Mapping[str, str] = column(doc="labels by name")
    warnings: tuple[CodedWarning, ...] = column(doc="warnings of the record")
    _values: Sequence[tuple[Scalar, float]] = internal("number and value of each", default=())

    @cached_property
    def scalars(self) -> tuple[Scalar, ...]:
        """Known numbers without their intervals, in the order of the record."""
        return tuple(
            Scalar(each.name, each.label, value, each.unit, each.of, by=each.by) for each, value in self._values
        )

    def scalar(self, name: str) -> Scalar | None:
        """Return a number by name; None if it is missing."""
        return next((each for each in self.scalars if each.name == name), None)

    @property
    def marks(self) -> tuple[str, ...]:
        """Marks of the record: synthetic, simulated, calibrated, published."""
        return tuple(mark for mark in MARKS if getattr(self, mark))

    @derived(name="scalars")
    def numbers(self) -> list[dict[str, str | float]]:
        """Known numbers with label, unit and definition, without their intervals."""
        shown = ("name", "label", "value", "unit", "of", "by")
        return [{name: getattr(each, name) for name in shown} for each in self.scalars]


@dataclass(frozen=True)
class Unreadable(Record):
    """A file of the folder that is not a record, with the reason."""

    file: str = column(doc="name of the file")
    reason: str = column(doc="why it is not a record")


@dataclass(frozen=True)
class Found(Printed):
    """The result of a query: its records in order, and their number without the limit."""

    entries: tuple[Entry, ...]
    total: int

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def search_words(head: Head, law_title: str) -> str:
    """Return the case-folded text that a search looks at."""
    warnings = [f"{each.code} {each.message}" for each in head.warnings]
    labels = [f"{name} {value}" for name, value in head.labels.items()]
    parts = [
        head.name,
        head.source.file,
        head.kind,
        head.law,
        law_title,
        str(head.place),
        *head.marks,
        *labels,
        *warnings,
    ]
    return "\n".join(parts).casefold()
