"""Measured sweeps of a calibration: levels, branches and ramp rates of sweeps made by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import ParameterError, TraceError
from devicekit.features.dc.segments import Segment
from physics.calibration.measured import _rate, levels_of, select
from physics.calibration.model import (
    drive_of,
)

from .calibration_toys import device, level_at, rows, table


def branches(level):
    return {each.name: each for each in level.branches}


def test_a_stated_compliance():
    v, i = device(limit=1e-4, parts="sbrz")
    (level,) = levels_of(table(rows(v, i, compliance_a=np.where(v > 0, 1e-4, np.nan))), 2.5)
    assert (level.compliance, level.source, level.rate, level.mirrored) == (1e-4, "stated", 2.5, False)
    assert (level.set_stop, level.reset_stop) == (pytest.approx(0.8), pytest.approx(-1.0))
    assert level.name == "dev loop 1, 100 µA"
    found = branches(level)
    assert list(found) == ["set", "set_back", "reset"]
    # up to the jump at 0.5 V, where the limit takes over; back from where 2e-4 S is below 97 % of it, at 0.48 V
    np.testing.assert_allclose(found["set"].voltage, np.arange(0.03, 0.495, 0.01))
    np.testing.assert_allclose(found["set"].log_current, np.log(1e-5 * found["set"].voltage))
    np.testing.assert_allclose(found["set_back"].voltage, np.arange(0.48, 0.025, -0.01))
    np.testing.assert_allclose(found["set_back"].log_current, np.log(2e-4 * found["set_back"].voltage))
    assert found["reset"].voltage[[0, -1]] == pytest.approx([-0.04, -1.0])
    after = found["reset"].voltage <= -0.6
    conductance = np.exp(found["reset"].log_current) / -found["reset"].voltage
    np.testing.assert_allclose(conductance, np.where(after, 1e-5, 2e-4))
    assert level.branch("reset") is found["reset"]
    assert level.branch("read") is None


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_plateau_in_the_data(noise):
    v, i = device(limit=8e-5)
    random = np.random.default_rng(1)
    (level,) = levels_of(table(rows(v, i * np.exp(noise * random.normal(size=v.size)))), 1.0)
    assert level.source == "data"
    assert level.compliance == pytest.approx(8e-5, rel=max(noise, 1e-12))
    assert branches(level)["set"].voltage.max() == pytest.approx(0.49)


def test_no_compliance_at_all():
    v, i = device()
    (level,) = levels_of(table(rows(v, i)), 1.0)
    assert (level.compliance, level.source, level.name) == (math.inf, "", "dev loop 1, no compliance")
    assert branches(level)["set"].voltage.max() == pytest.approx(0.8)
    assert all(segment.compliance == math.inf for segment in drive_of(level))


def test_several_levels_in_the_order_of_the_table():
    frames = [
        rows(*device(limit=limit, high=high, end=end), name=name, cycle=cycle)
        for limit, high, end, name, cycle in (
            (2e-4, 6e-4, -1.2, "b", 4),
            (5e-5, 1.5e-4, -0.9, "a", 2),
            (1e-4, 3e-4, -1.0, "b", 3),
        )
    ]
    found = levels_of(table(*frames), 1.0)
    assert [level.name for level in found] == ["b loop 4, 200 µA", "a loop 2, 50 µA", "b loop 3, 100 µA"]
    assert [level.compliance for level in found] == pytest.approx([2e-4, 5e-5, 1e-4])
    assert [level.reset_stop for level in found] == pytest.approx([-1.2, -0.9, -1.0])


def test_rows_of_two_sweeps_may_be_mixed_and_readings_missing():
    one, two = (rows(*device(limit=limit, high=3 * limit), cycle=k) for k, limit in ((1, 5e-5), (2, 1e-4)))
    mixed = pd.concat([one, two]).sort_values(["point", "cycle"])  # every other row is of the other sweep
    mixed.loc[(mixed["cycle"] == 2) & mixed["point"].isin([20, 30]), "current_a"] = np.nan
    apart, found = levels_of(table(one, two), 1.0), levels_of(table(mixed), 1.0)
    assert [level.name for level in found] == [level.name for level in apart]
    np.testing.assert_array_equal(found[0].branches[0].voltage, apart[0].branches[0].voltage)
    assert found[1].branches[0].voltage.size == apart[1].branches[0].voltage.size - 2


def test_a_device_that_sets_below_0_v_is_mirrored():
    v, i = device(limit=1e-4, parts="sbrz")
    (plain,), (turned,) = (levels_of(table(rows(sign * v, sign * i)), 1.0) for sign in (1, -1))
    assert (plain.mirrored, turned.mirrored) == (False, True)
    assert (turned.compliance, turned.set_stop, turned.reset_stop) == (plain.compliance, plain.set_stop, -1.0)
    for one, two in zip(plain.branches, turned.branches, strict=True):
        np.testing.assert_array_equal(one.voltage, two.voltage)
        np.testing.assert_array_equal(one.log_current, two.log_current)


def test_the_sign_of_most_sweeps_decides_the_set_polarity():
    v, i = device(limit=1e-4)
    frames = [rows(v, i, cycle=1), rows(-v, -i, cycle=2), rows(-v, -i, cycle=3)]
    found = levels_of(table(*frames), 1.0)
    assert [level.name for level in found] == ["dev loop 2, 100 µA", "dev loop 3, 100 µA"]
    assert all(level.mirrored for level in found)


def test_the_rate_is_that_of_the_times():
    v, i = device(limit=1e-4)
    seconds = np.cumsum(np.abs(np.diff(v, prepend=0))) / 0.25  # 0.25 V/s
    timed = table(rows(v, i, time_s=seconds + 100))
    assert levels_of(timed)[0].rate == pytest.approx(0.25, rel=1e-9)
    assert levels_of(timed, 0.25 * 1.049)[0].rate == pytest.approx(0.25, rel=1e-9)
    assert levels_of(timed, 0.25 / 1.049)[0].rate == pytest.approx(0.25, rel=1e-9)
    for wrong in (0.25 * 1.051, 0.25 / 1.051):
        with pytest.raises(ParameterError, match=r"rate: .* dev loop 1 .* 0\.25 V/s"):
            levels_of(timed, wrong)
    gaps = seconds.copy()
    gaps[30:] += 7.0  # the instrument changes its range,
    gaps[40:] -= 0.03  # and hurries
    gaps[5:25:3] = np.nan
    assert levels_of(table(rows(v, i, time_s=gaps)))[0].rate == pytest.approx(0.25, rel=1e-9)


def test_a_rate_is_required_without_times():
    v, i = device(limit=1e-4)
    for columns in ({}, {"time_s": np.nan}, {"time_s": 3.0}):
        with pytest.raises(ParameterError, match="rate: dev loop 1"):
            levels_of(table(rows(v, i, **columns)))
        assert levels_of(table(rows(v, i, **columns)), 7.0)[0].rate == 7.0
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ParameterError, match=r"rate: found .* expected more than 0 V/s"):
            levels_of(table(rows(v, i)), bad)


def test_a_sweep_sets_if_its_conductance_doubles():
    just, short = (rows(*device(high=ratio * 1e-5), cycle=k) for k, ratio in ((1, 2.01), (2, 1.99)))
    (level,) = levels_of(table(short, just), 1.0)
    assert level.name == "dev loop 1, no compliance"
    with pytest.raises(TraceError, match="contains a SET"):
        levels_of(table(short), 1.0)


@pytest.mark.parametrize("parts", ["s", "r", "sr", "rz"])
def test_without_a_way_back_from_a_set_there_is_no_level(parts):
    with pytest.raises(TraceError, match="contains a SET"):
        levels_of(table(rows(*device(parts=parts))), 1.0)


def test_the_reset_of_a_level_is_the_one_after_its_set():
    before = levels_of(table(rows(*device(limit=1e-4, parts="rzsb"))), 1.0)[0]
    assert before.reset_stop == 0.0
    assert list(branches(before)) == ["set", "set_back"]
    (v, i), (w, j) = device(limit=1e-4, parts="rz", end=-0.7), device(limit=1e-4, parts="sbrz", end=-1.1)
    both = levels_of(table(rows(np.r_[v, w], np.r_[i, j])), 1.0)[0]
    assert both.reset_stop == pytest.approx(-1.1)  # not that before the SET


@pytest.mark.parametrize(("points", "enough"), [(8, True), (7, False)])
def test_a_branch_has_eight_points(points, enough):
    after = 0.025 * (points + 1)  # 0.025, 0.05, ... V, and there it jumps to the limit
    v, i = device(limit=4e-4 * after, high=4e-4, v_set=after - 0.0125, step=0.025)
    if enough:
        assert branches(levels_of(table(rows(v, i)), 1.0)[0])["set"].voltage.size == points
    else:
        with pytest.raises(TraceError, match="dev loop 1: set has 7 usable points, expected 8 or more"):
            levels_of(table(rows(v, i)), 1.0)


def test_points_at_the_limit_near_zero_and_of_the_wrong_sign_are_left_out():
    v, i = device(stop=1.0, v_set=0.9, low=1e-5, high=1e-4)
    i = np.minimum(i, 1e-4 * 0.9)
    up = np.arange(101)
    i[up] = np.where(v[up] < 0.9, i[up], 9e-5)
    i[80] = 0.969 * 9e-5  # just below what counts as limited
    i[60] = -i[60]
    v[1:5] = [0.01, 0.0299, 0.0301, 0.04]
    stated = np.where(v > 0, 9e-5, np.nan)
    found = branches(levels_of(table(rows(v, i, compliance_a=stated)), 1.0)[0])["set"]
    assert found.voltage[0] == 0.0301
    assert 0.8 in found.voltage.round(9)
    assert 0.6 not in found.voltage.round(9)
    assert found.voltage.max() == pytest.approx(0.89)
    i[80] = 0.971 * 9e-5  # once limited, what follows on the way up is the instrument's
    found = branches(levels_of(table(rows(v, i, compliance_a=stated)), 1.0)[0])["set"]
    assert found.voltage.max() == pytest.approx(0.79)


def test_steps_back_of_the_voltage_are_left_out():
    v, i = device(limit=1e-4, v_set=0.7)
    noisy = v + np.where(np.arange(v.size) % 5 == 2, 0.015, 0.0) * (v > 0.1)  # beyond the next one
    found = branches(levels_of(table(rows(noisy, i)), 1.0)[0])
    for each in found.values():
        steps = np.diff(np.abs(each.voltage))
        assert np.all(steps > 0) or np.all(steps < 0)
    up = found["set"]
    assert 0.135 in up.voltage.round(9)  # 0.12 V as it was set
    assert 0.13 not in up.voltage.round(9)
    assert 0.14 in up.voltage.round(9)


def test_a_branch_has_80_points_at_most():
    v, i = device(limit=1e-4, step=0.002)
    whole = branches(levels_of(table(rows(v, i)), 1.0)[0])
    assert [each.voltage.size for each in whole.values()] == [80, 80, 80]
    assert (whole["set"].voltage[0], whole["set"].voltage[-1]) == (pytest.approx(0.026), pytest.approx(0.498))
    assert (whole["reset"].voltage[0], whole["reset"].voltage[-1]) == (pytest.approx(-0.032), pytest.approx(-1.0))


def test_a_level_is_held_out_by_its_compliance_to_5_percent():
    levels = [level_at(limit) for limit in (5e-5, 1e-4, 1.04e-4, 4e-4)]
    for wanted, out in ((1e-4, [1, 2]), (1e-4 / 1.049, [1]), (1.04e-4 / 0.951, [2])):
        kept, held = select(levels, [wanted])
        assert [levels.index(each) for each in held] == out
        assert [levels.index(each) for each in kept] == [k for k in range(4) if k not in out]
    assert select(levels, []) == (levels, [])
    assert [len(each) for each in select(levels, [5e-5, 4e-4])] == [2, 2]
    near = [level_at(limit) for limit in (1e-4, 1.049e-4, 1.051e-4)]
    assert select(near, [1e-4])[1] == near[:2]
    with pytest.raises(ParameterError, match="hold-out: found 0 A"):
        select(levels, [0.0])
    for unknown in (5e-5 / 1.051, 4e-4 / 0.949):
        with pytest.raises(ParameterError, match=r"hold-out: .* 50 µA, 100 µA, 104 µA, 400 µA"):
            select(levels, [unknown])
    with pytest.raises(ParameterError, match=r"hold-out: .* left"):
        select(levels[1:3], [1.02e-4])
    with pytest.raises(ParameterError, match=r"hold-out: .* 1 mA"):
        select([level_at(math.inf)], [1e-3])


def test_a_staircase_has_the_rate_of_its_voltages():
    v, i = device(limit=1e-4)
    seconds = np.cumsum(np.abs(np.diff(v, prepend=0))) / 0.25
    twice = rows(np.repeat(v, 2), np.repeat(i, 2), time_s=np.repeat(seconds, 2) + np.tile([0.0, 0.001], v.size))
    assert levels_of(table(twice))[0].rate == pytest.approx(0.25, rel=1e-6)


def rate(v: list[float], t: list[float]) -> float:
    return _rate(np.array(v), np.array(t), Segment(0, len(v), 1, True), None, "d")


def test_the_rate_is_the_rise_over_the_time_of_a_step() -> None:
    assert rate([0.0, 0.1, 0.2, 0.3], [5.0, 5.5, 6.0, 6.5]) == pytest.approx(0.2)
    assert rate([0.0, -0.1, -0.2, -0.3], [5.0, 5.5, 6.0, 6.5]) == pytest.approx(0.2)


def test_a_voltage_that_is_read_twice_is_one_step() -> None:
    """0.1 V a second, every voltage read at two times: the dwell counts to the step."""
    assert rate([0.0, 0.0, 0.1, 0.1, 0.2, 0.2, 0.3], [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]) == pytest.approx(0.1)


def test_one_pause_and_one_missing_time_do_not_count() -> None:
    assert rate([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], [0.0, 1.0, 2.0, np.nan, 4.0, 90.0]) == pytest.approx(0.1)


def test_steps_that_share_a_stamp_have_no_rate_of_their_own() -> None:
    """Of three steps two have the stamp of the one before: between 0.1 V a second of the first and 0.3 of them all."""
    assert 0.1 * (1 - 1e-9) <= rate([0.0, 0.1, 0.2, 0.3], [0.0, 1.0, 1.0, 1.0]) <= 0.3 * (1 + 1e-9)
    # steps that shrink, 4, 3 and 2 a second, and one more at the stamp before: no faster than the fastest
    assert 2.0 <= rate([0.0, 4.0, 7.0, 9.0, 9.1], [0.0, 1.0, 2.0, 3.0, 3.0]) <= 3.1


def test_two_steps_a_stamp_rise_by_both() -> None:
    """0.2 V a second in steps of 0.1 V, times in whole seconds."""
    v = 0.1 * np.arange(11)
    t = np.floor(0.5 * np.arange(11))
    assert _rate(v, t, Segment(0, 11, 1, True), None, "d") == pytest.approx(0.2)
