"""Errors that a user can act on, and warnings: what there is to say about data or a fit that is no error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, ClassVar

ROWS_SHOWN = 10


@dataclass(frozen=True)
class BadRow:
    """One place in the input that is wrong: file row (1-based), column, what was found, what was expected.

    With nothing found to show, `expected` is the whole sentence.
    """

    row: int | None
    column: str | None
    found: str
    expected: str

    def __str__(self) -> str:
        place = ", ".join(
            part for part in (f"row {self.row}" if self.row is not None else "", self.column or "") if part
        )
        return f"{place}: found {self.found}, expected {self.expected}" if self.found else f"{place}: {self.expected}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"row": self.row, "column": self.column, "found": self.found, "expected": self.expected}


def invalid_rows(error: Any, whole: str) -> list[BadRow]:
    """The problems of a pydantic ValidationError; `whole` names the place of one that concerns all of the input."""
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


@dataclass(frozen=True)
class Choice:
    """One answer: the option that says it (`unit=kohm`, or `unit=UNIT` to be filled in), and what it means."""

    said: str
    means: str

    def as_dict(self) -> dict[str, str]:
        """Plain values, for JSON."""
        return {"say": self.said, "means": self.means}


@dataclass(frozen=True)
class Question:
    """What must be said before a file can be read: one question, with its answers and what speaks for them.

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
    """

    text: str
    fields: tuple[str, ...]
    choices: tuple[Choice, ...] = ()
    evidence: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [self.text, *(f"  {each.said}: {each.means}" for each in self.choices)]
        return "\n".join([*lines, *(f"  seen: {each}" for each in self.evidence)])

    def in_words(self, say: Callable[[str], str]) -> Question:
        """The same question with every sentence passed through `say`."""
        choices = tuple(Choice(say(each.said), say(each.means)) for each in self.choices)
        return replace(self, text=say(self.text), choices=choices)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        choices = [each.as_dict() for each in self.choices]
        return {"text": self.text, "fields": list(self.fields), "choices": choices, "evidence": list(self.evidence)}


class DevicekitError(Exception):
    """Base of every error that devicekit raises on purpose; `kind` is stable and appears in --json output.

    `question` is what to answer where that is all that is missing, else None.
    """

    kind = "error"
    question: Question | None = None

    def __init__(self, message: str, rows: Iterable[BadRow] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.rows = tuple(rows)

    def __str__(self) -> str:
        if not self.rows:
            return self.message
        shown = [f"  {row}" for row in self.rows[:ROWS_SHOWN]]
        if len(self.rows) > ROWS_SHOWN:
            shown.append(f"  ... {len(self.rows)} rows in all (.rows lists every one)")
        return "\n".join([self.message, *shown])

    def in_words(self, say: Callable[[str], str]) -> DevicekitError:
        """The same error with every sentence passed through `say`."""
        rows = [replace(row, expected=say(row.expected)) for row in self.rows]
        again = copy(self)
        again.message, again.rows = say(self.message), tuple(rows)
        again.question = self.question and self.question.in_words(say)
        return again

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        question = self.question.as_dict() if self.question else None
        rows = [row.as_dict() for row in self.rows]
        return {"kind": self.kind, "message": self.message, "rows": rows, "question": question}


class UsageError(DevicekitError):
    """An option or argument is wrong or missing."""

    kind = "usage"


class QuestionError(UsageError):
    """A file can be read in more than one way, or says too little: `question` holds what to answer."""

    def __init__(self, where: str, question: Question) -> None:
        super().__init__(f"{where}: {question}")
        self.where = where
        self.question = question

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.where, self.question), {"message": self.message, "question": self.question}


class FileError(DevicekitError):
    """A file or folder is missing, unreadable, in an unknown format, or must not be overwritten."""

    kind = "file"


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


WARNING_CODES = {
    "assumed_unit": "a unit was taken from the file format's convention, not from the file",
    "abs": "magnitudes of negative conductances were taken",
    "clock": "times were those of a clock, and are counted from the first reading",
    "dropped": "rows or readings were left out",
    "split": "cycles or directions were split by devicekit, not named by the file",
    "unpaired": "LTP and LTD do not come in equal numbers",
    "growing_amplitude": "pulse amplitudes grow along the train: eq. (2) is not a law for such trains",
    "reversed": "a trace runs against its direction",
    "few_points": "few points: only simple laws are determined",
    "wide_range": "the conductance spans more than a factor of 30",
    "first_pulse": "the first pulse moves the device far more than the next ones",
    "abrupt": "one pulse moves the device over more than 30 % of its range",
    "plateau": "more than half of the trace is a plateau",
    "overshoot": "the fitted rate falls so steeply that simulated steps overshoot",
    "outliers": "isolated readings lie far from the fitted curve",
    "noisy": "the noise is larger than a step",
    "structured": "residuals are correlated: the law misses the shape, or the noise is not independent",
    "read_noise_only": "the confidence band assumes independent read noise",
    "junction": "the end of LTP and the start of LTD lie apart",
    "range_ratio": "the LTP and LTD ranges differ more than twofold",
    "loop_gain": "alternating LTP and LTD trains amplify a start error in simulation",
    "drift": "the window drifts over the cycles",
    "at_bound": "a coefficient sits at a bound of the fit",
    "repeats": "a pulse was read more than once; every row is kept, and a fit takes the mean",
    "resampled": "the card was fitted to resampled data, to carry the fit's uncertainty",
    "shared_shape": "pulse widths were fitted with one shared shape",
    "weak": "a coefficient is weakly identified",
    "extrapolated": "part of the rate curve lies outside the range that was measured",
    "not_converged": "the fit did not converge",
    "columns": "which columns of the file were taken for which quantity",
    "sheets": "sheets of a workbook that were left out",
    "no_switching": "a sweep that did not switch, or not at once: no V_set, or one without a jump",
    "mixed": "records that are compared differ in how a number was defined or measured",
    "extrapolation": "a prediction reaches far beyond the measured time",
    "synthetic": "the data are synthetic",
    "not_mixed": "chains of a posterior disagree: its quantiles are not reliable",
    "assumed_c2c": "how cycles differ is assumed, not measured: one cycle cannot tell",
    "suspect_unit": "values are improbable for the stated unit",
    "hot": "a simulated filament is hotter than 1000 K",
    "strong_field": "a simulated field is above 1 V/nm, where oxides break down",
    "sparse": "a simulated gap holds less than one vacancy in a nanometre of height",
    "thermal_time": "a simulated time is shorter than heat takes to spread",
    "overfull": "a simulated density is more than twice that of the filament",
}


@dataclass(frozen=True)
class CodedWarning:
    """A remark with a stable code (a key of `WARNING_CODES`) and a sentence for people.

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

    def as_dict(self) -> dict[str, str]:
        """Plain values, for JSON."""
        return {"code": self.code, "message": self.message}

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}"
