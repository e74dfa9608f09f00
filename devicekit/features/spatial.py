"""Tests of spatial effects: row, column, distance from the middle, edge.

Each effect is tested by the F test of two nested linear models with a mean per wafer: rows and columns together in one
model, distance and edge each alone. The share of variance is omega squared, about 0 without an effect; p values are
corrected for their number by Holm's step-down (Scand. J. Statist. 6, 65).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from devicekit.core.quantities import Quantity
from devicekit.core.records import Record, cell, column
from devicekit.core.statistics import f_tail
from devicekit.core.text import percent
from devicekit.features import definitions
from devicekit.features.stats import holm

LEAST_DEVICES = 6
EFFECTS = {
    "row": "the row",
    "column": "the column",
    "radius": "the distance from the middle",
    "edge": "lying at the edge",
}  # on what a quantity may depend
SIGNIFICANT = 0.05
MEDIANS = ("v_set_v", "v_reset_v", "g_lrs_s", "g_hrs_s")  # of the sweeps of a device
QUANTITIES = {
    each.name: each
    for each in (
        *(
            replace(definitions.QUANTITIES[name], label=f"{definitions.QUANTITIES[name].label}, median")
            for name in MEDIANS
        ),
        Quantity("window", "", "on/off of the trains, median", log=True),
        Quantity("median_window", "", "on/off over the cycles, median", log=True),
        Quantity("level_error", "", "readings taken for another level"),
    )
}  # numbers of a device that a map shows


def _name(quantity: str) -> str:
    known = QUANTITIES[quantity]
    return f"{known.label} (logarithm)" if known.log else known.label


def _format_p(p: float) -> str:
    return f"{p:.2g}"


@dataclass(frozen=True, kw_only=True)
class Effect(Record):
    """Effect of the place on one quantity."""

    quantity: str = column("quantity", text=_name, doc="name of the quantity")
    name: str = column("depends on", name="effect", text=EFFECTS.get, doc="row, column, radius or edge")
    share: float = column("share of the variance", text=percent, doc="share of the variance, 0..1 (omega squared)")
    f: float = column(doc="F ratio")

    @cell("F (degrees)")
    def f_text(self) -> str:
        """F ratio with its degrees of freedom."""
        return f"{self.f:.3g} ({self.above}, {self.below})"

    above: int = column(name="degrees_above", doc="degrees of freedom of the effect")
    below: int = column(name="degrees_below", doc="degrees of freedom of the error")
    p: float = column("p", text=_format_p, doc="p value of this test alone")
    p_holm: float = column(
        "p, all tests", text=_format_p, default=float("nan"), doc="p value corrected for all tests of the table"
    )

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


def effects(values: np.ndarray, places: Places, quantity: str = "") -> list[Effect]:
    """Test the effects that can be tested, without correction for their number.

    Parameters
    ----------
    values : ndarray, shape (n,)
        One value per device; all finite.
    places : Places
    quantity : str
        Name of the quantity.
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
        new = Effect(
            quantity=quantity,
            name=name,
            share=float(np.clip(share, 0.0, 1.0)),
            f=float(ratio),
            above=above,
            below=below,
            p=float(p),
        )
        found.append(new)
    return found


def _dummies(labels: np.ndarray) -> np.ndarray:
    return (labels[:, None] == np.unique(labels)[None, :]).astype(float)


def _rest(y: np.ndarray, x: np.ndarray) -> tuple[float, int]:
    """Return sum of squares that a linear model with a constant leaves, and its rank."""
    x = np.column_stack([np.ones(y.size), x])
    found, _, rank, _ = np.linalg.lstsq(x, y, rcond=1e-10)
    rest = y - x @ found
    return float(rest @ rest), int(rank)


def correct_p_values(found: Sequence[Effect]) -> tuple[Effect, ...]:
    """Return the effects of all quantities with p values corrected by Holm's step-down."""
    corrected = holm(np.array([each.p for each in found]))
    return tuple(replace(each, p_holm=float(p)) for each, p in zip(found, corrected, strict=True))
