"""Optional libraries; the error for a missing one gives the command that installs it."""

from __future__ import annotations

import importlib.util

from devicekit.core.errors import UsageError


def need(module: str, extra: str, what: str) -> None:
    """Refuse to go on without an optional library.

    Raises UsageError if it is not installed.

    Parameters
    ----------
    module : str
        Its import name.
    extra : str
        The extra of ours that installs it.
    what : str
        What needs it, for people.
    """
    if importlib.util.find_spec(module) is None:
        raise UsageError(f'{what} need {module}, which is not installed: pip install "devicekit[{extra}]"')
