"""Errors that a user can act on, and coded warnings about data and fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from devicekit.core.codes import WARNING_CODES
from devicekit.core.records import Record, column, plain

ROWS_SHOWN = 10
THEN_SHOWN, THEN_LENGTH = 3, 60  # answers to a question that follows from an answer, and characters of their words
LONGEST_MESSAGE = 4000  # bytes; a file's own words may be as long as the file


def bounded(message: str, most: int = LONGEST_MESSAGE) -> str:
    """Shorten a message to so many bytes: the beginning of a longer one, and the end, where the reason stands."""
    data = message.encode("utf-8", "replace")
    if len(data) <= most:
        return message
    kept = most - 50
    head, tail = data[: kept - kept // 4], data[-(kept // 4) :]
    gap = f" ... ({len(data) - kept} bytes left out) ... "
    return f"{head.decode('utf-8', 'ignore')}{gap}{tail.decode('utf-8', 'ignore')}"


def shorten(text: str, most: int = THEN_LENGTH) -> str:
    """Return the beginning of a text that is too long for its line."""
    if len(text) <= most:
        return text
    cut = text[:most]
    if cut.count("{") > cut.count("}"):  # half of an option cannot be read
        cut = cut[: cut.rindex("{")].rpartition(" ")[0]
    return f"{cut}..."


@dataclass(frozen=True)
class BadRow:
    """One place in the input that is wrong: file row (1-based), column, what was found, what was expected.

    With nothing found to show, `expected` is the whole sentence.
    """

    row: int | None
    column: str | None
    found: str
    expected: str

    def __post_init__(self) -> None:
        for name in ("column", "found", "expected"):
            if isinstance(held := getattr(self, name), str):
                object.__setattr__(self, name, bounded(held, LONGEST_MESSAGE // 4))

    def __str__(self) -> str:
        place = ", ".join(
            part for part in (f"row {self.row}" if self.row is not None else "", self.column or "") if part
        )
        return f"{place}: found {self.found}, expected {self.expected}" if self.found else f"{place}: {self.expected}"


def invalid_rows(error: Any, whole: str) -> list[BadRow]:
    """Return the problems of a pydantic ValidationError; `whole` names the place of one that concerns all input."""
    rows = []
    for problem in error.errors():
        place = ".".join(map(str, problem["loc"])) or whole
        if problem["type"] == "value_error":  # a sentence of our own, which says what it found
            rows.append(BadRow(None, place, "", str(problem["ctx"]["error"])))
            continue
        if problem["type"] == "missing":
            rows.append(BadRow(None, place, "nothing", "a value"))
            continue
        found = problem.get("input")
        plain = isinstance(found, (str, int, float, bool, type(None)))
        shown = repr(found)[:80] if plain else type(found).__name__
        rows.append(BadRow(None, place, shown, problem["msg"].removeprefix("Input should be ")))
    return rows


class Blank(str):
    """A word that stands for what only the user knows, such as COLUMN or V: to be filled in."""


@dataclass(frozen=True, kw_only=True)
class Choice(Record):
    """One answer: the options that say it, and what it means.

    Parameters
    ----------
    typed_options : str
        The options as one writes them: `unit=kohm`, or `read_voltage=V` with a word to be filled in.
    means : str
        What the answer means.
    options : mapping of str to value
        The same as keywords of `devicekit.read`; a `Blank` stands for what is to be filled in.
    then : tuple of Question
        What is also to be answered, with this answer; not of the first answer, whose parts say it.
    """

    typed_options: str = column(name="say")
    means: str
    options: Mapping[str, Any] = field(default_factory=dict)
    then: tuple[Question, ...] = column(default=(), optional=True, doc="what is also to be answered")

    @classmethod
    def of(cls, means: str, **options: Any) -> Self:
        """Return the answer that options give."""
        typed = " ".join(f"{name}={_written(value)}" for name, value in options.items())
        return cls(typed_options=typed, means=means, options=options)

    @property
    def has_blank(self) -> bool:
        """True if a value of an option is still to be filled in."""
        values = (inner for value in self.options.values() for inner in _each(value))
        return any(isinstance(value, Blank) for value in values)


def _each(value: Any) -> Iterable[Any]:
    """Return the values in an option: those of a mapping or a tuple, else itself."""
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (tuple, list)) else (value,)


def _written(value: Any) -> str:
    """Return a value of an option as messages write it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{ours}: {theirs}" for ours, theirs in value.items()) + "}"
    if isinstance(value, tuple):
        return f"({', '.join(map(str, value))})"
    return repr(value) if (isinstance(value, str) and {",", "(", " ", "*"} & set(value)) or value == "." else str(value)


@dataclass(frozen=True)
class Question(Record):
    """One question that must be answered before a file can be read, with its plausible answers and evidence.

    Parameters
    ----------
    text : str
        The question, one sentence.
    fields : tuple of str
        Fields of `ReadOptions` that answer it.
    choices : tuple of Choice
        Every answer that is plausible, the likeliest first.
    evidence : tuple of str
        What was seen in the file.
    subject : str
        What an inferred statement is about, such as "kind"; "" for a question that the file leaves open.
    parts : tuple of Question
        Everything that is open, this question included, where it is more than one thing; else empty. The later ones
        hold if the earlier ones get their first answers.
    """

    text: str
    fields: tuple[str, ...]
    choices: tuple[Choice, ...] = ()
    evidence: tuple[str, ...] = ()
    subject: str = ""
    parts: tuple[Question, ...] = ()

    @property
    def each(self) -> tuple[Question, ...]:
        """Every question to be answered."""
        return self.parts or (self,)

    @property
    def first_answers(self) -> str:
        """The first answer to every question, all at once; "" if one is missing or blank, or two give one option."""
        if not all(each.choices for each in self.each) or self.each[0].choices[0].has_blank:
            return ""
        given: dict[str, Any] = {}
        for each in self.each:
            for name, value in each.choices[0].options.items():
                if isinstance(value, Mapping):
                    value = {**given.pop(name, {}), **value}
                if given.setdefault(name, value) != value:
                    return ""  # two units: each holds behind its own question
        return Choice.of("", **given).typed_options

    @property
    def in_one_line(self) -> str:
        """The question and its first answers, in one line."""
        answers = [f"{each.typed_options} ({shorten(each.means)})" for each in self.choices[:THEN_SHOWN]]
        return f"{shorten(self.text, 2 * THEN_LENGTH)} {'; '.join(answers)}"

    def __str__(self) -> str:
        if self.parts:
            lines = [f"{len(self.parts)} things are open", *(f"({k}) {each}" for k, each in enumerate(self.parts, 1))]
            if not any("kind" in choice.options for each in self.parts for choice in each.choices):
                lines.append("with kind=record the columns are kept as they are, whatever they are")
            return "\n".join(
                [*lines, *([f"for example, all at once: {self.first_answers}"] if self.first_answers else [])]
            )
        lines, told = [self.text], set[str]()
        for each in self.choices:
            lines.append(f"  {each.typed_options}: {each.means}")
            for then in (one.in_one_line for one in each.then):
                lines.append(f"    then {shorten(then) + ' (as above)' if then in told else then}")
                told.add(then)
        return "\n".join([*lines, *(f"  seen: {each}" for each in self.evidence)])

    def with_evidence(self, line: str) -> Question:
        """Return the same question with a line before its evidence, and before that of its first part."""
        first = (self.parts[0].with_evidence(line), *self.parts[1:]) if self.parts else ()
        return replace(self, evidence=(line, *self.evidence), parts=first)

    def in_words(self, say: Callable[[str], str]) -> Question:
        """Return the same question with every sentence passed through `say`."""
        choices = tuple(
            replace(
                each,
                typed_options=say(each.typed_options),
                means=say(each.means),
                then=tuple(one.in_words(say) for one in each.then),
            )
            for each in self.choices
        )
        return replace(
            self, text=say(self.text), choices=choices, parts=tuple(each.in_words(say) for each in self.parts)
        )

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", bounded(self.text))
        object.__setattr__(self, "evidence", tuple(map(bounded, self.evidence)))


class DevicekitError(Exception):
    """Base of every error that devicekit raises on purpose; `kind` is stable and appears in --json output.

    `question` is what to answer where that is all that is missing, else None.
    """

    kind = "error"
    question: Question | None = None

    def __init__(self, message: str, rows: Iterable[BadRow] = ()) -> None:
        super().__init__(bounded(message))
        self.message = message
        self.rows = tuple(rows)

    @property
    def message(self) -> str:
        """The message without its rows; bounded in length."""
        return self._message

    @message.setter
    def message(self, message: str) -> None:
        self._message = bounded(message)

    def __str__(self) -> str:
        if not self.rows:
            return self.message
        shown = [f"  {row}" for row in self.rows[:ROWS_SHOWN]]
        if len(self.rows) > ROWS_SHOWN:
            shown.append(f"  ... {len(self.rows)} rows in all (.rows lists every one)")
        return bounded("\n".join([self.message, *shown]))

    def in_words(self, say: Callable[[str], str]) -> DevicekitError:
        """Return the same error with every sentence passed through `say`."""
        rows = [replace(row, expected=say(row.expected)) for row in self.rows]
        again = copy(self)
        again.message, again.rows = say(self.message), tuple(rows)
        again.question = self.question and self.question.in_words(say)
        return again

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        found = {"kind": self.kind, "message": self.message, "rows": self.rows, "question": self.question}
        return {name: plain(each) for name, each in found.items()}


class UsageError(DevicekitError):
    """An option or argument is wrong or missing."""

    kind = "usage"


class QuestionError(UsageError):
    """A file can be read in more than one way, or says too little: `question` holds what to answer."""

    def __init__(self, where: str, question: Question) -> None:
        super().__init__(f"{where}: {question}")
        self.where = where
        self.question = question

    @property
    def asked(self) -> Question:
        """The question, which this error always has."""
        assert self.question is not None
        return self.question

    def asking(self, *questions: Question) -> QuestionError:
        """Return the same error with other questions, all that are open."""
        first = questions[0]
        again = QuestionError(self.where, first if len(questions) == 1 else replace(first, parts=questions))
        again.rows = self.rows
        return again

    def __reduce__(self) -> tuple[Any, ...]:
        return (
            type(self),
            (self.where, self.question),
            {"message": self.message, "question": self.question, "rows": self.rows},
        )


class FileError(DevicekitError):
    """A file or folder is missing, unreadable, in an unknown format, or must not be overwritten."""

    kind = "file"

    @classmethod
    def of(cls, what: str, path: object, error: Exception) -> Self:
        """Return the error of a path that the system refuses: what cannot be done, such as "cannot read", and why."""
        return cls(f"{what} {path}: {getattr(error, 'strerror', None) or error}")


class OwnFileError(FileError):
    """A file that devicekit wrote is given as measured data: a card, or with `results` the numbers of a result."""

    def __init__(self, path: Any, results: bool = False) -> None:
        what = "holds results of devicekit" if results else "is a file of devicekit, such as a card"
        super().__init__(f"{path.name} {what}, not measured data")
        self.path, self.results = path, results

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.results)


class NoTableError(FileError):
    """A file can be read, but holds no table of measurements; a folder is read without it."""


class TableError(DevicekitError):
    """A table breaks its schema; `rows` lists every bad row."""

    kind = "table"


class TraceError(DevicekitError):
    """A trace cannot be fitted: too short, constant, no net change."""

    kind = "trace"


class CardError(DevicekitError):
    """A device card is not valid."""

    kind = "card"


class ParameterError(DevicekitError):
    """A material, stack or study parameter is missing, unknown, or out of range."""

    kind = "parameter"


@dataclass(frozen=True)
class CodedWarning(Record):
    """A remark with a stable code (a key of `devicekit.core.codes.WARNING_CODES`) and a sentence for people.

    Raises
    ------
    ValueError
        If `code` is not a known code.
    """

    code: str
    message: str
    __pydantic_config__: ClassVar = {"extra": "forbid"}  # a card with a field that nobody knows is refused

    def __post_init__(self) -> None:
        if self.code not in WARNING_CODES:
            raise ValueError(f"unknown warning code {self.code!r}")
        object.__setattr__(self, "message", bounded(self.message))

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}"
