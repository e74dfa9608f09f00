"""Layout of panels in cells of one size: axes of a row and of a column in line, letters at the corners of the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.figures.style import Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAD_PT = 3.0  # between the labels of a panel and the edge of its cell
LEAST = 0.2  # of a cell that its axes take at least


def add_axes(figure: Any, count: int, across: int) -> list[Axes]:
    """Add the axes of so many panels, about where they will be."""
    rows = -(-count // across)
    found = []
    for n in range(count):
        column, row = n % across, n // across
        found.append(figure.add_axes(((column + 0.25) / across, 1 - (row + 0.8) / rows, 0.7 / across, 0.65 / rows)))
    return found


def arrange(axes: Sequence[Axes], across: int, style: Style, lettered: bool) -> None:
    """Set axes that fill the cells with their labels: margins are those of the widest labels of row or column."""
    figure: Any = axes[0].figure
    wide, high, point = figure.bbox.width, figure.bbox.height, figure.dpi / 72.0
    cell = np.array([wide / across, high / -(-len(axes) // across)])
    margins = np.array([_margins(ax, figure._get_renderer()) for ax in axes])
    letter = (style.letter_pt + 1.0) * point if lettered and not style.below else 0.0
    for n, ax in enumerate(axes):
        column, row = n % across, n // across
        left, right = margins[column::across, :2].max(axis=0)
        bottom, top = margins[row * across : (row + 1) * across, 2:].max(axis=0)
        start = np.array([column * cell[0] + left, high - (row + 1) * cell[1] + bottom]) + PAD_PT * point
        end = np.array([(column + 1) * cell[0] - right, high - row * cell[1] - max(top, letter)]) - PAD_PT * point
        size = np.maximum(end - start, LEAST * cell)
        ax.set_position((*(start / (wide, high)), *(size / (wide, high))))


def _margins(ax: Any, renderer: Any) -> tuple[float, float, float, float]:
    """Return how far labels, ticks and legend reach beyond the axes: left, right, below, above [pixels]."""
    inside, whole = ax.get_window_extent(renderer), ax.get_tightbbox(renderer)
    ends = (inside.x0 - whole.x0, whole.x1 - inside.x1, inside.y0 - whole.y0, whole.y1 - inside.y1)
    return tuple(max(each, 0.0) for each in ends)  # type: ignore[return-value]


def set_letters(axes: Sequence[Axes], words: Sequence[str], across: int, style: Style) -> None:
    """Set the letters of panels at the upper left corners of their cells, or below their axes as the journal wants."""
    figure: Any = axes[0].figure
    for n, (ax, letter) in enumerate(zip(axes, words, strict=True)):
        if style.below:
            ax.set_xlabel(f"{ax.get_xlabel()}\n{letter}")
            continue
        rows = -(-len(axes) // across)
        x = (n % across) / across + PAD_PT / 72 / figure.get_figwidth()
        y = 1 - (n // across) / rows - PAD_PT / 72 / figure.get_figheight()
        weight = "bold" if style.bold else "normal"
        figure.text(x, y, letter, ha="left", va="top", fontsize=style.letter_pt, fontweight=weight)
