"""Figures of several panels: which panels the inputs give, their layout, and their files."""

from __future__ import annotations

import io
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd

from devicekit.core.errors import UsageError
from devicekit.core.text import listed
from devicekit.figures.captions import caption
from devicekit.figures.draw import draw, editable, fit_words, set_legend
from devicekit.figures.drawn import Drawn, How, PanelFile
from devicekit.figures.inputs import Input
from devicekit.figures.layout import add_axes, arrange, set_letters
from devicekit.figures.numbers import numbers
from devicekit.figures.style import MM, Style
from devicekit.names import mark_sentence, mark_words
from devicekit.system import ownmark, plugins, writing
from devicekit.tables import write_csv

FORMATS = ("svg", "pdf")


def panel_files() -> list[PanelFile]:
    """Return the modules of panels in the order of a figure."""
    return sorted(plugins.FIGURES.all().values(), key=lambda each: each.RANK)


def panel_names() -> tuple[str, ...]:
    """Return the names of all panels in the order of a figure."""
    return tuple(name for each in panel_files() for name in each.NAMES)


def find_panels(inputs: Sequence[Input], wanted: Sequence[str], how: How) -> tuple[Drawn, ...]:
    """Return the panels that inputs give: those that are wanted, in that order, or all.

    Raises UsageError if a name is unknown, if no input has what a wanted panel needs, or if there is nothing to draw.
    """
    known = {name: each for each in panel_files() for name in each.NAMES}
    words = {*known, *(name.partition("-")[0] for name in known)}
    if unknown := [each for each in wanted if each not in words]:
        raise UsageError(f"Unknown panel {unknown[0]!r}. Choose from: {', '.join(known)}.")
    asked = [name for word in wanted for name in known if word == name or name.startswith(f"{word}-")]
    files = {id(known[name]): known[name] for name in (asked or known)}
    drawn = {each.name: each for file in files.values() for each in file.draw(inputs, how)}
    for word in wanted:
        if not any(word == name or name.startswith(f"{word}-") for name in drawn):
            needs = next(each.NEEDS for name, each in known.items() if word in (name, name.partition("-")[0]))
            raise UsageError(f"The panel {word} needs {needs}. {' '.join(each.without(needs) for each in inputs)}")
    found = tuple(
        drawn[one] for name in dict.fromkeys(asked or known) for one in drawn if re.fullmatch(rf"{name}(-\d+)?", one)
    )
    if not found:
        held = listed([f"{each.label} ({each.kind or each.holds})" for each in inputs])
        raise UsageError(f"No panel shows what these hold: {held}. Panels: {', '.join(known)}.")
    return found


@dataclass(frozen=True, eq=False, kw_only=True)
class PaperFigure:
    """Panels in the style of a journal, alone and together.

    Attributes
    ----------
    panels : tuple of Drawn
    inputs : tuple of Input
    style : Style
    size : str
        "single" or "double".
    marked : bool
        Whether SYNTHETIC and the like stand in the picture.
    """

    panels: tuple[Drawn, ...]
    inputs: tuple[Input, ...]
    style: Style
    size: str
    marked: bool = True

    @property
    def across(self) -> int:
        """Number of panels side by side: rows are filled evenly."""
        rows = -(-len(self.panels) // self.style.across[self.size == "double"])
        return -(-len(self.panels) // rows)

    @property
    def panel_mm(self) -> tuple[float, float]:
        """Width and height of one panel [mm]."""
        wide = self.style.width_mm(self.size) / self.across
        return wide, self.style.height_mm(wide)

    @cached_property
    def pages(self) -> list[tuple[Drawn, ...]]:
        """The panels of each figure: one figure, or several where one would be higher than the journal allows."""
        rows = max(1, int(self.style.highest_mm // self.panel_mm[1]))
        most = rows * self.across
        return [self.panels[k : k + most] for k in range(0, len(self.panels), most)]

    def size_mm(self, page: int = 0) -> tuple[float, float]:
        """Return width and height of a figure [mm]."""
        rows = -(-len(self.pages[page]) // self.across)
        return self.style.width_mm(self.size), rows * self.panel_mm[1]

    def letters(self, page: int = 0) -> tuple[str, ...]:
        """Return the letters of the panels of a figure; none of one alone."""
        panels = self.pages[page]
        if len(panels) == 1:
            return ("",)
        return tuple(self.style.letter.format(letter) for letter in string.ascii_lowercase[: len(panels)])

    def captions(self) -> str:
        """Return the captions of the figures as Markdown, to be pasted below them."""
        found = []
        for page, panels in enumerate(self.pages):
            begin = f"Fig. {page + 1}. " if self.style.below else f"**Fig. {page + 1}** | "
            found.append(begin + caption(panels, self.letters(page), self.style))
        return "\n\n\n".join(found) + "\n"

    def numbers(self) -> pd.DataFrame:
        """Return medians, 5 and 95 % quantiles, C2C and D2D of every quantity of every input."""
        return numbers(self.inputs)

    def files(self) -> dict[str, Callable[[Path], object]]:
        """Return what `save` writes: name -> (path) writes it."""
        found: dict[str, Callable[[Path], object]] = {}
        for page in range(len(self.pages)):
            name = "figure" if len(self.pages) == 1 else f"figure-{page + 1}"
            for kind in FORMATS:
                found[f"{name}.{kind}"] = partial(_write, self.render, page, kind)
        for each in self.panels:
            for kind in FORMATS:
                found[f"{each.name}.{kind}"] = partial(_write, self.render_panel, each, kind)
            marks = [mark for given in each.inputs for mark in given.marks]
            found[f"{each.name}.csv"] = partial(write_csv, each.panel.frame(), marks=marks)
        found["captions.md"] = partial(writing.write_text, text=self.captions())
        if len(table := self.numbers()):
            marks = [mark for each in self.inputs for mark in each.marks]
            found["numbers.csv"] = partial(write_csv, table, marks=marks)
        return found

    def save(self, folder: Path | str, force: bool = False) -> Path:
        """Write figures, panels, captions and data into a folder; return it.

        Raises
        ------
        FileError
            If it holds something else, or cannot be written.
        """
        from devicekit.system.folders import result_folder

        with result_folder(Path(folder), "figure", force) as new:
            for name, write in self.files().items():
                write(new / name)
        return Path(folder)

    def render(self, page: int = 0, kind: str = "svg") -> bytes:
        """Return a figure as bytes: "svg", "pdf" or "png"."""
        panels = self.pages[page]
        return self._render(panels, self.letters(page), self.size_mm(page), self.across, kind)

    def render_panel(self, panel: Drawn, kind: str = "svg") -> bytes:
        """Return one panel as bytes, as large as it is in the figure."""
        return self._render((panel,), ("",), self.panel_mm, 1, kind)

    def _render(
        self, panels: Sequence[Drawn], words: Sequence[str], size: tuple[float, float], across: int, kind: str
    ) -> bytes:
        import matplotlib
        from matplotlib.figure import Figure as Canvas

        settings: Any = self.style.settings()
        with matplotlib.rc_context(settings):
            canvas = Canvas(figsize=(size[0] * MM, size[1] * MM))
            axes = add_axes(canvas, len(panels), across)
            for ax, panel in zip(axes, panels, strict=True):
                draw(panel, ax, self.style, self._mark(panel) if self.marked else "")
            lettered = any(words)
            arrange(axes, across, self.style, lettered)
            for ax, panel in zip(axes, panels, strict=True):
                fit_words(panel, ax, self.style)
            if lettered:
                set_letters(axes, words, across, self.style)
            arrange(axes, across, self.style, lettered)
            for n, ax in enumerate(axes):
                end = (n % across + 1) / across * canvas.bbox.width
                set_legend(ax, end - ax.get_window_extent().x0)
            arrange(axes, across, self.style, lettered)
            buffer = io.BytesIO()
            canvas.savefig(buffer, format=kind, dpi=600, metadata=self._metadata(panels, kind))
        return editable(buffer.getvalue(), self.style) if kind == "svg" else buffer.getvalue()

    @staticmethod
    def _mark(panel: Drawn) -> str:
        return mark_words(mark for each in panel.inputs for mark in each.marks)

    def _metadata(self, panels: Sequence[Drawn], kind: str) -> dict[str, Any]:
        """Return what a file says of itself: no date, so that the same data give the same bytes."""
        words = mark_sentence(mark for panel in panels for each in panel.inputs for mark in each.marks)
        made = ownmark.figure_metadata(kind)
        if kind == "svg":
            return {**made, "Date": None, **({"Description": words} if words else {})}
        if kind == "pdf":
            return {**made, "CreationDate": None, **({"Subject": words} if words else {})}
        return {**made}


def _write(render: Callable[[Any, str], bytes], what: Any, kind: str, path: Path) -> None:
    writing.write_bytes(path, render(what, kind))
