"""Calibration: levels of hand-made sweeps, a fit and a posterior of a linear toy, and a stack that is found again."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import ParameterError, TraceError
from devicekit.tables import SweepTable
from physics.calibration.chain import run_chain
from physics.calibration.fit import MISFIT, calibrate
from physics.calibration.measured import Branch, Level, levels_of, select
from physics.calibration.model import (
    Model,
    Prior,
    Simulated,
    branch_rms,
    drive_of,
    priors_of,
    residuals,
    simulate_level,
)
from physics.calibration.report import sections, summary
from physics.calibration.result import Calibration, LevelFit, ProfileStep
from physics.drive import Segment, ramp
from physics.iv import simulate_iv
from physics.stack import load_stack

from .pinned import NUMBERS  # type: ignore[import-not-found]


def base(changes=None):
    return load_stack().replace({**NUMBERS, **(changes or {})})


# --- sweeps made by hand: a resistor of 1/G ohm that a SET makes another one


def device(limit=math.inf, low=1e-5, high=2e-4, v_set=0.5, v_reset=-0.6, stop=0.8, end=-1.0, step=0.01, parts="sbr"):
    """Voltage and current of SET (s), way back (b), RESET (r) and its way back (z); the limit holds above 0 V."""
    up, down = np.arange(0, stop + step / 2, step), np.arange(0, end - step / 2, -step)
    legs = {
        "s": (up, np.where(up < v_set, low, high)),
        "b": (up[-2::-1], np.full(up.size - 1, high)),
        "r": (down[1:], np.where(down[1:] > v_reset, high, low)),
        "z": (down[-2::-1], np.full(down.size - 1, low)),
    }
    v = np.concatenate([legs[part][0] for part in parts])
    g = np.concatenate([legs[part][1] for part in parts])
    return v, np.minimum(g * v, limit)


def rows(v, i, name="dev", cycle=1, **columns):
    """A sweep as a frame, its columns in an order of their own."""
    point = np.arange(len(v))
    return pd.DataFrame({"current_a": i, **columns, "cycle": cycle, "voltage_v": v, "point": point, "device_id": name})


def table(*frames):
    return SweepTable(pd.concat(frames, ignore_index=True))


def branches(level):
    return {each.name: each for each in level.branches}


def test_a_stated_compliance():
    v, i = device(limit=1e-4, parts="sbrz")
    (level,) = levels_of(table(rows(v, i, compliance_a=np.where(v > 0, 1e-4, np.nan))), 2.5)
    assert (level.compliance, level.source, level.rate, level.mirrored) == (1e-4, "stated", 2.5, False)
    assert (level.set_stop, level.reset_stop) == (pytest.approx(0.8), pytest.approx(-1.0))
    assert level.name == "dev 1, 100 µA"
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
    assert (level.compliance, level.source, level.name) == (math.inf, "", "dev 1, no compliance")
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
    assert [level.name for level in found] == ["b 4, 200 µA", "a 2, 50 µA", "b 3, 100 µA"]
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
    assert [level.name for level in found] == ["dev 2, 100 µA", "dev 3, 100 µA"]
    assert all(level.mirrored for level in found)


def test_the_rate_is_that_of_the_times():
    v, i = device(limit=1e-4)
    seconds = np.cumsum(np.abs(np.diff(v, prepend=0))) / 0.25  # 0.25 V/s
    timed = table(rows(v, i, time_s=seconds + 100))
    assert levels_of(timed)[0].rate == pytest.approx(0.25, rel=1e-9)
    assert levels_of(timed, 0.25 * 1.049)[0].rate == pytest.approx(0.25, rel=1e-9)
    assert levels_of(timed, 0.25 / 1.049)[0].rate == pytest.approx(0.25, rel=1e-9)
    for wrong in (0.25 * 1.051, 0.25 / 1.051):
        with pytest.raises(ParameterError, match=r"rate: .* dev 1 .* 0\.25 V/s"):
            levels_of(timed, wrong)
    gaps = seconds.copy()
    gaps[30:] += 7.0  # the instrument changes its range,
    gaps[40:] -= 0.03  # and hurries
    gaps[5:25:3] = np.nan
    assert levels_of(table(rows(v, i, time_s=gaps)))[0].rate == pytest.approx(0.25, rel=1e-9)


def test_a_rate_is_required_without_times():
    v, i = device(limit=1e-4)
    for columns in ({}, {"time_s": np.nan}, {"time_s": 3.0}):
        with pytest.raises(ParameterError, match="rate: dev 1"):
            levels_of(table(rows(v, i, **columns)))
        assert levels_of(table(rows(v, i, **columns)), 7.0)[0].rate == 7.0
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ParameterError, match=r"rate: found .* expected more than 0 V/s"):
            levels_of(table(rows(v, i)), bad)


def test_a_sweep_sets_if_its_conductance_doubles():
    just, short = (rows(*device(high=ratio * 1e-5), cycle=k) for k, ratio in ((1, 2.01), (2, 1.99)))
    (level,) = levels_of(table(short, just), 1.0)
    assert level.name == "dev 1, no compliance"
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
        with pytest.raises(TraceError, match="dev 1: set has 7 usable points, expected 8 or more"):
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


def level_at(compliance, name="x"):
    v = np.linspace(0.05, 0.5, 10)
    parts = (Branch("set", v, np.log(1e-5 * v)),)
    return Level(
        name=name,
        compliance=compliance,
        source="stated",
        rate=1.0,
        set_stop=0.5,
        reset_stop=0.0,
        branches=parts,
        mirrored=False,
    )


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


# --- priors, drives, residuals


def test_a_prior_has_95_percent_between_its_bounds():
    prior = Prior("k", "nm", 2.0, 18.0)
    assert prior.centre == pytest.approx(math.log(6.0))
    assert prior.sd == pytest.approx(math.log(9.0) / (2 * 1.96))
    assert [prior.value(z) for z in (-1.96, 0.0, 1.96, 3.92)] == pytest.approx([2.0, 6.0, 18.0, 54.0])
    assert [prior.z(value) for value in (2.0, 6.0, 54.0)] == pytest.approx([-1.96, 0.0, 3.92])


def test_priors_of_a_stack_keep_order_and_units():
    found = priors_of(base(), {"reaction.energy": (1.1, 1.5), "conduction.filament": (4e4, 2e5)})
    assert [(each.key, each.unit) for each in found] == [("reaction.energy", "eV"), ("conduction.filament", "S/m")]


@pytest.mark.parametrize("bounds", [(1.26, 1.5), (1.1, 1.26)])
def test_a_start_may_lie_on_a_bound(bounds):
    (prior,) = priors_of(base(), {"reaction.energy": bounds})
    assert abs(prior.z(1.26)) == pytest.approx(1.96)


@pytest.mark.parametrize(
    ("free", "words"),
    [
        ({}, "free: give at least one parameter"),
        ({"reaction.energie": (1, 2)}, "unknown parameter 'reaction.energie'"),
        ({"energy": (1, 2)}, "unknown parameter 'energy'"),
        ({"reaction.law": (1, 2)}, "reaction.law is not a number"),
        ({"reaction.energy": (1.1, 1.5), "top.name": (1, 2)}, "top.name is not a number"),
        ({"reaction.energy": (1.5, 1.1)}, "reaction.energy: found bounds 1.5 to 1.1"),
        ({"reaction.energy": (1.26, 1.26)}, "reaction.energy: found bounds 1.26 to 1.26"),
        ({"reaction.energy": (0.0, 1.5)}, "reaction.energy: found bounds 0 to 1.5"),
        ({"drive.reset_stop": (-2.0, -1.0)}, "drive.reset_stop: found bounds -2 to -1"),
        ({"reaction.energy": (1.1, math.inf)}, "reaction.energy: found bounds 1.1 to inf"),
        ({"reaction.energy": (math.nan, 1.5)}, "reaction.energy: found bounds nan to 1.5"),
        ({"reaction.energy": (1.1, math.nan)}, "reaction.energy: found bounds 1.1 to nan"),
        ({"reaction.energy": (1.261, 1.5)}, "reaction.energy: the stack has 1.26 eV, outside of 1.261 to 1.5"),
        ({"reaction.energy": (1.1, 1.259)}, "reaction.energy: the stack has 1.26 eV, outside of 1.1 to 1.259"),
    ],
)
def test_free_parameters_that_are_none_are_refused_by_their_key(free, words):
    with pytest.raises(ParameterError, match=words):
        calibrate([level_at(1e-4)], base(), free)


def test_no_iteration_is_refused():
    with pytest.raises(ParameterError, match="iterations: found 0, expected 1 or more"):
        calibrate([level_at(1e-4)], base(), {"reaction.energy": (1.1, 1.5)}, most_iterations=0)


def three(limit=1e-4, name="toy"):
    """A level with 40 points up, 20 back and 30 of a RESET; ln I is -10 but for the way back, -9."""
    up, back, down = np.linspace(0.05, 0.8, 40), np.linspace(0.7, 0.05, 20), -np.linspace(0.05, 0.9, 30)
    parts = (("set", up, -10.0), ("set_back", back, -9.0), ("reset", down, -10.0))
    made = tuple(Branch(branch, v, np.full(v.size, level)) for branch, v, level in parts)
    return Level(
        name=name,
        compliance=limit,
        source="stated",
        rate=2.0,
        set_stop=0.8,
        reset_stop=-0.9,
        branches=made,
        mirrored=False,
    )


def test_the_drive_repeats_the_level():
    up, back, down = drive_of(three())
    assert (up.start, up.stop, up.duration, up.compliance, up.label) == (0.0, 0.8, 0.4, 1e-4, "set")
    assert (back.start, back.stop, back.duration, back.compliance, back.label) == (0.8, 0.0, 0.4, 1e-4, "set_back")
    assert (down.start, down.stop, down.duration, down.compliance, down.label) == (0.0, -0.9, 0.45, math.inf, "reset")
    assert [each.gate for each in (up, back, down)] == [1e-4] * 3
    assert [segment.label for segment in drive_of(level_at(1e-4))] == ["set", "set_back"]


def test_residuals_count_every_branch_once_and_the_way_back_half():
    level = three()
    off = {"set": 0.1, "set_back": -0.2, "reset": 0.3}
    sizes = {"set": 40, "set_back": 20, "reset": 30}
    run = Simulated({b.name: (b.log_current + off[b.name]).tolist() for b in level.branches}, True)
    found = residuals(level, run)
    assert found.size == 90
    assert float(found @ found) == pytest.approx(0.1**2 + 0.5 * 0.2**2 + 0.3**2)
    assert float(found[40:60] @ found[40:60]) == pytest.approx(0.5 * 0.2**2)
    assert np.all(found[:40] > 0)
    assert np.all(found[40:60] < 0)
    assert branch_rms(level, run) == pytest.approx({name: abs(each) for name, each in off.items()})
    half = {**run.branches, "set": [math.nan] * 10 + run.branches["set"][10:]}
    assert branch_rms(level, Simulated(half, False))["set"] == pytest.approx(math.sqrt((10 * 9 + 30 * 0.01) / 40))
    assert sum(residuals(level, Simulated(half, False))[:40] ** 2) == pytest.approx((10 * 9 + 30 * 0.01) / 40)
    assert sizes == {b.name: b.voltage.size for b in level.branches}


QUICK = {"numerics.voltage_step": 0.03, "numerics.conductance_step": 0.3, "numerics.density_step": 0.12}
"""Large steps: what is measured and what is fitted take the same ones."""


def test_a_simulated_level_is_the_sweep_at_the_measured_voltages(monkeypatch):
    """Powers of the voltage, which logarithms make lines, from a table whose steps are others than the measured."""
    powers = {"set": (1e-5, 1.5), "set_back": (3e-4, 0.7), "reset": (2e-4, 1.2)}
    ends = {"set": (0.0, 0.8), "set_back": (0.795, 0.0), "reset": (0.0, -0.6)}
    asked = {}

    def fake(stack, *, mesh, segments):
        asked.update(stack=stack, mesh=mesh, labels=[each.label for each in segments])
        frames = []
        for name, (start, stop) in ends.items():
            v = np.linspace(start, stop, 57)
            factor, power = powers[name]
            i = np.sign(v) * factor * np.abs(v) ** power
            frames.append(pd.DataFrame({"voltage_v": v, "current_a": i, "segment": name}))
        return SimpleNamespace(sweep=SimpleNamespace(frame=pd.concat(frames)), complete=False)

    monkeypatch.setattr("physics.calibration.model.simulate_iv", fake)
    level = three()
    found = simulate_level("a stack", level, 0.4)
    assert asked == {"stack": "a stack", "mesh": 0.4, "labels": ["set", "set_back", "reset"]}
    assert not found.reached
    for branch in level.branches:
        size, (factor, power) = np.abs(branch.voltage), powers[branch.name]
        expected = np.log(factor) + power * np.log(size)
        expected[size > abs(min(ends["reset"])) * (1 + 1e-9) if branch.name == "reset" else size > 0.8 + 1e-9] = np.nan
        np.testing.assert_allclose(found.branches[branch.name], expected, rtol=1e-9)
    assert np.isnan(found.branches["reset"]).sum() == np.sum(level.branches[2].voltage < -0.6)


def test_a_run_that_ends_early_has_no_current_from_there_on():
    level = replace(three(1e-3, "melts"), set_stop=2.5)
    found = simulate_level(base({**QUICK, "heat.filament": 1.0}), level, "coarse")
    assert not found.reached
    assert np.isfinite(found.branches["set"]).all()  # up to 0.8 V; it melts on the way to 2.5 V
    assert np.isnan(found.branches["set_back"]).all()
    assert np.isnan(found.branches["reset"]).all()
    assert branch_rms(level, found)["reset"] == 3.0


# --- a linear toy: ln I of every branch is a linear function of ln of two parameters

KEYS = {"conduction.filament": (4e4, 1.6e5), "reaction.energy": (1.1, 1.45)}
EFFECT = {"set": (0.3, -4.0), "set_back": (1.0, 0.0), "reset": (0.9, 3.0)}


def toy_shape(branch, key):
    """Effect along a branch of ln of a parameter: a ramp for the first, a bow for the second."""
    x = np.linspace(0, 1, branch.voltage.size)
    return EFFECT[branch.name][key] * (0.5 + x if key == 0 else x * (1 - x) * 4)


def toy(stack, level, _mesh):
    """ln I is -10 (way back: -9) at 1e5 S/m and 1.3 eV; other parameters do nothing."""
    off = [math.log(stack.conduction.filament / 1e5), math.log(stack.reaction.energy / 1.3)]
    found = {}
    for branch in level.branches:
        base = -9.0 if branch.name == "set_back" else -10.0
        found[branch.name] = (base + sum(toy_shape(branch, k) * off[k] for k in (0, 1))).tolist()
    return Simulated(found, True)


@pytest.fixture
def linear(monkeypatch):
    """Simulations are the toy; the list counts them."""
    calls = []

    def counted(stack, level, mesh):
        calls.append(level.name)
        return toy(stack, level, mesh)

    monkeypatch.setattr("physics.calibration.model.simulate_level", counted)
    return calls


def noisy(level, size, seed):
    random = np.random.default_rng(seed)
    made = tuple(
        Branch(b.name, b.voltage, b.log_current + size * random.normal(size=b.voltage.size)) for b in level.branches
    )
    return replace(level, branches=made)


def closed_form(levels, misfit, keys=KEYS):
    """Estimate and covariance of z for a linear model: ridge regression, written out."""
    priors = [Prior(key, "", *bounds) for key, bounds in keys.items()]
    truth = np.array([p.z(v) for p, v in zip(priors, (1e5, 1.3), strict=False)])
    columns, target, weights = [], [], []
    for level in levels:
        for b in level.branches:
            columns.append(np.stack([p.sd * toy_shape(b, k) for k, p in enumerate(priors)], axis=1))
            target.append(b.log_current - (-9.0 if b.name == "set_back" else -10.0))
            weights.append(np.full(b.voltage.size, (0.5 if b.name == "set_back" else 1.0) / b.voltage.size))
    x, y, w = np.concatenate(columns), np.concatenate(target), np.concatenate(weights) / misfit**2
    normal = (x.T * w) @ x + np.eye(len(priors))
    return np.linalg.solve(normal, (x.T * w) @ (y + x @ truth)), np.linalg.inv(normal)


def test_the_estimate_of_a_linear_model_is_that_of_a_ridge_regression(linear):
    levels = [noisy(three(1e-4, "one"), 0.3, 1), noisy(three(4e-4, "two"), 0.3, 2)]
    fit = calibrate(levels, base(), KEYS)
    first, _ = closed_form(levels, MISFIT)
    expected, _ = closed_form(levels, fit.misfit)
    assert fit.converged
    np.testing.assert_allclose(fit.z, expected, atol=1e-7)
    # one branch one observation, with the misfit that the first estimate leaves
    at = np.concatenate(fit.model.residuals([first], levels))
    assert fit.misfit == pytest.approx(math.sqrt(float(at @ at) / 5), rel=1e-6)
    squares = [
        float(np.mean((np.array(f.simulated.branches[b.name]) - b.log_current) ** 2))
        for f in fit.levels
        for b in f.level.branches
    ]
    left = sum(w * s for w, s in zip([1, 0.5, 1] * 2, squares, strict=True))
    assert fit.costs[-1] == pytest.approx(left / fit.misfit**2 + float(fit.z @ fit.z), rel=1e-9)
    np.testing.assert_allclose(fit.covariance, closed_form(levels, fit.misfit)[1], rtol=1e-6)
    assert [each.rms["set_back"] for each in fit.levels] == pytest.approx(np.sqrt(squares)[[1, 4]])
    first = fit.parameters[0]
    sd = math.sqrt(fit.covariance[0, 0]) * math.log(4) / 3.92
    assert first.estimate.value == pytest.approx(fit.stack.conduction.filament)
    assert first.estimate.high / first.estimate.value == pytest.approx(math.exp(1.96 * sd))
    assert first.estimate.value / first.estimate.low == pytest.approx(math.exp(1.96 * sd))
    assert (first.prior_low, first.prior_high, first.unit) == (4e4, 1.6e5, "S/m")
    assert fit.stack.sources["reaction.energy"] == "user"
    assert fit.stack.filament == base().filament


def test_exact_data_leave_the_least_misfit_and_a_tenth_of_it_more_shows(linear):
    truth = base({"conduction.filament": 8e4, "reaction.energy": 1.26})
    exact = noisy(three(), 0.0, 0)
    simulated = toy(truth, exact, "").branches
    exact = replace(
        exact, branches=tuple(Branch(b.name, b.voltage, np.array(simulated[b.name])) for b in exact.branches)
    )
    free = {"conduction.filament": (4e4, 1.6e5)}  # the prior's centre is the truth: nothing pulls
    fit = calibrate([exact], truth, free)
    assert fit.z == pytest.approx([0.0], abs=1e-9)
    assert fit.misfit == 0.02
    wave = tuple(
        Branch(b.name, b.voltage, b.log_current + 0.022 * (-1.0) ** np.arange(b.voltage.size)) for b in exact.branches
    )
    assert calibrate([replace(exact, branches=wave)], truth, free).misfit == pytest.approx(0.022, rel=0.01)


def test_a_parameter_that_does_nothing_is_the_priors(linear):
    keys = {**KEYS, "filament.radius": (4.0, 7.0)}
    fit = calibrate([noisy(three(), 0.05, 4)], base(), keys)
    radius = fit.parameters[2]
    assert (radius.key, radius.share, radius.determined, radius.at_bound) == ("filament.radius", 1.0, False, False)
    assert radius.estimate.value == pytest.approx(math.sqrt(28.0), rel=1e-6)
    assert radius.estimate.ends == (pytest.approx(4.0), pytest.approx(7.0))
    np.testing.assert_allclose(fit.correlation[2], [0.0, 0.0, 1.0], atol=1e-12)
    assert [each.determined for each in fit.directions] == [True, True, False]
    assert fit.directions[2].signal == pytest.approx(0.0, abs=1e-9)
    assert fit.directions[2].weights["filament.radius"] == pytest.approx(1.0)
    assert fit.determined().shape == (2, 3)


def test_a_held_out_level_is_predicted_and_not_fitted(linear):
    good, bad = noisy(three(1e-4, "good"), 0.1, 1), three(4e-4, "bad")
    off = tuple(Branch(b.name, b.voltage, b.log_current + 2.0) for b in bad.branches)
    bad = replace(bad, branches=off)
    alone = calibrate([good], base(), KEYS)
    for order in ([good, bad], [bad, good]):
        fit = calibrate(order, base(), KEYS, hold_out=[4.1e-4])
        np.testing.assert_array_equal(fit.z, alone.z)
        assert (fit.misfit, fit.residuals.size) == (alone.misfit, 90)
        assert [(each.level.name, each.held_out) for each in fit.levels] == [("good", False), ("bad", True)]
        run = np.array(fit.levels[1].simulated.branches["reset"])
        assert fit.levels[1].rms["reset"] == pytest.approx(math.sqrt(np.mean((run + 8.0) ** 2)))
        assert fit.levels[1].rms["reset"] == pytest.approx(2.0, abs=0.3)
    words = summary(fit)
    assert words[0].startswith("2 parameters fitted to 1 level")
    assert f" {alone.misfit:.2g} " in words[0]
    assert any("bad: SET " in sentence for sentence in words)
    first, second = (panel.title for panel in fit.panels())
    assert first == "good"
    assert second.startswith("bad (predicted")
    assert calibrate([good, bad], base(), KEYS).z != pytest.approx(alone.z, abs=0.1)


def test_no_step_is_longer_than_one_standard_deviation_of_the_prior(linear):
    start = base({"conduction.filament": 4e4})  # the truth is 1e5: 2.59 standard deviations away
    fit = calibrate([three()], start, {"conduction.filament": (4e4, 1.6e5)}, most_iterations=1)
    assert not fit.converged
    assert fit.z == pytest.approx([-0.96])
    assert len(fit.costs) == 2
    assert any("not converged" in sentence for sentence in summary(fit))
    fit = calibrate([three()], start, {"conduction.filament": (4e4, 1.6e5)})
    assert fit.converged
    assert len(fit.costs) in (6, 7)
    assert not any("not converged" in sentence for sentence in summary(fit))


def test_where_a_stack_is_not_possible_the_derivative_is_taken_the_other_way(monkeypatch):
    def powers(stack, level, _mesh):
        off = 0.7 * math.log(stack.filament.gap_density) + 0.4 * math.log(stack.conduction.filament / 8e4)
        return Simulated({b.name: (b.log_current + off).tolist() for b in level.branches}, True)

    monkeypatch.setattr("physics.calibration.model.simulate_level", powers)
    stack, level = base({"filament.gap_density": 0.999}), three()  # at most 1; a step is 1.8 %
    free = {"filament.gap_density": (0.25, 1.0), "conduction.filament": (4e4, 1.6e5)}
    model = Model(stack, priors_of(stack, free), "coarse")
    z = model.start()
    assert model.residuals([z + np.array([0.05, 0.0])], [level]) == [None]
    (at,) = model.residuals([z], [level])
    found = model.jacobian(z, at, [level])
    weights = np.concatenate([np.full(n, math.sqrt(w / n)) for w, n in ((1.0, 40), (0.5, 20), (1.0, 30))])
    for column, power in ((0, 0.7), (1, 0.4)):
        np.testing.assert_allclose(found[:, column], power * math.log(4) / 3.92 * weights, rtol=1e-9)


def test_a_store_keeps_every_run(linear, tmp_path):
    levels, seen = [noisy(three(1e-4, "one"), 0.1, 1), noisy(three(4e-4, "two"), 0.1, 2)], []
    first = calibrate(levels, base(), KEYS, store=tmp_path, progress=seen.append)
    assert first.model.runs == len(linear) == len(list(tmp_path.glob("*.json"))) > 10
    assert seen == list(range(1, first.model.runs + 1))
    linear.clear()
    second = calibrate(levels, base(), KEYS, store=tmp_path)
    assert (second.model.runs, linear) == (0, [])
    np.testing.assert_array_equal(second.z, first.z)
    np.testing.assert_array_equal(second.covariance, first.covariance)
    assert second.costs == first.costs
    assert second.misfit == first.misfit


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"branches": 3, "reached": true}', '{"branches": {"set": ["x"]}}']
)
def test_a_damaged_run_is_run_again(linear, tmp_path, text):
    free = {"conduction.filament": (4e4, 1.6e5)}
    first = calibrate([noisy(three(), 0.1, 1)], base(), free, store=tmp_path)
    kept = {path: path.read_text() for path in tmp_path.iterdir()}
    path = sorted(kept)[1]
    path.write_text(text)
    linear.clear()
    second = calibrate([noisy(three(), 0.1, 1)], base(), free, store=tmp_path)
    assert second.model.runs == len(linear) == 1
    np.testing.assert_array_equal(second.z, first.z)
    assert {path: path.read_text() for path in tmp_path.iterdir()} == kept


def test_keys_of_runs_depend_on_stack_mesh_and_level_not_on_texts(linear, tmp_path):
    stack, level = base(), three()
    free = priors_of(stack, {"conduction.filament": (4e4, 1.6e5)})

    def runs(stack=stack, level=level, mesh="coarse", z=0.0):
        linear.clear()
        Model(stack, free, mesh, store=tmp_path).simulate([np.array([z])], [level])
        return len(linear)

    assert runs() == 1
    assert runs() == 0
    assert runs(stack=stack.model_copy(update={"title": "other words"})) == 0
    assert runs(level=replace(level, name="other name")) == 0
    assert runs(mesh="fine") == 1
    assert runs(z=1e-9) == 1
    assert runs(stack=stack.replace({"filament.radius": 5.5})) == 1
    assert runs(level=replace(level, compliance=2e-4)) == 1
    assert runs(level=replace(level, rate=3.0)) == 1
    assert runs() == 0


def test_a_current_that_was_not_reached_stays_unknown_in_the_store(monkeypatch, tmp_path):
    def short(_stack, level, _mesh):
        return Simulated({b.name: [-10.0, math.nan] + [-9.5] * (b.voltage.size - 2) for b in level.branches}, False)

    monkeypatch.setattr("physics.calibration.model.simulate_level", short)
    stack, level = base(), three()
    found = []
    for _ in range(2):
        model = Model(stack, priors_of(stack, KEYS), "coarse", store=tmp_path)
        found.append((model.residuals([model.start()], [level])[0], model.runs))
    assert [runs for _, runs in found] == [1, 0]
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[1][0][1] == pytest.approx(3.0 / math.sqrt(40))


# --- the posterior, of slopes that are written down


def by_hand(z, slopes, misfit=0.1, keys=KEYS, residual=None, levels=()):
    stack = base()
    model = Model(stack, priors_of(stack, keys), "coarse")
    slopes = np.asarray(slopes, float)
    z = np.asarray(z, float)
    at = np.zeros(len(slopes)) if residual is None else residual
    return Calibration(
        stack=model.stack_at(z),
        priors=model.priors,
        z=z,
        residuals=at,
        slopes=slopes,
        misfit=misfit,
        levels=levels,
        costs=(1.0,),
        converged=True,
        model=model,
    )


def settled(slopes, misfit, seed=0):
    """A calibration whose z is the minimum of the objective with its misfit: residuals = slopes (z - z*) + rest."""
    random = np.random.default_rng(seed)
    slopes = np.asarray(slopes, float)
    target = random.normal(size=len(slopes)) * misfit * 3
    normal = slopes.T @ slopes / misfit**2 + np.eye(slopes.shape[1])
    z = np.linalg.solve(normal, slopes.T @ target / misfit**2)
    return by_hand(z, slopes, misfit, residual=slopes @ z - target), lambda point: slopes @ point - target


def test_directions_are_those_of_the_singular_values():
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    left = np.linalg.qr(np.random.default_rng(2).normal(size=(7, 2)))[0]
    fit = by_hand([0, 0], left @ np.diag([0.5, 0.1001]) @ turn)
    first, second = fit.directions
    assert [first.signal, second.signal] == pytest.approx([5.0, 1.001])
    assert list(first.weights.values()) == pytest.approx([0.6, 0.8])
    assert list(second.weights.values()) == pytest.approx([0.8, -0.6])  # its largest share is positive
    assert first.words() == "reaction.energy +0.80, conduction.filament +0.60"
    assert second.words(1) == "conduction.filament +0.80"
    np.testing.assert_allclose(fit.determined(), [[0.6, 0.8], [0.8, -0.6]])
    just_not = by_hand([0, 0], left @ np.diag([0.5, 0.0999]) @ turn)
    assert [each.determined for each in just_not.directions] == [True, False]
    np.testing.assert_allclose(just_not.determined(), [[0.6, 0.8]])
    assert by_hand([0, 0], np.zeros((5, 2))).determined().shape == (0, 2)


def test_words_leave_out_small_shares():
    keys = {**KEYS, "filament.radius": (4, 7), "heat.filament": (10, 40)}
    row = np.array([math.sqrt(1 - 0.099**2 - 0.101**2), 0.099, -0.101, 0.0])
    fit = by_hand([0] * 4, row[None, :], keys=keys)
    assert fit.directions[0].words() == "conduction.filament +0.99, filament.radius -0.10"
    assert fit.directions[0].words(1) == "conduction.filament +0.99"


def test_covariance_and_correlation_of_known_slopes():
    slopes = np.array([[0.3, 0.1], [0.0, 0.2], [0.1, 0.1]])
    fit = by_hand([0.5, -0.5], slopes, misfit=0.2)
    a, b, c = 0.10 / 0.04 + 1, 0.04 / 0.04, 0.06 / 0.04 + 1  # of S'S / m^2 + 1
    np.testing.assert_allclose(fit.covariance, np.array([[c, -b], [-b, a]]) / (a * c - b * b))
    np.testing.assert_allclose(fit.correlation, [[1.0, -b / math.sqrt(a * c)], [-b / math.sqrt(a * c), 1.0]])
    assert [each.share for each in fit.parameters] == pytest.approx(np.sqrt([c, a] / np.array(a * c - b * b)))
    image = fit.correlation_image()
    np.testing.assert_array_equal(image.values, fit.correlation)


@pytest.mark.parametrize(("signal", "known"), [(1.03, True), (1.01, False)])
def test_a_parameter_is_determined_below_70_percent_of_its_prior(signal, known):
    fit = by_hand([0.0], [[0.1 * signal]], keys={"reaction.energy": (1.1, 1.45)})
    (found,) = fit.parameters
    assert found.share == pytest.approx(1 / math.hypot(1, signal))
    assert found.determined is known


@pytest.mark.parametrize(("z", "outside"), [(1.95, False), (1.97, True), (-1.95, False), (-1.97, True)])
def test_an_estimate_outside_of_its_prior_says_so(z, outside):
    fit = by_hand([z], [[0.3]], keys={"reaction.energy": (1.1, 1.45)})
    (found,) = fit.parameters
    assert found.at_bound is outside
    assert (found.estimate.value > 1.45 or found.estimate.value < 1.1) is outside
    assert any(sentence.startswith("Outside") and "reaction.energy" in sentence for sentence in summary(fit)) is outside


def test_numbers_for_json():
    fit = by_hand(
        [0.1, -0.2],
        [[0.3, 0.0], [0.0, 0.05]],
        levels=(LevelFit(level=level_at(math.inf), simulated=Simulated({}, True), rms={"set": 0.1}, held_out=False),),
    )
    text = json.loads(json.dumps(fit.as_dict(), allow_nan=False))
    assert text["levels"][0]["compliance_a"] is None
    assert [each["determined"] for each in text["parameters"]] == [True, False]
    assert text["directions"][0]["signal"] == pytest.approx(3.0)
    assert text["simulations"] == 0


def test_the_profile_of_a_linear_model_is_its_parabola(monkeypatch):
    fit, linear_residuals = settled([[0.5, 0.2], [0.1, 0.4], [0.0, 0.3]], 0.1)
    monkeypatch.setattr(fit.model, "residuals", lambda points, _levels: [linear_residuals(z) for z in points])
    rows = fit.profile((-2.0, -0.5, 1.0))
    assert [(row.direction, row.step) for row in rows] == [(n, s) for n in (1, 2) for s in (-2.0, -0.5, 1.0)]
    for row in rows:
        assert row.parabola == 0.5 * row.step**2
        assert row.rise == pytest.approx(row.parabola, rel=1e-9)
    monkeypatch.setattr(fit.model, "residuals", lambda points, _levels: [1.1 * linear_residuals(z) for z in points])
    assert all(row.rise != pytest.approx(row.parabola, rel=0.01) for row in fit.profile())


def test_the_profile_of_a_stack_that_is_not_possible_is_unknown(monkeypatch):
    fit, linear_residuals = settled([[0.5, 0.2], [0.1, 0.4], [0.0, 0.3]], 0.1)
    monkeypatch.setattr(
        fit.model,
        "residuals",
        lambda points, _levels: [None if k == 1 else linear_residuals(z) for k, z in enumerate(points)],
    )
    assert [math.isnan(row.rise) for row in fit.profile((1.0, 2.0))] == [False, True, False, False]


def test_draws_have_the_mean_and_covariance_of_laplace():
    fit = by_hand([0.4, -0.3], [[0.15, 0.12], [0.0, 0.1]])
    number = 1500
    found = fit.draws(number, seed=4)
    z = np.array([[p.z(each.get(p.key)) for p in fit.priors] for each in found])
    sd = np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(z.mean(axis=0), fit.z, atol=4 * sd.max() / math.sqrt(number))
    ratio = np.linalg.eigvals(np.linalg.solve(fit.covariance, np.cov(z.T)))
    np.testing.assert_allclose(ratio.real, 1.0, atol=5 * math.sqrt(2 / number))
    assert abs(fit.correlation[0, 1]) > 0.3
    assert np.corrcoef(z.T)[0, 1] == pytest.approx(fit.correlation[0, 1], abs=0.1)


def test_draws_are_seeded_and_possible():
    fit = by_hand([1.9], [[0.01]], keys={"filament.gap_density": (0.02, 1.0)})
    assert fit.priors[0].value(2.5) > 1.0  # about half of the draws are no stack
    one, two, other = ([each.filament.gap_density for each in fit.draws(40, seed)] for seed in (1, 1, 2))
    assert one == two
    assert set(one).isdisjoint(other)
    assert len(one) == 40
    assert max(one) <= 1.0


# --- the chain


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_chain_on_a_linear_model_finds_laplaces_normal(monkeypatch, seed):
    fit, linear_residuals = settled([[0.5, 0.2], [0.1, 0.4], [0.0, 0.3]], 0.1, seed)
    monkeypatch.setattr(fit.model, "residuals", lambda points, _levels: [linear_residuals(z) for z in points])
    chain = run_chain(fit, 20, seed)
    expected = [1 / math.hypot(1, each.signal) for each in fit.directions]
    np.testing.assert_allclose(chain.laplace, expected)
    np.testing.assert_allclose(chain.chain, expected, rtol=0.1)
    np.testing.assert_allclose(chain.shift, 0.0, atol=0.1)
    np.testing.assert_allclose(chain.interval, [[-1.96, 1.96]] * 2, atol=0.2)
    assert chain.error < 1e-6
    assert chain.runs == 20
    assert chain.rhat == pytest.approx(1.0, abs=0.02)
    assert json.loads(json.dumps(chain.as_dict(), allow_nan=False))["runs"] == 20


def test_a_chain_sees_an_estimate_that_is_not_the_minimum(monkeypatch):
    """The minimum lies 1.5 posterior standard deviations from the estimate, along the one direction."""
    fit = by_hand([0.0], [[0.3]], misfit=0.1, keys={"reaction.energy": (1.1, 1.45)})
    sd = 1 / math.sqrt(10)
    # 0.5 ((3 z - c)^2 + z^2) has its minimum at 0.3 c
    monkeypatch.setattr(
        fit.model, "residuals", lambda points, _levels: [np.array([0.3 * z[0] - 0.1 * 1.5 * sd / 0.3]) for z in points]
    )
    chain = run_chain(fit, 12)
    assert chain.shift[0] == pytest.approx(1.5, abs=0.1)
    assert chain.chain[0] == pytest.approx(sd, rel=0.1)
    assert chain.interval[0] == pytest.approx([1.5 - 1.96, 1.5 + 1.96], abs=0.2)


def test_a_chain_finds_a_skewed_posterior(monkeypatch):
    """Residual z + a z^2 beside a weak prior: quantiles by quadrature."""
    fit = by_hand([0.0], [[1.0]], misfit=0.1, keys={"reaction.energy": (1.1, 1.45)})
    bend = 0.5
    monkeypatch.setattr(
        fit.model, "residuals", lambda points, _levels: [np.array([z[0] + bend * z[0] ** 2]) for z in points]
    )
    chain = run_chain(fit, 40)
    sd = 1 / math.sqrt(101)
    x = np.linspace(-6, 6, 20001)
    density = np.exp(-0.5 * (((x * sd) + bend * (x * sd) ** 2) ** 2 / 0.01 + (x * sd) ** 2))
    total = np.cumsum(density) / density.sum()
    expected = [float(np.interp(share, total, x)) for share in (0.025, 0.975)]
    assert chain.interval[0] == pytest.approx(expected, abs=0.1)
    assert expected[0] < -2.15 < 1.85 > expected[1]  # skewed indeed


@pytest.mark.parametrize(("keys", "enough", "few"), [(1, 6, 5), (2, 12, 10)])
def test_a_chain_needs_runs_for_a_quadratic(monkeypatch, keys, enough, few):
    fit = by_hand([0.0] * keys, 0.3 * np.eye(3)[:, :keys], keys=dict(list(KEYS.items())[:keys]))
    monkeypatch.setattr(fit.model, "residuals", lambda points, _levels: [0.3 * np.resize(z, 3) for z in points])
    assert run_chain(fit, enough).runs == enough
    with pytest.raises(ParameterError, match=f"chain: {few} runs .* {keys} directions, .* {enough}"):
        run_chain(fit, few)


def test_a_chain_needs_a_direction():
    with pytest.raises(ParameterError, match=r"chain: .* no direction"):
        run_chain(by_hand([0.0, 0.0], 0.05 * np.eye(2)))


# --- a stack that is found again


def hand_sweep(stack, limit, stop=0.81, end=-0.9, step=0.03):
    """A sweep of many small segments, read where each ends: no row of `simulate_iv` in between is used."""
    up, down = np.arange(0, stop + step / 2, step), np.arange(0, end - step / 2, -step)
    path = [*up, *up[-2::-1], *down[1:]]
    segments = [
        Segment(a, b, abs(b - a) / 2.0, limit if k < 2 * (up.size - 1) else math.inf, str(k), 1, gate=limit)
        for k, (a, b) in enumerate(itertools.pairwise(path))
    ]
    frame = simulate_iv(stack, mesh="coarse", segments=segments).sweep.frame
    ends = frame.groupby("segment", sort=False).last()
    return ends["voltage_v"].to_numpy(), ends["current_a"].to_numpy(), ends["time_s"].to_numpy()


TRUTH = {"reaction.energy": 1.29, "conduction.filament": 6.5e4}
FREE = {"reaction.energy": (1.15, 1.4), "conduction.filament": (4e4, 1.6e5)}


@pytest.fixture(scope="module", params=[pytest.param("two", marks=pytest.mark.slow), "one"])
def free(request):
    """Parameters that are free: both, or one of them, whose calibration takes fewer runs."""
    return FREE if request.param == "two" else {"conduction.filament": FREE["conduction.filament"]}


@pytest.fixture(scope="module")
def limits(free):
    """Compliances that are fitted [A]: the second parameter takes a second one."""
    return (1.2e-4, 4e-5)[: len(free)]


@pytest.fixture(scope="module")
def sweeps(free, limits):
    """Sweeps of a stack with other parameters and 2 % noise, at the compliances that are fitted and at 70 uA."""
    stack, random, frames = base({**QUICK, **{key: TRUTH[key] for key in free}}), np.random.default_rng(11), []
    for k, limit in enumerate(sorted((*limits, 7e-5), reverse=True)):
        v, i, t = hand_sweep(stack, limit, **({} if len(free) > 1 else {"stop": 0.63, "end": -0.63, "step": 0.045}))
        at_limit = np.isclose(i, limit)
        i = i * np.exp(0.02 * random.normal(size=i.size) * ~at_limit)
        frames.append(rows(v, i, name="chip", cycle=k, time_s=t, compliance_a=np.where(v > 0, limit, np.nan)))
    return table(*frames)


@pytest.fixture(scope="module")
def recovered(sweeps, free, tmp_path_factory):
    store = tmp_path_factory.mktemp("runs")
    start = base(QUICK)
    return calibrate(sweeps, start, free, hold_out=[7e-5], most_iterations=len(free), store=store), store


def test_parameters_are_found_again(recovered, free, limits):
    fit, _ = recovered
    assert [level.level.compliance for level in fit.levels] == pytest.approx([*limits, 7e-5])
    assert [level.level.rate for level in fit.levels] == pytest.approx([2.0] * (len(free) + 1))
    for each in fit.parameters:
        assert each.estimate.low < TRUTH[each.key] < each.estimate.high
        assert each.estimate.value == pytest.approx(TRUTH[each.key], rel=0.02)
        assert each.determined
        assert not each.at_bound
    assert [each.determined for each in fit.directions] == [True] * len(free)
    assert 0.02 <= fit.misfit < 0.04
    assert fit.costs[-1] < 0.1 * fit.costs[0]
    np.testing.assert_allclose(fit.correlation, fit.correlation.T, atol=1e-12)
    np.testing.assert_allclose(np.diag(fit.correlation), 1.0)
    assert (np.abs(fit.correlation[~np.eye(len(free), dtype=bool)]) < 1).all()


def test_the_level_between_is_predicted(recovered):
    fit, _ = recovered
    *fitted, held = fit.levels
    assert ([each.held_out for each in fitted], held.held_out) == ([False] * len(fit.parameters), True)
    assert fit.residuals.size == sum(b.voltage.size for each in fitted for b in each.level.branches)
    assert set(held.rms) == {"set", "set_back", "reset"}
    assert max(held.rms.values()) < 0.05


def test_the_second_run_of_a_calibration_simulates_nothing(recovered, sweeps, free):
    fit, store = recovered
    again = calibrate(sweeps, base(QUICK), free, hold_out=[7e-5], most_iterations=len(free), store=store)
    assert again.model.runs == 0
    np.testing.assert_array_equal(again.z, fit.z)
    np.testing.assert_array_equal(again.residuals, fit.residuals)
    path = sorted(store.iterdir())[0]
    path.write_text(path.read_text()[: path.stat().st_size // 2])
    again = calibrate(sweeps, base(QUICK), free, hold_out=[7e-5], most_iterations=len(free), store=store)
    assert again.model.runs == 1
    np.testing.assert_array_equal(again.z, fit.z)


def test_the_profile_of_a_stack_is_near_its_parabola(recovered):
    fit, _ = recovered
    gradient = fit.slopes.T @ fit.residuals / fit.misfit**2 + fit.z  # not 0: the fit's own misfit is another one
    for row in fit.profile((-1.0, 1.0)):
        each = fit.directions[row.direction - 1]
        tilt = float(fit.determined()[row.direction - 1] @ gradient) / math.hypot(1, each.signal)
        assert row.rise == pytest.approx(row.parabola + row.step * tilt, abs=0.2)


@pytest.mark.usefixtures("without_pictures")
def test_a_report_holds_levels_parameters_and_profile(recovered):
    fit, _ = recovered
    found = sections(fit, None, [ProfileStep(direction=1, step=-1.0, rise=math.nan, parabola=0.5)])
    assert [each.title for each in found][:2] == ["Levels", "Determined parameters"]


@pytest.mark.slow
def test_jobs_give_identical_results():
    level = levels_of(table(rows(*device(limit=1e-4))), 2.0)[0]
    stack = base(QUICK)
    one, two = (
        calibrate([level], stack, {"reaction.energy": (1.1, 1.5)}, most_iterations=1, jobs=jobs) for jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.z, two.z)
    np.testing.assert_array_equal(one.slopes, two.slopes)
    assert one.costs == two.costs
    assert one.levels[0].simulated == two.levels[0].simulated
    assert one.model.runs == two.model.runs == 6


def test_a_way_back_starts_where_the_way_up_ended():
    """Without a compliance the first point on the way back is the turn, which a simulation has on its way up."""
    stack = base(QUICK)
    ramps = (ramp(0.0, 0.8, 2.0, 1e-3, "set"), ramp(0.8, 0.0, 2.0, 1e-3, "set_back"))
    (level,) = levels_of(simulate_iv(stack, mesh="coarse", segments=ramps).sweep)
    assert level.branch("set_back").voltage[0] == pytest.approx(0.8)
    rms = branch_rms(level, simulate_level(stack, level, "coarse"))
    assert rms["set_back"] < 0.02
    assert rms["set"] < 0.02


def test_a_staircase_has_the_rate_of_its_voltages():
    v, i = device(limit=1e-4)
    seconds = np.cumsum(np.abs(np.diff(v, prepend=0))) / 0.25
    twice = rows(np.repeat(v, 2), np.repeat(i, 2), time_s=np.repeat(seconds, 2) + np.tile([0.0, 0.001], v.size))
    assert levels_of(table(twice))[0].rate == pytest.approx(0.25, rel=1e-6)


def test_a_trial_that_the_mesh_cannot_resolve_is_no_point(tmp_path):
    stack, (level,) = base(QUICK), levels_of(table(rows(*device(limit=1e-4))), 2.0)
    model = Model(stack, priors_of(stack, {"filament.edge_width": (0.2, 0.6)}), "coarse", store=tmp_path)
    fine, coarse = (np.array([model.priors[0].z(width)]) for width in (0.5, 0.3))
    assert [found is None for found in model.simulate([fine, coarse], [level])] == [False, True]
    again = Model(stack, model.priors, "coarse", store=tmp_path)
    assert [found is None for found in again.simulate([fine, coarse], [level])] == [False, True]
    assert again.runs == 0


@pytest.mark.parametrize("text", ['{"branches": {"set": [1.0]}, "reached": true}', '{"branches": 3}', "[]"])
def test_a_kept_run_of_another_shape_is_run_again(tmp_path, text):
    stack, (level,) = base(QUICK), levels_of(table(rows(*device(limit=1e-4))), 2.0)
    model = Model(stack, priors_of(stack, {"reaction.energy": (1.1, 1.5)}), "coarse", store=tmp_path)
    (first,) = model.simulate([model.start()], [level])
    (path,) = tmp_path.iterdir()
    path.write_text(text)
    again = Model(stack, model.priors, "coarse", store=tmp_path)
    assert again.simulate([again.start()], [level]) == [first]
    assert again.runs == 1
