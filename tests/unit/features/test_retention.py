"""Retention: the power law of a state, its prediction and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from devicekit.core.constants import TEN_YEARS_S
from devicekit.core.errors import TraceError
from devicekit.device.measured import RetentionState
from devicekit.features.merits import retention
from devicekit.synthetic import records
from devicekit.tables import RetentionTable

T_3_95 = 3.182446305284263  # Student's t, 3 degrees of freedom, 97.5 % quantile (tables: 3.182); the normal's is 1.96


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


@pytest.mark.parametrize("tables", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_retention_interval_covers_the_truth(tables: int) -> None:
    covered = []
    for seed in range(tables):
        for state, g0 in zip(
            retention.characterize(records.retention(seed=seed)).states,
            np.geomspace(20e-6, 300e-6, 10),
            strict=True,
        ):
            true = g0 * TEN_YEARS_S ** -records.retention_exponent(g0)
            assert state.prediction is not None
            low, high = state.prediction.conductance.ends
            covered.append(low <= true <= high)
    assert 0.93 <= np.mean(covered) <= 0.98


def test_retention_refuses_ten_years_from_too_few_decades() -> None:
    table = records.retention(last=100)
    result = retention.characterize(table)
    assert all(state.prediction is None for state in result.states)
    assert "2.0 decades" in str(result.states[0].refusal)
    inside = retention.characterize(table, horizon=50.0)  # within the data there is nothing to refuse
    assert inside.states[0].prediction is not None
    factor = retention.characterize(records.retention()).states[0].prediction
    assert factor is not None
    assert factor.factor == pytest.approx(3.15576e4)


def test_retention_leaves_out_time_zero_and_short_states() -> None:
    frame = pd.DataFrame({"device_id": "d", "level": "a", "time_s": [0.0, 1.0, 10.0], "conductance_s": 1e-5})
    with pytest.raises(TraceError, match="5 or more times"):
        retention.characterize(RetentionTable(frame))


@pytest.mark.parametrize(("n", "quantile"), [(5, 3.182446), (12, 2.228139)])
def test_a_card_holds_an_exponent_with_students_interval(n: int, quantile: float) -> None:
    state = retention.StateRetention(
        device_id="a", level="lrs", n=n, first_s=1.0, last_s=1e4, decades=4.0, nu=0.03, nu_se=0.002, g_1s=1e-5,
        noise=0.01, change=0.8, temperature_k=358.0, prediction=None, refusal=None,
    )  # fmt: skip
    found = RetentionState(**state.block())
    assert found.nu_interval == pytest.approx((0.03 - quantile * 0.002, 0.03 + quantile * 0.002), rel=1e-6)
    assert replace(state, nu_se=float("inf")).nu_interval is None


def test_a_retention_line_is_known_best_in_its_middle() -> None:
    """s sqrt(1/n + (x - mean)^2 / Sxx) of the line, and beside it s of a reading."""
    x, y = np.array([0.0, 1.0, 2.0, 5.0]), np.array([1.0, 0.4, 0.3, -0.9])
    line = retention._Line.fit(x, y)
    design = np.column_stack([np.ones(4), x])
    beta, rss = np.linalg.lstsq(design, y, rcond=None)[:2]
    s2 = rss[0] / 2
    inverse = np.linalg.inv(design.T @ design)
    assert (line.slope, line.noise**2, line.slope_se**2) == pytest.approx((beta[1], s2, s2 * inverse[1, 1]))
    for at in (2.0, 9.0):
        row = np.array([1.0, at])
        assert line.se(at) ** 2 == pytest.approx(s2 * row @ inverse @ row)
    t = np.exp(x)
    found = retention._predict(line, t, np.exp(y), float(np.exp(9.0)), 0.9)
    row = np.array([1.0, 9.0])
    wide = student.ppf(0.95, 2) * np.sqrt(s2 * row @ inverse @ row)
    reading = student.ppf(0.95, 2) * np.sqrt(s2 * (1 + row @ inverse @ row))
    centre = float(row @ beta)
    ends = np.log([*found.conductance.ends, found.reading_low_s, found.reading_high_s])
    assert ends == pytest.approx([centre - wide, centre + wide, centre - reading, centre + reading])
