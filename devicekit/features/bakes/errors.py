"""Bit errors of levels that are written before a bake and read after it.

Levels are placed on half of the cells and counted on the other half. Each candidate is a window of conductances to
write; its read range spans the shares q to 1 - q of its cells after the bake. The smallest q at which as many read
ranges fit side by side places the levels, with thresholds half-way between them. Bits are those of a Gray code.
"""

from __future__ import annotations

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
    first, last = (
        np.searchsorted(sorted_before, starts + add, side) for add, side in ((0.0, "left"), (width_s, "right"))
    )
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
    """Return which read ranges fit side by side from left to right, and their ends; None if fewer than the levels do."""
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


def count_errors(before: np.ndarray, after: np.ndarray, placed: Placement, seed: int = 0) -> tuple[Estimate, int]:
    """Return the share of wrong bits with its 95 % interval, levels used equally, and the number of cells counted.

    The interval resamples the cells of each level. With few misread cells it is the binomial one of Clopper and
    Pearson for cells, times the wrong bits of a misread cell.

    Parameters
    ----------
    before, after : ndarray, shape (cells,)
        Conductances of cells that did not place the levels [S].
    placed : Placement
    seed : int
        Of the resampling.
    """
    levels = placed.write_s.size
    bits = int(np.log2(levels))
    gray = np.arange(levels) ^ (np.arange(levels) >> 1)
    wrong = np.array([[bin(a ^ b).count("1") for b in gray] for a in gray])
    counted = []
    for number, low in enumerate(placed.write_s):
        own = (before >= low) & (before <= low + placed.width_s)
        read = np.searchsorted(placed.thresholds_s, after[own])
        counted.append(np.bincount(wrong[number, read], minlength=bits + 1))
    table = np.array([each for each in counted if each.sum()])
    n, misread = int(table.sum()), int(table[:, 1:].sum())
    share = table / table.sum(axis=1, keepdims=True)
    rate = float((share @ np.arange(bits + 1)).mean() / bits)
    if misread < FEW:
        each = float((table.sum(axis=0) @ np.arange(bits + 1)) / misread) if misread else 1.0
        low_share, high_share = clopper_pearson(misread, n)
        return Estimate(rate, low_share * each / bits, high_share * each / bits), n
    rng = np.random.default_rng([seed, 44])
    draws = np.mean(
        [
            rng.multinomial(own.sum(), p, size=RESAMPLED) @ np.arange(bits + 1) / own.sum()
            for own, p in zip(table, share, strict=True)
        ],
        axis=0,
    )
    low_rate, high_rate = np.quantile(draws, (0.025, 0.975)) / bits
    return Estimate(rate, float(low_rate), float(high_rate)), n
