"""Set I-V and loops, end to end on the coarse mesh; the figures of finer meshes are in the slow tests."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from devicekit.tables import SweepTable
from physics.drive import ramp
from physics.iv import simulate_iv
from physics.pulses import simulate_pulses
from physics.report import no_set_sentence
from physics.solvers.discretisation import Discretisation
from physics.solvers.mesh import Mesh, build_mesh
from physics.stack import load_material, load_stack

from .commands import SUMMARY
from .layered_stacks import AL2O3, HFO2, TIOX, layer, stack_of
from .pinned import LARGE_STEPS


@pytest.mark.slow
def test_one_layer_cut_in_two_is_the_same_stack(tmp_path):
    """HfO2 of 7 nm, and of 3 and 4 nm: the same arrays on the same cells, and the same set on its own mesh."""
    two = stack_of(tmp_path, layer("HfO2", 7.0, 1.35, 0.5, 0.0), AL2O3)
    cut = stack_of(tmp_path, layer("a", 3.0, 1.35, 0.5, 0.0), layer("b", 4.0, 1.35, 0.5, 0.0), AL2O3)
    mesh = build_mesh(cut, "coarse")
    one = Discretisation(two, Mesh(mesh.r_faces, mesh.z_faces, (mesh.layer == 2).astype(np.int64)))
    other = Discretisation(cut, mesh)
    for name in ("barrier", "prefactor", "heat_insulating", "reaction_barrier"):
        np.testing.assert_array_equal(getattr(other, name), getattr(one, name))
    np.testing.assert_array_equal(other.initial_density(), one.initial_density())
    found = [simulate_iv(each, mesh="coarse") for each in (two, cut)]
    assert found[1].v_100ua_v == pytest.approx(found[0].v_100ua_v, abs=1e-3)
    assert found[1].first.device.on_off == pytest.approx(found[0].first.device.on_off, rel=0.01)


@pytest.mark.parametrize("parts", [(AL2O3,), (HFO2, AL2O3, TIOX)], ids=["one", "three"])
def test_one_and_three_layers_run_a_short_ramp(tmp_path, parts):
    """The books close, and the circuit is V = V_d + I R at every point."""
    stack = stack_of(tmp_path, *parts)
    result = simulate_iv(stack, mesh="coarse", segments=(ramp(0.0, 0.4, 1.0, 1e-3, "set"),))
    assert result.complete
    frame = result.sweep.frame
    volts, amperes = frame["voltage_v"].to_numpy(), frame["current_a"].to_numpy()
    np.testing.assert_allclose(frame["device_voltage_v"] + 500.0 * amperes, volts, rtol=0, atol=1e-12)
    assert volts[-1] == pytest.approx(0.4, rel=1e-12)
    assert np.diff(amperes).min() > 0
    assert result.quality.mass_error <= 1e-9
    assert result.quality.power_error <= 1e-9


ROUGH = load_material("reversible").replace(LARGE_STEPS)


def train(result, width, cycle, direction):
    rows = result.pulses.select(width=width, cycle=cycle).frame
    return rows[rows["direction"] == direction].sort_values("pulse_index")["conductance_s"].to_numpy()


@pytest.mark.slow
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


@pytest.mark.slow
def test_set_on_three_meshes_and_two_time_steps():
    stack = load_material("reversible")
    default, fine = simulate_iv(stack), simulate_iv(stack, mesh="fine")
    assert default.v_100ua_v == pytest.approx(0.6387, abs=0.005)
    assert default.first.device.on_off >= 10
    assert fine.v_set_v == pytest.approx(default.v_set_v, abs=0.005)
    assert fine.v_100ua_v == pytest.approx(default.v_100ua_v, abs=0.005)
    half = {
        f"numerics.{name}": stack.get(f"numerics.{name}") / 2
        for name in ("density_step", "conductance_step", "voltage_step")
    }
    assert simulate_iv(stack.replace(half)).v_set_v == pytest.approx(default.v_set_v, abs=0.004)


@pytest.mark.heavy
def test_five_cycles_repeat_and_converge_with_the_mesh():
    stack = load_material("reversible")
    default, fine = simulate_iv(stack, cycles=5), simulate_iv(stack, mesh="fine", cycles=5)
    assert default.cycles[2].v_100ua_v == pytest.approx(0.650, abs=0.010)  # what the set is chosen for
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
def test_without_the_ion_length_the_mesh_dependence_returns():
    """The regularisation is what makes reset and pulses converge."""
    stack = load_material("reversible").replace({"transport.ion_potential_length": 0.0})
    options = {"widths": (5e-6,), "count": 100, "pairs": 1}
    coarse, default = (simulate_pulses(stack, mesh=mesh, **options) for mesh in ("coarse", "default"))
    whole = load_material("reversible")
    with_length = [simulate_pulses(whole, mesh=mesh, **options) for mesh in ("coarse", "default")]

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
def test_without_the_charge_of_its_vacancies_a_drift_set_has_no_bipolar_loop():
    loop, none = (
        simulate_iv(load_material("electrothermal").replace(changes), mesh="coarse", cycles=2)
        for changes in ({}, {"transport.charge_number": 0.0})
    )
    assert all(cycle.v_reset_v is not None for cycle in loop.cycles)
    assert all(cycle.v_reset_v is None for cycle in none.cycles)
    assert none.cycles[1].device.hrs_s > 8 * loop.cycles[1].device.hrs_s


@pytest.mark.slow
@pytest.mark.parametrize(("saturation", "change"), [(0.0, -0.034), (0.25, 0.060)], ids=["ideal", "transistor"])
def test_a_transistor_gives_the_reset_voltage_its_measured_trend(saturation, change):
    """Behind an ideal limiter V_reset hardly knows the compliance; with a transistor it falls with it."""
    stack = load_material("reversible").replace(
        {"circuit.saturation_voltage": saturation, "numerics.voltage_step": 0.03}
    )
    runs = (simulate_iv(stack, mesh="coarse", cycles=1, compliance=limit) for limit in (1e-4, 4e-4))
    one, two = (run.cycles[0].v_reset_v for run in runs)
    assert two - one == pytest.approx(change, abs=0.015)


@pytest.fixture(scope="module")
def result():
    return simulate_iv(mesh="coarse")


def test_set_iv(result):
    assert result.complete
    assert result.v_100ua_v == pytest.approx(0.656, abs=0.01)
    assert result.v_set_v == result.v_100ua_v
    assert result.on_off == pytest.approx(6.36, rel=0.03)
    assert result.first.device.on_off >= 6
    assert isinstance(result.sweep, SweepTable)
    frame = result.sweep.frame
    assert frame["voltage_v"].iloc[0] == 0.0
    assert frame["voltage_v"].iloc[-1] == 0.0
    top = int(frame["voltage_v"].argmax())
    assert frame["voltage_v"][top] == pytest.approx(0.9)
    assert np.abs(np.diff(frame["voltage_v"])).max() <= 0.01 + 1e-12
    below = frame["current_a"] < 0.999e-4  # the compliance
    assert np.all(np.diff(frame["current_a"][: top + 1][below]) > 0)
    assert np.all(np.diff(frame["current_a"][top:][below]) < 0)
    assert frame["current_a"].max() == pytest.approx(1e-4)


def test_books_are_kept(result):
    quality = result.quality
    assert quality.mass_error <= 1e-9
    assert quality.power_error <= 1e-10
    assert quality.n_min >= 0
    assert quality.steps == len(result.sweep) - 1


def test_summary_is_strict_json(result):
    text = json.dumps(result.summary(), allow_nan=False)
    assert set(json.loads(text)) >= SUMMARY


def test_stages_and_fields(result, tmp_path):
    labels = ["start", "10 µA", "100 µA", "end of set", "end of set back"]
    assert [stage.label for stage in result.stages] == labels
    content = [np.sum(result.mesh.volume * stage.density) for stage in result.stages]
    assert content[3] != content[0]  # Ti gives and takes vacancies
    path = tmp_path / "fields.npz"
    result.save_fields(path)
    with np.load(path, allow_pickle=False) as fields:
        assert fields["temperature_k"].shape == (5, *result.mesh.shape)
        assert fields["z_faces_m"][-1] == pytest.approx(12e-9)
        assert 1e27 < fields["vacancy_density_m3"].max() <= 1.5e27  # the site limit


def test_fields_are_kept_at_chosen_voltages():
    stages = simulate_iv(mesh="coarse", stage_voltages=(0.2, 0.5)).stages
    kept = {stage.label: stage.voltage_v for stage in stages}
    assert kept["0.2 V"] == pytest.approx(0.2, abs=0.01)
    assert kept["0.5 V"] == pytest.approx(0.5, abs=0.01)


def test_compliance_limits_the_current_and_the_lrs():
    low = simulate_iv(mesh="coarse", compliance=8e-5)
    assert low.sweep.frame["current_a"].max() == pytest.approx(8e-5)
    assert low.v_100ua_v is None
    assert low.lrs_s is not None
    assert low.lrs_s < simulate_iv(mesh="coarse", compliance=1.5e-4).lrs_s


def test_faster_ramps_set_later(result):
    assert simulate_iv(mesh="coarse", rate=100.0).v_100ua_v > result.v_100ua_v + 0.05


def test_progress_runs_to_one():
    seen = []
    simulate_iv(mesh="coarse", progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


def test_an_interrupt_keeps_partial_results():
    def stop(fraction):
        if fraction > 0.25:
            raise KeyboardInterrupt

    result = simulate_iv(mesh="coarse", progress=stop)
    assert not result.complete
    assert result.message == "interrupted"
    assert 0.4 < result.sweep.frame["voltage_v"].max() < 0.5
    assert result.lrs_s is None
    json.dumps(result.summary(), allow_nan=False)


@pytest.mark.slow
def test_a_run_that_does_not_converge_ends_with_what_it_has():
    # A temperature tolerance that rounding never meets once the filament heats.
    changes = {"numerics.temperature_tolerance": 1e-300, "conduction.law": "ohmic"}
    result = simulate_iv(load_material("reversible").replace(changes), mesh="coarse")
    assert not result.complete
    assert "converge" in result.message
    assert len(result.sweep) >= 1
    json.dumps(result.summary(), allow_nan=False)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"solver": "comsol"}, "solver"),
        ({"mesh": "huge"}, "mesh"),
        ({"compliance": 0.0}, "compliance"),
        ({"rate": -1.0}, "rate"),
        ({"cycles": -1}, "cycles"),
        ({"segments": ()}, "segments"),
    ],
)
def test_bad_options_are_named(options, name):
    with pytest.raises(ParameterError, match=name):
        simulate_iv(**options)


def test_a_ramp_of_zero_length_is_refused():
    with pytest.raises(ParameterError, match="zero length"):
        ramp(0.0, 0.0, 1.0, 1e-3)


def test_bare_equations_give_no_set():
    stack = load_material("gated").replace({"reaction.generation": False})
    result = simulate_iv(stack, mesh="coarse")
    assert result.complete
    assert result.v_set_v is None
    assert result.on_off is None  # what does not switch has no two states
    assert "no_switching" in {each.code for each in result.quality.remarks}
    assert "not known" not in no_set_sentence(result)
    assert "not known" in no_set_sentence(replace(result, complete=False))
    assert "no_switching" not in {each.code for each in simulate_iv("gated", mesh="coarse").quality.remarks}


@pytest.mark.parametrize("voltage", [5.0, 1.0, -0.5, math.nan])  # 1 V: within the reset, beyond the set
def test_a_stage_that_the_first_set_does_not_pass_is_refused(voltage):
    with pytest.raises(ParameterError, match="stage_voltages"):
        simulate_iv("gated", mesh="coarse", cycles=1, stage_voltages=[voltage])


def test_a_limit_is_named_only_where_it_holds_the_set_back():
    """The current of a reset, which has no limit, says nothing of the set."""
    for limit, is_named in ((2e-5, False), (1e-6, True)):
        stack = load_stack().replace({"circuit.compliance": limit, "drive.set_stop": 0.3})
        result = simulate_iv(stack, mesh="coarse", cycles=1)
        (found,) = (each for each in result.quality.remarks if each.code == "no_switching")
        assert ("µA" in found.message) == is_named
        assert abs(result.sweep.frame["current_a"].min()) > limit
