"""Separation of neighbouring levels: threshold, counted errors, and error rates of normal levels.

The threshold of two levels is the value at which their fitted normal densities cross. The errors beyond it are counted;
a threshold from the same readings makes the count too small, so each reading is judged by a threshold without it (with
several devices: without its device). The normal error rate is Phi(-z) with z = |T - mean| / sd; its interval is exact
for a fixed T (noncentral t: doi:10.1093/biomet/31.3-4.362).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from devicekit.core.records import Estimate, Record, column, part
from devicekit.core.statistics import anova, normal_quantile
from devicekit.features.stats import clopper_pearson

LEAST = 5  # readings below which a level is not judged
LEAST_NORMAL = 8  # readings, and independent readings, below which no normal error rate is given
LEAST_DEVICES = 5  # devices, if several, below which no normal error rate is given
ALPHA = 0.05  # significance of the test for normality, per level
SAME = 2.0  # difference of log-likelihoods below which G and ln G fit equally well
BEYOND = 10.0  # a normal error rate below 1 / (BEYOND n) is not given: no reading reaches that far
NARROW = 1e-3  # of the distance of two means: a smaller sd (readings that are all equal) counts as that


@dataclass(frozen=True, kw_only=True)
class Side(Record):
    """Errors of one level at one threshold."""

    n: int = column(doc="readings")
    wrong: int = column(doc="readings on the wrong side of a threshold computed without them")
    apparent: int = column(
        name="wrong_apparent", doc="readings on the wrong side of the threshold of all readings: too few"
    )
    effective: float = column(doc="equivalent number of independent readings: fewer than n if the devices differ")
    counted: Estimate = column(
        name="error", flat=True, doc="wrong / n with the interval of Clopper and Pearson for `effective` readings"
    )
    normal: Estimate = column(flat=True, doc="error rate of a normal level of that mean and sd; NaN if it is refused")
    refused = part("normal.reason", name="normal_refused", doc="reason of the refusal")


def crossing(low_mean: np.ndarray, low_sd: np.ndarray, high_mean: np.ndarray, high_sd: np.ndarray) -> np.ndarray:
    """Return where the densities of two normal levels cross between their means; NaN where they do not.

    Parameters
    ----------
    low_mean, low_sd, high_mean, high_sd : ndarray, shapes that broadcast
        Mean and sd of the lower and of the upper level; sds of 0 or more.
    """
    m1, s1, m2, s2 = np.broadcast_arrays(*(np.asarray(x, float) for x in (low_mean, low_sd, high_mean, high_sd)))
    gap = m2 - m1
    with np.errstate(all="ignore"):
        a, b = np.maximum(s1 / gap, NARROW), np.maximum(s2 / gap, NARROW)
        # in u = (T - m1) / gap: u^2 / a^2 - (1 - u)^2 / b^2 = 2 ln(b / a)
        p, q, r = 1 / a**2 - 1 / b**2, 2 / b**2, -1 / b**2 - 2 * np.log(b / a)
        root = np.sqrt(q * q - 4 * p * r)
        u = -2 * r / (q + root)  # the root that stays finite where the sds are equal
        found = m1 + u * gap
    return np.where((gap > 0) & (u > 0) & (u < 1), found, np.nan)


@dataclass(frozen=True, eq=False)
class Readings:
    """The readings of one level on the scale of the fit.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Readings, those of one device in the order of their repeats.
    device : ndarray of int, shape (n,)
        Number of the device of each, from 0.
    """

    values: np.ndarray
    device: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def sd(self) -> float:
        return float(self.values.std(ddof=1))

    @property
    def icc(self) -> float:
        """Share of the variance that lies between devices (one-way analysis of variance), 0..1; 0 for one device."""
        numbers = np.unique(self.device)
        if numbers.size < 2:
            return 0.0
        found = anova([self.values[self.device == k][:, None] for k in numbers])
        within, between = found.within, max(found.between or 0.0, 0.0)
        if within is None:
            return 0.0  # one reading a device: they are independent
        return between / (between + within) if between + within > 0 else 0.0

    @property
    def serial(self) -> float:
        """Correlation r of a reading with the one before it, within the devices; 0 where it may be chance."""
        return significant_serial([self.values[self.device == k] for k in np.unique(self.device)]) or 0.0

    @property
    def effective(self) -> float:
        """Equivalent number of independent readings: n / (1 + (m - 1) icc), m per device, times (1 - r) / (1 + r).

        An error is a function of a reading, and two functions of normal readings are correlated no more than these
        are (Lancaster, doi:10.1093/biomet/44.1-2.289), so the number is on the safe side for error counts.
        """
        sizes = np.bincount(self.device)
        each = float((sizes**2).sum() / sizes.sum())
        r = self.serial
        return max(self.values.size / (1.0 + (each - 1.0) * self.icc) * (1.0 - r) / (1.0 + r), 1.0)

    def without(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and sd of the other readings for each reading; of other devices if there are several."""
        several = np.unique(self.device).size > 1
        group = self.device if several else np.arange(self.values.size)
        x = self.values - self.mean  # against cancellation
        ones, own, squares = (np.bincount(group, weights=w) for w in (np.ones(x.size), x, x * x))
        n, total = x.size - ones[group], -own[group]
        square = (x * x).sum() - squares[group]
        with np.errstate(all="ignore"):
            mean = total / n
            sd = np.sqrt(np.maximum(square - n * mean * mean, 0.0) / (n - 1))
        enough = n >= 3
        return np.where(enough, mean + self.mean, np.nan), np.where(enough, sd, np.nan)


def statistics_without_device(device: np.ndarray, level: Readings) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and sd of a level's readings without each given device; of all readings if it is not among them.

    Parameters
    ----------
    device : ndarray of int, shape (n,)
        The devices.
    level : Readings
    """
    means, sds = level.without()
    mean, sd = np.full(device.size, level.mean), np.full(device.size, level.sd)
    if np.unique(np.r_[device, level.device]).size < 2:
        return mean, sd  # one device: the other level stays as it is
    for k in np.unique(device):
        at = np.flatnonzero(level.device == k)
        if at.size:
            mean[device == k], sd[device == k] = means[at[0]], sds[at[0]]
    return mean, sd


def sides(low: Readings, high: Readings) -> tuple[float, Side, Side] | None:
    """Return the threshold between two levels and the errors of both; None without a threshold.

    Parameters
    ----------
    low, high : Readings
        The level with the smaller median first.
    """
    threshold = float(crossing(*(np.array(x) for x in (low.mean, low.sd, high.mean, high.sd))))
    if not np.isfinite(threshold):
        return None
    mean, sd = low.without()
    own_low = crossing(mean, sd, *statistics_without_device(low.device, high))
    mean, sd = high.without()
    own_high = crossing(*statistics_without_device(high.device, low), mean, sd)
    found = []
    for level, own, sign in ((low, own_low, 1.0), (high, own_high, -1.0)):
        # without its device there may be no threshold: such a reading counts as an error
        bad = ~(sign * (level.values - own) < 0)
        apparent = int((sign * (level.values - threshold) > 0).sum())
        found.append(_side(level, int(bad.sum()), apparent, abs(threshold - level.mean)))
    return threshold, found[0], found[1]


def _side(level: Readings, wrong: int, apparent: int, distance: float) -> Side:
    n, effective = level.values.size, level.effective
    normal, why = None, ""
    if level.sd == 0:
        why = "all readings are equal"
    elif n < LEAST_NORMAL:
        why = f"fewer than {LEAST_NORMAL} readings"
    elif 1 < np.unique(level.device).size < LEAST_DEVICES:
        why = f"fewer than {LEAST_DEVICES} devices: their spread is hardly known"
    elif effective < LEAST_NORMAL:
        why = f"fewer than {LEAST_NORMAL} independent readings"
    elif normality(level.values) < ALPHA:
        why = "not normal"
    else:
        normal = normal_error(distance / level.sd, effective)
        if normal.value < 1.0 / (BEYOND * n):
            normal, why = None, f"below 1/({BEYOND:g} n): beyond the range of the readings"
    return Side(
        n=n,
        wrong=wrong,
        apparent=apparent,
        effective=effective,
        counted=rate(wrong / n, effective),
        normal=normal or Estimate(np.nan, reason=why),
    )


def rate(share: float, effective: float) -> Estimate:
    """Return a share of errors with the interval of Clopper and Pearson for a number of independent readings.

    Its low end is 0 with less than one independent error.
    """
    low, high = clopper_pearson(share * effective, effective)
    return Estimate(share, low if share * effective >= 1.0 else 0.0, high)


def normal_error(z: float, n: float) -> Estimate:
    """Return Phi(-z) with its 95 % interval, for z = |T - mean| / sd of n normal readings and a fixed T.

    sqrt(n) z is noncentral t with n - 1 degrees of freedom and noncentrality sqrt(n) |T - mu| / sigma.

    Parameters
    ----------
    z : float
        0 or more.
    n : float
        2 or more; not an integer for dependent readings.
    """
    from scipy import special

    degrees, root = max(n, 2.0) - 1.0, np.sqrt(max(n, 2.0))
    near, far = (float(special.nctdtrinc(degrees, tail, root * z)) / root for tail in (0.975, 0.025))
    return Estimate(float(special.ndtr(-z)), float(special.ndtr(-far)), float(special.ndtr(-near)))


def normality(values: np.ndarray) -> float:
    """Return p of the Anderson-Darling test for a normal distribution of unknown mean and sd.

    By Stephens' approximation (D'Agostino and Stephens, Goodness-of-Fit Techniques, 1986, table 4.9;
    doi:10.1201/9780203753064); 8 readings or more, not all equal.
    """
    from scipy import special

    x = np.sort(values)
    n = x.size
    z = (x - x.mean()) / x.std(ddof=1)
    k = 2 * np.arange(1, n + 1) - 1
    square = -n - float((k * (special.log_ndtr(z) + special.log_ndtr(-z[::-1]))).sum()) / n
    a = square * (1 + 0.75 / n + 2.25 / n**2)
    if a < 0.2:
        return float(1 - np.exp(-13.436 + 101.14 * a - 223.73 * a * a))
    if a < 0.34:
        return float(1 - np.exp(-8.318 + 42.796 * a - 59.938 * a * a))
    if a < 0.6:
        return float(np.exp(0.9177 - 4.279 * a - 1.38 * a * a))
    return float(np.exp(1.2937 - 5.709 * a + 0.0186 * a * a)) if a < 10 else 0.0


@dataclass(frozen=True, kw_only=True)
class Scale(Record):
    """Scale on which levels are normal: `linear` (G) or `log` (ln G)."""

    name: Literal["linear", "log"] = column(name="scale", doc="linear (G) or log (ln G)")
    advantage: float | None = column(name="log_likelihood_of_ln_g", doc="log-likelihood of ln G over that of G")
    decided: bool = column(name="scale_decided", doc="whether the log-likelihoods decide")


def scale(levels: Sequence[np.ndarray]) -> Scale:
    """Choose G or ln G, whichever makes the levels, each with its own mean and sd, more likely.

    Parameters
    ----------
    levels : sequence of ndarray
        Conductances of each [S]. Where one is not above 0, ln G does not exist.
    """
    if any((x <= 0).any() for x in levels):
        return Scale(name="linear", advantage=None, decided=False)
    advantage = 0.0
    for x in levels:
        spread, log_spread = x.std(), np.log(x).std()
        if spread > 0 and log_spread > 0:
            advantage += x.size * float(np.log(spread / log_spread)) - float(np.log(x).sum())
    name: Literal["linear", "log"] = "linear" if advantage < 0 else "log"
    return Scale(name=name, advantage=advantage, decided=abs(advantage) >= SAME)


def bit_error_rate(rates: Sequence[tuple[float, float]]) -> Estimate:
    """Return the bit error rate of equally used levels in Gray code, where neighbours differ by one bit.

    Parameters
    ----------
    rates : sequence of (float, float)
        For each level, the share of misread readings and the equivalent number of independent readings.

    Returns
    -------
    Estimate
        Mean share of wrong readings over log2(levels).
    """
    share = float(np.mean([each for each, _ in rates]))
    effective = len(rates) ** 2 / sum(1.0 / worth for _, worth in rates)
    return rate(share, effective).map(lambda each: each / np.log2(len(rates)))


def serial(values: Sequence[np.ndarray]) -> tuple[float, int]:
    """Return the correlation of a reading with the one before it, pooled over series, and the number of pairs.

    Parameters
    ----------
    values : sequence of ndarray
        Readings of each series in their order.
    """
    above, below, pairs = 0.0, 0.0, 0
    for x in values:
        if x.size < 3:
            continue
        d = x - x.mean()
        if float(d @ d) <= 1e-24 * float(x @ x):
            continue  # all equal, rounding aside
        # of independent values it is -1/n on average
        above += float(d[1:] @ d[:-1]) + float(d @ d) / x.size
        below += float(d @ d)
        pairs += x.size - 1
    return (above / below if below > 0 else 0.0), pairs


def significant_serial(values: Sequence[np.ndarray]) -> float | None:
    """Return the correlation of `serial` if it is significantly above 0 (one-sided, 0.1 %), else None."""
    found, pairs = serial(values)
    return found if pairs >= 20 and found * np.sqrt(pairs) > normal_quantile(0.999) else None
