"""Help pages: the examples of a command's docstring, set as they are under its options."""

from __future__ import annotations

import inspect
import re
import shlex

import typer

COLUMNS = 74  # an example longer than this is broken with a backslash, so that it can still be copied


def split(docstring: str | None) -> tuple[str, list[str]]:
    """Return the text of a docstring, and the commands listed under its "Example:" or "Examples:"."""
    text = inspect.cleandoc(docstring or "")
    words, _, rest = re.sub(r"(?m)^Examples?:", "\0", text).partition("\0")
    examples: list[str] = []
    for line in (line.strip() for line in rest.splitlines()):
        if line.startswith("devicekit "):
            examples.append(line)
        elif line and examples:
            examples[-1] += f" {line}"
    return words.strip(), examples


def summary(text: str) -> str:
    """Return the first paragraph of a text, as a list of commands shows it."""
    return text.split("\n\n")[0].replace("\n", " ")


def _set(example: str) -> str:
    """Return one example in lines that a shell takes as one command; an option stays with its value."""
    parts: list[str] = []
    for word in shlex.split(example):
        word = shlex.quote(word)
        if parts and parts[-1].startswith("--") and " " not in parts[-1] and not word.startswith("--"):
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 1 > COLUMNS:
            lines.append(f"    {part}")
        else:
            lines[-1] += f" {part}"
    return " \\\n".join(lines)


def epilog(examples: list[str]) -> str | None:
    """Return the end of a help page: \\b keeps its lines as they are."""
    if not examples:
        return None
    body = "\n".join("  " + line for example in examples for line in _set(example).splitlines())
    return f"\b\nExamples:\n{body}" if len(examples) > 1 else f"\b\nExample:\n{body}"


def with_examples(app: typer.Typer) -> typer.Typer:
    """Move the examples of every command of an application, and of its groups, to the end of its help page."""
    for command in app.registered_commands:
        words, examples = split(command.callback.__doc__ if command.callback else "")
        command.help = words
        command.short_help = summary(words)
        command.epilog = epilog(examples)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            with_examples(group.typer_instance)
    return app
