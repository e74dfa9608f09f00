"""Spike-timing windows: parameters, their errors, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import TraceError
from devicekit.features.merits import stdp
from devicekit.synthetic import records
from devicekit.tables import StdpTable

T_5_95 = 2.570581835636314  # 5 degrees of freedom, 97.5 %


T_5_80 = 1.475884048824481  # 5 degrees of freedom, 90 %


DELAYS = 1e-3 * np.array([2.0, 5, 10, 20, 60])


SCATTER = 1e-3 * np.array([1.0, -2, 1, 1.5, -1, 2, -1, -1.5, 1, -0.5])


def stdp_table(scatter: np.ndarray, offset: float = 0.1) -> StdpTable:
    """0.8 e^(-t / 15 ms) before, -0.5 e^(t / 25 ms) after, and an offset, at ten delays."""
    t = np.r_[-DELAYS[::-1], DELAYS]
    w = np.where(t > 0, 0.8 * np.exp(-t / 15e-3), -0.5 * np.exp(t / 25e-3)) + offset + scatter
    return StdpTable(pd.DataFrame({"device_id": "d", "repeat": 1, "spike_delay_s": t, "weight_change": w}))


def stdp_errors(result: stdp.StdpResult) -> tuple[float, dict[str, float]]:
    """Residual standard deviation over n - 5, and textbook standard errors, in the parameters' own units."""
    t = result.table.frame["spike_delay_s"].to_numpy(float)
    w = result.table.frame["weight_change"].to_numpy(float)
    names = ("a_plus", "tau_plus_s", "a_minus", "tau_minus_s", "offset")
    a_plus, tau_plus, a_minus, tau_minus, c = (result[name].value for name in names)
    plus, minus = np.where(t > 0, np.exp(-np.abs(t) / tau_plus), 0), np.where(t < 0, np.exp(-np.abs(t) / tau_minus), 0)
    rest = w - a_plus * plus - a_minus * minus - c
    slopes = [
        plus,
        a_plus * plus * np.abs(t) / tau_plus**2,
        minus,
        a_minus * minus * np.abs(t) / tau_minus**2,
        np.ones(t.size),
    ]
    jacobian = np.stack(slopes, axis=1)
    variance = float(rest @ rest) / (t.size - 5)
    covariance = variance * np.linalg.inv(jacobian.T @ jacobian)
    return float(np.sqrt(variance)), dict(zip(names, np.sqrt(np.diag(covariance)).tolist(), strict=True))


def test_stdp_standard_errors_are_those_of_least_squares_in_seconds() -> None:
    result = stdp.characterize(stdp_table(SCATTER))
    noise, errors = stdp_errors(result)
    assert result.noise == pytest.approx(noise, rel=1e-4)
    for name, error in errors.items():
        assert result[name].se == pytest.approx(error, rel=1e-4), name
    assert result["tau_plus_s"].value == pytest.approx(15e-3, rel=0.02)
    assert result["tau_minus_s"].value == pytest.approx(25e-3, rel=0.04)


@pytest.mark.parametrize(("confidence", "wide"), [(0.95, T_5_95), (0.8, T_5_80)])
def test_stdp_intervals_are_student_s_on_each_parameters_scale(confidence: float, wide: float) -> None:
    """Ten readings less five parameters: 5 degrees of freedom; symmetric for amplitudes, for times in ln tau."""
    result = stdp.characterize(stdp_table(SCATTER), confidence=confidence)
    for name in ("a_plus", "a_minus", "offset"):
        each = result[name]
        assert (each.high - each.value, each.value - each.low) == (
            pytest.approx(wide * each.se),
            pytest.approx(wide * each.se),
        )
    for name in ("tau_plus_s", "tau_minus_s"):
        each = result[name]
        assert np.log(each.high / each.value) == pytest.approx(wide * each.se / each.value)
        assert np.log(each.value / each.low) == pytest.approx(wide * each.se / each.value)


def test_the_fitted_stdp_window_has_the_offset() -> None:
    result = stdp.characterize(stdp_table(1e-3 * SCATTER))
    at = np.array([-1.0, -25e-3, 0.0, 15e-3, 1.0])
    expected = [0.1, 0.1 - 0.5 / np.e, np.nan, 0.1 + 0.8 / np.e, 0.1]
    np.testing.assert_allclose(result.window(at), expected, atol=1e-4)


def test_an_stdp_window_needs_four_delays_a_side() -> None:
    frame = stdp_table(SCATTER).frame
    four = frame[frame["spike_delay_s"] > -50e-3]
    assert stdp.characterize(StdpTable(four)).n == 9
    with pytest.raises(TraceError):
        stdp.characterize(StdpTable(frame[frame["spike_delay_s"] > -15e-3]))


def test_stdp_recovers_time_constants_under_an_offset() -> None:
    result = stdp.characterize(records.stdp(n_repeats=20))
    for name, true in records.STDP_TRUTH.items():
        assert result[name].value == pytest.approx(true, rel=0.15)
        assert result[name].low < result[name].value < result[name].high
    assert len(result.delays) == 24
    wrong = stdp.characterize(records.stdp(n_repeats=20), offset=False)
    assert wrong["tau_plus_s"].value > 1.3 * records.STDP_TRUTH["tau_plus_s"]  # what leaving it out costs


@pytest.mark.slow
@pytest.mark.parametrize("repeats", [1, 5])
def test_stdp_bias_and_coverage(repeats: int) -> None:
    values: dict[str, list[float]] = {name: [] for name in records.STDP_TRUTH}
    covered: dict[str, list[bool]] = {name: [] for name in records.STDP_TRUTH}
    for seed in range(200):
        result = stdp.characterize(records.stdp(n_repeats=repeats, seed=seed))
        for name, true in records.STDP_TRUTH.items():
            values[name].append(result[name].value / true - 1)
            covered[name].append(result[name].low <= true <= result[name].high)
    for name in ("tau_plus_s", "tau_minus_s"):
        assert abs(np.mean(values[name])) <= 0.03
    for name in records.STDP_TRUTH:
        assert 0.91 <= np.mean(covered[name]) <= 0.98, name


def test_stdp_drops_delay_zero_and_refuses_one_side() -> None:
    table = records.stdp()
    extra = table.frame.iloc[:1].assign(spike_delay_s=0.0)
    result = stdp.characterize(StdpTable(pd.concat([table.frame, extra], ignore_index=True)))
    assert [warning.code for warning in result.warnings] == ["dropped"]
    with pytest.raises(TraceError, match="negative"):
        stdp.characterize(StdpTable(table.frame[table.frame["spike_delay_s"] > 0]))
