"""Update laws: one file a law, pure functions. `devicekit.models.registry` holds them by name.

This module is light, so that a help text can name the laws: it imports none of them.
"""

from devicekit.plugins import LAWS

DEFAULT = "eq2"


def ordered(names: list[str]) -> list[str]:
    """Names in the order in which devicekit shows laws: the default one, then the others by the alphabet."""
    return sorted(names, key=lambda name: (name != DEFAULT, name))


def law_names() -> list[str]:
    """Names of the laws of ours that can be fitted and drive a device, as the help shows them."""
    return ordered(LAWS.builtin_names())


__all__ = ["DEFAULT", "law_names", "ordered"]
