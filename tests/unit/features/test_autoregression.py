"""Vector autoregressions: against normal equations and recursions that are written here."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.features.cycles.autoregression import (
    LEAST_CYCLES,
    Cycles,
    autoregression,
    companion,
    normality,
    radius,
    stationary_covariance,
)

A = np.array([[0.5, 0.2], [-0.3, 0.4]])
S = np.array([[1.0, 0.4], [0.4, 0.8]])


def walked(n: int, seed: int, coefficients: np.ndarray = A, level: float = 0.0) -> np.ndarray:
    """Cycles by recursion from 0, the first 100 left away."""
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(S)
    x, found = np.zeros(2), []
    for _ in range(n + 100):
        x = coefficients @ x + root @ rng.standard_normal(2)
        found.append(x)
    return np.array(found[100:]) + level


def device(values: np.ndarray, drifts: bool = False) -> Cycles:
    return Cycles((np.arange(len(values)),), (values,), drifts)


def test_coefficients_are_those_of_the_normal_equations() -> None:
    """With a constant as a column here; there it is projected out. Intervals by Student's t."""
    from scipy.stats import t

    x = walked(120, 1, level=7.0)
    fit = autoregression([device(x)], 1)
    columns = np.column_stack([np.ones(119), x[:-1]])
    found = np.linalg.solve(columns.T @ columns, columns.T @ x[1:])
    error = x[1:] - columns @ found
    noise = error.T @ error / (119 - 3)
    scale = x.std(axis=0)
    np.testing.assert_allclose(fit.coefficients[0] * scale[:, None] / scale[None, :], found[1:].T, rtol=1e-9)
    wide = t.ppf(0.975, 116) * np.sqrt(np.outer(np.diag(noise), np.diag(np.linalg.inv(columns.T @ columns))[1:]))
    got = 0.5 * (fit.high[0] - fit.low[0]) * scale[:, None] / scale[None, :]
    np.testing.assert_allclose(got, wide, rtol=1e-9)
    np.testing.assert_allclose(fit.noise * np.outer(scale, scale), noise, rtol=1e-9)
    assert fit.n == 119


def test_rows_say_now_and_columns_say_before() -> None:
    one_way = np.array([[0.0, 0.8], [0.0, 0.0]])  # the first follows the second
    fit = autoregression([device(walked(400, 2, one_way))], 1)
    assert fit.low[0, 0, 1] > 0.4
    assert fit.low[0, 1, 0] < 0 < fit.high[0, 1, 0]


def test_the_level_of_a_device_is_its_own() -> None:
    """Two devices far apart: with one level for both, each would seem to remember for ever."""
    both = [device(walked(150, 3)), device(walked(150, 4, level=1000.0))]
    fit = autoregression(both, 1)
    np.testing.assert_allclose(fit.coefficients[0] * fit.scale[:, None] / fit.scale[None, :], A, atol=0.15)
    assert fit.radius < 0.8


def test_runs_do_not_touch() -> None:
    """A jump between two runs is no step."""
    x = walked(200, 5)
    whole = autoregression([device(x)], 1).coefficients
    parts = Cycles((np.arange(100), np.arange(150, 250)), (x[:100], x[100:]))
    fit = autoregression([parts], 1)
    assert fit.n == 198
    np.testing.assert_allclose(fit.coefficients, whole, atol=0.05)


def test_a_drift_that_is_known_is_taken_off() -> None:
    x = walked(300, 6, np.zeros((2, 2))) + 0.05 * np.arange(300)[:, None]
    assert autoregression([device(x)]).radius > 0.8
    assert autoregression([device(x, drifts=True)]).order == 0


def test_bic_finds_the_order() -> None:
    rng = np.random.default_rng(7)
    x = np.zeros((600, 2))
    for n in range(2, 600):  # only the cycle before the last counts
        x[n] = 0.7 * x[n - 2] + rng.standard_normal(2)
    fit = autoregression([device(x[100:])])
    assert fit.order == 2
    assert fit.coefficients.shape == (2, 2, 2)
    np.testing.assert_allclose(fit.coefficients[1], 0.7 * np.eye(2), atol=0.1)
    assert fit.radius == pytest.approx(np.sqrt(0.7), abs=0.05)
    none = autoregression([device(rng.standard_normal((300, 2)))])
    assert none.order == 0
    assert none.radius == 0.0
    assert len(none.bic) == 4


def test_the_spectral_radius_of_a_rotation() -> None:
    turn = 0.9 * np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    assert radius(turn[None]) == pytest.approx(0.9)
    assert radius(np.zeros((0, 2, 2))) == 0.0
    two = np.array([[[0.0]], [[0.81]]])  # x_t = 0.81 x_(t-2)
    np.testing.assert_array_equal(companion(two), [[0.0, 0.81], [1.0, 0.0]])
    assert radius(two) == pytest.approx(0.9)


def test_the_stationary_covariance_is_the_sum_of_all_steps() -> None:
    total, step = np.zeros((2, 2)), np.eye(2)
    for _ in range(200):
        total += step @ S @ step.T
        step = A @ step
    np.testing.assert_allclose(stationary_covariance(A[None], S), total, rtol=1e-9)
    np.testing.assert_array_equal(stationary_covariance(np.zeros((0, 2, 2)), S), S)


def test_normality_is_jarque_and_beras() -> None:
    from scipy.stats import jarque_bera

    rng = np.random.default_rng(8)
    x = np.column_stack([rng.standard_normal(300), rng.exponential(size=300)])
    p = [jarque_bera(each).pvalue for each in x.T]
    found = normality(x)
    assert found[1] == pytest.approx(2 * p[1], rel=1e-6)
    assert found[0] == pytest.approx(p[0], rel=1e-6)
    fit = autoregression([device(np.exp(walked(200, 9)))], 1)
    assert not fit.normal
    assert autoregression([device(walked(200, 9))], 1).normal


def test_too_few_cycles_for_the_parameters() -> None:
    with pytest.raises(ValueError, match="too few"):
        autoregression([device(walked(6, 10))])


def test_a_quantity_that_follows_from_the_others_is_refused() -> None:
    x = walked(100, 11)
    for third in (x[:, 0] - 2 * x[:, 1], np.full(100, 3.0)):
        with pytest.raises(ValueError, match="combination"):
            autoregression([device(np.column_stack([x, third]))])


@pytest.mark.slow
@pytest.mark.parametrize("n", [LEAST_CYCLES, 200])
def test_intervals_cover(n: int) -> None:
    """A part of `benchmarks/cycle_correlations.py` with another law."""
    inside = []
    for seed in range(300):
        fit = autoregression([device(walked(n, 1000 + seed))], 1)
        true = A * fit.scale[None, :] / fit.scale[:, None]
        inside.append((fit.low[0] <= true) & (true <= fit.high[0]))
    assert 0.91 < np.mean(inside) < 0.98
