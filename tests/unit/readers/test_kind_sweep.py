"""Sweeps: the voltage and the current among several, loops and their cycles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.core.errors import TableError
from devicekit.features.dc.transistors import transfer_curves
from devicekit.readers import read
from devicekit.tables import SweepTable

from .small_files import LOOP, Write, asked, choices  # type: ignore[import-not-found]


@pytest.mark.parametrize(("unit", "factor"), [("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("min", 60.0)])
def test_the_time_of_a_sweep_has_the_unit_of_its_name(unit: str, factor: float, lines: Callable[..., Path]) -> None:
    table = read(lines(f"t ({unit}),V (mV),I (uA)", "0,0,0", "10,500,5", "20,1000,20", "30,500,15", "40,0,0"))
    assert isinstance(table, SweepTable)
    frame = table.frame
    np.testing.assert_allclose(frame["time_s"], factor * np.array([0, 10, 20, 30, 40]), rtol=1e-12)
    np.testing.assert_allclose(frame["voltage_v"], [0, 0.5, 1.0, 0.5, 0], rtol=1e-12)
    np.testing.assert_allclose(frame["current_a"], [0, 5e-6, 2e-5, 1.5e-5, 0], rtol=1e-12)
    assert frame["cycle"].tolist() == [1] * 5


def test_each_current_takes_the_voltage_of_its_own_rank(lines: Callable[..., Path]) -> None:
    table = read(
        lines("V1 (V),I1 (uA),V2 (V),I2 (uA)", "0,0,0,0", "1,2,10,30", "2,4,20,60", "1,2,10,30"), columns_are="cycles"
    )
    by = dict(list(table.frame.groupby("cycle")))
    assert by[1]["voltage_v"].tolist() == [0, 1, 2, 1]
    assert by[2]["voltage_v"].tolist() == [0, 10, 20, 10]
    np.testing.assert_allclose(by[2]["current_a"], [0, 3e-5, 6e-5, 3e-5], rtol=1e-12)


def test_rows_of_a_sweep_follow_their_numbers(lines: Write) -> None:
    rows = [f"{k},{v},{v * 1e-4:g}" for k, v in enumerate(LOOP)]
    mixed = [rows[k] for k in (3, 0, 8, 1, 7, 2, 6, 4, 5)]
    straight, shuffled = (
        read(lines("point,V (V),I (A)", *each, name=f"{len(each)}{k}.csv")) for k, each in enumerate((rows, mixed))
    )
    pd.testing.assert_frame_equal(straight.frame, shuffled.frame)


def test_three_loops_side_by_side_are_three(lines: Write) -> None:
    rows = [",,".join(f"{v},{v * g:g}" for g in (1e-4, 2e-4, 3e-4)) for v in LOOP]
    path = lines("V (V),I (A),,V (V),I (A),,V (V),I (A)", *rows)
    assert asked(path) == ("columns_are",)
    table = read(path, columns_are="cycles")
    found = table.frame.groupby("cycle")["current_a"].max()
    assert found.tolist() == pytest.approx([1e-4, 2e-4, 3e-4])
    assert len(table) == 3 * len(LOOP)


def test_magnitudes_of_the_current_take_the_sign_of_the_voltage(lines: Write) -> None:
    table = read(lines("V (V),|I| (A)", *(f"{v},{abs(v) * 1e-4:g}" for v in LOOP)))
    assert "abs" in [warning.code for warning in table.warnings]
    np.testing.assert_allclose(table.frame["current_a"], np.array(LOOP) * 1e-4)


def test_two_changing_voltages_are_asked_about_and_the_other_is_kept(lines: Write) -> None:
    rows = [f"{v},{0.8 * v},{1e-6 * v}" for v in (0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0)]
    path = lines("V_applied (V),V_measured (V),I (A)", *rows)
    asked = choices(path)
    assert {"map={voltage_v: V_applied (V)}", "map={voltage_v: V_measured (V)}"} <= set(asked)
    table = devicekit.read(path, columns={"voltage_v": "V_applied (V)"})
    assert table.frame["voltage_v"].max() == 1.0
    assert table.frame["V_measured (V)"].max() == 0.8


def test_a_constant_drain_voltage_is_not_swept(lines: Write) -> None:
    gate = [-2, -1, 0, 1, 2, 1, 0, -1, -2]
    path = lines("VG (V),VD (V),ID (A),IG (A)", *(f"{v},0.1,{10.0 ** (v - 8)},{1e-12}" for v in gate))
    table = devicekit.read(path)
    assert table.frame["voltage_v"].tolist() == gate
    # a drain's current is positive at negative gate voltages, too
    np.testing.assert_allclose(table.frame["current_a"], [10.0 ** (v - 8) for v in gate])
    (curve,) = transfer_curves(table)
    assert (curve.drain_voltage_v, curve.gate_from_v, curve.gate_to_v) == (0.1, -2, 2)


def test_two_times_are_asked_about_where_time_is_the_axis_and_kept_elsewhere(lines: Write) -> None:
    path = lines("Time (s),Timestamp (s),G (uS)", *(f"{10 * k},{1000 + 10 * k},{5 - 0.1 * k}" for k in range(12)))
    assert choices(path) == ["map={time_s: Time (s)}", "map={time_s: Timestamp (s)}"]
    pulses = lines("pulse,Time (s),Timestamp (s),G (uS)", *(f"{k},{10 * k},{1000 + k},{5 + k}" for k in range(12)))
    frame = devicekit.read(pulses).frame
    assert frame["time_s"].tolist() == [10.0 * k for k in range(12)]
    assert frame["Timestamp (s)"].iloc[0] == 1000


def test_a_sweep_without_a_current_is_refused(lines: Write) -> None:
    path = lines("V (V),I (A),t (s)", *(f"{v},,{k}" for k, v in enumerate((0, 0.5, 1, 0.5, 0))))
    with pytest.raises(TableError, match="current"):
        devicekit.read(path, kind="sweep")


def test_points_are_sorted_by_number_and_unordered_sweeps_are_refused(lines: Write) -> None:
    volts = np.r_[np.linspace(0, 1, 21), np.linspace(0.95, 0, 20)]
    order = np.random.default_rng(4).permutation(2 * volts.size)
    rows = [(f"S{k // volts.size + 1}", k % volts.size, volts[k % volts.size]) for k in order]
    table = devicekit.read(lines("Dev,V (V),I (uA),#", *(f"{d},{v},{2 * v},{n}" for d, n, v in rows)))
    assert isinstance(table, SweepTable)
    for _, part in table.frame.groupby("device_id"):
        np.testing.assert_allclose(part["voltage_v"], volts, atol=1e-12)
    with pytest.raises(TableError, match="point: COLUMN"):
        devicekit.read(lines("Dev,V (V),I (uA)", *(f"{d},{v},{2 * v}" for d, _, v in rows)))


def test_currents_without_voltages_are_refused(lines: Write) -> None:
    rows = [f"{1e-6 * k},{'0.66' if k == 1 else ''},{2e-6 * k}" for k in range(1, 30)]
    with pytest.raises(TableError, match=r"56 of 58 currents.*voltage_v: COLUMN"):
        devicekit.read(lines("I (A),VSET (V),IMAX (A)", *rows), kind="sweep", columns_are="cycles")


def test_currents_of_sweeps_are_offered_as_currents_and_names_may_contain_percent(lines: Write) -> None:
    rows = [f"{v},{v * 1e-4},{v * v * 1e-6 + 1e-9}" for v in (0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0)]
    path = lines("Gate Voltage [V],Source Current [A],Gate Current [A]", *rows)
    offered = choices(path)
    assert "map={current_a: Source Current [A]}" in offered
    assert not any("value" in choice for choice in offered)
    read = devicekit.read(path, map={"current_a": "Source Current [A]"})
    assert read.frame["current_a"].max() == pytest.approx(1e-4)
    pairs = [f"{t},{8 * np.sign(t)}" for t in (-40, -30, -20, -10, 10, 20, 30, 40)]
    window = devicekit.read(lines("delta_t_ms,delta_w_percent", *pairs, name="stdp.csv"))
    assert window.frame["weight_change"].max() == pytest.approx(0.08)
