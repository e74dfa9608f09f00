"""The Markov chain beside Laplace's posterior."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from physics.calibration.chain import run_chain

from .calibration_toys import KEYS, by_hand, settled


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


@pytest.mark.parametrize(("keys", "enough", "few"), [(1, 6, 5), pytest.param(2, 12, 10, marks=pytest.mark.slow)])
def test_a_chain_needs_runs_for_a_quadratic(monkeypatch, keys, enough, few):
    fit = by_hand([0.0] * keys, 0.3 * np.eye(3)[:, :keys], keys=dict(list(KEYS.items())[:keys]))
    monkeypatch.setattr(fit.model, "residuals", lambda points, _levels: [0.3 * np.resize(z, 3) for z in points])
    assert run_chain(fit, enough).runs == enough
    with pytest.raises(ParameterError, match=f"chain: {few} runs .* {keys} directions, .* {enough}"):
        run_chain(fit, few)


def test_a_chain_needs_a_direction():
    with pytest.raises(ParameterError, match=r"chain: .* no direction"):
        run_chain(by_hand([0.0, 0.0], 0.05 * np.eye(2)))
