"""The form of a question: every part with its answers, all reading options, and the answers that come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from devicekit.app.describe import parse_described
from devicekit.app.forms import (
    Field,
    build_reading_fields,
    format_value,
    parse_reading_form,
    split_question,
)
from devicekit.app.labels import use_field_labels
from devicekit.app.security import clean_file_name
from devicekit.core.errors import Blank, Choice, Question, UsageError
from devicekit.core.text import natural_number
from devicekit.system.answers import find_best
from devicekit.system.blanks import fill_blanks, list_blank_labels
from devicekit.system.commands import non_default
from devicekit.system.options import OPTIONS, ReadOptions

OWN = "own"  # another answer than those that are offered
_NOTHING = ReadOptions()


@dataclass(frozen=True)
class Part:
    """One part of a question, for the page.

    Parameters
    ----------
    heading, hint : str
        The question, and what stands after it.
    seen : tuple of str
        Evidence in the file.
    choices : list of (Choice, list of (str, str))
        Answers, each with the labels and entries of its blanks.
    chosen : str
        Number of the answer that is chosen, or "own".
    fields : list of Field
        Options for another answer.
    """

    heading: str
    hint: str
    seen: tuple[str, ...]
    choices: list[tuple[Choice, list[tuple[str, str]]]]
    chosen: str
    fields: list[Field]

    @property
    def missing(self) -> list[str]:
        """Labels of the fields beside the answer that is chosen which are empty."""
        blanks = [] if self.chosen == OWN else self.choices[int(self.chosen)][1]
        return [label for label, entry in blanks if not entry.strip()]


@dataclass(frozen=True)
class Entries:
    """Entries of one part of a form; answers are named by their options, since their numbers may change.

    Parameters
    ----------
    chosen : str
        The answer that is chosen, or "own"; "" for none.
    blanks : dict of str to list of str
        Entries of the blanks of each answer.
    own : dict of str to str
        Entries of the fields for another answer.
    """

    chosen: str = ""
    blanks: dict[str, list[str]] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)


def list_entries(asked: Sequence[Question], form: Any) -> dict[str, Entries]:
    """Return the entries of a form by the text of each question."""
    found = {}
    for k, each in enumerate(asked):
        answers = {str(n): choice.typed_options for n, choice in enumerate(each.choices)} | {OWN: OWN}
        blanks = {
            options: [str(word) for word in form.getlist(f"blank-{k}-{n}")]
            for n, options in answers.items()
            if f"blank-{k}-{n}" in form
        }
        own = {name: str(form.get(f"own-{k}-{name}", "")) for name in _own_names(each)}
        found[each.text] = Entries(answers.get(str(form.get(f"choice-{k}", "")), ""), blanks, own)
    return found


def build_parts(asked: Sequence[Question], entries: Mapping[str, Entries]) -> list[Part]:
    """Return the parts of a form with its entries; without entries the first answers are chosen."""
    return [_build_part(k, each, entries.get(each.text, Entries())) for k, each in enumerate(asked)]


def _build_part(k: int, question: Question, entries: Entries) -> Part:
    shown = question.in_words(use_field_labels)
    heading, hint = split_question(shown.text)
    choices, chosen = [], {OWN: OWN}
    for n, (choice, words) in enumerate(zip(question.choices, shown.choices, strict=True)):
        labels, filled = list_blank_labels(choice), entries.blanks.get(choice.typed_options, [])
        words = replace(words, means=words.means + _name_places(choice))
        choices.append((words, list(zip_longest(labels, filled[: len(labels)], fillvalue=""))))
        chosen[choice.typed_options] = str(n)
    whole = str(find_best(question.choices) or 0) if choices else OWN
    fields = [
        replace(each, name=f"own-{k}-{each.name}", value=entries.own.get(each.name, ""))
        for each in build_reading_fields(ReadOptions(), [], [])
        if each.name in _own_names(question)
    ]
    return Part(heading, hint, shown.evidence, choices, chosen.get(entries.chosen, whole), fields)


def _name_places(choice: Choice) -> str:
    """Return the columns, sheets and tables of an answer that its words do not name; "" if they name them all."""
    found = []
    for name in ("columns", "sheet", "block"):
        value = choice.options.get(OPTIONS[name].keyword, choice.options.get(name, ""))
        words = list(value.values()) if isinstance(value, Mapping) else [value]
        if not all(isinstance(word, Blank) or str(word) in choice.means for word in words):
            found.append(f"“{OPTIONS[name].label}” {format_value(value)}")
    return f" ({'; '.join(found)})" if found else ""


def _own_names(question: Question) -> list[str]:
    return [name for name in question.fields if name in OPTIONS and name != "accept"]


def parse_options(form: Any, recipes: Path) -> ReadOptions:
    """Return the reading options of a form; a recipe is one of the user's, or a shipped one.

    Raises UsageError if a field holds a value that its option does not take.
    """
    options = parse_described(form).apply(
        parse_reading_form({name: str(form[name]) for name in OPTIONS if name in form})
    )
    recipe = recipes / f"{clean_file_name(str(options.recipe))}.toml"
    return replace(options, recipe=recipe) if options.recipe is not None and recipe.is_file() else options


def parse_answers(asked: Sequence[Question], form: Any, reading: ReadOptions = _NOTHING) -> dict[str, dict[str, Any]]:
    """Return the options of each answer of a form, by the text of its question.

    A blank that is left empty takes what `reading`, the description of the whole file, says.

    Raises UsageError if an answer is missing, or a blank or a field does not take its entry.
    """
    described = parse_described(form)
    found = {}
    for k, each in enumerate(asked):
        if (options := _parse_part(k, each, form, reading)) is not None:
            if "columns" in options:
                options["columns"] = described.rename(options["columns"])
            found[each.text] = options
    return found


def _parse_part(k: int, question: Question, form: Any, reading: ReadOptions) -> dict[str, Any] | None:
    """Return the options of the answer to one part; None for one that is left empty, which may be asked again.

    Blanks of the first part must be filled in; a later part may not be asked behind another answer to the first.
    """
    chosen = str(form.get(f"choice-{k}", ""))
    number = natural_number(chosen)
    if chosen != OWN and (number is None or number >= len(question.choices)):
        raise UsageError("Choose one of the answers.")
    beside = {name: str(form.get(f"own-{k}-{name}", "")) for name in _own_names(question)}
    more = non_default(parse_reading_form(beside))
    if chosen == OWN or number is None:
        return more or None
    choice, entries = _drop_known(
        question.choices[number].options, [str(each) for each in form.getlist(f"blank-{k}-{number}")], reading
    )
    if k > 0 and entries and not any(map(str.strip, entries)):
        return more or None
    return combine(fill_blanks(choice, entries), more)


def _drop_known(
    options: Mapping[str, Any], entries: Sequence[str], reading: ReadOptions
) -> tuple[dict[str, Any], list[str]]:
    """Return an answer without the empty blanks that reading options say, and the entries of the others."""
    rest, given = iter(entries), non_default(reading)
    kept: dict[str, Any] = {}
    words: list[str] = []

    def keeps(value: Any, is_known: bool) -> bool:
        """Return whether a value stays in the answer; the entry of a blank that stays is kept."""
        if not isinstance(value, Blank):
            return True
        word = next(rest, "")
        if is_known and not word.strip():
            return False
        words.append(word)
        return True

    for name, value in options.items():
        known = given.get("columns" if name == "map" else name, ())
        if isinstance(value, Mapping):
            left = {role: word for role, word in value.items() if keeps(word, role in known)}
            kept |= {name: left} if left else {}
        elif isinstance(value, tuple):  # several numbers that belong together
            kept[name] = tuple(each for each in value if keeps(each, False))
        elif keeps(value, known != ()):
            kept[name] = value
    return kept, words


def combine(options: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of an answer with those of the fields beside it, which take precedence."""
    found = {"columns" if name == "map" else name: value for name, value in options.items()}
    if more:
        found.pop("accept", None)  # what is corrected is not accepted
    if "quantity" in more:
        found.pop("unit", None)  # the unit of another quantity
    for name, value in more.items():
        found[name] = {**found.get(name, {}), **value} if isinstance(value, Mapping) else value
    return found
