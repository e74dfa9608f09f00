"""Every update law by name: ours, and those that other packages announce; numbered here for the compiled switch."""

from __future__ import annotations

from typing import Any

from devicekit import plugins
from devicekit.errors import UsageError
from devicekit.models import ordered
from devicekit.models.law import CurveLaw, Law


def _laws(modules: dict[str, Any], kind: type[Law] | type[CurveLaw], what: str) -> dict[str, Any]:
    """Descriptors by name, in the order in which they are shown."""
    found = {}
    for name in ordered(list(modules)):
        law = modules[name].LAW
        if not isinstance(law, kind) or law.name != name:
            raise UsageError(f"the {what} {name!r}: LAW must be a {kind.__name__} of that name, not {law!r}")
        found[name] = law
    return found


LAWS: dict[str, Law] = _laws(plugins.LAWS.all(), Law, plugins.LAWS.what)
CURVE_LAWS: dict[str, CurveLaw] = _laws(plugins.CURVES.all(), CurveLaw, plugins.CURVES.what)
for _number, _law in enumerate(LAWS.values()):
    object.__setattr__(_law, "id", _number)


def get_law(name: str) -> Law:
    """The law of that name.

    Parameters
    ----------
    name : str
        A key of `LAWS`, such as eq2.

    Raises
    ------
    UsageError
        If there is none; the message lists the names.
    """
    if name not in LAWS:
        raise UsageError(f"no update law {name!r}; there are: {', '.join(LAWS)}")
    return LAWS[name]


__all__ = ["CURVE_LAWS", "LAWS", "get_law"]
