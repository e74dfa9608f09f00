"""Random telegraph noise: test for jumps between two levels at constant voltage, and dwell times.

A record is modelled as two levels with white noise, y = level + b t + noise, which follow each other as a Markov chain
in continuous time, sampled at the step. The most likely path (Viterbi) starts the fit, and the likelihood over all
paths (forward recursion, doi:10.1109/5.18626) completes it. It is telegraph noise if this model has a better BIC than
white noise, a trend, an autoregression (as of 1/f noise and drift), or two levels drawn independently.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from devicekit.core.records import Estimate, Record, column, internal, part
from devicekit.core.statistics import chi2_quantile
from devicekit.features.noise import twostate
from devicekit.features.noise.twostate import Chain

LEAST_READINGS = 100
LEAST_JUMPS = 10  # up and down together, below which it is not called telegraph noise
LEAST_SAMPLES = 3.0  # readings per dwell, below which no dwell time is given
JITTER = 0.2  # of the sampling step
EVEN = 0.98  # share of the steps that must lie within the jitter
EVIDENCE = 10.0  # BIC advantage that two levels need
APART = 2.0  # least distance of the levels in sd of the noise
ORDERS = (1, 2, 4, 8, 16)  # of the autoregressions that are tried
DIFFERENT = 10  # different readings; fewer are steps of a converter


@dataclass(frozen=True, kw_only=True)
class Dwell(Record):
    """Dwell time of one level."""

    level: float = column(doc="in the unit of the readings, at the middle of the record", default=np.nan)
    share: float = column(doc="share of the time, 0..1", default=np.nan)
    dwells: float = column(
        doc="equivalent number of dwells: the number seen if each is seen, fewer in noise", default=np.nan
    )
    samples: float = internal("mean number of readings per dwell", default=np.nan)
    mean: Estimate = column(
        name="dwell_s", unit="s", flat=True, doc="mean dwell time; NaN if refused", default=Estimate(np.nan)
    )
    refused = part("mean.reason", name="dwell_refused", doc="reason of the refusal")


@dataclass(frozen=True, eq=False, kw_only=True)
class Telegraph(Record):
    """Result of the test for two levels in a record."""

    verdict: Literal["telegraph", "jumps", "none"] = column(
        doc="telegraph noise; two levels with fewer than 10 jumps, which may be a single event; or neither"
    )
    reason: str = column(default="", doc="reason if it is not telegraph noise")
    low: Dwell | None = column(default=None, doc="the lower level; None if there are not two")
    high: Dwell | None = column(default=None, doc="the upper level; None if there are not two")
    noise: float = column(doc="standard deviation about the levels, or of the record")
    advantage: float = column(default=np.nan, doc="BIC of the best other model less that of two levels")
    path: np.ndarray = column(doc="True where the upper level is on, shape (n,); empty if there are not two")
    step_s: float = column(unit="s", doc="sampling step")

    @property
    def amplitude(self) -> float | None:
        """Distance of the levels."""
        return None if self.low is None or self.high is None else self.high.level - self.low.level


class Unsuited(ValueError):
    """Error: a record that cannot be judged."""


def sampling_step(time: np.ndarray) -> float:
    """Return the step [s] of an evenly sampled record; small jitter is allowed.

    Parameters
    ----------
    time : ndarray, shape (n,)
        [s].

    Raises
    ------
    Unsuited
        If it is too short, or more than 2 % of the steps differ from the median by more than a fifth.
    """
    if time.size < LEAST_READINGS:
        raise Unsuited(f"{time.size} readings, fewer than {LEAST_READINGS}")
    steps = np.diff(time)
    step = float(np.median(steps))
    if not step > 0:
        raise Unsuited("the times do not increase")
    if (np.abs(steps - step) <= JITTER * step).mean() < EVEN:
        raise Unsuited("the sampling is uneven")
    return step


def find(time: np.ndarray, value: np.ndarray) -> Telegraph:
    """Test whether a record jumps between two levels, and measure how long each lasts.

    Parameters
    ----------
    time, value : ndarray, shape (n,)
        [s], and readings; all finite.

    Raises
    ------
    Unsuited
        If the record is too short, or sampled unevenly.
    """
    step = sampling_step(time)
    if np.ptp(value) == 0:
        return _not_telegraph("all readings are equal", 0.0, step)
    size = float(value.std())
    if np.unique(value[:10_000]).size < DIFFERENT:
        return _not_telegraph(f"fewer than {DIFFERENT} different readings: digitised too coarsely", size, step)
    y = (value - value.mean()) / size
    t = np.linspace(-0.5, 0.5, y.size)
    started = twostate.fit(y, t)
    if started is None:
        return _not_telegraph("no second level", size, step)
    path, chain = started
    advantage = min(_one_level_bic(y, t), _mixture_bic(y, t, chain)) - _bic(y, t, chain)
    if not chain.high - chain.low > APART * chain.sd:
        return _not_telegraph(f"the two levels are less than {APART:g} sd apart", size, step, advantage)
    if not advantage > EVIDENCE:
        return _not_telegraph("white noise, a trend or correlated noise fits as well", size, step, advantage)
    levels = [float(value.mean()) + size * level for level in (chain.low, chain.high)]
    two = Telegraph(verdict="telegraph", noise=chain.sd * size, advantage=advantage, path=path, step_s=step)
    jumps = int((path[1:] != path[:-1]).sum())
    if jumps < LEAST_JUMPS:
        reason = f"only {jumps} jumps"
        shares = (float((~path).mean()), float(path.mean()))
        mean = Estimate(np.nan, reason=reason)
        sides = [
            Dwell(level=level, share=share, dwells=0.0, mean=mean) for level, share in zip(levels, shares, strict=True)
        ]
        return replace(two, verdict="jumps", reason=reason, low=sides[0], high=sides[1])
    sides = [
        replace(side, level=level) for side, level in zip(dwells(y - chain.slope * t, chain, step), levels, strict=True)
    ]
    return replace(two, low=sides[0], high=sides[1])


def _not_telegraph(reason: str, noise: float, step: float, advantage: float = float("nan")) -> Telegraph:
    none = np.empty(0, bool)
    return Telegraph(verdict="none", reason=reason, noise=noise, advantage=advantage, path=none, step_s=step)


def _bic(y: np.ndarray, t: np.ndarray, chain: Chain) -> float:
    """Return BIC of two levels, of the readings that the autoregressions predict."""
    n = y.size - max(ORDERS)
    return -2 * float(twostate.forward(y - chain.slope * t, chain)[0][max(ORDERS) :].sum()) + 6 * float(np.log(n))


def _mixture_bic(y: np.ndarray, t: np.ndarray, chain: Chain) -> float:
    """Return the BIC of the same two levels with each reading drawn independently."""
    share = chain.up / (chain.up + chain.down)
    alone = replace(chain, up=share, down=1 - share)
    return _bic(y, t, alone) - float(np.log(y.size - max(ORDERS)))


def _one_level_bic(y: np.ndarray, t: np.ndarray) -> float:
    """Return the least BIC of one level with white or autoregressive noise, with or without a trend."""
    start = max(ORDERS)
    target = y[start:]
    n = target.size
    past = np.column_stack([y[start - lag : y.size - lag] for lag in range(1, start + 1)])
    least = np.inf
    for trend in (0, 1, 2):
        base = np.column_stack([t[start:] ** power for power in range(trend + 1)])
        for order in (0, *ORDERS):
            x = np.column_stack([base, past[:, :order]])
            gram = x.T @ x
            found = np.linalg.lstsq(gram, x.T @ target, rcond=None)[0]
            square = float(np.mean((target - x @ found) ** 2))
            least = min(least, n * np.log(max(square, 1e-18)) + n + (x.shape[1] + 1) * np.log(n))
    return float(least)


def dwells(rest: np.ndarray, chain: Chain, step: float) -> tuple[Dwell, Dwell]:
    """Return the mean dwell times of the two levels, with 95 % intervals.

    With rates a (up) and b (down) the probabilities per step are a (1 - e^(-(a + b) step)) / (a + b), and b for a: this
    allows for jumps back and forth between two readings. The interval is that of k dwells: 2 k mean / tau is
    chi-squared with 2 k degrees of freedom (2 k + 2 at its lower end, as the record ends at a given time). k follows
    from the curvature of the log-likelihood: the number of dwells if each is seen, fewer in noise.

    Parameters
    ----------
    rest : ndarray, shape (n,)
        Readings without the trend, in the unit of the chain.
    chain : Chain
    step : float
        Sampling step [s].

    Returns
    -------
    (Dwell, Dwell)
        Dwells of the lower and the upper level, with the levels of the chain.
    """
    peak = twostate.peak(rest, chain)
    rates, worth = peak if peak is not None else (None, (0.0, 0.0))
    share = chain.up / (chain.up + chain.down)
    found = []
    for k, level in enumerate((chain.low, chain.high)):
        samples, refused = np.nan if rates is None else 1.0 / rates[k], ""
        if rates is None:
            refused = "the dwells are not longer than a reading"
        elif samples < LEAST_SAMPLES:
            refused = f"{samples:.1f} readings per dwell: too short for the sampling"
        elif not worth[k] >= LEAST_JUMPS / 2:
            refused = f"only {worth[k]:.1f} independent dwells"
        mean = Estimate(np.nan, reason=refused)
        if not refused:
            mean = Estimate(step * samples, *interval(step * samples, worth[k]))
        part_of_time = share if k else 1 - share
        found.append(Dwell(level=level, share=part_of_time, dwells=worth[k], samples=samples, mean=mean))
    return found[0], found[1]


def interval(mean: float, k: float) -> tuple[float, float]:
    """Return 95 % interval of an exponential mean from k dwells within a given time."""
    high, low = (float(chi2_quantile(np.array(q), d)) for q, d in ((0.025, 2 * k), (0.975, 2 * k + 2)))
    return 2 * k * mean / low, 2 * k * mean / high
