"""Roles of columns: places and conditions as devices, clock times, constants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import devicekit
from devicekit.core.errors import TableError
from devicekit.tables import SweepTable

from .small_files import Write  # type: ignore[import-not-found]


def test_chip_and_cell_name_a_device_together(lines: Write) -> None:
    rows = [f"{chip},{cell},{k},{1 + k}" for chip in "AB" for cell in (1, 2) for k in range(5)]
    assert devicekit.read(lines("chip,cell,pulse,G (uS)", *rows)).devices == ["A_1", "A_2", "B_1", "B_2"]


def test_places_in_an_array_are_devices_not_resistances(lines: Write) -> None:
    path = lines("Pulse,R1C1 (uS),R1C2 (uS),R2C1 (uS)", *(f"{k},{10 + k},{20 + k},{30 + k}" for k in range(10)))
    table = devicekit.read(path)
    assert len(table.devices) == 3
    assert table.frame["conductance_s"].min() == pytest.approx(10e-6)


def test_devices_that_repeat_under_a_condition_are_named_by_both(lines: Write) -> None:
    up_down = [0, 1, 2, 1, 0, -1, -2, -1, 0]
    rows = [f"{v},{1e-6 * v},{share},{d},1" for share in (5, 10) for d in (0, 1) for v in up_down]
    table = devicekit.read(lines("voltage (V),current (A),polymer,device_id,cycle", *rows))
    assert isinstance(table, SweepTable)
    assert sorted(table.frame["device_id"].unique()) == ["10_0", "10_1", "5_0", "5_1"]
    assert table.frame.groupby(["device_id", "cycle"]).size().tolist() == [9] * 4


def test_a_constant_time_beside_one_with_a_unit_is_kept(lines: Write) -> None:
    rows = [f"{2.9e7 + 1e5 * k},{30 * k},1" for k in range(1, 11)]
    table = devicekit.read(lines("# resistance (ohms),time (s),integ_time", *rows))
    assert table.frame["time_s"].tolist() == pytest.approx([30.0 * k for k in range(1, 11)])


def test_clock_times_are_counted_from_the_first(lines: Write) -> None:
    rows = [f"{1.618e9 + 10 * k},{1e4 + k}" for k in range(20)]
    table = devicekit.read(lines("time (s),R (ohm)", *rows), kind="retention")
    assert table.frame["time_s"].tolist()[:2] == [0.0, 10.0]
    assert "clock" in {warning.code for warning in table.warnings}
    rows = [f"{-1.1e-13 if k == 0 else 0.05 * k},{1e4 + k}" for k in range(20)]  # a program's rounding
    assert devicekit.read(lines("time (s),R (ohm)", *rows), kind="retention").frame["time_s"].iloc[0] == 0.0


def test_clock_times_become_seconds_even_past_midnight(lines: Write) -> None:
    times = ("23:59:50.500", "23:59:58.000", "00:00:03.250", "00:01:00.000")
    rows = [f"{t},0.05,{5000 + k}" for k, t in enumerate(times)]
    table = devicekit.read(lines("Time [s],Voltage [V],Resistance [Ohm]", *rows))
    assert table.frame["time_s"].tolist() == pytest.approx([0, 7.5, 12.75, 69.5])
    with pytest.raises(TableError) as caught:
        devicekit.read(lines("Time [s],Voltage [V],Resistance [Ohm]", *rows[:3], "later,0.05,5000"))
    assert (5, "'later'") in [(row.row, row.found) for row in caught.value.rows]


VOLTS = [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0]


def test_celsius_beside_a_sweep_is_converted_and_reported(lines: Callable[..., Path]) -> None:
    table = devicekit.read(lines("V (V),I (A),T (°C)", *[f"{v},{v}e-5,85" for v in VOLTS]), accept=True)
    assert table.kind == "sweep"
    assert table.frame["temperature_k"].to_numpy() == pytest.approx(358.15)
    assert "celsius" in {each.code for each in table.warnings}
