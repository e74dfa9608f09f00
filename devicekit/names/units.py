"""Unit words as files write them."""

from __future__ import annotations

from dataclasses import dataclass

UNIT_PREFIXES = {
    "": 0,
    "f": -15,
    "p": -12,
    "n": -9,
    "u": -6,
    "µ": -6,
    "μ": -6,
    "m": -3,
    "k": 3,
    "M": 6,
    "G": 9,
}
UNIT_SYMBOLS = {
    "V": "voltage",
    "A": "current",
    "S": "conductance",
    "s": "time",
    "ohm": "resistance",
    "Ohm": "resistance",
    "ohms": "resistance",
    "Ohms": "resistance",
    "\N{OHM SIGN}": "resistance",
    "\N{GREEK CAPITAL LETTER OMEGA}": "resistance",
}
_WORDS = {
    "volt": ("voltage", 1.0),
    "volts": ("voltage", 1.0),
    "amp": ("current", 1.0),
    "amps": ("current", 1.0),
    "ampere": ("current", 1.0),
    "amperes": ("current", 1.0),
    "second": ("time", 1.0),
    "seconds": ("time", 1.0),
    "sec": ("time", 1.0),
    "siemens": ("conductance", 1.0),
    "min": ("time", 60.0),
    "h": ("time", 3600.0),
    "hour": ("time", 3600.0),
    "hours": ("time", 3600.0),
    "k": ("temperature", 1.0),
    "kelvin": ("temperature", 1.0),
}


@dataclass(frozen=True)
class Unit:
    """What a unit word measures, and the factor from it to the SI unit."""

    quantity: str
    factor: float


def parse_unit(word: str) -> Unit | None:
    """A unit as files write it (mA, kohm, µS, ms, volts), or None if it is not one that devicekit knows.

    Parameters
    ----------
    word : str
        Prefix and symbol, or a word.
    """
    word = word.strip()
    for symbol, quantity in UNIT_SYMBOLS.items():
        if word.endswith(symbol) and word[: -len(symbol)] in UNIT_PREFIXES:
            return Unit(quantity, 10.0 ** UNIT_PREFIXES[word[: -len(symbol)]])
    if word.lower() in _WORDS:
        return Unit(*_WORDS[word.lower()])
    return None
