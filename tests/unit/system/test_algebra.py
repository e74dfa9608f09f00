"""Products, solutions and decompositions of one order of sums, against those of numpy."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.system import algebra


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("n", "m", "rank"), [(1, 1, 1), (4, 4, 4), (7, 3, 3), (3, 7, 3), (6, 5, 2), (5, 5, 0)])
def test_the_same_as_numpy(n: int, m: int, rank: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, m)) * 10.0 ** rng.integers(-8, 8)
    u, values, v = algebra.svd(a)
    size = np.abs(a).max() + (rank == 0)
    np.testing.assert_allclose(values, np.linalg.svd(a)[1], atol=1e-13 * size * n * m)
    np.testing.assert_allclose(u * values @ v, a, atol=1e-13 * size * n * m)
    np.testing.assert_allclose(v @ v.T, np.eye(len(v)), atol=1e-12)
    np.testing.assert_allclose(algebra.pinv(a) * size, np.linalg.pinv(a, rcond=1e-12) * size, atol=1e-8)
    b = rng.normal(size=(m, 2))
    np.testing.assert_allclose(algebra.product(a, b), a @ b, atol=1e-13 * size * m)
    np.testing.assert_allclose(algebra.product(a, b[:, 0]), a @ b[:, 0], atol=1e-13 * size * m)
    if n == m:
        found, logarithm = algebra.solve(a, b)
        sign, expected = np.linalg.slogdet(a)
        if rank == n:
            np.testing.assert_allclose(a @ found, b, atol=1e-9)
            assert logarithm == pytest.approx(expected, abs=1e-9)
        elif rank == 0:
            assert (sign, logarithm) == (0.0, -np.inf)


def test_rows_are_exchanged_and_the_given_arrays_are_kept() -> None:
    a, b = np.array([[0.0, 2.0], [3.0, 0.0]]), np.array([2.0, 3.0])
    found, logarithm = algebra.solve(a, b)
    assert (found.tolist(), logarithm) == ([1.0, 1.0], pytest.approx(np.log(6.0)))
    assert (a.tolist(), b.tolist()) == ([[0.0, 2.0], [3.0, 0.0]], [2.0, 3.0])


def test_draws_have_the_covariance_that_is_given() -> None:
    covariance = np.array([[2.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    drawn = algebra.draw_normal(np.random.default_rng(1), covariance, 200_000)
    np.testing.assert_allclose(drawn.mean(axis=0), 0.0, atol=0.02)
    np.testing.assert_allclose(algebra.covariance_of(drawn), covariance, atol=0.03)
    for a, b, d in ((2.0, 0.3, 1.0), (1.0, 0.3, 2.0), (1.0, 0.9, 2.0), (1.0, -0.3, 2.0), (1.0, 0.0, 2.0)):
        two, rng = np.array([[a, b], [b, d]]), np.random.default_rng(7)
        theirs = np.random.default_rng(7).multivariate_normal([0.0, 0.0], two, size=5)
        np.testing.assert_allclose(algebra.draw_normal(rng, two, 5), theirs, rtol=1e-9)
    np.testing.assert_allclose(algebra.covariance_of(drawn[:9]), np.cov(drawn[:9], rowvar=False), rtol=1e-12)
