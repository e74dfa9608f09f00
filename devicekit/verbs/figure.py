"""The verb figure: panels for a paper from measurements, results, cards and records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.core.declarations import document, option
from devicekit.features.definitions import DEFAULT_V_RESET, DEFAULT_V_SET, V_RESET, V_SET
from devicekit.names import mark_sentence
from devicekit.system.commands import Reproduction, call, command, non_default
from devicekit.system.options import ReadOptions
from devicekit.verbs import shared
from devicekit.verbs.outcome import SILENT, Outcome, Progress
from devicekit.verbs.text import Block, Columns, Fields, Paragraph, Title

if TYPE_CHECKING:
    from devicekit.figures.compose import PaperFigure
    from devicekit.report import Report

STYLES = ("nature", "ieee", "plain")
SIZES = ("single", "double")
PROBABILITIES = ("linear", "normal", "lognormal", "weibull")
QUANTITIES = ("siemens", "ohm")


def _names(text: str | None) -> tuple[str, ...]:
    """Return names that commas separate."""
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


@dataclass(frozen=True, kw_only=True)
class FigureRequest:
    """Request for the figures of a paper."""

    results: tuple[str, ...] = option(
        argument=True,
        default=MISSING,
        metavar="RESULT...",
        help="Measured files, folders of results, device cards, or library:ID.",
    )
    out: Path = shared.out_folder(default=Path("devicekit-figure"))
    style: str = option(default="nature", choices=STYLES, help="Journal")
    size: str | None = option(choices=SIZES, help="Column of the page; by the number of panels if not given")
    panels: tuple[str, ...] = option(
        default=(),
        typed=str | None,
        parse=_names,
        metavar="NAMES",
        help="Panels in their order, such as iv,cdf; all that the data give if not given.",
    )
    labels: tuple[str, ...] = option(
        default=(),
        typed=str | None,
        parse=_names,
        metavar="NAMES",
        help="Name of each result in legends, separated by commas; that of its file if not given.",
    )
    probability: str = option(default="linear", choices=PROBABILITIES, help="Axes of distributions")
    show: str = option(default="siemens", choices=QUANTITIES, help="States as conductances or resistances")
    mark: bool = option(
        "--no-mark", default=True, help="Leave SYNTHETIC out of the picture; the caption and the files still say it."
    )
    v_set: str = option(default=DEFAULT_V_SET, choices=V_SET, help="Definition of V_set")
    v_reset: str = option(default=DEFAULT_V_RESET, choices=V_RESET, help="Definition of V_reset")
    threshold: float = shared.threshold()
    library: Path | None = option(metavar="DIR", help="Folder of the library; else DEVICEKIT_LIBRARY names it.")
    reading: ReadOptions = field(default_factory=ReadOptions)


document(FigureRequest)


def run_figure(
    request: FigureRequest, progress: Progress = SILENT, given: Sequence[Any] | None = None
) -> Outcome[PaperFigure]:
    """Draw the panels of results in the style of a journal.

    Raises DevicekitError if a result cannot be read, or a panel needs what none has.

    Parameters
    ----------
    request : FigureRequest
    progress : Progress
    given : sequence of object, optional
        The results, if they are loaded already.
    """
    from devicekit.features.merit import Settings
    from devicekit.figures.make import compose, grouped, load_all

    settings = Settings(
        read_voltage=request.reading.read_voltage,
        v_set=request.v_set,
        v_reset=request.v_reset,
        threshold=request.threshold,
    )
    inputs = []
    with progress.counting("reading", "results") as count:
        results, reading = grouped(given or request.results, request.reading, request.labels)
        for number, each in enumerate(results, 1):
            inputs += load_all([each], reading, settings, request.library)
            count(number, len(results))
    figure = compose(
        inputs,
        request.style,
        request.size,
        request.panels,
        request.labels,
        request.probability,
        request.show,
        request.mark,
    )
    sizes = [figure.size_mm(page) for page in range(len(figure.pages))]
    json = {
        "out": str(request.out),
        "style": request.style,
        "font": figure.style.font(),
        "figures": [
            {"width_mm": round(wide, 3), "height_mm": round(high, 3), "panels": [each.name for each in page]}
            for (wide, high), page in zip(sizes, figure.pages, strict=True)
        ],
        "inputs": [
            {"label": each.label, "source": each.source, "holds": each.kind or each.holds, "marks": list(each.marks)}
            for each in figure.inputs
        ],
        "files": list(figure.files()),
    }
    return Outcome(
        result=figure,
        json=json,
        page=lambda command: _page(figure, command),
        files=figure.files(),
        text=_text(figure, sizes, request.out),
        reproduction=_reproduction(request),
    )


def _text(figure: PaperFigure, sizes: Sequence[tuple[float, float]], out: Path) -> list[Block]:
    marks = mark_sentence(mark for each in figure.inputs for mark in each.marks)
    rows = [(each.name, each.shows) for each in figure.panels]
    wide = " and ".join(f"{width:.0f} x {height:.0f} mm" for width, height in sizes)
    found: list[Block] = [*([Title(marks)] if marks else []), Columns(("panel", "shows"), rows, words=2)]
    if figure.style.font() not in figure.style.fonts[:2]:
        missing, first = " and ".join(figure.style.fonts[:2]), figure.style.fonts[0]
        words = f"{missing} are not on this machine: the PDF has {figure.style.font()}, and the SVG asks for {first}."
        found.append(Paragraph(words))
    return [*found, Fields([("figure", f"{out}, {wide}: SVG, PDF, CSV of each panel, captions.md")])]


def _page(figure: PaperFigure, command: str) -> Report:
    """Return the page on which the figure is seen as it is in its files, with its captions."""
    from devicekit.report import Figure, Report, Section, Text, mark_keys
    from devicekit.report.pictures import data_uri

    blocks: list[Any] = []
    for page, text in enumerate(figure.captions().split("\n\n\n")):
        wide, high = figure.size_mm(page)
        picture, words = data_uri("image/svg+xml", figure.render(page)), f"{wide:.0f} x {high:.0f} mm"
        blocks.append(
            Figure(
                picture,
                f"As in its files, {words}.",
                f"Figure {page + 1}, {words}",
                wide=figure.size == "double",
                ratio=high / wide,
            )
        )
        blocks.append(Text(text.replace("**", "").strip().split("\n\n")))
    names = ", ".join(each.name for each in figure.panels)
    return Report(
        title="Figure for a paper",
        verdict=f"{len(figure.panels)} panels in the style {figure.style.name}: {names}.",
        sections=[Section("Figure", "figure", blocks)],
        marks=mark_keys(mark for each in figure.inputs for mark in each.marks),
        source=command,
    )


def _reproduction(request: FigureRequest) -> Reproduction:
    named = ("style", "size", "panels", "labels", "probability", "show")
    usual = FigureRequest(results=())
    options = {name: value for name in named if (value := getattr(request, name)) != getattr(usual, name)}
    reading = non_default(request.reading)
    line = command("figure", request.results, {**options, **reading, "out": "figure"})
    made = call("devicekit.figure", *map(repr, request.results), **options, **reading, out="figure")
    return Reproduction(line, f"import devicekit\n{made}")
