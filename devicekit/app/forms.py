"""Forms: the question of a reader, and the reading options, from and to fields of a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devicekit.commands import non_default
from devicekit.errors import Blank, Choice, UsageError
from devicekit.names import GLOSSARY
from devicekit.options import BLOCKS, COLUMNS, FILES, KINDS, PARTS, QUANTITIES, ReadOptions

LABELS = {
    "recipe": "Recipe",
    "kind": "Kind of table",
    "quantity": "Quantity of the states",
    "unit": "Unit",
    "read_voltage": "Read voltage [V]",
    "columns": "Columns",
    "pulses": "Pulses of an LTP, LTD train",
    "absolute": "Magnitudes of negative conductances",
    "sheet": "Sheets",
    "skip": "Rows above the names",
    "header": "Rows of names",
    "units_row": "Row of units",
    "decimal": "Decimal mark",
    "blocks": "Tables beside each other",
    "columns_are": "Columns of one quantity are",
    "sheets_are": "Sheets are",
    "files_are": "Files of a folder are",
    "key": "Where names hold device or cycle",
    "device": "Only device",
    "cycle": "Only cycle",
    "width": "Only pulse width [s]",
    "format": "Format",
}
_PLAIN = {**{name: label.partition(" [")[0] for name, label in LABELS.items()}, "map": LABELS["columns"]}
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


def blanks(choice: Choice) -> list[str]:
    """Labels of what an answer leaves to be filled in, in order."""
    found = []
    for name, value in choice.options.items():
        if isinstance(value, Mapping):
            parts = [(ours, theirs) for ours, theirs in value.items() if isinstance(theirs, Blank)]
            found += [f"{theirs.lower()} of {_role(ours)}" for ours, theirs in parts]
        elif isinstance(value, tuple):
            found += [each for each in value if isinstance(each, Blank)]
        elif isinstance(value, Blank):
            found.append(LABELS.get(name, str(value)))
    return found


def _role(name: str) -> str:
    return GLOSSARY[name].label if name in GLOSSARY else "the states" if name == "value" else name


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
            raise UsageError(f"fill in {LABELS.get(name, value) if name != 'columns' else value} beside the answer")
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
    has = non_default(options)

    def field(name: str, choices: tuple[str, ...] = (), hint: str = "") -> Field:
        value = has.get(name)
        return Field(
            name, LABELS[name], ("", *choices) if choices else (), "" if value is None else _shown(value), hint
        )

    return [
        field("recipe", tuple(recipes)),
        field("kind", KINDS),
        field("quantity", QUANTITIES),
        field("unit", hint="uS, nA, kohm"),
        field("read_voltage", hint="0.1"),
        field("columns", hint="value=G, cycle=Run"),
        field("pulses", hint="60, 50"),
        field("absolute", ("yes",)),
        field("sheet", hint="Data*"),
        field("skip"),
        field("header", ("0", "1")),
        field("units_row", ("yes", "no")),
        field("decimal", (".", ",")),
        field("blocks", BLOCKS),
        field("columns_are", COLUMNS),
        field("sheets_are", PARTS),
        field("files_are", FILES[:2]),
        field("key", hint=r"device=dev(\d+)"),
        field("device"),
        field("cycle"),
        field("width", hint="5e-5"),
        field("format", tuple(formats)),
    ]


def in_page_words(message: str) -> str:
    """A message of the Python interface, in the words of the page: `unit=uS` becomes “Unit” uS."""

    def said(match: re.Match[str]) -> str:
        if match["pairs"] is not None:
            return f"“{_PLAIN[match['of']]}” {match['pairs'].replace(': ', '=')}"
        value = match["value"].strip("()") if match["value"] not in ("True", "") else ""
        return f"“{_PLAIN[match['name']]}” {value}".rstrip()

    message = message.replace("map: ", "“Columns”: ")
    names = "|".join(_PLAIN)
    message = re.sub(
        rf"\b(?P<of>map|key)=\{{(?P<pairs>[^}}]*)\}}|"
        rf"(?<![\w/\\-])(?P<name>{names})=(?P<value>\([^)]*\)|'[^']*'|[^\s,;:()]*)",
        said,
        message,
    )
    return re.sub(r"\bpass (?=“)", "say ", message)


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
    pairs = [each.partition("=") for each in re.split(r",\s*(?=\w+\s*=)", word)]  # a name of theirs may hold commas
    if any(not ours.strip() or not theirs.strip() for ours, _, theirs in pairs):
        example = "value=G" if name == "columns" else r"device=dev(\d+)"
        raise UsageError(f"{'Columns' if name == 'columns' else 'Names'}: write pairs such as {example}, not {word!r}")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


__all__ = ["Field", "blanks", "filled", "reading_fields", "reading_of"]
