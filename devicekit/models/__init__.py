"""Update laws: one file a law, pure functions; `LAWS` is the registry by name."""

from devicekit.errors import UsageError
from devicekit.models.bounded import EXPONENTIAL, LINEAR, POWSTEP, SOFTBOUNDS
from devicekit.models.eq2 import EQ2, Eq2
from devicekit.models.law import Law, Prior
from devicekit.models.windows import EXPSTEP, LOGARITHMIC, PIECEWISE, VTEAM, YAKOPCIC

LAWS: dict[str, Law] = {
    law.name: law
    for law in (EQ2, LINEAR, EXPONENTIAL, SOFTBOUNDS, POWSTEP, EXPSTEP, LOGARITHMIC, VTEAM, YAKOPCIC, PIECEWISE)
}


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
    try:
        return LAWS[name]
    except KeyError:
        raise UsageError(f"no update law {name!r}; there are: {', '.join(LAWS)}") from None


__all__ = ["EQ2", "LAWS", "Eq2", "Law", "Prior", "get_law"]
