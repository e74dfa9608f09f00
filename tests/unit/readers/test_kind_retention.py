"""Retention and STDP: times in any unit, levels in columns, changes of a weight."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import devicekit
from devicekit.readers import read
from devicekit.tables import RetentionTable, StdpTable

from .small_files import Write, asked, choices  # type: ignore[import-not-found]


def test_retention_in_hours_and_microamperes(lines: Callable[..., Path]) -> None:
    """30 uA at 0.1 V are 300 uS; two hours are 7200 s."""
    table = read(lines("t (h),LRS (uA),HRS (uA)", "0,30,0.4", "0.5,29,0.4", "2,28,0.5"), read_voltage=0.1)
    assert isinstance(table, RetentionTable)
    frame = table.frame.set_index(["level", "time_s"])["conductance_s"]
    assert frame["LRS"].to_dict() == pytest.approx({0.0: 3e-4, 1800.0: 2.9e-4, 7200.0: 2.8e-4}, rel=1e-12)
    assert frame["HRS"].to_dict() == pytest.approx({0.0: 4e-6, 1800.0: 4e-6, 7200.0: 5e-6}, rel=1e-12)


def test_an_stdp_window_in_ms_and_per_cent(lines: Callable[..., Path]) -> None:
    table = read(lines("dt (ms),dW (%)", "-20,-10", "-10,-25", "10,50", "20,30"))
    assert isinstance(table, StdpTable)
    np.testing.assert_allclose(table.frame["spike_delay_s"], [-0.02, -0.01, 0.01, 0.02], rtol=1e-12)
    np.testing.assert_allclose(table.frame["weight_change"], [-0.1, -0.25, 0.5, 0.3], rtol=1e-12)


def test_a_change_in_siemens_is_not_a_relative_change(lines: Write) -> None:
    assert asked(lines("dt (ms),dG (uS)", "-10,-2", "10,3", "20,1")) == ("columns",)
    window = read(lines("dt (ms),dG/G (%)", "-10,-20", "10,30", "20,10"))
    assert isinstance(window, StdpTable)
    assert window.frame["weight_change"].tolist() == pytest.approx([-0.2, 0.3, 0.1])


def test_hours_beside_states_are_retention(lines: Write) -> None:
    table = read(lines("time (hrs),lrs (S),hrs (S)", "1,1e-4,1e-6", "2,9e-5,1e-6", "4,8e-5,1e-6"))
    assert isinstance(table, RetentionTable)
    assert sorted(set(table.frame["time_s"])) == [3600.0, 7200.0, 14400.0]
    assert set(table.frame["level"]) == {"lrs", "hrs"}


def test_trials_of_a_spike_delay_are_repetitions(lines: Write) -> None:
    rows = [f"{trial},{delay},{delay / 10}" for delay in (-20, -10, 10, 20) for trial in (1, 2, 3)]
    table = devicekit.read(lines("Trial #,Delta_t [ms],Delta W [%]", *rows))
    assert table.frame["repeat"].tolist() == [1, 2, 3] * 4


def test_a_weight_that_falls_by_more_than_all_of_it_is_in_percent(lines: Write) -> None:
    rows = [f"{d},{w}" for d, w in zip((-20, -10, 10, 20), (-17.2, -30.1, 32.0, 18.5), strict=True)]
    path = lines("spike_delay_ms,weight_change", *rows)
    assert choices(path) == ["unit=1", "unit=%"]
    found = devicekit.read(path, unit="%").frame["weight_change"]
    np.testing.assert_allclose(found, [-0.172, -0.301, 0.32, 0.185])


def test_columns_of_retention_may_be_levels(lines: Write) -> None:
    rows = [f"{10**k},{5 - 0.1 * k},{9 - 0.1 * k}" for k in range(6)]
    path = lines("Time (s),G (uS),G (uS)", *rows)
    assert "columns_are=levels" in choices(path)
    table = devicekit.read(path, columns_are="levels")
    assert table.frame.groupby("level").size().tolist() == [6, 6]
    assert table.frame["device_id"].nunique() == 1


@pytest.mark.parametrize("names", ["1 (ohm),2 (ohm)", "R1 (ohm),R2 (ohm)"])
def test_numbered_columns_beside_a_time_are_asked_about(lines: Write, names: str) -> None:
    path = lines(f"Time (s),{names}", *(f"{10 * k},{1e6 + k},{2e6 - k}" for k in range(1, 8)))
    assert {"columns_are=devices", "columns_are=levels"} <= set(choices(path))
    devices = devicekit.read(path, columns_are="devices").frame
    assert (devices["device_id"].nunique(), devices["level"].nunique()) == (2, 1)
    levels = devicekit.read(path, columns_are="levels").frame
    assert (levels["device_id"].nunique(), levels["level"].nunique()) == (1, 2)
