"""Questions of the readers on a terminal: all that is open, one after the other; Enter takes the first answer."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from devicekit.cli import terminal
from devicekit.core.errors import Question, UsageError
from devicekit.core.pairs import parse_pairs
from devicekit.core.text import natural_number
from devicekit.readers.layout import KEPT
from devicekit.system import writing
from devicekit.system.answers import Answered
from devicekit.system.blanks import fill_blanks, list_blank_labels, parse_word
from devicekit.system.commands import in_command_words
from devicekit.system.options import OPTIONS, group_options

if TYPE_CHECKING:
    from devicekit.tables import Table


def confirmation_rows(table: Table, path: Path | None) -> list[tuple[str, str]]:
    """Return what the confirm page of the app shows as words: points, statements, first and last row."""
    from devicekit.features import confirm

    points = confirm.points(table)
    rows = [] if points is None else [("points", points.words)]
    rows += [(subject, f"{says}; {origin}") for subject, says, origin in confirm.statements(table)]
    for each in confirm.end_rows(table, path):
        rows.append((each.name, each.in_si))
        rows += [(f"  {each.place}", each.file_cells)] if each.file_cells else []
    return rows


def asked_on_terminal(question: Question, state: Answered, trial: Table | None) -> Answered:
    """Ask each part of a question; after another answer than the first the file is read again before the next part."""
    if trial is not None:
        terminal.paragraph("With the first answers:", err=True)
        terminal.fields(confirmation_rows(trial, None), err=True)
    if len(question.each) > 1:
        terminal.paragraph(f"{len(question.each)} questions about the file (Enter takes the first answer):", err=True)
    for each in question.each:
        number, state = _ask_one(each, state)
        if number != 0:
            break
    return state


def _ask_one(question: Question, state: Answered) -> tuple[int, Answered]:
    """Return the number of the answer (from 0, -1 for options that were typed) and the options with it."""
    shown = question.in_words(in_command_words)
    terminal.paragraph(shown.text, err=True)
    for line in shown.evidence:
        terminal.paragraph(f"seen: {line}", 2, err=True)
    for number, each in enumerate(shown.choices, 1):
        terminal.paragraph(f"{number}  {each.means} ({each.typed_options})", 2, err=True)
    while True:
        word = typer.prompt("Answer, options such as --unit nA, or ? for all", default="1", err=True).strip()
        if word == "?":
            _describe_all(state)
            continue
        try:
            if not word.isdigit():
                return -1, _with_options(word, state)
            number = natural_number(word) or 0
            if not 1 <= number <= len(question.choices):
                raise UsageError(f"Answer with a number from 1 to {len(question.choices)}, or an option.")
            choice = question.choices[number - 1]
            words = [str(typer.prompt(f"  {label}", err=True)) for label in list_blank_labels(choice)]
            return number - 1, state.with_answer(question, fill_blanks(choice.options, words))
        except UsageError as error:
            terminal.error(str(error.in_words(in_command_words)))


def _describe_all(state: Answered) -> None:
    """Print the columns of the file and all reading options, as the form of the app shows them."""
    from devicekit.readers.opening import open_columns

    for path in writing.list_inputs()[:1]:
        terminal.paragraph(f"Columns of {path.name} (--map ROLE=COLUMN; --names gives names with units):", err=True)
        columns = open_columns(path, state.options).columns
        rows = [
            (each.name, ", ".join(filter(None, (*each.cells, each.unit and f"in {each.unit}")))) for each in columns
        ]
        terminal.fields(rows, err=True)
    terminal.paragraph(f"Roles: {', '.join((*OPTIONS['columns'].offered, KEPT))}", err=True)
    for title, options in group_options().items():
        terminal.paragraph(f"{title}:", err=True)
        terminal.fields([(each.flag, each.help_text) for each in options], err=True)


def _with_options(typed: str, state: Answered) -> Answered:
    """Return the options with those that were typed: `--unit nA --map value=G`, or `unit=nA`."""
    known = {name: each for each in OPTIONS.values() for name in (each.flag, each.keyword, each.name)}
    given: dict[str, Any] = {}
    words = iter(shlex.split(typed))
    for word in words:
        off = word.startswith("--no-") and word not in known
        name, _, value = (f"--{word.removeprefix('--no-')}" if off else word).partition("=")
        if (option := known.get(name)) is not None and option.kind.type is bool:
            value = "no" if off or value.lower() in ("no", "false") else "yes"  # a switch takes no word behind it
        elif word.startswith("--") and "=" not in word:
            value = next(words, "")
        if option is None or (off and value != "no"):
            raise UsageError(
                f"{name} is not a reading option. Choose one of {', '.join(each.flag for each in OPTIONS.values())}."
            )
        if option.is_pairs:
            given[option.name] = {
                **given.get(option.name, {}),
                **parse_pairs([value], f"{option.flag} takes NAME=VALUE"),
            }
        else:
            given[option.name] = parse_word(option, value)
    accept = given.pop("accept", False)  # everything, not one statement
    state = state.with_answer(Question("", ()), given)
    return replace(state, options=replace(state.options, accept=True)) if accept else state
