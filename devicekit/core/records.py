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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from devicekit.core.quantities import GLOSSARY, Quantity
from devicekit.core.text import format_number

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = ("_s", "_v", "_a", "_k", "_ev", "_ohm", "_j", "_m", "_hz")  # units at the end of a name
_META = "column"


@dataclass(frozen=True)
class Estimate:
    """Number with its interval; an end of None is open: the data do not bound it.

    Parameters
    ----------
    value : float
        NaN where it is refused.
    low, high : float or None
        Ends of the interval.
    level : float
        Confidence level of the interval, 0..1.
    reason : str
        Why a number, or an end, is missing.
    """

    value: float
    low: float | None = None
    high: float | None = None
    level: float = field(default=0.95, kw_only=True)
    reason: str = field(default="", kw_only=True)

    @property
    def known(self) -> bool:
        """True if there is a number."""
        return math.isfinite(self.value)

    @property
    def closed(self) -> bool:
        """True if both sides are bounded."""
        return self.low is not None and self.high is not None

    @property
    def ends(self) -> tuple[float, float] | None:
        """The interval; None where a side is open."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @classmethod
    def symmetric(cls, value: float, half_width: float) -> Estimate:
        """Return an estimate with an interval of value - half_width to value + half_width."""
        return cls(value, value - half_width, value + half_width)

    def map(self, function: Callable[[float], float]) -> Estimate:
        """Return the estimate of a rising function of the number, such as exp; open ends stay open."""
        low, high = (None if end is None else float(function(end)) for end in (self.low, self.high))
        return Estimate(float(function(self.value)), low, high, level=self.level, reason=self.reason)

    def as_dict(self) -> dict[str, Any]:
        """Return the number and its ends as JSON-ready values."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Column:
    """A field of a record as it is written.

    Attributes
    ----------
    field : str
        Name of the attribute.
    quantity : Quantity
        Name in JSON and data frames, unit, label, meaning.
    text : callable, optional
        Formats the value in tables of pages and terminals; by its type if not given.
    shown : bool
        True if it is a column of such tables, with an empty head if it has no label.
    json, row : bool
        Whether it stands in JSON, and in data frames.
    card : str
        Name in a card block; "" if it is not kept there. An estimate stands there as a number and `interval`.
    interval : str
        Name of the interval of an estimate in a card block; that of the number and "_interval" if "".
    pair : str
        Name of the interval of an estimate in JSON, beside the number.
    table : str
        Name of the CSV file of records or of a data frame; "" if there is none.
    caption : str
        Caption of the table of these records in a report, without its full stop; "" if there is none.
    scalar : str
        Label of the number in libraries and on first pages; "" if it does not stand there.
    estimate : bool
        True of an estimate: it takes three columns of a data frame even where it is missing.
    flat : bool
        An estimate takes three names in JSON too.
    stem : str, optional
        Stem of the names of its ends, if it is not that of the number; they are low and high if "".
    inline : bool
        A nested record or mapping is merged into this one, its names after `prefix`.
    prefix : str
        Of the names of an inline record.
    optional : bool
        Left out of the JSON if it is None or empty, and of a row if it is None.
    after : str
        Attribute after which a derived number stands; where it is written in the class if "".
    title : str
        Label where the number stands alone, as in a list of names and values; that of the column if "".
    once : bool
        A derived number is computed at its first use only.
    """

    field: str
    quantity: Quantity
    text: Callable[[Any], str] | None = None
    shown: bool = False
    json: bool = True
    row: bool = True
    card: str = ""
    interval: str = ""
    pair: str = ""
    table: str = ""
    caption: str = ""
    scalar: str = ""
    estimate: bool = False
    flat: bool = False
    stem: str | None = None
    inline: bool = False
    prefix: str = ""
    optional: bool = False
    after: str = ""
    title: str = ""
    once: bool = False

    @property
    def name(self) -> str:
        """Name in JSON and data frames."""
        return self.quantity.name

    def cell(self, value: Any) -> str:
        """Format a value for a table; a dash where there is none."""
        if isinstance(value, Estimate):
            value = value.value
        if self.text is not None:
            return self.text(value)
        return format_value(value, self.quantity.unit)


def format_value(value: Any, unit: str = "") -> str:
    """Format a value of any plain type for a table."""
    value = value.tolist() if hasattr(value, "tolist") else value  # of NumPy
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:g} {unit}".rstrip()
    return format_number(value, unit) if isinstance(value, float) else str(value)


def column(
    label: str = "",
    *,
    name: str = "",
    unit: str | None = None,
    doc: str = "",
    default: Any = MISSING,
    default_factory: Any = MISSING,
    **how: Any,
) -> Any:
    """Declare a field of a record.

    Parameters
    ----------
    label : str
        Head of its column in tables of pages and terminals; without one it stands in none.
    name : str
        Name in JSON and data frames, if it differs from the attribute's.
    unit : str, optional
        Unit of the value; the glossary's if not given.
    doc : str
        Meaning; the glossary's if not given.
    default, default_factory
        As in `dataclasses.field`.
    **how
        Other attributes of `Column`.
    """
    given = {"label": label, "name": name, "unit": unit, "doc": doc, **how}
    return field(default=default, default_factory=default_factory, metadata={_META: given})


def flatten(name: str, estimate: Estimate | None, stem: str | None = None) -> dict[str, float | None]:
    """Return an estimate as three columns: tau_s has tau_low_s and tau_high_s; a missing number is NaN.

    Parameters
    ----------
    name : str
        Name of the number.
    estimate : Estimate or None
    stem : str, optional
        Of the names of the ends; that of the number if not given.
    """
    shown = estimate or Estimate(math.nan)
    suffix = next((each for each in _SUFFIXES if name.endswith(each)), "")
    start = f"{name.removesuffix(suffix)}_" if stem is None else f"{stem}_" if stem else ""
    return {name: shown.value, f"{start}low{suffix}": shown.low, f"{start}high{suffix}": shown.high}


def internal(doc: str = "", **how: Any) -> Any:
    """Declare a field that is not written, such as readings that a figure draws; parameters as in `column`."""
    return column(doc=doc, json=False, row=False, **how)


class Derived(property):
    """A property of a record that is written like a field."""

    given: Mapping[str, Any]
    attribute: str

    def __set_name__(self, kind: type, name: str) -> None:
        self.attribute = name

    def __get__(self, record: Any, kind: type | None = None) -> Any:
        if record is None or not self.given.get("once"):
            return super().__get__(record, kind)
        kept = vars(record)
        if self.attribute not in kept:
            kept[self.attribute] = super().__get__(record, kind)
        return kept[self.attribute]


def derived(
    label: str = "", *, name: str = "", unit: str | None = None, doc: str = "", **how: Any
) -> Callable[[Callable[[Any], Any]], Any]:
    """Declare a number that a record computes from its fields; parameters as in `column`."""

    def declare(function: Callable[[Any], Any]) -> Derived:
        words = doc or (function.__doc__ or "").strip()
        function.__doc__ = words or f"Value of the column “{label}”."  # for the reference
        found = Derived(function)
        found.given = {"label": label, "name": name, "unit": unit, "doc": words, **how}
        return found

    return declare


def cell(label: str, *, after: str = "", text: Callable[[Any], str] | None = None) -> Callable[..., Any]:
    """Declare a column that stands in tables of pages and terminals only; its head may be empty."""
    return derived(label, after=after, text=text, json=False, row=False, shown=True)


def cell_of(path: str, label: str, text: Callable[[Any], str] | None = None) -> Any:
    """Declare a column of tables only, of a number of a nested result by its path, as in `part`."""
    return part(path, label, text=text, json=False, row=False)


def part(path: str, label: str = "", **how: Any) -> Any:
    """Declare a number of a nested result by its path, "fit.noise"; it is None where a step of the path is.

    Parameters are those of `column`.
    """

    def follow(result: Any) -> Any:
        for name in path.split("."):
            result = None if result is None else getattr(result, name)
        return result

    return derived(label, **how)(follow)


def _declare(attribute: str, given: Mapping[str, Any]) -> Column:
    """Make the column of an attribute; what is not given is taken from the glossary."""
    how = dict(given)
    name, label = how.pop("name", "") or attribute, how.pop("label", "")
    unit, doc = how.pop("unit", None), how.pop("doc", "")
    known, shown = GLOSSARY.get(name), how.pop("shown", bool(label))
    quantity = Quantity(
        name,
        unit if unit is not None else known.unit if known else "",
        label if shown else known.label if known else name,
        doc or (known.description if known else ""),
    )
    return Column(attribute, quantity, shown=shown, **how)


class Record:
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
        """Return the fields as one flat row of a data frame: an estimate takes three columns, None is NaN there."""
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
            else:
                found[each.name] = value
        return found

    def cells(self) -> tuple[str, ...]:
        """Return the cells of a row of a table, under `head`."""
        return tuple(each.cell(getattr(self, each.field)) for each in self.columns() if each.shown)

    @classmethod
    def head(cls) -> tuple[str, ...]:
        """Return the labels of the columns of a table."""
        return tuple(each.quantity.label for each in cls.columns() if each.shown)

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


def _of_type(annotation: Any) -> dict[str, bool]:
    """Return what follows from the type of a column, a text as annotations are written."""
    return {"estimate": str(annotation).split(" ")[0] == "Estimate"}


@cache
def _columns(kind: Any) -> tuple[Column, ...]:
    found = [_declare(each.name, {**_of_type(each.type), **each.metadata.get(_META, {})}) for each in fields(kind)]
    own = {name: (each, value) for each in reversed(kind.__mro__) for name, value in vars(each).items()}
    for name, (owner, value) in own.items():
        if isinstance(value, Derived):
            new = _declare(name, {**_of_type(value.fget.__annotations__.get("return")), **value.given})
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
