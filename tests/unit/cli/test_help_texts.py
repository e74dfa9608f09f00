"""The wording of every help text, kept in one file; how it is laid out is up to the library that prints it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from devicekit.cli import START, build_app
from devicekit.cli.lazy import built
from devicekit.system.options import OPTIONS

APP: Any = typer.main.get_command(build_app())


def lines(command: Any) -> Iterator[tuple[str, str]]:
    """Yield name and explanation of each argument and option, as declared: not every typer keeps those of arguments."""
    declared = inspect.signature(inspect.unwrap(command.callback), eval_str=True).parameters
    for each in command.params:
        if each.name in declared:
            (info,) = (found for found in declared[each.name].annotation.__metadata__ if hasattr(found, "help"))
            yield each.name, f"  {' '.join(each.opts)} {each.metavar or ''}: {info.help or ''}"


def reading() -> str:
    """Return the reading options, which every command that reads a file has."""
    found = [text for name, text in lines(APP.commands["read"]) if name in OPTIONS]
    return "\n".join(["## reading options", *found])


def texts(group: Any, words: str = "devicekit") -> Iterator[str]:
    """Yield the help of each command below a group: its text, then its arguments and options, reading options apart."""
    own = {"FILE": built(START)} if group is APP else {}
    for name, command in sorted({**group.commands, **own}.items()):
        if hasattr(command, "commands"):
            yield from texts(command, f"{words} {name}")
            continue
        yield "\n".join(
            [
                f"## {words} {name}",
                inspect.cleandoc(command.help or ""),
                *(text for parameter, text in lines(command) if parameter not in OPTIONS),
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
