"""Endurance, retention, STDP and spreads against numbers worked out by hand from their definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import TraceError
from devicekit.features.lives.bake import bake
from devicekit.features.merits import endurance, retention, stdp
from devicekit.features.stats import ranks, spread, weibull
from devicekit.tables import EnduranceTable, PulseTable, RetentionTable, StdpTable

T_3_95 = 3.182446305284263  # Student's t, 3 degrees of freedom, 97.5 % quantile (tables: 3.182); the normal's is 1.96
T_5_95 = 2.570581835636314  # 5 degrees of freedom, 97.5 %
T_5_80 = 1.475884048824481  # 5 degrees of freedom, 90 %


def readings(cycle: np.ndarray, lrs: np.ndarray, hrs: np.ndarray, device: str = "d") -> pd.DataFrame:
    """Readings of both levels of one device, in S."""
    columns = {"cycle": np.tile(cycle, 2), "level": ["lrs"] * cycle.size + ["hrs"] * cycle.size}
    return pd.DataFrame({"device_id": device, **columns, "conductance_s": np.r_[lrs, hrs]})


def test_the_window_of_endurance_is_between_quantiles_and_the_median_window_between_medians() -> None:
    k = np.arange(21)
    table = EnduranceTable(readings(k + 1, (100 + k) * 1e-6, (1 + k) * 1e-6))
    device = endurance.characterize(table).devices[0]
    assert device.window == pytest.approx(101 / 20)  # second lowest LRS over second highest HRS of 21
    assert device.median_window == pytest.approx(110 / 11)
    assert device.cycles == 21
    assert device.n == 21


def test_the_share_of_good_cycles_counts_those_that_reach_the_threshold() -> None:
    ratio = np.array([10, 2.0, 1.99, 10, 1, 10, 1.5, 10, 10, 10])
    table = EnduranceTable(readings(np.arange(1, 11), ratio * 2.0**-20, np.full(10, 2.0**-20)))
    device = endurance.characterize(table).devices[0]
    assert device.good == pytest.approx(0.7)
    assert device.failed_at is None
    assert endurance.characterize(table, threshold=1.8).devices[0].good == pytest.approx(0.8)


def test_the_yield_is_the_share_of_devices_that_held() -> None:
    cycle = np.arange(1, 6)
    good, bad = np.full(5, 1e-4), np.array([1e-4, 1e-6, 1e-6, 1e-6, 1e-6])
    parts = [readings(cycle, lrs, np.full(5, 1e-6), f"d{k}") for k, lrs in enumerate((good, good, good, bad))]
    result = endurance.characterize(EnduranceTable(pd.concat(parts)))
    assert result.yield_ == pytest.approx(0.75)
    assert [device.failed_at for device in result.devices] == [None, None, None, 2]


def test_readings_of_nothing_are_left_out_with_a_warning() -> None:
    cycle = np.arange(1, 6)
    frame = readings(cycle, np.array([1e-4, 0.0, 1e-4, np.nan, 1e-4]), np.full(5, 1e-6))
    result = endurance.characterize(EnduranceTable(frame))
    assert [warning.code for warning in result.warnings] == ["dropped"]
    assert "2 readings" in result.warnings[0].message
    assert result.devices[0].window == pytest.approx(100)
    whole = endurance.characterize(EnduranceTable(readings(cycle, np.full(5, 1e-4), np.full(5, 1e-6))))
    assert whole.warnings == ()


def test_slope_per_decade_is_the_median_of_the_slopes_of_all_pairs() -> None:
    """Pairs of (0, 0), (1, 0.3), (2, 0.4), (3, 0.5) decades have slopes .3, .2, 1/6, .1, .1 and .1: median 2/15."""
    level = pd.Series(10.0 ** np.array([0.0, 0.3, 0.4, 0.5]) * 1e-6, index=[1, 10, 100, 1000])
    assert endurance.slope_per_decade(level) == pytest.approx(2 / 15)
    assert endurance.slope_per_decade(level.iloc[:2]) is None
    with_zero = pd.Series([5e-6, *level], index=[0, *level.index])  # cycle 0 has no logarithm
    assert endurance.slope_per_decade(with_zero) == pytest.approx(2 / 15)
    many = np.arange(1, 4001)
    assert endurance.slope_per_decade(pd.Series(1e-5 * many**-0.05, index=many)) == pytest.approx(-0.05, rel=1e-3)


def test_decades_hold_median_and_quartiles() -> None:
    cycle = np.array([1, 2, 3, 5, 9, 10])
    frame = readings(cycle, np.array([1, 2, 3, 4, 5, 60]) * 1e-5, np.full(6, 1e-6))
    decades = endurance.characterize(EnduranceTable(frame)).decades
    first = decades[(decades["level"] == "lrs") & (decades["decade"] == 0)].iloc[0]
    assert first["n"] == 5
    np.testing.assert_allclose(
        first[["q25_s", "median_s", "q75_s"]].to_numpy(float), np.array([2, 3, 4]) * 1e-5, rtol=1e-12
    )
    second = decades[(decades["level"] == "lrs") & (decades["decade"] == 1)].iloc[0]
    assert (second["n"], second["median_s"]) == (1, pytest.approx(6e-4))


# The pattern 1, -2, 0, 2, -1 is orthogonal to a constant and to a straight line through -2 ... 2: adding it changes
# no fitted line, and its sum of squares is 10, as is that of -2 ... 2.
PATTERN = np.array([1.0, -2.0, 0.0, 2.0, -1.0])


def kept_state(noise: float = 0.01, nu: float = 0.05, level: str = "a") -> pd.DataFrame:
    """ln G = ln 1e-4 - nu ln t + noise * pattern, at 1, 10, 100, 1000 and 10000 s."""
    time = 10.0 ** np.arange(5)
    g = 1e-4 * time**-nu * np.exp(noise * PATTERN)
    return pd.DataFrame({"device_id": "d", "level": level, "time_s": time, "conductance_s": g})


def test_retention_law_its_noise_and_the_standard_error_of_its_exponent() -> None:
    state = retention.characterize(RetentionTable(kept_state())).states[0]
    noise = 0.01 * np.sqrt(10 / 3)  # residual sum of squares over n - 2
    assert state.nu == pytest.approx(0.05)
    assert state.g_1s == pytest.approx(1e-4)
    assert state.noise == pytest.approx(noise)
    assert state.nu_se == pytest.approx(noise / (np.sqrt(10) * np.log(10)))
    assert state.change == pytest.approx(1e4**-0.05)
    assert state.decades == pytest.approx(4)


def test_retention_intervals_of_the_mean_and_of_one_more_reading() -> None:
    """At 10^7 s, five decades from the middle: variance of the mean 1/5 + 25/10, of a reading one more."""
    table = RetentionTable(kept_state())
    found = retention.characterize(table, horizon=1e7).states[0].prediction
    assert found is not None
    centre, noise = 1e-4 * 1e7**-0.05, 0.01 * np.sqrt(10 / 3)
    assert found.conductance.value == pytest.approx(centre)
    mean, reading = np.exp(T_3_95 * noise * np.sqrt(2.7)), np.exp(T_3_95 * noise * np.sqrt(3.7))
    assert found.conductance.ends == (pytest.approx(centre / mean), pytest.approx(centre * mean))
    assert (found.reading_low_s, found.reading_high_s) == (
        pytest.approx(centre / reading),
        pytest.approx(centre * reading),
    )
    assert found.factor == pytest.approx(1e3)
    # in the middle of the data, where only the mean's own error is left: 1/5
    inside = retention.characterize(table, horizon=100.0).states[0].prediction
    assert inside is not None
    assert (inside.conductance.high or 0) / inside.conductance.value == pytest.approx(
        np.exp(T_3_95 * noise * np.sqrt(0.2))
    )


def test_retention_interval_takes_the_confidence_asked_for() -> None:
    """Student's t with 3 degrees of freedom: 1.637744 at 90 %."""
    found = retention.characterize(RetentionTable(kept_state()), horizon=100.0, confidence=0.8).states[0].prediction
    assert found is not None
    wide = 1.6377443536962102 * 0.01 * np.sqrt(10 / 3) * np.sqrt(0.2)
    assert np.log((found.conductance.high or 0) / found.conductance.value) == pytest.approx(wide)
    assert found.level == 0.8


def test_what_a_straight_line_in_log_time_would_predict() -> None:
    """G = 9, 8, 7, 6, 5 uS over four decades falls by one a decade: 2 uS three decades later."""
    frame = kept_state().assign(conductance_s=np.array([9, 8, 7, 6, 5]) * 1e-6)
    found = retention.characterize(RetentionTable(frame), horizon=1e7).states[0].prediction
    assert found is not None
    assert found.log_linear_s == pytest.approx(2e-6)


def test_retention_is_extrapolated_from_three_decades_on() -> None:
    for last, predicted in ((1000.0, True), (999.0, False)):
        frame = kept_state().assign(time_s=np.array([1.0, 5, 20, 100, last]))
        state = retention.characterize(RetentionTable(frame), horizon=1e7).states[0]
        assert (state.prediction is not None) == predicted
        assert (state.refusal is None) == predicted


def test_retention_needs_five_times_not_five_readings() -> None:
    repeated = kept_state(level="b").assign(time_s=[1.0, 10, 100, 1000, 1000])
    table = RetentionTable(pd.concat([kept_state(), repeated]))
    result = retention.characterize(table)
    assert [state.level for state in result.states] == ["a"]
    assert "few_points" in [warning.code for warning in result.warnings]
    with pytest.raises(TraceError):
        retention.characterize(RetentionTable(repeated))
    assert "few_points" not in [w.code for w in retention.characterize(RetentionTable(kept_state())).warnings]


def baked(values: list[float]) -> PulseTable:
    """One reading of each device d0, d1, ..."""
    names = [f"d{k}" for k in range(len(values))]
    columns = {"device_id": names, "cycle": 1, "direction": "ltp", "pulse_index": 0, "conductance_s": values}
    return PulseTable(pd.DataFrame(columns))


def test_a_bake_moves_devices_up_and_down() -> None:
    ratio = [1 / 3, 3.0, 0.49, 0.51, 1.99, 2.01, 1.0, 1.0, 1.0, 1.0]
    found = bake(baked([1e-5] * 11), baked([1e-5 * each for each in ratio]))
    assert found.moved == pytest.approx(0.4)  # 1/3, 3, 0.49 and 2.01
    assert (found.n, found.unpaired) == (10, 1)
    assert found.median_ratio == pytest.approx(1)


def test_the_spread_of_a_bake_is_a_sample_standard_deviation_in_decades() -> None:
    found = bake(baked([1e-5, 1e-5, 1e-5]), baked([1e-6, 1e-5, 1e-4]))
    assert found.sd_decades == pytest.approx(1)  # of -1, 0 and 1, over n - 1


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


def test_spread_over_unequal_devices() -> None:
    """Devices 1, 2, 3 and 5, 7: within (2 + 2) / 3; between (19.2 - 4/3) / 2.4 with the mean size (5 - 13/5) / 1."""
    device = pd.Series(["a", "a", "a", "b", "b"])
    found = spread(pd.Series([1.0, 2, 3, 5, 7]), device, "x", "V")
    assert found is not None
    assert found.c2c is not None
    assert found.d2d is not None
    assert found.c2c.value == pytest.approx(np.sqrt(4 / 3))
    assert found.d2d.value == pytest.approx(np.sqrt((19.2 - 4 / 3) / 2.4))
    assert (found.median, found.low, found.high) == (3, pytest.approx(1.2), pytest.approx(6.6))
    log = spread(pd.Series(10.0 ** np.array([1.0, 2, 3, 5, 7])), device, "g", "S", log=True)
    assert log is not None
    assert log.c2c is not None
    assert log.d2d is not None
    assert (log.c2c.value, log.d2d.value) == pytest.approx((found.c2c.value, found.d2d.value))
    assert log.median == pytest.approx(1e3)


def test_spread_of_equal_devices_is_cut_at_zero() -> None:
    """Devices 1, 3 and 1.1, 2.9: the means agree, so that nothing is left between them."""
    found = spread(pd.Series([1.0, 3, 1.1, 2.9]), pd.Series(["a", "a", "b", "b"]), "x", "V")
    assert found is not None
    assert found.d2d is not None
    assert found.d2d.value == 0
    alone = spread(pd.Series([1.0, 2, 4]), pd.Series(["a", "a", "a"]), "x", "V")
    assert alone is not None
    assert alone.d2d is None
    assert alone.c2c is not None
    assert alone.c2c.value == pytest.approx(np.sqrt(7 / 3))


def test_weibull_solves_the_equations_of_greatest_likelihood() -> None:
    x = np.array([0.4, 0.5, 0.55, 0.6, 0.7])
    fit = weibull(-x, "v_reset_v")
    assert fit is not None
    power = x**fit.shape
    assert fit.scale == pytest.approx(float(power.mean() ** (1 / fit.shape)), rel=1e-3)
    assert 1 / fit.shape == pytest.approx(float((power @ np.log(x)) / power.sum() - np.log(x).mean()), rel=1e-3)
    assert weibull(x[:4], "v_reset_v") is None
    np.testing.assert_allclose(ranks(np.array([3.0, 1.0, np.nan, 2.0]))[1], np.array([0.7, 1.7, 2.7]) / 3.4)
