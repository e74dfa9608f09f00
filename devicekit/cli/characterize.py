"""`devicekit characterize`: tables, figures and one report page of the figures of merit in many files."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli.common import Force, Json, print_json, with_reading_options
from devicekit.errors import DevicekitError, FileError
from devicekit.options import ReadOptions

if TYPE_CHECKING:
    import pandas as pd

    from devicekit.characterizing import Settings
    from devicekit.report import Section

DEFAULT_OUT = Path("devicekit-characterize")


@dataclass(frozen=True)
class Outcome:
    """What became of one file: its results, or the error."""

    file: str
    report: dict[str, Any] | None = None
    section: Section | None = None
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    synthetic: bool = False


def _one(file: Path, reading: ReadOptions, settings: Settings, anchor: str) -> Outcome:
    """Characterise one file; an error becomes a result, so that it never stops the others."""
    from devicekit.characterizing import characterize
    from devicekit.features.sections import section
    from devicekit.readers import read

    try:
        found = characterize(read(file, reading), settings)
        return Outcome(
            str(file), found.as_dict(), section(file.name, anchor, found), found.tables,
            synthetic=_is_synthetic(file),
        )  # fmt: skip
    except DevicekitError as error:
        return Outcome(str(file), error=error.as_dict())
    except Exception as error:
        message = f"{type(error).__name__}: {error} (a failure of devicekit's own)"
        return Outcome(str(file), error={"kind": "internal", "message": message, "rows": []})


def _is_synthetic(file: Path) -> bool:
    """Whether the data package that the file lies in says that it was generated."""
    package = file.parent / "datapackage.json"
    try:
        return bool(json.loads(package.read_text(encoding="utf-8")).get("synthetic"))
    except (OSError, ValueError, AttributeError):
        return False


def _all(
    files: Sequence[Path], reading: ReadOptions, settings: Settings, names: Sequence[str], jobs: int
) -> list[Outcome]:
    if len(files) == 1 or jobs == 1:
        return [_one(file, reading, settings, name) for file, name in zip(files, names, strict=True)]
    from joblib import Parallel, delayed

    tasks = [delayed(_one)(file, reading, settings, name) for file, name in zip(files, names, strict=True)]
    return list(Parallel(n_jobs=min(jobs, len(files)))(tasks))


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

    from devicekit import files
    from devicekit.report import Figure
    from devicekit.tables import write_csv

    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in outcome.tables.items():
        write_csv(frame, folder / f"{name}.csv")
    files.write_json(folder / "results.json", outcome.report)
    figures = (
        [block for block in outcome.section.blocks if isinstance(block, Figure)] if outcome.section else []
    )
    for number, figure in enumerate(figures, 1):
        files.write_bytes(
            folder / f"figure{number}.svg", base64.b64decode(figure.uri.partition("base64,")[2])
        )


def _errors_section(outcomes: Sequence[Outcome]) -> Section:
    from devicekit.report import Remarks, Section

    rows = [
        (str(each.error["kind"]), f"{each.file}: {each.error['message']}") for each in outcomes if each.error
    ]
    return Section("Files that could not be characterised", "errors", [Remarks(rows)])


def _warnings(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    return [
        (warning["code"], warning["message"])
        for each in outcomes
        if each.report
        for warning in each.report["warnings"]
    ]


def _page(outcomes: Sequence[Outcome], folder: Path) -> None:
    from devicekit.report import Listing, Remarks, Report, Section, Text

    good = [each for each in outcomes if each.section]
    bad = [each for each in outcomes if each.error]
    sections = [each.section for each in good if each.section]
    if bad:
        sections.append(_errors_section(bad))
    warnings = _warnings(good)
    block: Any = Remarks(warnings) if warnings else Text(["None."])
    sections.append(Section("Warnings", "warnings", [block]))
    command = shlex.join(["devicekit", *sys.argv[1:]])
    sections.append(
        Section("Provenance", "provenance", [Text(["To make this report again:"]), Listing(command)])
    )
    summary = [f"{len(good)} of {len(outcomes)} file(s) characterised."]
    title = Path(outcomes[0].file).name if len(outcomes) == 1 else f"{len(outcomes)} files"
    synthetic = any(each.synthetic for each in good)
    Report(f"Figures of merit: {title}", summary, sections, synthetic).save(folder / "report.html")


@with_reading_options
def characterize_command(
    files_: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files or folders of measurements.")
    ],
    reading: ReadOptions,
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = DEFAULT_OUT,
    v_set: Annotated[
        str, typer.Option("--v-set", help="half_ln_g, max_didv, max_dlnidv, compliance.")
    ] = "half_ln_g",
    v_reset: Annotated[
        str, typer.Option("--v-reset", help="peak_current, onset, steepest_drop, half_ln_g.")
    ] = "peak_current",
    threshold: Annotated[
        float, typer.Option("--threshold", help="Endurance: least on/off of a good cycle.")
    ] = 2.0,
    horizon: Annotated[
        float, typer.Option("--horizon", help="Retention: time of the prediction [s].")
    ] = 3.15576e8,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Files at a time.")] = 2,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """DC, endurance, retention, STDP and read-noise figures of merit of whatever the files hold.

    Example: devicekit characterize sweeps.csv endurance.csv --out results/
    """
    from devicekit import files
    from devicekit.characterizing import Settings

    settings = Settings(reading.read_voltage, v_set, v_reset, threshold, horizon)
    names = folder_names(files_)
    outcomes = _all(files_, reading, settings, names, jobs)
    bad = [each for each in outcomes if each.error]
    if len(bad) == len(outcomes) == 1:
        _raise(bad[0])
    with files.result_folder(out, "characterize", force) as folder:
        for outcome, name in zip(outcomes, names, strict=True):
            if outcome.error is None:
                _write(folder / name, outcome)
        _page(outcomes, folder)
    report = {
        "out": str(out),
        "files": [{"file": each.file, "folder": name, **(each.report or {})}
                  for each, name in zip(outcomes, names, strict=True) if each.report],
        "errors": [{"file": each.file, **each.error} for each in bad if each.error],
    }  # fmt: skip
    if json_output:
        print_json(report)
    else:
        _print(outcomes, out)
    return _code(bad)


def _code(bad: Sequence[Outcome]) -> int:
    if any(each.error and each.error["kind"] == "internal" for each in bad):
        return 1
    return 2 if bad else 0


def _raise(outcome: Outcome) -> None:
    """The error of a single file, as if it had been raised here."""
    from devicekit.errors import BadRow

    error = outcome.error or {}
    if error["kind"] == "internal":
        raise RuntimeError(error["message"])
    again = FileError(error["message"], [BadRow(**row) for row in error["rows"]])
    again.kind = error["kind"]
    raise again


def _print(outcomes: Sequence[Outcome], out: Path) -> None:
    for each in outcomes:
        if each.error:
            typer.echo(f"error: {each.file}: {each.error['message']}", err=True)
    for code, message in dict.fromkeys(_warnings(outcomes)):
        typer.echo(f"warning: [{code}] {message}", err=True)
    for each in outcomes:
        if each.report:
            found = ", ".join(key for key in each.report if key not in ("kind", "warnings"))
            typer.echo(f"{each.file}: {found}")
            for spread in each.report.get("dc", {}).get("spreads", []):
                typer.echo(
                    f"  {spread['quantity']}: median {spread['median']:.4g} {spread['unit']}, n {spread['n']}"
                )
    typer.echo(f"report: {out / 'report.html'}")
