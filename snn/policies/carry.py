"""One pulse for each threshold contained in the sum of requested changes; the rest of the sum is carried over."""

from __future__ import annotations

import math

from devicekit.system.jit import borrowing
from snn.policy import Policy


@borrowing
def pulse_request(total, change, level, alpha, most, draw):  # type: ignore[no-untyped-def]
    """Return pulses and the sum to keep; see `snn.policy.Policy`."""
    count = min(math.floor(abs(total) / level), most)
    pulses = count if total > 0 else -count
    return pulses, total - pulses * level


POLICY = Policy(
    name="carry",
    title="several pulses, the rest of the sum carried over",
    source="mixed precision, Nandakumar et al. 2020, doi 10.3389/fnins.2020.00406",
    pulse_request=pulse_request,
    most=20,
    decay_by="eta",
)
