"""Bakes: the temperature of each reading, and the change of many devices read before and after a bake."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.errors import TraceError
from devicekit.core.records import Record, column
from devicekit.tables import PulseTable

SAME_K = 2.0  # temperatures closer than this to the next one belong to one bake


def baked_at(frame: pd.DataFrame) -> pd.Series:
    """Return the temperature of the bake that each reading belongs to [K]; NaN where it is unknown.

    Readings of a thermometer scatter: sorted temperatures of one device and level that lie within `SAME_K` of the next
    one belong to one bake, at their median.

    Parameters
    ----------
    frame : pandas.DataFrame
        Frame of a `RetentionTable`.
    """
    if "temperature_k" not in frame:
        return pd.Series(np.nan, frame.index)
    found = pd.Series(np.nan, frame.index)
    for _, own in frame.groupby(["device_id", "level"], sort=False)["temperature_k"]:
        kelvin = own.dropna().sort_values(kind="stable")
        group = (kelvin.diff() > SAME_K).cumsum()
        found.loc[kelvin.index] = kelvin.groupby(group).transform("median")
    return found


@dataclass(frozen=True, kw_only=True)
class BakeResult(Record):
    """Change of the states of many devices over a bake."""

    n: int = column(doc="devices read both before and after")
    unpaired: int = column(doc="devices read once")
    median_ratio: float = column(doc="median of G after over G before")
    sd_decades: float = column(doc="standard deviation of log10 of that ratio; NaN of one device")
    moved: float = column(doc="share of devices whose conductance changed more than twofold, 0..1")


def bake(before: PulseTable, after: PulseTable) -> BakeResult:
    """Compare the states of each device before and after a bake.

    Parameters
    ----------
    before, after : PulseTable
        One reading per device; the median of several.

    Raises
    ------
    TraceError
        If no device is in both.
    """
    first, second = (
        table.frame[table.frame["conductance_s"] > 0].groupby("device_id")["conductance_s"].median()
        for table in (before, after)
    )
    ratio = (second / first).dropna()
    if ratio.empty:
        raise TraceError("no device was read both before and after the bake; check the device names")
    decades = np.log10(ratio.to_numpy(float))
    return BakeResult(
        n=len(ratio),
        unpaired=len(first.index.union(second.index)) - len(ratio),
        median_ratio=float(10 ** np.median(decades)),
        sd_decades=float(decades.std(ddof=1)) if len(ratio) > 1 else float("nan"),
        moved=float((np.abs(decades) > np.log10(2)).mean()),
    )
