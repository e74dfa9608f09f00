"""Censored lines: against least squares, scipy's Weibull fit, and likelihoods that are written out here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from devicekit.features.lives import censored
from devicekit.features.lives.censored import Law, Lives, Undetermined


def mixed(seed: int = 1) -> Lives:
    """Exact, right-, left- and interval-censored values about 1 + 2 x."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(24), rng.normal(size=24)])
    y = x @ [1.0, 2.0] + 0.5 * rng.normal(size=24)
    low, high = y.copy(), y.copy()
    low[y > 1.5], high[y > 1.5] = 1.5, np.inf
    high[:4] = np.where(np.isfinite(high[:4]), low[:4] + 0.4, high[:4])
    low[np.argmin(y)], high[np.argmin(y)] = -np.inf, y.min() + 0.1
    return Lives(low, high, x)


def written_out(lives: Lives, law: Law, beta: np.ndarray, sigma: float) -> float:
    """The log-likelihood, by densities and distributions of scipy."""
    from scipy.stats import gumbel_l, norm

    dist = norm if law == "normal" else gumbel_l
    total = 0.0
    for low, high, centre in zip(lives.low, lives.high, lives.x @ beta, strict=True):
        if low == high:
            total += dist.logpdf(low, centre, sigma)
        else:
            total += np.log(dist.cdf(high, centre, sigma) - dist.cdf(low, centre, sigma))
    return float(total)


@pytest.mark.parametrize("law", ["normal", "extreme"])
def test_the_maximum_and_its_curvature_are_those_of_the_likelihood_written_out(law: Law) -> None:
    lives = mixed()
    found = censored.fit(lives, law)

    def loglik(p: np.ndarray) -> float:
        return written_out(lives, law, p[:2], float(np.exp(p[2])))

    at = np.append(found.beta, np.log(found.sigma))
    assert found.loglik == pytest.approx(loglik(at), abs=1e-9)
    h = 1e-4
    eye = h * np.eye(3)
    slope = [(loglik(at + e) - loglik(at - e)) / (2 * h) for e in eye]
    assert slope == pytest.approx(np.zeros(3), abs=1e-4)
    bend = [
        [(loglik(at + d + e) - loglik(at + d - e) - loglik(at - d + e) + loglik(at - d - e)) / (4 * h * h) for e in eye]
        for d in eye
    ]
    assert found.covariance == pytest.approx(np.linalg.inv(-np.array(bend)), rel=1e-3)


def test_without_censoring_the_normal_line_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(12), np.arange(12.0)])
    y = x @ [3.0, -0.5] + 0.2 * rng.normal(size=12)
    found = censored.fit(Lives(y, y, x), "normal")
    beta, rss = np.linalg.lstsq(x, y, rcond=None)[:2]
    assert found.beta == pytest.approx(beta, rel=1e-7)
    assert found.sigma == pytest.approx(np.sqrt(rss[0] / 12), rel=1e-6)
    value, se = found.quantile(np.array([1.0, 5.5]), 0.0)
    assert value == pytest.approx(beta @ [1.0, 5.5])
    assert se == pytest.approx(found.sigma / np.sqrt(12), rel=1e-6)


def test_the_weibull_fit_is_scipys() -> None:
    from scipy.stats import CensoredData, weibull_min

    rng = np.random.default_rng(5)
    t = 3e5 * rng.weibull(2.0, 25)
    held = t > 3.5e5
    low = np.log(np.minimum(t, 3.5e5))
    found = censored.fit(Lives(low, np.where(held, np.inf, low), np.ones((25, 1))), "extreme")
    shape, _, scale = weibull_min.fit(CensoredData(uncensored=t[~held], right=np.full(held.sum(), 3.5e5)), floc=0)
    assert 1 / found.sigma == pytest.approx(shape, rel=1e-4)
    assert np.exp(found.beta[0]) == pytest.approx(scale, rel=1e-4)


def test_a_profile_ends_where_the_likelihood_written_out_has_fallen() -> None:
    """Of the normal mean with censored values; the inner maximum by scipy's search."""
    from scipy.optimize import minimize_scalar

    rng = np.random.default_rng(2)
    y = rng.normal(size=15)
    low, high = np.minimum(y, 0.5), np.where(y > 0.5, np.inf, y)
    lives = Lives(low, high, np.ones((15, 1)))
    best = censored.fit(lives, "normal")
    at: Callable[[float], censored.Constrained] = lambda value: (lives.shift(value, slice(0, 0)), 0.0, None)  # noqa: E731
    ends = censored.profile("normal", best.loglik, best.beta[0], 0.3, at, 3.84)
    for end in ends:
        assert end is not None

        def least(log_sigma: float, end: float = end) -> float:
            return -written_out(lives, "normal", np.array([end]), float(np.exp(log_sigma)))

        inner = -minimize_scalar(least, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}).fun
        assert 2 * (best.loglik - inner) == pytest.approx(3.84, abs=1e-4)


def test_the_limit_of_a_complete_normal_sample_is_students() -> None:
    """n ln(1 + t^2 / (n - 1)) is how far the likelihood has fallen at the ends of Student's interval of a mean."""
    from scipy.stats import t as student

    y = np.random.default_rng(3).normal(size=9)
    best = censored.fit(Lives(y, y, np.ones((9, 1))), "normal")
    end = y.mean() + student.ppf(0.975, 8) * y.std(ddof=1) / 3
    held = censored.fit(Lives(y - end, y - end, np.ones((9, 0))), "normal")
    assert 2 * (best.loglik - held.loglik) == pytest.approx(censored.limit(9, 1), rel=1e-6)


def test_a_fixed_sigma_is_kept() -> None:
    lives = mixed()
    held = censored.fit(lives, "normal", sigma=0.9)
    assert held.sigma == pytest.approx(0.9)
    assert held.loglik < censored.fit(lives, "normal").loglik
    assert held.loglik == pytest.approx(written_out(lives, "normal", held.beta, 0.9))


def test_a_likelihood_without_maximum_is_refused() -> None:
    one = np.ones((3, 1))
    with pytest.raises(Undetermined, match="failed"):
        censored.fit(Lives(np.zeros(3), np.full(3, np.inf), one), "normal")
    with pytest.raises(Undetermined, match="determine"):
        censored.fit(Lives(np.zeros(3), np.ones(3), one), "extreme")  # all between the same two looks
    x = np.column_stack([np.ones(4), [0.0, 0.0, 1.0, 1.0]])
    with pytest.raises(Undetermined, match="determine"):  # failures at one place only
        censored.fit(Lives(np.array([0, 0.3, 1, 1.0]), np.array([0, 0.3, np.inf, np.inf]), x), "normal")
    with pytest.raises(Undetermined, match="determine"):  # no scatter at all
        censored.fit(Lives(np.ones(4), np.ones(4), np.ones((4, 1))), "normal")


@pytest.mark.parametrize("z", [0.0, -1.0, 2.3])
def test_a_quantile_of_a_complete_normal_sample_has_the_textbook_standard_error(z: float) -> None:
    """sigma sqrt(1 / n + z^2 / 2n), sigma^2 being the mean square about the mean."""
    y = np.random.default_rng(3).normal(5.0, 0.4, 30)
    value, error = censored.fit(Lives(y, y, np.ones((30, 1))), "normal").quantile(np.ones(1), z)
    assert value == pytest.approx(y.mean() + z * y.std())
    assert error == pytest.approx(y.std() * np.sqrt((1 + z * z / 2) / 30), rel=1e-5)
