"""Groups of commands of which only those that are asked for are imported and built."""

from __future__ import annotations

import functools
import importlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from devicekit.cli.common import Command
from devicekit.cli.help import split, summary, with_examples
from devicekit.core.errors import UsageError


@functools.cache
def built(place: str) -> Any:
    """Return a command, or a group of them, by `module:name` in this package; built once.

    To build all of them takes ten times as long as one.
    """
    module, name = place.split(":")
    found = getattr(importlib.import_module(f"devicekit.cli.{module}"), name)
    if not isinstance(found, typer.Typer):
        alone = group()
        alone.command()(found)
        found = alone
    for each in found.registered_commands:
        each.cls = Command
    return typer.main.get_command(with_examples(found))


def summarise(place: str) -> Any:
    """Return a command with no more than its help, read from the source: for lists, which need nothing else of it."""
    module, name = place.split(":")
    source = Path(__file__).with_name(f"{module}.py")
    text = source.read_text(encoding="utf-8") if source.exists() else ""
    if found := re.search(rf'^def {name}\(.*?"""(.*?)"""', text, re.MULTILINE | re.DOTALL):
        return Command(name, short_help=summary(split(found[1])[0]))
    if found := re.search(rf"^{name} = group\((.*?)\)$", text, re.MULTILINE | re.DOTALL):
        words = re.search(r'short_help="(.*?)"', found[1]) or re.search(r'help="(.*?)"', found[1])
        if words:
            return Command(name, short_help=words[1])
    return built(place)


class _Commands(Mapping[str, Any]):
    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def __getitem__(self, word: str) -> Any:
        found = built(self._places[word])
        found.name = word
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


Places = Mapping[str, str]


def lazy_group(places: Callable[[], Places]) -> type[TyperGroup]:
    """Return the class of a group of commands.

    Parameters
    ----------
    places : callable
        () -> the place of each command, `module:name`, by the word that calls it, in the order of the help page.
    """
    return root_group(lambda: {"Commands": places()})


def root_group(groups: Callable[[], Mapping[str, Places]], start: str | None = None) -> type[TyperGroup]:
    """Return the class of a group whose help lists commands under titles.

    Parameters
    ----------
    groups : callable
        () -> the commands of each title; see `lazy_group`.
    start : str, optional
        Place of the command for a file that is given instead of the word of a command.
    """

    class LazyGroup(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands = _Commands(
                {  # type: ignore[assignment]
                    word: place for places in groups().values() for word, place in places.items()
                }
            )

        def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
            """Return the command that a word calls; a file is a command of its own."""
            word, rest = args[0], args[1:]
            if start is None or word in self.commands or word.startswith("-"):
                return super().resolve_command(ctx, args)
            if os.path.exists(word):
                return "", built(start), args
            if word == "help" and rest:
                return self.resolve_command(ctx, [*rest, "--help"])
            if word in ("help", "version"):
                self.parse_args(ctx, [f"--{word}"])  # ends here
            from devicekit.cli.mistakes import unknown_word

            raise UsageError(unknown_word(word, rest, self.commands))

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            """Write the lists of commands, without importing them."""
            listed = {
                title: {word: summarise(place) for word, place in each.items()} for title, each in groups().items()
            }
            if start is not None:
                title = next(iter(listed))
                listed[title] = {"FILE...": summarise(start), **listed[title]}
            words = max(len(word) for each in listed.values() for word in each)
            for title, each in listed.items():
                with formatter.section(title):
                    formatter.write_dl(
                        [
                            (word.ljust(words), command.get_short_help_str(formatter.width))
                            for word, command in each.items()
                        ]
                    )

    return LazyGroup


def group(**settings: Any) -> typer.Typer:
    """Return an application that is a group of the command line."""
    return typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True, **settings)
