"""`devicekit simulate cycles`: SYNTHETIC cycles like those that were measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Force, Json, print_json, print_warnings, this_command, with_options
from devicekit.system.options import ReadOptions
from devicekit.verbs import shared

if TYPE_CHECKING:
    import pandas as pd

    from devicekit.synthetic.cycles import CycleModel


@with_options
def cycles_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Measured cycles: sweeps, trains or an endurance log.")],
    reading: ReadOptions,
    cycles: Annotated[int, typer.Option("--cycles", metavar="N", min=1, help="Cycles of a device.")] = 1000,
    devices: Annotated[int, typer.Option("--devices", metavar="N", min=1, help="Devices.")] = 1,
    beyond: Annotated[
        bool, typer.Option("--beyond", help="Allow values beyond the measured extremes, with normal tails.")
    ] = False,
    seed: int = shared.seed(),
    out: Path | None = shared.out_folder(),
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Generate SYNTHETIC cycles with the correlations of measured ones, within and between cycles.

    --out DIR receives cycles.csv and summary.json; for voltage sweeps also sweeps.csv and endurance.csv.

    Examples:
        devicekit simulate cycles sweeps.csv --cycles 1000 --devices 10 --seed 1 --out cycles
        devicekit simulate cycles sweeps.csv --cycles 200 --beyond
    """
    from devicekit.core.errors import TraceError
    from devicekit.features.characterize import characterize
    from devicekit.features.merit import Settings
    from devicekit.features.merits.sequence import SequenceResult
    from devicekit.readers import read
    from devicekit.synthetic.cycles import model
    from devicekit.system import folders

    table = read(file, reading, elsewhere=frozenset({"read_voltage"}))
    found = characterize(table, Settings(reading.read_voltage)).results.get("sequence")
    if not isinstance(found, SequenceResult):
        raise TraceError("Cycles cannot be generated: no device has 20 consecutive cycles of two quantities.")
    fitted = model(found, file)
    made = fitted.generate(cycles, devices, seed, beyond=beyond)
    summary = {**fitted.as_dict(), "cycles": cycles, "devices": devices, "seed": seed, "beyond": beyond}
    tables: list[str] = []
    left_out: dict[str, str] = {}
    if out is not None:
        with folders.result_folder(out, "simulate cycles", force) as folder:
            names, left_out = _save(fitted, made, summary, folder)
            tables = [str(out / name) for name in names]
    if json_output:
        print_json({**summary, "tables": tables, "not_written": left_out})
    else:
        _print(fitted, found.sentences(), summary, [*(("table", path) for path in tables), *left_out.items()])
        print_warnings(fitted.warnings)
    return 0


def _save(
    fitted: CycleModel, made: pd.DataFrame, summary: dict[str, Any], folder: Path
) -> tuple[list[str], dict[str, str]]:
    """Write the tables of these cycles, marked by a datapackage.json; return their names, and why one is missing."""
    from devicekit.core.errors import UsageError
    from devicekit.system import files, writing
    from devicekit.tables import write_csv

    write_csv(made, folder / "cycles.csv")
    names, left_out = ["cycles.csv"], {}
    for name, make in (("sweeps.csv", fitted.sweeps), ("endurance.csv", fitted.endurance)):
        try:
            make(made).to_csv(folder / name)
        except UsageError as error:
            left_out[name] = f"not written: {error}"
        else:
            names.append(name)
    writing.write_json(folder / "summary.json", {**summary, "command": this_command()})
    package = {
        "name": "cycles",
        "title": f"SYNTHETIC cycles from a fit to {summary['fitted_to']}",
        "synthetic": True,
        "resources": [
            {"name": name[:-4], "path": name, "hash": f"sha256:{files.sha256(folder / name)}"} for name in names
        ],
    }
    writing.write_json(folder / "datapackage.json", package)
    return names, left_out


def _print(fitted: CycleModel, sentences: list[str], summary: dict[str, Any], written: list[tuple[str, str]]) -> None:
    from devicekit.core.text import count

    terminal.title(f"SYNTHETIC cycles from a fit to {summary['fitted_to']}")
    for sentence in sentences:
        terminal.paragraph(sentence, 2)
    levels = count(len(fitted.levels), "device")
    alike = "; all synthetic devices have its level" if len(fitted.levels) == 1 else ""
    rows = [
        ("fitted", f"{count(fitted.fit.n, 'cycle')} of {levels}{alike}"),
        (
            "made",
            f"{count(summary['cycles'], 'cycle')} of {count(summary['devices'], 'device')}, seed {summary['seed']}",
        ),
        *written,
    ]
    terminal.fields(rows)
