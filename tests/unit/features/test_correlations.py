"""Rank correlations of cycles: closed forms, both sides of each limit, and series made here by recursion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from devicekit.core.records import Estimate
from devicekit.features.cycles import correlations
from devicekit.features.cycles.correlations import Correlation
from devicekit.features.stats import holm


def remembering(r: float, n: int, seed: int) -> np.ndarray:
    """An AR(1) of standard deviation 1, cycle by cycle."""
    rng = np.random.default_rng(seed)
    x = [rng.standard_normal()]
    for _ in range(n - 1):
        x.append(r * x[-1] + np.sqrt(1 - r * r) * rng.standard_normal())
    return np.array(x)


def test_equal_values_share_their_rank() -> None:
    assert list(correlations.ranks(np.array([3.0, 1.0, 3.0, 2.0]))) == [3.5, 1.0, 3.5, 2.0]


def test_rho_is_spearmans() -> None:
    from scipy.stats import rankdata, spearmanr

    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, 60).astype(float), rng.standard_normal(60)
    np.testing.assert_array_equal(correlations.ranks(x), rankdata(x))
    found = correlations.correlate([x], [y])
    expected = spearmanr(x, y)
    assert found.rho.value == pytest.approx(expected.statistic, abs=1e-12)
    if found.n_effective == 60:
        assert found.p == pytest.approx(expected.pvalue, rel=1e-9)


def test_p_of_independent_cycles_is_that_of_students_t() -> None:
    """Alternating series have products of autocorrelations below 0 at lag 1, so that nothing is taken off."""
    from scipy.stats import spearmanr

    x = np.array([1.0, 9, 2, 8, 3, 7, 4, 6, 5, 10])
    y = np.arange(10.0)[::-1]
    found = correlations.correlate([x], [y])
    assert found.n_effective == 10
    assert found.p == pytest.approx(spearmanr(x, y).pvalue, rel=1e-9)
    wide = 1.959964 * np.sqrt((1 + found.rho.value**2 / 2) / 7)
    assert found.rho.low == pytest.approx(np.tanh(np.arctanh(found.rho.value) - wide), rel=1e-6)
    assert found.rho.high == pytest.approx(np.tanh(np.arctanh(found.rho.value) + wide), rel=1e-6)


def direct(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    """n_eff by a double loop over all pairs of one run."""
    n = sum(map(len, first))
    means = [np.concatenate(each).mean() for each in (first, second)]
    total = 1.0
    for lag in range(1, max(map(len, first))):
        r, pairs = [], 0
        for runs, mean in zip((first, second), means, strict=True):
            products = [(v[k] - mean) * (v[k + lag] - mean) for v in runs for k in range(len(v) - lag)]
            size = sum(float(((v - mean) ** 2).sum()) for v in runs) / n
            pairs = len(products)
            r.append(sum(products) / pairs / size)
        if r[0] * r[1] <= 0:
            break
        total += 2 * pairs / n * r[0] * r[1]
    return float(n / max(total, 1.0))


def test_the_effective_number_is_the_sum_over_pairs_of_one_run() -> None:
    x, y = remembering(0.9, 80, 1), remembering(0.9, 80, 2)
    assert correlations.effective_n([x], [y]) == pytest.approx(direct([x], [y]), rel=1e-9)
    cut = ([x[:30], x[30:47], x[47:]], [y[:30], y[30:47], y[47:]])
    assert correlations.effective_n(*cut) == pytest.approx(direct(*cut), rel=1e-9)
    assert correlations.effective_n([x], [y]) < 30


def test_the_effective_number_is_never_above_n() -> None:
    sign = np.tile([1.0, -1.0], 20)
    for seed in range(20):
        one, two = remembering(-0.7, 40, seed), remembering(0.7, 40, seed + 100)
        assert correlations.effective_n([one], [two]) <= 40
    assert correlations.effective_n([sign], [remembering(0.9, 40, 1)]) == 40
    assert correlations.effective_n([np.ones(40)], [sign]) == 40


def test_below_four_effective_cycles_there_is_no_verdict() -> None:
    line = np.arange(30.0)
    found = correlations.correlate([line], [line + 0.1 * np.cos(line)])
    assert found.rho.value > 0.9
    assert found.n_effective < correlations.LEAST_EFFECTIVE
    assert np.isnan(found.p)
    assert (found.rho.low, found.rho.high) == (None, None)


@pytest.mark.parametrize(("worth", "judged"), [(4.0, True), (3.999, False)])
def test_the_limit_of_a_verdict(monkeypatch: pytest.MonkeyPatch, worth: float, judged: bool) -> None:
    monkeypatch.setattr(correlations, "effective_n", lambda first, second: worth)
    found = correlations.correlate([np.arange(9.0)], [np.array([2.0, 1, 3, 5, 4, 6, 8, 7, 9])])
    assert np.isfinite(found.p) is np.bool_(judged)


def test_a_drift_makes_a_correlation_that_changes_do_not_show() -> None:
    rng = np.random.default_rng(3)
    runs = [rng.standard_normal((200, 2)) + 0.03 * np.arange(200)[:, None]]
    found = {each.key: each for each in correlations.matrix(runs, ["a", "b"])}
    assert found["a", "b", 0, False].rho.value > 0.6
    assert abs(found["a", "b", 0, True].rho.value) < 0.2
    assert found["a", "b", 0, True].p > 0.05


def test_pairs_never_reach_over_the_end_of_a_run() -> None:
    """Runs of opposite level: within a run b is a's past, over the ends it would not be."""
    rng = np.random.default_rng(4)
    a = rng.standard_normal(41)
    whole = np.column_stack([a[:-1], a[1:]])  # b of a cycle is a of the next
    parts = [whole[:20], whole[20:]]
    found = {each.key: each for each in correlations.matrix(parts, ["a", "b"])}
    assert found["a", "b", 1, False].rho.value == 1.0
    assert found["a", "b", 1, False].n == 38
    assert found["a", "a", 1, True].n == 36
    assert found["a", "b", 0, True].n == 38


def test_what_differencing_alone_makes() -> None:
    """Without memory a change goes against the one before by -1/2, and by minus half of what goes together."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((20_000, 2)) @ np.linalg.cholesky(np.array([[1.0, 0.6], [0.6, 1.0]])).T
    found = {each.key: each for each in correlations.matrix([x], ["a", "b"])}
    own, other = found["a", "a", 1, True], found["a", "b", 1, True]
    assert own.expected == pytest.approx(6 / np.pi * np.arcsin(-0.25))
    assert own.rho.value == pytest.approx(own.expected, abs=0.02)
    assert other.rho.value == pytest.approx(6 / np.pi * np.arcsin(-0.15), abs=0.02)
    assert other.expected == pytest.approx(other.rho.value, abs=0.02)
    assert min(own.p, other.p) > 0.01


def test_the_variance_without_memory_is_that_of_draws() -> None:
    """(7 - 3 c^2) / 8n, of the correlation of changes less half of that within a cycle, by plain moments."""
    rng = np.random.default_rng(6)
    for c in (0.0, 0.6, 1.0):
        root = np.array([[1.0, 0.0], [c, np.sqrt(1 - c * c)]])
        x = np.diff(rng.standard_normal((4000, 200, 2)) @ root.T, axis=1)
        a, b = x[:, :, 0], x[:, :, 1]
        size = a.std(axis=1) * b.std(axis=1)
        excess = (a[:, 1:] * b[:, :-1]).mean(axis=1) / size + 0.5 * (a * b).mean(axis=1) / size
        assert excess.var() * 198 == pytest.approx((7 - 3 * c * c) / 8, rel=0.08)


def test_holm_by_hand() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.6])
    np.testing.assert_allclose(holm(p), [0.04, np.nan, 0.09, 0.09, 0.6])
    np.testing.assert_allclose(holm(np.array([0.5, 0.9])), [1.0, 1.0])


def test_values_and_changes_are_corrected_by_themselves() -> None:
    found = correlations.matrix([np.random.default_rng(7).standard_normal((60, 3))], list("abc"))
    for kind in (False, True):
        own = [each for each in found if each.differenced is kind]
        assert len(own) == 3 + 9
        np.testing.assert_allclose([e.p_holm for e in own], holm(np.array([e.p for e in own])))


BLIND = Correlation(first="a", second="b", n=100, n_effective=2.0, rho=Estimate(0.99), expected=0.0, p=float("nan"))


def one(rho: float, worth: float, expected: float = 0.0) -> Correlation:
    """A correlation with Fisher's variance."""
    found = Estimate(rho, *correlations.fisher_interval(rho, correlations.variance(rho, worth)))
    return replace(BLIND, n_effective=worth, rho=found, expected=expected, p=0.5, null_variance=1 / (worth - 3))


def test_devices_are_combined_by_fishers_z() -> None:
    (found,) = correlations.combine([[one(0.5, 53.0)], [one(0.3, 28.0)]])
    mean = (50 * np.arctanh(0.5) + 25 * np.arctanh(0.3)) / 75
    assert found.rho.value == pytest.approx(np.tanh(mean))
    wide = 1.959964 * np.sqrt((1 + np.tanh(mean) ** 2 / 2) / 75)
    assert found.rho.low == pytest.approx(np.tanh(mean - wide), rel=1e-6)
    assert found.p == pytest.approx(correlations.two_sided_p(mean * np.sqrt(75)))
    q = (50 * (np.arctanh(0.5) - mean) ** 2 + 25 * (np.arctanh(0.3) - mean) ** 2) / (1 + np.tanh(mean) ** 2 / 2)
    assert found.p_heterogeneity == pytest.approx(correlations.two_sided_p(np.sqrt(q)))
    assert (found.n_devices, found.n, found.n_effective) == (2, 200, 81.0)


def test_a_device_that_cannot_be_judged_has_no_weight() -> None:
    (found,) = correlations.combine([[one(0.5, 53.0)], [BLIND]])
    assert (found.rho.value, found.n_devices) == (0.5, 1)
    assert np.isnan(found.p_heterogeneity)
    (none,) = correlations.combine([[BLIND], [BLIND]])
    assert (none.n_devices, none.weight) == (0, 0.0)


def test_devices_of_opposite_sign_differ() -> None:
    (found,) = correlations.combine([[one(0.6, 100.0)], [one(-0.6, 100.0)]])
    assert abs(found.rho.value) < 1e-12
    assert found.p_heterogeneity < 1e-6


@pytest.mark.parametrize(("rise", "seen"), [(0.9, False), (1.2, True)])
def test_a_drift_is_more_than_one_standard_deviation(rise: float, seen: bool) -> None:
    n = 2000
    noise = np.random.default_rng(8).standard_normal(n)
    t = np.linspace(-0.5, 0.5, n)
    noise -= np.polyval(np.polyfit(t, noise, 1), t)
    found = correlations.drift([np.arange(n)], [noise / noise.std() + rise * t])
    assert found.change == pytest.approx(rise, rel=1e-3)
    assert found.p < 0.01
    assert found.seen is seen


def test_a_slow_memory_is_not_a_drift() -> None:
    seen = [correlations.drift([np.arange(100)], [remembering(0.9, 100, seed)]).seen for seed in range(200)]
    assert sum(seen) < 10
    naive = [
        abs(np.corrcoef(np.arange(100), remembering(0.9, 100, seed))[0, 1]) > 0.256  # p < 0.01 if independent
        for seed in range(200)
    ]
    assert sum(naive) > 60


def test_a_constant_does_not_drift() -> None:
    assert not correlations.drift([np.arange(30)], [np.full(30, 0.7)]).seen
    assert np.isnan(correlations.correlate([np.full(30, 0.7)], [np.arange(30.0)]).rho.value)


@pytest.mark.slow
def test_false_alarms_are_near_their_nominal_rate() -> None:
    """Two series that remember (r 0.9): as if independent about half are alarms."""
    from scipy.stats import spearmanr

    hits = np.zeros(2)
    for seed in range(300):
        x, y = remembering(0.9, 200, 2 * seed), remembering(0.9, 200, 2 * seed + 1)
        hits += [correlations.correlate([x], [y]).p < 0.05, spearmanr(x, y).pvalue < 0.05]
    assert hits[0] / 300 < 0.10
    assert hits[1] / 300 > 0.4


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
