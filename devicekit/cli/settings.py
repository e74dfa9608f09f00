"""`--set KEY=VALUE`: settings of a training or a study from the command line."""

from __future__ import annotations

from devicekit.core.errors import UsageError


def _value(text: str) -> str | int | float | bool:
    """A number or true/false where it looks like one."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def parse_settings(pairs: list[str] | None) -> dict[str, str | int | float | bool]:
    """The settings that `--set` was given.

    Raises
    ------
    UsageError
        If one is not KEY=VALUE.
    """
    result = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--set takes KEY=VALUE, not {pair!r}")
        result[name] = _value(value)
    return result
