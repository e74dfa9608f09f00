"""Studies: a grid or list of runs from one TOML file, in parallel, resumable, ending in one tidy table.

A run is a task (`devicekit.studies.tasks`) with settings and a seed. Every finished run is written at once to its own
file, named by what it depends on; started again, a study repeats only what has no file yet, or a damaged one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from devicekit._version import __version__
from devicekit.core.errors import DevicekitError, FileError, ParameterError
from devicekit.studies.result import StudyResult
from devicekit.studies.run_result import RunResult
from devicekit.studies.spec import Run, Scalar, StudySpec, expand, labels_without, load_spec, plans
from devicekit.studies.tasks import files_of, get_task
from devicekit.system import folders, ownmark, workers
from devicekit.tables import write_csv

Laws = Path | str | Iterable[Path | str]
_logger = logging.getLogger(__name__)
Progress = Callable[[int, int], None]
TABLES = ["results.csv", "summary.csv"]
RESULTS = [*TABLES, "report.html"]


def _allow(laws: Iterable[Path | str]) -> None:
    if laws := list(laws):
        from physics.laws.find import allow_laws

        allow_laws(laws)


def execute(task: str, settings: dict[str, Scalar], seed: int, base: str, laws: Sequence[str] = ()) -> RunResult:
    """One run; a failure is a result too, with its reason."""
    try:
        _allow(laws)
        return RunResult("done", "", get_task(task).run(settings, seed, Path(base)), __version__)
    except Exception as error:  # whatever it is, it stops this run alone
        reason = str(error) if isinstance(error, DevicekitError) else f"{type(error).__name__}: {error}"
        return RunResult("failed", reason, {}, __version__)


@contextmanager
def _backend(dask: str | None) -> Iterator[None]:
    """joblib on this machine, or on the dask cluster at an address."""
    import joblib

    if dask is None:
        yield
        return
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise ParameterError('dask= needs dask: pip install "dask[distributed]"') from error
    try:
        client = Client(dask, timeout="20s")
    except (OSError, TimeoutError, ValueError) as error:
        raise ParameterError(f"no dask scheduler answers at {dask}: {error}") from error
    with client:
        _check_workers(client, dask)
        with joblib.parallel_config(backend="dask", wait_for_workers_timeout=30):
            yield


def _check_workers(client: Any, address: str) -> None:
    """Workers must have this devicekit: runs sent to one that cannot import it would never come back."""
    try:
        client.wait_for_workers(1, timeout=30)
    except TimeoutError as error:
        raise ParameterError(f"the scheduler at {address} has had no worker for 30 s: start one") from error
    asked = "__import__('devicekit').__version__"
    try:
        versions = client.run(eval, asked, on_error="return")
    except Exception as error:  # whatever the cluster says
        raise ParameterError(f"the workers of {address} do not answer: {error}") from error
    for worker, version in versions.items():
        if version != __version__:
            found = f"cannot import devicekit ({version})" if isinstance(version, Exception) else version
            raise ParameterError(
                f"worker {worker} must have devicekit {__version__}, as here; found: {found}. Install it there"
            )


def run_study(
    path: Path | str,
    out: Path | str,
    *,
    jobs: int = 1,
    dask: str | None = None,
    overrides: Mapping[str, Scalar] | None = None,
    cards: Sequence[Path | str] = (),
    redo: bool = False,
    laws: Laws = (),
    force: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Run what a study has not run yet, and write its table.

    Parameters
    ----------
    path : path-like
        Study file.
    out : path-like
        Folder of the study: made, or continued if it is this study's.
    jobs : int
        Processes on this machine.
    dask : str, optional
        Address of a dask scheduler instead.
    overrides : mapping, optional
        Values that replace those of `fixed`.
    cards : sequence of path-like
        Cards of your own, two or more, in place of the devices in the study's grid.
    redo : bool
        Also run again what another version of devicekit has run; else such results are kept, and named by
        `StudyResult.of_other_versions`.
    laws : path-like or iterable of path-like
        The .py files that stacks of the study may name as laws: they are code, and run.
    force : bool
        Take a folder that holds something else, another study file's results, or results that were changed.
    progress : callable, optional
        Called with (finished, total) after every run.

    Raises
    ------
    DevicekitError
        If the study is not valid (before anything runs), or the folder is another's or not writable.
    """
    import joblib

    path, out = Path(path), Path(out)
    laws = [str(Path(each).resolve()) for each in ([laws] if isinstance(laws, Path | str) else laws)]
    _allow(laws)
    spec = load_spec(path, overrides, [str(each) for each in cards])
    base = path.resolve().parent
    planned = plans(spec)
    labels = {label for _, label, _ in planned}
    if spec.reference and spec.reference not in labels:
        raise ParameterError(f"reference: no case {spec.reference!r}; there are {', '.join(sorted(labels))}")
    _check_names(spec, path)
    if spec.outcome and spec.task != "train":
        raise ParameterError(f'outcome: {spec.outcome} is of task "train", not of "{spec.task}"')
    for task, _, settings in planned:
        get_task(task).check(settings, base)
    runs = expand(spec, base, files_of)  # it reads what was found to be right
    if not force:
        _check_file(path, out)
    notes = {"file": os.path.relpath(path.resolve(), out.resolve())}
    what = f"the study {spec.name!r}"
    folder = folders.continued_folder(out, "study", what, RESULTS, force, notes, study=spec.name) / "runs"
    waiting, damaged = _waiting(runs, folder, redo)
    waiting = list({run.key: run for run in waiting}.values())
    total = len({run.key for run in runs})  # cases with equal settings share their runs
    done = total - len(waiting)
    if waiting and done:
        _logger.info(f"continuing from {done} of {total} runs kept in {out}")
    if progress:
        progress(done, total)
    with _backend(dask), workers.end_workers_on_error():
        pool = joblib.Parallel(n_jobs=jobs if dask is None else -1, return_as="generator_unordered")
        with workers.ignore_interrupts():
            results = pool(joblib.delayed(_keyed)(run, str(base), laws) for run in waiting)
        for key, outcome in results:
            outcome.save(folder, key)
            done += 1
            if progress:
                progress(done, total)
    return _collect(spec, runs, folder, out, damaged)


def _check_names(spec: StudySpec, path: Path) -> None:
    """Refuse a setting that is named as somebody whose ranking it is compared with."""
    if spec.published is None:
        return
    names = set(spec.published.names) & set(labels_without(spec, spec.published.key).values())
    if names:
        raise ParameterError(
            f"{path} is not a valid study: published.by: found {min(names)!r}, label of a case; expected another name"
        )


def _check_file(path: Path, out: Path) -> None:
    """Refuse a folder with the results of another study file of the same name, which is still there."""
    noted = ownmark.read_marker(out).get("file")
    other = out.resolve() / noted if isinstance(noted, str) else path
    if other.is_file() and not other.samefile(path):
        raise FileError(
            f"{out} holds the results of {os.path.relpath(other)}, a study of the same name; choose another out=, or "
            "pass force=True to replace them"
        )


def _waiting(runs: list[Run], folder: Path, redo: bool) -> tuple[list[Run], list[str]]:
    """Return the runs without a result, and what is wrong with the files of those whose result is damaged.

    A run that failed is tried again, for its reason may have been mended.
    """
    waiting, damaged = [], []
    for run in runs:
        try:
            outcome = RunResult.load(folder, run.key)
        except FileError as error:
            damaged.append(f"{error.message}; run {run.label}, seed {run.seed}, is repeated")
            outcome = None
        if outcome is None or outcome.status != "done" or (redo and outcome.devicekit != __version__):
            waiting.append(run)
    return waiting, list(dict.fromkeys(damaged))


def _keyed(run: Run, base: str, laws: Sequence[str]) -> tuple[str, RunResult]:
    return run.key, execute(run.task, run.settings, run.seed, base, laws)


def _collect(spec: StudySpec, runs: list[Run], folder: Path, out: Path, damaged: list[str]) -> StudyResult:
    """Return the tidy table from the runs' files, in the study's order; no times in it, so that it is reproducible."""
    rows = []
    for run in runs:
        outcome = RunResult.load(folder, run.key)
        if outcome is None:
            raise FileError(f"{folder} has lost the result of run {run.label}, seed {run.seed}. Start the study again.")
        row = {"study": spec.name, "case": run.label, "seed": run.seed, **run.settings}
        numbers = {
            "status": outcome.status,
            "reason": outcome.reason,
            **outcome.metrics,
            "devicekit": outcome.devicekit,
        }
        rows.append({**row, **numbers})
    result = StudyResult(spec, pd.DataFrame(rows), tuple(damaged))
    write_csv(result.table, out / "results.csv")
    write_csv(result.summary(), out / "summary.csv")
    folders.finish_folder(out, TABLES)
    return result
