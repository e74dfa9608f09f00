"""`devicekit compare`: every update law side by side."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli import progress
from devicekit.cli.common import Json, ReplaceFile, over_files, with_options
from devicekit.cli.outcome import Page, check_written, show, write_page
from devicekit.system.options import ReadOptions
from devicekit.verbs.outcome import shown
from devicekit.verbs.text import Block, Columns, Paragraph, Title, marks_title, table_of

if TYPE_CHECKING:
    from devicekit.fitting.comparison import Comparison


def _text(name: str, found: Comparison) -> list[Block]:
    """Return the blocks that a terminal shows: verdict, advice, and what the page has in tables."""
    from devicekit.fitting.comparison_page import comparison_notes

    blocks: list[Block] = [Title(name), Paragraph(found.verdict()), Paragraph(found.advice())]
    for direction, scores in found.branches.items():
        blocks += [Paragraph(f"{found.caption(direction)}."), table_of(scores)]
    return [*blocks, *map(Paragraph, comparison_notes(found)), Columns(found.label_head, found.label_rows())]


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
    check_written("--report", report, inputs, ".html")

    def work(file: Path | list[Path]) -> dict[str, Any]:
        table = read_pulses(file, reading)
        with progress.doing(f"comparing laws on {shown(file)}", json_output):
            comparison = compare(table)
        if not json_output:
            show([*marks_title(table.marks), *_text(shown(file), comparison)])
        page = partial(comparison_page, comparison, marks=table.marks)
        return {
            **comparison.as_dict(),
            "marks": list(table.marks),
            **write_page(report, file, inputs, json_output, page),
        }

    return over_files(inputs, json_output, work)
