"""Number of a result: an estimate with its name, unit and definition, for tables, libraries and first pages."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from devicekit.core.intervals import tenths
from devicekit.core.quantities import CONDUCTANCES, as_resistance
from devicekit.core.records import Estimate, Record, plain
from devicekit.core.text import PREFIXED, Switched, conductance, percent, percent_span, si, span


@dataclass(frozen=True)
class Named:
    """Names of a number: `name` is stable, snake_case with an SI suffix (g_low_s); `label` is for people."""

    name: str
    label: str


@dataclass(frozen=True)
class Scalar(Estimate, Named):
    """Estimate with its name, unit and definition: Scalar("g_low_s", "low end of the window", 5.7e-5, "S").

    Parameters
    ----------
    name, label : str
        See `Named`.
    value : float
        In `unit`; NaN and infinity count as unknown.
    unit : str
        SI unit; "" for a pure number.
    of : str
        Whole of a fraction, such as "window": the value is a fraction, shown in percent.
    by : str
        Definition, where several exist: "half_ln_g", "read at 0.1 V". Two numbers of one name are the same quantity
        only if this agrees.
    low, high : float, optional
        Ends of the interval, both or none.
    level, reason
        See `Estimate`; the reason is not written.
    """

    unit: str = ""
    of: str = ""
    low: float | None = field(default=None, kw_only=True)
    high: float | None = field(default=None, kw_only=True)
    by: str = field(default="", kw_only=True)

    @classmethod
    def from_record(cls, record: Record, attribute: str, label: str = "") -> Scalar:
        """Return a number of a record under its own name; `label` replaces the declared one."""
        column, value = record.column_of(attribute), getattr(record, attribute)
        found = value if isinstance(value, Estimate) else Estimate(math.nan if value is None else value)
        words = label or column.title or column.quantity.label
        return cls.from_estimate(column.name, words, found, column.quantity.unit)

    @classmethod
    def from_estimate(
        cls, name: str, label: str, found: Estimate, unit: str = "", *, of: str = "", by: str = ""
    ) -> Scalar:
        """Return an estimate under a name; an interval that is open on a side is left out."""
        low, high = found.ends or (None, None)
        return cls(name, label, found.value, unit, of, low=low, high=high, by=by)

    @property
    def heading(self) -> str:
        """Label with the unit in brackets, for a column of plain numbers in the unit of `value`."""
        unit = f"share of {self.of}" if self.of else self.unit
        return f"{self.label} [{unit}]" if unit else self.label

    @property
    def is_conductance(self) -> bool:
        """True if a page can switch it to a resistance."""
        return self.unit == "S" and self.name in CONDUCTANCES

    @property
    def label_text(self) -> str:
        """Label, which a page can switch to that of a resistance."""
        turned = as_resistance(self.label) if self.is_conductance else self.label
        return self.label if turned == self.label else Switched(self.label, turned)

    @property
    def text(self) -> str:
        """Number with its unit: "57.1 µS", "0.39 %"."""
        if self.is_conductance:
            return conductance(self.value, 3)
        if self.of or not self.known or self.unit in PREFIXED:
            return percent(self.value) if self.of else si(self.value, self.unit)
        if self.unit == "points":  # of an accuracy
            return f"{tenths(self.value)} points"
        return f"{si(self.value, '')} {self.unit}"

    @property
    def interval(self) -> str:
        """Interval as text, "95 %: 50 to 62 µS"; "" without one."""
        if self.low is None or self.high is None:
            return ""
        words = percent_span(self.low, self.high) if self.of else self._span(self.low, self.high)
        text = f"{100 * self.level:g} %: {words}"
        if not self.is_conductance or self.low <= 0:
            return text
        return Switched(text, f"{100 * self.level:g} %: {span(1.0 / self.high, 1.0 / self.low, 'ohm')}")

    def _span(self, low: float, high: float) -> str:
        if self.unit in PREFIXED:
            return span(low, high, self.unit)
        if self.unit == "points":
            return f"{tenths(low)} to {tenths(high)} points"
        return f"{span(low, high, '')} {self.unit}"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values; unknown ones are None."""
        return {each.name: plain(getattr(self, each.name)) for each in fields(self) if each.name != "reason"}
