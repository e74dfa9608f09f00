"""P values: a bent Arrhenius line by the F test, changes of cycles by a sum over covariances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import f as fisher
from scipy.stats import norm

from devicekit.core.records import Estimate
from devicekit.features.cycles import correlations
from devicekit.features.cycles.correlations import Correlation
from devicekit.features.lives import arrhenius


def test_the_p_of_a_bend_is_the_f_test_of_a_square_term_with_n_less_three_degrees() -> None:
    """Lives on a parabola, scattered: the square term is small enough that p is neither 0 nor 1."""
    x = np.repeat([23.0, 24.0, 26.0, 27.5], 2)
    y = 3.0 + 0.9 * x + 0.05 * (x - 25.0) ** 2 + 0.3 * np.cos(3.0 * np.arange(8) ** 2)
    found = arrhenius.fit_lives(x, y, y, (480.0, 460.0, 430.0, 400.0)).bend_p
    rss = [float(np.linalg.lstsq(np.vander(x - x.mean(), terms), y, rcond=None)[1][0]) for terms in (2, 3)]
    expected = fisher.sf((rss[0] - rss[1]) / (rss[1] / (8 - 3)), 1, 8 - 3)
    assert 0.01 < expected < 0.9
    assert found == pytest.approx(expected, rel=1e-4)


def bartlett(c: float) -> float:
    """n times the variance of mean(a_t b_(t-1)) + mean(a_t b_t) / 2, over the variance 2 of both changes.

    a and b are changes from cycle to cycle of normal quantities without memory that go together by c. By Isserlis,
    cov(a_t b_s, a_u b_v) = g_a(t - u) g_b(s - v) + g_ab(t - v) g_ab(u - s), summed over u.
    """

    def own(lag: int) -> float:
        return {0: 2.0, 1: -1.0, -1: -1.0}.get(lag, 0.0)

    def cross(lag: int) -> float:
        return c * own(lag)

    total = 0.0
    for weight, back in ((1.0, 1), (0.5, 0)):
        for other, after in ((1.0, 1), (0.5, 0)):
            for u in range(-6, 7):  # t = 0, s = -back; u, v = u - after
                pair = own(-u) * own(-back - u + after) + cross(after - u) * cross(u + back)
                total += weight * other * pair
    return total / 4.0


@pytest.mark.parametrize("c", [0.0, 0.5, 0.9])
def test_the_spread_of_a_change_against_the_other_s_previous_change(c: float) -> None:
    """Of Fisher's atanh at -c/2, times 1 + rho^2/2 of ranks."""
    rho = 6 / np.pi * np.arcsin(c / 2)
    within = Correlation(differenced=True, n=100, n_effective=100.0, rho=Estimate(rho, -1.0, 1.0), expected=0.0, p=0.5)
    null, spread = correlations._expected_without_memory(within)
    assert null == pytest.approx(6 / np.pi * np.arcsin(-c / 4))
    assert spread == pytest.approx(bartlett(c) / (1 - (c / 2) ** 2) ** 2 * (1 + null**2 / 2))


def test_the_spread_of_changes_by_ten_thousand_draws() -> None:
    """atanh of Pearson's r, less that of what goes together within a cycle (c = 0.9) times -1/2."""
    n, c = 120, 0.9
    rng = np.random.default_rng(0)
    x, z = (np.diff(rng.standard_normal((10_000, n + 2)), axis=1) for _ in range(2))
    a, b = x, c * x + np.sqrt(1 - c * c) * z
    size = np.sqrt((a**2).mean(axis=1) * (b**2).mean(axis=1))
    r = (a[:, 1:] * b[:, :-1]).mean(axis=1) / size
    excess = np.arctanh(r) - np.arctanh(-0.5 * (a * b).mean(axis=1) / size)
    assert excess.var() * n == pytest.approx(bartlett(c) / (1 - c * c / 4) ** 2, rel=0.06)


def test_the_p_of_a_change_is_two_sided_and_counted_from_what_differencing_makes() -> None:
    x = np.array([1.0, 5, 2, 8, 3, 7, 9, 6, 4, 10, 12, 11])
    y = np.array([3.0, 1, 4, 2, 7, 9, 5, 12, 6, 10, 8, 11])
    found = correlations.correlate([x], [y], expected=-0.3, spread=0.9)
    rho = 1 - 6 * float(((x - y) ** 2).sum()) / (12 * 143)
    assert found.rho.value == pytest.approx(rho)
    assert found.null_variance == pytest.approx(0.9 / 9)
    z = (np.arctanh(rho) - np.arctanh(-0.3)) / np.sqrt(0.1)
    assert found.p == pytest.approx(2 * norm.sf(abs(z)), rel=1e-9)


def test_devices_of_unequal_variance_are_combined_by_their_own_null_variances() -> None:
    """Weights 50 and 20; sd of the mean from variances 0.02 and 0.09 that are not 1 / weight."""
    made = [
        Correlation(
            lag=1,
            differenced=True,
            n=99,
            n_effective=worth,
            rho=Estimate(rho, -0.9, 0.9),
            expected=expected,
            p=0.5,
            null_variance=null,
        )
        for worth, rho, expected, null in ((53.0, -0.2, -0.4, 0.02), (23.0, 0.1, -0.1, 0.09))
    ]
    (found,) = correlations.combine([[made[0]], [made[1]]])
    mean, null = ((50 * np.arctanh(a) + 20 * np.arctanh(b)) / 70 for a, b in ((-0.2, 0.1), (-0.4, -0.1)))
    sd = np.sqrt(50**2 * 0.02 + 20**2 * 0.09) / 70
    assert found.p == pytest.approx(2 * norm.sf(abs(mean - null) / sd), rel=1e-9)
    assert found.expected == pytest.approx(np.tanh(null))
    wide = 1.959964 * np.sqrt((1 + np.tanh(mean) ** 2 / 2) / 70)
    assert found.rho.ends == pytest.approx((np.tanh(mean - wide), np.tanh(mean + wide)), rel=1e-6)
