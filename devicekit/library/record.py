"""One item of a library: a device card, or the results of a measurement, with the fields for searching."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from devicekit.core.errors import CardError, FileError, invalid_rows
from devicekit.core.scalars import Scalar
from devicekit.device.blocks import Strict
from devicekit.device.card import DeviceCard
from devicekit.library.head import CONTENTS, ID_DIGITS, SCHEMA_VERSION, Head, Number, Source, check_version, line, now
from devicekit.system import files

if TYPE_CHECKING:
    import pandas as pd

    from devicekit.features.characterize import Characterization
    from devicekit.library.origin import Metadata

MOST_ROWS = 100_000  # rows of one table of a record

Cell = bool | int | float | str | None


class Frame(Strict):
    """A table as plain lists of equal length, one per column; NaN is null."""

    columns: dict[str, tuple[Cell, ...]]

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        lengths = {len(values) for values in self.columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns of equal length, got {', '.join(map(str, sorted(lengths)))}")
        if self.rows > MOST_ROWS:
            raise ValueError(f"at most {MOST_ROWS} rows, got {self.rows}")
        return self

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def numbers(self, column: str) -> np.ndarray:
        """Return a column as numbers, shape (rows,); NaN for other cells."""
        return np.array([_number(cell) for cell in self.columns[column]], float)

    def to_pandas(self) -> pd.DataFrame:
        """Return the table as a data frame."""
        import pandas as pd

        return pd.DataFrame({name: list(values) for name, values in self.columns.items()})

    @classmethod
    def of(cls, frame: pd.DataFrame, name: str = "table") -> Self:
        """Convert a data frame; values that are not finite become null.

        Raises
        ------
        FileError
            If it has too many rows for a record.
        """
        if len(frame) > MOST_ROWS:
            raise FileError(
                f"The table {name} has {len(frame):,} rows, but a record holds up to {MOST_ROWS:,}. Add each device "
                "separately, or use devicekit characterize."
            )
        return cls(columns={str(column): tuple(map(_cell, frame[column].tolist())) for column in frame})


def _number(cell: Cell) -> float:
    return math.nan if cell is None or isinstance(cell, str) else float(cell)


def _cell(value: Any) -> Cell:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    text = str(value)
    return None if text in ("NaT", "<NA>") else text


class Result(Strict):
    """Results of a measurement: tables by name, with one row per sweep, state or device."""

    devices: tuple[str, ...] = Field(description="names of the devices in the file")
    merits: tuple[str, ...] = Field(description="figures of merit: dc, endurance, ...")
    sentences: tuple[str, ...] = Field(default=(), description="results in words")
    tables: dict[str, Frame]


class Record(Head):
    """One item of a library: head and content, exactly one of `card` and `result`.

    Raises
    ------
    pydantic.ValidationError
        If a field is unknown, missing or of another type, or its kind and its content disagree.
    """

    card: DeviceCard | None = None
    result: Result | None = None

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if (self.card is None) == (self.result is None) or (self.kind == "card") != (self.card is not None):
            raise ValueError("a card if the kind is card, else a result, and never both")
        return self

    def __repr__(self) -> str:
        marks = "".join(f", {mark}" for mark in self.marks)
        return f"<Record {self.id} {self.name!r}: {self.kind}{marks}>"

    __str__ = __repr__

    @property
    def head(self) -> Head:
        """The record without its content."""
        return Head(**{name: getattr(self, name) for name in Head.model_fields})

    def tables(self) -> Mapping[str, Frame]:
        """Return the tables by name; none for a card."""
        return self.result.tables if self.result else {}

    @classmethod
    def of_card(cls, card: DeviceCard, metadata: Metadata | None = None, **more: Any) -> Self:
        """Make a record of a card.

        Parameters
        ----------
        card : DeviceCard
        metadata : Metadata, optional
            Place and labels.
        **more
            Other values for fields of `Head`: name, simulated, ...
        """
        source = Source(file=line(card.provenance.source), sha256=card.provenance.sha256)
        held: dict[str, Any] = {
            "name": line(card.name),
            "kind": "card",
            "law": card.model,
            "source": source,
            **dict.fromkeys(card.provenance.marks, True),
            "scalars": numbers(card.figures()),
            "warnings": card.warnings,
        }
        return cls._build(metadata, card=card, **{**held, **more})

    @classmethod
    def of_result(
        cls, found: Characterization, name: str, sha256: str = "", metadata: Metadata | None = None, **more: Any
    ) -> Self:
        """Make a record of figures of merit.

        Parameters
        ----------
        found : Characterization
        name : str
            Name of the record.
        sha256 : str
            Checksum of the file.
        metadata : Metadata, optional
            Place and labels.
        **more
            Other values for fields of `Head`: synthetic, simulated, ...
        """
        result = Result(
            devices=tuple(map(str, found.table.devices)),
            merits=tuple(found.results),
            sentences=tuple(found.sentences()),
            tables={each: Frame.of(frame, each) for each, frame in found.tables.items()},
        )
        held: dict[str, Any] = {
            "name": name,
            "kind": found.table.kind,
            "source": Source(file=line(str(found.table.meta.get("source", "table in memory"))), sha256=sha256),
            "synthetic": any(warning.code == "synthetic" for warning in found.warnings),
            **dict.fromkeys(found.table.marks, True),
            "scalars": numbers(found.scalars()),
            "warnings": found.warnings,
        }
        return cls._build(metadata, result=result, **{**held, **more})

    @classmethod
    def of_parts(cls, metadata: Metadata, result: Result, **held: Any) -> Self:
        """Make a record of tables; `held` are the fields of its head."""
        return cls._build(metadata, result=result, **held)

    @classmethod
    def _build(
        cls, metadata: Metadata | None, card: DeviceCard | None = None, result: Result | None = None, **held: Any
    ) -> Self:
        held |= {"added": now(), **(metadata.fields() if metadata else {})}
        held["id"] = identity(held["kind"], held["source"].sha256, _dump_content(card, result))
        try:
            return cls(**held, card=card, result=result)
        except ValidationError as error:
            raise FileError(
                f"{held['name']!r} cannot be stored as a record of a library", invalid_rows(error, "record")
            ) from error

    def to_json(self) -> str:
        """Return strict JSON text, one line per field: a readable head, and the content in one line.

        Raises
        ------
        FileError
            If it is too large to be read again.
        """
        head = self.model_dump(mode="json", exclude=set(CONTENTS), exclude_defaults=True)
        head = {"schema_version": SCHEMA_VERSION, **head, **_dump_content(self.card, self.result)}
        lines = [f'"{name}": {_dump_compact(value)}' for name, value in head.items()]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        if len(text.encode()) > files.LARGEST_JSON:
            raise FileError(
                f"The record {self.name} would have {len(text) >> 20} MiB, the limit is {files.LARGEST_JSON >> 20} "
                "MiB. Add each device separately."
            )
        return text

    @classmethod
    def from_json(cls, text: str, name: str = "record") -> Self:
        """Read a record from JSON text and check content and checksum; `name` is for messages.

        Raises
        ------
        FileError
            If it is not a record, or its numbers were changed after it was added.
        """
        raw = files.parse_json(text, name)
        check_version(raw, name)
        content = {field: raw.pop(field) for field in CONTENTS if field in raw}
        try:
            head = Head.model_validate_json(json.dumps(raw))
            fields = {field: getattr(head, field) for field in Head.model_fields}
            card, result = (content.get(field) for field in CONTENTS)
            record = cls(
                **fields,
                card=None if card is None else DeviceCard.from_json(json.dumps(card)),
                result=None if result is None else Result.model_validate_json(json.dumps(result)),
            )
        except CardError as error:
            raise FileError(f"{name} contains an invalid card", error.rows) from error
        except ValidationError as error:
            raise FileError(f"{name} is not a valid record of a library", invalid_rows(error, "record")) from error
        if identity(head.kind, head.source.sha256, content) != head.id:
            raise FileError(
                f"The content of {name} was changed: it does not match the checksum in its id. Add the device again."
            )
        return record


def numbers(scalars: Iterable[Scalar]) -> tuple[Number, ...]:
    """Convert scalars to the numbers of a record."""
    return tuple(map(Number.of_scalar, scalars))


def _dump_content(card: DeviceCard | None, result: Result | None) -> dict[str, object]:
    """Return the content as JSON-ready values."""
    found: dict[str, object] = {}
    if card is not None:
        found["card"] = json.loads(card.to_json())
    if result is not None:
        found["result"] = result.model_dump(mode="json")
    return found


def _dump_compact(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def identity(kind: str, sha256: str, content: Mapping[str, Any]) -> str:
    """Return the id: the beginning of the SHA-256 of kind, content and source file, equal for equal records.

    Sentences are left out, because a later version may word them differently.
    """
    result = content.get("result")
    bare = {**content, "result": {**result, "sentences": None}} if isinstance(result, dict) else content
    text = json.dumps({"kind": kind, "source": sha256, **bare}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def is_record(raw: Any) -> bool:
    """Return True if JSON values look like a record rather than a card."""
    return isinstance(raw, dict) and "id" in raw and any(field in raw for field in CONTENTS)


def relabel(record: Record, metadata: Metadata, name: str | None, marks: Iterable[str]) -> Record:
    """Return the record with a new name by hand, marks, parts of the place, and labels.

    Raises FileError if one of these is invalid.
    """
    from devicekit.library.origin import Metadata

    was = Metadata(record.place, record.labels, record.area_m2, record.origins)
    changed = {**metadata.merge(was).fields(), **dict.fromkeys(marks, True)}
    if name is not None:
        changed["origins"] = {**changed["origins"], "name": "hand"}
    fields = {field: getattr(record, field) for field in type(record).model_fields}
    try:
        return type(record)(**{**fields, **changed, "name": name or record.name})
    except ValidationError as error:
        raise FileError(
            f"{record.name!r} cannot be stored as a record of a library", invalid_rows(error, "record")
        ) from error


def load(path: Path) -> Record:
    """Load the record in a file.

    Raises FileError if the file is not a record.
    """
    return Record.from_json(files.read_text(path), str(path))


__all__ = [
    "MOST_ROWS",
    "Frame",
    "Record",
    "Result",
    "identity",
    "is_record",
    "load",
    "relabel",
]
