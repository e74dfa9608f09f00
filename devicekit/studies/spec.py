"""A study file, and the runs that it defines."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from devicekit.core.errors import FileError, ParameterError, UsageError, invalid_rows
from devicekit.studies.own_cards import DEVICES, with_cards
from devicekit.studies.published import PublishedRanking
from devicekit.system import files, writing

MOST_RUNS = 100_000
Scalar = str | int | float | bool
Row = dict[str, Scalar | None]  # what a run gives, by the column of the table
FilesOf = Callable[[Mapping[str, Scalar], Path], dict[str, Path]]


def shipped() -> dict[str, Path]:
    """Return the study files that ship, by name."""
    return {file.stem: file for file in sorted((Path(__file__).parent / "shipped").glob("*.toml"))}


def study_file(named: str) -> Path:
    """Return a study file, or one that ships, by its name.

    Raises UsageError if there is neither; the message lists those that ship.
    """
    path, known = Path(named), shipped()
    if not files.exists(path) and named not in known:
        raise UsageError(f"no study file {named!r}; studies that ship: {', '.join(known)}")
    return path if files.exists(path) else known[named]


class StudySpec(BaseModel):
    """Content of a study file.

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
    pool: list[str] = Field(default=[], description="grid keys to average over like seeds, such as resampled cards")
    baselines: list[str] = Field(default=[], description="ordinary classifiers on the same spikes, in the same table")
    reference: str = Field(default="", description="label of the case that the others are ranked against")
    outcome: Literal["", "accuracy_on_devices"] = Field(
        default="", description="what task train is compared by: what devices hold in the end, not float weights"
    )
    paper: dict[str, str] = Field(default={}, description="what the paper prints for a case, by its label")
    published: PublishedRanking | None = Field(
        default=None, description="values to compare the ranking of devices with"
    )
    remarks: list[str] = []

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("give each seed once; a repeated seed repeats the same run")
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
            raise ValueError("give each case a different label: cases of one label are averaged")
        if len({repr(sorted(case.items())) for case in cases}) < len(cases):
            raise ValueError("two cases are the same")
        return cases

    @field_validator("published")
    @classmethod
    def _devices_are_known(cls, published: PublishedRanking | None, info: ValidationInfo) -> PublishedRanking | None:
        if published is not None and {"fixed", "grid", "cases"} <= set(info.data):
            devices = _values_of(published.key, *(info.data[each] for each in ("fixed", "cases", "grid")))
            if problem := published.problem(list(map(str, devices))):
                raise ValueError(problem)
        return published

    @property
    def device_key(self) -> str:
        """Setting whose values are the devices that the study compares; empty if it compares none."""
        if self.published:
            return self.published.key
        keys = [each for each in DEVICES if len(self.grid.get(each, ())) > 1 and each not in self.pool]
        return keys[0] if len(keys) == 1 else ""

    @property
    def devices(self) -> list[Scalar]:
        """Values of `device_key`, in the study's order."""
        return _values_of(self.device_key, self.fixed, self.cases, self.grid) if self.device_key else []


def _values_of(
    key: str,
    fixed: Mapping[str, Scalar],
    cases: Sequence[Mapping[str, Scalar]],
    grid: Mapping[str, Sequence[Scalar]],
) -> list[Scalar]:
    """Return the values that runs have of a setting; those of the grid replace those of cases and of all runs."""
    found = grid.get(key) or [each for case in cases if (each := case.get(key, fixed.get(key))) is not None]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Run:
    """One run of a study: its settings, its seed, and the key of its file."""

    task: str
    label: str
    settings: dict[str, Scalar]
    seed: int
    key: str


def load_spec(path: Path | str, overrides: Mapping[str, Scalar] | None = None, cards: Sequence[str] = ()) -> StudySpec:
    """Load a study file, with `fixed` settings overridden; relative card and stack paths are the file's own.

    Parameters
    ----------
    path : path-like
        The TOML file.
    overrides : mapping, optional
        Values that replace those of `fixed`.
    cards : sequence of str
        Cards that replace the devices of the study's grid.

    Raises
    ------
    FileError, ParameterError
        If the file cannot be read, or holds an unknown or wrong key (named).
    UsageError
        If the study has no devices that cards can replace.
    """
    path = Path(path)
    try:
        raw = files.read_toml(path)
    except FileError as error:
        if "TOML" in error.message.removeprefix(str(path)):
            raise ParameterError(error.message) from error
        raise FileError(f"cannot read the study: {error.message.removeprefix('cannot read ')}") from error
    writing.note_input(path)
    if overrides and isinstance(raw.get("fixed", {}), dict):
        raw["fixed"] = {**raw.get("fixed", {}), **overrides}
    raw = with_cards(raw, cards, path.stem)
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
    """Return a path as given, or relative to the study file where that exists and the path as given does not."""
    path = Path(value)
    own = base / path
    return path if path.is_absolute() or files.exists(path) or not files.exists(own) else own


def expand(spec: StudySpec, base: Path, files_of: FilesOf) -> list[Run]:
    """Return every run of a study, in the order of its table; `files_of` says what a run reads, by its settings.

    Raises ParameterError if there are too many.
    """
    sums = _Checksums()

    def run(task: str, label: str, settings: dict[str, Scalar], seed: int) -> Run:
        # a changed card, table or data set is a different run
        read = sorted((name, sums[file]) for name, file in files_of(settings, base).items() if files.exists(file))
        identity = json.dumps([task, sorted(settings.items()), seed, read])
        return Run(task, label, settings, seed, hashlib.sha256(identity.encode()).hexdigest()[:16])

    return [run(*plan, seed) for plan in plans(spec) for seed in spec.seeds]


def plans(spec: StudySpec) -> list[tuple[str, str, dict[str, Scalar]]]:
    """Task, label and settings of every run of a study, whatever its seed, in the order of its table.

    Raises ParameterError if there are too many runs.
    """
    combinations = len(spec.cases) * math.prod(map(len, spec.grid.values()))
    runs = (combinations + len(spec.baselines)) * len(spec.seeds)
    if runs > MOST_RUNS:
        number = runs if runs < 10**12 else f"about 10^{math.log10(runs):.0f}"
        raise ParameterError(
            f"{spec.name} has {number} runs (cases, grid and seeds multiply); the most are {MOST_RUNS}: make it smaller"
        )
    made: list[tuple[str, str, dict[str, Scalar]]] = []
    for case, crossed in _combinations(spec):
        varied = {k: v for k, v in case.items() if k != "label"}
        made.append((spec.task, case_label(spec, case, crossed), {**spec.fixed, **varied, **crossed}))
    for name in spec.baselines:
        made.append(("baseline", f"baseline: {name}", {**spec.fixed, "classifier": name}))
    return made


def labels_without(spec: StudySpec, key: str) -> dict[str, str]:
    """Return the label of each case as it would be without a setting, by its own label."""
    return {case_label(spec, *each): case_label(spec, *each, without=key) for each in _combinations(spec)}


def case_label(spec: StudySpec, case: Mapping[str, Scalar], crossed: Mapping[str, Scalar], without: str = "") -> str:
    """Return the label of a case with values of the grid; what is pooled, or left out, does not stand in it."""
    hidden = {*spec.pool, without, "label"}
    shown = {k: v for k, v in crossed.items() if k not in hidden}
    settings = {**{k: v for k, v in case.items() if k not in hidden}, **shown}
    label = str(case.get("label") or _words(settings) or spec.name)
    return f"{label} ({_words(shown)})" if "label" in case and shown else label


def _combinations(spec: StudySpec) -> Iterator[tuple[dict[str, Scalar], dict[str, Scalar]]]:
    """Every case with every combination of the grid."""
    for case in spec.cases:
        for combination in itertools.product(*spec.grid.values()):
            yield case, dict(zip(spec.grid, combination, strict=True))


def _words(settings: Mapping[str, Scalar]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())
