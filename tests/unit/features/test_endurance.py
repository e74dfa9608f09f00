"""Endurance: window, yield, failure and slopes of HRS and LRS over write cycles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import TraceError, UsageError
from devicekit.features.merits import endurance
from devicekit.synthetic import records
from devicekit.tables import EnduranceTable


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
