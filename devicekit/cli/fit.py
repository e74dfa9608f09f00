"""`devicekit fit`: an update law fitted to pulse trains, and the device card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devicekit.cli.common import Json, ReplaceFile, Report, Seed, choice, over_files, this_command, with_options
from devicekit.cli.outcome import TerminalProgress, show
from devicekit.core.errors import UsageError
from devicekit.fitting.branch.options import CHOICES
from devicekit.models import law_names
from devicekit.system.options import ReadOptions

Model = Annotated[str, choice("--model", law_names(), "Update law", "LAW")]


@with_options
def fit_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files or folders of pulse trains.")],
    reading: ReadOptions,
    model: Model = "eq2",
    loss: Annotated[
        str,
        choice("--loss", CHOICES["loss"], "Loss function"),
    ] = "linear",
    estimator: Annotated[
        str,
        choice(
            "--estimator",
            CHOICES["estimator"],
            "Likelihood of whole trains, trajectory of the mean curve, or steps over all cycles",
        ),
    ] = "auto",
    share: Annotated[
        str | None,
        choice("--share", CHOICES["share"], "One shape for all pulses, scaled by a law of the width or amplitude"),
    ] = None,
    state: Annotated[
        str,
        choice("--state", CHOICES["state"], "State of the law; use the logarithm for several decades"),
    ] = "linear",
    resample: Annotated[
        int,
        typer.Option(
            "--resample",
            metavar="N",
            min=0,
            help="Also write N cards fitted to resampled data: the uncertainty of the fit.",
        ),
    ] = 0,
    posterior: Annotated[
        bool,
        typer.Option(
            "--posterior",
            help="Draw from the posterior of one device and report how well they mixed; --resample N writes draws.",
        ),
    ] = False,
    seed: Seed = 0,
    stdp: Annotated[
        Path | None,
        typer.Option("--stdp", metavar="FILE", help="Spike-timing changes of the device: the card gets their window."),
    ] = None,
    synthetic: Annotated[bool, typer.Option("--synthetic", help="Mark the card as synthetic data.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="CARD.json", help="Write the device card into this file, which names the device."
        ),
    ] = None,
    report: Report = None,
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
    from devicekit.fitting.branch.options import FitOptions
    from devicekit.readers.multiple_files import group_files
    from devicekit.system.writing import check_writable
    from devicekit.verbs.fit import FitRequest, read_window, run_fit
    from devicekit.verbs.outcome import stem

    options = FitOptions(model, loss, estimator, share, state)
    if resample and out is None:
        raise UsageError("--resample writes cards: give --out CARD.json too.")
    if stdp is not None and out is None:
        raise UsageError("--stdp adds a window to the card: give --out CARD.json too.")
    if resample and share is not None:
        raise UsageError("--resample does not support joint fits. Remove --share or --resample.")
    for path in (out, report):
        if path is not None:
            check_writable(path)
    inputs, reading = group_files(files, reading)
    several = len(inputs) > 1
    if several and (out or report) and len({stem(file) for file in inputs}) < len(inputs):
        raise UsageError("Two files have the same name, and so would their cards. Fit them one by one.")
    window = None if stdp is None else read_window(stdp, synthetic)

    def of_input(path: Path | None, file: Path | list[Path], suffix: str) -> Path | None:
        if path is None or not several:
            return path
        return path.with_name(f"{path.stem}_{stem(file)}{path.suffix or suffix}")

    def work(file: Path | list[Path]) -> dict[str, object]:
        request = FitRequest(
            file=file,
            reading=reading,
            options=options,
            card=of_input(out, file, ".json"),
            report=of_input(report, file, ".html"),
            synthetic=synthetic,
            stdp=window,
            posterior=posterior,
            resample=resample,
            seed=seed,
        )
        outcome = run_fit(request, TerminalProgress(json_output))
        if request.card is not None:
            outcome.write(request.card.parent)
        if request.report is not None:
            outcome.page(this_command()).save(request.report)
        if not json_output:
            show(outcome.text)
        return {**outcome.json}

    return over_files(inputs, json_output, work)
