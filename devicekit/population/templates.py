"""Templates of file names: `W{wafer}_{die}_{row}_{column}_{date}_{step}_{compliance}` and what they find in a name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from devicekit.core.errors import UsageError
from devicekit.core.text import si
from devicekit.names import parse_unit

PLACES = ("wafer", "die", "row", "column", "cell")  # fields that say which cell was measured
ORDER = ("date", "run", "cycle")  # fields that say when, the first that is there counts
STEP_WORDS = {
    **dict.fromkeys(("form", "forming", "formed", "electroform", "electroforming", "ef"), "form"),
    **dict.fromkeys(("set", "sets", "program", "pgm"), "set"),
    **dict.fromkeys(("reset", "resets", "rst", "erase"), "reset"),
    **dict.fromkeys(("read", "reads", "reading", "observe", "observed", "check", "verify"), "read"),
    **dict.fromkeys(("iv", "sweep", "sweeps", "loop", "loops", "dc", "cycling"), "loop"),
}  # kinds of a file, by the word in its name
STEPS = ("form", "set", "reset", "read", "loop")
UNITS = {
    "compliance": ("current", "A"),
    "start": ("voltage", "V"),
    "stop": ("voltage", "V"),
    "rate": ("rate", "V/s"),
    "width": ("time", "s"),
    "thickness": ("length", "m"),
    "size": ("length", "m"),
    "temperature": ("temperature", "K"),
    "resistance": ("resistance", "ohm"),
}  # quantity and SI unit of fields with a number
_RATES = {"vs": 1.0, "vps": 1.0, "v/s": 1.0, "mv/s": 1e-3, "mvs": 1e-3, "mvps": 1e-3}
ISO_DATE = r"(?:19|20)\d\d[-.](?:0\d|1[0-2])[-.][0-3]\d(?:[-_T. ][0-2]\d[-.:]?[0-5]\d(?:[-.:]?[0-5]\d)?)?"
_FIELD = re.compile(r"\{([A-Za-z][A-Za-z0-9 ]*)(?::([^{}]+))?\}|(\*)")
_NUMBER = re.compile(r"\s*([-+]?(?:\d+[.,]?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\D*)\s*")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}(?!\d)")  # or three decimals: not a number that can be read
_DATES = ("%y%m%d%H%M%S", "%y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d", "%y%m%d")
_YEARS = (1980, 2069)


def quantity_of(word: str) -> tuple[str, float, float]:
    """Return the quantity of a unit word, its factor to SI and its zero; "" for a word that is not a unit."""
    if word.lower() in _RATES:
        return "rate", _RATES[word.lower()], 0.0
    if word in ("K", "C", "degC"):
        return "temperature", 1.0, 0.0 if word == "K" else 273.15
    unit = parse_unit(word) if word else None
    return ("", 1.0, 0.0) if unit is None else (unit.quantity, unit.factor, 0.0)


def parse_date(text: str) -> str:
    """Return a date of digits as one that can be sorted, yyyymmddHHMMSS; "" for other text."""
    digits = re.sub(r"[-_.:T ]", "", text)
    if not digits.isdigit() or len(digits) not in (6, 8, 10, 12, 14) or (len(digits) == 6 and digits[0] == "0"):
        return ""  # 000123 counts
    for pattern in _DATES:
        try:
            found = datetime.strptime(digits, pattern)
        except ValueError:
            continue
        if found.strftime(pattern) == digits and _YEARS[0] <= found.year <= _YEARS[1]:
            return found.strftime("%Y%m%d%H%M%S")
    return ""


def parse_number(text: str, unit: str = "") -> float | None:
    """Return a number with its unit in SI; None for a text that is not a number.

    A comma is a decimal one in a number with a unit, 0,5V, and not before three digits, 1,000V.

    Parameters
    ----------
    text : str
        Such as 50uA.
    unit : str
        Unit of a number without one.
    """
    found = _NUMBER.fullmatch(text)
    if found is None or ("," in found[1] and (not (found[2] or unit) or _THOUSANDS.match(found[1]))):
        return None
    _, factor, zero = quantity_of(found[2] or unit)
    return float(found[1].replace(",", ".")) * factor + zero


@dataclass(frozen=True)
class Template:
    """Template of file names: text with fields in braces, `{rate:V/s}` with the unit of a plain number, `*` for any.

    Raises UsageError if it has no field, or a unit of another quantity.
    """

    text: str

    def __post_init__(self) -> None:
        if not self.fields:
            raise UsageError(f"names={self.text!r} has no field, such as {{cell}} or {{step}}. Write fields in braces.")
        for name, unit in self.units.items():
            wanted = UNITS.get(name, ("",))[0]
            found = quantity_of(unit)[0]
            if not found or (wanted and found != wanted):
                raise UsageError(f"names={self.text!r}: {unit} is not a unit of {wanted or 'any quantity'}.")

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of its fields in order; a name may stand there twice."""
        return tuple(found[1] for found in _FIELD.finditer(self.text) if found[1])

    @cached_property
    def units(self) -> dict[str, str]:
        """Units of plain numbers by field."""
        return {found[1]: found[2] for found in _FIELD.finditer(self.text) if found[2]}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts, last = [], 0
        for found in _FIELD.finditer(self.text):
            parts.append(re.escape(self.text[last : found.start()]))
            joined = found.end() < len(self.text) and self.text[found.end()] == "{"
            one = rf"({ISO_DATE}|\d+)" if found[1] == "date" else r"([^\d]+)" if joined else "(.+?)"
            parts.append("(?:.*?)" if found[3] else one)
            last = found.end()
        return re.compile("".join([*parts, re.escape(self.text[last:])]), re.DOTALL)

    def match(self, stem: str) -> dict[str, str] | None:
        """Return the text of each field in a name without its ending; None where the template does not fit."""
        found = self._pattern.fullmatch(stem)
        if found is None:
            return None
        values: dict[str, str] = {}
        for name, text in zip(self.fields, found.groups(), strict=True):
            values[name] = f"{values[name]},{text}" if name in values else text
        return values


@dataclass(frozen=True)
class Keys:
    """Content of the name of a file.

    Attributes
    ----------
    place : mapping of str to str
        Wafer, die, row, column, cell.
    step : str
        One of `STEPS`; "" if the name does not say it.
    order : tuple
        Sorts the files of a cell.
    numbers : mapping of str to float
        Compliance [A], rate [V/s], start and stop [V], ... in SI units.
    words : mapping of str to str
        Other fields.
    """

    place: Mapping[str, str]
    step: str
    order: tuple[str, ...]
    numbers: Mapping[str, float]
    words: Mapping[str, str]

    @property
    def cell(self) -> str:
        """Name of the cell, from all parts of its place."""
        shown = {"row": "R", "column": "C"}
        parts = [
            f"{shown.get(name, f'{name} ' if name != 'cell' else '')}{self.place[name]}"
            for name in PLACES
            if name in self.place
        ]
        return " ".join(parts) or "device1"

    def shown(self) -> dict[str, str]:
        """Return everything for people, by field."""
        numbers = {name: shown_number(name, value) for name, value in self.numbers.items()}
        order = {"order": ", ".join(shown_order(each) for each in self.order)} if self.order else {}
        return {**self.place, **({"step": self.step} if self.step else {}), **order, **numbers, **self.words}

    @property
    def die(self) -> str:
        """Name of its die; "" if unknown."""
        return self.place.get("die", "")

    @property
    def wafer(self) -> str:
        """Name of its wafer; "" if unknown."""
        return self.place.get("wafer", "")


def shown_number(name: str, value: float) -> str:
    """Return the number of a field with its unit, for people."""
    unit = UNITS.get(name, ("", ""))[1]
    return si(value, unit) if unit else f"{value:.4g}"


def shown_order(text: str) -> str:
    """Return a part of the order of files, a date or a number, for people."""
    if re.fullmatch(r"\d{14}", text):
        return f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}"
    return text.lstrip("0").split(".")[0] or "0"


def read_keys(stem: str, templates: Sequence[Template], ending: str = "") -> Keys | None:
    """Return what a name says by the first template that fits; None if none does, or its step is unknown.

    A template that ends with the ending of the file, such as .csv, is that of the whole name.
    """
    for template in templates:
        found = template.match(stem + ending if ending and template.text.endswith(ending) else stem)
        if found is None or ("step" in found and found["step"].lower() not in STEP_WORDS):
            continue
        place = {name: found.pop(name) for name in PLACES if name in found}
        step = STEP_WORDS.get(found.pop("step", "").lower(), "")
        order = tuple(_sortable(name, found.pop(name)) for name in ORDER if name in found)
        numbers = {name: parse_number(text, template.units.get(name, "")) for name, text in found.items()}
        known = {name: value for name, value in numbers.items() if value is not None}
        return Keys(place, step, order, known, {name: text for name, text in found.items() if name not in known})
    return None


def _sortable(name: str, text: str) -> str:
    """Return a date or a number as text that sorts in its order."""
    number = parse_number(text) if name != "date" else None
    return parse_date(text) or text if name == "date" else text if number is None else f"{number:020.6f}"
