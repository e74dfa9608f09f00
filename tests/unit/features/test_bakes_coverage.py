"""Intervals of bakes on SYNTHETIC cells with planted laws: of 200 runs 93 to 97 % must hold the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from devicekit.core.records import Estimate
from devicekit.features.bakes.errors import count_errors, error_rate, place
from devicekit.features.bakes.loss import find_loss, measure_exponent
from devicekit.features.bakes.pairs import pair
from devicekit.features.bakes.relaxation import find_relaxation
from devicekit.features.bakes.shifts import level_shifts
from tests.unit.features.synthetic_bakes import bakes, relaxing

RUNS = 200
Run = Callable[[int], list[tuple[Estimate, float]]]  # seed -> intervals and their truth


def apparent_energy(seed: int) -> list[tuple[Estimate, float]]:
    """Two processes: a relaxation in all bakes, and a loss of 1 eV that the two hottest show."""
    table = pair(bakes(seed, kelvins=(373.15, 413.15, 493.15, 533.15), times=(7200.0, 4500.0, 4600.0, 5200.0)))
    assert table is not None
    found = find_loss(table, seed)
    return [] if found.energy is None else [(found.energy, 1.0)]


def exponent_of_time(seed: int) -> list[tuple[Estimate, float]]:
    table = pair(
        bakes(seed, kelvins=(353.15, *[533.15] * 4), times=(5200.0, 5.2, 52.0, 520.0, 5200.0), nu=0.25, relaxation=0.04)
    )
    assert table is not None
    found = measure_exponent(table, find_loss(table, seed), seed)
    return [] if found is None else [(found, 0.25)]


def shift_and_spread(seed: int) -> list[tuple[Estimate, float]]:
    """Cells with the tails of Student's t with 8 degrees of freedom."""
    table = pair(relaxing(seed, levels=1, cells=300, tails=8))
    assert table is not None
    (found,) = [each for each in level_shifts(table) if each.time_s == 1.0]
    return [(found.shift, 0.0), (found.sd, 1e-6 * 2.0**0.5)]


def slope_of_variance(seed: int) -> list[tuple[Estimate, float]]:
    table = pair(relaxing(seed, levels=4, cells=150))
    assert table is not None
    found = find_relaxation(table, 1e8, seed)
    assert found is not None
    return [(each.variance_slope, 0.5e-12) for each in found.groups]


def wrong_bits(seed: int) -> list[tuple[Estimate, float]]:
    """Placed on half of the cells; the truth is counted on 200,000 others with the same placement."""
    rng = np.random.default_rng(seed)

    def cells(n: int) -> tuple[np.ndarray, np.ndarray]:
        before = rng.uniform(0.0, 30e-6, n)
        return before, before + 2.5e-6 * rng.standard_normal(n)

    placed = place(*cells(3000), 4, 1e-6)
    assert placed is not None
    truth = error_rate([count_errors(*cells(200_000), placed)]).value
    return [(error_rate([count_errors(*cells(3000), placed)], seed), truth)]


@pytest.mark.heavy
@pytest.mark.parametrize("run", [apparent_energy, exponent_of_time, shift_and_spread, slope_of_variance, wrong_bits])
def test_intervals_hold_the_truth(run: Run) -> None:
    found = [each for seed in range(RUNS) for each in run(seed)]
    assert len(found) >= 0.9 * RUNS
    kinds = len(found) // RUNS or 1
    for kind in range(kinds):
        held = [low <= truth <= high for each, truth in found[kind::kinds] for low, high in [each.ends or (1.0, 0.0)]]
        assert 0.93 <= np.mean(held) <= 0.97, f"{run.__name__}: {np.mean(held):.3f} of {len(held)}"


@pytest.mark.heavy
def test_an_energy_that_is_not_there_is_refused() -> None:
    tables = [pair(bakes(seed, energy=None)) for seed in range(RUNS)]
    assert np.mean([table is not None and find_loss(table).energy is None for table in tables]) >= 0.95


@pytest.mark.parametrize("run", [apparent_energy, exponent_of_time, shift_and_spread, slope_of_variance, wrong_bits])
def test_one_run_of_each(run: Run) -> None:
    for each, truth in run(3):
        low, high = each.ends or (1.0, 0.0)
        assert low - (high - low) <= truth <= high + (high - low)
