"""`--set KEY=VALUE`: settings of a training or a study from the command line."""

from __future__ import annotations

from devicekit.core.pairs import parse_pairs


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
    given = parse_pairs(pairs, "--set takes KEY=VALUE", empty=True)
    return {name: _value(value) for name, value in given.items()}
