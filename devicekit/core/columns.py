"""Columns of a record: fields and derived numbers with name, label, unit and meaning, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any

from devicekit.core.estimates import Estimate
from devicekit.core.quantities import CONDUCTANCES, GLOSSARY, Quantity, as_resistance
from devicekit.core.text import Switched, conductance, format_number

META = "column"


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

    @property
    def is_conductance(self) -> bool:
        """True if a page can switch its values to resistances."""
        return self.quantity.unit == "S" and self.name in CONDUCTANCES

    @property
    def head(self) -> str:
        """Label in the head of a table."""
        label = self.quantity.label
        turned = as_resistance(label) if self.is_conductance else label
        return label if turned == label else Switched(label, turned)

    def cell(self, value: Any) -> str:
        """Format a value for a table; a dash where there is none."""
        if isinstance(value, Estimate):
            value = value.value
        if self.text is not None:
            return self.text(value)
        if self.is_conductance and isinstance(value, float):
            return conductance(value)
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
    if isinstance(value, tuple | list):
        return ", ".join(format_value(each, unit) for each in value) or "–"
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
    given = {"label": label, "name": name, "unit": unit, "doc": doc, **_check_names(how)}
    return field(default=default, default_factory=default_factory, metadata={META: given})


def _check_names(how: dict[str, Any]) -> dict[str, Any]:
    """Return attributes of a column; refuse a misspelt one where it is written."""
    if unknown := sorted(how.keys() - Column.__dataclass_fields__.keys()):
        raise TypeError(f"a column has no {', '.join(unknown)}; it has {', '.join(Column.__dataclass_fields__)}")
    return how


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
        found.given = {"label": label, "name": name, "unit": unit, "doc": words, **_check_names(how)}
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


def declare_column(attribute: str, given: Mapping[str, Any]) -> Column:
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


def of_type(annotation: Any) -> dict[str, bool]:
    """Return what follows from the type of a column, a text as annotations are written."""
    return {"estimate": str(annotation).split(" ")[0] == "Estimate"}
