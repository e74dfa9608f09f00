"""Number with its interval, and the three columns that it takes in a data frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_SUFFIXES = ("_s", "_v", "_a", "_k", "_ev", "_ohm", "_j", "_m", "_hz")  # units at the end of a name


@dataclass(frozen=True)
class Estimate:
    """Number with its interval; an end of None is open: the data do not bound it.

    Parameters
    ----------
    value : float
        NaN where it is refused.
    low, high : float or None
        Ends of the interval.
    level : float
        Confidence level of the interval, 0..1.
    reason : str
        Why a number, or an end, is missing.
    """

    value: float
    low: float | None = None
    high: float | None = None
    level: float = field(default=0.95, kw_only=True)
    reason: str = field(default="", kw_only=True)

    @property
    def known(self) -> bool:
        """True if there is a number."""
        return math.isfinite(self.value)

    @property
    def closed(self) -> bool:
        """True if both sides are bounded."""
        return self.low is not None and self.high is not None

    @property
    def ends(self) -> tuple[float, float] | None:
        """The interval; None where a side is open."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @classmethod
    def symmetric(cls, value: float, half_width: float) -> Estimate:
        """Return an estimate with an interval of value - half_width to value + half_width."""
        return cls(value, value - half_width, value + half_width)

    def map(self, function: Callable[[float], float]) -> Estimate:
        """Return the estimate of a rising function of the number, such as exp; open ends stay open."""
        low, high = (None if end is None else float(function(end)) for end in (self.low, self.high))
        return Estimate(float(function(self.value)), low, high, level=self.level, reason=self.reason)

    def as_dict(self) -> dict[str, Any]:
        """Return the number and its ends as JSON-ready values."""
        return {"value": self.value, "low": self.low, "high": self.high}


def flatten(name: str, estimate: Estimate | None, stem: str | None = None) -> dict[str, float | None]:
    """Return an estimate as three columns: tau_s has tau_low_s and tau_high_s; a missing number is NaN.

    Parameters
    ----------
    name : str
        Name of the number.
    estimate : Estimate or None
    stem : str, optional
        Of the names of the ends; that of the number if not given.
    """
    shown = estimate or Estimate(math.nan)
    suffix = next((each for each in _SUFFIXES if name.endswith(each)), "")
    start = f"{name.removesuffix(suffix)}_" if stem is None else f"{stem}_" if stem else ""
    return {name: shown.value, f"{start}low{suffix}": shown.low, f"{start}high{suffix}": shown.high}
