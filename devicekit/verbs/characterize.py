"""The verb characterize: figures of merit of one file or many."""

from __future__ import annotations

import base64
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import MISSING, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.core.constants import TEN_YEARS_S
from devicekit.core.declarations import document, option, options_of
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.core.pairs import parse_range
from devicekit.features.definitions import (
    BITS,
    DEFAULT_V_RESET,
    DEFAULT_V_SET,
    V_RESET,
    V_SET,
    option_name,
    refuse_unused,
)
from devicekit.names import mark_sentence
from devicekit.system.commands import Reproduction, call, command, in_command_words, non_default
from devicekit.system.options import BASELINES, KERNELS, ReadOptions
from devicekit.verbs import shared
from devicekit.verbs.outcome import SILENT, Outcome, Progress
from devicekit.verbs.text import Alert, Block, Columns, Fields, Title, Warnings, paragraphs, report_field, table_of

if TYPE_CHECKING:
    import pandas as pd

    from devicekit.features.merit import Settings
    from devicekit.features.page import Part
    from devicekit.tables import Table

_logger = logging.getLogger(__name__)


def _permittivity(text: str | None) -> tuple[float, float] | None:
    """Parse LOW:HIGH, or one number for both."""
    if text is None:
        return None
    first = text.removesuffix(":")
    try:
        return parse_range(first if ":" in first else f"{first}:{first}")
    except ValueError:
        raise UsageError(f"--permittivity takes LOW:HIGH, such as 4:25, not {text!r}") from None


@dataclass(frozen=True, kw_only=True)
class CharacterizeRequest:
    """Request for the figures of merit of files."""

    files: tuple[Path, ...] = option(
        argument=True, default=MISSING, metavar="FILE...", help="Files or folders of measurements."
    )
    out: Path = shared.out_folder(default=Path("devicekit-characterize"))
    v_set: str = option(default=DEFAULT_V_SET, choices=V_SET, help="Definition of V_set", form="Definition of V_set")
    v_reset: str = option(
        default=DEFAULT_V_RESET, choices=V_RESET, help="Definition of V_reset", form="Definition of V_reset"
    )
    threshold: float = shared.threshold()
    horizon: float = option(
        default=TEN_YEARS_S, metavar="S", help="Retention: time to predict [s].", form="Time to predict [s]"
    )
    kernel: str | None = option(
        choices=KERNELS, help="Relaxation: kernel, chosen by the data if not given", form="Kernel"
    )
    ppf_baseline: str | None = option(
        metavar="WHICH",
        choices=BASELINES,
        help="Paired pulses: level from which the second is counted",
        form="Level from which the second pulse counts",
    )
    thickness: float | None = shared.number(
        "Conduction: thickness of the film [m].", "M", form="Thickness of the film [m]", example="5 nm"
    )
    area: float | None = shared.number(
        "Conduction: area of the electrode [m2].", "M2", form="Area of the electrode [m2]", example="25 um2"
    )
    temperature: float | None = shared.number(
        "Conduction: temperature of the measurement [K].", "K", form="Temperature of the measurement [K]", example="300"
    )
    permittivity: tuple[float, float] | None = option(
        metavar="LOW:HIGH",
        typed=str | None,
        parse=_permittivity,
        help="Conduction: range of the relative permittivity.",
        form="Relative permittivity",
        example="4:25",
    )
    life_temperature: float = shared.life_temperature()
    lost_factor: float = shared.lost_factor()
    bits: tuple[int, ...] = option(
        default=(),
        typed=list[int] | None,
        parse=lambda given: tuple(given or ()),
        metavar="N",
        help="Bakes of many cells: bits of a cell; may be repeated. Default: 2, 3 and 4.",
        form="Bits of a cell",
        example="2, 3, 4",
    )
    write_window: float | None = shared.number(
        "Bakes of many cells: width of a window to write [S].",
        "S",
        form="Width of a window to write [S]",
        example="5 uS",
    )
    bake: float | None = shared.bake(
        "Bakes of many cells: bake for which levels are placed, such as 180C; a hotter one is predicted."
    )
    apparent_energy: float | None = shared.number(
        "Bakes of many cells: energy to predict a hotter bake [eV].", "EV", form="Energy to predict a hotter bake [eV]"
    )
    time_exponent: float | None = shared.time_exponent()
    show: str = shared.show()
    jobs: int = shared.jobs("Files at a time.", 2)
    reading: ReadOptions = field(default_factory=ReadOptions)

    def settings(self) -> Settings:
        """Return the settings of the figures of merit.

        Raises UsageError if a number is out of its range.
        """
        from devicekit.features.merit import Sample, Settings

        return Settings(
            read_voltage=self.reading.read_voltage,
            v_set=self.v_set,
            v_reset=self.v_reset,
            threshold=self.threshold,
            horizon=self.horizon,
            kernel=self.kernel,
            ppf_baseline=self.ppf_baseline,
            sample=Sample(self.thickness, self.area, self.temperature, self.permittivity),
            life_temperature_k=self.life_temperature,
            lost_factor=self.lost_factor,
            bits=self.bits or BITS,
            write_window_s=self.write_window,
            bake_k=self.bake,
            apparent_energy_ev=self.apparent_energy,
            time_exponent=self.time_exponent,
        )


document(CharacterizeRequest)


@dataclass(frozen=True)
class FileResult:
    """Figures of merit of one file, or its error; it can be made in another process.

    Attributes
    ----------
    file : str
    json : dict
        The results; empty if it failed.
    part : Part, optional
        Its part of the page.
    tables : mapping of str to pandas.DataFrame
        Data frames by name.
    error : dict, optional
        Kind and message of the error.
    failure : DevicekitError, optional
        The error itself; None for a bug.
    text : sequence of Block
        What a terminal shows.
    """

    file: str
    json: Mapping[str, object] = field(default_factory=dict)
    part: Part | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    failure: DevicekitError | None = None
    text: Sequence[Block] = ()

    @property
    def files(self) -> dict[str, Callable[[Path], object]]:
        """Tables as CSV, numbers as JSON, figures as SVG: name -> (path) writes it."""
        from devicekit.system import writing
        from devicekit.tables import write_csv

        found: dict[str, Callable[[Path], object]] = {
            f"{name}.csv": partial(write_csv, frame) for name, frame in self.tables.items()
        }
        found["results.json"] = lambda path: writing.write_results(path, self.json)
        for number, figure in enumerate(self.part.section.figures if self.part else (), 1):
            picture = base64.b64decode(figure.uri.partition("base64,")[2])
            found[f"figure{number}.svg"] = partial(writing.write_bytes, data=picture)
        return found


def characterize_table(table: Table, file: Path, settings: Settings, title: str, anchor: str = "merits") -> FileResult:
    """Characterise a table that was read from a file.

    Parameters
    ----------
    table : Table
    file : Path
    settings : Settings
    title, anchor : str
        Of the section of the page.
    """
    from devicekit.features.characterize import find_merits
    from devicekit.features.merits.dc import DcResult
    from devicekit.features.page import part
    from devicekit.system import files

    found = find_merits(table, settings)
    own = part(found, title, anchor, files.checksum([file]))
    text: list[Block] = [Title(str(file)), *paragraphs([mark_sentence(own.marks), *own.sentences])]
    spreads = [each.cells() for result in found.results.values() for each in getattr(result, "spreads", ())]
    if spreads:
        text.append(Columns(("quantity", "n", "median", "5 % to 95 %", "C2C sd", "D2D sd"), spreads))
    switching = found.results.get("dc")
    if isinstance(switching, DcResult) and (levels := switching.levels):
        text.append(table_of(levels))
    json = {**found.as_dict(), "marks": list(table.marks)}
    return FileResult(str(file), json, own, found.tables, text=text)


def _characterize_file(
    file: Path, reading: ReadOptions, settings: Settings, anchor: str, title: str, folder: str
) -> FileResult:
    """Characterise a file; an error becomes a result, so that it never stops the others.

    Relative paths are those of `folder`: a worker may have been started in another.
    """
    from devicekit.readers import read

    with chdir(folder):
        try:
            table = read(file, reading, elsewhere=frozenset({"read_voltage"}))
            return characterize_table(table, file, settings, title, anchor)
        except DevicekitError as error:
            return FileResult(str(file), error=error.in_words(in_command_words).as_dict(), failure=error)
        except Exception as error:
            message = f"{type(error).__name__}: {error} (a bug in devicekit)"
            return FileResult(str(file), error={"kind": "internal", "message": message, "rows": []})


def _characterize_files(
    request: CharacterizeRequest, settings: Settings, names: Sequence[str], progress: Progress
) -> list[FileResult]:
    """Characterise every file in turn, or several at a time."""
    from joblib import Parallel, delayed

    files = request.files
    called = [file.name for file in files]
    titles = [name if called.count(name) == 1 else str(file) for file, name in zip(files, called, strict=True)]
    tasks = [
        delayed(_characterize_file)(file, request.reading, settings, name, title, os.getcwd())
        for file, name, title in zip(files, names, titles, strict=True)
    ]
    results = []
    with (progress if len(files) > 1 else SILENT).counting("characterizing", "files") as count:
        for result in Parallel(n_jobs=min(request.jobs, len(files)), return_as="generator")(tasks):
            results.append(result)
            count(len(results), len(files))
    return results


def folder_names(files: Sequence[Path]) -> list[str]:
    """Return a safe and distinct folder name for each file: letters, digits, dot, dash and underscore only."""
    taken: set[str] = set()
    names = []
    for file in files:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", file.name.split(".")[0]).strip("._")[:80] or "file"
        name, count = stem, 1
        while name.lower() in taken:
            count += 1
            name = f"{stem}_{count}"
        taken.add(name.lower())
        names.append(name)
    return names


def run_characterize(
    request: CharacterizeRequest, progress: Progress = SILENT, table: Table | None = None
) -> Outcome[Any]:
    """Compute the figures of merit of files; the results of each stand in a folder of its own.

    A folder whose names say that it holds steps of many cells is a population (`devicekit.verbs.population`).

    Raises DevicekitError if there is one file, and it fails.

    Parameters
    ----------
    request : CharacterizeRequest
    progress : Progress
    table : Table, optional
        The table of the only file, if it is read already.
    """
    from devicekit.population.opening import is_population

    if table is None and len(request.files) == 1 and is_population(request.files[0]):
        from devicekit.verbs.population import PopulationRequest, run_population

        shared_fields = {name: getattr(request, name) for name in ("out", "v_set", "v_reset", "jobs", "reading")}
        usual = CharacterizeRequest(files=request.files)
        if unused := [
            each.flag
            for name, each in options_of(CharacterizeRequest).items()
            if name not in (*shared_fields, "files") and getattr(request, name) != getattr(usual, name)
        ]:
            _logger.warning("%s had no effect: this folder of many cells is a population.", ", ".join(unused))
        return run_population(PopulationRequest(folders=request.files, **shared_fields), progress)
    names, settings = folder_names(request.files), request.settings()
    if table is None:
        results = _characterize_files(request, settings, names, progress)
    else:
        (file,) = request.files
        results = [characterize_table(table, file, settings, file.name)]
    bad = {each.file: each.error for each in results if each.error is not None}
    if len(bad) == len(results) == 1:
        raise results[0].failure or RuntimeError((results[0].error or {})["message"])
    given = [
        (name, options_of(CharacterizeRequest)[name].flag)
        for name in map(option_name, settings.given)
        if name != "read_voltage"
    ]
    refuse_unused(given, {name for each in results for name in each.json})
    named = [(name, each) for name, each in zip(names, results, strict=True) if each.error is None]
    return Outcome(
        result=results,
        json={
            "out": str(request.out),
            "files": [{"file": each.file, "folder": name, **each.json} for name, each in named],
            "errors": [{"file": file, **error} for file, error in bad.items()],
        },
        page=lambda command: _page(results, command, request.show),
        files={f"{name}/{file}": write for name, each in named for file, write in each.files.items()},
        text=_text(results, request),
        reproduction=_reproduction(request),
        offered=tuple(f"{name}/{table}.csv" for name, each in named for table in each.tables),
        code=0 if not bad else 1 if any(error["kind"] == "internal" for error in bad.values()) else 2,
    )


def _page(results: Sequence[FileResult], command: str, show: str) -> Any:
    from devicekit.features.page import characterization_page

    failed = [(str(each.error["kind"]), f"{each.file}: {each.error['message']}") for each in results if each.error]
    page = characterization_page([each.part for each in results if each.part], command, failed)
    return replace(page, resistance=show == "ohm")


def _text(results: Sequence[FileResult], request: CharacterizeRequest) -> list[Block]:
    errors = [Alert(f"{each.file}: {each.error['message']}", "error") for each in results if each.error]
    coded = [warning for each in results if each.part for warning in each.part.warnings]
    trains = [each.file for each in results if each.json.get("kind") == "pulse"]
    fit = command("fit", trains, {**non_default(request.reading), "out": "card.json"})
    return [
        *errors,
        Warnings(coded),
        *(block for each in results for block in each.text),
        *report_field(request.out),
        *([Fields([("update law", fit)])] if trains else []),
    ]


def _reproduction(request: CharacterizeRequest) -> Reproduction:
    names, options = [file.name for file in request.files], non_default(request.reading)
    declared = options_of(CharacterizeRequest)
    own = {name: value for name in declared if (value := getattr(request, name)) != declared[name].default}
    own = {name: value for name, value in own.items() if name not in ("files", "out", "jobs")}
    typed = {name: value for name, value in own.items() if name != "bits"}
    if request.permittivity is not None:
        typed["permittivity"] = "{:g}:{:g}".format(*request.permittivity)
    line = command("characterize", names, {**typed, **options, "out": "results"})
    line += "".join(f" --bits {each}" for each in request.bits)
    settings = [repr(request.settings())] if own else []
    imports = "from devicekit.features.merit import Sample, Settings\n" if own else ""
    found = call("devicekit.characterize", repr(names[0]), *settings, **options)
    return Reproduction(line, f"import devicekit\n{imports}found = {found}\nfound.scalars()")
