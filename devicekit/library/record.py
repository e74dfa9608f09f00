"""One item of a library: a device card, or what was found in a measurement, with all that it is searched by."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from devicekit import files
from devicekit.device.blocks import Strict
from devicekit.device.card import DeviceCard
from devicekit.errors import CardError, FileError, invalid_rows
from devicekit.library.head import CONTENTS, ID_DIGITS, SCHEMA_VERSION, Head, Number, Source, check_version, line, now
from devicekit.scalars import Scalar

if TYPE_CHECKING:
    import pandas as pd

    from devicekit.features.characterize import Characterization
    from devicekit.library.origin import Metadata

MOST_ROWS = 100_000  # of one table of a record

Cell = bool | int | float | str | None


class Frame(Strict):
    """A table as plain lists, one a column, all of one length; NaN is null."""

    columns: dict[str, tuple[Cell, ...]]

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        lengths = {len(values) for values in self.columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns of one length, not of {', '.join(map(str, sorted(lengths)))}")
        if self.rows > MOST_ROWS:
            raise ValueError(f"at most {MOST_ROWS} rows, not {self.rows}")
        return self

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def numbers(self, column: str) -> np.ndarray:
        """A column as numbers, shape (rows,); NaN where it holds none."""
        return np.array([_number(cell) for cell in self.columns[column]], float)

    def to_pandas(self) -> pd.DataFrame:
        """The table as a data frame."""
        import pandas as pd

        return pd.DataFrame({name: list(values) for name, values in self.columns.items()})

    @classmethod
    def of(cls, frame: pd.DataFrame, name: str = "table") -> Self:
        """Of a data frame; what is not finite is null.

        Raises
        ------
        FileError
            If it has more rows than a record keeps.
        """
        if len(frame) > MOST_ROWS:
            raise FileError(
                f"its table {name} has {len(frame):,} rows, and a record keeps up to {MOST_ROWS:,}: add it a device at "
                "a time, or characterize it into a folder of its own"
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
    """What was found in a measurement: its tables, one row a sweep, a state, a device ..., by their names."""

    devices: tuple[str, ...] = Field(description="names of the devices in the file")
    merits: tuple[str, ...] = Field(description="figures of merit that were found: dc, endurance, ...")
    sentences: tuple[str, ...] = Field(default=(), description="what was found, in words")
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
            raise ValueError("a record of kind card holds a card, one of any other kind a result, and never both")
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
        """Tables by name; none for a card."""
        return self.result.tables if self.result else {}

    @classmethod
    def of_card(cls, card: DeviceCard, metadata: Metadata | None = None, **more: Any) -> Self:
        """A record of a card.

        Parameters
        ----------
        card : DeviceCard
        metadata : Metadata, optional
            Place and labels.
        **more
            Fields of `Head` that are to differ: name, simulated, ...
        """
        source = Source(file=line(card.provenance.source), sha256=card.provenance.sha256)
        held: dict[str, Any] = {
            "name": line(card.name),
            "kind": "card",
            "law": card.model,
            "source": source,
            "synthetic": card.provenance.synthetic,
            "scalars": numbers(card.figures()),
            "warnings": card.warnings,
        }
        return cls._build({**held, **more}, metadata, {"card": card})

    @classmethod
    def of_result(
        cls, found: Characterization, name: str, sha256: str = "", metadata: Metadata | None = None, **more: Any
    ) -> Self:
        """A record of figures of merit.

        Parameters
        ----------
        found : Characterization
        name : str
            Of the record.
        sha256 : str
            Of the file.
        metadata : Metadata, optional
            Place and labels.
        **more
            Fields of `Head` that are to differ: synthetic, simulated, ...
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
            "scalars": numbers(found.scalars()),
            "warnings": found.warnings,
        }
        return cls._build({**held, **more}, metadata, {"result": result})

    @classmethod
    def _build(cls, held: dict[str, Any], metadata: Metadata | None, content: dict[str, Any]) -> Self:
        held |= {"added": now(), **(metadata.fields() if metadata else {})}
        held["id"] = identity(held["kind"], held["source"].sha256, _dump_content(**content))
        try:
            return cls(**held, **content)
        except ValidationError as error:
            raise FileError(f"{held['name']!r} makes no record of a library", invalid_rows(error, "record")) from error

    def to_json(self) -> str:
        """The record as strict JSON text, a line a field: the head can be read by people, the content is one line.

        Raises
        ------
        FileError
            If it is larger than what is read again.
        """
        head = self.model_dump(mode="json", exclude=set(CONTENTS), exclude_defaults=True)
        head = {"schema_version": SCHEMA_VERSION, **head, **_dump_content(card=self.card, result=self.result)}
        lines = [f'"{name}": {_dump_compact(value)}' for name, value in head.items()]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        if len(text.encode()) > files.LARGEST_JSON:
            raise FileError(
                f"the record {self.name} would have {len(text) >> 20} MiB, and {files.LARGEST_JSON >> 20} MiB are read "
                "again: add it a device at a time"
            )
        return text

    @classmethod
    def from_json(cls, text: str, name: str = "record") -> Self:
        """A record from its JSON text, content and checksum checked; `name` is used in messages.

        Raises
        ------
        FileError
            If it is no record, or its numbers were changed since it was added.
        """
        raw = files.parse_json(text, name)
        check_version(raw, name)
        content = {field: raw.pop(field) for field in CONTENTS if field in raw}
        try:
            head = Head.model_validate_json(json.dumps(raw))
            held = {field: getattr(head, field) for field in Head.model_fields}
            record = cls(**held, **_load_content(content))
        except CardError as error:
            raise FileError(f"{name}: its card is not valid", error.rows) from error
        except ValidationError as error:
            raise FileError(f"{name} is no valid record of a library", invalid_rows(error, "record")) from error
        if identity(head.kind, head.source.sha256, content) != head.id:
            raise FileError(
                f"{name}: its content is not what was added, for the checksum in its id differs: add the device again"
            )
        return record


def numbers(scalars: Iterable[Scalar]) -> tuple[Number, ...]:
    """Scalars as a record keeps them."""
    return tuple(map(Number.of_scalar, scalars))


def _dump_content(card: DeviceCard | None = None, result: Result | None = None) -> dict[str, Any]:
    """The content as plain values."""
    found: dict[str, Any] = {}
    if card is not None:
        found["card"] = json.loads(card.to_json())
    if result is not None:
        found["result"] = result.model_dump(mode="json")
    return found


def _load_content(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The content from plain values; cards of earlier versions are read as cards are."""
    found: dict[str, Any] = {}
    if raw.get("card") is not None:
        found["card"] = DeviceCard.from_json(json.dumps(raw["card"]))
    if raw.get("result") is not None:
        found["result"] = Result.model_validate_json(json.dumps(raw["result"]))
    return found


def _dump_compact(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def identity(kind: str, sha256: str, content: Mapping[str, Any]) -> str:
    """Beginning of the SHA-256 of a content and of the file that it came from: what makes two records one item.

    Sentences do not count: a later version may word them otherwise.
    """
    result = content.get("result")
    bare = {**content, "result": {**result, "sentences": None}} if isinstance(result, dict) else content
    text = json.dumps({"kind": kind, "source": sha256, **bare}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def is_record(raw: Any) -> bool:
    """Return whether plain values look like a record rather than a card."""
    return isinstance(raw, dict) and "id" in raw and any(field in raw for field in CONTENTS)


def relabel(record: Record, metadata: Metadata, name: str | None, marks: Iterable[str]) -> Record:
    """The same record with what was given anew: a name by hand, marks, parts of the place, labels.

    Raises
    ------
    FileError
        If one of these cannot be kept.
    """
    from devicekit.library.origin import Metadata

    was = Metadata(record.place, record.labels, record.area_m2, record.origins)
    changed = {**metadata.merge(was).fields(), **dict.fromkeys(marks, True)}
    if name is not None:
        changed["origins"] = {**changed["origins"], "name": "hand"}
    held = {field: getattr(record, field) for field in type(record).model_fields}
    try:
        return type(record)(**{**held, **changed, "name": name or record.name})
    except ValidationError as error:
        raise FileError(f"{record.name!r} makes no record of a library", invalid_rows(error, "record")) from error


def load(path: Path) -> Record:
    """The record in a file.

    Raises
    ------
    FileError
        If there is none.
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
