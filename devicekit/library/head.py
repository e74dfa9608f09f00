"""What a library knows of a record without opening its content: name, kind, place, labels, numbers, warnings."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from devicekit.device.blocks import Positive, Strict
from devicekit.device.remarks import Remark
from devicekit.errors import FileError
from devicekit.names.places import PLACES
from devicekit.scalars import Scalar

SCHEMA_VERSION = 1
ID_DIGITS = 12  # hexadecimal: of 10,000 records two agree by chance with 2 in 10 million
LONGEST = 200  # characters of a name or a label
KNOWN_LABELS = ("stack", "area", "operator", "date")
MARKS = ("synthetic", "simulated", "calibrated")
CONTENTS = ("card", "result")  # fields of a record that its head leaves out

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{0,39}")

Origin = Literal["hand", "file name", "device name", "recipe"]


def _check_text(value: str) -> str:
    if not value.strip() or value != value.strip():
        raise ValueError("a text without spaces at its ends, not empty")
    if len(value) > LONGEST:
        raise ValueError(f"at most {LONGEST} characters, not {len(value)}")
    if not value.isprintable():
        raise ValueError("one line of characters that can be printed")
    return value


def _check_line(value: str) -> str:
    if len(value) > LONGEST or not value.isprintable():
        raise ValueError(f"one line of at most {LONGEST} characters that can be printed")
    return value


def _check_label(value: str) -> str:
    if not _LABEL.fullmatch(value) or value in PLACES:
        raise ValueError(f"{value!r} is no name of a label: a letter, then letters, digits, spaces, - and _ (up to 40)")
    return value


def _check_time(value: str) -> str:
    if datetime.fromisoformat(value).utcoffset() is None:
        raise ValueError("a time without its zone; write 2026-03-05T12:00:00+00:00")
    return value


Name = Annotated[str, AfterValidator(_check_text)]
LabelName = Annotated[str, AfterValidator(_check_label)]
Line = Annotated[str, AfterValidator(_check_line)]
Position = Annotated[int, Field(ge=0, le=999_999)]


def line(text: str) -> str:
    """A text as a name can be: in one line, nothing that cannot be printed, not longer than is kept."""
    return "".join(c if c.isprintable() else "?" for c in text).strip()[:LONGEST].strip() or "?"


def now() -> str:
    """This moment, UTC, as a record keeps it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Number(Strict):
    """A `Scalar` as a record keeps it; null where it is not known. Fields as there."""

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
        """Of a scalar; what is not finite becomes null."""
        held = scalar.as_dict()
        return cls(**held | {k: float(held[k]) for k in ("value", "low", "high", "level") if held[k] is not None})

    @property
    def scalar(self) -> Scalar:
        """The scalar; NaN where it is not known."""
        held = {name: getattr(self, name) for name in type(self).model_fields}
        return Scalar(**{**held, "value": math.nan if self.value is None else self.value})


class Place(Strict):
    """Where a device is: any part may be unknown."""

    wafer: Name | None = None
    die: Name | None = None
    row: Position | None = None
    column: Position | None = None

    def __str__(self) -> str:
        cell = "".join(f"{word}{value}" for word, value in (("R", self.row), ("C", self.column)) if value is not None)
        area = [f"{word} {value}" for word, value in (("wafer", self.wafer), ("die", self.die)) if value is not None]
        return ", ".join([*area, cell] if cell else area)


class Source(Strict):
    """The file that a record was made from."""

    file: Line = Field(description="its name, without the folder")
    sha256: Line = Field(description="its checksum; empty where there was no file")


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
    added: Annotated[str, AfterValidator(_check_time)] = Field(description="when, UTC")
    source: Source
    law: Line = Field(default="", description="update law of a card")
    synthetic: bool = False
    simulated: bool = False
    calibrated: bool = False
    place: Place = Place()
    labels: dict[LabelName, Name] = Field(default_factory=dict)
    area_m2: Positive | None = Field(default=None, description="what the label area says [m2]")
    origins: dict[str, Origin] = Field(default_factory=dict, description="who said a label or a part of the place")
    scalars: tuple[Number, ...] = ()
    warnings: tuple[Remark, ...] = ()

    @model_validator(mode="after")
    def _check_unique_names(self) -> Self:
        names = [each.name for each in self.scalars]
        if len({*names, "area_m2"}) <= len(names):
            raise ValueError("scalars: every name once, and none is area_m2")
        return self

    @property
    def marks(self) -> tuple[str, ...]:
        """synthetic, simulated, calibrated: those that it bears."""
        return tuple(mark for mark in MARKS if getattr(self, mark))

    def scalar(self, name: str) -> Scalar | None:
        """One of its numbers, None where it has none of that name or it is not known."""
        found = next((each.scalar for each in self.scalars if each.name == name), None)
        return found if found is not None and found.known else None


class IndexedHead(Head):
    """A head as it is read for the index: the content is passed over, and checked when the record is opened."""

    model_config = ConfigDict(extra="ignore")


def check_version(raw: Any, name: str) -> None:
    """Refuse what is no record of this version, saying what it is instead.

    Raises
    ------
    FileError
    """
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise FileError(f"{name} is no record of a library: it has no whole-number schema_version")
    if "id" not in raw and {"window", "ltp", "ltd"} <= raw.keys():
        raise FileError(f"{name} is a device card, not a record: devicekit library add makes one of it")
    if version > SCHEMA_VERSION:
        raise FileError(
            f"{name} has schema version {version}; this devicekit reads records up to {SCHEMA_VERSION}. "
            "Upgrade devicekit to read it"
        )
