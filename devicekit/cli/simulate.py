"""`devicekit simulate iv | pulses | kinetics`: the filament physics from the command line."""

from __future__ import annotations

from devicekit.cli.common import Force, Json, with_options
from devicekit.cli.lazy import group, lazy_group
from devicekit.cli.outcome import conclude
from devicekit.verbs.simulate import IVRequest, PulsesRequest, run_iv, run_pulses

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


@with_options
def iv_command(*, request: IVRequest, force: Force = False, json_output: Json = False) -> int:
    """Simulate the set I-V of a stack, or bipolar loops.

    The sweep starts from the state just after a reset. --out DIR receives the table, figures, fields and report.html.

    Examples:
        devicekit simulate iv --out set-iv
        devicekit simulate iv --cycles 5 --material electrothermal --out loops
        devicekit simulate iv --cycles 100 --noise --mesh coarse --out scatter
    """
    return conclude(run_iv, request, "simulate iv", force, json_output)


@with_options
def pulses_command(*, request: PulsesRequest, force: Force = False, json_output: Json = False) -> int:
    """Simulate LTP and LTD pulse trains of a stack.

    --out DIR receives one pulse table for each width, for `devicekit fit`, and report.html.

    Examples:
        devicekit simulate pulses --out trains
        devicekit simulate pulses --width 50e-6 --ltp 0.8 --ltd -1.05 --out linear
    """
    return conclude(run_pulses, request, "simulate pulses", force, json_output)
