"""`devicekit benchmark`: a small task that tells devices apart, and the loss compared with an ideal device."""

from __future__ import annotations

from devicekit.cli.common import Force, Json, with_options
from devicekit.cli.outcome import conclude
from devicekit.verbs.benchmark import BenchmarkRequest, run_benchmark


@with_options
def benchmark_command(*, request: BenchmarkRequest, force: Force = False, json_output: Json = False) -> int:
    """Measure the accuracy that a device loses to an ideal device, and which flaw costs it.

    50 hidden neurons learn 500 images: devices that differ by one point in a wide network differ by up to twenty
    here. The ideal device is linear, symmetric and without noise, with 32 to 100 pulses from lowest to highest state.
    Several cards share one figure. After an interruption with --out, the same command continues.

    Examples:
        devicekit benchmark card.json --out benchmark
        devicekit benchmark a.json b.json --out both --data mnist --task whole --seeds 3
        devicekit benchmark card.json --allowed resampled --set stuck=0.2 --set stuck_at=ends
    """
    return conclude(run_benchmark, request, "benchmark", force, json_output, keep=True)
