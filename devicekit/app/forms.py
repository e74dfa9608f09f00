"""Forms: the question of a reader, and the reading options, from and to fields of a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devicekit.commands import given
from devicekit.errors import Blank, Choice, UsageError
from devicekit.options import BLOCKS, COLUMNS, FILES, KINDS, PARTS, QUANTITIES, ReadOptions

_NUMBERS = {"read_voltage": float, "width": float, "skip": int, "header": int, "cycle": int}


@dataclass(frozen=True)
class Field:
    """One field of a form.

    Parameters
    ----------
    name : str
        Of the input.
    label : str
        For people.
    choices : tuple of str
        A list to choose from, "" being none; empty for free text.
    value : str
        What it holds.
    hint : str
        An example.
    """

    name: str
    label: str
    choices: tuple[str, ...] = ()
    value: str = ""
    hint: str = ""


def blanks(choice: Choice) -> list[Blank]:
    """What an answer leaves to be filled in, in order."""
    return [each for value in choice.options.values() for each in _leaves(value) if isinstance(each, Blank)]


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, tuple) else [value]


def filled(options: Mapping[str, Any], said: list[str]) -> dict[str, Any]:
    """Options with their blanks filled in, as numbers where they are numbers.

    Raises
    ------
    UsageError
        If one is left empty, or is no number where one is wanted.
    """
    rest = iter(said)

    def one(name: str, value: Any) -> Any:
        if not isinstance(value, Blank):
            return value
        word = next(rest, "").strip()
        if not word:
            raise UsageError(f"fill in {value}")
        return _number(name, word)

    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            found[name] = {ours: one(name, theirs) for ours, theirs in value.items()}
        elif isinstance(value, tuple):
            found[name] = tuple(one(name, each) for each in value)
        else:
            found[name] = one(name, value)
    return found


def _number(name: str, word: str) -> Any:
    kind = int if name == "pulses" else _NUMBERS.get(name)
    if kind is None:
        return word
    try:
        return kind(word.replace(",", ".")) if kind is float else kind(word)
    except ValueError:
        what = "a number, such as 0.1" if kind is float else "a whole number"
        raise UsageError(f"{name.replace('_', ' ')} takes {what}, not {word!r}") from None


def reading_fields(options: ReadOptions, recipes: list[str], formats: list[str]) -> list[Field]:
    """Fields for every reading option, with what is set."""
    has = given(options)

    def field(name: str, label: str, choices: tuple[str, ...] = (), hint: str = "") -> Field:
        value = has.get(name)
        return Field(name, label, ("", *choices) if choices else (), "" if value is None else _shown(value), hint)

    return [
        field("recipe", "Recipe", tuple(recipes)),
        field("kind", "Kind of table", KINDS),
        field("quantity", "Quantity of the states", QUANTITIES),
        field("unit", "Unit", hint="uS, nA, kohm"),
        field("read_voltage", "Read voltage [V]", hint="0.1"),
        field("columns", "Columns", hint="value=G, cycle=Run"),
        field("pulses", "Pulses of an LTP, LTD train", hint="60, 50"),
        field("absolute", "Magnitudes of negative conductances", ("yes",)),
        field("sheet", "Sheets", hint="Data*"),
        field("skip", "Rows above the names"),
        field("header", "Rows of names", ("0", "1")),
        field("units_row", "Row of units", ("yes", "no")),
        field("decimal", "Decimal mark", (".", ",")),
        field("blocks", "Tables beside each other", BLOCKS),
        field("columns_are", "Columns of one quantity are", COLUMNS),
        field("sheets_are", "Sheets are", PARTS),
        field("files_are", "Files of a folder are", FILES[:2]),
        field("key", "Where names hold device or cycle", hint=r"device=dev(\d+)"),
        field("device", "Only device"),
        field("cycle", "Only cycle"),
        field("width", "Only pulse width [s]", hint="5e-5"),
        field("format", "Format", tuple(formats)),
    ]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{ours}={theirs}" for ours, theirs in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def reading_of(form: Mapping[str, str]) -> ReadOptions:
    """Reading options of the fields of `reading_fields`.

    Raises
    ------
    UsageError
        If a field holds what its option does not take.
    """
    said: dict[str, Any] = {}
    for name, word in ((name, word.strip()) for name, word in form.items()):
        if not word:
            continue
        if name in ("columns", "key"):
            said[name] = _pairs(name, word)
        elif name == "pulses":
            said[name] = tuple(_number(name, each.strip()) for each in word.split(","))
        elif name in ("absolute", "units_row"):
            said[name] = word == "yes"
        else:
            said[name] = _number(name, word)
    return ReadOptions.of(**said)


def _pairs(name: str, word: str) -> dict[str, str]:
    pairs = [each.partition("=") for each in word.split(",")]
    if any(not ours.strip() or not theirs.strip() for ours, _, theirs in pairs):
        example = "value=G" if name == "columns" else r"device=dev(\d+)"
        raise UsageError(f"{'Columns' if name == 'columns' else 'Names'}: write pairs such as {example}, not {word!r}")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


__all__ = ["Field", "blanks", "filled", "reading_fields", "reading_of"]
