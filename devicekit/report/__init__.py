"""One self-contained HTML file: sections of text, tables and figures, no network, no script needed."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devicekit import __version__, files


@dataclass(frozen=True)
class Figure:
    """A figure as an SVG data URI, with caption and alternative text; `csv` is the data behind it."""

    uri: str
    caption: str
    alt: str
    csv: str | None = None
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
class Remarks:
    """Warnings with their codes."""

    rows: Sequence[tuple[str, str]]
    kind: str = "remarks"


Block = Figure | Table | Text | Listing | Remarks


@dataclass(frozen=True)
class Section:
    """A titled part of a report; `anchor` is its id in the page."""

    title: str
    anchor: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """A report: title, a plain-language summary, sections.

    Attributes
    ----------
    synthetic : bool
        Whether the data behind it are synthetic: then the page says so at its top.
    """

    title: str
    summary: Sequence[str]
    sections: Sequence[Section] = field(default_factory=tuple)
    synthetic: bool = False

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
        return environment.get_template("report.html.j2").render(report=self, version=__version__)

    def save(self, path: Path) -> None:
        """Write the page whole or not at all."""
        files.write_text(path, self.to_html())


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def draw(
    plot: Callable[[Any], object],
    caption: str,
    alt: str,
    size: tuple[float, float] = (6.0, 3.4),
    csv: str | None = None,
    grid: tuple[int, int] | None = None,
) -> Figure:
    """A figure drawn by `plot(ax)`.

    Parameters
    ----------
    plot : callable
        Draws into the Axes it is given; into an array of Axes of shape `grid` if that is given.
    caption, alt : str
        Text under the figure, and text for those who cannot see it.
    size : tuple of float
        Width and height [inch].
    csv : str, optional
        The data behind the figure, offered for download.
    grid : (int, int), optional
        Rows and columns of Axes.
    """
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    # text stays text (small, searchable), ids and metadata stay the same from run to run
    with matplotlib.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "devicekit", "font.family": "sans-serif"}
    ):
        canvas = Canvas(figsize=size, layout="constrained")
        plot(canvas.subplots() if grid is None else canvas.subplots(*grid, squeeze=False))
        buffer = io.BytesIO()
        canvas.savefig(buffer, format="svg", metadata={"Date": None})
    return Figure(_data_uri("image/svg+xml", buffer.getvalue()), caption, alt, csv)
