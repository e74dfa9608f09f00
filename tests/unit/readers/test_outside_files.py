"""Smallest forms of files of other laboratories that were once read wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

import devicekit
from devicekit.core.errors import FileError, QuestionError, TableError, UsageError
from devicekit.features.dc.transistors import transfer_curves
from devicekit.tables import PulseTable, SweepTable

Write = Callable[..., Path]


@pytest.fixture
def lines(tmp_path: Path) -> Write:
    def write(*rows: str, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(rows) + "\n")
        return path

    return write


def choices(path: Path, **options: Any) -> list[str]:
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path, **options)
    return [choice.typed_options for choice in caught.value.question.choices]


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


def test_a_voltage_of_two_values_may_be_pulses(lines: Write) -> None:
    rising = [f"{k},1,0.1,{2e-7 + 1e-8 * k}" for k in range(12)]
    falling = [f"{12 + k},-1,0.1,{3.1e-7 - 1e-8 * k}" for k in range(12)]
    path = lines("Time (s),Vg (V),Vd (V),Ids (A)", *rising, *falling)
    assert choices(path) == ["kind=pulse", "kind=sweep"]
    table = devicekit.read(path, kind="pulse", read_voltage=0.1)
    assert isinstance(table, PulseTable)
    assert table.frame.groupby("direction").size().to_dict() == {"ltp": 12, "ltd": 12}
    assert table.frame["conductance_s"].max() == pytest.approx(3.1e-6)


def test_two_times_are_asked_about_where_time_is_the_axis_and_kept_elsewhere(lines: Write) -> None:
    path = lines("Time (s),Timestamp (s),G (uS)", *(f"{10 * k},{1000 + 10 * k},{5 - 0.1 * k}" for k in range(12)))
    assert choices(path) == ["map={time_s: Time (s)}", "map={time_s: Timestamp (s)}"]
    pulses = lines("pulse,Time (s),Timestamp (s),G (uS)", *(f"{k},{10 * k},{1000 + k},{5 + k}" for k in range(12)))
    frame = devicekit.read(pulses).frame
    assert frame["time_s"].tolist() == [10.0 * k for k in range(12)]
    assert frame["Timestamp (s)"].iloc[0] == 1000


def test_chip_and_cell_name_a_device_together(lines: Write) -> None:
    rows = [f"{chip},{cell},{k},{1 + k}" for chip in "AB" for cell in (1, 2) for k in range(5)]
    assert devicekit.read(lines("chip,cell,pulse,G (uS)", *rows)).devices == ["A_1", "A_2", "B_1", "B_2"]


def test_a_read_voltage_that_contradicts_the_file_is_refused(lines: Write) -> None:
    on, off = np.array([600.0, 650.0, 700.0, 640.0, 610.0]), np.array([2e4, 2.2e4, 1.9e4, 2.1e4, 2.3e4])
    rows = [f"{k + 1},{2 / a},{2 / b},{a},{b},{b / a}" for k, (a, b) in enumerate(zip(on, off, strict=True))]
    path = lines("Cycle,I_on(A),I_off(A),R_on(Ohm),R_off(Ohm),R_window", *rows)
    table = devicekit.read(path)
    low = table.frame[table.frame["level"] == "lrs"]["conductance_s"]
    np.testing.assert_allclose(low, 1 / on, rtol=1e-12)
    with pytest.raises(UsageError, match=r"read_voltage=0\.1 .* 2 V"):
        devicekit.read(path, read_voltage=0.1)


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


def test_a_summary_of_devices_is_not_a_pulse_train(lines: Write) -> None:
    path = lines("device,average_resistance,key", "D10,11.3,a", "D10,12.4,b", "D11,9.1,c", "D11,9.9,d", "D12,8,e")
    with pytest.raises(TableError, match="summary"):
        devicekit.read(path, unit="ohm")


def test_units_in_separate_columns(lines: Write) -> None:
    voltage = [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0]
    rows = [f"{k},{1e-6 * v},Amp DC,{v},Volt DC,0.{k}" for k, v in enumerate(voltage)]
    table = devicekit.read(lines("Index,Reading,Unit,Value,Unit,Fractional Seconds", *rows))
    assert table.frame["voltage_v"].tolist() == voltage
    np.testing.assert_allclose(table.frame["current_a"], 1e-6 * np.array(voltage))
    assert "time_s" not in table.frame  # a fraction of a second is not a time


def test_names_separated_by_blanks_above_numbers_separated_by_tabs(lines: Write) -> None:
    rows = [f"{k}\t{v}\t{1e-6 * v}" for k, v in enumerate((0, 1, 2, 1, 0, -1, -2, -1, 0))]
    for names in ("Time Voltage Current", "Time\tVoltage Current", "Time (s) Voltage (V) Current (A)"):
        table = devicekit.read(lines(names, *rows), **({} if "(A)" in names else {"unit": "A"}))
        assert table.frame["voltage_v"].max() == 2
        assert table.frame["current_a"].min() == -2e-6


def test_rows_that_are_trains(lines: Write, tmp_path: Path) -> None:
    states = np.array([[10 * k + n for n in range(12)] for k in range(3)], float)
    path = lines(*(",".join([f"cycle {k + 1}", *map(str, row)]) for k, row in enumerate(states)))
    table = devicekit.read(path, quantity="conductance", unit="uS")
    for k, row in enumerate(states):
        found = table.frame[table.frame["cycle"] == k + 1]["conductance_s"]
        np.testing.assert_allclose(found, row * 1e-6)
    scipy.io.savemat(tmp_path / "G.mat", {"G_uS": np.linspace(1.5, 9.5, 60).reshape(3, 20)})
    table = devicekit.read(tmp_path / "G.mat", quantity="conductance", unit="uS", columns_are="cycles")
    assert table.frame.groupby("cycle").size().tolist() == [20, 20, 20]


def test_a_state_ten_times_another_in_one_unit_is_not_a_duplicate(lines: Write) -> None:
    path = lines("Time (s),S1 (uS),S2 (uS)", *(f"{10 * k},{5 - 0.1 * k},{10 * (5 - 0.1 * k)}" for k in range(10)))
    assert sorted(devicekit.read(path).frame["level"].unique()) == ["S1", "S2"]


def test_pulse_numbers_are_kept_and_restart_with_the_next_train(lines: Write) -> None:
    states = [*(10 + k for k in range(20)), *(29 - k - 1 for k in range(20))]
    path = lines("Pulse,G (uS)", *(f"{k + 1},{g}" for k, g in enumerate(states)))
    frame = devicekit.read(path).frame
    ends = frame.groupby("direction")["pulse_index"].agg(["min", "max"])
    assert ends.to_numpy().tolist() == [[1, 20], [1, 20]]


def test_a_decimal_comma_is_not_a_delimiter(lines: Write) -> None:
    for mark in ("\t", ";"):
        rows = [f"Dev 1{mark}LTP{mark}0,00{25 + k}" for k in range(9)]
        table = devicekit.read(lines(mark.join(("DUT", "Operation", "G (uS)")), *rows))
        np.testing.assert_allclose(table.frame["conductance_s"], [(25 + k) * 1e-10 for k in range(9)])
    rows = [f"OK,ltp,{1e-4 + 1e-5 * k:.6f},cell 1" for k in range(9)]  # a blank within a word parts nothing
    table = devicekit.read(lines("Remark,Operation,Current at 0.05 V,Dev", ",,mA,", *rows))
    assert table.devices == ["cell 1"]
    assert table.frame["conductance_s"].iloc[0] == pytest.approx(1e-7 / 0.05)


def test_names_that_look_like_units_above_a_row_of_units(lines: Write) -> None:
    loop = [0, 50, 100, 50, 0, -50, -100, -50, 0]
    rows = [f"{k},{v},{1e-3 * v}" for k, v in enumerate(loop)]
    table = devicekit.read(lines("Cycle1,,", "#,V,current", ",mV,mA", *rows))
    assert table.frame["voltage_v"].max() == pytest.approx(0.1)
    assert table.frame["current_a"].max() == pytest.approx(1e-4)
    states = [f"{k},{0.5 + 0.01 * k},{120 - k}" for k in range(9)]
    table = devicekit.read(lines("Cycle #,G,G", ",1e-6 S,1e-6 S", ",Low,High", *states))
    assert table.frame.groupby("level")["conductance_s"].max().to_dict() == pytest.approx(
        {"hrs": 0.58e-6, "lrs": 120e-6}
    )


def test_t_min_mapped_to_a_time_is_in_minutes(lines: Write) -> None:
    rows = [f"HRS,{0.5 * k},{20 + k}" for k in range(9)]
    path = lines("state,t_min,R (kohm)", *rows)
    table = devicekit.read(path, columns={"time_s": "t_min"})
    assert table.frame["time_s"].tolist() == [30.0 * k for k in range(9)]
    with pytest.raises(QuestionError, match="prefix"):  # even if R_k is mapped to R
        devicekit.read(lines("state,time_s,R_k", *rows), columns={"resistance_ohm": "R_k"})


def test_trials_of_a_spike_delay_are_repetitions(lines: Write) -> None:
    rows = [f"{trial},{delay},{delay / 10}" for delay in (-20, -10, 10, 20) for trial in (1, 2, 3)]
    table = devicekit.read(lines("Trial #,Delta_t [ms],Delta W [%]", *rows))
    assert table.frame["repeat"].tolist() == [1, 2, 3] * 4


def test_two_files_of_opposite_direction_are_one_device(lines: Write) -> None:
    for device in (1, 2):
        for word, step in (("LTP", 1), ("LTD", -1)):
            rows = [f"{k},{50 + step * k + device}" for k in range(1, 13)]
            lines("No.,G (uS)", *rows, name=f"{device}-{word}.csv")
    folder = lines("x", name="notes.md").parent
    files = sorted(folder.glob("*.csv"))
    frame = devicekit.read(files, files_are="devices").frame
    assert frame.groupby(["device_id", "direction"]).size().to_dict() == {
        (device, way): 12 for device in ("1", "2") for way in ("ltp", "ltd")
    }


def test_two_numbered_cycles_are_not_moving_averages_of_each_other(lines: Write) -> None:
    rng = np.random.default_rng(3)
    first = 1e6 * np.exp(-np.arange(24) / 8) + 5e4
    rows = [
        f"LTP,{a * (1 + 0.02 * e):.0f},{a * (1 + 0.002 * e):.0f}"
        for a, e in zip(first, rng.normal(size=24), strict=True)
    ]
    assert "columns_are=cycles" in choices(lines("Mode,1 [OHM],2 [OHM]", *rows))


def test_a_row_of_empty_cells_is_a_missing_reading(lines: Write) -> None:
    rows = [f"{1 + k},{30 - k}" for k in range(12)]
    frame = devicekit.read(lines("G Potentiation {uS},G Depression {uS}", *rows[:6], ",", *rows[6:])).frame
    rising = frame[frame["direction"] == "ltp"].dropna(subset="conductance_s")
    assert rising["pulse_index"].tolist() == [*range(6), *range(7, 13)]


def test_one_word_in_every_column_is_a_comment_and_a_column_without_a_name_counts_rows(lines: Write) -> None:
    rows = [f"{k},{1572 + k},Dev 1,LTP" for k in range(1, 10)]
    table = devicekit.read(lines(",Resistance (ohm),Cell,Operation", ",raw,raw,raw", *rows))
    assert table.devices == ["Dev 1"]
    assert "value" not in table.frame
    assert len(table.frame) == 9


def test_a_weight_that_falls_by_more_than_all_of_it_is_in_percent(lines: Write) -> None:
    rows = [f"{d},{w}" for d, w in zip((-20, -10, 10, 20), (-17.2, -30.1, 32.0, 18.5), strict=True)]
    path = lines("spike_delay_ms,weight_change", *rows)
    assert choices(path) == ["unit=1", "unit=%"]
    found = devicekit.read(path, unit="%").frame["weight_change"]
    np.testing.assert_allclose(found, [-0.172, -0.301, 0.32, 0.185])


def test_names_of_pulse_numbers_may_give_the_direction_and_split_two_tables(lines: Write) -> None:
    names = "LTP_Pulse Nnumber,Device1,Device2,,LTD_Pulse Nnumber,Device1,Device2"
    rows = [f"{k},{3 + k},{5 + k},,{k},{30 - k},{40 - k}" for k in range(1, 13)]
    frame = devicekit.read(lines(names, *rows), quantity="conductance", unit="uS", columns_are="devices").frame
    assert frame.groupby(["device_id", "direction"]).size().tolist() == [12] * 4
    first = frame[(frame["device_id"] == frame["device_id"].iloc[0]) & (frame["direction"] == "ltp")]
    np.testing.assert_allclose(first["conductance_s"], [1e-6 * (3 + k) for k in range(1, 13)])


def test_readings_at_0_v_after_pulses_are_those_of_the_pulses(lines: Write) -> None:
    rows = []
    for k in range(10):
        rows += [f"inc,,{1.0}", f"read,{100 + 5 * k},0"]
    frame = devicekit.read(lines("mode,G (uS),Amplitude_V", *rows)).frame
    assert frame["pulse_index"].tolist() == list(range(10))
    np.testing.assert_allclose(frame["conductance_s"], [1e-6 * (100 + 5 * k) for k in range(10)])
    assert (frame["pulse_voltage_v"] == 1.0).all()


def test_seconds_in_a_row_of_units_are_a_time_and_a_mirrored_current_is_the_same(lines: Write) -> None:
    rows = [f"{0.1 * k},{0.01 * k},{0.02 * k}" for k in range(12)]
    asked = choices(lines("x-axis,1,2", "second,Volt,Volt", *rows))
    assert not any("current_a: x-axis" in each for each in asked)
    loop = [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0]
    rows = [f"{v},{1e-6 * v**3},{-1e-6 * v**3}" for v in loop]
    frame = devicekit.read(lines("V_TE [V],I_TE [A],I_BE [A]", *rows)).frame
    np.testing.assert_allclose(frame["current_a"], [1e-6 * v**3 for v in loop])


def test_columns_of_retention_may_be_levels(lines: Write) -> None:
    rows = [f"{10**k},{5 - 0.1 * k},{9 - 0.1 * k}" for k in range(6)]
    path = lines("Time (s),G (uS),G (uS)", *rows)
    assert "columns_are=levels" in choices(path)
    table = devicekit.read(path, columns_are="levels")
    assert table.frame.groupby("level").size().tolist() == [6, 6]
    assert table.frame["device_id"].nunique() == 1


def test_two_unnamed_columns_are_an_endurance_record_if_the_kind_is_given(lines: Write) -> None:
    rows = [f"{7000 + k}\t{4e5 + 10 * k}" for k in range(8)]
    for quantity, low in (("resistance", "lrs"), ("conductance", "hrs")):
        frame = devicekit.read(lines(*rows, name="x.txt"), kind="endurance", quantity=quantity).frame
        first = frame[frame["level"] == low]["conductance_s"].iloc[0]
        assert first == pytest.approx(1 / 7000 if quantity == "resistance" else 7000)
        assert frame.groupby("level").size().tolist() == [8, 8]


def test_names_separated_by_two_tabs_above_numbers_separated_by_one(lines: Write) -> None:
    swept = (0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0)
    rows = [f"{0.1 * k:.1f}\t{v}\t{1e-6 * v}\t{1e-6 * v * v}" for k, v in enumerate(swept)]
    path = lines("t (s)\t\tV (V)\t\tI (A)\t\tP (W)\t\t", *rows, name="sweep.dat")
    frame = devicekit.read(path).frame
    np.testing.assert_allclose(frame["voltage_v"], swept, rtol=1e-12)
    np.testing.assert_allclose(frame["current_a"], [1e-6 * v for v in swept], rtol=1e-12)


def test_a_sweep_without_a_current_is_refused(lines: Write) -> None:
    path = lines("V (V),I (A),t (s)", *(f"{v},,{k}" for k, v in enumerate((0, 0.5, 1, 0.5, 0))))
    with pytest.raises(TableError, match="current"):
        devicekit.read(path, kind="sweep")


def test_device_a_and_device_b_are_devices(lines: Write) -> None:
    rows = [f"{k},{2e-7 + 1e-8 * k},{3e-7 + 1e-8 * k}" for k in range(12)]
    path = lines("Pulse,Device A (S),Device B (S)", *rows)
    table = devicekit.read(path, kind="pulses")
    read = table.frame.groupby("device_id")["conductance_s"].first().to_dict()
    assert read == {"A": 2e-7, "B": 3e-7}


@pytest.mark.parametrize("names", ["Cell lo (S),Cell hi (S)", "Device H (S),Device L (S)"])
def test_short_words_after_a_device_are_asked_about(lines: Write, names: str) -> None:
    path = lines(f"Pulse,{names}", *(f"{k},{2e-7 + 1e-8 * k},{3e-7 + 1e-8 * k}" for k in range(12)))
    assert "columns_are=devices" in choices(path, kind="pulses")


def test_a_power_of_ten_before_a_unit_is_asked_about(lines: Write) -> None:
    swept = (0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0)
    for name in ("I 1e-6 A", "I_1e-6_A"):  # 1e-6 may be the compliance
        path = lines(f"V (V),{name}", *(f"{v},{v}" for v in swept))
        with pytest.raises(QuestionError, match=r"1e-6[ _]A"):
            devicekit.read(path)
    path = lines("V (V),I (1e-6 A)", *(f"{v},{v}" for v in swept))
    np.testing.assert_allclose(devicekit.read(path).frame["current_a"], [1e-6 * v for v in swept])


def test_a_constant_time_is_a_pulse_width(lines: Write) -> None:
    up, down = [f"{100 + 10 * k},100" for k in range(12)], [f"{205 - 9 * k},100" for k in range(12)]
    path = lines("up", "G (uS),t_pulse (ns)", *up, "", "down", "G (uS),t_pulse (ns)", *down)
    table = devicekit.read(path)
    assert isinstance(table, PulseTable)
    first = table.frame.groupby("direction")["conductance_s"].first()
    np.testing.assert_allclose(first[["ltp", "ltd"]], [1e-4, 2.05e-4])


@pytest.mark.parametrize("names", ["1 (ohm),2 (ohm)", "R1 (ohm),R2 (ohm)"])
def test_numbered_columns_beside_a_time_are_asked_about(lines: Write, names: str) -> None:
    path = lines(f"Time (s),{names}", *(f"{10 * k},{1e6 + k},{2e6 - k}" for k in range(1, 8)))
    assert {"columns_are=devices", "columns_are=levels"} <= set(choices(path))
    devices = devicekit.read(path, columns_are="devices").frame
    assert (devices["device_id"].nunique(), devices["level"].nunique()) == (2, 1)
    levels = devicekit.read(path, columns_are="levels").frame
    assert (levels["device_id"].nunique(), levels["level"].nunique()) == (1, 2)


def test_unnamed_columns_that_rise_and_fall_in_turn_are_pairs(lines: Write) -> None:
    rows = [f"{k},{1e-7 + 1e-8 * k},{3e-7 - 1e-8 * k},{2e-7 + 1e-8 * k},{4e-7 - 1e-8 * k}" for k in range(12)]
    path = lines(*rows)
    options = {"kind": "pulses", "quantity": "conductance", "unit": "S"}
    for meaning, column in (("devices", "device_id"), ("cycles", "cycle")):
        frame = devicekit.read(path, columns_are=meaning, **options).frame
        first = frame.groupby([column, "direction"])["conductance_s"].first()
        np.testing.assert_allclose(first.to_numpy(), [3e-7, 1e-7, 4e-7, 2e-7])


def test_one_reading_at_half_a_pulse_is_asked_about(lines: Write) -> None:
    with pytest.raises(QuestionError, match=r"'pulse'.* 1\.5"):
        devicekit.read(lines("pulse,direction,G (uS)", "1.5,ltp,100"))


def test_a_table_of_many_columns_is_read_without_a_warning_of_pandas(lines: Write) -> None:
    others = ",".join(f"extra {k}" for k in range(150))
    extra = ",".join(f"{k / 4}" for k in range(150))
    path = lines(f"cycle,pulse,G (uS),{others}", *(f"1,{k},{100 + 10 * k},{extra}" for k in range(12)))
    assert len(devicekit.read(path)) == 12  # warnings are errors here


def test_a_column_that_ends_early_is_read_and_rows_of_numbers_are_not_skipped(lines: Write) -> None:
    """57 rows, 25 of them in the last column: these were read as a heading, and 25 readings of LTP were lost."""
    rows = [f"{n},{28 / n**0.5:.4f},{5 + 0.9 * n:.4f}" if n <= 25 else f"{n},{28 / n**0.5:.4f}," for n in range(1, 58)]
    table = devicekit.read(lines(*rows), kind="pulse", quantity="resistance", unit="kohm")
    assert table.frame.groupby("direction").size().to_dict() == {"ltp": 57, "ltd": 25}
    assert table.frame["conductance_s"].max() == pytest.approx(1 / (1e3 * 28 / 57**0.5), rel=1e-4)
    short = ["1,2,3", "2,3,4", "3,4,5", *(f"{n},{n * n}" for n in range(4, 104))]
    with pytest.raises(FileError, match=r"rows 1 to 3 .*skip=N"):
        devicekit.read(lines(*short), kind="pulse", quantity="conductance", unit="uS")


def test_cycles_that_turn_at_different_places_are_asked_about(lines: Write) -> None:
    """Cycles 1 and 3 turn after 6 readings, cycle 2 after 5, all with as many readings: one must be wrong."""
    turns = (6, 5, 6)
    rows = []
    for cycle, turn in enumerate(turns, 1):
        up = [60.0 + 8 * k for k in range(turn)]
        down = [up[-1] - 7.5 * k for k in range(1, 12 - turn + 1)]
        rows += [f"{cycle},{n},{g}" for n, g in enumerate([*up, *down])]
    path = lines("cycle,pulse,G (uS)", *rows)
    asked = choices(path)
    assert asked == ["pulses=(5, 6)", "pulses=(4, 7)"]  # the commonest first
    same = [row for row in rows if not row.startswith("2,")]
    table = devicekit.read(lines("cycle,pulse,G (uS)", *same))
    assert table.frame.groupby("cycle")["direction"].value_counts().unstack()["ltp"].tolist() == [6, 6]


def test_repeated_names_of_states_belong_to_several_devices(lines: Write) -> None:
    rows = [",".join(map(str, [10.0**k, *(10 * d + s + 0.1 * k for d in (1, 2) for s in (1, 2, 3))])) for k in range(5)]
    path = lines("t (s),State 1,State 2,State 3,State 1,State 2,State 3", *rows)
    table = devicekit.read(path, kind="retention", quantity="conductance", unit="uS", columns_are="devices")
    assert table.frame.groupby("device_id")["level"].nunique().tolist() == [3, 3]
    assert len(table.frame) == 30
    last = table.frame[table.frame["time_s"] == 1.0].groupby("device_id")["conductance_s"].max().tolist()
    assert last == pytest.approx([13e-6, 23e-6])


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


def test_a_state_after_each_set_and_each_reset_is_an_endurance_record(lines: Write) -> None:
    """Read as trains of one pulse, with 24 warnings, and cycles counted to 324."""
    rows = [f"{k},{op},{r}" for k in range(1, 26) for op, r in (("SET", 6380 + k), ("RESET", 9e5 + k))]
    table = devicekit.read(lines("cycle,op,R_read(ohm)", *rows))
    assert type(table).__name__ == "EnduranceTable"
    assert table.frame["cycle"].max() == 25
    first = table.frame[table.frame["cycle"] == 1].set_index("level")["conductance_s"]
    assert first["lrs"] == pytest.approx(1 / 6381)
    assert first["hrs"] == pytest.approx(1 / 900001)
    more = [f"{k},{op},{n},{10 + n}" for k in (1, 2, 3) for op in ("SET", "RESET") for n in range(9)]
    assert isinstance(devicekit.read(lines("cycle,op,pulse,G (uS)", *more)), PulseTable)  # nine readings each


def test_switching_voltages_have_no_level(lines: Write) -> None:
    rows = [f"{k},{0.9 + k / 100},{-1.1},{180 + k},{2400 + k}" for k in range(1, 8)]
    table = devicekit.read(lines("cycle,Vset (V),Vreset (V),R_off (kOhm),R_on (Ohm)", *rows))
    assert "voltage_v" not in table.frame
    assert table.frame["Vset (V)"].astype(float).nunique() == 7
    assert sorted(table.frame[table.frame["cycle"] == 1]["conductance_s"]) == pytest.approx([1 / 181e3, 1 / 2401])


def test_ordinals_number_cycles(lines: Write) -> None:
    head = "1st cycle,,,50th cycle,,,100th cycle,"
    names = "V (V),I (mA),,V (V),I (mA),,V (V),I (mA)"
    volts = [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0]
    rows = [f"{v},{v},,{v},{2 * v},,{v},{3 * v}" for v in volts]
    table = devicekit.read(lines(head, names, *rows))
    assert sorted(table.frame["cycle"].unique()) == [1, 50, 100]
    assert table.frame[table.frame["cycle"] == 50]["current_a"].max() == pytest.approx(2e-3)


def test_errors_and_remarks_below_the_table_are_not_readings(lines: Write) -> None:
    volts = [-0.9 + 0.1 * k for k in range(10)]
    rows = [f"{v:.1f}\t{1e-3 * v:e}\t{2e-4}\t{1e-6 * v:e}" for v in volts]
    below = ["\t\t", "V_DS = \t-0.600\t", "Number of Averages = \t5\t", "Width/um =\t2000\t"]
    path = lines("V_D (V)\tI_D (A)\tI_D Error (A)\tI_G (A)", *rows, *below, name="file.txt")
    table = devicekit.read(path)
    assert len(table.frame) == 10
    np.testing.assert_allclose(table.frame["current_a"], [1e-3 * v for v in volts], rtol=1e-5)
    bad = lines("V (V)\tI (A)", "0.1\t1e-6", "0.2\t2e-6", "0.3\tnone", "0.4\t4e-6", "0.5\toverflow", name="bad.txt")
    with pytest.raises(TableError):
        devicekit.read(bad)  # words among the readings are not remarks


def test_a_constant_time_beside_one_with_a_unit_is_kept(lines: Write) -> None:
    rows = [f"{2.9e7 + 1e5 * k},{30 * k},1" for k in range(1, 11)]
    table = devicekit.read(lines("# resistance (ohms),time (s),integ_time", *rows))
    assert table.frame["time_s"].tolist() == pytest.approx([30.0 * k for k in range(1, 11)])


def test_columns_of_pot_and_dep_are_directions(lines: Write) -> None:
    rows = [f"{n},{-8 + n / 20},{-6 - n / 20}" for n in range(1, 21)]
    table = devicekit.read(lines("pulse,log10(G/S) pot.,log10(G/S) dep.", *rows))
    assert table.frame.groupby("direction")["cycle"].unique().map(list).to_dict() == {"ltp": [1], "ltd": [1]}
    assert table.frame["conductance_s"].max() == pytest.approx(10**-6.05)


def test_currents_without_voltages_are_refused(lines: Write) -> None:
    rows = [f"{1e-6 * k},{'0.66' if k == 1 else ''},{2e-6 * k}" for k in range(1, 30)]
    with pytest.raises(TableError, match=r"56 of 58 currents.*voltage_v: COLUMN"):
        devicekit.read(lines("I (A),VSET (V),IMAX (A)", *rows), kind="sweep", columns_are="cycles")


def test_unnamed_pairs_of_voltage_and_current_are_sweeps_if_the_kind_is_given(lines: Write) -> None:
    volts = [0, 1, 2, 3, 2, 1, 0, -1, -2, -3, -2, -1, 0]
    rows = [",".join(f"{v},{(k + 1) * 1e-6 * v}" for k in range(3)) for v in volts]
    table = devicekit.read(lines(*rows), kind="sweep", unit="A", columns_are="cycles")
    assert table.frame["cycle"].nunique() == 3
    assert table.frame.groupby("cycle")["current_a"].max().tolist() == pytest.approx([3e-6, 6e-6, 9e-6])


def test_clock_times_are_counted_from_the_first(lines: Write) -> None:
    rows = [f"{1.618e9 + 10 * k},{1e4 + k}" for k in range(20)]
    table = devicekit.read(lines("time (s),R (ohm)", *rows), kind="retention")
    assert table.frame["time_s"].tolist()[:2] == [0.0, 10.0]
    assert "clock" in {warning.code for warning in table.warnings}
    rows = [f"{-1.1e-13 if k == 0 else 0.05 * k},{1e4 + k}" for k in range(20)]  # a program's rounding
    assert devicekit.read(lines("time (s),R (ohm)", *rows), kind="retention").frame["time_s"].iloc[0] == 0.0


def test_runs_of_a_workbook_without_its_settings_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Clarius writes the newest run first; the sheet Settings here holds the names of the runs alone."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    volts = [0, -0.5, -1, -0.5, 0]
    for run in (12, 11, 3):
        sheet = book.create_sheet(f"Run{run}")
        sheet.append(["Time", "AI", "AV", "IMAX"])
        for k, v in enumerate(volts):
            sheet.append([0.1 * k, run * 1e-6 * v, v, None])
    book.create_sheet("Settings").append(["Run12"])
    book.save(tmp_path / "set.xlsx")
    table = devicekit.read(tmp_path / "set.xlsx")
    assert table.meta["format"] == "keithley4200"
    lowest = table.frame.groupby("cycle")["current_a"].min().tolist()
    assert lowest == pytest.approx([-3e-6, -11e-6, -12e-6])


def test_a_letter_before_a_slash_and_a_unit_is_a_name(lines: Write) -> None:
    """A/microamps beside B/microamps and C/microamps: device A was left out as a ratio."""
    rows = [f"{v},{v + 1},{v + 2},{v + 3}" for v in (0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0)]
    path = lines("Voltage/V,A/microamps,B/microamps,C/microamps", *rows)
    table = devicekit.read(path, kind="sweep", columns_are="devices")
    assert sorted(table.frame["device_id"].unique()) == ["A", "B", "C"]
    assert table.frame.groupby("device_id")["current_a"].max().tolist() == pytest.approx([2e-6, 3e-6, 4e-6])


def test_comments_that_count_columns_are_not_readings(lines: Write) -> None:
    rows = [f"{45 - 2 * n},{47 - 2 * n},0.001" for n in range(20)]
    path = lines("R,R,I_limit", "kohm,kohm,A", "1,2,", *rows)
    table = devicekit.read(path, columns_are="cycles", kind="pulse")
    assert table.frame.groupby("cycle").size().tolist() == [20, 20]
    assert table.frame["conductance_s"].min() == pytest.approx(1 / 47e3)


def test_tables_beside_each_other_are_levels_with_columns_are(lines: Write) -> None:
    rows = [f"{10**k},{1e-5 / (k + 1)},{10**k},{1e-9 / (k + 1)}" for k in range(4)]
    path = lines("Time (s),I (A),Time (s),I (A)", *rows)
    table = devicekit.read(path, kind="retention", read_voltage=0.1, columns_are="levels")
    assert table.frame.groupby("level")["conductance_s"].max().to_dict() == {
        "state1": pytest.approx(1e-4),
        "state2": pytest.approx(1e-8),
    }


def test_cycles_of_one_reading_each_are_asked_about(lines: Write) -> None:
    path = lines("Cycle number,Conductance (S)", *(f"{n},{2.6e-5 - 1e-7 * n}" for n in range(50)))
    assert choices(path) == ["map={pulse_index: COLUMN}"]
    table = devicekit.read(path, map={"pulse_index": "Cycle number"})
    assert (len(table.frame), table.frame["pulse_index"].max()) == (50, 49)


def test_a_reading_below_the_one_before_it_is_not_the_last_of_a_rise(lines: Write) -> None:
    """Readings 99 to 102 are 725, 729, 698, 505 with noise of 3: read as 101 + 99, "to 0.1 pulses", until asked."""
    up = 730 - 680 * np.exp(-np.arange(1, 101) / 20)
    down = np.r_[698, 60 + 445 * np.exp(-np.arange(99) / 12)]
    noisy = np.r_[up, down] + 3 * np.random.default_rng(3).standard_normal(200)
    path = lines("number,G (uS)", *(f"{n},{g}" for n, g in enumerate(noisy, 1)))
    assert "pulses=(100, 100)" in choices(path)
    table = devicekit.read(path, pulses=(100, 100))  # who was there knows better
    assert table.frame.groupby("direction").size().to_dict() == {"ltp": 100, "ltd": 100}


def test_sheets_with_a_repeated_column_name_are_read(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    volts = [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0]
    first = ["Voltage", "Current", "Resistance", "Voltage", "Frequency"]
    for sheet, names in (("A 1", first), ("A 2", [*first[:3], "voltage", "frequency"])):
        own = book.create_sheet(sheet)
        own.append(names)
        for k, v in enumerate(volts):
            own.append([v, 1e-6 * v, 1e6, *([1.4, 50] if k == 0 else [])])
    book.save(tmp_path / "two.xlsx")
    table = devicekit.read(tmp_path / "two.xlsx", sheet="A 1,A 2", unit="A", sheets_are="devices")
    assert table.frame.groupby("device_id").size().tolist() == [9, 9]


def test_cycles_as_columns_of_two_sheets_keep_their_numbers(tmp_path: Path) -> None:
    """They were labelled 1, 2, 5, 9, 14: the number of a cycle was read as a count of cycles."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for sheet, sign in (("LTP", 1), ("LTD", -1)):
        own = book.create_sheet(sheet)
        own.append([f"G{k} (uS)" for k in range(1, 6)])
        for n in range(20):
            own.append([10 + k / 10 + (n if sign > 0 else 20 - n) for k in range(5)])
    book.save(tmp_path / "g.xlsx")
    table = devicekit.read(tmp_path / "g.xlsx", columns_are="cycles")
    assert sorted(table.frame["cycle"].unique()) == [1, 2, 3, 4, 5]
    assert (table.frame.groupby(["cycle", "direction"]).size() == 20).all()
    assert not any(re.search(r"\d+ cycles", warning.message) for warning in table.warnings)


def test_addresses_in_front_of_rows_are_names_and_two_alternating_levels_are_not_a_train(lines: Write) -> None:
    rng = np.random.default_rng(2)
    rows = []
    for cell in range(480, 490):
        pairs = np.c_[1e5 + 1e4 * rng.random(30), 4e3 + 200 * rng.random(30)].ravel()
        rows.append(",".join([f"{cell}.000", *(f"{r:.3f}" for r in pairs)]))
    with pytest.raises(TableError, match="alternate"):
        devicekit.read(lines(*rows), quantity="resistance", unit="ohm", columns_are="devices")
    falling = [",".join([f"{cell}.000", *(f"{cell + 50 - n:.3f}" for n in range(40))]) for cell in range(480, 490)]
    table = devicekit.read(lines(*falling), quantity="conductance", unit="uS", columns_are="devices")
    assert table.frame["device_id"].nunique() == 10
    assert "480" in str(table.frame["device_id"].iloc[0])
    assert table.frame["conductance_s"].max() == pytest.approx(539e-6)
    assert len(table.frame) == 400


def test_every_kind_is_offered_for_columns_without_names(lines: Write) -> None:
    """They were offered as states after pulses only; a time beside resistances was read as two trains."""
    record = [f"{0.6 * k:.1f} {1e5 * 0.99**k:.3f}" for k in range(40)]
    path = lines(*record, name="record.txt")
    kinds = ["kind=pulse", "kind=sweep", "kind=endurance", "kind=retention"]
    assert sorted(choice.split()[0] for choice in choices(path)) == sorted(kinds)
    assert "kind=retention" in choices(path, quantity="resistance")
    table = devicekit.read(path, kind="retention", quantity="resistance")
    assert table.frame["time_s"].iloc[[0, -1]].tolist() == pytest.approx([0, 23.4])
    assert table.frame["conductance_s"].iloc[-1] == pytest.approx(1e-5 / 0.99**39, rel=1e-4)

    pairs = lines(*(f"{5e3 + k} {8e5 - k}" for k in range(40)), name="pairs.txt")
    assert any(choice.startswith("kind=endurance") for choice in choices(pairs))
    table = devicekit.read(pairs, kind="endurance", quantity="resistance")
    assert table.frame.groupby("level")["conductance_s"].max().to_dict() == pytest.approx(
        {"hrs": 1 / (8e5 - 39), "lrs": 1 / 5e3}
    )


def test_the_kind_makes_an_unnamed_axis_a_time_or_a_cycle(lines: Write) -> None:
    rows = [f"{n} {8e5 - n} {5e3 + n}" for n in (1, 10, 100, 1000, 10000)]
    table = devicekit.read(lines(*rows), kind="endurance", quantity="resistance", unit="ohm")
    assert sorted(table.frame["cycle"].unique()) == [1, 10, 100, 1000, 10000]
    held = devicekit.read(
        lines(*(f"{0.5 * k} {1e-6 - 1e-9 * k} 0.1" for k in range(30))),
        kind="retention",
        quantity="current",
        read_voltage=0.1,
    )
    assert held.frame["conductance_s"].iloc[0] == pytest.approx(1e-5)
    assert held.frame["level"].nunique() == 1
    timed = [
        f"{0.5 * k} {v} {1e-6 * v * (2 if k > 3 else 1)}" for k, v in enumerate((0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0))
    ]
    swept = devicekit.read(lines(*timed), kind="sweep", unit="mA")
    assert swept.frame["voltage_v"].max() == 1
    assert swept.frame["current_a"].min() == pytest.approx(-2e-9)


def test_instrument_blocks_side_by_side_are_devices_or_cycles_by_option(tmp_path: Path) -> None:
    """Three devices side by side were read as three cycles of one."""
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["DataName", "VF", "IF", None, "DataName", "VF", "IF"])
    for v in (0, 1, 2, 1, 0, -1, -2, -1, 0):
        book.active.append(["DataValue", v, 1e-6 * v, None, "DataValue", v, 2e-6 * v])
    path = tmp_path / "pasted.xlsx"
    book.save(path)
    assert choices(path) == ["columns_are=devices", "columns_are=cycles"]
    devices = devicekit.read(path, columns_are="devices").frame
    assert devices.groupby("device_id")["current_a"].max().tolist() == pytest.approx([2e-6, 4e-6])
    cycles = devicekit.read(path, columns_are="cycles").frame
    assert cycles.groupby("cycle")["current_a"].max().tolist() == pytest.approx([2e-6, 4e-6])
    one = lines_of_text(tmp_path)
    with pytest.raises(UsageError, match=r"columns_are=cycles"):
        devicekit.read(one, columns_are="cycles")


def lines_of_text(folder: Path) -> Path:
    path = folder / "one.csv"
    path.write_text("SetupTitle, x\nDataName, V1, I1\nDataValue, 0, 0\nDataValue, 1, 1e-6\nDataValue, 0, 0\n")
    return path


def test_a_letter_before_a_slash_is_a_name_where_the_quotient_is_not_a_known_unit(lines: Write) -> None:
    """A/kohm was read as a unit, so that device A was left out."""
    rows = [
        f"{level},{n},{size},{size + n},{size + 2 * n}" for level, size in (("HRS", 900), ("LRS", 5)) for n in (1, 2)
    ]
    table = devicekit.read(lines("State,Cycle,A/kohm,B/kohm,C/kohm", *rows), columns_are="devices")
    assert table.frame.groupby("device_id")["conductance_s"].min().tolist() == pytest.approx(
        [1 / 900e3, 1 / 902e3, 1 / 904e3]
    )


def test_two_resistances_under_a_swept_amplitude_are_not_levels_of_a_cycle(lines: Write) -> None:
    """A sweep of the amplitude was read as endurance: R_low and R_high as LRS and HRS of as many cycles as pulses."""
    rows = [f"{k},{v:.3f},{1000 + 10 * k},{2000 + 20 * k}" for k, v in enumerate(np.linspace(0.7, 2, 27))]
    head = ("test date\t1.1.2024", "Measurement Data", "index, pulse amplitude (V), R_low (ohm), R_high (ohm)")
    path = lines(*head, *rows)
    assert choices(path) == [
        f"map={{resistance_ohm: {name} (ohm), pulse_voltage_v: pulse amplitude (V)}}" for name in ("R_low", "R_high")
    ]
    pulses = devicekit.read(path, map={"resistance_ohm": "R_low (ohm)", "pulse_voltage_v": "pulse amplitude (V)"})
    assert isinstance(pulses, PulseTable)
    assert pulses.frame["conductance_s"].max() == pytest.approx(1e-3)
    same = [f"{k},{(1.0, -1.2)[k % 2]},{1000 + k},{2000 + k}" for k in range(20)]  # set and reset: two amplitudes
    assert len(devicekit.read(lines(*head, *same, name="two.csv")).frame) == 40


def easyexpert(names: str, rows: list[str], *settings: str) -> tuple[str, ...]:
    return ("SetupTitle, x", *settings, f"DataName, {names}", *(f"DataValue, {row}" for row in rows))


def test_a_constant_current_is_not_the_device_current_and_several_are_asked_about(lines: Write) -> None:
    """IT, constant at 1 mA, was read as the current of a sweep of VB."""
    v = [0, 0.5, 1, 0.5, 0]
    held = [f"{x}, 0.001, {2e-6 * x * x}" for x in v]
    assert devicekit.read(lines(*easyexpert("VB, IT, IX", held))).frame["current_a"].max() == pytest.approx(2e-6)
    several = [f"{x}, {1e-3 * x}, {2e-6 * x * x}" for x in v]
    assert choices(lines(*easyexpert("VCE, IB, IC", several))) == ["map={current_a: IB}", "map={current_a: IC}"]
    paired = devicekit.read(lines(*easyexpert("VB, IC, IB", several)))  # the terminal of the voltage
    assert paired.frame["current_a"].max() == pytest.approx(2e-6)
    mirrored = [f"{x}, {1e-3 * x}, {-1.01e-3 * x}" for x in v]  # the two ends of one device
    assert devicekit.read(lines(*easyexpert("VF, I1, I2", mirrored))).frame["current_a"].max() == pytest.approx(1e-3)


def test_a_voltage_limit_is_not_a_compliance_current(lines: Write) -> None:
    """20 V were read as a compliance of 20 A."""
    rows = [f"{i}, {1e3 * i}" for i in (0, 1e-6, 2e-6, 1e-6, 0)]
    limit = "TestParameter, Measurement.Primary.Compliance, 20"
    for mode, there in (("I", False), ("V", True)):
        settings = (f"TestParameter, Channel.Mode, COMMON, {mode}", "TestParameter, Channel.Func, CONST, VAR1", limit)
        frame = devicekit.read(lines(*easyexpert("I3, V3", rows, *settings))).frame
        assert ("compliance_a" in frame) == there
    assert frame["compliance_a"].max() == 20


def test_clock_times_become_seconds_even_past_midnight(lines: Write) -> None:
    times = ("23:59:50.500", "23:59:58.000", "00:00:03.250", "00:01:00.000")
    rows = [f"{t},0.05,{5000 + k}" for k, t in enumerate(times)]
    table = devicekit.read(lines("Time [s],Voltage [V],Resistance [Ohm]", *rows))
    assert table.frame["time_s"].tolist() == pytest.approx([0, 7.5, 12.75, 69.5])
    with pytest.raises(TableError) as caught:
        devicekit.read(lines("Time [s],Voltage [V],Resistance [Ohm]", *rows[:3], "later,0.05,5000"))
    assert (5, "'later'") in [(row.row, row.found) for row in caught.value.rows]


def test_tabs_separate_columns_with_empty_last_cells(lines: Write) -> None:
    """Pulse, LTP and LTD by tab were split on blanks, because rows of LTP end in an empty cell."""
    rise, fall = [f"{k}\t{k / 10}\t" for k in range(1, 30)], [f"{k}\t\t{6 - k / 10}" for k in range(30, 59)]
    table = devicekit.read(lines("Pulse number\tLTP (uS)\tLTD(uS)", *rise, *fall, name="g.txt"))
    assert table.frame.groupby("direction")["conductance_s"].max().to_dict() == pytest.approx(
        {"ltp": 2.9e-6, "ltd": 3e-6}
    )


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


def test_unnamed_voltage_current_and_ratio_are_one_state(lines: Write) -> None:
    """All three were read as resistances with quantity=resistance."""
    rng = np.random.default_rng(3)
    ohms = 500 + 10 * rng.standard_normal(30)
    rows = [f"{0.5 * k}\t{(v := (2.0, 0.01)[k > 19]) / r:.9g}\t{v}\t{r:.9g}" for k, r in enumerate(ohms)]
    path = lines(*rows, name="record.txt")
    table = devicekit.read(path, kind="retention", quantity="resistance")
    assert table.frame["level"].nunique() == 1
    assert table.frame["conductance_s"].to_numpy() == pytest.approx(1 / ohms, rel=1e-6)


def test_a_setting_among_unnamed_columns_is_not_a_device(lines: Write) -> None:
    rows = [f"{1e-6 * k:.3e} {1.1e-6 * k:.3e} 0.5" for k in range(1, 30)]
    table = devicekit.read(lines(*rows, name="g.txt"), kind="pulse", quantity="conductance", columns_are="devices")
    assert table.frame["device_id"].nunique() == 2
    stuck = [f"{1e-6 * k:.3e} {1.1e-6 * k:.3e} 5e-6" for k in range(1, 30)]  # of their size: a device that is stuck
    table = devicekit.read(lines(*stuck, name="s.txt"), kind="pulse", quantity="conductance", columns_are="devices")
    assert table.frame["device_id"].nunique() == 3


def test_a_lone_hash_is_a_column_name(lines: Write) -> None:
    """Beside a table of the same columns the name was read as a comment mark, and the order was lost."""
    rng = np.random.default_rng(1)
    rows = [(k, way, n) for k, way, first in ((0, "ltp", 1), (0, "ltd", 11), (1, "ltp", 21), (1, "ltd", 31))
            for n in range(first, first + 10)]  # fmt: skip
    shuffled = [[rows[k] for k in rng.permutation(40)] for _ in range(2)]
    cells = [
        ",".join(f"{k},{way},{n},{(n if way == 'ltp' else 60 - n) / 100}" for k, way, n in pair)
        for pair in zip(*shuffled, strict=True)
    ]
    table = devicekit.read(lines("Cycle,Operation,#,Weight,Cycle,Operation,#,Weight", *cells), columns_are="devices")
    assert table.frame.drop_duplicates(["device_id", "cycle", "direction"]).shape[0] == 8
    rising = table.frame[table.frame["direction"] == "ltp"].groupby(["device_id", "cycle"])["weight"]
    assert all((part.diff().dropna() > 0).all() for _, part in rising)


def test_an_unnamed_column_without_a_number_gives_no_warning(lines: Write) -> None:
    assert any("kind=sweep" in choice for choice in choices(lines("0.0,-")))
