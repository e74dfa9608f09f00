"""`devicekit compare`: every update law side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli.common import Json, over_files, with_reading_options
from devicekit.options import ReadOptions

if TYPE_CHECKING:
    from devicekit.comparing import Comparison


def _print(file: Path, comparison: Comparison) -> None:
    for way, scores in comparison.branches.items():
        label = comparison.nl[way]
        typer.echo(f"{file}: {way.upper()}, criteria on {comparison.basis[way]}")
        typer.echo(f"  NL label: {label['data']:.2f} from the data, {label['fit']:.2f} from the exponential "
                   f"(its rms misfit is {label['fit_rms']:.2%} of the window)")  # fmt: skip
        typer.echo(
            f"  {'rank':>4} {'law':<12} {'k':>2} {'BIC - best':>11} {'AICc - best':>11} {'rms, % of window':>17}"
        )
        best_bic, best_aicc = scores[0].bic, min(score.aicc for score in scores)
        for score in scores:
            typer.echo(
                f"  {score.rank:>4} {score.model:<12} {score.k:>2} {score.bic - best_bic:>11.1f} "
                f"{score.aicc - best_aicc:>11.1f} {100 * score.rms:>17.3f}"
            )


@with_reading_options
def compare_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files or folders of pulse trains.")],
    reading: ReadOptions,
    json_output: Json = False,
) -> int:
    """Fit every update law to LTP and LTD and rank them by BIC.

    Example: devicekit compare ramps/ --quantity current --read-voltage 0.1
    """
    from devicekit.comparing import compare
    from devicekit.fitting import read_pulses

    def work(file: Path) -> dict[str, Any]:
        comparison = compare(read_pulses(file, reading))
        if not json_output:
            _print(file, comparison)
        return comparison.as_dict()

    return over_files(files, json_output, work)
