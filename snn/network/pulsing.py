"""All pulse policies by name, built-in and from other packages, and the compiled switch over them."""

from __future__ import annotations

from devicekit.core.errors import UsageError
from devicekit.system import plugins
from devicekit.system.jit import switch
from snn.policy import Policy

POLICIES: dict[str, Policy] = dict(sorted(plugins.POLICIES.descriptors("POLICY", Policy).items()))
NUMBERS = {name: number for number, name in enumerate(POLICIES)}


def get_policy(name: str) -> Policy:
    """Return the policy with a name.

    Parameters
    ----------
    name : str
        A key of `POLICIES`, such as carry.

    Raises
    ------
    UsageError
        If the name is unknown; the message lists the names.
    """
    if name not in POLICIES:
        raise UsageError(f"policy must be {', '.join(POLICIES)} or auto, not {name!r}.")
    return POLICIES[name]


_ARGUMENTS = "total, change, level, alpha, most, draw"
_KERNELS = [policy.pulse_request for policy in POLICIES.values()]
pulse_request = switch(_KERNELS, "pulse_request", _ARGUMENTS, "0, total", __name__)
pulse_request.__doc__ = "Return the pulses that policy number `number` requests for a synapse; see `snn.policy.Policy`."
