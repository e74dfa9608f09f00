"""Numbers as people read and write them: SI prefixes, few digits, percentages with their unit."""

from __future__ import annotations

import math
from collections.abc import Iterable

PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
PREFIXED = ("", "S", "A", "V", "s", "ohm", "W", "J", "Hz", "m")  # units that take a prefix
_UNPREFIXED = ("decades", "1/V²", "m2")  # nobody says 103 mdecades, and a prefix of m2 would be squared


def natural_number(word: str) -> int | None:
    """Return the number that up to 15 digits stand for, from 0; None for any other word.

    `str.isdigit` takes digits that `int` does not, such as ², and `int` refuses those of thousands of digits.
    """
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 15 else None


def si(value: float | None, unit: str, digits: int = 3) -> str:
    """Format a value with its unit and an SI prefix: si(6.26e-5, "S") is "62.6 µS"; "–" for None, NaN and infinity.

    Parameters
    ----------
    value : float or None
        In the unit without prefix.
    unit : str
        Symbol of the unit; "" for a plain number, which gets no prefix, nor do decades and powers.
    digits : int
        Significant digits.
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0 or not unit or unit in _UNPREFIXED:
        return f"{_plain_number(value, digits)} {unit}".strip()
    power = prefix_power(float(f"{value:.{digits}g}"), unit)
    if power not in PREFIXES or (unit == "s" and abs(value) >= 1e5):
        return f"{value:.{digits}g} {unit}".replace("e+0", "e")
    return f"{_plain_number(value / 10.0**power, digits)} {PREFIXES[power]}{unit}"


class Switched(str):
    """Text that a page can switch to another: a conductance, and the resistance in `other`."""

    other: str

    def __new__(cls, text: str, other: str) -> Switched:
        """Return the text, with the other one."""
        new = super().__new__(cls, text)
        new.other = other
        return new

    def __reduce__(self) -> tuple[type[Switched], tuple[str, str]]:
        return Switched, (str(self), self.other)


def conductance(value: float | None, digits: int = 4) -> str:
    """Format a conductance, which a page can switch to a resistance: "57.13 µS" or "17.5 kohm"."""
    other = None if value is None or not value > 0 else 1.0 / value
    return Switched(si(value, "S", digits), si(other, "ohm", digits))


def prefix_power(value: float, unit: str) -> int:
    """Return the power of ten of the SI prefix for a value that is not 0.

    Nobody says 614 mV, 10 ks or 3 km: volts have a prefix below 1 mV and from 10 kV on, seconds and metres below 1.
    """
    power = 3 * math.floor(math.log10(abs(value)) / 3)
    if unit == "V" and 1e-3 <= abs(value) < 1e4:
        return 0
    return min(power, 0) if unit in ("s", "m") else power


def span(low: float, high: float, unit: str, digits: int = 3) -> str:
    """Format a range of values in one prefix: span(62.6e-6, 280e-6, "S") is "62.6 to 280 µS"."""
    ends = [si(value, unit, digits).partition(" ") for value in (low, high)]
    if ends[0] == ends[1]:
        return si(high, unit, digits)
    if ends[0][2] == ends[1][2]:
        return f"{ends[0][0]} to {' '.join((ends[1][0], ends[1][2])).strip()}"
    return f"{si(low, unit, digits)} to {si(high, unit, digits)}"


def format_number(value: float | None, unit: str = "") -> str:
    """Format a number with its unit (S, V, A and s with a prefix) and four digits, or a dash."""
    if value is None or not math.isfinite(value):
        return "–"
    return si(value, unit, 4) if unit in PREFIXED else f"{value:.4g} {unit}"


def percent(fraction: float | None, digits: int = 2) -> str:
    """Format a fraction as a percentage with at most this many significant digits below 10: 0.00383 is "0.38 %"."""
    if fraction is None or not math.isfinite(fraction):
        return "–"
    value = 100.0 * fraction
    return f"{value:.1f} %" if abs(value) >= 10 else f"{_plain_number(value, digits)} %"


def percent_span(low: float, high: float, digits: int = 2) -> str:
    """Format a range of fractions: percent_span(0.95, 0.99) is "95.0 to 99.0 %"; one number if they agree."""
    ends = [percent(value, digits) for value in (low, high)]
    return ends[1] if ends[0] == ends[1] else f"{ends[0].removesuffix(' %')} to {ends[1]}"


def _plain_number(value: float, digits: int) -> str:
    """Format significant digits without an exponent where that stays short."""
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e" in text and 1 <= abs(value) < 1e7 else text


def count(number: int, one: str, many: str | None = None) -> str:
    """Format a number of things: count(1, "device") is "1 device", count(20, "device") "20 devices"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(words: list[str] | tuple[str, ...]) -> str:
    """Join words: "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is meant by a mistyped one; None if none is close."""
    from difflib import get_close_matches

    names = {each.lower(): each for each in known}
    found = get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else None


def width_suffix(width_s: float) -> str:
    """Format a pulse width as a file-name suffix: 5us, 1.5ms, 20ns."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us"), (1e9, "ns")):
        if width_s * factor >= 0.9999:
            return f"{width_s * factor:.7g}{unit}"
    return f"{width_s:.7g}s"
