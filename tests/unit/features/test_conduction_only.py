"""Curves that only conduct, and noise, have no V_set, V_reset, HRS or LRS; what switches above the noise keeps them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from devicekit.features.definitions import MEANINGS
from devicekit.features.merits import dc, mechanism
from devicekit.synthetic import records

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from conduction_only import SEED, curves, draw, numbers


def test_a_part_of_the_curves_that_never_switch() -> None:
    assert [numbers(curve) for curve in curves(12)] == [[]] * 12


@pytest.mark.slow
@pytest.mark.parametrize("seed", [SEED, 7, 8])
def test_none_of_sixty_curves_that_never_switch_has_a_figure_of_merit(seed: int) -> None:
    found = [(curve.kind, names) for curve in curves(60, seed) if (names := numbers(curve))]
    assert found == []


def test_noise_at_the_floor_is_reported_as_noise() -> None:
    found = dc.characterize(draw("noise", np.random.default_rng(1)).table())
    assert found.polarity.word == "unknown"
    assert found.outcomes == {"in_noise": 1}
    assert MEANINGS["in_noise"] in found.sentences()
    assert found.scalars() == ()


@pytest.mark.slow
def test_what_only_conducts_is_not_split_into_two_states() -> None:
    made = [curve for curve in curves(6) if curve.kind == "fowler_nordheim"]
    results = [mechanism.characterize(curve.table()) for curve in made]
    assert {state.state for result in results if result is not None for state in result.states} <= {"state"}


def test_a_device_whose_hrs_lies_in_the_noise_still_sets() -> None:
    truth = records.SweepTruth(noise=0.05, floor=3e-7)  # three times the current of the HRS at the read voltage
    found = dc.characterize(records.sweeps(10, truth=truth))
    assert found.outcomes.get("switched", 0) >= 9
