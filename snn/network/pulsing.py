"""Every pulse policy by name, ours and those of other packages, and the compiled switch over them."""

from __future__ import annotations

from typing import Any

from devicekit import plugins
from devicekit.errors import UsageError
from devicekit.models.kernel import compiled
from snn.policy import Policy

POLICIES: dict[str, Policy] = dict(sorted(plugins.POLICIES.described("POLICY", Policy).items()))
NUMBERS = {name: number for number, name in enumerate(POLICIES)}


def get_policy(name: str) -> Policy:
    """The policy of that name.

    Parameters
    ----------
    name : str
        A key of `POLICIES`, such as carry.

    Raises
    ------
    UsageError
        If there is none; the message lists the names.
    """
    if name not in POLICIES:
        raise UsageError(f"policy is {', '.join(POLICIES)} or auto, not {name!r}")
    return POLICIES[name]


def _switch() -> Any:
    """`wish` of every policy: one comparison each, written out so that it can be compiled."""
    arguments = "total, change, level, alpha, most, draw"
    lines = [f"def wish(policy, {arguments}):"]
    for number in NUMBERS.values():
        lines += [f"    if policy == {number}:", f"        return wish_{number}({arguments})"]
    names: dict[str, Any] = {f"wish_{NUMBERS[name]}": policy.wish for name, policy in POLICIES.items()}
    names["__name__"] = __name__  # a cached function is loaded into the module of its name
    exec(compile("\n".join([*lines, "    return 0, total"]), __file__, "exec"), names)
    return compiled(names["wish"])


wish = _switch()
wish.__doc__ = "What policy number `policy` gives a synapse; see `snn.policy.Policy`."
