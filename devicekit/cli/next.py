"""`devicekit next`: which measurement would narrow most what is not known yet."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli import progress, terminal
from devicekit.cli.common import Json, ReplaceFile, choice, over_files, with_options
from devicekit.cli.outcome import Page, check_written, show, write_page
from devicekit.models import law_names
from devicekit.system.options import ReadOptions
from devicekit.verbs.outcome import shown
from devicekit.verbs.text import marks_title

if TYPE_CHECKING:
    from devicekit.fitting.uncertainty.advice import Advice

GOALS, RESETS = ("rate", "increment", "population"), ("free", "train")


def _print(name: str, advice: Advice) -> None:
    """Print the verdict; then the measurements, where one of them pays."""
    terminal.title(name)
    terminal.paragraph(advice.verdict, 2)
    if advice.is_enough:
        return
    best = advice.best
    now, then = 100 * best.sd_now, 100 * best.sd_then
    decimals = next((n for n in range(1, 5) if f"{now:.{n}f}" != f"{then:.{n}f}"), 1)
    rows = [
        (
            each.name,
            str(each.cost),
            str(each.reads),
            *(f"{100 * sd:.{decimals}f}" for sd in (each.sd_now, each.sd_then)),
        )
        for each in advice.candidates
    ]
    terminal.table(("measurement, of each branch", "pulses", "readings", "sd now [%]", "sd then [%]"), rows)
    for each in advice.assumptions:
        terminal.paragraph(f"Assumed: {each}." if not each.startswith("goal") else f"{each.capitalize()}.", 2)


@with_options
def next_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files or folders of pulse trains.")],
    reading: ReadOptions,
    model: Annotated[str, choice("--model", law_names(), "Update law", "LAW")] = "eq2",
    goal: Annotated[str, choice("--goal", GOALS, "Quantity to know better")] = "rate",
    reset: Annotated[str, choice("--reset", RESETS, "Cost of starting a train again")] = "free",
    budget: Annotated[
        int | None,
        typer.Option("--budget", metavar="N", min=1, help="Pulses of each branch, resets included."),
    ] = None,
    report: Page = None,
    force: ReplaceFile = False,
    json_output: Json = False,
) -> int:
    """Find the measurement that most narrows the rate, the increment or the population.

    For one device at one pulse width (--device, --width), among measurements within --budget. If none pays and the
    quantity is known to 5 %, you have enough.

    Examples:
        devicekit next train.csv --report next.html
        devicekit next ramps/ --quantity current --read-voltage 0.1 --goal increment --reset train
    """
    from devicekit.fitting.branch.options import FitOptions
    from devicekit.fitting.device import fit_table, read_pulses
    from devicekit.fitting.uncertainty.advice import check_single, next_measurement
    from devicekit.fitting.uncertainty.advice_page import advice_page
    from devicekit.readers.multiple_files import group_files

    inputs, reading = group_files(files, reading)
    check_written("--report", report, inputs, ".html")

    def work(file: Path | list[Path]) -> dict[str, Any]:
        table = read_pulses(file, reading)
        check_single(table)
        with progress.doing(f"comparing measurements of {shown(file)}", json_output):
            advice = next_measurement(fit_table(table, FitOptions(model)), goal, reset, budget)
        if not json_output:
            show(marks_title(table.marks))
            _print(shown(file), advice)
        page = partial(advice_page, advice, marks=table.marks)
        return {
            **advice.as_dict(),
            "marks": list(table.marks),
            **write_page(report, file, inputs, json_output, page),
        }

    return over_files(inputs, json_output, work)
