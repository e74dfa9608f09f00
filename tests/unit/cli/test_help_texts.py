"""The wording of every help text, kept in one file; how it is laid out is up to the library that prints it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from devicekit.cli import build_app
from devicekit.cli.common import _READING

APP: Any = typer.main.get_command(build_app())


def line(option: Any) -> str:
    """Return one argument or option with its explanation."""
    return f"  {' '.join(option.opts)} {option.metavar or ''}: {getattr(option, 'help', None) or ''}"


def reading() -> str:
    """Return the reading options, which every command that reads a file has."""
    return "\n".join(
        ["## reading options", *(line(each) for each in APP.commands["read"].params if each.name in _READING)]
    )


def texts(group: Any, words: str = "devicekit") -> Iterator[str]:
    """Yield the help of each command below a group: its text, then its arguments and options, reading options apart."""
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from texts(command, f"{words} {name}")
            continue
        yield "\n".join(
            [
                f"## {words} {name}",
                inspect.cleandoc(command.help or ""),
                *(
                    line(each)
                    for each in command.params
                    if each.name not in (*_READING, "help", "install_completion", "show_completion")
                ),
            ]
        )


def test_the_wording_of_the_help(file_regression: Any) -> None:
    file_regression.check("\n\n".join([*texts(APP), reading()]) + "\n", extension=".txt")


@pytest.mark.parametrize("text", [*texts(APP), reading()], ids=lambda text: text.split("\n")[0][13:])
def test_a_help_line_is_short(text: str) -> None:
    """An option is explained in 30 words at most."""
    for each in text.splitlines():
        if each.startswith("  -"):
            assert len(each.partition(": ")[2].split()) <= 30, each
