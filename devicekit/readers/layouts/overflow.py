"""Overflow codes of instruments: numbers that stand for "no reading", also after a division by a gain or a voltage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.core.errors import Choice, CodedWarning, QuestionError, UsageError
from devicekit.core.text import count
from devicekit.readers.layout import IGNORED
from devicekit.readers.layouts.grid import Block
from devicekit.readers.layouts.roles import UNKNOWN
from devicekit.readers.layouts.rows import NUMBER, OVERFLOW
from devicekit.readers.layouts.view import View
from devicekit.readers.questions import NONE_OF_THESE, ask
from devicekit.readers.state import STATE_COLUMNS
from devicekit.system.options import ReadOptions

LARGEST, LEAST = 1e25, 1e-25  # of a number that an instrument measures, in any unit
APART = 1e6  # ratio of the smallest reading and a code below it, which is 1 over an overflow
FEWEST = 3  # cells with one number below
EXTREME, ROUNDING = 1e20, 0.01  # beyond it a number is given as messages show it, in three digits
_MEASURED = {*STATE_COLUMNS, "value", UNKNOWN, IGNORED, "current_a", "voltage_v"}


def is_code(numbers: pd.Series) -> np.ndarray:
    """Return which numbers are overflow codes: far larger than a measured number, or equal and far smaller."""
    x = np.abs(numbers.to_numpy(float))
    known = np.isfinite(x) & (x > 0)
    codes = known & (x >= LARGEST)
    small = known & (x <= LEAST)
    if small.any() and not small[known].all():
        times = np.unique(np.round(np.log10(x[small]), 3), return_counts=True)[1]
        if times.max() >= FEWEST and x[known & ~small].min() > APART * x[small].max():
            codes |= small
    return codes


def mask_codes(block: Block, options: ReadOptions, where: str) -> tuple[Block, list[CodedWarning], set[str]]:
    """Return a block without the cells that `drop` names by a number, or as overflow; a warning; the matching words."""
    words = [each for each in options.drop if each == OVERFLOW or NUMBER.fullmatch(each)]
    found: dict[str, pd.Series] = {}
    codes: dict[str, None] = {}
    used: set[str] = set()
    for name in block.cells if words else ():
        cells = block.cells[name]
        numbers = pd.to_numeric(cells.astype(object).replace("", np.nan), errors="coerce")
        out = np.zeros(len(cells), bool)
        for word in words:
            hit = is_code(numbers) if word == OVERFLOW else _equals(numbers, float(word))
            used |= {word} if hit.any() else set()
            out |= hit
        if out.any():
            found[str(name)] = cells.mask(out, np.nan if cells.dtype.kind in "iuf" else "")
            codes |= dict.fromkeys(_describe_codes(numbers[out]))
    if not found:
        return block, [], used
    lost = [f"{int((cells != block.cells[name]).sum())} of {name}" for name, cells in found.items()]
    text = f"{where}: cells left out as missing readings: {', '.join(lost)} ({', '.join(codes)})"
    return replace(block, cells=block.cells.assign(**found)), [CodedWarning("dropped", text)], used


def _equals(numbers: pd.Series, given: float) -> np.ndarray:
    """Return which numbers are a given one or its negative."""
    extreme = given != 0 and not 1 / EXTREME < abs(given) < EXTREME
    return np.isclose(np.abs(numbers.to_numpy(float)), abs(given), rtol=ROUNDING if extreme else 1e-9, atol=0.0)


def _describe_codes(numbers: pd.Series) -> list[str]:
    return list(dict.fromkeys(f"{abs(each):.3g}" for each in numbers.unique()[:20]))[:2]


def ask_if_overflow(view: View) -> QuestionError | None:
    """Return the question whether impossible numbers are overflow codes; None without any."""
    if view.options.kind == "record" or OVERFLOW in view.options.drop:
        return None
    cells: dict[str, int] = {}
    shown: list[str] = []
    for column in view.of(*_MEASURED):
        numbers = view.numbers(column.name)
        if numbers is None or not (codes := is_code(numbers)).any():
            continue
        cells[column.name] = int(codes.sum())
        shown += _describe_codes(numbers[codes])
    if not cells:
        return None
    of = ", ".join(f"{number} in {name}" for name, number in cells.items())
    return ask(
        view.where,
        f"cells that no instrument measures ({', '.join(dict.fromkeys(shown))}): are they overflow codes?",
        (
            Choice.of("yes, these cells are missing readings", drop=(*view.options.drop, OVERFLOW)),
            NONE_OF_THESE,
        ),
        (f"{of}, of {count(len(view.cells.block.cells), 'row')}",),
    )


def mask_blocks(
    blocks: Sequence[Block], options: ReadOptions, where: str, required: bool
) -> tuple[tuple[Block, ...], list[CodedWarning]]:
    """Return blocks without the cells that `drop` names, and warnings.

    Raises
    ------
    UsageError
        If `required` and no cell holds a number that is given.
    """
    masked = [mask_codes(block, options, block.where) for block in blocks]
    used: set[str] = set().union(*(each for _, _, each in masked))
    unused = [each for each in options.drop if NUMBER.fullmatch(each) and each not in used]
    if required and unused:
        raise UsageError(f"{where}: no cell holds drop={unused[0]}. Remove it.")
    return tuple(block for block, _, _ in masked), [each for _, found, _ in masked for each in found]
