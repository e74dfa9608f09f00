"""`devicekit calibrate`: parameters of a stack from measured sweeps, several levels and all branches at once."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import physics
from devicekit.cli.common import AllowLaw, Chance, Force, Json, choice, with_options
from devicekit.cli.outcome import TerminalProgress, print_outcome, write_all
from devicekit.core.errors import UsageError
from devicekit.core.pairs import parse_pairs, parse_range
from devicekit.system.options import ReadOptions


def _free(pairs: list[str] | None) -> dict[str, tuple[float, float]]:
    """Return the parameters of `--free`, KEY=LOW:HIGH each."""
    takes = "--free takes KEY=LOW:HIGH, such as reaction.energy=1.1:1.5"
    found = {}
    for key, bounds in parse_pairs(pairs, takes, "--free gives {} twice").items():
        try:
            found[key] = parse_range(bounds)
        except ValueError as error:
            raise UsageError(f"{takes}, not {f'{key}={bounds}'!r}") from error
    if not found:
        raise UsageError("Give at least one parameter, such as --free reaction.energy=1.1:1.5.")
    return found


@with_options
def calibrate_command(
    sweeps: Annotated[list[Path], typer.Argument(metavar="SWEEPS...", help="Files of measured voltage sweeps.")],
    reading: ReadOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder of the calibration, required; an unfinished calibration is continued."
        ),
    ] = None,
    free: Annotated[
        list[str] | None,
        typer.Option("--free", metavar="KEY=LOW:HIGH", help="A free parameter and 95 % of its prior; may be repeated."),
    ] = None,
    stack: Annotated[
        Path | None,
        typer.Option("--stack", metavar="STACK.toml", help="Stack to start from; the default stack if not given."),
    ] = None,
    allow_law: AllowLaw = None,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="V/S", help="Ramp rate [V/s], for sweeps without times.")
    ] = None,
    hold_out: Annotated[
        list[float] | None,
        typer.Option(
            "--hold-out", metavar="A", help="Compliance [A] of a level to predict, not to fit; may be repeated."
        ),
    ] = None,
    chain: Annotated[
        int,
        typer.Option("--chain", metavar="N", min=0, help="Check the posterior with a chain on an emulator of N runs."),
    ] = 0,
    iterations: Annotated[int, typer.Option("--iterations", metavar="N", min=1, help="Most iterations.")] = 12,
    mesh: Annotated[str, choice("--mesh", physics.SPACINGS, "Cells of the mesh")] = "coarse",
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Simulations side by side.")] = 1,
    seed: Chance = None,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Fit a stack to measured sweeps of SET, return and RESET.

    Each compliance is one level, stated or found in the data. --out DIR receives the calibrated stack, the numbers
    and report.html. It keeps every simulation, so the same command continues after an interruption.

    Examples:
        devicekit calibrate sweep.csv --free reaction.energy=1.1:1.5 --out fit
        devicekit calibrate ladder.csv --unit uA --rate 1 --free reaction.energy=1.1:1.5 --free filament.radius=4:7
        --hold-out 2e-4 --jobs 2 --out ladder
    """
    from devicekit.verbs.calibrate import CalibrateRequest, run_calibration
    from physics.stack import load_stack

    if out is None:  # not by typer's own check: an old typer overlooks it behind the reading options
        raise UsageError("Give --out: the folder that keeps every simulation.")
    if seed is not None and not chain:
        raise UsageError("--seed has no effect without --chain: add --chain, or remove --seed.")
    parameters = _free(free)
    device = load_stack(stack, laws=allow_law or ())
    if stack is not None and stack.resolve() == (out / "stack.toml").resolve():
        raise UsageError(f"--stack: {stack} is what --out {out} will write; copy it, or choose another --out")
    request = CalibrateRequest(
        sweeps=sweeps,
        stack=device,
        free=parameters,
        out=out,
        reading=reading,
        rate=rate,
        hold_out=hold_out or (),
        chain=chain,
        iterations=iterations,
        mesh=mesh,
        jobs=jobs,
        seed=seed or 0,
        force=force,
    )
    outcome = run_calibration(request, partial(write_all, folder=out), TerminalProgress(json_output))
    return print_outcome(outcome, json_output)
