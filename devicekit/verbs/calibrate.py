"""The verb calibrate: parameters of a stack from measured sweeps, several levels and all branches at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from devicekit.core.errors import DevicekitError, UsageError
from devicekit.core.text import count
from devicekit.system.options import ReadOptions
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
    """What to calibrate.

    Parameters
    ----------
    sweeps : sequence of Path
        Files of measured sweeps.
    stack : Stack
        Start values.
    free : mapping of str to (float, float)
        Free parameters with their 95 % prior ranges.
    out : Path
        Folder of the calibration, which keeps every simulation; an unfinished one is continued.
    reading : ReadOptions
        Options for reading the sweeps.
    rate : float, optional
        Ramp rate [V/s], for sweeps without times.
    hold_out : sequence of float
        Compliances [A] of levels that are predicted, not fitted.
    chain : int
        Runs of the emulator of a chain that checks the posterior; 0 for none.
    iterations, mesh, jobs, seed
        Most iterations, cells of the mesh, simulations side by side, seed of the chain.
    force : bool
        Take a folder that holds something else.
    """

    sweeps: Sequence[Path]
    stack: Stack
    free: Mapping[str, tuple[float, float]]
    out: Path
    reading: ReadOptions = field(default_factory=ReadOptions)
    rate: float | None = None
    hold_out: Sequence[float] = ()
    chain: int = 0
    iterations: int = 12
    mesh: str = "coarse"
    jobs: int = 1
    seed: int = 0
    force: bool = False


def run_calibration(
    request: CalibrateRequest, write: Callable[[Outcome[Calibration]], None], progress: Progress = SILENT
) -> Outcome[Calibration]:
    """Fit a stack to measured sweeps of SET, return and RESET.

    Parameters
    ----------
    request : CalibrateRequest
    write : callable
        (outcome) -> None, called before the chain, which takes long, and at the end.
    progress : Progress

    Raises
    ------
    DevicekitError
        If the sweeps have no levels, or a parameter is not valid.
    """
    from devicekit.system import folders
    from physics.calibration.chain import run_chain
    from physics.calibration.fit import calibrate
    from physics.calibration.measured import select
    from physics.calibration.model import priors_of
    from physics.solvers.mesh import build_mesh

    out, free = request.out, request.free
    levels = _levels(request, progress)
    priors_of(request.stack, free)
    select(levels, request.hold_out)
    build_mesh(request.stack, request.mesh)
    store = folders.continued_folder(out, "calibrate", "a calibration", FILES, request.force) / "runs"
    if number := len(list(store.glob("*.json"))):
        _logger.info(f"continuing from {count(number, 'simulation')} kept in {store}")
    most = len(levels) * (1 + len(free) + request.iterations * (len(free) + 3))
    try:
        with progress.counting("calibrating", "simulations") as show:
            fit = calibrate(
                levels,
                request.stack,
                free,
                hold_out=request.hold_out,
                mesh=request.mesh,
                jobs=request.jobs,
                store=store,
                most_iterations=request.iterations,
                progress=lambda done: show(done, max(done, most)),
            )
            profile = fit.profile()
            write(_outcome(request, fit, None, profile))
            chain = run_chain(fit, request.chain, request.seed) if request.chain else None
    except KeyboardInterrupt:
        _logger.warning(f"simulations are kept in {out}; the same command continues")
        raise
    outcome = _outcome(request, fit, chain, profile)
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


def _outcome(
    request: CalibrateRequest, fit: Calibration, chain: Chain | None, profile: list[ProfileStep]
) -> Outcome[Calibration]:
    from devicekit.system import writing
    from devicekit.tables import write_csv
    from physics.calibration import report
    from physics.stack import to_toml

    out = request.out
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
            "calibration.json": lambda path: writing.write_json(path, numbers, True),
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
