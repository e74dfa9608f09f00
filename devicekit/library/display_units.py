"""Display units that keep numbers of many devices short: 57.1 in µS, 0.39 in % of the window."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from devicekit.core import scales
from devicekit.core.scalars import Scalar
from devicekit.plot import Axis

_WIDE = 30.0  # ratio of largest to smallest value above which an axis is logarithmic


@dataclass(frozen=True)
class Scale:
    """A common display unit for many values of a number.

    Parameters
    ----------
    label : str
        Label of the number.
    unit : str
        Display unit: µS, % of window, "" for a pure number.
    factor : float
        Factor from the SI unit, or from a fraction, to the display unit.
    """

    label: str
    unit: str
    factor: float

    @classmethod
    def of(cls, scalar: Scalar, values: Iterable[float]) -> Scale:
        """Choose the display unit in which values of a number are short.

        Parameters
        ----------
        scalar : Scalar
            Meaning of the values.
        values : iterable of float
            Values in the unit of `scalar`; values that are not finite are ignored.
        """
        if scalar.of:
            return cls(scalar.label, f"% of {scalar.of}", 100.0)
        chosen = scales.Scale.of(scalar.unit, values)
        return cls(scalar.label, chosen.unit, chosen.factor)

    @property
    def heading(self) -> str:
        """Label with the unit in brackets."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    def text(self, value: float | None, digits: int = 4) -> str:
        """Format a value in the display unit; a dash if it is unknown."""
        if value is None or not math.isfinite(value):
            return "–"
        return short(value * self.factor, digits)

    def axis(self, values: Iterable[float]) -> Axis:
        """Return an axis for values, logarithmic if all are positive and span a wide range."""
        known = [each for each in values if math.isfinite(each)]
        wide = bool(known) and min(known) > 0 and max(known) > _WIDE * min(known)
        return Axis(self.label, self.unit, "log" if wide else "linear", ticks=6)


def short(value: float, digits: int = 4) -> str:
    """Format a number with so many digits, without an exponent if that is short."""
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e" in text and 1 <= abs(value) < 1e7 else text
