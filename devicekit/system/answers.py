"""Answers to the questions of readers: by a person, an option or a form; everything that is open is asked at once.

Behind the first question the file is read on with its first answer, until nothing is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from devicekit.core.errors import Choice, DevicekitError, Question, QuestionError, UsageError
from devicekit.system.options import OPTIONS, ReadOptions

_NAMES = {each.keyword: each.name for each in OPTIONS.values()}
MOST_PARTS = 8  # questions asked at once
ANY_VOLTAGE = 0.1  # V, of an answer that is tried before it is offered
MOST_TRIED = 12  # answers that are tried before they are offered
MOST_TRIED_FORM = 8  # of the same where a picture is awaited
MOST_FOLLOWED = 24  # readings to know what other answers than the first lead to
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
                before = getattr(self.options, name)
                several = {k: f"{before[k]}, {value[k]}" for k in ("keep",) if k in before and k in value}  # of columns
                given[name] = {**before, **value, **several}
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
def recording() -> Iterator[list[Answered]]:
    """Record what a person answers in a block: the options after each answer, the last of which were used."""
    asker, given = _ASKER.get(), list[Answered]()
    if asker is None:
        yield given
        return

    def ask(question: Question, state: Answered, trial: Any) -> Answered:
        given.append(asker(question, state, trial))
        return given[-1]

    with answering(ask):
        yield given


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
    read_by = partial(_read_open, read_by)
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
            whole, trial = _ask_at_once(error, read_by, state, budget, follow=form is None and asker is None)
            if form is not None:
                form.trial = trial
            if asker is None:
                raise whole from None
            earlier = (whole.asked, state, trial)
            state = asker(*earlier)


def ask_person(error: QuestionError, state: Answered) -> Answered:
    """Return the options with the answer of a person who is there, to a question that is not about one table.

    Raises QuestionError if nobody is there.
    """
    asker = _ASKER.get()
    if asker is None:
        raise error
    return asker(error.asked, state, None)


def _read_open(read_by: ReadBy, state: Answered) -> Any:
    """Read by the answers so far; a question is left without the parts that are accepted."""
    try:
        return read_by(state)
    except QuestionError as error:
        left = tuple(each for each in error.asked.each if each.text not in state.accepted)
        if not left or len(left) == len(error.asked.each):
            raise
        raise error.asking(*left) from None


def _ask_at_once(
    error: QuestionError, read_by: ReadBy, state: Answered, budget: _Budget, follow: bool
) -> tuple[QuestionError, Any]:
    """Return the question with all that is open behind it, and the table that the first answers give, if they do.

    Answers that the file refuses are left out. With `follow`, each other answer says what is open behind it.
    """
    parts: list[Question] = []
    tried: list[_Tried] = []
    outcome: Any = error
    assumed = False  # a voltage, for which any number leads to the same questions
    while isinstance(outcome, QuestionError) and len(parts) < MOST_PARTS:
        question, outcome = outcome.asked, None
        for each in question.each:
            if each.text in {part.text for part in parts}:
                break
            try:
                found = _try(each, read_by, state, budget)
            except DevicekitError:
                if parts:
                    break
                raise
            parts.append(found.question)
            tried.append(found)
            best, assumed = _best(found.question, assumed)
            if best is None:
                break
            try:
                state = state.with_answer(each, best.options)
            except UsageError:  # it contradicts an option
                break
        else:
            if found.first is not None and len(question.each) == 1 and not assumed:
                outcome = found.first
            elif budget.spend():
                outcome = _outcome(read_by, state)
    if follow:
        budget.tries = MOST_FOLLOWED
        known = [_key(each.asked) for each in tried]
        parts = [each.with_follow_ups(read_by, known, budget) for each in tried]
    return error.asking(*parts), None if assumed or isinstance(outcome, DevicekitError) else outcome


def _best(question: Question, assumed: bool = False) -> tuple[Choice | None, bool]:
    """Return the best answer without a blank, else with a voltage that is assumed, and whether one is."""
    if (number := find_best(question.choices)) is not None:
        return question.choices[number], assumed
    filled = tuple(map(_with_voltage, question.choices))
    return (None, True) if (number := find_best(filled)) is None else (filled[number], True)


def find_best(choices: Sequence[Choice]) -> int | None:
    """Return the number of the first answer that can be given as it stands; plain records only if they come first."""
    whole = (n for n, each in enumerate(choices) if not each.has_blank)
    return next((n for n in whole if n == 0 or dict(choices[n].options) != {"kind": "record"}), None)


def _with_voltage(choice: Choice) -> Choice:
    """Return an answer with a voltage where it leaves one open, to see what it leads to."""
    return replace(choice, options={k: ANY_VOLTAGE if v == "V" else v for k, v in choice.options.items()})


def _key(question: Question) -> tuple[str, ...]:
    """Return what makes a question the same as another: its words, and the options that answer it."""
    return (question.text, *question.fields)


def _outcome(read_by: ReadBy, state: Answered) -> Any:
    """Return the table that options give, or the error."""
    try:
        return read_by(state)
    except DevicekitError as error:
        return error


@dataclass(frozen=True)
class _Tried:
    """A question without the answers that the file refuses, and what each of the others leads to, if it was tried."""

    asked: Question
    question: Question
    outcomes: tuple[tuple[Answered | None, Any], ...]
    refused: bool = False  # every answer

    @property
    def first(self) -> Any:
        """What the best answer leads to; None if it was not tried."""
        number = find_best(self.question.choices)
        return None if number is None else self.outcomes[number][1]

    def with_follow_ups(self, read_by: ReadBy, known: list[Any], budget: _Budget) -> Question:
        """Return the question whose answers, but the first, say what else is to be answered with them."""
        best, _ = _best(self.question)
        choices = []
        for each, (state, outcome) in zip(self.question.choices, self.outcomes, strict=True):
            then = None if state is None or each is best else _follow(outcome, state, read_by, known, budget)
            if then is not None or state is None or each is best:  # else no answer leads on
                choices.append(replace(each, then=then or ()))
        return replace(self.question, choices=tuple(choices))


def _follow(
    outcome: Any, state: Answered, read_by: ReadBy, known: list[Any], budget: _Budget
) -> tuple[Question, ...] | None:
    """Return the questions behind an answer that are not known, by the first answer to each; None if it is refused."""
    found: list[Question] = []
    while isinstance(outcome, QuestionError):
        for each in outcome.asked.each:
            try:
                tried = _try(each, read_by, state, budget)
            except DevicekitError:
                return None
            if tried.refused:
                return None
            if _key(each) not in known:
                known = [*known, _key(each)]
                found.append(tried.question)
            each = tried.question
            best, assumed = _best(each)
            if best is None or assumed:
                return tuple(found)
            try:
                state = state.with_answer(each, best.options)
            except UsageError:
                return tuple(found)
        outcome = _outcome(read_by, state) if len(found) < MOST_PARTS and budget.spend(on_try=True) else None
    return tuple(found)


def _try(question: Question, read_by: ReadBy, state: Answered, budget: _Budget) -> _Tried:
    """Return a question without the answers that the file refuses; some answer stays.

    Raises DevicekitError if the file refuses every answer, and for one reason.
    """
    kept: list[Choice] = []
    outcomes: list[tuple[Answered | None, Any]] = []
    refused: list[DevicekitError] = []
    for each in question.choices:
        answered, outcome = None, None
        filled = _with_voltage(each)
        if not filled.has_blank and not each.options.get("accept") and budget.spend(on_try=True):
            try:
                answered = state.with_answer(question, filled.options)
                outcome = _outcome(read_by, answered)
            except UsageError as error:
                outcome = error
        if isinstance(outcome, DevicekitError) and not isinstance(outcome, QuestionError):
            refused.append(outcome)
            continue
        kept.append(each)
        outcomes.append((answered, outcome))
    if kept:
        return _Tried(question, replace(question, choices=tuple(kept)), tuple(outcomes))
    assumed = any(_with_voltage(each) != each for each in question.choices)  # the file may hold another voltage
    if refused and not assumed and len({str(each) for each in refused}) == 1:
        raise refused[0]
    return _Tried(question, question, ((None, None),) * len(question.choices), bool(refused))
