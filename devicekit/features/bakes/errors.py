"""Bit errors of levels that are written before a bake and read after it.

Levels are placed on half of the cells and counted on the other half, then the other way round. Each candidate is a
window of conductances to write; its read range spans the shares q to 1 - q of its cells after the bake. The smallest q
at which as many read ranges fit side by side places the levels, with thresholds half-way between them. Bits are those
of a Gray code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.records import Estimate
from devicekit.core.statistics import clopper_pearson

LEAST_IN_WINDOW = 20  # cells
FEW = 10  # misread cells, below which the interval is that of a binomial share
RESAMPLED = 2000
HALVINGS = 16  # of q
WIDEST_Q = 0.5


@dataclass(frozen=True, eq=False)
class Placement:
    """Levels placed for a bake.

    Parameters
    ----------
    write_s : ndarray, shape (levels,)
        Lower end of each window of conductances to write [S].
    width_s : float
        Width of the windows [S].
    thresholds_s : ndarray, shape (levels - 1,)
        Between the levels as they are read [S].
    q : float
        Share of a level's cells outside its read range, on each side.
    """

    write_s: np.ndarray
    width_s: float
    thresholds_s: np.ndarray
    q: float


def halves(cells: int, seed: int = 0) -> np.ndarray:
    """Return a mask of the half of the cells on which levels are placed, shape (cells,)."""
    return np.random.default_rng([seed, 43]).permutation(cells) < cells // 2


def place(before: np.ndarray, after: np.ndarray, levels: int, width_s: float) -> Placement | None:
    """Place levels by quantiles; None where fewer windows have cells enough.

    Parameters
    ----------
    before, after : ndarray, shape (cells,)
        Conductances [S].
    levels : int
        Number of levels.
    width_s : float
        Width of a window to write [S]; candidates are half a width apart.
    """
    order = np.argsort(before)
    sorted_before, sorted_after = before[order], after[order]
    starts = np.arange(before.min(), max(before.max() - width_s, before.min()) + 1e-3 * width_s, width_s / 2)
    first = np.searchsorted(sorted_before, starts)
    last = np.searchsorted(sorted_before, starts + width_s, "right")
    full = last - first >= LEAST_IN_WINDOW
    windows = [np.sort(sorted_after[a:b]) for a, b in zip(first[full], last[full], strict=True)]
    if len(windows) < levels:
        return None
    low, high = 0.0, WIDEST_Q
    best = None
    for _ in range(HALVINGS):
        q = (low + high) / 2
        found = _fit_ranges(windows, q, levels)
        low, high = (low, q) if found else (q, high)
        best = (q, found) if found else best
    if best is None:
        return None
    q, (chosen, ends) = best
    thresholds = (ends[:-1, 1] + ends[1:, 0]) / 2
    return Placement(starts[full][chosen], width_s, thresholds, q)


def _fit_ranges(windows: list[np.ndarray], q: float, levels: int) -> tuple[list[int], np.ndarray] | None:
    """Return which read ranges fit side by side, and their ends; None if fewer than the levels do."""
    ends = np.array([np.interp((q * (w.size - 1), (1 - q) * (w.size - 1)), np.arange(w.size), w) for w in windows])
    chosen: list[int] = []
    end = -np.inf
    while len(chosen) < levels:
        free = np.flatnonzero(ends[:, 0] > end)
        if not free.size:
            return None
        chosen.append(int(free[np.argmin(ends[free, 1])]))
        end = ends[chosen[-1], 1]
    return chosen, ends[chosen]


def count_errors(before: np.ndarray, after: np.ndarray, placed: Placement) -> np.ndarray:
    """Count cells by level and by number of wrong bits, shape (levels, 1 + bits); levels without a cell are left out.

    Parameters
    ----------
    before, after : ndarray, shape (cells,)
        Conductances of cells that did not place the levels [S].
    placed : Placement
    """
    levels = placed.write_s.size
    gray = np.arange(levels) ^ (np.arange(levels) >> 1)
    wrong = np.array([[int(a ^ b).bit_count() for b in gray] for a in gray])
    counted = []
    for number, low in enumerate(placed.write_s):
        own = (before >= low) & (before <= low + placed.width_s)
        read = np.searchsorted(placed.thresholds_s, after[own])
        counted.append(np.bincount(wrong[number, read], minlength=levels.bit_length()))
    return np.array([each for each in counted if each.sum()])


def error_rate(tables: Sequence[np.ndarray], seed: int = 0) -> Estimate:
    """Return the share of wrong bits with its 95 % interval, levels used equally, the mean over several counts.

    The interval resamples the cells of each level. With few misread cells it is the binomial one of Clopper and
    Pearson for cells, times the wrong bits of a misread cell.

    Parameters
    ----------
    tables : sequence of ndarray, shape (levels, 1 + bits)
        Counts by `count_errors`.
    seed : int
        Of the resampling.
    """
    table = np.concatenate(tables)
    bits = table.shape[1] - 1
    share = table / table.sum(axis=1, keepdims=True)
    wrong = np.arange(bits + 1) / bits
    rate = float((share @ wrong).mean())
    if (misread := int(table[:, 1:].sum())) < FEW:
        each = float((table @ wrong).sum()) / misread if misread else 1.0 / bits
        low, high = clopper_pearson(misread, int(table.sum()))
        return Estimate(rate, low * each, high * each)
    rng = np.random.default_rng([seed, 44])
    draws = [rng.multinomial(n, p, size=RESAMPLED) @ wrong / n for n, p in zip(table.sum(axis=1), share, strict=True)]
    low, high = np.quantile(np.mean(draws, axis=0), (0.025, 0.975))
    return Estimate(rate, float(low), float(high))
