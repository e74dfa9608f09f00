"""What other packages add: modules that they announce as entry points."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from devicekit.errors import UsageError


def announced(group: str, what: str) -> dict[str, Any]:
    """Everything that other packages announce in an entry-point group, by name; `what` names a kind for people.

    Raises
    ------
    UsageError
        If one cannot be imported.
    """
    found = {}
    for entry in entry_points(group=group):
        try:
            found[entry.name] = entry.load()
        except Exception as error:  # whatever a foreign package trips over
            raise UsageError(f"the {what} {entry.name!r} of another package does not load: {error}") from error
    return found
