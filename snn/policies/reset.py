"""The policy of the paper: one pulse if the sum of requested changes exceeds the threshold, then a reset of the sum."""

from __future__ import annotations

from devicekit.system.jit import borrowing
from snn.policy import Policy


@borrowing
def pulse_request(total, change, level, alpha, most, draw):  # type: ignore[no-untyped-def]
    """Return pulses and the sum to keep; see `snn.policy.Policy`."""
    return (1 if total > 0 else -1), total * 0


POLICY = Policy(
    name="reset",
    title="one pulse, then a reset of the sum",
    source="eqs. (4) and (6) of Ma et al. 2023, doi 10.1109/JEDS.2023.3311763, with a reset of the sum",
    pulse_request=pulse_request,
)
