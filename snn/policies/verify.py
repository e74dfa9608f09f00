"""Policy `carry` with the change by the pulses read and subtracted from the sum."""

from __future__ import annotations

import math

from devicekit.system.jit import borrowing
from snn.policy import Policy


@borrowing
def pulse_request(total, change, level, alpha, most, draw):  # type: ignore[no-untyped-def]
    """Return pulses and the sum to keep; see `snn.policy.Policy`."""
    count = min(math.floor(abs(total) / level), most)
    return (count if total > 0 else -count), total


POLICY = Policy(
    name="verify",
    title="several pulses, whose effect is read and subtracted from the sum",
    source="write and verify, one step a presentation",
    pulse_request=pulse_request,
    most=20,
    decay_by="eta",
    verifies=True,
)
