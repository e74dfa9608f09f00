"""Blanks of answers, and words that a person types for options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devicekit.core.declarations import Option
from devicekit.core.errors import Blank, Choice, UsageError
from devicekit.core.quantities import GLOSSARY
from devicekit.system.options import OPTIONS


def list_blank_labels(choice: Choice) -> list[str]:
    """Return the labels of the blanks of an answer, in order."""
    found = []
    for name, value in choice.options.items():
        if isinstance(value, Mapping):
            parts = [(ours, theirs) for ours, theirs in value.items() if isinstance(theirs, Blank)]
            found += [f"{theirs.lower()} of {_label_role(ours)}" for ours, theirs in parts]
        elif isinstance(value, tuple):
            found += [each for each in value if isinstance(each, Blank)]
        elif isinstance(value, Blank):
            found.append(OPTIONS[name].form if name in OPTIONS else str(value))
    return found


def _label_role(name: str) -> str:
    return GLOSSARY[name].label if name in GLOSSARY else "the states" if name == "value" else name


def fill_blanks(options: Mapping[str, Any], words: list[str]) -> dict[str, Any]:
    """Return options with their blanks filled in; numbers are parsed.

    Raises UsageError if a blank is empty, or needs a number and has another text.
    """
    rest = iter(words)

    def fill(name: str, value: Any) -> Any:
        if not isinstance(value, Blank):
            return value
        word = next(rest, "").strip()
        if not word:
            label = OPTIONS[name].form if name in OPTIONS and name != "columns" else value
            raise UsageError(f"Fill in “{label}” beside the answer.")
        return parse_number(name, word)

    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            found[name] = {ours: fill(name, theirs) for ours, theirs in value.items()}
        elif isinstance(value, tuple):
            found[name] = tuple(fill(name, each) for each in value)
        else:
            found[name] = fill(name, value)
    return found


def parse_number(name: str, word: str) -> Any:
    """Return the value of an option from a word: a number where the option takes one.

    Raises UsageError.
    """
    kind = OPTIONS[name].kind.number if name in OPTIONS else None
    if kind is None:
        return word
    try:
        return kind(word.replace(",", ".")) if kind is float else kind(word)
    except ValueError:
        expected = "a number such as 0.1" if kind is float else "a whole number"
        raise UsageError(f"“{OPTIONS[name].label}” takes {expected}, not {word!r}.") from None


def parse_word(option: Option, word: str) -> Any:
    """Return the value of an option that takes no pairs from a word, as a form or a prompt gives it.

    Raises UsageError if the option does not take it.
    """
    if option.kind.doc == "tuple of int":
        return tuple(parse_number(option.name, each.strip()) for each in word.split(","))
    if option.kind.doc == "sequence of str":
        return tuple(each.strip() for each in word.split(","))
    return word.lower() in ("yes", "true") if option.kind.doc == "bool" else parse_number(option.name, word)
