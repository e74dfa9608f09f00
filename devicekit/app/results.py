"""Results of the worker for the pages: plain values, so that the server stays small."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from devicekit.core.errors import Question, UsageError
from devicekit.system.answers import Answered
from devicekit.system.commands import Reproduction
from devicekit.system.options import ReadOptions

CARDS = "cards"  # folder of a job for the cards that it is given


@dataclass(frozen=True)
class Seen:
    """Content of a table, as it is shown before it is believed.

    Parameters
    ----------
    kind, format : str
        Kind of the table, and the reader.
    facts : tuple of (str, str)
        Names and counts.
    odd : tuple of str
        Names of the facts that need a look, such as points per cycle that are unequal.
    layout : tuple of (str, str)
        The layout, a word and a sentence for each line.
    warnings : tuple of (code, sentence)
    statements : tuple of (subject, sentence, origin)
        What the reading says, and from where.
    ends : tuple of (name, values, place, cells)
        First and last row in SI units, and their cells in the file.
    rows : tuple of tuple of str
        First rows of the table, column names first.
    preview : str
        Figures of the table, as HTML.
    """

    kind: str
    format: str
    facts: tuple[tuple[str, str], ...]
    odd: tuple[str, ...]
    layout: tuple[tuple[str, str], ...]
    warnings: tuple[tuple[str, str], ...]
    statements: tuple[tuple[str, str, str], ...]
    ends: tuple[tuple[str, str, str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    preview: str


@dataclass(frozen=True)
class FileColumn:
    """One column of a file, for the form that describes it.

    Parameters
    ----------
    name : str
        Name by which options call it.
    cells : tuple of str
        First cells.
    role, unit : str
        What it is taken for, and the unit in which it is read; "" if that is open.
    """

    name: str
    cells: tuple[str, ...] = ()
    role: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Opened:
    """First look at a file, before it is understood.

    Parameters
    ----------
    preview : str
        Figures of its numbers over the rows, as HTML; "" for a file without numbers.
    lines : tuple of str
        First lines of a file without numbers.
    columns : tuple of FileColumn
        Its first columns.
    width : int
        Number of its columns.
    """

    preview: str = ""
    lines: tuple[str, ...] = ()
    columns: tuple[FileColumn, ...] = ()
    width: int = 0


@dataclass(frozen=True)
class ReadResult:
    """Content of a file as the reader understood it, or the question that must be answered before.

    Parameters
    ----------
    seen : Seen, optional
        The table; with a question, the table that the first answers give; None if they give none.
    question : Question, optional
        All that is open.
    asked : tuple of Question
        The parts of the form: the questions that were answered, then those that are open.
    answered : Answered
        The options with the answers so far.
    wrong : str
        Error to which the answers led.
    opened : Opened
        Columns of the file; with its numbers or first lines where no table can be shown.
    recipe : str
        The layout as a recipe (TOML).
    kept : str
        Name of the recipe that was written.
    fits : bool
        True for pulse trains, to which an update law can be fitted.
    reproduction : Reproduction, optional
        Command and Python lines.
    """

    seen: Seen | None = None
    question: Question | None = None
    asked: tuple[Question, ...] = ()
    answered: Answered = field(default_factory=lambda: Answered(ReadOptions()))
    wrong: str = ""
    opened: Opened = field(default_factory=Opened)
    recipe: str = ""
    kept: str = ""
    fits: bool = False
    reproduction: Reproduction | None = None

    @property
    def task(self) -> str:
        """The task that evaluates it."""
        if self.seen is not None and self.seen.kind == "population":
            return "population"
        return "fit" if self.fits else "characterize"

    @property
    def is_whole(self) -> bool:
        """True if the table is read, without an open question."""
        return self.question is None and self.seen is not None

    @property
    def reading(self) -> ReadOptions:
        """The options by which the same table is read without a question."""
        options = self.answered.options
        return replace(options, accept=True) if self.answered.accepted else options


@dataclass(frozen=True)
class TaskResult:
    """Result of a fit, a characterisation, a simulation, a benchmark or a comparison.

    Parameters
    ----------
    page, details : str
        First page and sections of the report, as HTML.
    files : tuple of str
        Names of files to download, in the job's folder.
    cards : tuple of str
        The device cards among them.
    reproduction : Reproduction
        Command and Python lines.
    failed : str
        Why a table that was read has no page; its file is offered all the same.
    """

    page: str
    files: tuple[str, ...]
    cards: tuple[str, ...]
    reproduction: Reproduction
    failed: str = ""
    details: str = ""


def write_recipe(target: Path, text: str) -> str:
    """Write a recipe of the user; return its name.

    Raises FileError if it cannot be written. Raises UsageError if one of that name exists.
    """
    from devicekit.system import work, writing

    target.parent.mkdir(parents=True, exist_ok=True)
    with work.locked(target.parent):  # against another app of the same user
        if target.exists():
            raise UsageError(f"Recipe {target.stem} exists. Choose another name.")
        writing.write_text(target, text)
    return target.stem
