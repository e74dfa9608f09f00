"""Tests of spatial effects: row, column, distance from the middle, edge.

Each effect is tested by the F test of two nested linear models with a mean per wafer: rows and columns together in one
model, distance and edge each alone. The share of variance is omega squared, about 0 without an effect; p values are
corrected for their number by Holm's step-down (Scand. J. Statist. 6, 65).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.statistics import f_tail

LEAST_DEVICES = 6
EFFECTS = ("row", "column", "radius", "edge")
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Effect:
    """Effect of the place on one quantity.

    Attributes
    ----------
    name : str
        One of `EFFECTS`.
    share : float
        Share of the variance, 0..1 (omega squared).
    f : float
        F ratio.
    above, below : int
        Degrees of freedom.
    p : float
        p value of this test alone.
    p_holm : float
        p value corrected for all tests of the table.
    """

    name: str
    share: float
    f: float
    above: int
    below: int
    p: float
    p_holm: float = float("nan")

    @property
    def seen(self) -> bool:
        """True if it is significant among all tests of the table."""
        return self.p_holm < SIGNIFICANT


@dataclass(frozen=True, eq=False)
class Places:
    """Places of devices on arrays.

    Parameters
    ----------
    row, column : ndarray of int, shape (n,)
    wafer : ndarray of int, shape (n,)
        Number of the array of each device, from 0.
    """

    row: np.ndarray
    column: np.ndarray
    wafer: np.ndarray

    @property
    def enough(self) -> bool:
        """True if there are 6 devices in 2 rows and 2 columns."""
        return bool(
            self.row.size >= LEAST_DEVICES and np.unique(self.row).size >= 2 and np.unique(self.column).size >= 2
        )

    @property
    def radius(self) -> np.ndarray:
        """Distance from the middle of the measured rows and columns, over that of a corner, 0..1."""
        found = np.zeros(self.row.size)
        for k in np.unique(self.wafer):
            own = self.wafer == k
            parts = []
            for values in (self.row[own], self.column[own]):
                half = max(np.ptp(values) / 2, 0.5)
                parts.append((values - (values.min() + values.max()) / 2) / half)
            found[own] = np.hypot(*parts) / np.sqrt(2)
        return found

    @property
    def edge(self) -> np.ndarray:
        """True if a device lies in the first or last row or column of its array."""
        found = np.zeros(self.row.size, bool)
        for k in np.unique(self.wafer):
            own = self.wafer == k
            for values in (self.row, self.column):
                found |= own & ((values == values[own].min()) | (values == values[own].max()))
        return found

    def select(self, at: np.ndarray) -> Places:
        """Return the places at some positions."""
        return Places(self.row[at], self.column[at], self.wafer[at])


def effects(values: np.ndarray, places: Places) -> list[Effect]:
    """Test the effects that can be tested, without correction for their number.

    Parameters
    ----------
    values : ndarray, shape (n,)
        One value per device; all finite.
    places : Places
    """
    if not places.enough or np.ptp(values) == 0:
        return []
    wafer, row, column = (_dummies(each) for each in (places.wafer, places.row, places.column))
    # rows and columns are numbered per wafer; a number is the same place on each of them
    tested = {
        "row": (np.hstack([wafer, column]), row),
        "column": (np.hstack([wafer, row]), column),
        "radius": (wafer, places.radius[:, None]),
        "edge": (wafer, places.edge[:, None].astype(float)),
    }
    y = (values - values.mean()) / values.std()
    found = []
    for name, (others, own) in tested.items():
        small, rank_small = _rest(y, others)
        whole, rank = _rest(y, np.hstack([others, own]))
        above, below = rank - rank_small, y.size - rank
        if above < 1 or below < 2:
            continue
        error = whole / below
        if error <= 1e-12:
            ratio, p = float("inf"), 0.0
        else:
            ratio = (small - whole) / above / error
            p = f_tail(ratio, above, below)
        share = (small - whole - above * error) / (float(y @ y) + error)
        found.append(Effect(name, float(np.clip(share, 0.0, 1.0)), float(ratio), above, below, float(p)))
    return found


def _dummies(labels: np.ndarray) -> np.ndarray:
    return (labels[:, None] == np.unique(labels)[None, :]).astype(float)


def _rest(y: np.ndarray, x: np.ndarray) -> tuple[float, int]:
    """Return sum of squares that a linear model with a constant leaves, and its rank."""
    x = np.column_stack([np.ones(y.size), x])
    found, _, rank, _ = np.linalg.lstsq(x, y, rcond=1e-10)
    rest = y - x @ found
    return float(rest @ rest), int(rank)


def correct_p_values(found: Mapping[str, Sequence[Effect]]) -> dict[str, list[Effect]]:
    """Return the effects of all quantities with p values corrected by Holm's step-down."""
    flat = [(name, effect) for name, several in found.items() for effect in several]
    order = sorted(range(len(flat)), key=lambda k: flat[k][1].p)
    held, made = 0.0, {}
    for rank, k in enumerate(order):
        held = max(held, min(1.0, flat[k][1].p * (len(flat) - rank)))
        made[k] = held
    done: dict[str, list[Effect]] = {name: [] for name in found}
    for k, (name, each) in enumerate(flat):
        done[name].append(Effect(each.name, each.share, each.f, each.above, each.below, each.p, made[k]))
    return done
