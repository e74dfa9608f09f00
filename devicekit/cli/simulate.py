"""`devicekit simulate iv | pulses | kinetics`: the filament physics from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import physics
from devicekit.cli.common import AllowLaw, Chance, Force, Json, choice
from devicekit.cli.lazy import group, lazy_group
from devicekit.cli.outcome import TerminalProgress, conclude
from devicekit.core.errors import UsageError

_COMMANDS = {
    "iv": "simulate:iv_command",
    "pulses": "simulate:pulses_command",
    "kinetics": "kinetics:kinetics_command",
    "cycles": "cycles:cycles_command",
}

simulate_app = group(
    cls=lazy_group(lambda: _COMMANDS),
    help="Simulate a filament (vacancy drift-diffusion, continuity, Joule heating), or cycles like measured ones.",
    short_help="Simulate a filament (iv, pulses, kinetics), or cycles like measured ones.",
)


@simulate_app.callback()
def _group() -> None:
    """Without a callback typer takes an application without commands of its own for no group."""


StackFile = Annotated[
    Path | None,
    typer.Option(
        "--stack",
        metavar="STACK.toml",
        help="Stack TOML, which names its material set; the default stack if not given.",
    ),
]
Material = Annotated[
    str | None,
    choice("--material", physics.material_files(), "Material set; the first if not given"),
]
Mesh = Annotated[str, choice("--mesh", physics.SPACINGS, "Cells of the mesh")]
Noise = Annotated[
    bool,
    typer.Option("--noise", help="Generate, recombine and hop single vacancies at random; --seed gives another run."),
]
Compliance = Annotated[float | None, typer.Option("--compliance", metavar="A", help="Current limit [A].")]
OutDir = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the results.")]


def seed_of_noise(noise: bool, seed: int | None) -> int | None:
    """Seed of the noise; None for none."""
    if seed is not None and not noise:
        raise UsageError("--seed has no effect without --noise: add --noise, or remove --seed.")
    return (seed or 0) if noise else None


def iv_command(
    stack: StackFile = None,
    allow_law: AllowLaw = None,
    material: Material = None,
    solver: Annotated[
        str | None,
        choice("--solver", physics.SOLVERS, "banded (default for loops), fipy (for the set alone)"),
    ] = None,
    mesh: Mesh = "default",
    compliance: Compliance = None,
    rate: Annotated[float | None, typer.Option("--rate", metavar="V/S", help="Ramp rate [V/s].")] = None,
    stop: Annotated[float | None, typer.Option("--stop", metavar="V", help="End of the set ramp [V].")] = None,
    reset_stop: Annotated[
        float | None, typer.Option("--reset-stop", metavar="V", help="End of the reset ramp [V].")
    ] = None,
    cycles: Annotated[
        int, typer.Option("--cycles", metavar="N", min=0, help="Bipolar loops; 0 for one set sweep, up and back.")
    ] = 0,
    bare: Annotated[bool, typer.Option("--bare", help="Use the paper's equations alone, without generation.")] = False,
    measured: Annotated[
        Path | None,
        typer.Option("--measured", metavar="FILE", help="A measured sweep to draw under the figure."),
    ] = None,
    stage: Annotated[
        list[float] | None,
        typer.Option("--stage", metavar="V", help="Also keep the fields at this set voltage [V]; may be repeated."),
    ] = None,
    noise: Noise = False,
    seed: Chance = None,
    out: OutDir = None,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Simulate the set I-V of a stack, or bipolar loops.

    The sweep starts from the state just after a reset. --out DIR receives the table, figures, fields and report.html.

    Examples:
        devicekit simulate iv --out set-iv
        devicekit simulate iv --cycles 5 --material electrothermal --out loops
        devicekit simulate iv --cycles 100 --noise --mesh coarse --out scatter
    """
    from devicekit.verbs.simulate import ChosenStack, IVRequest, read_measured, run_iv

    changes = {"drive.set_stop": stop, "drive.reset_stop": reset_stop, "reaction.generation": False if bare else None}
    request = IVRequest(
        stack=ChosenStack.of(stack, material, changes, allow_law or ()),
        measured=None if measured is None else read_measured(measured),
        solver=solver or ("banded" if cycles or noise else "fipy"),
        mesh=mesh,
        compliance=compliance,
        rate=rate,
        cycles=cycles,
        stages=stage or (),
        noise=seed_of_noise(noise, seed),
        out=out,
    )
    progress = TerminalProgress(json_output)
    return conclude(lambda: run_iv(request, progress), out, "simulate iv", force, json_output)


def pulses_command(
    stack: StackFile = None,
    allow_law: AllowLaw = None,
    material: Material = None,
    solver: Annotated[str, choice("--solver", physics.SOLVERS, "Solver")] = "banded",
    mesh: Mesh = "default",
    compliance: Compliance = None,
    width: Annotated[
        list[float] | None,
        typer.Option("--width", metavar="S", help="Pulse width [s]; may be repeated. 5, 50 and 500 us if not given."),
    ] = None,
    count: Annotated[int, typer.Option("--count", metavar="N", help="Pulses of a train.")] = 100,
    pairs: Annotated[
        int, typer.Option("--pairs", metavar="N", help="Pairs of LTP and LTD trains; the last is written.")
    ] = 2,
    ltp: Annotated[float | None, typer.Option("--ltp", metavar="V", help="Amplitude of LTP pulses [V].")] = None,
    ltd: Annotated[float | None, typer.Option("--ltd", metavar="V", help="Amplitude of LTD pulses [V].")] = None,
    gap: Annotated[float, typer.Option("--gap", metavar="S", help="Rest at 0 V after each pulse [s].")] = 0.0,
    read_voltage: Annotated[float | None, typer.Option("--read-voltage", metavar="V", help="Read voltage [V].")] = None,
    cycles: Annotated[int, typer.Option("--cycles", metavar="N", help="Bipolar loops before the first train.")] = 3,
    noise: Noise = False,
    seed: Chance = None,
    out: OutDir = None,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Simulate LTP and LTD pulse trains of a stack.

    --out DIR receives one pulse table for each width, for `devicekit fit`, and report.html.

    Examples:
        devicekit simulate pulses --out trains
        devicekit simulate pulses --width 50e-6 --ltp 0.8 --ltd -1.05 --out linear
    """
    from devicekit.verbs.simulate import ChosenStack, PulsesRequest, run_pulses

    changes = {
        "circuit.compliance": compliance,
        "drive.ltp_voltage": ltp,
        "drive.ltd_voltage": ltd,
        "drive.read_voltage": read_voltage,
    }
    request = PulsesRequest(
        stack=ChosenStack.of(stack, material, changes, allow_law or ()),
        solver=solver,
        mesh=mesh,
        widths=tuple(width or ()),
        count=count,
        pairs=pairs,
        gap=gap,
        cycles=cycles,
        noise=seed_of_noise(noise, seed),
        out=out,
    )
    progress = TerminalProgress(json_output)
    return conclude(lambda: run_pulses(request, progress), out, "simulate pulses", force, json_output)
