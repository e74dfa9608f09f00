"""The head of a record, readable without its content: name, kind, place, labels, numbers, warnings."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from devicekit.core.errors import FileError
from devicekit.core.scalars import Scalar
from devicekit.device.blocks import Positive, Strict
from devicekit.device.remarks import Remark
from devicekit.names import MARKS
from devicekit.names.places import PLACES

SCHEMA_VERSION = 1
ID_DIGITS = 12  # hexadecimal; with 10,000 records the chance of two equal ids is 2 in 10 million
LONGEST = 200  # characters of a name or a label
CONTENTS = ("card", "result")  # fields of a record that are not in its head

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{0,39}")

Origin = Literal["hand", "file name", "device name", "recipe"]


def _check_text(value: str) -> str:
    if not value.strip() or value != value.strip():
        raise ValueError("a text that is not empty, without spaces at its ends")
    if len(value) > LONGEST:
        raise ValueError(f"at most {LONGEST} characters, got {len(value)}")
    if not value.isprintable():
        raise ValueError("one line of printable characters")
    return value


def _check_line(value: str) -> str:
    if len(value) > LONGEST or not value.isprintable():
        raise ValueError(f"one line of at most {LONGEST} printable characters")
    return value


def _check_label(value: str) -> str:
    if not _LABEL.fullmatch(value) or value in PLACES:
        raise ValueError(
            f"expected a label name (up to 40 letters, digits, spaces, - or _, first a letter), got {value!r}"
        )
    return value


def _check_time(value: str) -> str:
    if datetime.fromisoformat(value).utcoffset() is None:
        raise ValueError("a time with its zone, such as 2026-03-05T12:00:00+00:00")
    return value


Name = Annotated[str, AfterValidator(_check_text)]
LabelName = Annotated[str, AfterValidator(_check_label)]
Line = Annotated[str, AfterValidator(_check_line)]
Position = Annotated[int, Field(ge=0, le=999_999)]


def line(text: str) -> str:
    """Make text usable as a name: one line, printable, of limited length."""
    return "".join(c if c.isprintable() else "?" for c in text).strip()[:LONGEST].strip() or "?"


def now() -> str:
    """Return the present time in UTC, in the format of a record."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Number(Strict):
    """A `Scalar` in a record, with the same fields; an unknown value is null."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")
    label: Line
    value: float | None
    unit: Line = ""
    of: Line = ""
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    by: Line = ""

    @classmethod
    def of_scalar(cls, scalar: Scalar) -> Self:
        """Convert a scalar; values that are not finite become null."""
        raw = scalar.as_dict()
        return cls(**raw | {k: float(raw[k]) for k in ("value", "low", "high", "level") if raw[k] is not None})

    @property
    def scalar(self) -> Scalar:
        """The scalar, with NaN for an unknown value."""
        raw = {name: getattr(self, name) for name in type(self).model_fields}
        return Scalar(**{**raw, "value": math.nan if self.value is None else self.value})


class Place(Strict):
    """The place of a device; any part may be unknown."""

    wafer: Name | None = None
    die: Name | None = None
    row: Position | None = None
    column: Position | None = None

    def __str__(self) -> str:
        cell = "".join(f"{word}{value}" for word, value in (("R", self.row), ("C", self.column)) if value is not None)
        area = [f"{word} {value}" for word, value in (("wafer", self.wafer), ("die", self.die)) if value is not None]
        return ", ".join([*area, cell] if cell else area)


class Source(Strict):
    """The source file of a record."""

    file: Line = Field(description="its name, without the folder")
    sha256: Line = Field(description="its checksum; empty without a file")


class Head(Strict):
    """A record without its content.

    Raises
    ------
    pydantic.ValidationError
        If a field is unknown, missing or of another type.
    """

    schema_version: Literal[1] = 1
    id: str = Field(pattern=rf"^[0-9a-f]{{{ID_DIGITS}}}$", description="of the SHA-256 of the content")
    name: Name
    kind: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$", description="card, or the kind of table")
    added: Annotated[str, AfterValidator(_check_time)] = Field(description="time of adding, UTC")
    source: Source
    law: Line = Field(default="", description="update law of a card")
    synthetic: bool = False
    simulated: bool = False
    calibrated: bool = False
    published: bool = False
    place: Place = Place()
    labels: dict[LabelName, Name] = Field(default_factory=dict)
    area_m2: Positive | None = Field(default=None, description="area from the label area [m2]")
    origins: dict[str, Origin] = Field(default_factory=dict, description="origin of each label and part of the place")
    scalars: tuple[Number, ...] = ()
    warnings: tuple[Remark, ...] = ()

    @model_validator(mode="after")
    def _check_unique_names(self) -> Self:
        names = [each.name for each in self.scalars]
        if len({*names, "area_m2"}) <= len(names):
            raise ValueError("scalars with unique names, none of them area_m2")
        return self

    @property
    def marks(self) -> tuple[str, ...]:
        """Marks of the record: synthetic, simulated, calibrated, published."""
        return tuple(mark for mark in MARKS if getattr(self, mark))

    def scalar(self, name: str) -> Scalar | None:
        """Return a number by name; None if it is missing or unknown."""
        found = next((each.scalar for each in self.scalars if each.name == name), None)
        return found if found is not None and found.known else None


class IndexedHead(Head):
    """A head as read for the index; the content is skipped, and checked when the record is opened."""

    model_config = ConfigDict(extra="ignore")


def check_version(raw: Any, name: str) -> None:
    """Reject anything but a record of a supported version, with a specific message.

    Raises FileError.
    """
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise FileError(f"{name} is not a record of a library: it has no whole-number schema_version.")
    if "id" not in raw and {"window", "ltp", "ltd"} <= raw.keys():
        raise FileError(f"{name} is a device card, not a record. Add it with devicekit library add.")
    if version > SCHEMA_VERSION:
        raise FileError(
            f"{name} has schema version {version}, but this devicekit reads records up to {SCHEMA_VERSION}. "
            "Upgrade devicekit."
        )
