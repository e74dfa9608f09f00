"""Forms: reading options and the answers to a reader's question, to and from the fields of a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devicekit.app.choices import choice_text
from devicekit.core.declarations import Option
from devicekit.core.errors import UsageError
from devicekit.core.pairs import parse_pairs
from devicekit.system.blanks import parse_word
from devicekit.system.commands import non_default
from devicekit.system.options import OPTIONS, ReadOptions


@dataclass(frozen=True)
class Field:
    """One field of a form.

    Parameters
    ----------
    name : str
        Name of the input.
    label : str
        Label that the user reads.
    choices : tuple of str
        Items to choose from, "" for none of them; empty for free text.
    value : str
        Present value.
    hint : str
        Example.
    mode : str
        Keyboard of a number, "decimal" or "numeric"; "check" for a box to tick, "lines" for a text of several lines.
    doc : str
        Meaning, shown beside it.
    """

    name: str
    label: str
    choices: tuple[str, ...] = ()
    value: str = ""
    hint: str = ""
    mode: str = ""
    doc: str = ""

    @property
    def items(self) -> list[tuple[str, str]]:
        """Value and words of each choice."""
        return [(each, choice_text(self.name, each)) for each in self.choices]


def build_reading_fields(options: ReadOptions, recipes: list[str], formats: list[str]) -> list[Field]:
    """Return a field for every reading option, with its present value."""
    present = non_default(options)
    known = {"recipe": recipes, "format": formats}

    def field(each: Option) -> Field:
        value = present.get(each.name)
        choices = known.get(each.name, each.form_choices)
        return Field(
            each.name,
            each.form,
            ("", *choices) if choices else (),
            "" if value is None else format_value(value),
            each.example,
        )

    return [field(each) for each in sorted(OPTIONS.values(), key=lambda each: each.row)]


def split_question(text: str) -> tuple[str, str]:
    """Return a question, and the hint after it."""
    found = re.search(r"(?<=\?) |[:;.] (?=fill in “)", text, re.IGNORECASE)
    return (text[: found.start()], text[found.end() :].rstrip(".")) if found else (text, "")


def format_value(value: Any) -> str:
    """Return a value of an option as a field takes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{ours}={theirs}" for ours, theirs in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def parse_reading_form(form: Mapping[str, str]) -> ReadOptions:
    """Return the reading options in the fields of `build_reading_fields`.

    Raises UsageError if a field holds a value that its option does not take.
    """
    options: dict[str, Any] = {}
    for name, word in ((name, word.strip()) for name, word in form.items()):
        if not word:
            continue
        option = OPTIONS[name]
        options[name] = _parse_pairs(option, word) if option.is_pairs else parse_word(option, word)
    return ReadOptions.of(**options)


def _parse_pairs(option: Option, word: str) -> dict[str, str]:
    pairs = re.split(r",\s*(?=\w+\s*=)", word)  # a column name may hold commas
    try:
        return parse_pairs(pairs, "")
    except UsageError:
        example = option.example.partition(", ")[0]
        raise UsageError(f"“{option.form}” takes pairs such as {example}, not {word!r}.") from None


__all__ = [
    "Field",
    "build_reading_fields",
    "parse_reading_form",
    "split_question",
]
