"""The fit of a calibration: a linear toy in closed form, and a stack that is found again."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from physics.calibration.fit import MISFIT, calibrate
from physics.calibration.measured import Branch, levels_of
from physics.calibration.model import (
    PENALTY,
    Prior,
)
from physics.calibration.report import sections, summary
from physics.calibration.result import ProfileStep
from physics.drive import Segment
from physics.iv import simulate_iv
from physics.page import marks_of

from .calibration_toys import KEYS, QUICK, device, level_at, noisy, rows, table, three, toy, toy_shape
from .pinned import (
    base,
)


def test_no_iteration_is_refused():
    with pytest.raises(ParameterError, match="iterations: found 0, expected 1 or more"):
        calibrate([level_at(1e-4)], base(), {"reaction.energy": (1.1, 1.5)}, most_iterations=0)


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
    source = fit.stack.sources["reaction.energy"]
    assert re.search("sha256 [0-9a-f]{12}$", source)
    assert marks_of(fit.stack) == ("SIMULATED", "CALIBRATED")
    assert marks_of(base()) == ("SIMULATED",)
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
        near, far = fit.levels
        assert near.change is None
        # the toy does not know the compliance: nothing changes from the measured neighbour, which lies 2 lower
        off = good.branch("reset").log_current - bad.branch("reset").log_current
        assert far.change["reset"] == pytest.approx(math.sqrt(np.mean(off**2)), rel=1e-9)
    words = summary(fit)
    assert words[0].startswith("2 parameters fitted to 1 level")
    rms = alone.levels[0].rms
    left = math.sqrt((rms["set"] ** 2 + 0.5 * rms["set_back"] ** 2 + rms["reset"] ** 2) / 2.5)
    assert alone.rms == pytest.approx(left, rel=1e-12)
    assert f" {alone.rms:.2g} " in words[0]
    assert any("bad: SET " in sentence for sentence in words)
    good_level, far = fit.levels
    early = replace(fit, levels=(good_level, replace(far, simulated=replace(far.simulated, reached=False))))
    (added,) = (each for each in summary(early) if each not in words)
    assert "bad" in added
    assert f" {PENALTY:g} " in added
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


def test_the_nearest_fitted_level_is_the_one_that_is_changed(linear):
    """Levels of 100 and 400 uA lie 1 and 3 above that of 50 uA; a toy of one compliance changes nothing."""
    lifted = [
        replace(each, branches=tuple(Branch(b.name, b.voltage, b.log_current + up) for b in each.branches))
        for each, up in ((three(5e-5, "a"), 0.0), (three(1e-4, "b"), 1.0), (three(4e-4, "c"), 3.0))
    ]
    fit = calibrate(lifted, base(), KEYS, hold_out=[5e-5])
    (held,) = (each for each in fit.levels if each.held_out)
    assert held.change["reset"] == pytest.approx(1.0, rel=1e-9)
    grown = base().replace({"filament.radius_exponent": 0.1})
    assert calibrate(lifted, grown, KEYS, hold_out=[4e-4]).stack.circuit.compliance == 1e-4
