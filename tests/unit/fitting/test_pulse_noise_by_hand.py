"""Noise of a joint fit from every combination of signs: moments are exact, so that every factor is seen."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from devicekit.device.blocks import Window
from devicekit.fitting.branch.trains import Trains
from devicekit.fitting.likelihood.priors import PRIOR_SD
from devicekit.fitting.pulses.noise import Noise, Path, _moments, choose_readings, covariance_of, estimate
from devicekit.fitting.pulses.programmes import Programme

WINDOW = Window(quantity="conductance_s", low=0.0, high=1.0, scope="truth")
READ, INCREMENT = 0.003, 0.02


def signs(size: int) -> np.ndarray:
    """Every row of plus and minus ones: means 0, variances 1, no correlation, exactly."""
    return np.array(list(itertools.product((1.0, -1.0), repeat=size)))


def path(pulses: int, by_level: np.ndarray | None = None, steady: float = 1.0) -> Path:
    """A curve that stands still."""
    by = np.arange(pulses + 1.0) if by_level is None else by_level
    return Path(np.zeros(pulses + 1), by, np.ones(pulses + 1), np.full(pulses, steady))


def programme(rows: np.ndarray, clusters: np.ndarray | None = None) -> Any:
    """Trains on the rising coordinate; one repeat unless repeats are given."""
    repeats = rows[:1] if clusters is None else clusters
    return SimpleNamespace(
        trains=SimpleNamespace(values=rows, rising=lambda window: rows),
        trains_read=float(len(rows)),
        clusters=lambda window: repeats,
    )


def walks(pulses: int, read: float = READ, increment: float = INCREMENT) -> np.ndarray:
    """All trains of +- `read` a reading and steps of +- `increment` that stay."""
    drawn = signs(2 * pulses + 1)
    steps = np.cumsum(drawn[:, :pulses], axis=1) * increment
    return np.asarray(read * drawn[:, pulses:] + np.hstack([np.zeros((len(drawn), 1)), steps]))


def test_moments_of_changes_are_those_of_a_walk_that_is_read() -> None:
    """Of x + r: squares of changes are inc^2 + 2 read^2 each, products of neighbours -read^2 each, four and three."""
    squares, products, number = _moments(walks(4), np.ones(4))
    assert squares == pytest.approx(512 * 4 * (INCREMENT**2 + 2 * READ**2))
    assert products == pytest.approx(-512 * 3 * READ**2)
    assert number == 512 * 4


@pytest.mark.parametrize(("read", "increment"), [(0.01, 0.02), (1e-3, 0.02)])
def test_read_noise_and_increments_are_told_apart(read: float, increment: float) -> None:
    """Six pulses; a train has one pair of neighbouring changes less than changes, which is the tolerance."""
    found = estimate([programme(walks(6, read, increment))], [path(6)], WINDOW)
    assert found.read == pytest.approx(read, rel=0.1)
    assert found.increment == pytest.approx(increment, rel=0.05)
    assert found.ln_rate == pytest.approx(PRIOR_SD["ln_rate"])


def test_the_variance_of_few_trains_per_programme_is_unbiased() -> None:
    """Every ordered pair of trains, as many as single ones: the mean over draws with replacement has no bias."""
    rows = walks(2)
    single = estimate([programme(each[None]) for each in rows], [path(2)] * len(rows), WINDOW)
    pairs = [programme(np.array([a, b])) for a in rows for b in rows]
    found = estimate(pairs, [path(2)] * len(pairs), WINDOW)
    assert (found.read, found.increment) == pytest.approx((single.read, single.increment), rel=1e-9)
    assert single.increment == pytest.approx(np.hypot(INCREMENT, READ), rel=0.02)


def test_an_increment_is_weighted_by_its_rest_at_the_next_reading() -> None:
    """q = 1/2: changes x_(n+1) - q x_n of steps that decay by q are the steps themselves."""
    drawn = signs(4) * INCREMENT
    x = np.zeros((len(drawn), 5))
    for n in range(4):
        x[:, n + 1] = 0.5 * x[:, n] + drawn[:, n]
    found = estimate([programme(x)], [path(4, steady=0.5)], WINDOW)
    assert found.increment == pytest.approx(INCREMENT * np.sqrt(16 / 15), rel=1e-9)
    assert found.read == pytest.approx(1e-5)


def test_without_consecutive_readings_residuals_are_reading_noise() -> None:
    """Every other reading: no change of one pulse is known, and the mean square about the curve is the noise."""
    rows = READ * signs(5)
    rows[:, 1::2] = np.nan
    found = estimate([programme(each[None]) for each in rows], [path(4)] * len(rows), WINDOW)
    assert found.read == pytest.approx(READ)
    assert found.increment == 0.0


def test_the_mean_of_several_trains_in_several_repeats_has_its_covariance() -> None:
    """(read^2 I + increment^2 M M^T) / T + rate^2 / K b b^T: T = 12 trains in K = 4 repeats, readings 0, 2 and 3."""
    by = np.array([0.0, 1.0, 1.7, 2.1])
    curve = Path(np.zeros(4), by, np.ones(4), np.array([0.9, 0.8, 0.7]))
    seen = np.array([0, 2, 3])
    found = covariance_of(curve, seen, Noise(0.01, 0.02, 0.3), 12, 4)
    left = np.array([[0, 0, 0], [0.8, 1.0, 0], [0.8 * 0.7, 0.7, 1.0]])  # of each update, at each of these readings
    b = by[seen]
    expected = (0.01**2 * np.eye(3) + 0.02**2 * left @ left.T) / 12 + 0.3**2 / 4 * np.outer(b, b)
    assert found == pytest.approx(expected, rel=1e-12)


def test_scatter_of_rates_over_repeats_beyond_noise_with_a_prior_of_two() -> None:
    """Three repeats whose curves are a multiple of the derivative: -0.3, 0 and 0.3 of ln rate, 2 trains each."""
    by = np.array([0.0, 1.0, 1.9, 2.7, 3.4])
    curve = Path(np.zeros(5), by, np.array([1.0, 0.9, 0.8, 0.72, 0.65]), np.full(4, 0.9))
    repeats = np.outer([-0.3, 0.0, 0.3], by)
    rows = np.repeat(repeats, 2, axis=0) + 0.004 * np.tile([1.0, -1.0, 1.0, -1.0, 1.0], (6, 1))
    found = estimate([programme(rows, repeats)], [curve], WINDOW)
    sigma = covariance_of(curve, np.arange(5), Noise(found.read, found.increment, 0.0), 2, 1)
    design = np.column_stack([curve.by_level, curve.by_start])
    own = np.linalg.inv(design.T @ np.linalg.inv(sigma) @ design)[0, 0]
    total = max(0.09 + 0.0 + 0.09 - 2 * own, 0.0)
    assert found.ln_rate == pytest.approx(np.sqrt((2 * PRIOR_SD["ln_rate"] ** 2 + total) / (2 + 2)), rel=1e-9)


def test_only_some_of_very_many_readings_are_used() -> None:
    x = np.zeros(1001)
    x[7] = np.nan
    seen = choose_readings(x)
    assert seen.size == 250
    assert (seen[0], seen[-1]) == (0, 1000)
    assert 7 not in seen
    assert np.diff(seen).max() <= 5
    assert choose_readings(x[:20]).tolist() == [*range(7), *range(8, 20)]


def test_trains_that_end_early_count_as_far_as_they_were_read() -> None:
    """Three trains at the first three readings, two at the last two: 13 / 5 of them on average."""
    values = np.array([[0.0, 0.1, 0.2, 0.3, 0.4], [0.0, 0.1, 0.2, 0.3, 0.4], [0.0, 0.1, 0.2, np.nan, np.nan]])
    trains = Trains("ltp", ("d", "d", "d"), np.arange(1, 4), values)
    assert Programme(trains, np.ones(4), np.full(4, 1e-6)).trains_read == pytest.approx(2.6)
