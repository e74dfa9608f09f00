"""`devicekit run`: the whole chain, from a trace file to a trained network and a report."""

from __future__ import annotations

import time
from dataclasses import replace

from devicekit.cli.common import Force, Json, with_options
from devicekit.cli.outcome import TerminalProgress, print_outcome, write_all
from devicekit.system.options import ReadOptions
from devicekit.verbs.run import RunRequest, run_all
from devicekit.verbs.text import REPORT, Fields


@with_options
def run_command(*, request: RunRequest, reading: ReadOptions, force: Force = False, json_output: Json = False) -> int:
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

    began, out = time.perf_counter(), request.out
    with kept_beside(out) as kept, folders.result_folder(out, "run", force) as folder:
        outcome = run_all(replace(request, reading=reading), TerminalProgress(json_output), kept)
        write_all(outcome, folder)
    seconds = round(time.perf_counter() - began, 2)
    report = Fields([("report", f"{out / REPORT}  ({seconds:.0f} s)")])
    json = {"out": str(out), "seconds": seconds, **outcome.json}
    return print_outcome(replace(outcome, json=json, text=[*outcome.text, report]), json_output)
