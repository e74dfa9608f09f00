"""Two populations compared: the units, yields, and populations that cannot be told from their wafers or dies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.population.compare import _compare_values, _compare_yields
from devicekit.population.result import _confounded

NAMES = ("A", "B")


def values(dies: int, cells: int, seed: int, die_sd: float = 0.10) -> pd.DataFrame:
    """Return one V_set of each cell of two populations that do not differ; the dies of each have other names."""
    rng = np.random.default_rng(seed)
    die = np.repeat(np.arange(2 * dies), cells)
    size = 2.0 + rng.normal(0.0, die_sd, 2 * dies)[die] + rng.normal(0.0, 0.05, die.size)
    by = np.where(die < dies, *NAMES)
    cell = np.arange(die.size).astype(str)
    frame = pd.DataFrame({"low": size, "high": size, "wafer": "", "die": die.astype(str), "cell": cell, "by": by})
    return frame.assign(file=frame["cell"] + ".csv", state="works")


def test_two_dies_a_population_are_the_units_and_seldom_differ_by_chance() -> None:
    found = [_compare_values(values(2, 8, seed), "v_set_v", "by", NAMES, 0) for seed in range(20)]
    assert {(each.unit_of_test, each.degrees) for each in found if each} == {("dies", 2)}
    assert sum(each.p < 0.05 for each in found if each) <= 3
    assert min(each.p_permutation for each in found if each) > 0.3


def test_one_die_against_two_has_one_degree_of_freedom() -> None:
    frame = values(2, 8, 1)
    found = _compare_values(frame[frame["die"] != "0"], "v_set_v", "by", NAMES, 0)
    assert found is not None
    assert (found.unit_of_test, found.degrees) == ("dies", 1)


def test_one_die_a_population_cannot_be_told_from_it() -> None:
    frame = values(1, 4, 1)
    assert len(_confounded(frame, ("by", NAMES))) == 1
    assert len(_confounded(values(2, 4, 1), ("by", NAMES))) == 0
    frame = values(2, 4, 1)
    frame.loc[frame["die"] == "1", "die"] = "2"  # which is then in both, and the others are not
    assert len(_confounded(frame, ("by", NAMES))) == 1


def test_a_die_without_a_working_cell_is_one_unit_of_the_yield() -> None:
    frame = values(3, 10, 1)
    frame.loc[frame["die"] == "5", "state"] = "open"
    found = _compare_yields(frame, "by", NAMES, 0)
    assert found is not None
    assert (found.unit_of_test, found.degrees) == ("dies", 4)
    assert found.difference.value == pytest.approx(-1 / 3)
    assert found.p == 1.0  # Fisher's test of 30 and 20 of 30 cells says 8e-4
    assert found.difference.ends is not None
    assert found.difference.ends[1] > 0.0


def test_dies_of_two_wafers_with_the_same_names_are_different_dies() -> None:
    frame = values(4, 4, 3)
    die = frame["die"].astype(int)
    frame = frame.assign(wafer=(die // 4).astype(str), die=(die % 4).astype(str))
    one = _compare_values(frame, "v_set_v", "by", NAMES, 0)
    other = _compare_values(frame.assign(die=die.astype(str)), "v_set_v", "by", NAMES, 0)
    assert one is not None
    assert one == other
    assert (one.unit_of_test, one.degrees) == ("dies", 6)


def test_a_condition_that_differs_with_the_populations_is_stated_and_one_that_does_not_is_held() -> None:
    frame = values(1, 12, 1, 0.0)
    at = np.where(frame["by"] == "A", 5e-5, 5e-4)
    found = _compare_values(frame.assign(compliance_a=at), "v_set_v", "by", NAMES, 0)
    assert found is not None
    assert (len(found.not_held), found.degrees) == (1, 22)
    mixed = np.where(np.arange(24) % 4 < np.where(frame["by"] == "A", 3, 1), 5e-5, 5e-4)
    size = frame["low"] + np.log10(mixed / 5e-5)
    found = _compare_values(frame.assign(compliance_a=mixed, low=size, high=size, die=""), "v_set_v", "by", NAMES, 0)
    assert found is not None
    assert (len(found.not_held), found.degrees) == (0, 21)
    assert abs(found.difference.value) < 0.08  # 0.5 V of the means
    assert np.isnan(found.p_permutation)
