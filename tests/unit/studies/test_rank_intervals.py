"""Interval of a rank correlation: against all ordered resamples, one by one, and whatever the seed of its draws."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from devicekit.studies.rank_intervals import rank_interval, spearman

FIRST, SECOND = (0.2, 0.5, 0.7, 0.9), (0.3, 0.9, 0.4, 0.8)


def single(values: tuple[float, ...]) -> list[np.ndarray]:
    """One seed of each device."""
    return [np.array([each]) for each in values]


def brute_force(means: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Ends of the interval from equally likely resamples: the outermost values with 2.5 % at or beyond them."""
    found = np.array([spearman(x, y) for x, y in means if len(set(x)) > 1 and len(set(y)) > 1])
    found = np.sort(np.round(found, 9))
    shares = np.array([(found <= each).mean() for each in found])
    above = np.array([(found >= each).mean() for each in found])
    return float(found[shares >= 0.025 - 1e-12].min()), float(found[above >= 0.025 - 1e-12].max())


def test_the_correlation_is_that_of_ranks_ties_included() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.integers(0, 5, 8), rng.normal(size=8)
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert np.isnan(spearman(np.ones(4), np.arange(4)))


@pytest.mark.parametrize("second", [SECOND, FIRST, (0.3, 0.3, 0.4, 0.1)])
def test_the_interval_is_that_of_all_ordered_resamples(second: tuple[float, ...]) -> None:
    x, y = np.array(FIRST), np.array(second)
    every = [np.array(each) for each in itertools.product(range(4), repeat=4)]
    expected = brute_force([(x[each], y[each]) for each in every])
    assert rank_interval(single(FIRST), single(second)) == pytest.approx(expected)


def test_seeds_are_resampled_within_each_device() -> None:
    """Of three devices with two seeds there are 27 x 8 equally likely resamples."""
    seeds, y = np.array([[0.1, 0.6], [0.5, 0.4], [0.3, 0.9]]), np.array([0.2, 0.5, 0.7])
    means = []
    for picked in itertools.product(range(3), repeat=3):
        for drawn in itertools.product(itertools.product((0, 1), repeat=2), repeat=3):
            x = np.array([seeds[device, list(which)].mean() for device, which in zip(picked, drawn, strict=True)])
            means.append((np.round(x, 9), y[list(picked)]))
    assert rank_interval(list(seeds), single((0.2, 0.5, 0.7))) == pytest.approx(brute_force(means))


def test_a_reversed_ranking_has_the_reversed_interval() -> None:
    low, high = rank_interval(single(FIRST), single(SECOND))
    turned = rank_interval(single(FIRST), single(tuple(1 - each for each in SECOND)))
    assert turned == pytest.approx((-high, -low))


def test_without_seeds_nothing_is_drawn() -> None:
    rng = np.random.default_rng(1)
    first, second = single(tuple(rng.normal(size=7))), single(tuple(rng.normal(size=7)))
    assert rank_interval(first, second, seed=0) == rank_interval(first, second, seed=1)


def test_more_devices_are_drawn() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=40)
    low, high = rank_interval(single(tuple(x)), single(tuple(x + rng.normal(size=40))))
    assert 0.3 < low < 0.75 < high < 0.95


def test_equal_values_have_no_interval() -> None:
    assert np.isnan(rank_interval(single((0.5, 0.5, 0.5)), single((0.1, 0.2, 0.3)))).all()
