"""As `carry`, but the sum keeps what the pulses did not do: weights are read before and after them."""

from __future__ import annotations

import math

from devicekit.jit import borrowing
from snn.policy import Policy


@borrowing
def pulse_request(total, change, level, alpha, most, draw):  # type: ignore[no-untyped-def]
    """See `snn.policy.Policy`."""
    count = min(math.floor(abs(total) / level), most)
    return (count if total > 0 else -count), total


POLICY = Policy(
    name="verify",
    title="several pulses, and what they did is read and taken off the sum",
    source="write and verify, one step a presentation",
    pulse_request=pulse_request,
    most=20,
    decay_by="eta",
    verifies=True,
)
