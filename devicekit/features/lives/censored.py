"""Maximum-likelihood lines through logarithms of lives, some of which are only known to lie in an interval.

y = x beta + sigma z, with z normal (lognormal lives) or of smallest extremes (Weibull lives). In theta = 1 / sigma and
delta = beta / sigma the log-likelihood is concave for both laws, for exact, right-, left- and interval-censored lives,
so that Newton steps find the only maximum (Olsen 1978, doi:10.2307/1913082, for the normal law).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from devicekit.core.statistics import normal_quantile, t_quantile
from devicekit.features.stats import Undetermined

Law = Literal["normal", "extreme"]
STEPS = 200
FLAT = 1e3  # ratio of standard error to value above which the maximum is rejected
_LOG_ROOT = 0.5 * float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class Lives:
    """Logarithms of lives, possibly censored.

    Attributes
    ----------
    low, high : ndarray, shape (n,)
        Bounds of each life: equal where it is known, `high` infinite where the device outlived its record, `low` minus
        infinite where it had failed at the first reading.
    x : ndarray, shape (n, p)
        Regressors of the mean of y.
    """

    low: np.ndarray
    high: np.ndarray
    x: np.ndarray

    @property
    def failures(self) -> int:
        """Number of failures."""
        return int(np.isfinite(self.high).sum())

    def shift(self, by: np.ndarray | float, columns: np.ndarray | slice) -> Lives:
        """Return the lives with y reduced by a given part, and some of the columns of x."""
        return Lives(self.low - by, self.high - by, self.x[:, columns])


@dataclass(frozen=True, eq=False)
class Line:
    """Maximum-likelihood line.

    Attributes
    ----------
    beta : ndarray, shape (p,)
    sigma : float
    covariance : ndarray, shape (p + 1, p + 1)
        Covariance of beta and ln sigma, from the observed information.
    loglik : float
    """

    beta: np.ndarray
    sigma: float
    covariance: np.ndarray
    loglik: float

    def quantile(self, x: np.ndarray, z: float) -> tuple[float, float]:
        """Return x beta + sigma z, and its standard error to first order."""
        slope = np.append(x, self.sigma * z)
        return float(x @ self.beta + self.sigma * z), float(np.sqrt(max(slope @ self.covariance @ slope, 0.0)))


def quantile_of(law: Law, p: float) -> float:
    """Return z below which a share p of the lives lies, 0 < p < 1."""
    return normal_quantile(p) if law == "normal" else float(np.log(-np.log1p(-p)))


def fit(lives: Lives, law: Law, offset: float = 0.0, sigma: float | None = None) -> Line:
    """Fit the most likely line.

    Parameters
    ----------
    lives : Lives
    law : {"normal", "extreme"}
    offset : float
        y = x beta + sigma (z - offset): with the z of a quantile, x beta is that quantile.
    sigma : float, optional
        Fixed at this value; fitted too if not given.

    Raises
    ------
    Undetermined
        If the likelihood has no maximum.
    """
    p = lives.x.shape[1]
    known = np.isfinite(lives.high)
    if not known.any():
        raise Undetermined("no device failed")
    at = _start(lives, known, offset)
    if sigma is not None:
        at = np.append(at[:p] / at[-1] / sigma, 1.0 / sigma)
    free = slice(0, p if sigma is not None else p + 1)
    value, slope, bend = _likelihood(lives, law, offset, at)
    for _ in range(STEPS):
        try:
            step = np.zeros(p + 1)
            step[free] = np.linalg.solve(-bend[free, free], slope[free])
        except np.linalg.LinAlgError:
            raise Undetermined("these lives do not determine the line") from None
        gain = float(slope @ step)
        if not np.isfinite(gain) or gain < 0:
            raise Undetermined("these lives do not determine the line")
        if gain < 1e-12:
            break
        length = 1.0
        while length > 1e-9:
            then = at + length * step
            if then[-1] > 0:
                found = _likelihood(lives, law, offset, then)
                if np.isfinite(found[0]) and found[0] >= value - 1e-12 * abs(value):
                    break
            length /= 2
        else:
            raise Undetermined("these lives do not determine the line")
        at, (value, slope, bend) = then, found
    else:
        raise Undetermined("these lives do not determine the line")
    theta = float(at[-1])
    beta = at[:p] / theta
    carry = np.zeros((p + 1, p + 1))
    carry[:p, :p] = np.eye(p) / theta
    carry[:p, p] = -beta / theta
    carry[p, p] = -1.0 / theta
    try:
        covariance = carry @ np.linalg.inv(-bend) @ carry.T
    except np.linalg.LinAlgError:
        raise Undetermined("these lives do not determine the line") from None
    size = np.append(np.abs(beta), 1.0) + 1.0 / theta
    if not np.isfinite(covariance).all() or (np.diag(covariance) < 0).any():
        raise Undetermined("these lives do not determine the line")
    if (np.sqrt(np.diag(covariance)) > FLAT * size).any():  # the likelihood still rises, however slowly
        raise Undetermined("these lives do not determine the line")
    return Line(beta, 1.0 / theta, covariance, value)


def _start(lives: Lives, known: np.ndarray, offset: float) -> np.ndarray:
    """Fit a line by least squares through ends and middles of the lives, as delta and theta."""
    low = np.where(np.isfinite(lives.low), lives.low, lives.high)
    y = np.where(known, 0.5 * (low + np.where(known, lives.high, low)), low)
    p = lives.x.shape[1]
    beta = np.linalg.lstsq(lives.x, y, rcond=None)[0] if p else np.empty(0)
    rest = y - lives.x @ beta
    sigma = max(float(np.sqrt(np.mean(rest**2))) / (1.0 + abs(offset) / 2), 1e-3)
    return np.append(beta / sigma, 1.0 / sigma)


def _likelihood(lives: Lives, law: Law, offset: float, at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the log-likelihood, its gradient and its Hessian in (delta, theta)."""
    theta = float(at[-1])
    base = lives.x @ at[:-1] - offset
    ends, y = [], []
    for side in (lives.low, lives.high):
        finite = np.isfinite(side)
        y.append(np.where(finite, side, 0.0))
        ends.append(np.where(finite, theta * y[-1] - base, side))
    exact = lives.low == lives.high
    value, first, second = (_normal if law == "normal" else _extreme)(ends[0], ends[1], exact)
    total = float(value.sum()) + float(exact.sum()) * float(np.log(theta))
    j = [np.column_stack([-lives.x, each]) for each in y]
    slope = j[0].T @ first[0] + j[1].T @ first[1]
    cross = j[0].T @ (second[2][:, None] * j[1])
    bend = j[0].T @ (second[0][:, None] * j[0]) + j[1].T @ (second[1][:, None] * j[1]) + cross + cross.T
    slope[-1] += exact.sum() / theta
    bend[-1, -1] -= exact.sum() / theta**2
    return total, slope, bend


Terms = tuple[np.ndarray, tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


def _normal(a: np.ndarray, b: np.ndarray, exact: np.ndarray) -> Terms:
    """Return log density, or log probability between a and b, of normal z, with derivatives by a and b."""
    from scipy.special import log_ndtr

    flip = a > 0  # use the smaller tail
    below, above = np.where(flip, -b, a), np.where(flip, -a, b)
    log_high, log_low = log_ndtr(above), log_ndtr(below)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inside = np.where(np.isneginf(log_low), log_high, log_high + np.log1p(-np.exp(log_low - log_high)))
        u = np.where(exact, a, 0.0)
        value = np.where(exact, -0.5 * u * u - _LOG_ROOT, inside)
        finite = [np.where(np.isfinite(each), each, 0.0) for each in (a, b)]
        rate = [
            np.where(np.isfinite(each) & ~exact, np.exp(-0.5 * f * f - _LOG_ROOT - inside), 0.0)
            for each, f in zip((a, b), finite, strict=True)
        ]
    first = (np.where(exact, -u, -rate[0]), rate[1])
    second = (
        np.where(exact, -1.0, rate[0] * (finite[0] - rate[0])),
        -rate[1] * (finite[1] + rate[1]),
        rate[0] * rate[1],
    )
    return value, first, second


def _extreme(a: np.ndarray, b: np.ndarray, exact: np.ndarray) -> Terms:
    """Return the terms of `_normal` for smallest extremes: F(z) = 1 - exp(-exp(z))."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        grown = [np.exp(np.minimum(each, 700.0)) for each in (a, b)]
        gap = np.where(np.isposinf(b), np.inf, grown[1] - grown[0])
        inside = -grown[0] + np.where(np.isposinf(gap), 0.0, np.log(-np.expm1(-gap)))
        u = np.where(exact, a, 0.0)
        value = np.where(exact, u - np.exp(np.minimum(u, 700.0)), inside)
        rate = [
            np.where(np.isfinite(each) & ~exact, np.exp(np.where(np.isfinite(each), each, 0.0) - g - inside), 0.0)
            for each, g in zip((a, b), grown, strict=True)
        ]
    own = np.where(exact, grown[0], 0.0)
    turn = [np.where(np.isfinite(each), 1.0 - g, 0.0) for each, g in zip((a, b), grown, strict=True)]
    first = (np.where(exact, 1.0 - own, -rate[0]), rate[1])
    second = (np.where(exact, -own, -rate[0] * (turn[0] + rate[0])), rate[1] * (turn[1] - rate[1]), rate[0] * rate[1])
    return value, first, second


Constrained = tuple[Lives, float, float | None]  # lives, offset and sigma of `fit`


def profile(
    law: Law, best: float, centre: float, step: float, at: Callable[[float], Constrained], limit: float
) -> tuple[float | None, float | None]:
    """Return the ends of the interval of one number: where twice the log-likelihood has fallen by `limit`.

    Parameters
    ----------
    law : {"normal", "extreme"}
    best : float
        Largest log-likelihood.
    centre, step : float
        Estimate of the number and its standard error, from which the search starts.
    at : callable
        Function of the fixed value that returns lives, offset and sigma of `fit`.
    limit : float
        Fall of twice the log-likelihood.

    Returns
    -------
    (float or None, float or None)
        None where the likelihood does not fall by the limit within 60 standard errors.
    """
    from scipy.optimize import brentq

    def excess(value: float) -> float:
        held, offset, sigma = at(value)
        return 2.0 * (best - fit(held, law, offset, sigma).loglik) - limit

    ends: list[float | None] = []
    for sign in (-1.0, 1.0):
        inner, end = centre, None
        for wide in (2.0, 4.0, 8.0, 16.0, 32.0, 60.0):
            outer = centre + sign * wide * step
            try:
                if excess(outer) > 0:
                    end = float(brentq(excess, inner, outer, xtol=1e-6 * step))
                    break
            except Undetermined:
                break
            inner = outer
        ends.append(end)
    return ends[0], ends[1]


def limit(k: int, p: int, level: float = 0.95) -> float:
    """Return the fall of twice the log-likelihood that k failures allow, with Student's t for a normal quantile."""
    spare = k - p
    t = t_quantile(0.5 + level / 2, spare)
    return float(k * np.log1p(t * t / spare))
