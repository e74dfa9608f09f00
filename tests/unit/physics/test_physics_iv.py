"""The set I-V end to end on the coarse mesh; the figures of the default mesh are in the slow tests."""

from __future__ import annotations

import json

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from devicekit.tables import SweepTable
from physics.drive import ramp
from physics.iv import simulate_iv
from physics.stack import load_material, load_stack


@pytest.fixture(scope="module")
def result():
    return simulate_iv(mesh="coarse")


def test_set_iv(result):
    assert result.complete
    assert result.v_100ua_v == pytest.approx(0.65, abs=0.015)
    assert result.v_set_v == pytest.approx(0.593, abs=0.015)
    assert result.on_off == pytest.approx(12.5, rel=0.03)
    assert result.first.device.on_off >= 9.5
    assert isinstance(result.sweep, SweepTable)
    frame = result.sweep.frame
    assert frame["voltage_v"].iloc[0] == 0.0
    assert frame["voltage_v"].iloc[-1] == 0.0
    top = int(frame["voltage_v"].argmax())
    assert frame["voltage_v"][top] == pytest.approx(0.9)
    assert np.abs(np.diff(frame["voltage_v"])).max() <= 0.01 + 1e-12
    assert np.all(np.diff(frame["current_a"][: top + 1]) > 0)
    assert np.all(np.diff(frame["current_a"][top:]) < 0)


def test_books_are_kept(result):
    quality = result.quality
    assert quality.mass_error <= 1e-9
    assert quality.power_error <= 1e-10
    assert quality.n_min >= 0
    assert quality.steps == len(result.sweep) - 1


def test_summary_is_strict_json(result):
    text = json.dumps(result.summary(), allow_nan=False)
    names = {
        "v_set_v",
        "on_off",
        "hrs_s",
        "lrs_s",
        "t_max_k",
        "steps",
        "mass_error",
        "n_min",
        "solver",
        "mesh_cells",
    }
    assert names <= set(json.loads(text))


def test_stages_and_fields(result, tmp_path):
    labels = ["start", "10 uA", "100 uA", "end of set", "end of set back"]
    assert [stage.label for stage in result.stages] == labels
    content = [np.sum(result.mesh.volume * stage.density) for stage in result.stages]
    assert np.all(np.diff(content)[:3] > 0)
    path = tmp_path / "fields.npz"
    result.save_fields(path)
    with np.load(path, allow_pickle=False) as fields:
        assert fields["temperature_k"].shape == (5, *result.mesh.shape)
        assert fields["z_faces_m"][-1] == pytest.approx(12e-9)
        assert fields["vacancy_density_m3"].max() == pytest.approx(1e27, rel=0.02)


def test_fields_are_kept_at_chosen_voltages():
    stages = simulate_iv(mesh="coarse", stage_voltages=(0.2, 0.5)).stages
    kept = {stage.label: stage.voltage_v for stage in stages}
    assert kept["0.2 V"] == pytest.approx(0.2, abs=0.01)
    assert kept["0.5 V"] == pytest.approx(0.5, abs=0.01)


def test_compliance_limits_the_current_and_the_lrs():
    low = simulate_iv(mesh="coarse", compliance=5e-5)
    assert low.sweep.frame["current_a"].max() == pytest.approx(5e-5)
    assert low.v_100ua_v is None
    assert low.lrs_s is not None
    assert low.lrs_s < simulate_iv(mesh="coarse", compliance=2e-4).lrs_s


def test_faster_ramps_set_later(result):
    assert simulate_iv(mesh="coarse", rate=100.0).v_set_v > result.v_set_v


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
    stack = load_stack().replace({"numerics.temperature_tolerance": 1e-300})
    result = simulate_iv(stack, mesh="coarse")
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
