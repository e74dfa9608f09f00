"""Conditions and levels: the stratum against which each is tested, levels that are not there, values without one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from devicekit.population.components import correct, effects_of, find_factors, fit_model, group_levels, missing
from devicekit.population.distributions import _clustered


def frame(wafer: np.ndarray, cell: np.ndarray, file: np.ndarray, size: np.ndarray, **keys: np.ndarray) -> pd.DataFrame:
    words = {"wafer": wafer.astype(str), "die": "", "cell": cell.astype(str), "file": file.astype(str)}
    return pd.DataFrame({"low": size, "high": size, **words, **{f"key_{name}": own for name, own in keys.items()}})


def test_a_condition_of_whole_files_is_tested_against_the_spread_between_files() -> None:
    cell, file = np.repeat(np.arange(4), 20), np.repeat(np.arange(8), 10)
    by_chance = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        size = 2.0 + rng.normal(0, 0.05, 8)[file] + rng.normal(0, 0.05, 80)
        values = frame(np.full(80, ""), cell, file % 2, size, temperature=np.where(file % 2, 350.0, 300.0))
        model = fit_model(values, "v_set_v", find_factors(values))
        assert model is not None
        (effect,) = effects_of(model)
        assert (effect.degrees, effect.varies) == (3, "within cells")
        by_chance.append(effect.p < 0.05)
    assert sum(by_chance) <= 2


def test_an_effect_is_claimed_if_it_is_significant_among_all_conditions() -> None:
    rng = np.random.default_rng(3)
    cell = np.repeat(np.arange(10), 6)
    keys = {name: rng.choice([1.0, 2.0], 60) for name in ("rate", "width", "temperature")}
    size = 2.0 + rng.normal(0, 0.1, 60) + 0.04 * keys["rate"] + 0.2 * keys["width"]
    values = frame(np.full(60, ""), cell, np.arange(60), size, **keys)
    model = fit_model(values, "v_set_v", find_factors(values))
    assert model is not None
    rate, width, _ = correct(effects_of(model))
    assert rate.p < 0.05 < rate.p_holm
    assert (rate.seen, width.seen) == (False, True)


def test_levels_that_the_names_do_not_hold_are_none() -> None:
    cell = np.repeat(np.arange(20), 3)
    values = frame(cell // 4, cell, np.arange(60), np.ones(60))
    assert list(group_levels(values)) == ["wafer", "cell"]  # a file is a cycle, and there is no die
    assert list(group_levels(values.assign(wafer=""))) == ["cell"]


def test_a_condition_between_wafers_does_not_lose_a_degree_of_freedom_to_those_within_cells() -> None:
    rng = np.random.default_rng(1)
    cell = np.repeat(np.arange(20), 8)
    wafer = cell // 4
    size = 2.0 + rng.normal(0, 0.1, 5)[wafer] + rng.normal(0, 0.1, 20)[cell] + rng.normal(0, 0.1, 160)
    inner = {name: rng.choice([1.0, 1.5, 2.0], 160) for name in ("rate", "width", "temperature")}
    values = frame(wafer, cell, np.arange(160), size, thickness=1e-9 * (5.0 + wafer), **inner)
    model = fit_model(values, "v_set_v", find_factors(values))
    assert model is not None
    degrees = {each.factor: each.degrees for each in effects_of(model)}
    assert degrees == {"thickness": 3, "sweep rate": 137, "width": 137, "temperature": 137}


def test_few_values_without_a_condition_are_left_out_and_many_leave_it_untested() -> None:
    rng = np.random.default_rng(1)
    cell, rate = np.repeat(np.arange(10), 10), rng.choice([1.0, 10.0], 100)
    values = frame(np.full(100, ""), cell, np.arange(100), rng.normal(2.0, 0.1, 100), rate=rate)
    some = values.assign(key_rate=np.where(np.arange(100) < 4, np.nan, rate))
    model = fit_model(some, "v_set_v", find_factors(some))
    assert model is not None
    assert (len(model.values), len(model.factors), len(missing(some, "v_set_v"))) == (96, 1, 0)
    many = values.assign(key_rate=np.where(np.arange(100) < 9, np.nan, rate))
    assert (len(find_factors(many)), len(missing(many, "v_set_v"))) == (0, 1)


def test_the_share_of_attempts_of_two_cells_is_not_known_as_if_they_were_independent() -> None:
    few = _clustered(np.array([9.0, 9.0]), np.array([10.0, 10.0])).ends
    assert few is not None
    assert few[0] < 0.16  # as of two cells that all did it
    assert few[1] > 0.99
    many = _clustered(np.tile([8.0, 10.0], 50), np.full(100, 10.0)).ends
    assert many is not None
    assert many[0] > 0.87
    assert many[1] < 0.93
    once = _clustered(np.repeat([0.0, 1.0], [2, 18]), np.ones(20)).ends
    assert once is not None
    np.testing.assert_allclose(once, (0.6830, 0.9877), atol=0.03)
