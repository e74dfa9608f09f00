"""`devicekit compare`: every update law side by side."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Json, ReplaceFile, over_files, with_options
from devicekit.cli.outcome import Page, check_page, show, write_page
from devicekit.system.options import ReadOptions
from devicekit.verbs.outcome import shown
from devicekit.verbs.text import marks_title

if TYPE_CHECKING:
    from devicekit.fitting.comparison import Comparison


def _print(name: str, comparison: Comparison) -> None:
    for direction, scores in comparison.branches.items():
        label = comparison.nl[direction]
        terminal.title(f"{name}: {direction.upper()}")
        terminal.paragraph(comparison.verdict(direction), 2)
        best_bic, best_aicc = scores[0].bic, min(score.aicc for score in scores)
        rows = [
            (
                f"{score.rank:>4} {score.model}",
                f"{100 * score.rms:.3f}",
                f"{score.bic - best_bic:.1f}",
                f"{score.aicc - best_aicc:.1f}",
                str(score.k),
            )
            for score in scores
        ]
        terminal.table(("rank law", "rms [% of window]", "BIC - best", "AICc - best", "parameters"), rows)
        terminal.paragraph(
            f"Ranked by BIC on {comparison.basis[direction]}. NL label {label['data']:.2f} from the data, "
            f"{label['fit']:.2f} from the exponential (its rms misfit is {label['fit_rms']:.2%} of the window).",
            2,
        )
    terminal.paragraph(
        "rms: free-running curve against the mean curve, over the window that LTP and LTD share; the laws were fitted "
        "to what the criteria are on. devicekit fit fits the mean curve itself, and its nrmse is over the range of "
        "each branch's own curve: the two numbers differ.",
        2,
    )


@with_options
def compare_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files or folders of pulse trains.")],
    reading: ReadOptions,
    report: Page = None,
    force: ReplaceFile = False,
    json_output: Json = False,
) -> int:
    """Fit every update law to LTP and LTD and rank them by BIC.

    Example:
        devicekit compare ramps/ --quantity current --read-voltage 0.1 --report laws.html
    """
    from devicekit.fitting.comparison import compare
    from devicekit.fitting.comparison_page import comparison_page
    from devicekit.fitting.device import read_pulses
    from devicekit.readers.multiple_files import group_files

    inputs, reading = group_files(files, reading)
    check_page(report, inputs)

    def work(file: Path | list[Path]) -> dict[str, Any]:
        table = read_pulses(file, reading)
        comparison = compare(table)
        if not json_output:
            show(marks_title(table.marks))
            _print(shown(file), comparison)
        page = partial(comparison_page, comparison, marks=table.marks)
        return {
            **comparison.as_dict(),
            "marks": list(table.marks),
            **write_page(report, file, inputs, json_output, page),
        }

    return over_files(inputs, json_output, work)
