"""Two populations compared: the units, yields, and populations that cannot be told from their wafers or dies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.population.compare import _compare_values, _compare_yields, compare
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


@pytest.mark.parametrize(("effect", "seen"), [(0.06, False), (0.2, True)])  # [V]
def test_a_difference_is_claimed_if_it_is_significant_among_all_quantities(effect: float, seen: bool) -> None:
    first, second = values(1, 8, 2, 0.0), values(1, 8, 3, 0.0)
    size = first["low"] + effect * (first["by"] == "B")
    found = compare({"v_set_v": first.assign(low=size, high=size), "v_reset_v": second}, first, "by", NAMES)
    assert [each.quantity for each in found] == ["v_set_v", "v_reset_v", "cells that switch"]
    assert found[0].p < 0.05
    assert found[0].seen is seen


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


def partly_crossed(seed: int, effect: float = 0.0) -> pd.DataFrame:
    """Return cells of two populations: three wafers hold both, in unequal numbers, and two hold one of them."""
    rng = np.random.default_rng(seed)
    numbers = {0: (12, 6), 1: (6, 12), 2: (9, 9), 3: (20, 0), 4: (0, 20)}
    share = rng.uniform(0.4, 1.0, 5) - 0.4 * (np.arange(5) == 3)
    volts = rng.normal(2.0, 0.3, 5)
    rows = [(w, by) for w, pair in numbers.items() for by, n in zip(NAMES, pair, strict=True) for _ in range(n)]
    wafer, by = np.array([w for w, _ in rows]), np.array([by for _, by in rows])
    good = rng.random(len(rows)) < share[wafer] - effect * (by == "B")
    size = volts[wafer] + rng.normal(0.0, 0.05, len(rows)) + effect * (by == "B")
    cell = np.arange(len(rows)).astype(str)
    frame = pd.DataFrame({"wafer": wafer.astype(str), "die": "", "cell": cell, "by": by, "low": size, "high": size})
    return frame.assign(state=np.where(good, "works", "open"), file=frame["cell"])


def test_wafers_that_hold_one_population_only_say_nothing_about_the_difference() -> None:
    covered, seen = [], []
    for seed in range(20):
        frame = partly_crossed(seed, 0.1)
        found = _compare_yields(frame, "by", NAMES, seed)
        assert found is not None
        assert found.unit_of_test == "cells"
        assert found.n_cells == (27, 27)
        assert found.difference.ends is not None
        covered.append(found.difference.ends[0] <= -0.1 <= found.difference.ends[1])
        own = _compare_values(frame, "v_set_v", "by", NAMES, seed)
        assert own is not None
        assert own.difference.ends is not None
        assert own.degrees == 54 - 3 - 1
        seen.append(own.difference.ends[0] <= 0.1 <= own.difference.ends[1])
    assert np.mean(covered) >= 0.9  # 0.5 if all cells count alike
    assert np.mean(seen) >= 0.9
    assert len(_confounded(frame, ("by", NAMES))) == 1


def test_dies_of_wafers_that_hold_both_populations_are_compared_within_them() -> None:
    frame = values(6, 4, 5)
    die = frame["die"].astype(int)
    wafer = np.array([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 3, 3])[die]
    found = _compare_yields(
        frame.assign(wafer=wafer.astype(str), state=np.where(die % 2, "works", "open")), "by", NAMES, 0
    )
    assert found is not None
    assert (found.unit_of_test, found.degrees, found.n_cells) == ("dies", 8 - 2 - 1, (16, 16))
    assert found.difference.value == pytest.approx(0.0)
