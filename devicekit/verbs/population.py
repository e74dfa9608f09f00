"""The verb population: the files of many cells in a folder as one result and one page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.core.declarations import document, option
from devicekit.core.errors import DevicekitError, FileError, UsageError
from devicekit.core.text import count, listed
from devicekit.features.definitions import DEFAULT_V_RESET, DEFAULT_V_SET, V_RESET, V_SET
from devicekit.names import mark_sentence, marks_in
from devicekit.system import files, left_out, writing
from devicekit.system.commands import Reproduction, command, non_default
from devicekit.system.kept import Kept
from devicekit.system.options import ReadOptions
from devicekit.verbs import shared
from devicekit.verbs.outcome import SILENT, Outcome, Progress
from devicekit.verbs.text import Alert, Block, Columns, Title, paragraphs, report_field, table_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from devicekit.population.opening import Opened
    from devicekit.population.result import Population

MEASURED = "measured.json"  # parts of a result, taken again by the next run into the same folder
READ = 0.1  # V


@dataclass(frozen=True, kw_only=True)
class PopulationRequest:
    """Request for the population in a folder, or in two that are compared."""

    folders: tuple[Path, ...] = option(
        argument=True, default=MISSING, metavar="FOLDER...", help="Folder with the files of many cells; two: compared."
    )
    out: Path = shared.out_folder(default=Path("devicekit-population"))
    template: tuple[str, ...] = option(
        default=(),
        metavar="TEMPLATE",
        help="What file names say, such as 'W{wafer}_{die}_{cell}_{step}_{date}_{compliance}'; found if not given. "
        "May be repeated for names of several forms.",
    )
    split: str | None = option(
        metavar="NAME",
        help="Compare the two values of a field of the names, such as wafer or thickness; of several: NAME=A,B.",
        form="Field of the names to compare",
        example="wafer",
    )
    v_set: str = option(default=DEFAULT_V_SET, choices=V_SET, help="Definition of V_set", form="Definition of V_set")
    v_reset: str = option(
        default=DEFAULT_V_RESET, choices=V_RESET, help="Definition of V_reset", form="Definition of V_reset"
    )
    seed: int = shared.seed("Seed of resamples and permutations.")
    jobs: int = shared.jobs("Processes at a time.", 2)
    reading: ReadOptions = field(default_factory=ReadOptions)


document(PopulationRequest)


def run_population(
    request: PopulationRequest, progress: Progress = SILENT, kept: Kept | None = None
) -> Outcome[Population]:
    """Read the files of many cells and analyse them as a population.

    Raises DevicekitError if the names or the reading are open, or nothing can be read.

    Parameters
    ----------
    request : PopulationRequest
    progress : Progress
    kept : Kept, optional
        Where finished cells are kept, for a run that is interrupted.
    """
    import pandas as pd

    from devicekit.population.opening import open_folder
    from devicekit.population.result import Unread, analyse

    if not 1 <= len(request.folders) <= 2:
        raise UsageError(f"One folder, or two to be compared; got {len(request.folders)}.")
    names = _names(request.folders)
    kept, before = kept or Kept(None), _load_measured(request.out)
    frames, left, parts, templates, opened = list[pd.DataFrame](), list[Unread](), dict[str, Any](), [], []
    reading = request.reading
    for folder, own_name in zip(request.folders, names, strict=True):
        with progress.doing(f"looking at the names and makes of the files in {folder.name}"):
            found = replace(open_folder(folder, reading, request.template), name=own_name)
        reading, single = found.reading, len(request.folders) == 1
        frame, own_left, own_parts = _measure(found, request, progress, kept, before)
        prefix = "" if single else f"{found.name}/"
        if not single:
            frame = _of_population(frame, found.name)
        frames.append(frame)
        left += [replace(each, file=prefix + each.file) for each in own_left]
        parts |= own_parts
        templates += [each.text for each in found.templates]
        opened.append(found)
    steps = pd.concat(frames, ignore_index=True)
    name = listed(tuple(each.name for each in opened))
    with progress.doing(f"analysing {count(steps['cell'].nunique(), 'cell')}"):
        population = analyse(
            steps,
            name=name,
            files=int(sum(frame["file"].nunique() for frame in frames)),
            templates=list(dict.fromkeys(templates)),
            left_out=left,
            definitions=(reading.read_voltage or READ, request.v_set, request.v_reset),
            split=_split(request, steps, opened),
            seed=request.seed,
            marks=_marks(steps),
        )
    return Outcome(
        result=population,
        json={"out": str(request.out), **population.as_dict()},
        page=partial(_page, population, opened),
        files=_files(population, parts),
        text=_text(population, request.out),
        reproduction=_reproduction(replace(request, reading=reading)),
        offered=tuple(f"{name}.csv" for name in population.tables()),
        code=0,
    )


def _names(folders: Sequence[Path]) -> list[str]:
    """Return the name of each folder; of two with the same last name, that of the folder above too.

    Raises UsageError if these are the same too.
    """
    whole = [folder.resolve() for folder in folders]
    names = [path.name or str(folder) for path, folder in zip(whole, folders, strict=True)]
    if len(set(names)) < len(names):
        names = [f"{path.parent.name}/{path.name}" for path in whole]
    if len(set(names)) < len(names):
        raise UsageError(f"Both folders are named {names[0]}. Name two folders that differ, or rename one of them.")
    return names


def _of_population(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the sweeps of one of two folders, with the name of the folder before those that both may hold."""
    before = name + " "
    outer = "wafer" if (frame["wafer"].astype(str) != "").any() else "die"
    known = frame[outer].astype(str)
    places = {outer: known.where(known == "", before + known)}
    return frame.assign(population=name, cell=before + frame["cell"], file=f"{name}/" + frame["file"], **places)


def _measure(
    opened: Opened, request: PopulationRequest, progress: Progress, kept: Kept, before: Mapping[str, Any]
) -> tuple[pd.DataFrame, list[Any], Mapping[str, Any]]:
    """Evaluate the files of a folder; return the sweeps, what is left out, and the parts to be kept."""
    from devicekit.population.measure import measure, to_frame
    from devicekit.population.reading import HARMLESS
    from devicekit.population.result import Unread
    from devicekit.population.steps import Definitions

    definitions = Definitions(opened.reading.read_voltage or READ, request.v_set, request.v_reset)
    with progress.counting(f"reading {opened.name}", "files") as step:
        found = measure(opened.entries, opened.makes, definitions, request.jobs, step, kept, before)
    everything = (*opened.left_out, *found.left_out)
    left_out.note(each for each in everything if each.reason not in HARMLESS)
    left = [Unread(file=each.file, reason=each.reason) for each in everything]
    if not found.rows:
        first = left[0] if left else None
        raise FileError(
            f"No file of {opened.name} could be evaluated" + (f": {first.file}: {first.reason}" if first else "")
        )
    return to_frame(found, opened.entries), left, found.parts


def _load_measured(out: Path) -> Mapping[str, Any]:
    """Return the parts of an earlier result in the same folder; none of one that is missing or damaged."""
    path = out / MEASURED
    try:
        found = files.read_json(path) if path.is_file() else {}
    except DevicekitError:
        return {}
    return found if isinstance(found, dict) else {}


def _marks(steps: pd.DataFrame) -> tuple[str, ...]:
    """Return the marks that the notes of the files say: SYNTHETIC."""
    return tuple(dict.fromkeys(mark for note in steps["note"].unique() for mark in marks_in(str(note))))


def _split(
    request: PopulationRequest, steps: pd.DataFrame, opened: Sequence[Opened]
) -> tuple[str, tuple[str, str]] | None:
    """Return the column and the two values that are compared.

    Raises UsageError if the column is unknown, or has not two values.
    """
    if len(opened) == 2:
        if request.split is not None:
            raise UsageError("Two folders are compared with each other. Remove --split.")
        return "population", (opened[0].name, opened[1].name)
    if request.split is None:
        return None
    name, _, wanted = request.split.partition("=")
    columns = [str(each) for each in steps]
    known = {each.removeprefix("key_"): each for each in columns if each.startswith("key_")}
    known |= {each: each for each in ("wafer", "die", "row", "column", "population") if each in steps}
    if name not in known:
        raise UsageError(f"split={name!r} is not a field of the names. Choose one of: {', '.join(known)}.")
    values = [str(each) for each in pd_unique(steps[known[name]])]
    chosen = [each.strip() for each in wanted.split(",")] if wanted else values
    if len(chosen) != 2 or not set(chosen) <= set(values):
        shown = ", ".join(values[:12]) + (", ..." if len(values) > 12 else "")
        raise UsageError(
            f"split={request.split!r} needs two values, of {shown}: split={name}={values[0]},{values[-1]}."
        )
    own = steps[steps[known[name]].astype(str).isin(chosen)]
    if own.groupby("cell")[known[name]].nunique().max() > 1:
        raise UsageError(f"split={name!r} varies within cells: its effect stands under the conditions. Remove --split.")
    return known[name], (chosen[0], chosen[1])


def pd_unique(values: pd.Series) -> list[Any]:
    """Return the different values of a column in order."""
    return list(dict.fromkeys(values.dropna().tolist()))


def _page(population: Population, opened: Sequence[Opened], line: str) -> Any:
    from devicekit.population.report import population_page

    before = {id(each): f"{each.name}/" if len(opened) > 1 else "" for each in opened}
    known = {before[id(each)] + entry.name: (each.makes, entry.path) for each in opened for entry in each.entries}

    def sweeps(wanted: Sequence[tuple[str, int]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        found = {}
        for file, number in wanted:
            if file not in known:
                continue
            makes, path = known[file]
            try:
                trace, _ = makes.read(path)
            except DevicekitError:
                continue
            at = trace.sweeps()[number - 1]
            found[f"{file}, sweep {number}"] = trace.voltage[at], trace.current[at]
        return found

    return population_page(population, re.sub(r" --jobs[= ]\d+", "", line), sweeps)  # which change no number


def _files(population: Population, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the files of the results: tables, numbers, and the parts for the next run."""
    from devicekit.tables import write_csv

    found: dict[str, Any] = {f"{name}.csv": partial(write_csv, frame) for name, frame in population.tables().items()}
    found["population.json"] = lambda path: writing.write_results(path, population.as_dict())
    text = json.dumps(dict(sorted(parts.items())), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    found[MEASURED] = partial(writing.write_bytes, data=text.encode())
    return found


def _text(population: Population, out: Path) -> list[Block]:
    blocks: list[Block] = [Title(f"Population: {population.name}")]
    blocks += paragraphs([mark_sentence(population.marks), population.verdict(), *population.sentences()])
    if population.yields:
        blocks.append(table_of(population.yields))
    if population.distributions:
        blocks.append(table_of(population.distributions))
    if population.components:
        blocks.append(table_of(population.components))
    if population.comparisons:
        blocks.append(table_of(population.comparisons))
    if population.left_out:
        reasons: dict[str, list[str]] = {}
        for each in population.left_out:
            reasons.setdefault(each.reason, []).append(each.file)
        rows = [(reason, str(len(names)), names[0]) for reason, names in reasons.items()]
        blocks.append(Alert(f"{count(len(population.left_out), 'file')} left out; left_out.csv lists them."))
        blocks.append(Columns(("left out because", "files", "such as"), rows))
    return [*blocks, *report_field(out)]


def _reproduction(request: PopulationRequest) -> Reproduction:
    given = {**non_default(request.reading), **({"accept": True} if not request.template else {})}
    own = ("template", "split", "v_set", "v_reset", "seed")
    given |= {
        each.name: getattr(request, each.name)
        for each in fields(request)
        if each.name in own and getattr(request, each.name) != each.default
    }
    line = command("population", _names(request.folders), {**given, "out": request.out})
    return Reproduction(line, "")
