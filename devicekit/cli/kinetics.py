"""`devicekit simulate kinetics`: how fast a stack sets and resets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devicekit.cli import terminal
from devicekit.cli.common import AllowLaw, Force, Json, print_json, this_command
from devicekit.cli.simulate import (
    Compliance,
    Material,
    Mesh,
    OutDir,
    StackFile,
    chosen_stack,
    progress_bar,
)

if TYPE_CHECKING:
    from physics.kinetics import Kinetics


def kinetics_command(
    stack: StackFile = None,
    allow_law: AllowLaw = None,
    material: Material = None,
    mesh: Mesh = "default",
    compliance: Compliance = None,
    voltage: Annotated[
        list[float] | None,
        typer.Option("--voltage", metavar="V", help="Constant voltage [V]; repeatable. 0.3 to 1.5 V if not given."),
    ] = None,
    rate: Annotated[
        list[float] | None,
        typer.Option("--rate", metavar="V/S", help="Ramp rate [V/s]; may be repeated. 1e-4 to 1e10 if not given."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Simulations side by side.")] = 1,
    out: OutDir = None,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """SET and RESET times against voltage, set voltage against ramp rate.

    The published compact model JART VCM v1b stands beside them. --out DIR receives both tables and report.html.

    Examples:
        devicekit simulate kinetics --out kinetics
        devicekit simulate kinetics --voltage 0.5 --voltage 0.7 --voltage 0.9 --mesh coarse
    """
    from devicekit.system import folders
    from physics.kinetics import RATES, VOLTAGES, kinetics

    device = chosen_stack(stack, material, {"circuit.compliance": compliance}, allow_law)

    def simulate() -> Kinetics:
        with progress_bar(json_output) as share:
            return kinetics(device, voltage or VOLTAGES, rate or RATES, mesh, jobs, share)

    if out is None:
        result = simulate()
    else:
        with folders.result_folder(out, "simulate kinetics", force) as folder:
            result = simulate()
            _save_kinetics(result, folder)
    if json_output:
        print_json(result.summary())
    else:
        _print_kinetics(result, out)
    return 0


def _save_kinetics(result: Kinetics, folder: Path) -> None:
    from devicekit.system import writing
    from devicekit.tables import write_csv
    from physics.page import kinetics_page

    for name, table in result.tables().items():
        write_csv(table, folder / f"{name}.csv")
    writing.write_json(folder / "summary.json", result.summary())
    kinetics_page(result, this_command()).save(folder / "report.html")


def _print_kinetics(result: Kinetics, out: Path | None) -> None:
    from physics import report

    terminal.title(f"simulated kinetics, material set {result.stack.material}")
    for sentence in report.kinetics_summary(result):
        terminal.paragraph(sentence, 2)
    for records in (result.holds, result.ramps):
        terminal.table(records[0].head(), [each.cells() for each in records])
    if out is not None:
        terminal.fields([("report", str(out / "report.html"))])
