"""The band of the next cycles against walks that are drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.fitting.next_cycles import has_band, next_cycles, walk_factor


def table(levels: np.ndarray, rng: np.random.Generator, read: float = 0.002) -> pd.DataFrame:
    """One device of equal steps whose level moves from cycle to cycle."""
    n, rows = np.arange(61), []
    for cycle, level in enumerate(levels, start=1):
        for direction, sign in (("ltp", 1), ("ltd", -1)):
            r = (n / 60 if sign > 0 else 1 - n / 60) + level + read * rng.standard_normal(61)
            columns = {"device_id": "a", "cycle": cycle, "direction": direction, "pulse_index": n}
            rows.append(pd.DataFrame({**columns, "conductance_s": 5e-5 + 4e-5 * r}))
    return pd.concat(rows, ignore_index=True)


def test_the_factor_is_that_of_a_random_walk() -> None:
    """Mean of m further values of a walk against the mean of K: by 200,000 walks."""
    rng = np.random.default_rng(1)
    for seen, ahead in ((1, 5), (3, 5), (5, 5), (4, 2)):
        walk = np.cumsum(rng.standard_normal((200_000, seen + ahead)), axis=1)
        apart = walk[:, seen:].mean(axis=1) - walk[:, :seen].mean(axis=1)
        assert walk_factor(seen, ahead) == pytest.approx(apart.var(), rel=0.02)
    assert walk_factor(5, 5) == pytest.approx(3.4)


@pytest.mark.slow
def test_the_mean_of_the_next_cycles_of_a_walk_is_inside() -> None:
    inside = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        walk = np.cumsum(0.01 * rng.standard_normal(10))
        fit = devicekit.fit(table(walk[:5], rng), model="linear")
        new = table(walk[5:], rng)
        for direction in ("ltp", "ltd"):
            band = next_cycles(fit, direction)
            mean = new[new["direction"] == direction].groupby("pulse_index")["conductance_s"].mean().to_numpy()
            r = fit.window.to_state(mean)
            inside.append(np.mean((band.lower <= r) & (r <= band.upper)))
            assert band.lower.shape == (61,)
            assert not band.from_prior
    assert np.mean(inside) >= 0.9


def test_a_prior_replaces_the_walk_of_one_cycle() -> None:
    fit = devicekit.fit(table(np.zeros(1), np.random.default_rng(2)), model="linear")
    band = next_cycles(fit, "ltp")
    assert (band.from_prior, band.walk) == (True, 0.025)
    assert has_band(fit)
    assert "a prior" in band.sentence
    assert np.mean(band.upper - band.lower) / 2 == pytest.approx(1.96 * 0.025 * np.sqrt(walk_factor(1, 5)), rel=0.05)


def test_the_walk_of_several_cycles_is_shrunk_towards_the_prior() -> None:
    """Steps of 0.08 up and down: half of their mean square, 4 to 2 against the square of 0.025, as geometric means."""
    fit = devicekit.fit(table(np.array([0.0, 0.08, 0.0, 0.08, 0.0]), np.random.default_rng(2)), model="linear")
    assert next_cycles(fit, "ltp").walk == pytest.approx(
        np.sqrt((0.5 * 0.08**2) ** (2 / 3) * 0.025 ** (2 / 3)), rel=0.02
    )
