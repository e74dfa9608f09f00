"""Studies: a grid or list of runs from one TOML file, in parallel, resumable, ending in one tidy table.

A run is a task (`devicekit.studies.tasks`) with settings and a seed. Every finished run is written at once to its own
file, named by what it depends on; started again, a study repeats only what has no file yet.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from devicekit import files
from devicekit._version import __version__
from devicekit.errors import DevicekitError, FileError, ParameterError, invalid_rows
from devicekit.studies.result import StudyResult

Scalar = str | int | float | bool
Progress = Callable[[int, int], None]


class StudySpec(BaseModel):
    """What a study file says.

    Every case is crossed with every combination of the grid and every seed; `fixed` holds for all runs. A grid
    over the cards of `devicekit fit --resample`, pooled, gives accuracy as a distribution over the fit's
    uncertainty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    title: str = ""
    task: str
    seeds: list[int] = Field(default=[0], min_length=1)
    fixed: dict[str, Scalar] = {}
    grid: dict[str, Annotated[list[Scalar], Field(min_length=1)]] = {}
    cases: list[dict[str, Scalar]] = Field(default=[{}], min_length=1)
    pool: list[str] = Field(
        default=[], description="grid keys to average over like seeds, such as resampled cards"
    )
    baselines: list[str] = Field(
        default=[], description="ordinary classifiers on the same spikes, in the same table"
    )
    reference: str = Field(default="", description="label of the case that the others are ranked against")
    paper: dict[str, str] = Field(default={}, description="what the paper prints for a case, by its label")
    remarks: list[str] = []

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("every seed once: a repeated one is the same run again, and no error bar")
        return seeds

    @field_validator("grid")
    @classmethod
    def _values_differ(cls, grid: dict[str, list[Scalar]]) -> dict[str, list[Scalar]]:
        for name, values in grid.items():
            if len(set(map(repr, values))) < len(values):
                raise ValueError(f"{name}: every value once")
        return grid

    @field_validator("cases")
    @classmethod
    def _cases_differ(cls, cases: list[dict[str, Scalar]]) -> list[dict[str, Scalar]]:
        labels = [case["label"] for case in cases if "label" in case]
        if len(set(labels)) < len(labels):
            raise ValueError("every case needs a label of its own: cases of one label would be averaged")
        if len({repr(sorted(case.items())) for case in cases}) < len(cases):
            raise ValueError("two cases are the same")
        return cases


@dataclass(frozen=True)
class Run:
    """One run of a study: its settings, its seed, and the key of its file."""

    task: str
    label: str
    settings: dict[str, Scalar]
    seed: int
    key: str


def load_spec(path: Path, overrides: Mapping[str, Scalar] | None = None) -> StudySpec:
    """A study file, with `fixed` settings overridden; relative card and stack paths are the file's own.

    Parameters
    ----------
    path : Path
        The TOML file.
    overrides : mapping, optional
        Values that replace those of `fixed`.

    Raises
    ------
    FileError, ParameterError
        If the file cannot be read, or holds an unknown or wrong key (named).
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"cannot read the study {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path} is not valid TOML: {error}") from error
    if overrides and isinstance(raw.get("fixed", {}), dict):
        raw["fixed"] = {**raw.get("fixed", {}), **overrides}
    try:
        return StudySpec.model_validate(raw)
    except ValidationError as error:
        raise ParameterError(f"{path} is not a valid study", invalid_rows(error, "study")) from error


class _Checksums(dict[Path, str]):
    """SHA-256 of files and folders, each read once."""

    def __missing__(self, path: Path) -> str:
        self[path] = files.sha256(path)
        return self[path]


def resolve(value: str, base: Path) -> Path:
    """A path as given, or relative to the study file where that exists and the path as given does not."""
    path = Path(value)
    return path if path.is_absolute() or path.exists() or not (base / path).exists() else base / path


def expand(spec: StudySpec, base: Path) -> list[Run]:
    """Every run of a study, in the order of its table."""
    from devicekit.studies.tasks import files_of

    sums = _Checksums()

    def run(task: str, label: str, settings: dict[str, Scalar], seed: int) -> Run:
        # a changed card, table or data set is a different run
        read = sorted((name, sums[file]) for name, file in files_of(settings, base).items() if file.exists())
        identity = json.dumps([task, sorted(settings.items()), seed, read])
        return Run(task, label, settings, seed, hashlib.sha256(identity.encode()).hexdigest()[:16])

    runs = []
    for case in spec.cases:
        for combination in itertools.product(*spec.grid.values()):
            crossed = dict(zip(spec.grid, combination, strict=True))
            varied = {**{k: v for k, v in case.items() if k != "label"}, **crossed}
            shown = {k: v for k, v in crossed.items() if k not in spec.pool}
            told = {k: v for k, v in varied.items() if k not in spec.pool}
            label = str(case.get("label") or _words(told) or spec.name)
            if "label" in case and shown:
                label += f" ({_words(shown)})"
            settings = {**spec.fixed, **varied}
            runs += [run(spec.task, label, settings, seed) for seed in spec.seeds]
    for name in spec.baselines:
        settings = {**spec.fixed, "classifier": name}
        runs += [run("baseline", f"baseline: {name}", settings, seed) for seed in spec.seeds]
    return runs


def _words(settings: Mapping[str, Scalar]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())


def execute(task: str, settings: dict[str, Scalar], seed: int, base: str) -> dict[str, Any]:
    """One run; a failure is a result too, with its reason."""
    from devicekit.studies.tasks import get_task

    try:
        metrics = get_task(task).run(settings, seed, Path(base))
        return {"status": "done", "reason": "", "metrics": metrics, "devicekit": __version__}
    except Exception as error:  # whatever it is, it stops this run alone
        reason = str(error) if isinstance(error, DevicekitError) else f"{type(error).__name__}: {error}"
        return {"status": "failed", "reason": reason, "metrics": {}, "devicekit": __version__}


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
        raise ParameterError('--dask needs dask: pip install "dask[distributed]"') from error
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
    path: Path,
    out: Path,
    *,
    jobs: int = 1,
    dask: str | None = None,
    overrides: Mapping[str, Scalar] | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Run what a study has not run yet, and write its table.

    Parameters
    ----------
    path : Path
        Study file.
    out : Path
        Folder of the study: made, or continued if it is this study's.
    jobs : int
        Processes on this machine.
    dask : str, optional
        Address of a dask scheduler instead.
    overrides : mapping, optional
        Values that replace those of `fixed`.
    progress : callable, optional
        Called with (finished, total) after every run.

    Raises
    ------
    DevicekitError
        If the study is not valid (before anything runs), or the folder is another's or not writable.
    """
    import joblib

    from devicekit.studies.tasks import get_task

    spec = load_spec(path, overrides)
    base = path.resolve().parent
    runs = expand(spec, base)
    labels = {run.label for run in runs}
    if spec.reference and spec.reference not in labels:
        raise ParameterError(f"reference: no case {spec.reference!r}; there are {', '.join(sorted(labels))}")
    for run in runs:
        get_task(run.task).check(run.settings, base)
    folder = _open_folder(out, spec)
    waiting = [run for run in runs if not _is_done(folder / f"{run.key}.json")]
    waiting = list({run.key: run for run in waiting}.values())
    done = len(runs) - len(waiting)
    if progress:
        progress(done, len(runs))
    with _backend(dask):
        pool = joblib.Parallel(n_jobs=jobs if dask is None else -1, return_as="generator_unordered")
        results = pool(joblib.delayed(_keyed)(run, str(base)) for run in waiting)
        for key, result in results:
            files.write_json(folder / f"{key}.json", result)
            done += 1
            if progress:
                progress(done, len(runs))
    return _collect(spec, runs, folder, out)


def _is_done(path: Path) -> bool:
    """Whether a run has a result; one that failed is tried again, for its reason may have been mended."""
    return path.exists() and json.loads(path.read_text(encoding="utf-8"))["status"] == "done"


def _keyed(run: Run, base: str) -> tuple[str, dict[str, Any]]:
    return run.key, execute(run.task, run.settings, run.seed, base)


def _open_folder(out: Path, spec: StudySpec) -> Path:
    """The folder of the finished runs; refuses a folder that belongs to something else."""
    marker = out / files.MARKER
    if out.exists() and not out.is_dir():
        raise FileError(f"{out} is a file; --out takes a folder")
    if out.is_dir() and any(out.iterdir()):
        owner = files.read_marker(out)
        if owner.get("command") != "study" or owner.get("study") != spec.name:
            raise FileError(f"{out} is not a folder of the study {spec.name!r}; choose another --out")
    try:
        (out / "runs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot write {out}: {error.strerror}") from error
    files.write_json(marker, {"tool": "devicekit", "command": "study", "study": spec.name})
    return out / "runs"


def _collect(spec: StudySpec, runs: list[Run], folder: Path, out: Path) -> StudyResult:
    """The tidy table from the runs' files, in the study's order; no times in it, so that it is reproducible."""
    rows = []
    for run in runs:
        result = json.loads((folder / f"{run.key}.json").read_text(encoding="utf-8"))
        row = {"study": spec.name, "case": run.label, "seed": run.seed, **run.settings}
        rows.append(
            {
                **row,
                "status": result["status"],
                "reason": result["reason"],
                **result["metrics"],
                "devicekit": result["devicekit"],
            }
        )
    table = pd.DataFrame(rows)
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\n")
    files.write_text(out / "results.csv", buffer.getvalue())
    result_object = StudyResult(spec, table)
    buffer = io.StringIO()
    result_object.summary().to_csv(buffer, index=False, lineterminator="\n")
    files.write_text(out / "summary.csv", buffer.getvalue())
    return result_object
