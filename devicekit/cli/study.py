"""`devicekit study`: a grid of runs from one file, in parallel and resumable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devicekit.cli import progress, terminal
from devicekit.cli.common import Force, Json, print_json, this_command, with_options
from devicekit.verbs import shared

if TYPE_CHECKING:
    from devicekit.report import Report
    from devicekit.studies.result import StudyResult


def _studies(incomplete: str) -> list[str]:
    """Return the studies that the shell completes, beside files."""
    from devicekit.studies.spec import shipped

    return [name for name in shipped() if name.startswith(incomplete)]


@dataclass(frozen=True)
class Processes:
    """Processes or machines that do the runs."""

    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Processes on this machine.")] = 1
    dask: Annotated[
        str | None,
        typer.Option("--dask", metavar="ADDRESS", help="Address of a dask scheduler instead of --jobs."),
    ] = None


@with_options
def study_command(
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY.toml", help="A study file, or the name of one that ships.", autocompletion=_studies
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Folder of the study; an unfinished one is continued."),
    ],
    *,
    processes: Processes,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a fixed setting; may be repeated."),
    ] = None,
    own_cards: Annotated[
        list[str] | None,
        typer.Option("--card", metavar="FILE", help="Card of your own, in place of the study's devices; repeat it."),
    ] = None,
    laws: tuple[Path, ...] = shared.laws(),
    redo: Annotated[bool, typer.Option("--redo", help="Repeat runs that another version of devicekit made.")] = False,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Run a grid of trainings from one file; resumable.

    After an interruption the same command repeats only unfinished runs, and tries failed ones again. Exit code 1 if
    a run failed; the others are done.

    Examples:
        devicekit study schemes --out fig6 --jobs 2
        devicekit study nonidealities --out limits --set card=card.json --jobs 2
        devicekit study where-devices-differ --out differ --card a.json --card b.json
    """
    from devicekit.studies.report import study_report
    from devicekit.studies.runner import RESULTS, run_study
    from devicekit.studies.spec import study_file
    from devicekit.system.folders import finish_folder

    path = study_file(study)
    counted = (0, 0)
    try:
        with progress.counting("study", "runs", json_output) as show:

            def count_runs(done: int, total: int) -> None:
                nonlocal counted
                counted = (done, total)
                show(done, total)

            overrides = shared.parse_settings(settings)
            result = run_study(
                path,
                out,
                jobs=processes.jobs,
                dask=processes.dask,
                overrides=overrides,
                cards=own_cards or (),
                redo=redo,
                force=force,
                laws=laws,
                progress=count_runs,
            )
    except KeyboardInterrupt:
        done, total = counted
        if total:
            terminal.warning(f"{done} of {total} runs are done and kept in {out}; the same command continues")
        raise
    for message in (result.of_other_versions, *result.redone):
        if message:
            terminal.warning(message)
    page = study_report(result, this_command())
    page.save(out / "report.html")
    finish_folder(out, RESULTS)
    code = 1 if len(result.failed) else 0
    if json_output:
        print_json({"out": str(out), **result.as_dict()})
        return code
    _print(result, page, out)
    return code


def _percent(value: float | None) -> str:
    return "–" if value is None or value != value else f"{100 * value:.2f}"


def _print(result: StudyResult, page: Report, out: Path) -> None:
    """Print a study for people: one line a case."""
    from devicekit.core.text import count

    terminal.title(result.spec.title or result.spec.name)
    for sentence in page.summary:
        terminal.paragraph(sentence, 2)
    rows = []
    for row in result.summary().to_dict("records"):
        mean, sd, low, high = (_percent(row.get(name)) for name in ("mean", "sd", "low", "high"))
        rows.append((str(row["case"]), str(row["n"]), mean, low if low == "–" else f"{low} to {high}", sd))
    terminal.table(("case", "cards" if result.spec.pool else "runs", "test accuracy [%]", "95 % interval", "sd"), rows)
    terminal.fields([("table", str(out / "results.csv")), ("report", str(out / "report.html"))])
    for reason, runs in result.failures.items():
        terminal.error(f"{'; '.join(runs)}: {reason}")
    if len(result.failed):
        terminal.paragraph(f"{count(len(result.failed), 'run')} failed; the same command tries them again.", err=True)
