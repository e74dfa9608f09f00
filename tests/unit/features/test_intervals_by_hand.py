"""How WIDE intervals are, against likelihoods profiled here, SciPy's covariances, and sums by hand."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import curve_fit, minimize_scalar
from scipy.stats import t as student

from devicekit.features.conduction.prepare import Leg
from devicekit.features.lives import wear
from devicekit.features.merits import facilitation, volatile
from devicekit.features.relaxation import decay
from devicekit.features.stats import mean_estimate
from devicekit.tables import PairedTable


def weibull_loglik(low: np.ndarray, failed: np.ndarray) -> Callable[[float, float], float]:
    """Of a scale and a shape, exact failures and devices that held."""

    def loglik(scale: float, shape: float) -> float:
        u = (low / scale) ** shape
        return float((np.log(shape / low) + np.log(u))[failed].sum() - u.sum())

    return loglik


def most_over_shapes(of_shape: Callable[[float], float]) -> float:
    """The greatest value over shapes of 0.1 to 20."""
    found = minimize_scalar(lambda ln: -of_shape(np.exp(ln)), bounds=np.log([0.1, 20.0]), method="bounded")
    return -float(found.fun)


@pytest.mark.parametrize("share", [None, 0.1, 0.5])
def test_a_scale_and_a_life_end_where_their_profile_has_fallen_by_students_t_of_the_failures(
    share: float | None,
) -> None:
    """With 8 failures of 20 devices: what held counts in the likelihood, and not in Student's t."""
    t = np.sort(np.random.default_rng(8).weibull(1.8, 20))
    low, failed = np.minimum(t, t[7]), t <= t[7]
    life = wear.weibull(low, np.where(failed, t, np.inf))
    loglik = weibull_loglik(low, failed)
    over = 1.0 if share is None else -np.log1p(-share)  # the life of that share is scale (-ln(1 - share))^(1/shape)
    estimate = life.scale if share is None else next(each.cycles for each in life.shares if each.share == share)
    assert estimate is not None
    assert estimate.ends is not None
    most = most_over_shapes(lambda shape: loglik(float((low**shape).sum() / 8) ** (1 / shape), shape))
    fall = 8 * np.log1p(student.ppf(0.975, 7) ** 2 / 7)
    for end in estimate.ends:
        held = most_over_shapes(lambda shape, end=end: loglik(end / over ** (1 / shape), shape))  # type: ignore[misc]
        assert 2 * (most - held) == pytest.approx(fall, rel=1e-3)


def decaying(n: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Delays (NaN before the pulse), pulses so far, and readings 2 + 1 (stays) + 3 e^(-t / 0.1), with a ripple."""
    t = np.concatenate([np.full(6, np.nan), np.geomspace(0.01, 0.6, n)])
    after = np.isfinite(t)
    y = 2.0 + np.where(after, 1.0 + 3.0 * np.exp(-np.nan_to_num(t) / 0.1), 0.0)
    return t, after.astype(float), y + 0.05 * np.cos(7.0 * np.arange(t.size) ** 2)


def with_scipy(t: np.ndarray, after: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level, what stays, what goes and ln tau, with their covariance."""

    def model(_: Any, level: float, stays: float, goes: float, ln_tau: float) -> np.ndarray:
        gone = np.where(after > 0, np.exp(-np.nan_to_num(t) / np.exp(ln_tau)), 0.0)
        return np.asarray(level + stays * after + goes * gone)

    values, covariance = curve_fit(model, np.arange(t.size), y, p0=(2.0, 1.0, 3.0, np.log(0.1)), xtol=1e-13, ftol=1e-13)
    return values, covariance


def test_the_covariance_of_a_decay_allows_for_its_time_constant() -> None:
    t, after, y = decaying()
    found = decay.fit(decay.Data(y, np.column_stack([np.ones(t.size), after]), t[:, None]))
    values, covariance = with_scipy(t, after, y)
    assert [*found.others, *found.amplitudes] == pytest.approx(values[:3], rel=1e-6)
    assert found.covariance == pytest.approx(covariance[:3, :3], rel=1e-3)
    assert found.noise == pytest.approx(np.sqrt(found.rss / (36 - 4)))


def test_the_interval_of_the_share_that_stays_is_that_of_the_delta_method() -> None:
    """By the covariance of SciPy: slopes g / (s + g)^2 and -s / (s + g)^2 of s / (s + g)."""
    t, after, y = decaying()
    found = volatile._permanent(decay.fit(decay.Data(y, np.column_stack([np.ones(t.size), after]), t[:, None])), 2)
    values, covariance = with_scipy(t, after, y)
    _, s, g, _ = values
    slope = np.array([g, -s]) / (s + g) ** 2
    wide = student.ppf(0.975, 36 - 4) * np.sqrt(slope @ covariance[1:3, 1:3] @ slope)
    assert found is not None
    assert found.value == pytest.approx(s / (s + g), rel=1e-6)
    assert found.ends == pytest.approx((s / (s + g) - wide, s / (s + g) + wide), rel=1e-3)


def test_the_interval_of_the_paired_pulse_ratio_at_long_intervals_is_that_of_the_constant() -> None:
    dt = np.geomspace(0.005, 0.03, 12)  # not long after tau = 0.02: the constant is known far worse than the amplitude
    ratio = 1.5 + 0.5 * np.exp(-dt / 0.02) + 0.01 * np.cos(5.0 * np.arange(12) ** 2)
    table = PairedTable(pd.DataFrame({"device_id": "d", "repeat": 1, "interval_s": dt, "ratio": ratio}))
    only = facilitation.characterize(table, baseline="original", exponentials=1).devices[0]

    def model(at: np.ndarray, end: float, size: float, ln_tau: float) -> np.ndarray:
        return np.asarray(end + size * np.exp(-at / np.exp(ln_tau)))

    values, covariance = curve_fit(model, dt, ratio, p0=(1.5, 0.5, np.log(0.02)), xtol=1e-13, ftol=1e-13)
    wide = student.ppf(0.975, 12 - 3) * np.sqrt(covariance[0, 0])
    assert abs(covariance[1, 1] / covariance[0, 0] - 1) > 0.2
    assert only.end is not None
    assert only.end.value == pytest.approx(values[0], rel=1e-5)
    assert only.end.ends == pytest.approx((values[0] - wide, values[0] + wide), rel=1e-3)
    assert only.permanent is not None
    assert only.permanent.ends == pytest.approx((values[0] - 1 - wide, values[0] - 1 + wide), rel=1e-3)


def test_the_error_of_a_slope_grows_with_neighbours_that_resemble_each_other() -> None:
    """noise sqrt(n / n_eff / sum w (x - mean)^2), of either third of ln V; n_eff is a quarter of the points."""
    v = np.geomspace(0.1, 1.0, 12)
    y, w = 2.0 * np.log(v), np.where(v < 0.3, 0.5, 1.0)
    leg = Leg(v, y, w, mean_a=1e-6, noise=0.02, n_effective=3.0, reference=0.0, smooth=0.0)
    step = np.log(10.0) / 11
    low, high = leg.slopes()
    # the lower third: four points of weight 1/4, and sum (x - mean)^2 of 0, 1, 2, 3 steps is 5 steps^2
    assert low == pytest.approx((2.0, 0.02 * np.sqrt(4 / (0.25 * 5 * step**2))))
    assert high == pytest.approx((2.0, 0.02 * np.sqrt(4 / (5 * step**2))))


def test_of_two_records_and_of_three_the_mean_has_students_interval() -> None:
    for values, quantile in (([1.0, 3.0], 12.706205), ([1.0, 3.0, 8.0], 4.302653)):
        found = mean_estimate(np.array(values))
        x = np.array(values)
        wide = quantile * np.sqrt(((x - x.mean()) ** 2).sum() / (x.size - 1) / x.size)
        assert found.value == pytest.approx(x.mean())
        assert found.ends == pytest.approx((x.mean() - wide, x.mean() + wide), rel=1e-6)


def test_the_slope_of_a_window_over_three_devices_has_students_interval() -> None:
    own = [decay.Estimate(each) for each in (-0.05, -0.09, -0.16)]
    found = wear.common_trend(own)
    assert found is not None
    wide = 4.302653 * np.sqrt((0.05**2 + 0.01**2 + 0.06**2) / 2 / 3)
    assert found.value == pytest.approx(-0.1)
    assert found.ends == pytest.approx((-0.1 - wide, -0.1 + wide), rel=1e-6)


def test_the_interval_of_what_stays_takes_its_own_elements_of_the_covariance() -> None:
    """A hand-made fit: 10 + 1 stays, 3 goes; var 0.04 and 0.09, covariance -0.03; the level's own is far larger."""
    covariance = np.array([[9.0, 0.5, 0.7], [0.5, 0.04, -0.03], [0.7, -0.03, 0.09]])
    made: Any = SimpleNamespace(others=(10.0, 1.0), amplitudes=(3.0,), covariance=covariance, n=14, k=4)
    found = volatile._permanent(made, 2)
    # slopes 3/16 and -1/16: (9 * 0.04 + 2 * 3 * 0.03 + 0.09) / 256
    wide = student.ppf(0.975, 10) * np.sqrt((0.36 + 0.18 + 0.09) / 256)
    assert found is not None
    assert found.ends == pytest.approx((0.25 - wide, 0.25 + wide))
    assert volatile._permanent(made, 1) is None
