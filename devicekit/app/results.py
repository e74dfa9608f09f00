"""What the worker gives back to the pages: plain values, so that the server stays small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from devicekit.commands import Reproduction


@dataclass(frozen=True)
class FitChoice:
    """What may be chosen of a fit."""

    model: str = "eq2"
    loss: str = "linear"
    state: str = "linear"


@dataclass(frozen=True)
class Understood:
    """What the reader understood of a file.

    Parameters
    ----------
    kind, format : str
        Kind of the table, and the reader.
    facts : tuple of (str, str)
        Counts, with what is counted.
    layout : tuple of (str, str)
        The layout, a word and a sentence a line.
    warnings : tuple of (code, sentence)
    rows : tuple of tuple of str
        The head of the table, names first.
    preview : str
        Its figure, as HTML.
    recipe : str
        The layout as a recipe (TOML).
    fits : bool
        Whether an update law can be fitted to it: pulse trains.
    again : Reproduction
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
    again: Reproduction


@dataclass(frozen=True)
class Found:
    """A fit, figures of merit, a simulation or a benchmark.

    Parameters
    ----------
    page : str
        The report without its frame, as HTML.
    files : tuple of str
        What can be downloaded, names in the job's folder.
    cards : tuple of str
        Those of them that are device cards.
    again : Reproduction
        Command and Python lines.
    numbers : tuple of dict
        The scalars (`devicekit.scalars.Scalar.as_dict`).
    """

    page: str
    files: tuple[str, ...]
    cards: tuple[str, ...]
    again: Reproduction
    numbers: tuple[dict[str, Any], ...] = ()
