"""What is asked of a library, and what it answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from devicekit.errors import CodedWarning, UsageError
from devicekit.library.head import MARKS, Head, Place
from devicekit.scalars import Scalar

MOST_ASKED = 50  # words, ranges or labels; a database takes some hundreds


@dataclass(frozen=True)
class Range:
    """A range of one number, both ends in it.

    Parameters
    ----------
    name : str
        Name of the number: on_off, v_set_v, area_m2.
    low, high : float
        Ends, in its SI unit; a fraction is no percentage. Infinity leaves an end open.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if not self.low <= self.high or math.inf in (self.low, -self.high):  # NaN is in no order
            raise UsageError(f"the range {self.name}={self.low:g}:{self.high:g} holds nothing: write LOW:HIGH")

    @classmethod
    def of(cls, text: str) -> Self:
        """Of `name=low:high`, either end of which may be left out.

        Raises
        ------
        UsageError
            If it is written otherwise.
        """
        name, equals, ends = text.partition("=")
        low, colon, high = ends.partition(":")
        if not (name.strip() and equals and colon):
            raise UsageError(f"a range is NAME=LOW:HIGH, such as on_off=3:6 or v_set_v=:0.8, not {text!r}")
        return cls(name.strip(), _parse_end(low, -math.inf, text), _parse_end(high, math.inf, text))


def _parse_end(word: str, open_end: float, text: str) -> float:
    if not word.strip():
        return open_end
    try:
        return float(word)
    except ValueError:
        raise UsageError(f"{text!r}: {word.strip()!r} is no number; ends are in SI units, such as 1e-6") from None


@dataclass(frozen=True)
class Query:
    """Which records, and in which order.

    Parameters
    ----------
    words : sequence of str
        All must be somewhere in name, source, kind, law, labels, place or warnings; upper and lower case are the same.
    kind : str, optional
        card, sweep, endurance, ...
    ranges : sequence of Range
        All must hold; a record without the number is left out.
    labels : mapping of str to str
        All must be equal.
    place : Place
        Each part that is given must be equal.
    ids : sequence of str, optional
        These records alone.
    sort : str
        A number, a label, or one of name, added, kind, source, law, wafer, die, row, column; with a minus sign
        before it the largest first. What has none comes last either way.
    limit : int, optional
        At most so many.
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
                raise UsageError(f"{number} {name} are asked for at once; the most are {MOST_ASKED}: leave some out")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"limit= is a whole number of 1 or more, not {self.limit}")

    @property
    def all(self) -> bool:
        """True if every record is asked for."""
        return not (self.words or self.kind or self.ranges or self.labels or self.ids or self.place != Place())


@dataclass(frozen=True)
class Entry:
    """A record as the index knows it, without its content.

    Parameters
    ----------
    file : str
        Name of its file in the folder.
    id, name, kind, added, source, law : str
        As in `devicekit.library.head.Head`; source is the name of the file that it was made from.
    synthetic, simulated, calibrated : bool
    place : Place
    labels : mapping of str to str
    warnings : tuple of CodedWarning
    """

    file: str
    id: str
    name: str
    kind: str
    added: str
    source: str
    law: str
    synthetic: bool
    simulated: bool
    calibrated: bool
    place: Place
    labels: Mapping[str, str]
    warnings: tuple[CodedWarning, ...]
    _values: Sequence[tuple[Scalar, float]] = field(default=(), repr=False)

    @cached_property
    def scalars(self) -> tuple[Scalar, ...]:
        """Its numbers that are known, without their intervals, in the order of the record."""
        return tuple(
            Scalar(each.name, each.label, value, each.unit, each.of, by=each.by) for each, value in self._values
        )

    def scalar(self, name: str) -> Scalar | None:
        """One of its numbers; None where it has none."""
        return next((each for each in self.scalars if each.name == name), None)

    @property
    def marks(self) -> tuple[str, ...]:
        """synthetic, simulated, calibrated: those that it bears."""
        return tuple(mark for mark in MARKS if getattr(self, mark))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        plain = ("id", "name", "kind", "added", "source", "law", *MARKS, "file")
        return {
            **{name: getattr(self, name) for name in plain},
            "place": self.place.model_dump(),
            "labels": dict(self.labels),
            "scalars": [
                {"name": s.name, "label": s.label, "value": s.value, "unit": s.unit, "of": s.of, "by": s.by}
                for s in self.scalars
            ],
            "warnings": [each.as_dict() for each in self.warnings],
        }


@dataclass(frozen=True)
class Unreadable:
    """A file of the folder that is no record, and why."""

    file: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """Plain values, for JSON."""
        return {"file": self.file, "reason": self.reason}


@dataclass(frozen=True)
class Found:
    """The answer to a query: its records in order, and how many there are without the limit."""

    entries: tuple[Entry, ...]
    total: int

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def search_words(head: Head, law_title: str) -> str:
    """All that a search looks at, folded."""
    told = [f"{each.code} {each.message}" for each in head.warnings]
    labels = [f"{name} {value}" for name, value in head.labels.items()]
    parts = [head.name, head.source.file, head.kind, head.law, law_title, str(head.place), *head.marks, *labels, *told]
    return "\n".join(parts).casefold()
