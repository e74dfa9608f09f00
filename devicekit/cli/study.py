"""`devicekit study`: a grid of runs from one file, in parallel and resumable."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from devicekit.cli.common import Json, print_json
from devicekit.errors import UsageError


def _value(text: str) -> str | int | float | bool:
    """A setting from the command line: a number or true/false where it looks like one."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _overrides(pairs: list[str] | None) -> dict[str, str | int | float | bool]:
    result = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--set takes KEY=VALUE, not {pair!r}")
        result[name] = _value(value)
    return result


def _study_file(named: str) -> Path:
    """A study file, or one that ships, by its name."""
    path = Path(named)
    if path.exists():
        return path
    shipped = {file.stem: file for file in (Path(__file__).parent.parent / "studies").glob("*.toml")}
    if named in shipped:
        return shipped[named]
    raise UsageError(f"no study file {named!r}; studies that ship: {', '.join(sorted(shipped))}")


def _progress(show: bool) -> Callable[[int, int], None] | None:
    if not show:
        return None
    from tqdm import tqdm

    bar = tqdm(total=1, unit="run", file=sys.stderr, disable=not sys.stderr.isatty())

    def update(done: int, total: int) -> None:
        bar.total = total
        if bar.n == 0 and done:
            bar.initial = done  # runs of an earlier start do not count for the time left
        bar.n = done
        bar.refresh()
        if done >= total:
            bar.close()

    return update


def study_command(
    study: Annotated[
        str, typer.Argument(metavar="STUDY.toml", help="A study file, or the name of one that ships.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the study; an unfinished one is continued.")],
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes on this machine.")] = 1,
    dask: Annotated[
        str | None, typer.Option("--dask", help="Address of a dask scheduler instead of --jobs.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a fixed setting; may be repeated."),
    ] = None,
    json_output: Json = False,
) -> int:
    """Run a study; killed at any moment and started again, it repeats only what was unfinished.

    Exit code 1 if a run failed (the others are done); started again, failed runs are tried again.

    Example: devicekit study schemes --out fig6 --set data=optdigits --set data_dir=optdigits/ --jobs 2
    """
    from devicekit.report.study import study_report
    from devicekit.study import run_study

    path = _study_file(study)
    result = run_study(
        path, out, jobs=jobs, dask=dask, overrides=_overrides(settings), progress=_progress(not json_output)
    )
    study_report(result, " ".join(["devicekit", *sys.argv[1:]])).save(out / "report.html")
    code = 1 if len(result.failed) else 0
    if json_output:
        print_json({"out": str(out), **result.as_dict()})
        return code
    summary = result.summary()
    typer.echo(summary.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    for row in result.failed.to_dict("records"):
        typer.echo(f"failed: {row['case']}, seed {row['seed']}: {row['reason']}", err=True)
    typer.echo(f"table: {out / 'results.csv'}, report: {out / 'report.html'}")
    return code
