"""Results of the worker for the pages: plain values, so that the server stays small."""

from __future__ import annotations

from dataclasses import dataclass

from devicekit.system.commands import Reproduction

CARDS = "cards"  # folder of a job for the cards that it is given


@dataclass(frozen=True)
class ReadResult:
    """Content of a file as the reader understood it.

    Parameters
    ----------
    kind, format : str
        Kind of the table, and the reader.
    facts : tuple of (str, str)
        Names and counts.
    layout : tuple of (str, str)
        The layout, a word and a sentence for each line.
    warnings : tuple of (code, sentence)
    rows : tuple of tuple of str
        First rows of the table, column names first.
    preview : str
        Figure of the table, as HTML.
    recipe : str
        The layout as a recipe (TOML).
    fits : bool
        True for pulse trains, to which an update law can be fitted.
    reproduction : Reproduction
        Command and Python lines.
    """

    kind: str
    format: str
    facts: tuple[tuple[str, str], ...]
    layout: tuple[tuple[str, str], ...]
    warnings: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    preview: str
    recipe: str
    fits: bool
    reproduction: Reproduction


@dataclass(frozen=True)
class TaskResult:
    """Result of a fit, a characterisation, a simulation, a benchmark or a comparison.

    Parameters
    ----------
    page : str
        The report without its frame, as HTML.
    files : tuple of str
        Names of files to download, in the job's folder.
    cards : tuple of str
        The device cards among them.
    reproduction : Reproduction
        Command and Python lines.
    """

    page: str
    files: tuple[str, ...]
    cards: tuple[str, ...]
    reproduction: Reproduction
