"""NAME=VALUE and LOW:HIGH, as options of the command line and fields of the app take them."""

from __future__ import annotations

from collections.abc import Iterable

from devicekit.core.errors import UsageError


def parse_pair(text: str, *, empty: bool = False) -> tuple[str, str] | None:
    """Return name and value of NAME=VALUE, without blanks around them; None if one is missing.

    Parameters
    ----------
    text : str
    empty : bool
        True if the value may be empty.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    return (name, value) if name and equals and (value or empty) else None


def parse_pairs(pairs: Iterable[str] | None, takes: str, twice: str = "", *, empty: bool = False) -> dict[str, str]:
    """Return the values of several NAME=VALUE by name.

    Raises UsageError.

    Parameters
    ----------
    pairs : iterable of str, optional
    takes : str
        Beginning of the message about another form, such as "--label takes NAME=VALUE".
    twice : str
        Message about a name that occurs twice, with {} for the name; the last one counts if "".
    empty : bool
        True if a value may be empty.
    """
    found: dict[str, str] = {}
    for text in pairs or ():
        pair = parse_pair(text, empty=empty)
        if pair is None:
            raise UsageError(f"{takes}, not {text!r}")
        if twice and pair[0] in found:
            raise UsageError(twice.format(pair[0]))
        found[pair[0]] = pair[1]
    return found


def parse_range(text: str, ends: tuple[float, float] | None = None) -> tuple[float, float]:
    """Return both ends of LOW:HIGH.

    Raises ValueError if the colon is missing, or an end is not a number; its argument is that word.

    Parameters
    ----------
    text : str
    ends : tuple of float, optional
        Values of the ends that are left out; none may be if not given.
    """
    low, colon, high = text.partition(":")
    if not colon:
        raise ValueError(text)
    found = []
    for k, word in enumerate((low.strip(), high.strip())):
        try:
            found.append(float(word) if word or ends is None else ends[k])
        except ValueError:
            raise ValueError(word) from None
    return found[0], found[1]
