"""Display units: one SI prefix for the numbers of a quantity, for axes, tables, tiles and the CSV of figures."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from devicekit.core.text import PREFIXED, PREFIXES, prefix_power

_MOST = 5000.0  # largest number of an axis or a column; above it the next prefix is shorter
_POWERS = {"S²": ("S", 2), "1/S": ("S", -1), "1/A": ("A", -1), "1/s": ("s", -1)}  # unit, exponent


@dataclass(frozen=True)
class Scale:
    """A display unit.

    Parameters
    ----------
    unit : str
        Display unit: µS; "" for a pure number.
    factor : float
        Factor from the SI unit to it.
    """

    unit: str
    factor: float = 1.0

    @classmethod
    def of(cls, unit: str, values: Iterable[float]) -> Scale:
        """Choose the display unit in which values are short.

        Parameters
        ----------
        unit : str
            SI unit. One that takes no prefix is kept.
        values : iterable of float
            In that unit; zeros and values that are not finite are ignored.
        """
        if unit == "m2":
            return cls("µm²", 1e12)
        base, exponent = _POWERS.get(unit, (unit, 1))
        sizes = sorted(abs(each) for each in values if each and math.isfinite(each))
        if not base or base not in PREFIXED or not sizes:
            return cls(unit)
        if exponent != 1:
            sizes = sorted(each ** (1.0 / exponent) for each in sizes)
        middle, top = (prefix_power(each, base) for each in (sizes[len(sizes) // 2], sizes[-1]))
        power = middle if sizes[-1] < _MOST * 10.0**middle else top
        if power not in PREFIXES:
            return cls(unit)
        name = f"{PREFIXES[power]}{base}"
        shown = {1: name, 2: f"{name}²", -1: f"1/{name}"}[exponent]
        return cls(shown, 10.0 ** (-power * exponent))
