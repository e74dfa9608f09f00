"""Readings of many cells before and after bakes, as matrices of cells and bakes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from devicekit.core.text import si
from devicekit.device.bakes import Bake, celsius
from devicekit.features.lives.bake import SAME_K

LEAST_CELLS = 30  # of a level in the median, or of pairs in all, from which a table shows a population
MOST_READINGS = 7  # of a cell in a bake; records with more of them show a law of their own
MOST_BAKES = 24
APART = float(np.log(1.5))  # of ln t, from which two times are not readings of the same bake


@dataclass(frozen=True, eq=False)
class Pairs:
    """Cells read before and after each of several bakes.

    Parameters
    ----------
    level : ndarray of int, shape (cells,)
        Index of each cell's level.
    levels : tuple of str
        Names of the levels, lowest conductance first.
    bakes : tuple of Bake
        Coldest first, and shortest first at one temperature.
    before, after : ndarray, shape (cells, bakes)
        Conductances [S]; NaN where a cell was not read.
    unpaired : ndarray of int, shape (levels,)
        Records of one reading only, by level.
    """

    level: np.ndarray
    levels: tuple[str, ...]
    bakes: tuple[Bake, ...]
    before: np.ndarray
    after: np.ndarray
    unpaired: np.ndarray

    @cached_property
    def shift(self) -> np.ndarray:
        """Change of each cell by each bake [S], shape (cells, bakes)."""
        return self.after - self.before

    @cached_property
    def ratio(self) -> np.ndarray:
        """Conductance after over before [1], shape (cells, bakes)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(self.before > 0, self.after / self.before, np.nan))

    @cached_property
    def centres(self) -> np.ndarray:
        """Median conductance of each level before the bakes [S], shape (levels,)."""
        return np.array([np.nanmedian(self.before[self.level == k]) for k in range(len(self.levels))])

    def groups(self, most: int = 4, least: int = 1) -> list[np.ndarray]:
        """Return indices of neighbouring levels, in at most so many groups of at least so many levels each."""
        many = len(self.levels)
        return np.array_split(np.arange(many), max(1, min(most, many // least)))

    def cells(self, group: np.ndarray) -> np.ndarray:
        """Return a mask of the cells of a group of levels, shape (cells,)."""
        return np.isin(self.level, group)

    def name(self, group: np.ndarray) -> str:
        """Return the name of a group of levels: its first and its last."""
        first, last = self.levels[group[0]], self.levels[group[-1]]
        return first if first == last else f"{first} to {last}"

    def bake_name(self, k: int) -> str:
        """Return the name of a bake: its temperature, and its time where others share that temperature."""
        bake = self.bakes[k]
        place = "" if bake.temperature_k is None else celsius(bake.temperature_k)
        alone = sum(each.temperature_k == bake.temperature_k for each in self.bakes) == 1
        return place if place and alone else ", ".join(filter(None, (place, si(bake.time_s, "s"))))

    def longest(self) -> list[int]:
        """Return the bake with the longest time at each known temperature, coldest first."""
        last = {each.temperature_k: k for k, each in enumerate(self.bakes) if each.temperature_k is not None}
        return list(last.values())

    def select(self, bakes: list[int]) -> Pairs:
        """Return the same cells with some of the bakes."""
        return replace(
            self,
            bakes=tuple(self.bakes[k] for k in bakes),
            before=self.before[:, bakes],
            after=self.after[:, bakes],
        )

    def moved(self, after: np.ndarray) -> Pairs:
        """Return cells of one bake with other conductances after it [S], shape (cells,)."""
        return replace(self, after=after[:, None])


def is_population(frame: pd.DataFrame) -> bool:
    """Return whether a retention table shows many cells, read a few times each: 30 of each level in the median.

    Thirty cells in all are enough where each is read once before and once after a bake, which no other law can use.

    Parameters
    ----------
    frame : pandas.DataFrame
        Frame of a `RetentionTable`.
    """
    cells = frame[["device_id", "level"]].drop_duplicates()
    if "conductance_s" not in frame or len(cells) < LEAST_CELLS or frame["time_s"].nunique() < 2:
        return False
    kelvins = frame["temperature_k"].dropna() if "temperature_k" in frame else frame["time_s"].iloc[:0]
    records = len(cells) * max(1, len(np.unique(_cluster(kelvins.to_numpy(float), SAME_K))))
    many = cells.groupby("level", sort=False).size().median() >= LEAST_CELLS
    return len(frame) <= (MOST_READINGS if many else 2) * records


def pair(frame: pd.DataFrame) -> Pairs | None:
    """Pair the first reading of each cell in each bake with its later ones; None where there are none to pair.

    The temperature is that of the bake: a first reading without one takes that of the reading after it.

    Parameters
    ----------
    frame : pandas.DataFrame
        Frame of a `RetentionTable`.
    """
    rows = frame[frame["conductance_s"].notna()]
    cell = rows.groupby(["device_id", "level"], sort=False).ngroup().to_numpy()
    kelvin = _bake_temperatures(rows, cell)
    record = pd.DataFrame({"cell": cell, "kelvin": kelvin}).groupby(["cell", "kelvin"], dropna=False).ngroup()
    data = pd.DataFrame(
        {
            "cell": cell,
            "kelvin": kelvin,
            "record": record.to_numpy(),
            "t": rows["time_s"].to_numpy(float),
            "g": rows["conductance_s"].to_numpy(float),
        }
    )
    first = data["t"] == data.groupby("record")["t"].transform("min")
    before = data[first].groupby("record")["g"].median()
    later = data[~first].reset_index(drop=True)
    if later.empty:
        return None
    later["bake"] = _number_bakes(later)
    many = int(later["bake"].max()) + 1
    if many > MOST_BAKES:
        return None
    after = later.groupby(["cell", "bake"], sort=True).agg(g=("g", "median"), record=("record", "first"))
    shape = (int(cell.max()) + 1, many)
    at = after.index.get_level_values(0).to_numpy(), after.index.get_level_values(1).to_numpy()
    matrices = [np.full(shape, np.nan) for _ in range(2)]
    matrices[0][at], matrices[1][at] = before.loc[after["record"]].to_numpy(), after["g"].to_numpy()
    bakes = tuple(
        Bake(temperature_k=None if np.isnan(t_k := float(own["kelvin"].iloc[0])) else t_k, time_s=float(own.t.median()))
        for _, own in later.groupby("bake")
    )
    once = np.setdiff1d(data["record"], later["record"])
    owner = data.drop_duplicates("record").set_index("record")["cell"].loc[once].to_numpy()
    names = rows["level"].to_numpy()[np.unique(cell, return_index=True)[1]]
    found, level = np.unique(names.astype(str), return_inverse=True)
    order = np.argsort([np.nanmedian(np.r_[matrices[0][level == k].ravel(), np.inf]) for k in range(found.size)])
    rank = np.argsort(order)
    return Pairs(
        level=rank[level],
        levels=tuple(str(name) for name in found[order]),
        bakes=bakes,
        before=matrices[0],
        after=matrices[1],
        unpaired=np.bincount(rank[level][owner], minlength=found.size),
    )


def _bake_temperatures(rows: pd.DataFrame, cell: np.ndarray) -> np.ndarray:
    """Return the temperature of each reading's bake [K]; readings within `SAME_K` of the next share their median."""
    if "temperature_k" not in rows:
        return np.full(len(rows), np.nan)
    stated = pd.Series(rows["temperature_k"].to_numpy(float))
    known = stated.where(stated.notna() | (rows["time_s"].to_numpy(float) > 0), stated.groupby(cell).bfill())
    values = known.to_numpy(float, copy=True)
    where = np.isfinite(values)
    groups = pd.Series(values[where]).groupby(_cluster(values[where], SAME_K))
    values[where] = groups.transform("median").to_numpy()
    return values


def _cluster(values: np.ndarray, gap: float) -> np.ndarray:
    """Return the number of each value's cluster; sorted values of one cluster are no further apart than the gap."""
    distinct, inverse = np.unique(values, return_inverse=True)
    return np.cumsum(np.diff(distinct, prepend=distinct[:1]) > gap)[inverse]


def _number_bakes(later: pd.DataFrame) -> np.ndarray:
    """Return the number of each reading's bake: by temperature, then by time."""
    found = np.zeros(len(later), int)
    start = 0
    for _, own in later.groupby("kelvin", sort=True, dropna=False):
        cluster = _cluster(np.log(own["t"].to_numpy(float)), APART)
        found[own.index] = start + cluster
        start += int(cluster.max()) + 1
    return found
