"""The posterior of a calibration, of slopes that are written down."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from physics.calibration.model import (
    Simulated,
)
from physics.calibration.report import summary
from physics.calibration.result import LevelFit

from .calibration_toys import KEYS, by_hand, level_at, settled


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
