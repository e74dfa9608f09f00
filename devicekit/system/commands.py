"""Command lines and equivalent Python lines, as pages and reports print them."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from devicekit.core.errors import Blank
from devicekit.system import exporting
from devicekit.system.options import OPTIONS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_OTHERS = (  # keywords that are no reading options, and are options of the same name
    "share state out force dask to loss estimator model replace goal reset budget library "
    "place_from by_device ppf_baseline kernel template"
)
_FLAGS = {
    **{name: f"--{name.replace('_', '-')}" for name in _OTHERS.split()},
    **{each.name: each.flag for each in (*OPTIONS.values(), *exporting.OPTIONS.values())},
    "laws": "--allow-law",
    "bounds": "--bound",
}
_VERBS = frozenset({"characterize", "fit", "read", "compare", "export", "train", "benchmark"})
_NOT_SAID = {"device", "cycle", *(each.name for each in OPTIONS.values() if each.is_pairs)}
_PAIRS = {each.keyword: each.flag for each in OPTIONS.values() if each.is_pairs}
_WORDS = {name: flag for name, flag in _FLAGS.items() if name not in _NOT_SAID}


@dataclass(frozen=True)
class Reproduction:
    """Command line and Python code that repeat a result.

    Parameters
    ----------
    command : str
        Command line of a POSIX shell.
    python : str
        Python lines.
    """

    command: str
    python: str


def non_default(options: DataclassInstance) -> dict[str, Any]:
    """Return the fields of options that differ from the defaults."""
    usual = type(options)()
    return {
        each.name: value
        for each in fields(options)
        if (value := getattr(options, each.name)) != getattr(usual, each.name)
    }


def flag(name: str) -> str:
    """Return the option of the command line for a keyword of Python."""
    return _FLAGS.get(name, f"--{name.replace('_', '-')}")


def keyword(name: str) -> str:
    """Return the keyword of Python for a field of the reading options."""
    return OPTIONS[name].keyword if name in OPTIONS else name


def flags(options: Mapping[str, Any]) -> list[str]:
    """Return options by name as arguments of the command line; None is left out."""
    arguments: list[str] = []
    for name, value in options.items():
        option = flag(name)
        if value is None or (value is False and not (name in OPTIONS and OPTIONS[name].is_either)):
            continue
        if isinstance(value, Mapping):
            for ours, theirs in value.items():
                arguments += [option, f"{ours}={_word(theirs)}"]
        elif isinstance(value, bool):
            arguments.append(option if value else f"--no-{option.removeprefix('--')}")
        elif name in OPTIONS and OPTIONS[name].is_repeated:
            arguments += [word for each in value for word in (option, str(each))]
        elif isinstance(value, (list, tuple)):
            arguments += [option, ",".join(map(str, value))]
        else:
            arguments += [option, str(value)]
    return arguments


def _word(value: Any) -> Any:
    """Return a value of NAME=VALUE."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else value


def command(verb: str, files: Sequence[str], options: Mapping[str, Any]) -> str:
    """Return one command line: `devicekit verb files options`."""
    named = [f"./{each}" if each.startswith("-") else each for each in files]  # a dash would be an option
    return shlex.join(["devicekit", *verb.split(), *named, *flags(options)])


def call(name: str, *arguments: str, **options: Any) -> str:
    """Return a call in Python: name, arguments that are code already, and keywords; None is left out."""
    given = {keyword(key): value for key, value in options.items() if value is not None}
    words = [*arguments, *(f"{key}={_code(value)}" for key, value in given.items())]
    return f"{name}({', '.join(words)})"


def _code(value: Any) -> str:
    if isinstance(value, Mapping):
        return repr({str(key): _without_blank(each) for key, each in value.items()})
    return repr(_without_blank(value))


def _without_blank(value: Any) -> Any:
    return str(value) if isinstance(value, Blank) else value


def _calls_as_commands(message: str) -> str:
    """Replace each call such as `devicekit.characterize('a.csv', unit='uA')` by the same command."""
    done = ""
    while (found := re.search(r"\bdevicekit\.[a-z]+\(", message)) is not None:
        done, message = done + message[: found.start()], message[found.start() :]
        length, text = len(found[0]), found[0]
        for end in (match.end() for match in re.finditer(r"\)", message)):
            try:
                tree = ast.parse(message[:end], mode="eval").body
            except SyntaxError:
                continue
            length, text = end, message[:end]
            if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Attribute) and tree.func.attr in _VERBS:
                text = _as_command(tree)
            break
        done, message = done + text, message[length:]
    return done + message


def _as_command(tree: ast.Call) -> str:
    """Return the command that does what a call does; arguments of a call within it are its own."""
    assert isinstance(tree.func, ast.Attribute)
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
    arguments = [each for one in calls for each in one.args if not isinstance(each, ast.Call)]
    files = [
        str(value)
        for each in arguments
        for value in (ast.literal_eval(each) if isinstance(each, ast.List) else [_literal(each)])
    ]
    fields = {each.keyword: each.name for each in OPTIONS.values()}
    given = {str(each.arg): _literal(each.value) for one in calls for each in one.keywords}
    if tree.func.attr == "characterize":
        given.pop("files_are", None)  # it takes files one by one
    return command(tree.func.attr, files, {fields.get(name, name): value for name, value in given.items()})


def _literal(node: ast.expr) -> Any:
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)


def in_command_words(message: str) -> str:
    """Return a message of the Python interface, in the words of the command line: `unit=uS` becomes `--unit uS`."""

    def option(match: re.Match[str]) -> str:
        apart = "," if match[1] == "pulses" else " "
        value = match[2].strip("()").replace(", ", apart) if match[2] != "True" else ""
        return f"{_WORDS[match[1]]} {value}".rstrip()

    def pairs(match: re.Match[str]) -> str:
        written = [pair.replace(": ", "=") for pair in match[2].split(", ")]
        return " ".join(f"{_PAIRS[match[1]]} {shlex.quote(pair)}" for pair in written)

    message = re.sub(
        r"devicekit\.fit\((?:FILE|'([^']*)')\)\.save\('card\.json'\)",
        lambda match: command("fit", [match[1] or "FILE"], {"out": "card.json"}),
        message,
    )
    message = _calls_as_commands(message)
    message = re.sub(rf"\b({'|'.join(_PAIRS)})=\{{([^}}\n]*)\}}", pairs, message)
    message = re.sub(rf"\b({'|'.join(_PAIRS)})=(?=\.?(?:\s|$))", lambda match: _PAIRS[match[1]], message)
    message = re.sub(r"\bdevice=(?=[.,]?(?:\s|$))", "--device", message)  # with a value it is a key of files
    message = message.replace("map: ", "--map: ")
    message = message.replace("noise=False", "--no-noise")
    return re.sub(rf"(?<![\w/\\-])({'|'.join(_WORDS)})=(\([^)]*\)|'[^']*'|(?!\.(?:\s|$))[^\s,;:()]*|)", option, message)
