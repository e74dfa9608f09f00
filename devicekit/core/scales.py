"""Display units: one SI prefix for the numbers of a quantity, for axes, tables, tiles and the CSV of figures."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from devicekit.core.text import PREFIXED, PREFIXES, Switched, prefix_power

_MOST = 5000.0  # largest number of an axis or a column; above it the next prefix is shorter
_LEAST = 0.01  # smallest size of a number that a page writes in the prefix of its axes
_ALIGNED = ("S", "A", "ohm", "W", "J")  # units of which a page has one prefix
_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e-?\d+)?"
_WRITTEN = re.compile(rf"(?<![\w.])({_NUMBER})(?: (to|±) ({_NUMBER}))? ([fpnµmkMG]?)({'|'.join(_ALIGNED)})(?![\w²/^·])")
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
    inverse : bool
        True if the factor is divided by the value: a conductance is shown as a resistance.
    """

    unit: str
    factor: float = 1.0
    inverse: bool = False

    def apply(self, values: Any) -> Any:
        """Return values, a number or an array, in this unit; an inverse of what is not positive is NaN."""
        if not self.inverse:
            return values if self.factor == 1.0 else self.factor * values
        import numpy as np

        known = np.asarray(values, float)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(known > 0, self.factor / known, np.nan)

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


@dataclass(frozen=True)
class Units:
    """Display units of a page: one prefix for each unit, wherever its numbers stay short in it.

    Parameters
    ----------
    prefixes : mapping of str to Scale
        By SI unit.
    resistance : bool
        True if conductances are shown as resistances.
    names : tuple of str
        Names of files and devices, which stay as they are where numbers are rewritten.
    """

    prefixes: Mapping[str, Scale] = field(default_factory=dict)
    resistance: bool = False
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, groups: Iterable[tuple[str, Iterable[float]]], texts: Iterable[str] = (), **more: Any) -> Units:
        """Choose the prefixes of a page.

        Parameters
        ----------
        groups : iterable of (str, iterable of float)
            SI unit and values along each axis.
        texts : iterable of str
            Texts, whose numbers count for units without an axis.
        """
        found: dict[str, list[list[float]]] = {}
        for unit, values in groups:
            sizes = [abs(each) for each in values if each and math.isfinite(each)]
            if sizes and unit in _ALIGNED:
                found.setdefault(unit, []).append(sizes)
        written: dict[str, list[float]] = {}
        for number, _, second, prefix, unit in _WRITTEN.findall("\n".join(texts)):
            factor = 10.0 ** next(power for power, each in PREFIXES.items() if each == prefix)
            written.setdefault(unit, []).extend(abs(float(each)) * factor for each in (number, second) if each)
        for unit, sizes in written.items():
            found.setdefault(unit, [sizes])
        prefixes = {}
        for unit, groups_of_sizes in found.items():
            for scale in sorted({Scale.of(unit, sizes) for sizes in groups_of_sizes}, key=lambda each: -each.factor):
                if all(_LEAST < scale.factor * max(sizes) < _MOST for sizes in groups_of_sizes):
                    prefixes[unit] = scale
                    break
        return cls(prefixes, **more)

    def scale(self, unit: str, values: Iterable[float]) -> Scale:
        """Return the display unit of values: that of the page where they are short in it, else their own."""
        known = self.prefixes.get(unit)
        sizes = [abs(each) for each in values if each and math.isfinite(each)]
        if known is None or not sizes or not _LEAST < known.factor * max(sizes) < 2 * _MOST:
            return Scale.of(unit, sizes)
        return known

    def rewrite(self, text: str) -> str:
        """Return a text with its numbers in the prefixes of the page: "0.9 mS" is "900 µS" where axes are in µS."""
        if isinstance(text, Switched):
            own, other = self._rewrite_between_names(text), self._rewrite_between_names(text.other)
            return Switched(*((other, own) if self.resistance else (own, other)))
        return self._rewrite_between_names(text)

    def _rewrite_between_names(self, text: str) -> str:
        """Return a text with the numbers rewritten that do not belong to a name."""
        parts = re.split(f"({'|'.join(map(re.escape, self.names))})", text) if self.names else [text]
        return "".join(each if each in self.names else _WRITTEN.sub(self._rewritten, each) for each in parts)

    def _rewritten(self, found: re.Match[str]) -> str:
        first, word, second, prefix, unit = found.groups()
        known = self.prefixes.get(unit)
        if known is None or known.unit == f"{prefix}{unit}":
            return found[0]
        own = next(power for power, each in PREFIXES.items() if each == prefix)
        shift = own + round(math.log10(known.factor))
        numbers = [Decimal(each).scaleb(shift) for each in (first, second) if each]
        if not all(Decimal(str(_LEAST)) < abs(each) < 2 * Decimal(_MOST) for each in numbers if each):
            return found[0]
        return f"{f' {word} '.join(_without_exponent(each) for each in numbers)} {known.unit}"


def _without_exponent(number: Decimal) -> str:
    """Return a number without an exponent or trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
