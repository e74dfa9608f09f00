"""Kinetics beside holds and ramps that are read in another way."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import linregress

from devicekit.core.errors import ParameterError
from devicekit.core.records import frame
from physics.drive import Segment, ramp, set_sweep
from physics.iv import make_stepper, simulate_iv
from physics.kinetics import Hold, Kinetics, Ramp, _until, kinetics, ramp_voltage, reset_time, set_time, slope
from physics.solvers.state import Limit
from physics.solvers.stepping import NotConvergedError
from physics.stack import load_material

from .pinned import (
    base,
)

SMALL = {"numerics.density_step": 0.02, "numerics.conductance_step": 0.05}
"""Steps a third of the usual ones: a hold is then as exact as one that is cut into many."""


def first_reading(stack, density, voltage, limit):
    """Conductance at a voltage before anything has moved [S]."""
    stepper = make_stepper(stack, "banded", "coarse")
    ambient = np.full(density.shape, stack.heat.ambient)
    return stepper.fields(density, voltage, Limit(limit), ambient).conductance


def hold(stack, voltage, limit, whole, pieces, before=()):
    """Times [s] and conductances [S] of a hold that is cut into equal pieces, from the table of `simulate_iv`."""
    each = [Segment(voltage, voltage, whole / pieces, limit, "hold", 7) for _ in range(pieces)]
    frame = simulate_iv(stack, mesh="coarse", segments=[*before, *each]).sweep.frame
    rows = frame[(frame["segment"] == "hold") & (frame["voltage_v"] == voltage) & (frame["current_a"] != 0)]
    start = sum(segment.duration for segment in before)
    return rows["time_s"].to_numpy() - start, (rows["current_a"] / rows["device_voltage_v"]).to_numpy()


@pytest.mark.parametrize("voltage", [0.4, pytest.param(0.8, marks=pytest.mark.slow)])
def test_set_time_is_that_of_a_hold_in_many_pieces(stack, voltage):
    found = set_time(stack, voltage, "coarse")
    limit = stack.circuit.compliance
    time, conductance = hold(stack, voltage, limit, 1.2 * found, 200)
    begin = first_reading(stack, make_stepper(stack, "banded", "coarse").grid.initial_density(), voltage, limit)
    read = float(np.interp(math.log(3), np.log(conductance / begin), time))
    assert time[-1] == pytest.approx(1.2 * found, rel=1e-9)
    assert found == pytest.approx(read, rel=0.07)  # 0.03 decades, some 3 mV: what the usual step of the time leaves
    small = set_time(stack.replace(SMALL), voltage, "coarse")
    assert small == pytest.approx(read, rel=0.03)
    assert abs(small - read) < 0.7 * abs(found - read)


def read_reset(stack, whole, pieces):
    """The reset time at -0.8 V [s], read from a hold of that length [s] in many pieces."""
    before = set_sweep(stack)
    time, conductance = hold(stack, -0.8, math.inf, whole, pieces, before)
    stepper = make_stepper(stack, "banded", "coarse")
    state = stepper.start()
    for segment in before:
        state = stepper.run(state, segment)
    begin = first_reading(stack, state.density, -0.8, math.inf)
    return float(np.interp(math.log(3), np.log(begin / conductance), time))


def test_a_higher_voltage_sets_the_default_stack_sooner_whatever_its_compliance():
    """Its compliance is reached below three times the conductance; a hold that it limits would last minutes."""
    times = [set_time(load_material("drift"), voltage, "coarse") for voltage in (0.6, 0.7, 0.8)]
    assert times[0] > 10 * times[1] > 100 * times[2] > 0
    low = load_material("drift").replace({"circuit.compliance": 1e-5})
    assert set_time(low, 0.7, "coarse") == times[1]


@pytest.mark.slow
def test_reset_time_is_that_of_a_hold_in_many_pieces(stack):
    found = reset_time(stack, -0.8, "coarse")
    read = read_reset(stack, 1.2 * found, 200)
    assert found == pytest.approx(read, rel=0.14)
    assert reset_time(stack.replace(SMALL), -0.8, "coarse") == pytest.approx(read, rel=0.04)


@pytest.mark.slow
def test_reset_time_after_a_short_set_is_that_of_a_hold_in_pieces(stack):
    short = stack.replace({"numerics.voltage_step": 0.05, "drive.set_stop": 0.7})
    found = reset_time(short, -0.8, "coarse")
    assert found == pytest.approx(read_reset(short, 1.2 * found, 60), rel=0.14)


@pytest.mark.parametrize("rate", [1e-2, 1e3])
def test_ramp_voltage_is_read_off_a_sweep(stack, rate):
    frame = simulate_iv(stack, mesh="coarse", segments=[ramp(0.0, 1.0, rate, 1e-3, "up")]).sweep.frame[1:]
    k = int((frame["current_a"] < 1e-4).sum())
    (v0, v1), (i0, i1) = frame["voltage_v"].to_numpy()[k - 1 : k + 1], frame["current_a"].to_numpy()[k - 1 : k + 1]
    assert i0 < 1e-4 < i1
    expected = v0 + (v1 - v0) * math.log(1e-4 / i0) / math.log(i1 / i0)
    assert ramp_voltage(stack, rate, "coarse") == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
def test_a_hold_is_given_up_just_before_it_sets_and_not_just_after(rough):
    found = set_time(rough, 0.6, "coarse")
    assert math.isnan(set_time(rough, 0.6, "coarse", longest=0.85 * found))
    assert set_time(rough, 0.6, "coarse", longest=1.15 * found) == pytest.approx(found, rel=0.03)
    found = reset_time(rough, -0.9, "coarse")
    assert math.isnan(reset_time(rough, -0.9, "coarse", longest=0.8 * found))
    assert reset_time(rough, -0.9, "coarse", longest=1.2 * found) == pytest.approx(found, rel=0.03)


def test_a_ramp_ends_at_100_ua_if_the_compliance_lets_it(stack):
    free = ramp_voltage(stack, 1.0, "coarse")
    least = ramp_voltage(stack.replace({"circuit.compliance": 1.001e-4}), 1.0, "coarse")
    assert least == pytest.approx(free, abs=0.01)  # one step: the current is cut off within the last one
    assert math.isnan(ramp_voltage(stack.replace({"circuit.compliance": 0.999e-4}), 1.0, "coarse"))


def test_a_series_resistance_delays_a_set_and_a_low_voltage_never_resets(rough):
    assert set_time(rough.replace({"circuit.series_resistance": 2e4}), 0.6, "coarse") > set_time(rough, 0.6, "coarse")
    assert math.isnan(reset_time(rough, -0.02, "coarse", longest=1e3))


@pytest.fixture(scope="module")
def rougher(rough):
    return rough.replace({"numerics.density_step": 0.3, "numerics.conductance_step": 0.6})


@pytest.fixture(scope="module")
def found(rougher):
    seen = []
    return kinetics(rougher, (0.5, 0.7, 0.9), (1e-3, 1e3, 1e9), "coarse", progress=seen.append), seen


def test_kinetics_are_those_of_each_hold_and_ramp(rougher, found):
    result, seen = found
    holds, ramps = frame(result.holds), frame(result.ramps)
    assert list(holds["voltage_v"]) == [0.5, 0.7, 0.9]
    assert holds["set_time_s"][1] == set_time(rougher, 0.7, "coarse")
    assert holds["reset_time_s"][2] == reset_time(rougher, -0.9, "coarse")
    assert ramps["v_100ua_v"][1] == ramp_voltage(rougher, 1e3, "coarse")
    assert np.all(np.diff(holds[["set_time_s", "reset_time_s", "jart_set_time_s"]].to_numpy(), axis=0) < 0)
    assert np.all(np.diff(ramps[["v_100ua_v", "jart_v_100ua_v"]].to_numpy(), axis=0) > 0)
    assert holds["jart_set_time_s"].to_list() == pytest.approx([0.2065, 5.244e-5, 5.631e-8], rel=2e-3)
    assert seen == pytest.approx(np.arange(1, 10) / 9)
    assert result.notes == ()
    line = linregress(np.log10(holds["set_time_s"]), holds["voltage_v"])
    assert result.slopes["set"].value == pytest.approx(-line.slope, rel=1e-9)
    assert result.slopes["set"].stderr == pytest.approx(line.stderr, rel=1e-9)


def test_a_summary_of_kinetics_is_strict_json(found):
    result, _ = found
    text = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert text["holds"][0]["set_time_s"] == result.holds[0].set_time_s
    assert text["slopes"]["reset"]["points"] == 3
    assert [len(text[name]) for name in ("holds", "ramps", "notes")] == [3, 3, 0]


def test_a_melting_filament_is_noted_without_a_time(rough):
    hot = rough.replace({"heat.filament": 5.0})
    result = kinetics(hot, [1.2, 2.0], [], "coarse")
    assert result.holds[0].set_time_s == pytest.approx(set_time(hot, 1.2, "coarse"))
    assert math.isnan(result.holds[1].set_time_s)
    assert result.notes[0].startswith("set time at 2: ")
    assert "2000 K" in result.notes[0]
    assert result.summary()["holds"][1]["set_time_s"] is None
    with pytest.raises(NotConvergedError, match="2000 K"):
        set_time(hot, 2.0, "coarse")


def test_every_number_stands_where_it_belongs_and_notes_name_what_failed(monkeypatch):
    def failing(name, factor):
        def task(_stack, value, _mesh):
            if abs(value) == 0.7:
                raise NotConvergedError("no step converges")
            return factor * value

        task.__name__ = name
        return task

    for name, factor in (("set_time", 1.0), ("reset_time", 10.0), ("ramp_voltage", 100.0)):
        monkeypatch.setattr(f"physics.kinetics.{name}", failing(name, factor))
    result = kinetics(None, (0.9, 0.7, 0.5), (3.0, 0.7))
    np.testing.assert_allclose(frame(result.holds)["set_time_s"], [0.9, math.nan, 0.5])
    np.testing.assert_allclose(frame(result.holds)["reset_time_s"], [-9.0, math.nan, -5.0])
    np.testing.assert_allclose(frame(result.ramps)["v_100ua_v"], [300.0, math.nan])
    names = ("set time at 0.7", "reset time at -0.7", "ramp voltage at 0.7")
    assert result.notes == tuple(f"{name}: no step converges" for name in names)


@pytest.mark.parametrize("bad", [0.0, -0.5, math.nan, math.inf])
@pytest.mark.parametrize("name", ["voltage", "rate"])
def test_voltages_and_rates_are_above_0(stack, name, bad):
    given = {"voltages": [0.5, bad], "rates": [1.0]} if name == "voltage" else {"voltages": [0.5], "rates": [bad, 1.0]}
    with pytest.raises(ParameterError, match=f"{name}: found {bad:g}, expected more than 0"):
        kinetics(stack, mesh="coarse", **given)


def test_slope_of_an_exact_line():
    voltage = np.array([0.3, 0.45, 0.6, 0.9])
    found = slope(voltage, 10 ** ((0.5 - voltage) / 0.07))  # 70 mV a decade
    assert found.value == pytest.approx(0.07, rel=1e-12)
    assert found.stderr == pytest.approx(0.0, abs=1e-12)
    assert found.points == 4


def test_slope_of_scattered_times_has_the_standard_error_of_a_regression():
    random = np.random.default_rng(5)
    voltage = np.linspace(0.9, 0.3, 13)  # falling
    time = 10 ** (random.normal(0, 0.4, 13) - 12 * voltage)
    expected = linregress(np.log10(time), voltage)
    found = slope(voltage, time)
    assert (found.value, found.stderr) == pytest.approx((-expected.slope, expected.stderr), rel=1e-9)
    one = voltage.copy()
    one[3] += 0.001  # another line: an equality that could not fail would be no test
    assert slope(one, time).stderr != pytest.approx(expected.stderr, rel=1e-6)


def test_slope_counts_known_times_within_its_range_alone():
    voltage = np.array([0.29, 0.3, 0.5, 0.7, 0.9, 0.91, 0.6])
    time = 10 ** (-10 * voltage)
    time[[0, 5]] = 1e6  # outside
    time[6] = np.nan
    found = slope(voltage, time)
    assert found.points == 4
    assert found.value == pytest.approx(0.1, rel=1e-12)
    assert slope(voltage, time, (0.29, 0.9)).points == 5
    few = slope(voltage[[1, 2]], time[[1, 2]])
    assert (few.points, math.isnan(few.value), math.isnan(few.stderr)) == (2, True, True)
    assert slope(voltage[[1, 2, 3]], time[[1, 2, 3]]).value == pytest.approx(0.1)


def made(set_times, reset_times, voltages=(0.9, 1.2, 1.5)):
    holds = tuple(
        Hold(voltage_v=v, set_time_s=up, reset_time_s=down, jart_set_time_s=1e-12)
        for v, up, down in zip(voltages, set_times, reset_times, strict=True)
    )
    ramps = (Ramp(rate_v_s=1.0, v_100ua_v=0.6, jart_v_100ua_v=0.55),)
    return Kinetics(stack=base(), mesh="coarse", holds=holds, ramps=ramps, notes=())


@pytest.mark.parametrize(
    ("set_times", "reset_times", "words"),
    [
        ([1e-6, 1e-8, 1.01e-10], [1e-3, 1e-5, math.nan], None),  # JART's own 1e-12 s are not the stack's
        ([1e-6, 1e-8, 0.99e-10], [1e-3, 1e-5, math.nan], "From 1.5 V on"),
        ([1e-6, 0.99e-10, 1e-12], [1e-3, 1e-5, 1e-8], "From 1.2 V on"),
        ([1e-6, 1e-8, 1e-9], [1e-3, 0.99e-10, 1e-8], "From 1.2 V on"),
        ([math.nan] * 3, [math.nan] * 3, None),
    ],
)
def test_a_time_before_heat_spreads_is_remarked(set_times, reset_times, words):
    remarks = made(set_times, reset_times).remarks
    if words is None:
        assert remarks == ()
    else:
        (remark,) = remarks
        assert remark.code == "thermal_time"
        assert remark.message.startswith(words)
        assert "1e-10 s" in remark.message


@pytest.mark.slow
def test_a_real_set_at_2_v_is_faster_than_heat(rough):
    fast, slow = (kinetics(rough, [voltage], [], "coarse") for voltage in (2.0, 1.2))
    assert fast.holds[0].set_time_s < 1e-10 < slow.holds[0].set_time_s
    assert [each.code for each in fast.remarks] == ["thermal_time"]
    assert slow.remarks == ()


@pytest.mark.parametrize(("ratio", "last"), [(3.0, 9.0), (1 / 3, 1 / 9)])
def test_a_time_lies_where_the_logarithms_of_conductance_and_time_do(ratio, last):
    """A factor of 3 is half of one of 9 in ln G, and half way from 1 to 100 ms in ln t is 10 ms."""

    def run(state, hold, see, over):
        for time, conductance in ((5.0 + 1e-3, 2.0), (5.0 + 0.1, 2.0 * last)):
            see(SimpleNamespace(time=time, fields=SimpleNamespace(conductance=conductance)), 0.0)
        assert over(None)

    assert _until(SimpleNamespace(time=5.0), run, None, ratio) == pytest.approx(1e-2, rel=1e-6)


def test_figures_leave_out_what_did_not_switch():
    result = made([1e-3, math.nan, 1e-9], [math.nan] * 3)
    panel, ramps = result.panel(), result.ramps_panel()
    first, second, *_ = (curve.name for curve in panel.curves)
    assert first == "SET"
    assert second.startswith("RESET")
    assert np.isfinite(np.asarray(panel.curves[0].y, float)).sum() == 2
    assert np.asarray(ramps.curves[0].y).tolist() == [0.6]
    assert result.slopes["set"].points == 1  # 1.2 and 1.5 V are beyond its range
    assert set(result.summary()["slopes"]) == set()


def test_what_has_not_been_set_has_no_reset_time():
    found = kinetics("gated", voltages=[0.6], rates=[1e6], mesh="coarse")
    none = kinetics(load_material("gated").replace({"circuit.compliance": 1e-9}), [0.6], [1e6], "coarse")
    assert math.isnan(none.holds[0].reset_time_s)
    assert any("reset time" in each for each in none.notes)
    assert not any("SET before" in each for each in found.notes)
