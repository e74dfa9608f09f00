"""Update laws: one file for each law, pure functions; `devicekit.models.registry` lists them by name.

This module imports none of the laws, so that help texts can name them quickly.
"""

from devicekit.system.plugins import LAWS

DEFAULT = "eq2"


def sort_names(names: list[str]) -> list[str]:
    """Return names in the order in which devicekit lists laws: the default one, then alphabetically."""
    return sorted(names, key=lambda name: (name != DEFAULT, name))


def law_names() -> list[str]:
    """Return the names of our laws that can be fitted and drive a device, as the help lists them."""
    return sort_names(LAWS.builtin_names())


__all__ = ["DEFAULT", "law_names", "sort_names"]
