"""One self-contained HTML file: sections of text, tables and figures, no network, no script needed."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devicekit import files
from devicekit._version import __version__
from devicekit.plot import Image, Panel, draw_row, row_csv
from devicekit.report import theme

# Small enough that its text stays legible on a telephone: 10 pt becomes 9.4 px at 360 px.
FIGURE_SIZE = (4.8, 3.1)  # inch


@dataclass(frozen=True)
class Figure:
    """A figure as an SVG data URI, with caption and alternative text; `csv` is the data behind it.

    `wide` figures take the whole width of the page; others stand in pairs where there is room.
    """

    uri: str
    caption: str
    alt: str
    csv: str | None = None
    wide: bool = False
    kind: str = "figure"

    @property
    def csv_uri(self) -> str | None:
        """The data as a URI to download, or None."""
        return None if self.csv is None else _data_uri("text/csv", self.csv.encode())


@dataclass(frozen=True)
class Table:
    """A table of text; numbers are formatted by whoever makes it."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    kind: str = "table"

    @property
    def is_pairs(self) -> bool:
        """Whether it is a list of names and values, which wraps on a narrow screen where others scroll."""
        return len(self.header) == 2


@dataclass(frozen=True)
class Text:
    """Paragraphs."""

    paragraphs: Sequence[str]
    kind: str = "text"


@dataclass(frozen=True)
class Listing:
    """Commands or code, set as they are."""

    text: str
    kind: str = "listing"


@dataclass(frozen=True)
class CodedList:
    """Sentences with a code each, such as warnings."""

    rows: Sequence[tuple[str, str]]
    kind: str = "coded"


Block = Figure | Table | Text | Listing | CodedList


@dataclass(frozen=True)
class Section:
    """A titled part of a report; `anchor` is its id in the page."""

    title: str
    anchor: str
    blocks: Sequence[Block]

    @property
    def rows(self) -> list[list[Block]]:
        """The blocks in order, neighbouring figures together."""
        rows: list[list[Block]] = []
        for block in self.blocks:
            if isinstance(block, Figure) and rows and isinstance(rows[-1][0], Figure):
                rows[-1].append(block)
            else:
                rows.append([block])
        return rows


@dataclass(frozen=True)
class Report:
    """A report: title, a plain-language summary, sections.

    Attributes
    ----------
    summary : sequence of str
        The result in plain sentences, the most important first.
    synthetic : bool
        Whether the data behind it are synthetic: then the page says so at its top.
    facts : sequence of (str, str)
        The few numbers that matter most, by name, with their units.
    """

    title: str
    summary: Sequence[str]
    sections: Sequence[Section] = field(default_factory=tuple)
    synthetic: bool = False
    facts: Sequence[tuple[str, str]] = ()

    def to_html(self) -> str:
        """The page as text; every value is escaped."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        environment = Environment(
            loader=PackageLoader("devicekit.report", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        page = environment.get_template("report.html.j2")
        return page.render(report=self, version=__version__, light=theme.LIGHT, dark=theme.DARK)

    def save(self, path: Path) -> None:
        """Write the page whole or not at all."""
        files.write_text(path, self.to_html())


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _style() -> dict[str, Any]:
    """Text stays text (small, searchable); ids and metadata stay the same from run to run."""
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "devicekit",
        "font.family": "sans-serif",
        "axes.spines.top": False,
        "axes.spines.right": False,
    }


def render(plot: Callable[[Any], object], size: tuple[float, float], grid: tuple[int, int] | None = None) -> bytes:
    """An SVG of what `plot` draws into an Axes, or into an array of Axes of shape `grid`."""
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    look: Any = _style()
    with matplotlib.rc_context(look):
        canvas = Canvas(figsize=size, layout="constrained")
        plot(canvas.subplots() if grid is None else canvas.subplots(*grid, squeeze=False))
        buffer = io.BytesIO()
        canvas.savefig(buffer, format="svg", metadata={"Date": None})
    return theme.follow_the_reader(buffer.getvalue().decode()).encode()


def draw(
    shown: Panel | Sequence[Image],
    caption: str,
    alt: str,
    size: tuple[float, float] = FIGURE_SIZE,
    wide: bool = False,
) -> Figure:
    """A figure with the data behind it.

    Parameters
    ----------
    shown : Panel, or sequence of Image
        What it shows; maps of one quantity stand side by side with one colour bar.
    caption, alt : str
        Text under the figure, and text for those who cannot see it.
    size : tuple of float
        Width and height [inch].
    wide : bool
        Whether it takes the whole width of the page.
    """
    if isinstance(shown, Panel):
        return Figure(_data_uri("image/svg+xml", render(shown.draw, size)), caption, alt, shown.csv(), wide)
    svg = render(lambda axes: draw_row(shown, list(axes[0])), size, (1, len(shown)))
    return Figure(_data_uri("image/svg+xml", svg), caption, alt, row_csv(shown), wide)
