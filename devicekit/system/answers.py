"""Answers to the questions of readers: by a person, an option or a form; everything that is open is asked at once.

Behind the first question the file is read on with its first answer, until nothing is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from devicekit.core.declarations import Option
from devicekit.core.errors import Blank, Choice, DevicekitError, Question, QuestionError, UsageError
from devicekit.core.quantities import GLOSSARY
from devicekit.system.options import OPTIONS, ReadOptions

_NAMES = {each.keyword: each.name for each in OPTIONS.values()}
MOST_PARTS = 8  # questions asked at once
MOST_TRIED = 24  # answers that are tried before they are offered


@dataclass(frozen=True)
class Answered:
    """Options for reading, with the statements that a person has accepted."""

    options: ReadOptions
    accepted: frozenset[str] = frozenset()

    def with_answer(self, question: Question, choice: Mapping[str, Any]) -> Answered:
        """Return the same with one answer more.

        Parameters
        ----------
        question : Question
        choice : mapping of str to value
            Options of the answer; `accept` accepts this statement alone.
        """
        given = {_NAMES.get(name, name): value for name, value in choice.items()}
        accepted = self.accepted | {question.text} if given.pop("accept", False) else self.accepted
        for name, value in given.items():
            if isinstance(value, Mapping):
                given[name] = {**getattr(self.options, name), **value}
        if "unit" in given and given.get("quantity") is None and self.options.unit is None:
            given.setdefault("quantity", None)  # a unit implies its quantity
        return Answered(replace(self.options, **given), accepted)


ReadBy = Callable[[Answered], Any]
Asker = Callable[[Question, Answered], Answered]
_ASKER: ContextVar[Asker | None] = ContextVar("asker", default=None)


@contextmanager
def answering(asker: Asker) -> Iterator[None]:
    """Let a function answer questions while files are read, such as a prompt on a terminal."""
    token = _ASKER.set(asker)
    try:
        yield
    finally:
        _ASKER.reset(token)


def read_with_answers(read_by: ReadBy, state: Answered, is_small: bool = True) -> Any:
    """Read, and answer every question by the `answering` function; without one, ask everything at once.

    Parameters
    ----------
    read_by : callable
        Reads by the answers so far.
    state : Answered
    is_small : bool
        True if reading takes so little that every answer can be tried before it is offered.

    Raises
    ------
    QuestionError
    """
    while True:
        try:
            return read_by(state)
        except QuestionError as error:
            whole = _ask_at_once(error, read_by, state, MOST_TRIED if is_small else 0)
            asker = _ASKER.get()
            if asker is None:
                raise whole from None
            state = asker(whole.asked, state)


def _ask_at_once(error: QuestionError, read_by: ReadBy, state: Answered, tries: int) -> QuestionError:
    """Return the question with all that is open behind it; answers that the file refuses are left out."""
    parts: list[Question] = []
    pending: QuestionError | None = error
    while pending is not None and len(parts) < MOST_PARTS:
        question, pending = pending.asked, None
        for each in question.each:
            if each.text in {part.text for part in parts}:
                break
            each, tries = _tried(each, read_by, state, tries)
            parts.append(each)
            if (best := next(filter(_is_whole, each.choices), None)) is None:
                break
            state = state.with_answer(each, best.options)
        else:
            pending = _next(read_by, state)
    first = parts[0]
    return QuestionError(error.where, first if len(parts) == 1 else replace(first, parts=tuple(parts)))


def _next(read_by: ReadBy, state: Answered) -> QuestionError | None:
    try:
        read_by(state)
    except QuestionError as error:
        return error
    except DevicekitError:
        pass
    return None


def _is_whole(choice: Choice) -> bool:
    """Return whether an answer has no blank to be filled in."""
    values = [
        each
        for value in choice.options.values()
        for each in (value.values() if isinstance(value, Mapping) else [value])
    ]
    return not any(isinstance(one, Blank) for each in values for one in (each if isinstance(each, tuple) else [each]))


def _tried(question: Question, read_by: ReadBy, state: Answered, tries: int) -> tuple[Question, int]:
    """Return a question without the answers that the file refuses, and the tries that are left; some answer stays."""
    kept = []
    for each in question.choices:
        if _is_whole(each) and not each.options.get("accept") and tries > 0:
            tries -= 1
            try:
                read_by(state.with_answer(question, each.options))
            except QuestionError:
                pass
            except DevicekitError:
                continue
        kept.append(each)
    return replace(question, choices=tuple(kept or question.choices)), tries


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

    Raises
    ------
    UsageError
        If a blank is empty, or needs a number and has another text.
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

    Raises
    ------
    UsageError
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

    Raises
    ------
    UsageError
        If the option does not take it.
    """
    if option.kind.doc == "tuple of int":
        return tuple(parse_number(option.name, each.strip()) for each in word.split(","))
    if option.kind.doc == "sequence of str":
        return tuple(each.strip() for each in word.split(","))
    return word.lower() in ("yes", "true") if option.kind.doc == "bool" else parse_number(option.name, word)
