"""Captions of figures: what each panel shows, numbers of devices and cycles, bands, conditions, and what data are."""

from __future__ import annotations

from collections.abc import Sequence

from devicekit.core.text import listed
from devicekit.figures.drawn import Drawn
from devicekit.figures.inputs import Input
from devicekit.figures.style import Style
from devicekit.names import mark_sentence


def caption(panels: Sequence[Drawn], words: Sequence[str], style: Style) -> str:
    """Return the caption of a figure of several panels, with a letter each, as the journal writes it."""
    found = [f"{_letter(word, style)}{_of_panel(each)}" for each, word in zip(panels, words, strict=True)]
    inputs = {id(given): given for each in panels for given in each.inputs}
    return "\n\n".join([" ".join(found), _origin(list(inputs.values()))])


def _letter(word: str, style: Style) -> str:
    if not word:
        return ""
    return f"{word} " if style.below else f"**{word}**, "


def _of_panel(panel: Drawn) -> str:
    marks = mark_sentence(mark for each in panel.inputs for mark in each.marks).partition(":")[0]
    return " ".join([f"{marks} data. " if marks else "", panel.shows, *panel.notes]).replace("  ", " ").strip()


def _origin(inputs: Sequence[Input]) -> str:
    """Return what the data are, and where they come from."""
    groups: dict[str, list[str]] = {}
    for each in inputs:
        words = mark_sentence(each.marks)
        if not words:
            unsure = each.holds == "results" and "marks" not in each.numbers
            words = "Data whose origin is not stated" if unsure else "Measured data"
        groups.setdefault(words, []).append(each.source)
    return " ".join(f"{words} ({listed(list(dict.fromkeys(sources)))})." for words, sources in groups.items())
