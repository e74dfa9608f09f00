"""`devicekit simulate kinetics`: how fast a stack sets and resets."""

from __future__ import annotations

from devicekit.cli.common import Force, Json, with_options
from devicekit.cli.outcome import conclude
from devicekit.verbs.kinetics import KineticsRequest, run_kinetics


@with_options
def kinetics_command(*, request: KineticsRequest, force: Force = False, json_output: Json = False) -> int:
    """SET and RESET times against voltage, set voltage against ramp rate.

    The published compact model JART VCM v1b stands beside them. --out DIR receives both tables and report.html.

    Examples:
        devicekit simulate kinetics --out kinetics
        devicekit simulate kinetics --voltage 0.5 --voltage 0.7 --voltage 0.9 --mesh coarse
    """
    return conclude(run_kinetics, request, "simulate kinetics", force, json_output)
