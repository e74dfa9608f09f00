"""Medians and bands of readings along a logarithmic axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

MOST_PLACES = 60  # different places from which on readings are collected in parts of a decade
A_DECADE = 8  # such parts
GAP = 0.15  # decades between readings that belong to different places
ENOUGH = 3  # devices from which a band is drawn
LONGEST = 0.5  # decades from the first reading of a place to its last
SHARES = (0.05, 0.95)
MOST_DOTS = 1500  # readings of one curve that are drawn


@dataclass(frozen=True, eq=False)
class Band:
    """Median and 5 and 95 % quantile over readings at each place."""

    x: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray


def band(x: np.ndarray, y: np.ndarray, least: int = 1) -> Band:
    """Return the median and quantiles of readings at each place; those within 0.15 decades are at one.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Places above 0, and readings; those that are not finite are left out.
    least : int
        Readings that a place needs, if one has so many.
    """
    keep = np.isfinite(x) & np.isfinite(y) & (x > 0)
    order = np.argsort(x[keep], kind="stable")
    at, values = np.log10(x[keep][order]), y[keep][order]
    part = np.concatenate([[0], np.cumsum(np.diff(at) > GAP)]) if at.size else np.empty(0)
    reach = pd.Series(at).groupby(part).agg(np.ptp)
    if np.unique(at).size > MOST_PLACES and reach.max() > LONGEST:  # readings all along, not at some times
        part = np.floor(A_DECADE * at)
    groups = pd.DataFrame({"x": at, "y": values}).groupby(part)
    quantiles = groups["y"].quantile(np.array([0.5, *SHARES])).unstack()
    sizes = groups.size().to_numpy()
    kept = sizes >= (least if sizes.max(initial=0) >= least else 1)
    place, *found = groups["x"].mean(), *(quantiles[q] for q in (0.5, *SHARES))
    return Band(10.0 ** place.to_numpy()[kept], *(each.to_numpy()[kept] for each in found))


def thinned(x: np.ndarray, most: int = MOST_DOTS) -> np.ndarray:
    """Return which of many readings are drawn: so many at most, evenly along the logarithm of their places."""
    known = np.flatnonzero(np.isfinite(x) & (x > 0))
    if known.size <= most:
        return known
    at = np.log(x[known])
    wanted = np.linspace(at.min(), at.max(), most)
    order = np.argsort(at, kind="stable")
    return known[np.unique(order[np.clip(np.searchsorted(at[order], wanted), 0, known.size - 1)])]
