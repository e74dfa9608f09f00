"""`devicekit calibrate`: parameters of a stack from measured sweeps, several levels and all branches at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import physics
from devicekit.cli import terminal
from devicekit.cli.common import (
    AllowLaw,
    Chance,
    Force,
    Json,
    choice,
    print_json,
    print_warnings,
    this_command,
    with_reading_options,
)
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.core.pairs import parse_pairs, parse_range
from devicekit.core.text import count
from devicekit.system.options import ReadOptions

if TYPE_CHECKING:
    from physics.calibration.chain import Chain
    from physics.calibration.measured import Level
    from physics.calibration.result import Calibration, ProfileStep

_FILES = ["calibration.json", "stack.toml", "levels.csv", "report.html", "runs"]


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


def _levels(files_: list[Path], reading: ReadOptions, rate: float | None) -> list[Level]:
    """Levels of every file; with several files each level says which."""
    from dataclasses import replace

    from devicekit.readers import read
    from devicekit.tables import SweepTable
    from physics.calibration.measured import levels_of

    found: list[Level] = []
    for file in files_:
        table = read(file, reading)
        if not isinstance(table, SweepTable):
            raise UsageError(f"{file} has no voltage sweeps; a calibration needs sweeps up to SET and back")
        print_warnings(table.warnings)
        try:
            levels = levels_of(table, rate)
        except DevicekitError as error:
            error.message = f"{file.name}: {error.message}"
            raise
        found += levels if len(files_) == 1 else [replace(x, name=f"{file.name}: {x.name}") for x in levels]
    return found


@with_reading_options
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
    from devicekit.system import folders
    from physics.calibration.chain import run_chain
    from physics.calibration.fit import calibrate
    from physics.calibration.measured import select
    from physics.calibration.model import priors_of
    from physics.solvers.mesh import build_mesh
    from physics.stack import load_stack

    if out is None:  # not by typer's own check: an old typer overlooks it behind the reading options
        raise UsageError("Give --out: the folder that keeps every simulation.")
    if seed is not None and not chain:
        raise UsageError("--seed has no effect without --chain: add --chain, or remove --seed.")
    parameters = _free(free)
    device = load_stack(stack, laws=allow_law or ())
    if stack is not None and stack.resolve() == (out / "stack.toml").resolve():
        raise UsageError(f"--stack: {stack} is what --out {out} will write; copy it, or choose another --out")
    levels = _levels(sweeps, reading, rate)
    priors_of(device, parameters)
    select(levels, hold_out or ())
    build_mesh(device, mesh)
    store = folders.continued_folder(out, "calibrate", "a calibration", _FILES, force) / "runs"
    if number := len(list(store.glob("*.json"))):
        terminal.paragraph(f"continuing from {count(number, 'simulation')} kept in {store}", err=True)
    most = len(levels) * (1 + len(parameters) + iterations * (len(parameters) + 3))
    try:
        with terminal.counting("calibrating", "simulations", json_output) as show:
            fit = calibrate(
                levels,
                device,
                parameters,
                hold_out=hold_out or (),
                mesh=mesh,
                jobs=jobs,
                store=store,
                most_iterations=iterations,
                progress=lambda done: show(done, max(done, most)),
            )
            profile = fit.profile()
            _save(fit, None, profile, out)
            checked = run_chain(fit, chain, seed or 0) if chain else None
    except KeyboardInterrupt:
        terminal.warning(f"simulations are kept in {out}; the same command continues")
        raise
    report = _save(fit, checked, profile, out)
    folders.finish_folder(out, _FILES)
    if json_output:
        print_json({"out": str(out), **report})
    else:
        _print(fit, out)
    return 0


def _save(fit: Calibration, chain: Chain | None, profile: list[ProfileStep], out: Path) -> dict[str, Any]:
    """Write everything; gives what --json prints."""
    import numpy as np
    import pandas as pd

    from devicekit.system import writing
    from devicekit.tables import write_csv
    from physics.calibration import report
    from physics.stack import to_toml

    rows = [
        {
            "level": each.level.name,
            "held_out": each.held_out,
            "branch": branch.name,
            "voltage_v": voltage,
            "measured_a": float(np.exp(measured)),
            "simulated_a": float(np.exp(simulated)),
        }
        for each in fit.levels
        for branch in each.level.branches
        for voltage, measured, simulated in zip(
            branch.voltage, branch.log_current, each.simulated.branches[branch.name], strict=True
        )
    ]
    numbers = {**fit.as_dict(), "profile": [each.as_dict() for each in profile]}
    numbers["chain"] = None if chain is None else chain.as_dict()
    writing.write_json(out / "calibration.json", numbers, True)
    writing.write_text(out / "stack.toml", to_toml(fit.stack), True)
    write_csv(pd.DataFrame(rows), out / "levels.csv")
    report.page(fit, chain, profile, this_command()).save(out / "report.html")
    return numbers


def _print(fit: Calibration, out: Path) -> None:
    from physics.calibration import report

    terminal.title(f"calibrated stack, from material set {fit.stack.material}")
    for sentence in report.summary(fit):
        terminal.paragraph(sentence, 2)
    for records in (fit.parameters, fit.levels):
        terminal.table(records[0].head(), [each.cells() for each in records])
    terminal.fields([("stack", str(out / "stack.toml")), ("report", str(out / "report.html"))])
