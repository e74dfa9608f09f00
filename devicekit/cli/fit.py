"""`devicekit fit`: an update law fitted to pulse trains, and the device card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from devicekit.cli.common import Json, ReplaceFile, over_files, this_command, with_options
from devicekit.cli.outcome import TerminalProgress, check_written, show
from devicekit.core.errors import UsageError
from devicekit.system.options import ReadOptions
from devicekit.verbs.fit import FitRequest, read_window, run_fit
from devicekit.verbs.outcome import Input, path_of


@with_options
def fit_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files or folders of pulse trains.")],
    *,
    request: FitRequest,
    reading: ReadOptions,
    force: ReplaceFile = False,
    json_output: Json = False,
) -> int:
    """Fit an update law to LTP and LTD trains.

    --out CARD.json writes the device card that train, study and export take; several pulse widths give one card
    each.

    Examples:
        devicekit fit ramps/ --quantity current --read-voltage 0.1 --out card.json
        devicekit fit table.csv --model softbounds --loss tukey --report fit.html
        devicekit fit table.csv --posterior --out card.json --resample 16
    """
    from devicekit.readers.multiple_files import group_files

    out, report = request.out, request.report
    _ = request.options  # refused before the work
    if request.resample and out is None:
        raise UsageError("--resample writes cards: give --out CARD.json too.")
    if request.stdp is not None and out is None:
        raise UsageError("--stdp adds a window to the card: give --out CARD.json too.")
    if request.resample and request.share is not None:
        raise UsageError("--resample does not support joint fits. Remove --share or --resample.")
    inputs, reading = group_files(files, reading)
    several = len(inputs) > 1
    check_written("--out", out, inputs, ".json")
    check_written("--report", report, inputs, ".html")
    window = None if request.stdp is None else read_window(request.stdp, request.synthetic)

    def work(file: Input) -> dict[str, object]:
        own = {"out": path_of(out, file, several, ".json"), "report": path_of(report, file, several, ".html")}
        asked = replace(request, file=file, reading=reading, window=window, **own)  # type: ignore[arg-type]
        outcome = run_fit(asked, TerminalProgress(json_output))
        if asked.out is not None:
            outcome.write(asked.out.parent)
        if asked.report is not None:
            outcome.page(this_command()).save(asked.report)
        if not json_output:
            show(outcome.text)
        return {**outcome.json}

    return over_files(inputs, json_output, work)
