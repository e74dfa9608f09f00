"""Simulations of a calibration: priors, drives, residuals, derivatives, and the store of runs."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import ParameterError
from physics.calibration.fit import calibrate
from physics.calibration.measured import levels_of
from physics.calibration.model import (
    Model,
    Prior,
    Simulated,
    branch_rms,
    change_rms,
    drive_of,
    priors_of,
    residuals,
    simulate_level,
)
from physics.drive import ramp
from physics.iv import simulate_iv

from .calibration_toys import KEYS, QUICK, device, level_at, noisy, rows, table, three
from .pinned import (
    base,
)


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
        ({"reaction.energy": (-2.0, -1.0)}, "reaction.energy: found bounds -2 to -1"),
        ({"drive.reset_stop": (-2.0, -1.0)}, "drive.reset_stop"),
        ({"circuit.compliance": (1e-4, 2e-4)}, "circuit.compliance"),
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
    stack = base().replace({"circuit.compliance": level.compliance})
    found = simulate_level(stack, level, 0.4)
    assert asked == {"stack": stack, "mesh": 0.4, "labels": ["set", "set_back", "reset"]}
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


def test_a_way_back_starts_where_the_way_up_ended():
    """Without a compliance the first point on the way back is the turn, which a simulation has on its way up."""
    stack = base(QUICK)
    ramps = (ramp(0.0, 0.8, 2.0, 1e-3, "set"), ramp(0.8, 0.0, 2.0, 1e-3, "set_back"))
    (level,) = levels_of(simulate_iv(stack, mesh="coarse", segments=ramps).sweep)
    assert level.branch("set_back").voltage[0] == pytest.approx(0.8)
    rms = branch_rms(level, simulate_level(stack, level, "coarse"))
    assert rms["set_back"] < 0.02
    assert rms["set"] < 0.02


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


def test_a_level_is_predicted_by_what_the_simulation_changes():
    """A neighbour whose simulation is wrong by a constant is changed exactly; sums end at the compliance."""
    near, far = three(1e-4, "near"), three(4e-4, "far")
    wrong = {"set": 0.7, "set_back": -0.3, "reset": 1.1}
    moved = {"set": 0.2, "set_back": 0.5, "reset": -0.4}
    simulated = {b.name: list(b.log_current + wrong[b.name]) for b in near.branches}
    parts = tuple(replace(b, log_current=b.log_current + moved[b.name]) for b in far.branches)
    far = replace(far, branches=parts)
    ahead = {b.name: list(b.log_current + wrong[b.name]) for b in parts}
    found = change_rms(far, Simulated(ahead, True), near, Simulated(simulated, True))
    assert found == pytest.approx(dict.fromkeys(wrong, 0.0), abs=1e-12)
    low = replace(far, compliance=math.exp(-9.9))  # below the sums of SET, -9.8, and of the way back, -8.5
    found = change_rms(low, Simulated(ahead, True), near, Simulated(simulated, True))
    assert found == pytest.approx({"set": 0.1, "set_back": 1.4, "reset": 0.0}, abs=1e-12)


def test_beyond_its_last_point_the_neighbour_is_at_its_compliance():
    near, far = three(1e-4, "near"), three(4e-4, "far")
    (up, *_) = near.branches
    short = replace(near, branches=(replace(up, voltage=up.voltage[:20], log_current=up.log_current[:20]),))
    run = Simulated({"set": [-10.0] * 40}, True)
    of_short = Simulated({"set": [-10.0] * 20}, True)
    # measured and simulated neighbour are both at 100 uA there, so that nothing of the step remains
    assert change_rms(far, run, short, of_short) == pytest.approx({"set": 0.0}, abs=1e-12)
    off = Simulated({"set": [-10.5] * 20}, True)  # half an e-fold too low, up to its last point
    found = change_rms(far, run, short, off)["set"]
    assert found == pytest.approx(math.sqrt(0.5 * 0.5**2), rel=1e-2)


def test_a_level_starts_with_the_filament_of_its_compliance(monkeypatch):
    seen = []

    def stop(stack, **_):
        seen.append((stack.filament_radius, stack.gap_density))
        raise ParameterError("seen")

    monkeypatch.setattr("physics.calibration.model.simulate_iv", stop)
    stack = base().replace(
        {
            "filament.radius": 5.0,
            "filament.gap_density": 0.02,
            "filament.radius_exponent": 0.5,
            "filament.gap_exponent": 1,
        }
    )
    for limit in (1e-4, 4e-4, math.inf):
        with pytest.raises(ParameterError, match="seen"):
            simulate_level(stack, three(limit), "coarse")
    own = stack.circuit.compliance / 1e-4
    expected = [(5.0, 0.02), (10.0, 0.005), (5 * own**0.5, 0.02 / own)]
    assert np.array(seen) == pytest.approx(np.array(expected), rel=1e-12)
