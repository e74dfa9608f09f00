"""`devicekit simulate kinetics`: how fast a stack sets and resets."""

from __future__ import annotations

from typing import Annotated

import typer

from devicekit.cli.common import AllowLaw, Force, Json
from devicekit.cli.outcome import TerminalProgress, conclude
from devicekit.cli.simulate import Compliance, Material, Mesh, OutDir, StackFile


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
    from devicekit.verbs.simulate import ChosenStack, KineticsRequest, run_kinetics

    request = KineticsRequest(
        stack=ChosenStack.of(stack, material, {"circuit.compliance": compliance}, allow_law or ()),
        voltages=voltage or (),
        rates=rate or (),
        mesh=mesh,
        jobs=jobs,
        out=out,
    )
    progress = TerminalProgress(json_output)
    return conclude(lambda: run_kinetics(request, progress), out, "simulate kinetics", force, json_output)
