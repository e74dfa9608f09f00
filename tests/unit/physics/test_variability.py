"""Scatter of loops with known numbers, and devices drawn about a stack."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import linregress

from devicekit.core.errors import ParameterError
from devicekit.core.records import frame
from physics.iv import simulate_iv
from physics.variability import MERITS, devices, scatter


def loops(**columns):
    """Cycles like those of a result; hrs_s and lrs_s stand in `device`, and are wrong on the cycle itself."""
    number = len(next(iter(columns.values())))
    cycles = []
    for k in range(number):
        own = {name: columns[name][k] if name in columns else 1.0 + 0.1 * k for name in MERITS}
        device = SimpleNamespace(hrs_s=own.pop("hrs_s"), lrs_s=own.pop("lrs_s"))
        cycles.append(SimpleNamespace(**own, hrs_s=99.0, lrs_s=99.0, device=device))
    return SimpleNamespace(cycles=tuple(cycles))


def by_name(found):
    return {each.name: each for each in found}


def test_mean_and_spread_of_known_numbers():
    numbers = [7.0, 0.50, 0.52, 0.47, 0.55, 0.49, 0.51]  # the first is left out
    found = by_name(scatter(loops(v_set_v=numbers, hrs_s=[2e-6 * x for x in numbers])))
    assert tuple(found) == tuple(MERITS)
    rest = np.array(numbers[1:])
    line = linregress(np.arange(6), rest)
    off = rest - line.intercept - line.slope * np.arange(6)
    for name, size in (("v_set_v", 1.0), ("hrs_s", 2e-6)):
        each = found[name]
        assert each.loops == 6
        assert each.mean == pytest.approx(size * rest.mean(), rel=1e-12)
        assert each.sd == pytest.approx(np.std(rest, ddof=1) / rest.mean(), rel=1e-12)
        assert each.detrended == pytest.approx(math.sqrt(off @ off / 4) / rest.mean(), rel=1e-9)
        assert each.lag1 == pytest.approx(off[1:] @ off[:-1] / (off @ off), rel=1e-9)


def test_a_pure_line_is_no_scatter_and_a_negative_mean_has_a_size():
    found = by_name(scatter(loops(v_reset_v=[-0.8 - 0.01 * k for k in range(30)]), skip=0))["v_reset_v"]
    assert found.mean == pytest.approx(-0.945)
    assert found.sd == pytest.approx(0.01 * math.sqrt(30 * 31 / 12) / 0.945, rel=1e-9)  # of 0 to 29: n (n + 1) / 12
    assert found.detrended < 1e-12


@pytest.mark.parametrize(
    ("series", "expected", "within"),
    [
        ([(-1.0) ** k for k in range(200)], -1.0, 0.01),
        (np.cumsum(np.random.default_rng(3).normal(size=400)), 1.0, 0.06),
        (np.random.default_rng(4).normal(size=2000), 0.0, 0.05),
    ],
    ids=["alternating", "walk", "chance"],
)
def test_lag_of_one_loop(series, expected, within):
    found = by_name(scatter(loops(lrs_s=10.0 + 0.1 * np.asarray(series)), skip=0))["lrs_s"]
    assert found.lag1 == pytest.approx(expected, abs=within)
    line = linregress(np.arange(len(series)), series)
    off = series - line.intercept - line.slope * np.arange(len(series))
    mean = 10.0 + 0.1 * np.mean(series)
    assert found.detrended == pytest.approx(0.1 * math.sqrt(off @ off / (len(series) - 2)) / mean, rel=1e-6)


def test_loops_without_a_value_are_left_out_of_their_figure_alone():
    values = [1.0, 1.0, 1.2, None, 1.1, 1.3, 1.0, None]
    found = by_name(scatter(loops(v_100ua_v=values), skip=1))
    assert found["v_100ua_v"].loops == 5
    assert found["v_100ua_v"].mean == pytest.approx(1.12)
    assert found["v_set_v"].loops == 7
    values[2] = None
    found = by_name(scatter(loops(v_100ua_v=values), skip=1))["v_100ua_v"]
    assert found.loops == 4
    assert np.isnan([found.mean, found.sd, found.detrended, found.lag1]).all()


def test_loops_beside_one_without_a_value_are_no_neighbours():
    """Of loops 0, 1 and 3 to 6 the pairs 0-1, 3-4, 4-5 and 5-6."""
    at, values = np.array([0, 1, 3, 4, 5, 6]), np.array([1.0, 1.2, 0.9, 1.3, 1.0, 1.4])
    found = by_name(scatter(loops(v_100ua_v=[1.0, 1.2, None, 0.9, 1.3, 1.0, 1.4]), skip=0))["v_100ua_v"]
    line = linregress(at, values)
    off = values - line.intercept - line.slope * at
    pairs = off[0] * off[1] + off[2] * off[3] + off[3] * off[4] + off[4] * off[5]
    assert found.lag1 == pytest.approx(pairs / (off @ off), rel=1e-9)


def test_five_loops_are_enough_and_four_are_not():
    five = loops(v_set_v=[0.5, 0.6, 0.5, 0.6, 0.5, 0.6])
    table = frame(scatter(five))
    assert list(table["name"]) == list(MERITS)
    assert list(table.columns) == ["name", "loops", "mean", "sd", "detrended", "lag1"]
    with pytest.raises(ParameterError, match="cycles: found 4 after the first 2, expected 5 or more"):
        scatter(five, skip=2)


@pytest.mark.slow
def test_scatter_of_a_run_with_noise(rough):
    quick = {"numerics.voltage_step": 0.1, "numerics.density_step": 0.3, "drive.set_stop": 0.7, "drive.reset_stop": -1}
    result = simulate_iv(rough.replace(quick), mesh="coarse", cycles=6, noise=1)
    found = by_name(scatter(result))
    sets = [each.v_set_v for each in result.cycles[1:]]
    assert found["v_set_v"].mean == pytest.approx(np.mean(sets))
    assert found["v_set_v"].sd == pytest.approx(np.std(sets, ddof=1) / np.mean(sets))
    assert 0 < found["v_set_v"].sd < 0.2
    assert found["hrs_s"].mean == pytest.approx(np.mean([each.device.hrs_s for each in result.cycles[1:]]))


def test_devices_are_log_normal_about_the_stack(stack):
    spread = {"conduction.filament": 0.3, "reaction.energy": 0.02}
    found = devices(stack, spread, 1500, seed=8)
    for key, size in spread.items():
        logs = np.log([each.get(key) / stack.get(key) for each in found])
        assert logs.mean() == pytest.approx(0.0, abs=4 * size / math.sqrt(1500))
        assert logs.std(ddof=1) == pytest.approx(size, rel=4 / math.sqrt(2 * 1500))
        skew = float(np.mean(((logs - logs.mean()) / logs.std()) ** 3))
        assert skew == pytest.approx(0.0, abs=4 * math.sqrt(6 / 1500))
    pairs = np.array([[each.get(key) for key in spread] for each in found])
    assert abs(np.corrcoef(np.log(pairs).T)[0, 1]) < 4 / math.sqrt(1500)
    assert {each.filament.radius for each in found} == {stack.filament.radius}


def test_devices_are_drawn_again_by_the_same_seed(stack):
    spread = {"heat.filament": 0.1}
    one, two, other = (
        [each.heat.filament for each in devices(stack, spread, number, seed)]
        for number, seed in ((4, 1), (4, 1), (4, 2))
    )
    assert one == two
    assert set(one).isdisjoint(other)
    assert len(set(one)) == 4


@pytest.mark.parametrize(
    ("spread", "words"),
    [
        ({"reaction.energie": 0.1}, "reaction.energie"),
        ({"reaction.law": 0.1}, "reaction.law is not a number"),
        ({"reaction.generation": 0.1}, "reaction.generation is not a number"),
        ({"reaction.energy": 0.0}, "found 0 for reaction.energy"),
        ({"reaction.energy": -0.1}, "found -0.1 for reaction.energy"),
        ({"reaction.energy": 1.0}, "found 1 for reaction.energy"),
        ({"heat.filament": 0.1, "reaction.energy": math.nan}, "found nan for reaction.energy"),
    ],
)
def test_spreads_that_are_none_are_refused(stack, spread, words):
    with pytest.raises(ParameterError, match=words):
        devices(stack, spread, 2)


def test_an_impossible_device_is_refused_by_its_key(stack):
    with pytest.raises(ParameterError) as caught:  # half of such gaps are longer than the layer
        devices(stack.replace({"filament.gap_length": 5.0}), {"filament.gap_length": 0.1}, 20)
    assert "filament.gap_length" in json.dumps([vars(row) for row in caught.value.rows])
