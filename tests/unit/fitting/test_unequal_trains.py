"""Trains of unequal length, and trains that were read at other pulses: every reading counts, and none makes a step."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from devicekit.core.statistics import levels, mean_curve
from devicekit.fitting.comparison import compare
from devicekit.fitting.device import fit
from devicekit.fitting.report import source_text
from devicekit.fitting.variation.components import tracks_of
from devicekit.models.registry import get_law

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def advice_check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("advice_check", BENCHMARKS / "advice_check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(trains: list[np.ndarray]) -> pd.DataFrame:
    """LTP trains on the rising coordinate as siemens; LTD is their mirror."""
    rows = []
    for direction in ("ltp", "ltd"):
        for cycle, y in enumerate(trains, start=1):
            read = np.flatnonzero(np.isfinite(y))
            g = 5e-5 + 4e-5 * (y[read] if direction == "ltp" else 1 - y[read])
            columns = {"device_id": "a", "cycle": cycle, "direction": direction, "pulse_index": read}
            rows.append(pd.DataFrame({**columns, "conductance_s": g}))
    return pd.concat(rows, ignore_index=True)


def walks(lengths: list[int], seed: int = 0, offset: float = 0.03) -> list[np.ndarray]:
    """Linear trains of 100 steps a window, each with an offset of its own."""
    rng = np.random.default_rng(seed)
    return [
        np.cumsum(np.r_[offset * rng.standard_normal(), 0.01 + 0.002 * rng.standard_normal(n)])
        + 0.002 * rng.standard_normal(n + 1)
        for n in lengths
    ]


def padded(rows: list[np.ndarray]) -> np.ndarray:
    longest = max(row.size for row in rows)
    return np.array([np.pad(row, (0, longest - row.size), constant_values=np.nan) for row in rows])


def test_the_mean_of_rows_of_one_length_is_the_plain_mean() -> None:
    rows = np.random.default_rng(0).standard_normal((5, 30))
    np.testing.assert_array_equal(mean_curve(rows), rows.mean(axis=0))


def test_the_mean_has_no_step_where_rows_end() -> None:
    """Straight rows of one slope and offsets of their own: so is their mean, whichever of them go on."""
    offsets, ends = [0.5, -0.2, 0.1, 0.0], [10, 30, 30, 50]
    rows = padded([offset + 0.1 * np.arange(n + 1.0) for offset, n in zip(offsets, ends, strict=True)])
    np.testing.assert_allclose(mean_curve(rows), np.mean(offsets) + 0.1 * np.arange(51), atol=1e-12)
    assert np.abs(np.diff(np.nanmean(rows, axis=0)) - 0.1).max() > 0.1  # as the plain mean has


def test_the_mean_has_no_steps_where_some_rows_were_not_read() -> None:
    rows = np.array([offset + 0.1 * np.arange(21.0) for offset in (0.5, -0.2, 0.3)])
    rows[0, np.arange(21) % 5 != 0] = np.nan
    rows[1, 7] = np.nan
    np.testing.assert_allclose(mean_curve(rows), 0.2 + 0.1 * np.arange(21), atol=1e-12)
    np.testing.assert_allclose(levels(rows) - levels(rows).mean(), [0.3, -0.4, 0.1], atol=1e-12)
    rows[:, 3] = np.nan
    assert np.isnan(mean_curve(rows)[3])


def test_cycles_of_other_lengths_share_no_gains_and_a_single_one_is_ignored() -> None:
    fitted = fit(table(walks([60, 60, 60, 25, 25])), model="linear").ltp
    assert fitted is not None
    tracks = tracks_of([padded(walks([60, 60, 60, 25, 25]))], [fitted])
    assert sorted(track.deviation.shape for track in tracks) == [(2, 26), (3, 61)]
    alone = tracks_of([padded(walks([60, 25, 25]))], [fitted])
    longest = next(track for track in alone if track.deviation.shape[1] == 61)
    assert np.isfinite(longest.deviation[0, :26]).all()
    assert np.isnan(longest.deviation[0, 26:]).all()


def test_every_reading_reaches_the_fit_the_variation_and_the_comparison() -> None:
    lengths = [100, 100, *[20] * 10]
    result = fit(table(walks(lengths)), model="linear")
    assert not {"dropped"} & {each.code for each in result.warnings}
    for direction, branch in result.branches.items():
        assert result.trains(direction).values.shape == (12, 101)
        assert branch.n_points == 101
        assert result.likelihood[direction].n_trains == 12
        found = result.variation.branches[direction]
        assert found.n_cycles == 12
        assert found.increment == pytest.approx(0.002 * 4e-5 / result.window.span, rel=0.15)
    compared = compare(table(walks(lengths)))
    assert "of 12 trains" in compared.basis["ltp"]
    assert compared.branches["ltp"][0].model == "linear"


@pytest.mark.slow
def test_short_trains_narrow_the_fit_and_do_not_cut_the_long_ones() -> None:
    def error(lengths: list[int], seed: int) -> float:
        found = fit(table(walks(lengths, seed)), model="linear").ltp
        assert found is not None
        step = np.exp(found.theta[0]) * found.window.span / 4e-5
        return float(step / 0.01 - 1)

    few = [error([60, 60], seed) for seed in range(8)]
    more = [error([60, 60, *[12] * 10], seed) for seed in range(8)]
    assert np.sqrt(np.mean(np.square(more))) < np.sqrt(np.mean(np.square(few)))


@pytest.mark.slow
def test_advice_predicts_the_result_of_following_it(advice_check: ModuleType) -> None:
    """A part of `benchmarks/advice_check.py`: by the public fit, on a file that holds the added trains."""
    for kind, own in advice_check.check("softbounds", 8, 3).items():
        found = np.sqrt(np.mean(own["after"] ** 2))
        ratio = np.sqrt(np.mean(own["foretold"] ** 2)) / found
        assert 0.7 < ratio < 1.35, (kind, ratio)  # 24 errors of two branches: 12 %, two of them
        assert found < np.sqrt(np.mean(own["before"] ** 2)), kind


@pytest.mark.parametrize("cycles", [2, 3, 5])
def test_deviations_from_a_mean_of_the_same_cycles_are_widened_to_the_scatter_about_the_true_one(cycles: int) -> None:
    """Their mean square about the mean is (K - 1) / K of the variance: sqrt(K / (K - 1)) makes up for it."""
    law = get_law("linear")
    path = 0.1 + 0.02 * np.arange(12)
    rows = path + 0.01 * np.random.default_rng(1).standard_normal((cycles, 12))
    fitted: Any = SimpleNamespace(law=law, theta=np.log([0.02]), trajectory=path)
    (track,) = tracks_of([rows], [fitted])
    assert (track.deviation**2).mean(axis=0) == pytest.approx(rows.var(axis=0, ddof=1))
    assert track.q == pytest.approx(1.0)
    assert track.rho == pytest.approx(0.02)


@pytest.mark.parametrize(("lengths", "words"), [([12, 40, 40], "13 to 41 readings"), ([40, 40, 40], ", 41 readings")])
def test_the_source_of_a_fit_counts_the_readings_of_each_train(lengths: list[int], words: str) -> None:
    made = fit(table(walks(lengths)), model="linear")
    assert words in source_text(made, "a.csv")
