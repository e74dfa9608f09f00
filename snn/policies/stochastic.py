"""No sum: one pulse for each threshold contained in the requested change, and a random one for the rest."""

from __future__ import annotations

import math

from devicekit.system.jit import borrowing
from snn.policy import Policy


@borrowing
def pulse_request(total, change, level, alpha, most, draw):  # type: ignore[no-untyped-def]
    """Return pulses and the sum to keep; see `snn.policy.Policy`."""
    size = abs(change)
    whole = math.floor(size / level)
    if draw * level < size - whole * level:
        whole += 1
    count = min(whole, most)
    return (count if change > 0 else -count), total


POLICY = Policy(
    name="stochastic",
    title="no sum: random pulses with the requested mean change",
    source="stochastic rounding",
    pulse_request=pulse_request,
    summed=False,
)
