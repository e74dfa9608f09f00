"""`devicekit calibrate`: parameters of a stack from measured sweeps, several levels and all branches at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from devicekit.cli.common import Force, Json, with_options
from devicekit.cli.outcome import TerminalProgress, print_outcome, write_all
from devicekit.system.options import ReadOptions
from devicekit.verbs.calibrate import CalibrateRequest, run_calibration
from devicekit.verbs.outcome import Outcome


@with_options
def calibrate_command(
    *, request: CalibrateRequest, reading: ReadOptions, force: Force = False, json_output: Json = False
) -> int:
    """Fit a stack to measured sweeps of SET, return and RESET.

    Each compliance is one level, stated or found in the data. --out DIR receives the calibrated stack, the numbers
    and report.html. It keeps every simulation, so the same command continues after an interruption.

    Examples:
        devicekit calibrate sweep.csv --free layer.Al2O3.hopping_barrier=1.3:1.6 --out fit
        devicekit calibrate ladder.csv --unit uA --rate 1 --free transport.charge_number=6:12 --free filament.radius=4:7
        --hold-out 2e-4 --jobs 2 --out ladder
    """
    asked = replace(request, reading=reading, force=force)

    def write(outcome: Outcome[Any]) -> None:
        assert asked.out is not None
        write_all(outcome, asked.out)

    return print_outcome(run_calibration(asked, write, TerminalProgress(json_output)), json_output)
