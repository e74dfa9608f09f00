"""Lives over write cycles: F = 1 - exp(-(cycles / scale)^shape), for devices of which some did not fail.

Weibull's law by maximum likelihood. A failure is interval-censored between two readings; a device that did not fail is
right-censored at the cycles it reached. Intervals are those of the profile likelihood, with Student's t at the failures
less one in place of a normal quantile, so that they hold for few failures as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.records import Estimate, Record, column, derived, internal
from devicekit.features.lives import censored
from devicekit.features.lives.censored import Line, Lives
from devicekit.features.stats import Undetermined, mean_estimate

LEAST_FAILURES = 3
SHARES = (0.01, 0.1, 0.5)  # shares of failed devices whose lives are reported
FARTHEST = 3.0  # multiple of the longest record beyond which no life is given
MOST_PAIRS = 2000  # most readings for Theil-Sen; more are reduced to medians on a log grid


@dataclass(frozen=True, kw_only=True)
class LifeShare(Record):
    """Cycles until a share of the devices has failed; None with a reason if that is too far ahead."""

    share: float = column(card="share", doc="share of failed devices, 0..1")
    cycles: Estimate | None = column(card="cycles", interval="interval", doc="cycles until so many have failed")
    reason: str | None = column(default=None, doc="why they are not given")


@dataclass(frozen=True, eq=False, kw_only=True)
class WeibullLife(Record):
    """Weibull's law fitted to lives."""

    low: np.ndarray = internal("cycles that each device held, shape (n,); 0 if it had failed at the first reading")
    high: np.ndarray = internal("cycles by which each device had failed; infinite if it did not fail")
    shape: Estimate = column(card="shape", doc="above 1 for wear, below 1 for early failures, with its 95 % interval")
    scale: Estimate = column(
        name="scale_cycles", card="scale_cycles", interval="scale_interval", doc="scale [cycles], in the same way"
    )
    shares: tuple[LifeShare, ...] = column(card="shares", doc="cycles until 1 %, 10 % and 50 % have failed")

    @derived(card="n")
    def n(self) -> int:
        """Number of devices."""
        return len(self.low)

    @derived(card="failures")
    def failures(self) -> int:
        """Number of devices that failed."""
        return int(np.isfinite(self.high).sum())

    @derived(name="longest_cycles", card="longest_cycles")
    def longest(self) -> float:
        """Return the last cycle at which a device was read."""
        return longest(self.low, self.high)


def longest(low: np.ndarray, high: np.ndarray) -> float:
    """Return the last cycle at which a device was read."""
    return float(max(low.max(), high[np.isfinite(high)].max(initial=0.0)))


def weibull(low: np.ndarray, high: np.ndarray) -> WeibullLife:
    """Fit Weibull's law to censored lives.

    Parameters
    ----------
    low, high : ndarray, shape (n,)
        See `WeibullLife`.

    Raises
    ------
    Undetermined
        If there are fewer than three failures, or all of them lie between the same readings.
    """
    failures = int(np.isfinite(high).sum())
    if failures < LEAST_FAILURES:
        raise Undetermined(f"{failures} of {len(low)} devices failed; {LEAST_FAILURES} failures are needed")
    with np.errstate(divide="ignore"):
        lives = Lives(np.log(low), np.log(high), np.ones((len(low), 1)))
    failed = np.isfinite(high)
    if lives.low[failed].max() < lives.high[failed].min() and not np.isfinite(lives.low[~failed]).any():
        raise Undetermined("all failures lie between the same two readings")
    line = censored.fit(lives, "extreme")
    limit = censored.limit(failures, 1)
    centre = -float(np.log(line.sigma))
    ends = censored.profile(
        "extreme",
        line.loglik,
        centre,
        float(np.sqrt(line.covariance[1, 1])),
        lambda value: (lives, 0.0, float(np.exp(-value))),
        limit,
    )
    far = FARTHEST * longest(low, high)
    shares = tuple(_share(lives, line, share, far) for share in SHARES)
    shape, scale = Estimate(centre, *ends).map(np.exp), _quantile(lives, line, 0.0)
    return WeibullLife(low=low, high=high, shape=shape, scale=scale, shares=shares)


def _share(lives: Lives, line: Line, share: float, far: float) -> LifeShare:
    found = _quantile(lives, line, censored.quantile_of("extreme", share))
    if found.value > far:
        return LifeShare(share=share, cycles=None, reason=f"beyond {FARTHEST:g} times the longest record")
    return LifeShare(share=share, cycles=found)


def _quantile(lives: Lives, line: Line, z: float) -> Estimate:
    """Return exp(mu + sigma z) with its interval."""
    value, step = line.quantile(np.ones(1), z)
    ends = censored.profile(
        "extreme",
        line.loglik,
        value,
        step,
        lambda held: (lives.shift(held, slice(0, 0)), z, None),
        censored.limit(lives.failures, 1),
    )
    return Estimate(value, *ends).map(np.exp)


def positions(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where failures lie in a probability plot: cycles, and the middle of each step of Kaplan and Meier.

    Parameters
    ----------
    low, high : ndarray, shape (n,)
        See `WeibullLife`; a failure counts at the middle of its interval in ln (at its end if it begins at 0).

    Returns
    -------
    (ndarray, ndarray)
        Values of the failures, in their order; for uncensored lives the shares are (i - 1/2) / n.
    """
    failed = np.isfinite(high)
    at = np.where(failed, np.where(low > 0, np.sqrt(np.maximum(low, 1e-300) * np.where(failed, high, 1.0)), high), low)
    order = np.lexsort((~failed, at))  # failures first among equal ones
    held, cycles, shares = 1.0, [], []
    for rank, k in enumerate(order):
        if failed[k]:
            after = held * (1.0 - 1.0 / (len(low) - rank))
            cycles.append(at[k])
            shares.append(1.0 - (held + after) / 2)
            held = after
    return np.array(cycles), np.array(shares)


def trend(values: pd.Series) -> Estimate | None:
    """Fit the Theil-Sen slope of log10 of values against log10 of the cycle (index); None with fewer than 3 cycles.

    The interval assumes that readings scatter independently: if neighbouring residuals are correlated (above
    2 / sqrt(n)) there is none.

    Parameters
    ----------
    values : Series
        Readings > 0, by cycle; those at cycle 0 are left out.

    Returns
    -------
    Estimate or None
        Decades per decade of cycles [1], at 95 %.
    """
    from scipy.stats import theilslopes

    values = values[(values.index > 0) & (values > 0)]
    if len(values) < 3:
        return None
    x, y = np.log10(values.index.to_numpy(float)), np.log10(values.to_numpy(float))
    if x.size > MOST_PAIRS:
        bins = pd.cut(x, 200, labels=False)
        medians = pd.DataFrame({"x": x, "y": y}).groupby(bins).median()
        x, y = medians["x"].to_numpy(), medians["y"].to_numpy()
    slope, _, low, high = theilslopes(y, x)
    closed = np.isfinite(low) and np.isfinite(high) and not _is_correlated(y - slope * x)
    return Estimate(float(slope), float(low) if closed else None, float(high) if closed else None)


def _is_correlated(left: np.ndarray) -> bool:
    """Return whether neighbours are correlated beyond chance."""
    left = left - left.mean()
    square = float(left @ left)
    return square > 1e-24 * left.size and float(left[1:] @ left[:-1]) / square > 2.0 / np.sqrt(left.size)


def common_trend(slopes: list[Estimate]) -> Estimate | None:
    """Return the mean slope over devices with Student's 95 % interval; a single device keeps its own."""
    if len(slopes) < 2:
        return slopes[0] if slopes else None
    return mean_estimate(np.array([each.value for each in slopes]))
