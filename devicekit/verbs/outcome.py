"""Outcome of a verb, and how a verb says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from devicekit.core.errors import CodedWarning
from devicekit.system import files
from devicekit.system.commands import Reproduction
from devicekit.verbs.text import REPORT, Block

if TYPE_CHECKING:
    from devicekit.report import Report

__all__ = ["REPORT", "SILENT", "Input", "Outcome", "Progress", "path_of", "shown", "stem"]
Result = TypeVar("Result")
Input = Path | list[Path]  # a file, or several that make one table


@dataclass(frozen=True, kw_only=True)
class Outcome(Generic[Result]):
    """Outcome of a verb: the command line prints and writes it, the app shows it, a study tabulates it.

    Parameters
    ----------
    result : object
        Result of the Python interface.
    json : mapping
        What `--json` prints.
    page : callable
        (command that makes it again) -> page; made on demand, for its figures take time.
    files : mapping of str to callable
        Files to write: name in the folder of the results -> (path) writes it.
    text : sequence of Block
        What a terminal shows.
    reproduction : Reproduction, optional
        Command and Python lines that repeat the result.
    cards : tuple of str
        The device cards among the files.
    offered : tuple of str, optional
        The files that a page offers for download; all if not given.
    unfinished : str
        Why the result is not complete; "" if it is.
    code : int
        Exit code of a command.
    """

    result: Result
    json: Mapping[str, object]
    page: Callable[[str], Report]
    files: Mapping[str, Callable[[Path], object]] = field(default_factory=dict)
    text: Sequence[Block] = ()
    reproduction: Reproduction | None = None
    cards: tuple[str, ...] = ()
    offered: tuple[str, ...] | None = None
    unfinished: str = ""
    code: int = 0

    def write(self, folder: Path) -> None:
        """Write the files into a folder."""
        for name, write in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)


class Progress:
    """Progress of a verb; this one is shown nowhere."""

    def doing(self, what: str) -> AbstractContextManager[None]:
        """Say what is being done in a block."""
        return nullcontext()

    def counting(self, name: str, unit: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """Count in a block: it is given a function of (done, total)."""
        return nullcontext(lambda done, total: None)

    @contextmanager
    def shares(self, name: str) -> Iterator[Callable[[float], None]]:
        """Count the completed fraction of a run in a block: it is given a function of the fraction, 0..1."""
        with self.counting(name, "parts") as count:
            yield lambda fraction: count(int(100 * fraction), 100)

    def warn(self, coded: Sequence[CodedWarning]) -> None:
        """Say at once what a user should know before the end."""

    def show(self, text: Sequence[Block]) -> None:
        """Show a part of the result that is known before the end."""


SILENT = Progress()


def stem(file: Input) -> str:
    """Return the name of a file without its ending; of several the folder that they are in."""
    return files.stem(file) if isinstance(file, Path) else file[0].resolve().parent.name or files.stem(file[0])


def shown(file: Input) -> str:
    """Return a file, or several that make one table, for people."""
    return str(file) if isinstance(file, Path) else f"{file[0]} and {len(file) - 1} more"


def path_of(path: Path | None, file: Input, several: bool, suffix: str) -> Path | None:
    """Return the path of what is written for one of several files, which is named for it; the path itself for one."""
    if path is None or not several:
        return path
    return path.with_name(f"{path.stem}_{stem(file)}{path.suffix or suffix}")
