"""A figure from whatever was given: files, results, cards, records, tables, fits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devicekit.core.errors import UsageError
from devicekit.features.merit import Settings
from devicekit.figures.compose import PaperFigure, find_panels
from devicekit.figures.drawn import PROBABILITIES, QUANTITIES, How
from devicekit.figures.inputs import LIBRARY, Input, load, relabelled
from devicekit.figures.style import style_named
from devicekit.system.options import ReadOptions

SIZES = ("single", "double")
FEW = 2  # panels up to which a figure takes one column


def figure(
    *results: Any,
    style: str = "nature",
    size: str | None = None,
    panels: Sequence[str] = (),
    labels: Sequence[str] = (),
    probability: str = "linear",
    show: str = "siemens",
    mark: bool = True,
    out: Path | str | None = None,
    library: Path | str | None = None,
    settings: Settings | None = None,
    **reading: Any,
) -> PaperFigure:
    """Make a figure for a paper.

    Parameters
    ----------
    *results : path, str or object
        Measured files, folders that devicekit wrote, device cards, `library:ID`; tables, characterizations, fits,
        cards, records, and results of a training or a benchmark.
    style : {"nature", "ieee", "plain"}
        Journal (`devicekit.figures.style`).
    size : {"single", "double"}, optional
        Columns of the page; one for up to two panels.
    panels : sequence of str
        Panels in their order; all that the data give if empty.
    labels : sequence of str
        Name of each input; that of its file if empty.
    probability : {"linear", "normal", "lognormal", "weibull"}
        Axes of distributions.
    show : {"siemens", "ohm"}
        States as conductances or as resistances.
    mark : bool
        Write SYNTHETIC, SIMULATED or CALIBRATED into the picture; captions and files say it in any case.
    out : path-like, optional
        Folder to write into.
    library : path-like, optional
        Folder of the library of `library:ID`.
    settings : Settings, optional
        Definitions of V_set and V_reset, threshold.
    **reading
        Fields of `ReadOptions`.

    Returns
    -------
    PaperFigure

    Raises
    ------
    DevicekitError
        If an input cannot be read, or a panel needs what no input has.
    """
    options = ReadOptions.of(**reading)
    together, options = grouped(results, options, labels)
    given = load_all(together, options, settings or Settings(read_voltage=options.read_voltage), library)
    made = compose(given, style, size, panels, labels, probability, show, mark)
    if out is not None:
        made.save(out)
    return made


def load_all(
    results: Sequence[Any], reading: ReadOptions, settings: Settings, library: Path | str | None = None
) -> list[Input]:
    """Load all inputs of a figure.

    Raises DevicekitError if there is none, or one cannot be read.
    """
    if not results:
        raise UsageError("A figure needs a file, a result, a card or a record: give one or more.")
    folder = None if library is None else Path(library)
    return [each for result in results for each in load(result, reading, settings, folder)]


def grouped(results: Sequence[Any], reading: ReadOptions, labels: Sequence[str]) -> tuple[list[Any], ReadOptions]:
    """Return the results with those files as one that make one table, by an option or by their names.

    They take the place of the first of them. With a label for each file they stay apart.
    """
    from devicekit.readers.multiple_files import group_files

    files = [Path(each) for each in results if _is_measured(each)]
    if len(files) < 2 or len(labels) == len(results):
        return list(results), reading
    inputs, reading = group_files(files, reading)
    if len(inputs) == len(files):
        return list(results), reading
    first = next(n for n, each in enumerate(results) if _is_measured(each))
    return [*results[:first], *inputs, *(each for each in results[first:] if not _is_measured(each))], reading


def _is_measured(given: Any) -> bool:
    if not isinstance(given, str | os.PathLike) or str(given).startswith(LIBRARY):
        return False
    return not os.path.isdir(given) and not str(given).lower().endswith(".json")


def compose(
    given: Sequence[Input],
    style: str,
    size: str | None,
    panels: Sequence[str],
    labels: Sequence[str],
    probability: str,
    show: str,
    mark: bool,
) -> PaperFigure:
    """Return the figure of inputs; parameters as in `figure`.

    Raises UsageError if a choice is unknown, or a panel needs what no input has.
    """
    for name, value, known in (
        ("probability", probability, PROBABILITIES),
        ("show", show, QUANTITIES),
        ("size", size, (None, *SIZES)),
    ):
        if value not in known:
            raise UsageError(f"{name}={value!r} is unknown. Choose one of: {', '.join(filter(None, known))}.")
    journal, inputs = style_named(style), relabelled(given, labels)
    found = find_panels(inputs, panels, How(probability=probability, show=show))  # type: ignore[arg-type]
    chosen = size or SIZES[len(found) > FEW]
    return PaperFigure(panels=found, inputs=tuple(inputs), style=journal, size=chosen, marked=mark)
