"""Endurance, retention, STDP, read noise and linearity against known truths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import TraceError, UsageError
from devicekit.features.merits import endurance, linearity, noise, retention, stdp
from devicekit.synthetic import records
from devicekit.tables import EnduranceTable, RetentionTable, StdpTable


def test_endurance_window_failure_and_slope() -> None:
    result = endurance.characterize(records.endurance())
    good, failed = result.devices[0], result.devices[-1]
    assert good.failed_at is None
    assert good.hrs_slope == pytest.approx(0.05, abs=0.015)
    assert good.lrs_slope == pytest.approx(-0.01, abs=0.008)
    assert 10 < good.window < good.median_window
    assert 2e5 < failed.failed_at < 3e5
    assert result.yield_ == pytest.approx(0.8)
    assert set(result.decades["level"]) == {"lrs", "hrs"}


def test_endurance_failure_needs_three_in_a_row() -> None:
    cycle = np.arange(1, 11)
    ratio = np.array([10, 1, 1, 10, 1, 1, 1, 10, 10, 10.0])
    frame = pd.DataFrame(
        {
            "device_id": "d",
            "cycle": np.tile(cycle, 2),
            "level": ["lrs"] * 10 + ["hrs"] * 10,
            "conductance_s": np.r_[1e-4 * np.ones(10), 1e-4 / ratio],
        }
    )
    assert endurance.characterize(EnduranceTable(frame)).devices[0].failed_at == 5
    with pytest.raises(UsageError):
        endurance.characterize(EnduranceTable(frame), threshold=1)
    with pytest.raises(TraceError, match="both"):
        endurance.characterize(EnduranceTable(frame[frame["level"] == "lrs"]))


@pytest.mark.parametrize("tables", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_retention_interval_covers_the_truth(tables: int) -> None:
    covered = []
    for seed in range(tables):
        for state, g0 in zip(
            retention.characterize(records.retention(seed=seed)).states,
            np.geomspace(20e-6, 300e-6, 10),
            strict=True,
        ):
            true = g0 * retention.TEN_YEARS ** -records.retention_exponent(g0)
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


def test_telegraph_noise_levels_and_dwell_times() -> None:
    frame = records.telegraph(60000).frame
    result = noise.noise(frame["time_s"].to_numpy(), frame["current_a"].to_numpy(), 0.1)
    assert [round(level.current_a * 1e6, 2) for level in result.levels] == [1.0, 1.2]
    assert result.amplitude_a == pytest.approx(0.2e-6, rel=0.02)
    assert result.levels[0].dwell_s == pytest.approx(0.2, rel=0.25)
    assert result.levels[1].dwell_s == pytest.approx(0.1, rel=0.25)


def test_white_noise_is_one_level() -> None:
    rng = np.random.default_rng(2)
    for _ in range(5):
        result = noise.noise(np.arange(2000.0), 1e-6 * (1 + 0.02 * rng.standard_normal(2000)))
        assert not result.telegraph
        assert result.relative == pytest.approx(0.02, rel=0.1)
    assert not noise.noise(np.arange(100.0), np.full(100, 1e-6)).telegraph
    with pytest.raises(TraceError):
        noise.noise(np.arange(10.0), np.ones(10))


def test_read_linearity() -> None:
    v = np.linspace(-0.3, 0.3, 31)
    ohmic = linearity.linearity(v, 1e-5 * v)
    assert ohmic.ratio == pytest.approx(1)
    assert ohmic.max_error == pytest.approx(0, abs=1e-12)
    bent = linearity.linearity(v, 1e-5 * v * (1 + 2 * v**2) + 1e-9)
    assert bent.cubic == pytest.approx(2, rel=1e-6)
    assert bent.ratio > 1.1
    with pytest.raises(TraceError):
        linearity.linearity(v[:3], v[:3])


def test_linearity_by_hand() -> None:
    """I = 1, 3 uA at 1, 2 V: the line has (1 + 6) / 5 = 1.4 uS, and is off by 0.4 and 0.2 uA of 3."""
    v = np.array([-2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0])
    seen = np.array([-3.0, -1.0, 0.0, -0.05, 0.08, 1.0, 3.0])  # the median at 0 V is the offset
    found = linearity.linearity(v, 1e-6 * (seen + 0.3))
    assert found.conductance_s == pytest.approx(1.4e-6)
    assert found.max_error == pytest.approx(0.4 / 3)
    assert found.ratio == pytest.approx(1.5)


def test_both_levels_of_telegraph_noise_have_the_standard_deviation_of_the_white_noise() -> None:
    """Levels 0.2 uA apart, white noise of 0.02 uA on each."""
    rng = np.random.default_rng(4)
    on = np.repeat(rng.permutation(200) % 2, 20)
    result = noise.noise(np.arange(4000.0), 1e-6 + 2e-7 * on + 2e-8 * rng.standard_normal(4000))
    assert [level.sd_a for level in result.levels] == pytest.approx([2e-8, 2e-8], rel=0.05)
