"""Captions of figures: what each panel shows, numbers of devices and cycles, bands, conditions, and what data are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devicekit.core.text import listed
from devicekit.figures.drawn import Drawn
from devicekit.figures.inputs import BENCHMARK, METRICS, Input
from devicekit.figures.style import Style
from devicekit.names import mark_sentence, mark_words


def caption(panels: Sequence[Drawn], words: Sequence[str], style: Style) -> str:
    """Return the caption of a figure of several panels, with a letter each, as the journal writes it."""
    seen, found = dict[str, None](), []
    marks = [_mark(each) for each in panels]
    mixed = len(set(marks)) > 1  # else the last sentence says it for all
    for each, word, mark in zip(panels, words, marks, strict=True):
        new = [note for note in each.notes if note not in seen]
        seen |= dict.fromkeys(new)
        begin = f"{mark} data. " if mixed and mark else ""
        found.append(f"{_letter(word, style)}{begin}{' '.join([each.shows, *new])}")
    inputs = {id(given): given for each in panels for given in each.inputs}
    return "\n\n".join([" ".join(found), _origin(list(inputs.values()))])


def _letter(word: str, style: Style) -> str:
    if not word:
        return ""
    return f"{word} " if style.below else f"**{word}**, "


def _mark(panel: Drawn) -> str:
    return mark_words(mark for each in panel.inputs for mark in each.marks)


def _origin(inputs: Sequence[Input]) -> str:
    """Return what the data are, and where they come from."""
    groups: dict[str, dict[str, None]] = {}
    for each in inputs:
        words = mark_sentence(each.marks) or "Measured data"
        if each.holds in ("training", "benchmark"):
            words = f"Simulated networks on devices of {words[:1].lower()}{words[1:]}" if not each.marks else words
        elif each.holds == "results" and "marks" not in each.numbers:
            words = "Origin of the data not stated"
        path = Path(each.source)
        name = path.parent.name if path.name in (METRICS, BENCHMARK) else path.name
        groups.setdefault(words, {})[name or each.label] = None
    return " ".join(f"{words} ({listed(list(names))})." for words, names in groups.items())
