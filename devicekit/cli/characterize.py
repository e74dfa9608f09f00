"""`devicekit characterize`: tables, figures and one report page of the figures of merit in many files."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli import terminal
from devicekit.cli.common import (
    Force,
    Json,
    LifeTemperature,
    LostFactor,
    Threshold,
    choice,
    in_command_words,
    print_json,
    print_warnings,
    this_command,
    with_reading_options,
)
from devicekit.core.errors import CodedWarning, DevicekitError, UsageError
from devicekit.core.pairs import parse_range
from devicekit.features.definitions import V_RESET, V_SET
from devicekit.system.options import BASELINES, KERNELS, ReadOptions

if TYPE_CHECKING:
    import pandas as pd

    from devicekit.features.merit import Settings
    from devicekit.features.page import Part

DEFAULT_OUT = Path("devicekit-characterize")


@dataclass(frozen=True)
class Outcome:
    """Result of one file, or its error."""

    file: str
    report: dict[str, Any] | None = None
    part: Part | None = None
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    failure: DevicekitError | None = None
    spreads: tuple[tuple[str, ...], ...] = ()
    levels: tuple[tuple[str, ...], ...] = ()


def _characterize_file(file: Path, reading: ReadOptions, settings: Settings, anchor: str, title: str) -> Outcome:
    """Characterise one file; an error becomes a result, so that it never stops the others."""
    from devicekit.features.characterize import characterize
    from devicekit.features.merits.dc import DcResult
    from devicekit.features.page import part
    from devicekit.readers import read
    from devicekit.system import files

    try:
        found = characterize(read(file, reading, elsewhere=frozenset({"read_voltage"})), settings)
        switching = found.results.get("dc")
        return Outcome(
            str(file),
            found.as_dict(),
            part(found, title, anchor, found.table.synthetic, files.checksum([file])),
            found.tables,
            spreads=tuple(each.cells() for result in found.results.values() for each in getattr(result, "spreads", ())),
            levels=tuple(each.cells() for each in switching.levels) if isinstance(switching, DcResult) else (),
        )
    except DevicekitError as error:
        return Outcome(str(file), error=error.in_words(in_command_words).as_dict(), failure=error)
    except Exception as error:
        message = f"{type(error).__name__}: {error} (a bug in devicekit)"
        return Outcome(str(file), error={"kind": "internal", "message": message, "rows": []})


def _characterize_in_folder(folder: str, *arguments: Any) -> Outcome:
    """Do `_characterize_file` in a folder: a worker may have been started in another."""
    with chdir(folder):
        return _characterize_file(*arguments)


def _characterize_files(
    files: Sequence[Path],
    reading: ReadOptions,
    settings: Settings,
    names: Sequence[str],
    jobs: int,
    quiet: bool,
) -> list[Outcome]:
    """Every file in turn, or several at a time."""
    shown = [file.name for file in files]
    titles = [name if shown.count(name) == 1 else str(file) for file, name in zip(files, shown, strict=True)]
    from joblib import Parallel, delayed

    here = os.getcwd()
    tasks = [
        delayed(_characterize_in_folder)(here, file, reading, settings, name, title)
        for file, name, title in zip(files, names, titles, strict=True)
    ]
    outcomes = []
    with terminal.counting("characterizing", "files", quiet or len(files) == 1) as progress:
        for outcome in Parallel(n_jobs=min(jobs, len(files)), return_as="generator")(tasks):
            outcomes.append(outcome)
            progress(len(outcomes), len(files))
    return outcomes


def folder_names(files: Sequence[Path]) -> list[str]:
    """One safe and distinct folder name a file: letters, digits, dot, dash and underscore only."""
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


def _write(folder: Path, outcome: Outcome) -> None:
    """Tables as CSV, figures as SVG, numbers as JSON."""
    import base64

    from devicekit.system import writing
    from devicekit.tables import write_csv

    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in outcome.tables.items():
        write_csv(frame, folder / f"{name}.csv")
    writing.write_json(folder / "results.json", outcome.report)
    for number, figure in enumerate(outcome.part.section.figures if outcome.part else (), 1):
        writing.write_bytes(folder / f"figure{number}.svg", base64.b64decode(figure.uri.partition("base64,")[2]))


def _coded(outcomes: Sequence[Outcome]) -> list[CodedWarning]:
    return [warning for outcome in outcomes if outcome.part for warning in outcome.part.warnings]


def _page(outcomes: Sequence[Outcome], folder: Path) -> None:
    from devicekit.features.page import characterization_page

    failed = [(str(each.error["kind"]), f"{each.file}: {each.error['message']}") for each in outcomes if each.error]
    parts = [each.part for each in outcomes if each.part]
    characterization_page(parts, this_command(), failed).save(folder / "report.html")


@with_reading_options
def characterize_command(
    files_: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files or folders of measurements.")],
    reading: ReadOptions,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")] = DEFAULT_OUT,
    v_set: Annotated[
        str,
        choice("--v-set", V_SET, "Definition of V_set"),
    ] = V_SET[0],
    v_reset: Annotated[
        str,
        choice("--v-reset", V_RESET, "Definition of V_reset"),
    ] = V_RESET[0],
    threshold: Threshold = 2.0,
    horizon: Annotated[
        float, typer.Option("--horizon", metavar="S", help="Retention: time to predict [s].")
    ] = 3.15576e8,
    kernel: Annotated[
        str | None, choice("--kernel", KERNELS, "Relaxation: kernel, chosen by the data if not given")
    ] = None,
    ppf_baseline: Annotated[
        str | None,
        choice("--ppf-baseline", BASELINES, "Paired pulses: level from which the second is counted", metavar="WHICH"),
    ] = None,
    thickness: Annotated[
        float | None, typer.Option("--thickness", metavar="M", help="Conduction: thickness of the film [m].")
    ] = None,
    area: Annotated[
        float | None, typer.Option("--area", metavar="M2", help="Conduction: area of the electrode [m2].")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option("--temperature", metavar="K", help="Conduction: temperature of the measurement [K]."),
    ] = None,
    permittivity: Annotated[
        str | None,
        typer.Option("--permittivity", metavar="LOW:HIGH", help="Conduction: range of the relative permittivity."),
    ] = None,
    life_temperature: LifeTemperature = 358.15,
    lost_factor: LostFactor = 2.0,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Files at a time.")] = 2,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Find figures of merit: DC, conduction, cycles, endurance, retention, STDP, transients, levels, noise, map.

    Each file gives what it allows. --out DIR receives tables, figures and report.html.

    Examples:
        devicekit characterize sweeps.csv endurance.csv --out results
        devicekit characterize pairs.csv --ppf-baseline original
        devicekit characterize sweeps.csv --thickness 8e-9 --area 1e-10 --temperature 295 --permittivity 4:25
    """
    from devicekit.features.merit import Sample, Settings
    from devicekit.system import folders

    settings = Settings(
        reading.read_voltage,
        v_set,
        v_reset,
        threshold,
        horizon,
        kernel,
        ppf_baseline,
        Sample(thickness, area, temperature, _range(permittivity)),
        life_temperature,
        lost_factor,
    )
    names = folder_names(files_)
    with folders.result_folder(out, "characterize", force) as folder:
        outcomes = _characterize_files(files_, reading, settings, names, jobs, json_output)
        bad = [each for each in outcomes if each.error]
        if len(bad) == len(outcomes) == 1:
            _raise(bad[0])
        for outcome, name in zip(outcomes, names, strict=True):
            if outcome.error is None:
                _write(folder / name, outcome)
        _page(outcomes, folder)
    report = {
        "out": str(out),
        "files": [
            {"file": each.file, "folder": name, **(each.report or {})}
            for each, name in zip(outcomes, names, strict=True)
            if each.report
        ],
        "errors": [{"file": each.file, **each.error} for each in bad if each.error],
    }
    if settings.sample != Sample() and not any("mechanism" in (each.report or {}) for each in outcomes):
        terminal.warning(
            "--thickness, --area, --temperature and --permittivity had no effect: no file shows conduction of sweeps."
        )
    if json_output:
        print_json(report)
    else:
        _print(outcomes, out)
    return _code(bad)


def _range(text: str | None) -> tuple[float, float] | None:
    """LOW:HIGH, or one number for both."""
    if text is None:
        return None
    first = text.removesuffix(":")
    try:
        return parse_range(first if ":" in first else f"{first}:{first}")
    except ValueError:
        raise UsageError(f"--permittivity takes LOW:HIGH, such as 4:25, not {text!r}") from None


def _code(bad: Sequence[Outcome]) -> int:
    if any(each.error and each.error["kind"] == "internal" for each in bad):
        return 1
    return 2 if bad else 0


def _raise(outcome: Outcome) -> None:
    """The error of a single file, as if it had been raised here."""
    raise outcome.failure or RuntimeError((outcome.error or {})["message"])


def _print(outcomes: Sequence[Outcome], out: Path) -> None:
    from devicekit.features.dc.levels import Level

    for each in outcomes:
        if each.error:
            terminal.error(f"{each.file}: {each.error['message']}")
    print_warnings(_coded(outcomes))
    for each in outcomes:
        if each.part:
            terminal.title(each.file)
            for sentence in each.part.sentences:
                terminal.paragraph(sentence, 2)
            if each.spreads:
                head = ("quantity", "n", "median", "5 % to 95 %", "C2C sd", "D2D sd")
                terminal.table(head, each.spreads)
            if each.levels:
                terminal.table(Level.head(), each.levels)
    terminal.fields([("report", str(out / "report.html"))])
