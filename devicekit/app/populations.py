"""Folders of many cells in the app: what the names of the files say, shown and asked before anything is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from devicekit.app.results import ReadResult, Seen
from devicekit.core.errors import Choice, DevicekitError, Question, QuestionError
from devicekit.core.text import listed
from devicekit.system.answers import Answered, FormAnswers
from devicekit.system.options import ReadOptions

if TYPE_CHECKING:
    from devicekit.population.opening import Opened

KIND = "population"
ROWS = 12  # files that are shown
OF_ONE_TABLE = ("files_are", "key", "kind", "format")  # a folder that is read with one of them is one table


def is_population(path: Path, reading: ReadOptions) -> bool:
    """Return whether an upload is a folder of many cells that a person has not described as one table."""
    from devicekit.population import opening

    return not any(getattr(reading, name) for name in OF_ONE_TABLE) and opening.is_population(path)


def read_names(path: Path, reading: ReadOptions, form: FormAnswers, asked: tuple[Question, ...]) -> ReadResult:
    """Return what the names of a folder say, with a question until a person has confirmed it.

    Raises DevicekitError if the names have no form in common, or no file can be read.

    Parameters
    ----------
    path : Path
    reading : ReadOptions
    form : FormAnswers
        Answers so far.
    asked : tuple of Question
        The parts of their form.
    """
    from devicekit.population.opening import open_folder

    state, known = Answered(reading), {each.text: each for each in asked}
    seen: Seen | None = None
    while True:
        question = None
        try:
            opened = open_folder(path, replace(state.options, accept=True))
            seen, question = _see(opened), _ask(opened)
        except QuestionError as error:
            question = error.asked
        known |= {each.text: each for each in question.each}
        if question.text in state.accepted or (found := form.apply(question, state)) is None:
            break
        state = found
    is_open = question.text not in state.accepted
    parts = tuple(known[text] for text in form.used if text in known)
    return ReadResult(
        seen=seen,
        question=question if is_open else None,
        asked=(*parts, *(question.each if is_open else ())),
        answered=state,
    )


def _ask(opened: Opened) -> Question:
    yes = Choice.of("yes", accept=True)
    return replace(opened.question, choices=(yes,))


def _see(opened: Opened) -> Seen:
    """Return the fields of the names, some files with them, and a sweep of each step."""
    from devicekit.population.opening import fields_of

    keys = [each.keys for each in opened.entries]
    facts = (("content", KIND), ("files", str(len(keys))), *fields_of(keys))
    columns = list(dict.fromkeys(name for each in keys for name in each.shown()))
    rows = [(entry.name, *(entry.keys.shown().get(name, "") for name in columns)) for entry in opened.entries[:ROWS]]
    left = [(each.file, each.reason) for each in opened.left_out]
    return Seen(
        kind=KIND,
        format="",
        facts=facts,
        odd=(),
        layout=tuple(("names", each.text) for each in opened.templates),
        warnings=tuple(("left out", f"{file}: {reason}") for file, reason in left),
        statements=(),
        ends=(),
        rows=(("file", *columns), *rows),
        preview=_draw(opened),
    )


def _draw(opened: Opened) -> str:
    """Draw the first sweep of each step as HTML."""
    from devicekit.app.content import draw_figure
    from devicekit.population import figures

    curves = {}
    for entry in opened.entries:
        if entry.keys.step in curves:
            continue
        try:
            trace, _ = opened.makes.read(entry.path)
        except DevicekitError:
            continue
        at = trace.sweeps()[0]
        curves[entry.keys.step] = trace.voltage[at], trace.current[at]
    if not curves:
        return ""
    caption = f"First {listed(tuple(each or 'sweep' for each in curves))}."
    return draw_figure(figures.sweeps(curves), caption, caption[:-1])
