"""Results on a terminal: aligned names and values, wrapped to its width; plain text anywhere else.

Colour is used for the words warning, error and titles alone, and only where the stream is a terminal, NO_COLOR
(https://no-color.org) is not set and TERM is not dumb.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import IO

import typer

NARROWEST = 40  # columns
WIDEST = 110
GAP = 2


def in_colour(stream: IO[str]) -> bool:
    """Return whether a stream takes colours."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return not plain and stream.isatty()


def width(stream: IO[str]) -> int | None:
    """Return columns to wrap to; None where the reader is a program, which wants its lines whole."""
    if not stream.isatty():
        return None
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((80, 24)).columns))


def title(text: str) -> None:
    """Print a line that begins a block of results."""
    typer.echo(typer.style(text, bold=True) if in_colour(sys.stdout) else text)


def paragraph(text: str, indent: int = 0, err: bool = False) -> None:
    """Print text, wrapped on a terminal."""
    typer.echo(_wrapped(text, " " * indent, " " * indent, sys.stderr if err else sys.stdout), err=err)


def fields(rows: Iterable[tuple[str, str]], indent: int = GAP, err: bool = False) -> None:
    """Print names and values in two columns."""
    rows = list(rows)
    column = max((len(name) for name, _ in rows), default=0) + GAP
    for name, value in rows:
        start = " " * indent + name.ljust(column)
        typer.echo(_wrapped(value, start, " " * (indent + column), sys.stderr if err else sys.stdout), err=err)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], indent: int = GAP, first_left: int = 1) -> None:
    """Print columns under their names: the first, or so many of the first, to the left, the others to the right."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    for line in lines:
        cells = [
            cell.ljust(size) if k < first_left else cell.rjust(size)
            for k, (cell, size) in enumerate(zip(line, widths, strict=True))
        ]
        typer.echo((" " * indent + (" " * GAP).join(cells)).rstrip())


def warning(text: str) -> None:
    """Print a warning, on standard error."""
    _marked("warning", text, typer.colors.YELLOW)


def note(text: str) -> None:
    """Print a remark that asks for nothing, on standard error."""
    _marked("note", text, typer.colors.BRIGHT_BLACK)


def error(text: str) -> None:
    """Print an error, on standard error."""
    _marked("error", text, typer.colors.RED)


def _marked(word: str, text: str, colour: str) -> None:
    lines = _wrapped(text, f"{word}: ", "  ", sys.stderr) if "\n" not in text else f"{word}: {text}"
    if in_colour(sys.stderr):
        lines = typer.style(word, fg=colour, bold=True) + lines.removeprefix(word)
    typer.echo(lines, err=True)


def _wrapped(text: str, first: str, later: str, stream: IO[str]) -> str:
    columns = width(stream)
    if columns is None:
        return f"{first}{text}".rstrip()
    return textwrap.fill(
        text,
        columns,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
