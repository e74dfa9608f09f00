"""The recipe for a file: found by its fingerprint, offered where several fit, asked about where a file departs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from devicekit.core.errors import Choice, CodedWarning, DevicekitError, QuestionError, UsageError
from devicekit.readers import matching, recipe
from devicekit.readers.fingerprints import Known
from devicekit.readers.questions import ask as ask_question
from devicekit.readers.recipe import NONE, Recipe
from devicekit.readers.source import Source
from devicekit.system.options import ReadOptions

MOST_OFFERED = 4  # recipes for a file without names


@dataclass(frozen=True)
class Found:
    """The recipe of a file, None if there is none; recipes that are possible; and how it departs from a shipped one."""

    recipe: Recipe | None = None
    possible: tuple[Recipe, ...] = ()
    departs: str = ""


def find(source: Source, options: ReadOptions, ask: bool = True) -> Found:
    """Return the recipe whose fingerprint a file has, unless options describe the file in another way.

    Raises
    ------
    QuestionError
        If several recipes fit, or the file departs from a recipe of the user; not without `ask`.
    """
    matches = matching.find(source, recipe.list_known())
    fitting = _load([*matches.exact], options)
    if len(fitting) == 1:
        return Found(fitting[0])
    if ask and fitting:
        raise ask_question(
            source.path.name,
            "which recipe is for this file? Its names fit more than one",
            [*map(_choice, fitting), _WITHOUT],
        )
    departs = ""
    for known, difference in matches.near if ask and not matches.exact else ():
        for each in _load([known], options):
            if known.own:
                raise _ask_about_departure(source, each, difference)
            departs = departs or f"not read by recipe {each.path.stem}: {difference}"
    return Found(possible=tuple(_load([*matches.possible], options))[:MOST_OFFERED], departs=departs)


def align(used: Recipe, source: Source, options: ReadOptions) -> ReadOptions:
    """Return options with the rows above the names as they are in this file: a preamble may grow or shrink."""
    if used.options.skip is None or options.skip != used.options.skip or not used.fingerprint.is_certain:
        return options
    matches = matching.find(source, [Known(used.path, used.fingerprint, own=True)])
    return options if matches.skip is None else replace(options, skip=matches.skip)


_WITHOUT = Choice.of("read the file by its own words, without a recipe", recipe=NONE)


def _load(found: Sequence[Known], options: ReadOptions) -> list[Recipe]:
    """Return recipes that agree with the given options; one that cannot be read is left to `devicekit recipe list`."""
    loaded = []
    for each in found:
        try:
            loaded.append(recipe.load(each.path))
        except UsageError:
            continue
    return [each for each in loaded if each.agrees_with(options)]


def _choice(each: Recipe) -> Choice:
    return Choice.of(each.about or f"recipe {each.path.stem}", recipe=each.path.stem)


def _ask_about_departure(source: Source, each: Recipe, difference: str) -> QuestionError:
    """Return the question about a file of a make of the user's that differs from it, naming the difference."""
    return ask_question(
        source.path.name,
        f"is this a file of recipe {each.path.stem}? It departs from it: {difference}",
        [_WITHOUT],
        [f"recipe {each.path.stem}: {each.about}"] if each.about else (),
        fields=("recipe", "columns", "unit"),
    )


@contextmanager
def offer(found: Found) -> Iterator[None]:
    """Put recipes that are possible before the answers of a question, and how the file departs among its evidence."""
    try:
        yield
    except QuestionError as error:
        asked = error.question
        if asked is None or not (found.possible or found.departs):
            raise
        choices = (*map(_choice, found.possible), *asked.choices)
        fields = tuple(dict.fromkeys((*(("recipe",) if found.possible else ()), *asked.fields)))
        evidence = (*asked.evidence, *((found.departs,) if found.departs else ()))
        raise QuestionError(error.where, replace(asked, choices=choices, fields=fields, evidence=evidence)) from error


@contextmanager
def explain(used: Recipe) -> Iterator[None]:
    """Name the recipe in an error about a file that was read by it unasked."""
    try:
        yield
    except DevicekitError as error:
        if not isinstance(error, QuestionError):
            error.message = f"{error.message} (Read by recipe {used.path.stem}; recipe={NONE} reads it without.)"
        raise


def notice(used: Recipe) -> CodedWarning:
    """Return the remark that names the recipe by which a file was read."""
    what = f" ({used.about})" if used.about else ""
    return CodedWarning("recipe", f"read by recipe {used.path.stem}{what}")
