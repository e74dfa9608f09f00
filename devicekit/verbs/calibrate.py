"""The verb calibrate: parameters of a stack from measured sweeps, several levels and all branches at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from devicekit.core.declarations import document, option
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.core.pairs import parse_pairs, parse_range
from devicekit.core.text import count
from devicekit.system.options import ReadOptions
from devicekit.verbs import shared
from devicekit.verbs.outcome import REPORT, SILENT, Outcome, Progress
from devicekit.verbs.text import Fields, Title, paragraphs, table_of

if TYPE_CHECKING:
    import pandas as pd

    from physics.calibration.chain import Chain
    from physics.calibration.measured import Level
    from physics.calibration.result import Calibration, ProfileStep
    from physics.stack import Stack

FILES = ["calibration.json", "stack.toml", "levels.csv", REPORT, "runs"]
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CalibrateRequest:
    """Request for a calibration."""

    sweeps: tuple[Path, ...] = option(
        argument=True, default=MISSING, metavar="SWEEPS...", help="Files of measured voltage sweeps."
    )
    out: Path | None = shared.out_folder("Folder of the calibration, required; an unfinished calibration is continued.")
    free: tuple[str, ...] = shared.several(
        "A free parameter and 95 % of its prior; may be repeated.", "KEY=LOW:HIGH", "--free"
    )
    stack: Path | None = shared.stack("Stack to start from; the default stack if not given.")
    laws: tuple[Path, ...] = shared.laws()
    rate: float | None = shared.number("Ramp rate [V/s], for sweeps without times.", "V/S")
    hold_out: tuple[float, ...] = shared.several(
        "Compliance [A] of a level to predict, not to fit; may be repeated.", "A", "--hold-out"
    )
    chain: int = option(
        default=0, metavar="N", least=0, help="Check the posterior with a chain on an emulator of N runs."
    )
    iterations: int = option(default=12, metavar="N", least=1, help="Most iterations.")
    mesh: str = shared.mesh("coarse")
    jobs: int = shared.jobs("Simulations side by side.")
    seed: int | None = shared.chance()
    reading: ReadOptions = field(default_factory=ReadOptions)
    force: bool = False  # take a folder that holds something else


document(CalibrateRequest)


def _free(pairs: Sequence[str], stack: Stack) -> dict[str, tuple[float, float]]:
    """Return the parameters of `--free`, KEY=LOW:HIGH each; without any, the error lists those of the stack."""
    takes = "--free takes KEY=LOW:HIGH, such as transport.charge_number=6:12"
    found = {}
    for key, bounds in parse_pairs(pairs, takes, "--free gives {} twice").items():
        try:
            found[key] = parse_range(bounds)
        except ValueError as error:
            raise UsageError(f"{takes}, not {f'{key}={bounds}'!r}") from error
    if not found:
        raise UsageError(
            f"Give at least one parameter, such as --free transport.charge_number=6:12; known: {_known_keys(stack)}"
        )
    return found


def _known_keys(stack: Stack) -> str:
    """Return the parameters that one may calibrate, by group: "filament.(radius, ...); ..."."""
    groups: dict[str, list[str]] = {}
    for key in stack.units():
        group, _, name = key.rpartition(".")
        if group not in ("drive", "numerics"):
            groups.setdefault(group, []).append(name)
    return "; ".join(f"{group}.({', '.join(names)})" for group, names in groups.items())


def run_calibration(
    request: CalibrateRequest, write: Callable[[Outcome[Calibration]], None], progress: Progress = SILENT
) -> Outcome[Calibration]:
    """Fit a stack to measured sweeps of SET, return and RESET.

    Raises DevicekitError if the sweeps have no levels, or a parameter is not valid.

    Parameters
    ----------
    request : CalibrateRequest
    write : callable
        (outcome) -> None, called before the chain, which takes long, and at the end.
    progress : Progress
    """
    from devicekit.system import folders
    from physics.calibration.chain import run_chain
    from physics.calibration.fit import calibrate
    from physics.calibration.measured import select
    from physics.calibration.model import priors_of
    from physics.solvers.mesh import build_mesh
    from physics.stack import load_stack

    out, start = request.out, request.stack
    if out is None:
        raise UsageError("Give --out: the folder that keeps every simulation.")
    if request.seed is not None and not request.chain:
        raise UsageError("--seed has no effect without --chain: add --chain, or remove --seed.")
    stack = load_stack(start, laws=request.laws)
    free = _free(request.free, stack)
    if start is not None and start.resolve() == (out / "stack.toml").resolve():
        raise UsageError(f"--stack: {start} is what --out {out} will write; copy it, or choose another --out")
    levels = _levels(request, progress)
    priors_of(stack, free)
    select(levels, request.hold_out)
    build_mesh(stack, request.mesh)
    store = folders.continued_folder(out, "calibrate", "a calibration", FILES, request.force) / "runs"
    if number := len(list(store.glob("*.json"))):
        _logger.info(f"continuing from {count(number, 'simulation')} kept in {store}")
    most = len(levels) * (1 + len(free) + request.iterations * (len(free) + 3))
    try:
        with progress.counting("calibrating", "simulations") as show:
            fit = calibrate(
                levels,
                stack,
                free,
                hold_out=request.hold_out,
                mesh=request.mesh,
                jobs=request.jobs,
                store=store,
                most_iterations=request.iterations,
                progress=lambda done: show(done, max(done, most)),
            )
            profile = fit.profile()
            write(_outcome(out, fit, None, profile))
            chain = run_chain(fit, request.chain, request.seed or 0) if request.chain else None
    except KeyboardInterrupt:
        _logger.warning(f"simulations are kept in {out}; the same command continues")
        raise
    outcome = _outcome(out, fit, chain, profile)
    write(outcome)
    folders.finish_folder(out, FILES)
    return outcome


def _levels(request: CalibrateRequest, progress: Progress) -> list[Level]:
    """Return the levels of every file; with several files each level says which."""
    from devicekit.readers import read
    from devicekit.tables import SweepTable
    from physics.calibration.measured import levels_of

    found: list[Level] = []
    for file in request.sweeps:
        table = read(file, request.reading)
        if not isinstance(table, SweepTable):
            raise UsageError(f"{file} has no voltage sweeps; a calibration needs sweeps up to SET and back")
        progress.warn(table.warnings)
        try:
            levels = levels_of(table, request.rate)
        except DevicekitError as error:
            error.message = f"{file.name}: {error.message}"
            raise
        several = len(request.sweeps) > 1
        found += [replace(each, name=f"{file.name}: {each.name}") for each in levels] if several else levels
    return found


def _outcome(out: Path, fit: Calibration, chain: Chain | None, profile: list[ProfileStep]) -> Outcome[Calibration]:
    from devicekit.system import writing
    from devicekit.tables import write_csv
    from physics.calibration import report
    from physics.stack import to_toml

    numbers = {
        **fit.as_dict(),
        "profile": [each.as_dict() for each in profile],
        "chain": None if chain is None else chain.as_dict(),
    }
    return Outcome(
        result=fit,
        json={"out": str(out), **numbers},
        page=lambda command: report.page(fit, chain, profile, command),
        files={
            "calibration.json": lambda path: writing.write_results(path, numbers, True),
            "stack.toml": lambda path: writing.write_text(path, to_toml(fit.stack), True),
            "levels.csv": lambda path: write_csv(_currents(fit), path),
        },
        text=[
            Title(f"calibrated stack, from material set {fit.stack.material}"),
            *paragraphs(report.summary(fit)),
            table_of(fit.parameters),
            table_of(fit.levels),
            Fields([("stack", str(out / "stack.toml")), ("report", str(out / REPORT))]),
        ],
    )


def _currents(fit: Calibration) -> pd.DataFrame:
    """Return measured and simulated currents of every branch."""
    import numpy as np
    import pandas as pd

    return pd.DataFrame(
        [
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
    )
