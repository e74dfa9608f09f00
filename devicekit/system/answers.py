"""Answers to the questions of readers: by a person, an option or a form; everything that is open is asked at once.

Behind the first question the file is read on with its first answer, until nothing is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from devicekit.core.declarations import Option
from devicekit.core.errors import Blank, Choice, DevicekitError, Question, QuestionError, UsageError
from devicekit.core.quantities import GLOSSARY
from devicekit.system.options import OPTIONS, ReadOptions

_NAMES = {each.keyword: each.name for each in OPTIONS.values()}
MOST_PARTS = 8  # questions asked at once
ANY_VOLTAGE = 0.1  # V, of an answer that is tried before it is offered
MOST_TRIED = 12  # answers that are tried before they are offered
MOST_TRIED_FORM = 8  # of the same where a picture is awaited
LARGEST_TRIED = 500_000  # bytes of a reading (`readers.effort`), up to which answers are tried
MOST_BYTES = 4_000_000  # of all readings until everything that is open is known; one is always made


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
        return Answered(replace(self.options, **given), accepted)


ReadBy = Callable[[Answered], Any]
Asker = Callable[[Question, Answered, Any], Answered]  # with the table that the first answers lead to, if any
_ASKER: ContextVar[Asker | None] = ContextVar("asker", default=None)


@dataclass(eq=False)
class FormAnswers:
    """Answers that are given beforehand, all at once.

    Attributes
    ----------
    by_question : dict of str to mapping
        Options of each answer, by the text of its question. An answer is used once; one whose question is not asked
        is not used.
    state : Answered, optional
        The options that the answers have led to.
    trial : table, optional
        Where a question is left, the table that the first answer to everything gives, if there is one.
    used : list of str
        The questions that were answered, in the order in which they were asked.
    """

    by_question: dict[str, Mapping[str, Any]]
    state: Answered | None = None
    trial: Any = None
    used: list[str] = field(default_factory=list)

    def apply(self, question: Question, state: Answered) -> Answered | None:
        """Return options with the answers to a question; None if there are none.

        Behind an answer that changes the options, the file decides what else is asked.
        """
        found = None
        for each in question.each:
            if (choice := self.by_question.pop(each.text, None)) is None:
                continue
            self.used.append(each.text)
            found = (found or state).with_answer(each, choice)
            if set(choice) != {"accept"}:
                break
        return found


_FORM: ContextVar[FormAnswers | None] = ContextVar("form", default=None)


@contextmanager
def answering(asker: Asker) -> Iterator[None]:
    """Let a function answer questions while files are read, such as a prompt on a terminal."""
    token = _ASKER.set(asker)
    try:
        yield
    finally:
        _ASKER.reset(token)


@contextmanager
def answered_by(form: FormAnswers) -> Iterator[None]:
    """Let a form answer questions while files are read."""
    token = _FORM.set(form)
    try:
        yield
    finally:
        _FORM.reset(token)


@dataclass
class _Budget:
    """Readings that may be made to know what is open, the same on every machine."""

    effort: int
    tries: int
    left: int = MOST_BYTES

    def spend(self, *, on_try: bool = False) -> bool:
        """Return whether one more reading may be made, and count it."""
        if self.left < self.effort or (on_try and (self.tries <= 0 or self.effort > LARGEST_TRIED)):
            return False
        self.left -= self.effort
        self.tries -= on_try
        return True


def read_with_answers(read_by: ReadBy, state: Answered, effort: int) -> Any:
    """Read, and answer every question by a form or the `answering` function; else ask everything at once.

    Parameters
    ----------
    read_by : callable
        Reads by the answers so far.
    state : Answered
    effort : int
        What a reading takes [bytes of text].

    Raises
    ------
    QuestionError
    DevicekitError
        What every answer to a question would lead to.
    """
    form, asker = _FORM.get(), _ASKER.get()
    earlier: tuple[Question, Answered, Any] | None = None  # what was asked last, of a person who is there
    while True:
        if form is not None:
            form.state = state
        try:
            return read_by(state)
        except DevicekitError as error:
            if not isinstance(error, QuestionError):
                if asker is None or earlier is None:
                    raise
                question, before, trial = earlier  # the answer was refused: the same question again, and why
                state = asker(question.with_evidence(str(error)), before, trial)
                continue
            if form is not None and (answered := form.apply(error.asked, state)) is not None:
                state = answered
                continue
            budget = _Budget(effort, MOST_TRIED if form is None else MOST_TRIED_FORM, max(MOST_BYTES, effort))
            whole, trial = _ask_at_once(error, read_by, state, budget)
            if form is not None:
                form.trial = trial
            if asker is None:
                raise whole from None
            earlier = (whole.asked, state, trial)
            state = asker(*earlier)


def _ask_at_once(error: QuestionError, read_by: ReadBy, state: Answered, budget: _Budget) -> tuple[QuestionError, Any]:
    """Return the question with all that is open behind it, and the table that the first answers give, if they do.

    Answers that the file refuses are left out.
    """
    parts: list[Question] = []
    outcome: Any = error
    assumed = False  # a voltage, for which any number leads to the same questions
    while isinstance(outcome, QuestionError) and len(parts) < MOST_PARTS:
        question, outcome = outcome.asked, None
        for each in question.each:
            if each.text in {part.text for part in parts}:
                break
            try:
                each, tried = _tried(each, read_by, state, budget)
            except DevicekitError:
                if parts:
                    break
                raise
            parts.append(each)
            choices = each.choices
            if (best := find_best(choices)) is None:
                choices = tuple(map(_with_voltage, choices))
                best, assumed = find_best(choices), True
            if best is None:
                break
            try:
                state = state.with_answer(each, choices[best].options)
            except UsageError:  # it contradicts an option
                break
        else:
            if tried is not None and len(question.each) == 1 and not assumed:
                outcome = tried
            elif budget.spend():
                outcome = _outcome(read_by, state)
    first = parts[0]
    whole = QuestionError(error.where, first if len(parts) == 1 else replace(first, parts=tuple(parts)))
    return whole, None if assumed or isinstance(outcome, DevicekitError) else outcome


def find_best(choices: Sequence[Choice]) -> int | None:
    """Return the number of the first answer that can be given as it stands; plain records only if they come first."""
    whole = (n for n, each in enumerate(choices) if not each.has_blank)
    return next((n for n in whole if n == 0 or dict(choices[n].options) != {"kind": "record"}), None)


def _with_voltage(choice: Choice) -> Choice:
    """Return an answer with a voltage where it leaves one open, to see what it leads to."""
    return replace(choice, options={k: ANY_VOLTAGE if v == "V" else v for k, v in choice.options.items()})


def _outcome(read_by: ReadBy, state: Answered, question: Question | None = None, choice: Choice | None = None) -> Any:
    """Return the table that options give, with one answer more if there is one, or the error."""
    try:
        return read_by(state if question is None or choice is None else state.with_answer(question, choice.options))
    except DevicekitError as error:
        return error


def _tried(question: Question, read_by: ReadBy, state: Answered, budget: _Budget) -> tuple[Question, Any]:
    """Return a question without the answers that the file refuses, and an outcome.

    Some answer stays. The outcome is what the best answer leads to, None if it was not tried.

    Raises
    ------
    DevicekitError
        If the file refuses every answer, and for one reason.
    """
    kept: list[Choice] = []
    refused: list[DevicekitError] = []
    outcomes: list[Any] = []
    for each in question.choices:
        outcome = None
        filled = _with_voltage(each)
        if not filled.has_blank and not each.options.get("accept") and budget.spend(on_try=True):
            outcome = _outcome(read_by, state, question, filled)
        if isinstance(outcome, DevicekitError) and not isinstance(outcome, QuestionError):
            refused.append(outcome)
            continue
        kept.append(each)
        outcomes.append(outcome)
    if refused and not kept and len({str(each) for each in refused}) == 1:
        raise refused[0]
    best = find_best(kept)
    return replace(question, choices=tuple(kept or question.choices)), None if best is None else outcomes[best]


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
