"""Results declared once: JSON, data frames, tables of pages and card blocks follow from the fields of a record.

    @dataclass(frozen=True, kw_only=True)
    class DeviceEndurance(Record):
        device_id: str
        window: float = column("window (LRS p5 / HRS p95)", doc="5 % quantile of G_LRS over 95 % quantile of G_HRS")
        good: float = column("good cycles", text=percent, doc="share of cycles at or above the threshold, 0..1")
        slope: Estimate | None = column(unit="decades", doc="Theil-Sen slope of log10 on/off per decade of cycles")

        noise = part("fit.noise", "noise", doc="standard deviation of a reading")

        @derived("failed", doc="whether it failed")
        def failed(self) -> bool: ...

A field without `column` takes label, unit and meaning from the glossary (`devicekit.core.quantities`) by its name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from devicekit.core.columns import (
    META,
    Column,
    Derived,
    cell,
    cell_of,
    column,
    declare_column,
    derived,
    internal,
    of_type,
    part,
)
from devicekit.core.estimates import Estimate, flatten
from devicekit.core.printing import Printed

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Column",
    "Derived",
    "Estimate",
    "Record",
    "cell",
    "cell_of",
    "column",
    "derived",
    "flatten",
    "frame",
    "internal",
    "part",
    "plain",
]


class Record(Printed):
    """Base of a result: a frozen dataclass with keyword-only fields that are declared by `column`.

    JSON (`as_dict`), a row of a data frame (`row`), cells of a table (`cells`) and the values of a card block
    (`block`) are derived from the declarations.
    """

    known: ClassVar[list[type[Record]]] = []  # every kind of record that is defined, for the glossary
    _before: ClassVar[dict[str, str]] = {}  # what is declared before what, in the body of the class

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Record.known.append(cls)
        declared = [name for name, each in vars(cls).items() if isinstance(each, Field | Derived)]
        cls._before = dict(zip(declared, ["", *declared], strict=False))

    @classmethod
    def columns(cls) -> tuple[Column, ...]:
        """Return the columns in the order in which they are written."""
        kind: Any = cls
        return _columns(kind)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values; unknown numbers are None."""
        found: dict[str, Any] = {}
        for each in self.columns():
            value = getattr(self, each.field) if each.json else None
            if not each.json or (each.optional and (value is None or value in ("", (), [], {}))):
                continue
            ready = plain(value)
            if each.flat:
                found |= plain(flatten(each.name, value, each.stem))
            elif each.pair:
                found |= plain({each.name: value and value.value, each.pair: value and value.ends})
            elif not each.inline:
                found[each.name] = ready
            elif ready is not None:
                found |= {f"{each.prefix}{name}": one for name, one in ready.items()}
        return found

    def row(self) -> dict[str, Any]:
        """Return the fields as one flat row of a data frame: an estimate takes three columns, words are joined."""
        found: dict[str, Any] = {}
        for each in self.columns():
            if not each.row or (each.optional and getattr(self, each.field) is None):
                continue
            value = getattr(self, each.field)
            if each.inline:
                for name, one in (value.row() if isinstance(value, Record) else value or {}).items():
                    name = f"{each.prefix}{name}"
                    found |= flatten(name, one) if isinstance(one, Estimate) else {name: one}
            elif each.estimate or isinstance(value, Estimate):
                found |= flatten(each.name, value, each.stem)
            elif isinstance(value, tuple) and all(isinstance(one, str) for one in value):
                found[each.name] = " ".join(value)
            else:
                found[each.name] = value
        return found

    def cells(self) -> tuple[str, ...]:
        """Return the cells of a row of a table, under `head`."""
        return tuple(each.cell(getattr(self, each.field)) for each in self.columns() if each.shown)

    @classmethod
    def head(cls) -> tuple[str, ...]:
        """Return the labels of the columns of a table."""
        return tuple(each.head for each in cls.columns() if each.shown)

    @classmethod
    def column_of(cls, attribute: str) -> Column:
        """Return the column of an attribute."""
        return next(each for each in cls.columns() if each.field == attribute)

    def pairs(self, *attributes: str) -> list[tuple[str, str]]:
        """Return names and values, the rows of a list: of these attributes, or of all that tables show."""
        chosen = [self.column_of(each) for each in attributes] or [each for each in self.columns() if each.shown]
        return [(each.title or each.quantity.label, each.cell(getattr(self, each.field))) for each in chosen]

    def block(self) -> dict[str, Any]:
        """Return the values that a card block keeps, by their names there; numbers that are not finite are None."""
        found: dict[str, Any] = {}
        for each in self.columns():
            if not each.card:
                continue
            value = getattr(self, each.field)
            if isinstance(value, tuple) and value and isinstance(value[0], Record):
                found[each.card] = tuple(one.block() for one in value)
            elif each.estimate:
                found[each.card] = plain(value and value.value)
                found[each.interval or f"{each.card}_interval"] = value and value.ends
            else:
                ready = value.block() if isinstance(value, Record) else plain(value)
                found[each.card] = tuple(ready) if isinstance(value, tuple) else ready
        return found

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the data frames to write, by the name of the file; those without a row are left out."""
        found: dict[str, pd.DataFrame] = {}
        for each in self.columns():
            value = getattr(self, each.field) if each.table else None
            if value is not None and len(value):
                found[each.table] = value if hasattr(value, "to_csv") else frame(value)
        return found


@cache
def _columns(kind: Any) -> tuple[Column, ...]:
    """Return the columns of a class: fields in order, each derived number where it is written or after `after`."""
    found = [declare_column(each.name, {**of_type(each.type), **each.metadata.get(META, {})}) for each in fields(kind)]
    own = {name: (each, value) for each in reversed(kind.__mro__) for name, value in vars(each).items()}
    for name, (owner, value) in own.items():
        if isinstance(value, Derived):
            new = declare_column(name, {**of_type(value.fget.__annotations__.get("return")), **value.given})
            names, before = [each.field for each in found], new.after or owner._before[name]
            at = names.index(before) + 1 if before else len(found)
            while not new.after and at < len(found) and names[at] not in owner._before:
                at += 1  # past fields without a declaration, which the body of a class does not list
            found.insert(at, new)
    return tuple(found)


def plain(value: Any) -> Any:
    """Convert a value to strict JSON: records and arrays to plain values, NaN and infinity to None."""
    if isinstance(value, Estimate) or hasattr(value, "as_dict"):
        return plain(value.as_dict())
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if hasattr(value, "model_dump"):  # a block of a card
        return plain(value.model_dump(mode="json"))
    if hasattr(value, "to_dict"):  # a data frame
        return plain(value.to_dict("records"))
    if hasattr(value, "tolist"):  # a number or an array of NumPy
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return records as a data frame, one row each."""
    import pandas as pd

    return pd.DataFrame([each.row() for each in records])
