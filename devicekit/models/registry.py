"""Update laws by name: ours, and those of other packages; numbered here for the compiled switch."""

from __future__ import annotations

from devicekit.core.errors import UsageError
from devicekit.models import sort_names
from devicekit.models.law import CurveLaw, Law
from devicekit.system import plugins

_laws, _curves = plugins.LAWS.descriptors("LAW", Law), plugins.CURVES.descriptors("LAW", CurveLaw)
LAWS: dict[str, Law] = {name: _laws[name] for name in sort_names(list(_laws))}
CURVE_LAWS: dict[str, CurveLaw] = {name: _curves[name] for name in sort_names(list(_curves))}
for _number, _law in enumerate(LAWS.values()):
    object.__setattr__(_law, "id", _number)


def get_law(name: str) -> Law:
    """Return the law of that name.

    Parameters
    ----------
    name : str
        A key of `LAWS`, such as eq2.

    Raises
    ------
    UsageError
        If the name is unknown; the message lists the names.
    """
    if name in CURVE_LAWS:
        raise UsageError(
            f"{name} is a curve over the pulse number, not a law of the state: devicekit compare ranks it, and no "
            f"device can be fitted with it. Laws: {', '.join(LAWS)}"
        )
    if name not in LAWS:
        raise UsageError(f"unknown update law {name!r}; known laws: {', '.join(LAWS)}")
    return LAWS[name]


def ladder(law: Law) -> list[Law]:
    """Return the laws nested in a law, and in those, the simplest first."""
    found: dict[str, Law] = {}
    for name in law.nested:
        found |= {each.name: each for each in (*ladder(LAWS[name]), LAWS[name])}
    return sorted(found.values(), key=lambda each: (each.n_parameters, len(each.nested)))


__all__ = ["CURVE_LAWS", "LAWS", "get_law", "ladder"]
