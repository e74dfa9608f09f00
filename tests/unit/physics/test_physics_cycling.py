"""Cycling and pulse trains: coarse and short here, the default and the fine mesh in the slow tests."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from devicekit.tables import PulseTable
from physics.iv import simulate_iv
from physics.pulses import simulate_pulses
from physics.stack import load_material, load_stack
from physics.studies import retention

from .pinned import LARGE_STEPS  # type: ignore[import-not-found]

ROUGH = load_stack().replace(LARGE_STEPS)


def train(result, width, cycle, direction):
    rows = result.pulses.select(width=width, cycle=cycle).frame
    return rows[rows["direction"] == direction].sort_values("pulse_index")["conductance_s"].to_numpy()


def test_two_loops_repeat():
    result = simulate_iv(ROUGH, mesh="coarse", cycles=2)
    assert result.complete
    first, second = result.cycles
    assert second.v_set_v == pytest.approx(first.v_set_v, rel=0.05)
    assert first.device.on_off > 10
    assert second.device.on_off > 10
    assert -1.2 < first.v_reset_v < -0.5
    assert result.quality.mass_error <= 1e-9
    assert result.quality.n_min >= 0
    assert len(result.summary()["cycles"]) == 2


def test_trains_are_monotone_and_in_the_table_of_measured_ones():
    result = simulate_pulses(ROUGH, mesh="coarse", widths=(50e-6, 500e-6), count=12, pairs=1, cycles=1)
    assert result.complete
    assert isinstance(result.pulses, PulseTable)
    assert len(result.pulses) == 2 * 2 * 13
    for width in (50e-6, 500e-6):
        up, down = train(result, width, 1, "ltp"), train(result, width, 1, "ltd")
        assert np.all(np.diff(up) > 0)
        assert np.all(np.diff(down) < 0)
        assert down[0] == up[-1]
    change = [train(result, width, 1, "ltd")[-1] / train(result, width, 1, "ltd")[0] for width in (50e-6, 500e-6)]
    assert change[1] < change[0]
    assert [stage.label for stage in result.stages][:2] == ["before the trains", "after ltp at 50 us"]
    json.dumps(result.summary(), allow_nan=False)


def test_a_rest_between_pulses_changes_little():
    options = {"mesh": "coarse", "widths": (5e-6,), "count": 6, "pairs": 1, "cycles": 0}
    one, two = (simulate_pulses(gap=gap, **options) for gap in (0.0, 5e-6))
    np.testing.assert_allclose(train(two, 5e-6, 1, "ltp"), train(one, 5e-6, 1, "ltp"), rtol=0.02)


def test_an_interrupted_train_keeps_its_pulses():
    def stop(fraction):
        if fraction > 0.2:
            raise KeyboardInterrupt

    result = simulate_pulses(mesh="coarse", widths=(5e-6,), count=10, pairs=1, cycles=0, progress=stop)
    assert not result.complete
    assert result.message == "interrupted"
    assert len(result.pulses) == 6


@pytest.mark.parametrize(
    ("options", "name"),
    [({"widths": ()}, "width"), ({"cycles": -1}, "cycles"), ({"count": 0}, "count"), ({"pairs": 0}, "pairs")],
)
def test_bad_options_are_named(options, name):
    with pytest.raises(ParameterError, match=name):
        simulate_pulses(mesh="coarse", **options)


@pytest.mark.slow
def test_set_on_three_meshes_and_two_time_steps():
    default, fine = simulate_iv(), simulate_iv(mesh="fine")
    assert default.v_100ua_v == pytest.approx(0.6387, abs=0.005)
    assert default.first.device.on_off >= 10
    assert fine.v_set_v == pytest.approx(default.v_set_v, abs=0.005)
    assert fine.v_100ua_v == pytest.approx(default.v_100ua_v, abs=0.005)
    stack = load_stack()
    half = {
        f"numerics.{name}": stack.get(f"numerics.{name}") / 2
        for name in ("density_step", "conductance_step", "voltage_step")
    }
    assert simulate_iv(stack.replace(half)).v_set_v == pytest.approx(default.v_set_v, abs=0.004)


@pytest.mark.heavy
def test_five_cycles_repeat_and_converge_with_the_mesh():
    default, fine = simulate_iv(cycles=5), simulate_iv(mesh="fine", cycles=5)
    assert default.cycles[2].v_100ua_v == pytest.approx(0.650, abs=0.010)  # what the set is calibrated to
    for cycle in default.cycles:
        # the first loop starts from a state that no reset has made: its HRS is higher, and its V_set 5 % lower
        assert cycle.v_100ua_v == pytest.approx(default.cycles[0].v_100ua_v, rel=0.05)
        if cycle.cycle > 1:
            assert cycle.v_set_v == pytest.approx(default.cycles[1].v_set_v, rel=0.03)
        assert cycle.device.on_off >= 10
    for one, two in zip(default.cycles, fine.cycles, strict=True):
        assert two.v_100ua_v == pytest.approx(one.v_100ua_v, abs=0.005)
        assert two.v_set_v == pytest.approx(one.v_set_v, abs=0.012)  # aim 5 mV, met in the first loop only
        assert two.hrs_s == pytest.approx(one.hrs_s, rel=0.05)


@pytest.mark.heavy
def test_pulse_trains_are_faster_with_width_and_converge_with_the_mesh():
    default, fine = simulate_pulses(), simulate_pulses(mesh="fine")
    for one, two in zip(default.ends, fine.ends, strict=True):
        assert two.last_s == pytest.approx(one.last_s, rel=0.03)
        trace = train(default, one.pulse_width_s, one.cycle, one.direction)
        assert np.all(np.diff(trace) * (1 if one.direction == "ltp" else -1) > 0)
    ends = {(point.direction, point.cycle, point.pulse_width_s): point.last_s for point in default.ends}
    for cycle in (1, 2):
        up = [ends["ltp", cycle, width] for width in default.pulses.widths]
        down = [ends["ltd", cycle, width] for width in default.pulses.widths]
        assert up == sorted(up)
        assert down == sorted(down, reverse=True)


@pytest.mark.heavy
def test_without_the_ion_length_the_mesh_dependence_returns():
    """The regularisation is what makes reset and pulses converge."""
    stack = load_stack().replace({"transport.ion_potential_length": 0.0})
    options = {"widths": (5e-6,), "count": 100, "pairs": 1}
    coarse, default = (simulate_pulses(stack, mesh=mesh, **options) for mesh in ("coarse", "default"))
    with_length = [simulate_pulses(mesh=mesh, **options) for mesh in ("coarse", "default")]

    def shift(one, two):
        return abs(math.log(train(two, 5e-6, 1, "ltp")[-1] / train(one, 5e-6, 1, "ltp")[-1]))

    assert shift(coarse, default) > 0.1
    assert shift(*with_length) < 0.03


@pytest.mark.slow
def test_electrothermal_set_cycles():
    result = simulate_iv(load_material("electrothermal"), cycles=3)
    assert result.complete
    for cycle in result.cycles:
        assert cycle.v_100ua_v == pytest.approx(0.645, abs=0.025)
        assert cycle.device.on_off >= 10


@pytest.mark.slow
def test_the_default_set_holds_both_states_and_pulses_gradually():
    """10,000 s at 358 K within 5 %, and a first pulse of 50 us that makes at most 60 % of the way, up and down."""
    held = retention(times=(1.0, 1e4))
    assert held.hrs_s[-1] == pytest.approx(held.hrs_s[0], rel=0.05)
    assert held.lrs_s[-1] == pytest.approx(held.lrs_s[0], rel=0.05)
    pulsed = simulate_pulses(widths=(50e-6,))
    for direction in ("ltp", "ltd"):
        trace = train(pulsed, 50e-6, 2, direction)
        assert (trace[1] - trace[0]) / (trace[-1] - trace[0]) <= 0.60
        assert max(trace[0], trace[-1]) / min(trace[0], trace[-1]) > 1.3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["drift", "electrothermal"])
def test_without_the_charge_of_its_vacancies_a_drift_set_has_no_bipolar_loop(name):
    stack = load_material(name)
    loop, none = (simulate_iv(each, cycles=2) for each in (stack, stack.replace({"transport.charge_number": 0.0})))
    assert all(cycle.v_reset_v is not None for cycle in loop.cycles)
    assert all(cycle.v_reset_v is None for cycle in none.cycles)
    assert none.cycles[1].device.hrs_s > 8 * loop.cycles[1].device.hrs_s


@pytest.mark.parametrize(("saturation", "change"), [(0.0, -0.034), (0.25, 0.060)], ids=["ideal", "transistor"])
def test_a_transistor_gives_the_reset_voltage_its_measured_trend(saturation, change):
    """Behind an ideal limiter V_reset hardly knows the compliance; with a transistor it falls with it."""
    stack = load_stack().replace({"circuit.saturation_voltage": saturation, "numerics.voltage_step": 0.03})
    runs = (simulate_iv(stack, mesh="coarse", cycles=1, compliance=limit) for limit in (1e-4, 4e-4))
    one, two = (run.cycles[0].v_reset_v for run in runs)
    assert two - one == pytest.approx(change, abs=0.015)
