"""Answers to usual mistakes on the command line: one sentence that names the way. Loaded only where one is made."""

from __future__ import annotations

import glob
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

from devicekit.core.errors import UsageError
from devicekit.core.text import listed
from devicekit.system.files import ADDRESS, is_file
from devicekit.system.plugins import EXPORTERS

ALIKE = 0.8  # of two options, from which one is a slip of the other
_SHOW = "devicekit read FILE --plot FILE.png draws a file; devicekit FILE makes its page."
_OTHER_WORDS = {  # of other programs -> what does it here
    **dict.fromkeys(("plot", "show", "view", "draw", "open"), _SHOW),
    **dict.fromkeys(
        ("analyze", "analyse", "analysis", "process", "extract", "load"), "devicekit FILE does what fits a file."
    ),
    **dict.fromkeys(("convert", "save", "import"), "devicekit read FILE --out TABLE.csv writes one table."),
    **dict.fromkeys(("report", "page", "summary", "html"), "devicekit FILE makes a page; so does --report FILE.html."),
    **dict.fromkeys(("gui", "web", "serve", "browser"), "devicekit app opens the pages in the browser."),
    **dict.fromkeys(("predict", "evaluate", "test", "infer"), "devicekit benchmark CARD.json evaluates a device."),
}


_LIMIT = re.compile(r"Input should be ((?:greater|less) than(?: or equal to)?) (\S+)")
_LIMITS = {
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "above",
    "less than": "below",
}
_NUMBER = re.compile("valid (number|float|integer)")
_OWN_NAMES = "devicekit FILE names its results itself. To name them, change --out in the command that it prints."


def unknown_word(word: str, rest: Sequence[str], commands: Iterable[str]) -> str:
    """Return the answer to a first word that is neither a command nor a file."""
    if _names_a_file(word):
        return missing_file(word)
    if word.lower() in _OTHER_WORDS:
        return f"There is no command {word!r}. {_OTHER_WORDS[word.lower()]}"
    if found := get_close_matches(word.lower(), list(commands)):
        line = shlex.join(["devicekit", found[0], *rest])
        return f"There is no command or file {word!r}. Did you mean: {line}"
    return f"There is no command or file {word!r}. devicekit --help lists the commands; devicekit FILE takes a file."


def missing_file(word: str) -> str:
    """Return the answer to a file that does not exist, with one of nearly the same name."""
    if word.startswith(ADDRESS):
        return f"{word} is an address. Download the file first."
    if found := sorted(glob.glob(word)):
        return f"{word} does not exist. Leave out the quotation marks, or name the files: {shlex.join(found[:3])}"
    folder = Path(word).parent
    names: list[str] = []
    with suppress(OSError):
        names = os.listdir(folder)
    near = get_close_matches(Path(word).name, names, 1, ALIKE)
    return f"{word} does not exist" + (f". Did you mean {shlex.quote(str(folder / near[0]))}?" if near else "")


def check_order(words: Sequence[Path]) -> None:
    """Refuse the word of a command that stands behind a file.

    Raises UsageError.
    """
    from devicekit.cli import COMMANDS

    for each in words:
        if str(each) in COMMANDS and not os.path.exists(each):
            files = [str(other) for other in words if other != each]
            raise UsageError(f"The command comes before its files: {shlex.join(['devicekit', str(each), *files])}")


def _names_a_file(word: str) -> bool:
    return "." in word.strip(".") or os.sep in word


def answer(error: Any, words: Sequence[str]) -> str:
    """Return the answer to a usage error of typer.

    Parameters
    ----------
    error : UsageError of typer or click
    words : sequence of str
        The command line, after `devicekit`.
    """
    kind = type(error).__name__
    if kind == "BadOptionUsage" and "requires an argument" in error.format_message():
        return f"{error.option_name} needs a value. devicekit {words[0]} --help shows which."
    if error.ctx is None:
        return str(error.format_message())
    command = _command_of(error.ctx)
    if kind == "NoSuchOption":
        return _unknown_option(error, error.ctx.find_root().command, command, words)
    if kind == "MissingParameter" and error.param is not None:
        return _missing(error.param, command, words)
    message: str = error.format_message()
    if kind == "UsageError" and "unexpected extra argument" in message:
        return _too_many(message, command, words)
    if kind == "UsageError" and message.startswith("No such command"):
        return _unknown_of_group(error.ctx, command, words)
    if kind == "BadParameter" and error.param is not None and (found := _NUMBER.search(message)):
        place = error.param.metavar
        number = "a whole number" if found[1] == "integer" else "a number without a unit"
        return f"{error.param.opts[0]} takes {number} ({place}: see devicekit {command} --help)"
    if kind == "BadParameter" and error.param is not None and (found := _LIMIT.search(message)):
        return f"{error.param.opts[0]} must be {_LIMITS[found[1]]} {found[2].rstrip('.')}{_given(error.param, words)}"
    return message


def _given(parameter: Any, words: Sequence[str]) -> str:
    """Return what an option was given, if it was one word after it."""
    after = [other for word, other in pairwise(words) if word in parameter.opts]
    return f", not {after[0]}" if len(after) == 1 and parameter.nargs == 1 else ""


def name_commands(error: Any) -> str:
    """Return the answer to a group without one of its commands; "" for `devicekit` itself, whose help is enough."""
    if not (group := _command_of(error.ctx)):
        return ""
    first, *others = error.ctx.command.commands
    return f"devicekit {group} needs one of its commands: devicekit {group} {first} (or {', '.join(others)})"


def _command_of(context: Any) -> str:
    """Return the words of a command without `devicekit`; "" for `devicekit` itself and for `devicekit FILE`."""
    names: list[str] = []
    while context is not None and context.parent is not None:
        names.insert(0, context.info_name)
        context = context.parent
    return " ".join(names).strip()


def _unknown_option(error: Any, root: Any, command: str, words: Sequence[str]) -> str:
    option = error.option_name
    if not command and error.ctx.parent is not None and option == "--out":
        return _OWN_NAMES
    given = f"devicekit {command or 'FILE'}"
    if error.ctx.parent is None:
        first = next((word for word in words if word in root.commands or is_file(Path(word))), "FILE")
        others = [word for word in words if word != first]
        return f"Options follow the command or file: {shlex.join(['devicekit', first, *others])}"
    near = get_close_matches(option, error.possibilities or (), 2, ALIKE)
    if near:
        return f"{given} has no option {option}. Did you mean {' or '.join(near)}?"
    if "--set" in _options(error.ctx.command) and option[2:].replace("-", "_") in _settings():
        typed = [part for word in words for part in word.split("=", 1)]
        value = next((after for word, after in pairwise(typed) if word == option), "VALUE")
        return f"{given} has no option {option}. Write --set {option[2:].replace('-', '_')}={value}"
    owners = [name for name in root.commands if option in _options(root.commands[name])]
    if owners:
        has = "has" if len(owners) == 1 else "have"
        return f"{given} has no option {option}; devicekit {listed(owners[:3])} {has} it."
    return f"{given} has no option {option}. {given} --help lists its options."


def _options(command: Any) -> set[str]:
    found = {each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)}
    return found | {"--card"} if found & {"card", "cards"} else found


def _missing(parameter: Any, command: str, words: Sequence[str]) -> str:
    """Return what is missing, and the command line with its place."""
    place = parameter.metavar or parameter.name.upper()
    line = shlex.join(["devicekit", *words])
    if parameter.param_type_name == "argument":
        return f"devicekit {command} needs {place}: devicekit {command} {place}"
    if parameter.opts[0] == "--to" and (named := [word for word in words[1:] if word in EXPORTERS.names()]):
        others = [word for word in words if word != named[0]]
        return f"Write --to before the target: {shlex.join(['devicekit', *others])} --to {named[0]}"
    return f"Missing {parameter.opts[0]} {place}: {line} {parameter.opts[0]} {place}"


def _settings() -> Iterable[str]:
    from snn.config import TrainingConfig

    return TrainingConfig.declared()


def _unknown_of_group(context: Any, group: str, words: Sequence[str]) -> str:
    """Return the answer to a word that is not a command of a group."""
    word, names = words[len(group.split())], list(context.command.commands)
    if group == "simulate" and is_file(Path(word)):
        return _no_data(group, word)
    near = get_close_matches(word, names, 1)
    of_file = ["add" if group == "library" else "show"] if is_file(Path(word)) else []
    if first := (near or [name for name in of_file if name in names]):
        line = ["devicekit", *group.split(), *first, *words[len(group.split()) + len(near) :]]
        return f"devicekit {group} has no command {word!r}. Did you mean: {shlex.join(line)}"
    return f"devicekit {group} has no command {word!r}; it has {listed(names)}."


def _no_data(command: str, file: str) -> str:
    return (
        f"devicekit {command} takes no data. devicekit {shlex.quote(file)} does what fits the file; "
        "devicekit calibrate fits a stack to sweeps."
    )


def _too_many(message: str, command: str, words: Sequence[str]) -> str:
    extra = message.rpartition("(")[2].rstrip(").")
    before = [*words[: words.index(extra)]] if extra in words else []
    if before[-2:-1] == ["--set"] and "=" not in before[-1]:
        return f"Write a setting and its value as one: --set {before[-1]}={extra}"
    if command.startswith("simulate") and is_file(Path(extra)):
        return _no_data(command, extra)
    return f"devicekit {command} does not take {extra!r}. devicekit {command} --help shows what it takes."
