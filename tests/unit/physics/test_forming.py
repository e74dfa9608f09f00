"""A pristine film forms: V_form against rate and thickness, then loops of the formed device."""

from __future__ import annotations

import html
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import ParameterError
from physics.drive import forming
from physics.forming import forming_slope, forming_study
from physics.iv import make_stepper, simulate_iv
from physics.solvers.state import Limit
from physics.stack import load_material, load_stack, to_toml

from .commands import refused, run, strict

THIN = {"layer.HfO2.thickness": 4.0, "drive.form_stop": 2.0, "drive.reset_stop": -1.1, "drive.set_stop": 1.5}


@pytest.mark.slow
def test_v_form_rises_with_the_rate_and_with_the_thickness():
    rates = forming_study("hfo2", (1.0, 10.0, 100.0), (4.0,), "coarse")
    found = forming_slope(rates)
    assert found.value > 10 * found.stderr > 0
    (thick,) = forming_study("hfo2", (1.0,), (8.0,), "coarse")
    assert 1.6 < thick.v_form_v / rates[0].v_form_v < 2.4


def test_fields_on_the_plateau_of_the_compliance_are_those_of_the_density():
    """A stiff reaction makes the two sweeps of a step alternate; such a step is rejected."""
    stack = load_stack("hfo2").replace(THIN)
    result = simulate_iv(stack, mesh="coarse", start="pristine")
    ramp = result.sweep.frame[result.sweep.frame["segment"] == "set"]
    formed = next(each for each in result.stages if each.label == "end of set")
    stepper = make_stepper(stack, mesh="coarse")
    density = formed.density / stack.filament.reference_density
    again = stepper.fields(density, 2.0, Limit(stack.circuit.compliance), formed.temperature)
    assert again.limited
    assert ramp["device_voltage_v"].iloc[-1] == pytest.approx(again.voltage, rel=0.02)


@pytest.mark.slow
def test_v_form_is_that_of_the_calibration_with_large_steps_too():
    """Steps of 30 mV, with which alternating sweeps formed the film half a volt too early."""
    stack = load_stack("hfo2").replace({"numerics.voltage_step": 0.03})
    (found,) = forming_study(stack, (1.0,), mesh="coarse")
    assert found.v_form_v == pytest.approx(2.91, abs=0.02)


@pytest.mark.slow
def test_the_formed_device_cycles_below_its_forming_voltage():
    result = simulate_iv(load_stack("hfo2").replace(THIN), mesh="coarse", start="pristine", cycles=3)
    assert result.complete
    assert result.first.cycle == 2
    for each in result.cycles[1:]:
        assert each.v_set_v < 0.6 * result.v_form_v
        assert each.on_off > 10
    assert result.cycles[2].v_set_v == pytest.approx(result.cycles[1].v_set_v, rel=0.1)


@pytest.mark.usefixtures("without_pictures")
def test_the_command_names_the_voltage_of_the_jump_to_half_of_the_compliance(capsys, tmp_path):
    path = tmp_path / "thin.toml"
    path.write_text(to_toml(load_stack("hfo2").replace(THIN)), encoding="utf-8")
    (tmp_path / "stack.toml").write_text('material = "thin.toml"', encoding="utf-8")
    wanted = ["--stack", tmp_path / "stack.toml", "--from", "pristine", "--mesh", "coarse", "--out", tmp_path / "out"]
    code, out, _ = run(capsys, "simulate", "iv", *wanted, "--json")
    assert code == 0
    rows = pd.read_csv(tmp_path / "out" / "iv.csv")
    formed = rows[rows["current_a"] >= 1e-5].iloc[0]
    assert strict(out)["v_form_v"] == pytest.approx(formed["voltage_v"], abs=1e-3)
    assert strict(out)["start"] == "pristine"
    assert strict(out)["solver"] == "banded"
    assert strict(out)["v_form_v"] == pytest.approx(1.227, abs=0.02)
    assert strict(out)["v_set_method"] == "half_ln_g"
    assert strict(out)["v_set_v"] is None  # a forming has V_form
    assert strict(out)["v_100ua_v"] is None
    assert "20 µA" in strict(out)["v_100ua_missing"]


@pytest.mark.slow
def test_a_forming_is_in_no_median_and_needs_a_way_back():
    result = simulate_iv(load_stack("hfo2").replace(THIN), mesh="coarse", start="pristine", cycles=2)
    assert result.dc.cycles["v_form_v"].dropna().tolist() == [result.v_form_v]
    assert result.dc.cycles["v_set_v"].isna().tolist() == [True, False]
    assert result.dc.spread("v_set_v").n == 1
    assert result.dc.spread("g_hrs_s").median == result.cycles[1].hrs_s
    missed = replace(result.dc, cycles=result.dc.cycles.assign(v_form_v=np.nan))  # it ended below half of the limit
    assert missed._counted["cycle"].tolist() == [2]
    ramp = forming(result.stack)[:1]  # shows no state after the forming
    alone = simulate_iv(result.stack, mesh="coarse", start="pristine", segments=ramp)
    assert alone.v_form_v is None
    assert "unformed" not in {each.code for each in alone.quality.remarks}


def test_the_headline_is_a_median_of_known_values(monkeypatch):
    """Of loops 2 to 6: one far off moves it little, an unknown one not at all; the first loop is not in it."""
    result = simulate_iv(mesh="coarse", cycles=1)
    (one,) = result.cycles
    values = (9.0, 0.50, 0.52, None, 5.0, 0.51)
    loops = tuple(replace(one, cycle=k, v_set_v=value) for k, value in enumerate(values, 1))
    monkeypatch.setitem(result.__dict__, "cycles", loops)
    assert (result.typical.v_set_v, result.typical_of) == (pytest.approx(0.515), "median of loops 2 to 6")
    monkeypatch.setitem(result.__dict__, "cycles", loops[:2])
    assert (result.typical.v_set_v, result.typical_of) == (9.0, "first loop")


def thin_stack(tmp_path):
    """The file of a thin film that is simulated in large steps."""
    path = tmp_path / "thin.toml"
    path.write_text(to_toml(load_stack("hfo2").replace({**THIN, "numerics.voltage_step": 0.03})), encoding="utf-8")
    (tmp_path / "stack.toml").write_text('material = "thin.toml"', encoding="utf-8")
    return ["--stack", tmp_path / "stack.toml", "--from", "pristine", "--mesh", "coarse", "--out", tmp_path / "out"]


@pytest.mark.usefixtures("without_pictures")
def test_a_film_that_melts_before_the_compliance_has_formed_and_lists_no_loop_that_did_not_run(capsys, tmp_path):
    wanted = ["simulate", "iv", *thin_stack(tmp_path), "--cycles", 12, "--compliance", 1e-4, "--json"]
    code, out, _ = run(capsys, *wanted)
    found = strict(out)
    assert code == 1
    assert (len(found["cycles"]), found["loops_planned"]) == (1, 12)
    codes = [each["code"] for each in found["remarks"]]
    assert codes[0] == "melted"
    assert "unformed" not in codes
    last = pd.read_csv(tmp_path / "out" / "iv.csv")["voltage_v"].iloc[-1]
    assert f"{last:.3g} V" in html.unescape((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))


@pytest.mark.usefixtures("without_pictures")
def test_the_table_of_a_forming_is_characterized_without_it_and_at_no_mixed_temperatures(capsys, tmp_path):
    code, out, _ = run(capsys, "simulate", "iv", *thin_stack(tmp_path), "--cycles", 2, "--json")
    assert code == 0
    given = (tmp_path / "out" / "iv.csv", "--v-set", "compliance", "--out", tmp_path / "dc", "--json")
    code, text, _ = run(capsys, "characterize", *given)
    assert code == 0
    found, simulated = strict(text)["files"][0]["dc"], strict(out)
    assert found["warnings"] == []  # the highest temperature of the filament is no temperature of the measurement
    (v_set,) = (each for each in found["spreads"] if each["quantity"] == "v_set_v")
    assert (v_set["n"], v_set["median"]) == (1, pytest.approx(simulated["cycles"][1]["v_set_v"]))
    (table,) = (tmp_path / "dc").rglob("*cycles*.csv")
    assert pd.read_csv(table)["v_form_v"][0] == pytest.approx(simulated["v_form_v"], abs=1e-6)


def test_the_end_of_a_forming_ramp_keeps_its_field_with_the_thickness_of_one_of_two_layers(monkeypatch):
    stops = []

    def stop(film, **options):
        stops.append(film.drive.form_stop)
        raise KeyboardInterrupt

    monkeypatch.setattr("physics.forming.simulate_iv", stop)
    two = load_material("reversible").replace({"drive.form_stop": 6.0})
    assert float(two.heights[-1]) == 12.0
    with pytest.raises(KeyboardInterrupt):
        forming_study(two, (1.0,), (two.layers[two.active].thickness + 4.0,))
    assert stops == [8.0]


@pytest.mark.slow
def test_a_film_forms_with_noise_in_about_as_many_steps_as_without():
    stack = load_stack("hfo2").replace(THIN)
    mean, noisy = (simulate_iv(stack, mesh="coarse", start="pristine", noise=seed) for seed in (None, 1))
    assert noisy.complete
    assert noisy.quality.steps < 4 * mean.quality.steps
    assert noisy.v_form_v != mean.v_form_v
    assert noisy.v_form_v == pytest.approx(mean.v_form_v, rel=0.1)


def test_formings_of_a_film_end_at_the_stop_of_the_stack():
    """Rates and thicknesses alone differ between a study and the command."""
    stack = load_stack("hfo2").replace({**THIN, "drive.form_stop": 0.5})
    assert [each.v_form_v for each in forming_study(stack, (1.0,), (4.0, 3.0), "coarse")] == [None, None]
    assert forming(stack.replace({"drive.form_stop": 0.0}))[0].stop == 2.0  # 0.5 V/nm


def test_a_film_that_does_not_form_is_remarked_on():
    stack = load_stack("hfo2").replace({**THIN, "drive.form_stop": 0.5})
    result = simulate_iv(stack, mesh="coarse", start="pristine")
    assert result.v_form_v is None
    assert "unformed" in {each.code for each in result.quality.remarks}


def test_a_stack_that_cannot_form_is_refused(capsys):
    assert "generation" in refused(capsys, "simulate", "iv", "--from", "pristine")
    with pytest.raises(ParameterError, match=r"HfO2.reaction"):
        simulate_iv("electrothermal", start="pristine")
    with pytest.raises(ParameterError, match="start"):
        simulate_iv(start="formed")


def test_a_run_from_after_a_reset_has_no_forming_voltage():
    result = simulate_iv(load_stack("hfo2").replace(THIN), mesh="coarse")
    assert result.v_form_v is None
    assert result.first.cycle == 1
