"""`devicekit run`: the whole chain, from a trace file to a trained network and a report."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from devicekit.cli.common import Force, Json, Seed, with_options
from devicekit.cli.fit import Model
from devicekit.cli.outcome import TerminalProgress, print_outcome, write_all
from devicekit.cli.train import Data, DataDir, Epochs
from devicekit.system.options import ReadOptions
from devicekit.verbs.outcome import REPORT
from devicekit.verbs.text import Fields

DEFAULT_OUT = Path("devicekit-run")


@with_options
def run_command(
    reading: ReadOptions,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="File or folder of pulse trains; the shipped example if not given."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")] = DEFAULT_OUT,
    model: Model = "eq2",
    epochs: Epochs = 15,
    data: Data = "digits",
    data_dir: DataDir = None,
    benchmark: Annotated[
        bool,
        typer.Option(
            "--benchmark/--no-benchmark", help="Also run a short benchmark: accuracy lost, and to which flaw."
        ),
    ] = True,
    draws: Annotated[
        int,
        typer.Option(
            "--draws",
            metavar="N",
            min=0,
            help="For few cycles: devices that the data also allow, for the benchmark; 0 for none.",
        ),
    ] = 12,
    seed: Seed = 0,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Run the whole chain, from traces to one report.

    Reads, fits, makes the card, trains a network in situ, simulates the set I-V of the default stack, and writes
    table.csv, card.json, metrics.json and report.html.

    Examples:
        devicekit run
        devicekit run ramps/ --quantity current --read-voltage 0.1 --out ramps-run
        devicekit run ramps/ --quantity current --read-voltage 0.1 --data optdigits
    """
    from devicekit.system import folders
    from devicekit.system.kept import kept_beside
    from devicekit.verbs.run import RunRequest, run_all

    began = time.perf_counter()
    request = RunRequest(
        file=file,
        reading=reading,
        model=model,
        epochs=epochs,
        data=data,
        data_dir=data_dir,
        benchmark=benchmark,
        draws=draws,
        seed=seed,
    )
    with kept_beside(out) as kept, folders.result_folder(out, "run", force) as folder:
        outcome = run_all(request, TerminalProgress(json_output), kept)
        write_all(outcome, folder)
    seconds = round(time.perf_counter() - began, 2)
    report = Fields([("report", f"{out / REPORT}  ({seconds:.0f} s)")])
    json = {"out": str(out), "seconds": seconds, **outcome.json}
    return print_outcome(replace(outcome, json=json, text=[*outcome.text, report]), json_output)
