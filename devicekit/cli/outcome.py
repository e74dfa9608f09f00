"""An outcome of a verb on the command line: printed, and written into files."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli import progress, terminal
from devicekit.cli.common import print_json, print_warnings, this_command
from devicekit.core.errors import CodedWarning, UsageError
from devicekit.system import folders, writing
from devicekit.system.kept import kept_beside
from devicekit.verbs.outcome import REPORT, Input, Outcome, Progress, path_of, shown, stem
from devicekit.verbs.text import Alert, Block, Columns, Fields, Paragraph, Title, Warnings

if TYPE_CHECKING:
    from devicekit.report import Report


def show(text: Iterable[Block]) -> None:
    """Print blocks of text; warnings and errors on standard error."""
    for block in text:
        match block:
            case Title(words):
                terminal.title(words)
            case Paragraph(words, indent):
                terminal.paragraph(words, indent)
            case Fields(rows):
                terminal.fields(rows)
            case Columns(head, rows, words):
                terminal.table(head, rows, first_left=words)
            case Warnings(coded):
                print_warnings(coded)
            case Alert(words, "error"):
                terminal.error(words)
            case Alert(words):
                terminal.warning(words)


class TerminalProgress(Progress):
    """Progress of a verb on a terminal; with `quiet` only its warnings."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet

    def doing(self, what: str) -> AbstractContextManager[None]:
        """See `Progress`."""
        return progress.doing(what, self._quiet)

    def counting(self, name: str, unit: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """See `Progress`."""
        return progress.counting(name, unit, self._quiet)

    def warn(self, coded: Iterable[CodedWarning]) -> None:
        """See `Progress`."""
        print_warnings(coded)

    def show(self, text: Iterable[Block]) -> None:
        """See `Progress`."""
        if not self._quiet:
            show(text)


def conclude(
    verb: Callable[..., Outcome[Any]], request: Any, command: str, force: bool, as_json: bool, *, keep: bool = False
) -> int:
    """Do what a request asks for, write the outcome into its folder and print it.

    Parameters
    ----------
    verb : callable
    request : dataclass
        With `out`, the folder of the results or None: one that must be kept is refused before the work.
    command : str
        Whose results the folder holds.
    force : bool
        Write into a folder that holds something else.
    as_json : bool
        Print JSON.
    keep : bool
        Keep finished parts until the end, for an interrupted command that is started again.

    Returns
    -------
    int
        Exit code.
    """
    progress, out = TerminalProgress(as_json), request.out
    if out is None:
        outcome = verb(request, progress)
    else:
        with kept_beside(out) if keep else nullcontext() as kept, folders.result_folder(out, command, force) as folder:
            outcome = verb(request, progress, kept) if keep else verb(request, progress)
            write_all(outcome, folder)
    return print_outcome(outcome, as_json)


def write_all(outcome: Outcome[Any], folder: Path) -> None:
    """Write the files and the page of an outcome."""
    gc.freeze()  # drawing makes garbage, but no collection need pass through the libraries, which stay until the end
    outcome.write(folder)
    outcome.page(this_command()).save(folder / REPORT)


def print_outcome(outcome: Outcome[Any], as_json: bool) -> int:
    """Print an outcome; return the exit code."""
    if as_json:
        print_json(outcome.json)
    else:
        show(outcome.text)
    if outcome.unfinished:
        terminal.warning(f"the run is incomplete: {outcome.unfinished}")
    return outcome.code


Page = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", help="Also write one self-contained HTML report."),
]


def check_written(option: str, path: Path | None, inputs: Sequence[Input], suffix: str) -> None:
    """Refuse, before the work, a file that is written for each input where one of them cannot be, or two are one."""
    if path is None:
        return
    if len({stem(file) for file in inputs}) < len(inputs):
        raise UsageError("Two files have the same name, and so would their results. Do them one by one.")
    read = [one for each in inputs for one in (each if isinstance(each, list) else [each])]
    for file in inputs:
        own = path_of(path, file, len(inputs) > 1, suffix) or path
        writing.check_apart({option: own}, read)
        writing.check_writable(own)


def write_page(
    path: Path | None, file: Input, inputs: Sequence[Input], as_json: bool, build: Callable[[str, str], Report]
) -> dict[str, str]:
    """Write the page of one of several inputs, built from its name and the command; return its path for JSON."""
    own = path_of(path, file, len(inputs) > 1, ".html")
    if own is None:
        return {}
    build(file.name if isinstance(file, Path) else shown(file), this_command()).save(own)
    if not as_json:
        terminal.fields([("report", str(own))])
    return {"report": str(own)}
