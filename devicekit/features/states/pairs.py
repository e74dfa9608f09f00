"""Levels, pairs of neighbouring levels, and devices with their own thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.features.states import separation as multilevel
from devicekit.features.states.separation import Readings, Side


@dataclass(frozen=True, eq=False)
class Level:
    """One level of a device.

    Attributes
    ----------
    name : str
    conductance_s : ndarray, shape (n,)
        Its readings [S], device by device, in the order of the repeats.
    readings : Readings
        The readings on the scale of the fit.
    target_s : float or None
        Target [S], if one is given.
    p_normal : float or None
        p of the test for normality; None with fewer than 8 readings, or if all are equal.
    wrong : int or None
        Readings beyond a threshold; None if a threshold is missing.
    """

    name: str
    conductance_s: np.ndarray
    readings: Readings
    target_s: float | None
    p_normal: float | None
    wrong: int | None = None

    @property
    def enough(self) -> bool:
        """True if there are enough readings for a judgement."""
        return self.conductance_s.size >= multilevel.LEAST

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        x = self.conductance_s
        low, median, high = np.quantile(x, [0.05, 0.5, 0.95])
        few = x.size < 2
        return {
            "level": self.name,
            "n": x.size,
            "devices": int(np.unique(self.readings.device).size),
            "median_s": float(median),
            "low_s": None if few else float(low),
            "high_s": None if few else float(high),
            "sd_relative": None if few or x.mean() == 0 else float(x.std(ddof=1) / x.mean()),
            "target_s": self.target_s,
            "offset": None if not self.target_s else float(median) / self.target_s - 1.0,
            "p_normal": self.p_normal,
            "between_devices": self.readings.icc,
            "serial": self.readings.serial,
            "effective": self.readings.effective,
            "wrong": self.wrong,
        }


@dataclass(frozen=True)
class Pair:
    """Two neighbouring levels.

    Attributes
    ----------
    low, high : str
        Names of the level with the smaller median, and of the other.
    threshold_s : float or None
        Threshold between them [S]; None if there is none.
    below, above : Side or None
        Errors of the lower level (readings above the threshold), and of the upper one.
    why_not : str
        Reason for a missing threshold.
    """

    low: str
    high: str
    threshold_s: float | None
    below: Side | None
    above: Side | None
    why_not: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        row: dict[str, Any] = {"low": self.low, "high": self.high, "threshold_s": self.threshold_s}
        for name, side in (("low", self.below), ("high", self.above)):
            if side is None:
                continue
            row |= {f"{name}_n": side.n, f"{name}_wrong": side.wrong, f"{name}_wrong_apparent": side.apparent}
            row |= {f"{name}_effective": side.effective, f"{name}_error": side.counted.value}
            row |= {f"{name}_error_low": side.counted.low, f"{name}_error_high": side.counted.high}
            normal = side.normal
            row |= {f"{name}_normal": normal.value if normal else None}
            row |= {f"{name}_normal_low": normal.low if normal else None}
            row |= {f"{name}_normal_high": normal.high if normal else None}
            row |= {f"{name}_normal_refused": side.refused}
        return row | {"why_not": self.why_not}


@dataclass(frozen=True)
class OwnThresholds:
    """One device with its own thresholds: readings, misread ones, and the reason for a missing number."""

    device_id: str
    n: int
    wrong: int | None
    why_not: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        error = None if self.wrong is None else multilevel.rate(self.wrong / self.n, self.n)
        ends = {} if error is None else {"error": error.value, "error_low": error.low, "error_high": error.high}
        return {"device_id": self.device_id, "n": self.n, "wrong": self.wrong, **ends, "why_not": self.why_not}
