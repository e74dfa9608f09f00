"""Levels, pairs of neighbouring levels, and devices with their own thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.records import Estimate, Record, cell_of, column, derived, internal, part
from devicekit.core.text import percent
from devicekit.features.states import separation as multilevel
from devicekit.features.states.separation import Readings, Side


@dataclass(frozen=True, eq=False, kw_only=True)
class Level(Record):
    """One level of a device."""

    name: str = column("level", name="level")
    conductance_s: np.ndarray = internal("its readings [S], device by device, in the order of the repeats")
    readings: Readings = internal("the readings on the scale of the fit")
    n = part("conductance_s.size", "readings", text=str)

    @derived()
    def devices(self) -> int:
        """Number of devices."""
        return int(np.unique(self.readings.device).size)

    @derived("median", name="median_s", unit="S", flat=True, stem="")
    def median(self) -> Estimate:
        """Median with the 5 % and 95 % quantiles, which need two readings."""
        low, median, high = np.quantile(self.conductance_s, [0.05, 0.5, 0.95])
        return Estimate(float(median), *(() if self.n < 2 else (float(low), float(high))))

    @derived()
    def sd_relative(self) -> float | None:
        """Standard deviation over the mean; None with one reading."""
        x = self.conductance_s
        return None if x.size < 2 or x.mean() == 0 else float(x.std(ddof=1) / x.mean())

    target_s: float | None = column("target", unit="S", doc="target, if one is given")

    @derived("offset", text=percent)
    def offset(self) -> float | None:
        """Median over the target, less 1."""
        return None if not self.target_s else self.median.value / self.target_s - 1.0

    spread = cell_of("sd_relative", "sd / mean", percent)
    p_normal: float | None = column(
        "p of normality", doc="p of the test for normality; None with fewer than 8 readings, or if all are equal"
    )
    between_devices = part("readings.icc", doc="share of the variance between devices")
    serial = part("readings.serial", doc="correlation of a reading with the one before it; 0 where it may be chance")
    effective = part("readings.effective", "effective readings", doc="equivalent number of independent readings")
    wrong: int | None = column(default=None, doc="readings beyond a threshold; None if a threshold is missing")

    @property
    def enough(self) -> bool:
        """True if there are enough readings for a judgement."""
        return self.conductance_s.size >= multilevel.LEAST


@dataclass(frozen=True, kw_only=True)
class Pair(Record):
    """Two neighbouring levels."""

    low: str = column(doc="name of the level with the smaller median")
    high: str = column(doc="name of the other level")
    threshold_s: float | None = column(default=None, unit="S", doc="threshold between them; None if there is none")
    below: Side | None = column(default=None, inline=True, prefix="low_", doc="errors of the lower level, above it")
    above: Side | None = column(default=None, inline=True, prefix="high_", doc="errors of the upper level, below it")
    why_not: str = column(default="", doc="reason for a missing threshold")


@dataclass(frozen=True, kw_only=True)
class OwnThresholds(Record):
    """One device with its own thresholds."""

    device_id: str
    n: int = column(doc="readings")
    wrong: int | None = column(default=None, doc="misread readings")

    @derived(flat=True, optional=True)
    def error(self) -> Estimate | None:
        """Share of misread readings."""
        return None if self.wrong is None else multilevel.rate(self.wrong / self.n, self.n)

    why_not: str = column(default="", doc="reason for a missing number")
