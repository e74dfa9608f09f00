"""`devicekit array`: what an array of a card's devices needs to hold a network."""

from __future__ import annotations

from devicekit.cli.common import Force, Json, with_options
from devicekit.cli.outcome import conclude
from devicekit.verbs.array import ArrayRequest, run_array


@with_options
def array_command(*, request: ArrayRequest, force: Force = False, json_output: Json = False) -> int:
    """Find the tile size, converter bits and tolerance an array needs, its lifetime, and the energy of an inference.

    Each limit allows a loss of one point of accuracy by that flaw alone. The time to retrain needs a card with
    retention, the trainings until wear-out one with endurance (devicekit card add); otherwise they are unknown.

    Examples:
        devicekit array card.json --out array
        devicekit array card.json --bake 180C
        devicekit array card.json --wire-ohm 2.5 --read-s 1e-7 --data optdigits --seeds 1
    """
    return conclude(run_array, request, "array", force, json_output, keep=True)
