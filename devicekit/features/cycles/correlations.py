"""Rank correlations of quantities within a cycle and over neighbouring cycles, with their effective number of cycles.

Cycles of one device are not independent draws: each starts where the one before ended. A correlation of two series with
memory or drift is judged with n_eff cycles (Bayley and Hammersley 1946, doi:10.2307/2983560; Pyper and Peterman 1998,
doi:10.1139/f98-104):

    1 / n_eff = (1 / n) [1 + 2 sum over lags l of (n_l / n) r_x(l) r_y(l)]

n_l is the number of pairs of cycles l apart (n - l of one unbroken run), r the autocorrelation of the ranks. Intervals
are Fisher's with the variance of Bonett and Wright (doi:10.1007/BF02294183).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import TypeVar

import numpy as np

from devicekit.core.records import Estimate, Record, column, derived
from devicekit.core.statistics import chi2_tail, normal_quantile
from devicekit.features.stats import holm

LEAST_EFFECTIVE = 4.0  # n_eff below which a correlation is not judged: Fisher's variance is 1 / (n_eff - 3)
LEVEL = 0.95
Kind = TypeVar("Kind", bound="Correlation")
Runs = Sequence[np.ndarray]  # values of unbroken runs of cycles, each (cycles,) or (cycles, quantities)


def ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 1; equal values share their mean rank."""
    _, place, number = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(number)
    return np.asarray((last - 0.5 * (number - 1))[place], float)


def rank_of_pearson(r: float) -> float:
    """Return Spearman's rho of two normal quantities with the correlation r (Pearson 1907)."""
    return float(6.0 / np.pi * np.arcsin(r / 2.0))


def pearson_of_rank(rho: float) -> float:
    """Return the inverse of `rank_of_pearson`."""
    return float(2.0 * np.sin(np.pi * rho / 6.0))


def split(values: np.ndarray, runs: Runs) -> list[np.ndarray]:
    """Split a row of values at the ends of the runs."""
    return np.split(values, np.cumsum([len(each) for each in runs])[:-1])


def autocovariance(runs: Runs, pairs: Runs | None = None) -> np.ndarray:
    """Return sums of products at lags 0, 1, ... within runs of two centred series (or of one with itself).

    Parameters
    ----------
    runs, pairs : sequence of ndarray, shape (n_j,)
        Values less their mean.
    """
    total = np.zeros(max(len(each) for each in runs))
    for x, y in zip(runs, pairs or runs, strict=True):
        size = 2 * len(x)
        spectrum = np.conj(np.fft.rfft(x, size)) * np.fft.rfft(y, size)
        total[: len(x)] += np.fft.irfft(spectrum, size)[: len(x)]
    return total


def effective_n(first: Runs, second: Runs) -> float:
    """Return how many independent cycles two series are worth for their correlation; at most their number.

    The sum over lags ends where the product of the two autocorrelations is first 0 or less: of twelve rules this keeps
    the rate of false alarms nearest to the nominal one (`benchmarks/cycle_correlations.py`).

    Parameters
    ----------
    first, second : sequence of ndarray, shape (n_j,)
        Values (or ranks) of unbroken runs of cycles, of the same lengths.
    """
    lengths = np.array([len(each) for each in first])
    n = int(lengths.sum())
    lags = np.arange(lengths.max())
    apart = np.maximum(lengths[:, None] - lags[None, :], 0).sum(axis=0)  # pairs at each lag
    shares = []
    for runs in (first, second):
        mean = float(np.concatenate(list(runs)).mean())
        sums = autocovariance([each - mean for each in runs])
        if sums[0] <= 0:
            return float(n)
        shares.append((sums / apart) / (sums[0] / n))
    products = shares[0][1:] * shares[1][1:]
    ends = np.flatnonzero(products <= 0)
    stop = int(ends[0]) if ends.size else products.size
    whole = 1.0 + 2.0 * float((apart[1 : stop + 1] / n * products[:stop]).sum())
    return float(n / max(whole, 1.0))


@dataclass(frozen=True, kw_only=True)
class Correlation(Record):
    """Spearman's rho of two quantities."""

    first: str = column(default="", doc="name of the one quantity")
    second: str = column(default="", doc="name of the other; with `lag` 1 it is that of the previous cycle")
    lag: int = column(default=0, doc="0 or 1 cycles")
    differenced: bool = column(
        default=False, doc="true for changes from cycle to cycle, which drift does not affect; false for values"
    )
    n: int = column(doc="pairs")
    n_effective: float = column(doc="equivalent number of independent pairs")
    rho: Estimate = column(
        flat=True, stem="", doc="Spearman's rho; without an interval if `n_effective` is below `LEAST_EFFECTIVE`"
    )
    expected: float = column(
        doc="rho under the null hypothesis: 0, except for changes against the previous change, where differencing "
        "alone gives about minus half of the correlation within a cycle (-0.48 for a quantity with itself)"
    )
    p: float = column(doc="probability of a rho as far from `expected` by chance")
    null_variance: float = column(row=False, default=float("nan"), doc="variance of atanh(rho) if rho is `expected`")
    p_holm: float = column(
        default=float("nan"), doc="p corrected by Holm's method for all correlations of values, or of changes"
    )

    @property
    def key(self) -> tuple[str, str, int, bool]:
        """Names, lag and kind of the correlation."""
        return self.first, self.second, self.lag, self.differenced

    @property
    def weight(self) -> float:
        """Inverse variance of atanh(rho) at small rho; 0 without an interval."""
        return max(self.n_effective - 3.0, 0.0) if self.rho.closed else 0.0


@dataclass(frozen=True, kw_only=True)
class Combined(Correlation):
    """Correlation over devices: the mean of Fisher's atanh(rho) with weights n_eff - 3; n and n_eff are sums."""

    n_devices: int = column(doc="devices in the mean")
    p_heterogeneity: float = column(
        doc="probability of so large differences by chance if all devices had one rho; NaN for one device"
    )


def variance(rho: float, n_effective: float) -> float:
    """Return the variance of atanh of Spearman's rho (Bonett and Wright 2000)."""
    return (1.0 + 0.5 * rho * rho) / (n_effective - 3.0)


def two_sided_p(z: float) -> float:
    """Return the probability of a standard normal number as far from 0."""
    return chi2_tail(z * z, 1.0)


def fisher_interval(rho: float, spread: float) -> tuple[float, float]:
    """Return 95 % interval of rho, whose atanh has this variance."""
    at, wide = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12)), normal_quantile(0.5 + LEVEL / 2) * np.sqrt(spread)
    return float(np.tanh(at - wide)), float(np.tanh(at + wide))


def correlate(first: Runs, second: Runs, expected: float = 0.0, spread: float | None = None) -> Correlation:
    """Compute Spearman's rho of two series in runs, judged by n_eff; the correlation has no names.

    Parameters
    ----------
    first, second : sequence of ndarray, shape (n_j,)
        Values of unbroken runs of cycles.
    expected : float
        rho under the null hypothesis.
    spread : float, optional
        Variance of atanh(rho) if rho is `expected`, times the number of pairs less 3; that of independent series by
        n_eff if not given.
    """
    x, y = (ranks(np.concatenate(list(runs))) for runs in (first, second))
    n, nan = x.size, float("nan")
    found = Correlation(n=n, n_effective=float(n), rho=Estimate(nan), expected=expected, p=nan)
    size = float(np.sqrt(np.var(x) * np.var(y)))
    if n < 3 or size == 0:
        return found
    rho = float(np.clip(np.mean((x - x.mean()) * (y - y.mean())) / size, -1.0, 1.0))
    worth = effective_n(split(x, first), split(y, first))
    found = replace(found, n_effective=worth, rho=Estimate(rho))
    if worth < LEAST_EFFECTIVE:
        return found
    whole = Estimate(rho, *fisher_interval(rho, variance(rho, worth)))
    null = (1.0 if spread is None else spread) / ((worth if spread is None else n) - 3.0)
    p = _p(rho, worth) if spread is None else _p_of_changes(rho, expected, null)
    return replace(found, rho=whole, p=p, null_variance=null)


def _p(rho: float, worth: float) -> float:
    """Return the probability of so large a rho between unrelated series, by Student's t."""
    from scipy.special import stdtr

    t = abs(rho) * np.sqrt((worth - 2) / max(1 - rho * rho, 1e-300))
    return float(2.0 * stdtr(worth - 2, -t))


def _p_of_changes(rho: float, expected: float, spread: float) -> float:
    """Return the probability of a rho as far from the expected one, by Fisher's atanh."""
    away = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12)) - np.arctanh(expected)
    return two_sided_p(float(away) / float(np.sqrt(spread)))


def correct_p_values(found: Sequence[Kind]) -> tuple[Kind, ...]:
    """Return the correlations with `p_holm`, values and changes separately."""
    holms = np.full(len(found), np.nan)
    for kind in (False, True):
        own = np.array([each.differenced is kind for each in found], bool)
        holms[own] = holm(np.array([each.p for each in found])[own])
    return tuple(replace(each, p_holm=float(p)) for each, p in zip(found, holms, strict=True))


def matrix(runs: Runs, names: Sequence[str]) -> tuple[Correlation, ...]:
    """Compute all correlations of one device within a cycle, and with each quantity of the previous cycle.

    First of values, then of their changes from cycle to cycle; never across the end of a run.

    Parameters
    ----------
    runs : sequence of ndarray, shape (n_j, k)
        Values of unbroken runs of cycles, two or more each.
    names : sequence of str
        Names of the k quantities.
    """
    found = []
    for differenced in (False, True):
        parts = [np.diff(each, axis=0) for each in runs] if differenced else list(runs)
        within: dict[tuple[int, int], Correlation] = {}
        for a, b in combinations(range(len(names)), 2):
            one = correlate([each[:, a] for each in parts], [each[:, b] for each in parts])
            within[a, b] = replace(one, first=names[a], second=names[b], differenced=differenced)
        found += list(within.values())
        later = [each for each in parts if len(each) > 1]
        if not later:
            continue
        for a, b in product(range(len(names)), repeat=2):
            null, spread = _expected_without_memory(within.get((min(a, b), max(a, b)))) if differenced else (0.0, None)
            one = correlate([each[1:, a] for each in later], [each[:-1, b] for each in later], null, spread)
            found.append(replace(one, first=names[a], second=names[b], lag=1, differenced=differenced))
    return correct_p_values(found)


def _expected_without_memory(within: Correlation | None) -> tuple[float, float]:
    """Return the rho of a change against another's previous change for cycles without memory, and its spread.

    x_t - x_(t-1) and y_(t-1) - y_(t-2) share the cycle t-1, so that their correlation is -c/2, with c the correlation
    within a cycle (c = 1 for a quantity with itself). For n pairs, the difference from -c/2 has the variance
    (7 - 3 c^2) / 8n, from the covariances of sample cross-covariances (Bartlett 1946, doi:10.2307/2983611).
    """
    c = 1.0 if within is None else pearson_of_rank(within.rho.value)
    if not np.isfinite(c):
        return 0.0, float("nan")
    null = rank_of_pearson(-0.5 * c)
    return null, (7.0 - 3.0 * c * c) / 8.0 / (1.0 - c * c / 4.0) ** 2 * (1.0 + 0.5 * null * null)


def combine(devices: Sequence[Sequence[Correlation]]) -> tuple[Combined, ...]:
    """Combine the correlations of several devices; a single device keeps its own.

    Parameters
    ----------
    devices : sequence of sequence of Correlation
        Correlations of each device, in the order of `matrix`.
    """
    return correct_p_values([_combine_devices(list(many)) for many in zip(*devices, strict=True)])


def _combine_devices(many: Sequence[Correlation]) -> Combined:
    known = [each for each in many if each.weight > 0]
    if len(known) < 2:
        return Combined(**vars((known or many)[0]), n_devices=len(known), p_heterogeneity=float("nan"))
    w = np.array([each.weight for each in known])
    at = np.arctanh(np.clip([each.rho.value for each in known], -1 + 1e-12, 1 - 1e-12))
    nulls = np.arctanh([each.expected for each in known])
    null, mean = float(np.average(nulls, weights=w)), float(np.average(at, weights=w))
    unrelated = float((w * w * np.array([each.null_variance for each in known])).sum() / w.sum() ** 2)
    rho = float(np.tanh(mean))
    shape = 1.0 + 0.5 * rho * rho
    whole = replace(
        known[0],
        n=sum(each.n for each in known),
        n_effective=float(sum(each.n_effective for each in known)),
        rho=Estimate(rho, *fisher_interval(rho, shape / float(w.sum()))),
        expected=float(np.tanh(null)),
        p=two_sided_p((mean - null) / float(np.sqrt(unrelated))),
        null_variance=unrelated,
    )
    unlike = chi2_tail(float((w * (at - mean) ** 2).sum() / shape), len(known) - 1)
    return Combined(**vars(whole), n_devices=len(known), p_heterogeneity=unlike)


@dataclass(frozen=True, kw_only=True)
class Drift(Record):
    """Linear drift of one quantity over the cycles of one device."""

    change: float = column(
        doc="change of the line from the first cycle to the last, over the standard deviation about it"
    )
    p: float = column(doc="probability of such a slope by chance, for residuals with their autocorrelation")

    @derived()
    def seen(self) -> bool:
        """True if it drifts: p below 0.01, and by more than the standard deviation of one cycle."""
        return self.p < 0.01 and abs(self.change) > 1.0


def drift(cycles: Runs, values: Runs) -> Drift:
    """Test whether a quantity of one device drifts, with AR(1) residuals: n_eff = n (1 - r) / (1 + r).

    Parameters
    ----------
    cycles, values : sequence of ndarray, shape (n_j,)
        Number of each cycle, and the value.
    """
    from scipy.special import stdtr

    t, x = np.concatenate(list(cycles)).astype(float), np.concatenate(list(values))
    n = x.size
    t = t - t.mean()
    slope = float(t @ (x - x.mean()) / (t @ t)) if t @ t > 0 else 0.0
    rest = x - x.mean() - slope * t
    deviation = float(np.sqrt(rest @ rest / max(n - 2, 1)))
    if deviation <= 1e-12 * max(float(np.abs(x).max()), 1e-300):
        return Drift(change=0.0, p=float("nan"))
    sums = autocovariance(split(rest, values))
    r = float(sums[1] / sums[0]) if sums.size > 1 else 0.0
    r = float(np.clip(r + (1 + 4 * r) / n, 0.0, 0.99))  # estimates of r are biased low, more so after removal of a line
    worth = n * (1 - r) / (1 + r)
    change = slope * float(np.ptp(t)) / deviation
    if worth <= 3:
        return Drift(change=change, p=float("nan"))
    score = abs(slope) / (deviation / float(np.sqrt(t @ t)) * float(np.sqrt(n / worth)))
    return Drift(change=change, p=float(2.0 * stdtr(worth - 2, -score)))
