"""Eq. (4) as printed: dC = dw + alpha S, with S the sum of all dw, which is never reset."""

from __future__ import annotations

from devicekit.system.jit import borrowing
from snn.policy import Policy


@borrowing
def pulse_request(total, change, level, alpha, most, draw):  # type: ignore[no-untyped-def]
    """Return pulses and the sum to keep; see `snn.policy.Policy`."""
    wanted = change + alpha * total
    pulses = 0
    if abs(wanted) > level:
        pulses = 1 if wanted > 0 else -1
    return pulses, total + change


POLICY = Policy(
    name="literal",
    title="eq. (4) as printed: the sum is never reset",
    source="eqs. (4) and (6) of Ma et al. 2023, doi 10.1109/JEDS.2023.3311763",
    pulse_request=pulse_request,
    summed=False,
    needs_theta=True,
)
