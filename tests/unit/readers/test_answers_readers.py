"""Results of readers computed by hand for files of a few rows: units, directions, cycles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from devicekit.readers import read
from devicekit.readers.splitting import split_by_reset, split_by_sign
from devicekit.tables import EnduranceTable, PulseTable, RetentionTable, StdpTable, SweepTable, Table


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes lines to a file."""

    def write(*rows: str, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(rows) + "\n")
        return path

    return write


def trains(table: Table, direction: str) -> dict[int, list[float]]:
    """Return the states of one direction by cycle, of a file with one device."""
    assert isinstance(table, PulseTable)
    assert len(table.devices) == 1
    return {cycle: value.tolist() for _, cycle, _, value in table.traces(direction)}


def codes(table: Table) -> list[str]:
    return [warning.code for warning in table.warnings]


BEFORE_AFTER = "pulse_voltage_v,resistance_before_ohm,resistance_after_ohm"


def test_a_pulse_between_two_resistances_has_the_direction_of_its_sign(lines: Callable[..., Path]) -> None:
    """One positive pulse of three fails and raises the resistance: it is LTP all the same."""
    table = read(lines(BEFORE_AFTER, "1,10000,5000", "-1,5000,10000", "1,10000,12500", "1,10000,4000"))
    up, down = trains(table, "ltp"), trains(table, "ltd")
    assert up == {1: [1e-4, 2e-4], 3: [1e-4, 8e-5], 4: [1e-4, 2.5e-4]}
    assert down == {2: [2e-4, 1e-4]}
    assert "reversed" not in codes(table)


def test_without_a_voltage_the_fall_of_the_resistance_is_ltp(lines: Callable[..., Path]) -> None:
    table = read(lines("resistance_before_ohm,resistance_after_ohm", "10000,5000", "5000,10000", "8000,4000"))
    assert trains(table, "ltp") == {1: [1e-4, 2e-4], 3: [1.25e-4, 2.5e-4]}
    assert trains(table, "ltd") == {2: [2e-4, 1e-4]}
    assert "reversed" not in codes(table)


def test_a_state_before_and_after_is_pulse_0_and_1_in_file_order(lines: Callable[..., Path]) -> None:
    table = read(lines("resistance_before_ohm,resistance_after_ohm", "10000,5000", "5000,10000"))
    assert table.frame["pulse_index"].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(table.frame["conductance_s"], [1e-4, 2e-4, 2e-4, 1e-4], rtol=1e-12)


def test_endurance_currents_are_divided_by_the_read_voltage(lines: Callable[..., Path]) -> None:
    """20 uA and 0.5 uA at 0.2 V are 100 and 2.5 uS."""
    wide = read(lines("cycle,LRS (uA),HRS (uA)", "1,20,0.5", "1000,18,0.6"), read_voltage=0.2)
    assert isinstance(wide, EnduranceTable)
    found = wide.frame.set_index(["cycle", "level"])["conductance_s"].to_dict()
    wanted = {(1, "lrs"): 1e-4, (1, "hrs"): 2.5e-6, (1000, "lrs"): 9e-5, (1000, "hrs"): 3e-6}
    assert found == pytest.approx(wanted, rel=1e-12)
    rows = ("1,lrs,2e-5", "1,hrs,5e-7", "1000,lrs,1.8e-5", "1000,hrs,6e-7")
    long = read(lines("cycle,level,read_current_a", *rows, name="long.csv"), read_voltage=0.2)
    assert isinstance(long, EnduranceTable)
    assert long.frame.set_index(["cycle", "level"])["conductance_s"].to_dict() == pytest.approx(wanted, rel=1e-12)
    assert long.frame["read_voltage_v"].tolist() == [0.2] * 4


def test_endurance_cycles_without_a_number_are_counted_device_by_device(lines: Callable[..., Path]) -> None:
    rows = ("a,lrs,1e4", "a,hrs,5e5", "b,lrs,1e4", "b,hrs,5e5", "a,lrs,2e4", "a,hrs,6e5")
    table = read(lines("device,level,resistance_ohm", *rows))
    assert isinstance(table, EnduranceTable)
    assert table.frame["cycle"].tolist() == [1, 1, 1, 1, 2, 2]


def test_medians_decide_which_of_two_unnamed_columns_is_low(lines: Callable[..., Path]) -> None:
    """One reading of the LRS failed, at 2 Mohm above all of the HRS."""
    rows = ("500000,10000", "500000,10000", "500000,2000000", "500000,10000")
    table = read(lines(*rows), kind="endurance", quantity="resistance", unit="ohm")
    assert isinstance(table, EnduranceTable)
    medians = table.frame.groupby("level")["conductance_s"].median().to_dict()
    assert medians == pytest.approx({"hrs": 2e-6, "lrs": 1e-4})


def test_endurance_resistances_are_inverted(lines: Callable[..., Path]) -> None:
    table = read(lines("cycle,LRS (kohm),HRS (Mohm)", "1,4,0.5", "2,5,1"))
    found = table.frame.set_index(["cycle", "level"])["conductance_s"].to_dict()
    wanted = {(1, "lrs"): 2.5e-4, (1, "hrs"): 2e-6, (2, "lrs"): 2e-4, (2, "hrs"): 1e-6}
    assert found == pytest.approx(wanted, rel=1e-12)


def test_retention_in_hours_and_microamperes(lines: Callable[..., Path]) -> None:
    """30 uA at 0.1 V are 300 uS; two hours are 7200 s."""
    table = read(lines("t (h),LRS (uA),HRS (uA)", "0,30,0.4", "0.5,29,0.4", "2,28,0.5"), read_voltage=0.1)
    assert isinstance(table, RetentionTable)
    frame = table.frame.set_index(["level", "time_s"])["conductance_s"]
    assert frame["LRS"].to_dict() == pytest.approx({0.0: 3e-4, 1800.0: 2.9e-4, 7200.0: 2.8e-4}, rel=1e-12)
    assert frame["HRS"].to_dict() == pytest.approx({0.0: 4e-6, 1800.0: 4e-6, 7200.0: 5e-6}, rel=1e-12)


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


def test_the_name_of_a_column_gives_its_cycle(lines: Callable[..., Path]) -> None:
    """Columns `cycle 12` and `cycle 3` are cycles 12 and 3, not the first and the second."""
    path = lines("pulse,cycle 12 (uS),cycle 3 (uS)", "0,10,11", "1,20,21", "2,25,27", "3,28,30", "4,29,31")
    table = read(path)
    found = trains(table, "ltp")
    assert list(found) == [12, 3]
    assert found[12] == pytest.approx([1e-5, 2e-5, 2.5e-5, 2.8e-5, 2.9e-5], rel=1e-12)
    assert found[3] == pytest.approx([1.1e-5, 2.1e-5, 2.7e-5, 3e-5, 3.1e-5], rel=1e-12)


def test_crosssim_ramps_take_the_number_of_their_column_and_drop_padding(tmp_path: Path) -> None:
    """A zero is padding, so the second ramp has two readings."""
    for name, rows in (("set", ("1e-6,1e-6", "2e-6,3e-6", "4e-6,0")), ("reset", ("4e-6,5e-6", "2e-6,4e-6", "1e-6,0"))):
        (tmp_path / f"{name}.csv").write_text("\n".join(("rmp7,rmp2", *rows)) + "\n")
    table = read(tmp_path, quantity="conductance")
    assert trains(table, "ltp") == {7: [1e-6, 2e-6, 4e-6], 2: [1e-6, 3e-6]}
    assert trains(table, "ltd") == {7: [4e-6, 2e-6, 1e-6], 2: [5e-6, 4e-6]}


def test_a_train_begins_where_the_pulse_number_restarts(lines: Callable[..., Path]) -> None:
    """Two LTP trains follow each other without a change of direction."""
    numbers = [0, 1, 2, 0, 1, 2, 0, 1]
    words = ["ltp"] * 6 + ["ltd"] * 2
    states = [1, 2, 3, 1.5, 2.5, 3.5, 3, 1]
    rows = [f"{d},{n},{s}e-5" for d, n, s in zip(words, numbers, states, strict=True)]
    table = read(lines("direction,pulse_index,conductance_s", *rows))
    assert trains(table, "ltp") == {1: [1e-5, 2e-5, 3e-5], 2: [1.5e-5, 2.5e-5, 3.5e-5]}
    assert trains(table, "ltd") == {1: [3e-5, 1e-5]}
    assert split_by_reset(np.array([0, 1, 2, 0, 1, 2, 2, 1])).tolist() == [0, 0, 0, 1, 1, 1, 1, 2]


def test_two_columns_split_where_the_number_restarts(lines: Callable[..., Path]) -> None:
    """Rising trains are LTP, falling ones LTD, each counted by itself."""
    numbers = [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]
    states = [1, 2, 3, 3, 2, 1, 1.5, 2.5, 3.5, 3.5, 2.5, 0.5]
    table = read(lines(*[f"{n},{s}" for n, s in zip(numbers, states, strict=True)]), unit="uS")
    up, down = trains(table, "ltp"), trains(table, "ltd")
    assert [list(up), list(down)] == [[1, 2], [1, 2]]
    np.testing.assert_allclose([*up.values(), *down.values()], np.reshape(states, (4, 3))[[0, 2, 1, 3]] * 1e-6)
    assert "reversed" not in codes(table)


def test_rising_trains_one_after_the_other_are_all_ltp(lines: Callable[..., Path]) -> None:
    """The fall between them is a new start, not an LTD pulse."""
    table = read(lines("1,10", "2,20", "3,30", "1,11", "2,22", "3,33"), unit="uS")
    found = trains(table, "ltp")
    assert list(found) == [1, 2]
    np.testing.assert_allclose([found[1], found[2]], [[1e-5, 2e-5, 3e-5], [1.1e-5, 2.2e-5, 3.3e-5]], rtol=1e-12)
    assert trains(table, "ltd") == {}


@pytest.mark.parametrize(
    ("up", "down"),
    [("1.0", "-1.0"), ("+1", "-1"), ("1", "-1"), ("P", "D"), ("set", "reset"), ("Up", "down")],
)
def test_words_for_directions(up: str, down: str, lines: Callable[..., Path]) -> None:
    rows = [f"1,{d},{n},{g}e-5" for d, states in ((up, (1, 2, 3)), (down, (3, 2, 1))) for n, g in enumerate(states)]
    table = read(lines("cycle,direction,pulse_index,conductance_s", *rows))
    assert trains(table, "ltp") == {1: [1e-5, 2e-5, 3e-5]}
    assert trains(table, "ltd") == {1: [3e-5, 2e-5, 1e-5]}


def test_whole_numbers_as_floats_are_directions_too() -> None:
    """In a data frame of floats they are 1.0 and -1.0."""
    frame = pd.DataFrame({"cycle": 1, "direction": [1.0, 1.0, -1.0, -1.0], "pulse_index": [0, 1, 0, 1]})
    table = read(frame.assign(conductance_s=[1e-5, 2e-5, 2e-5, 1e-5]))
    assert trains(table, "ltp") == {1: [1e-5, 2e-5]}
    assert trains(table, "ltd") == {1: [2e-5, 1e-5]}


@pytest.mark.parametrize(
    ("voltage", "direction", "cycle"),
    [
        ([1, 1, -1, -1, 1, -1], "++--+-", [1, 1, 1, 1, 2, 2]),
        ([-1, -1, 1, -1, 1], "--+-+", [1, 1, 1, 2, 2]),
        ([0, 1, 1, np.nan, -1, -1], "+++---", [1] * 6),
        ([1, 0], "++", [1, 1]),
    ],
)
def test_pulses_split_by_sign(voltage: Sequence[float], direction: str, cycle: list[int]) -> None:
    """Positive is LTP; a reading without a pulse belongs to what follows; a cycle ends where the first sign returns."""
    found, cycles = split_by_sign(np.array(voltage, float))
    assert found.tolist() == [{"+": "ltp", "-": "ltd"}[sign] for sign in direction]
    assert cycles.tolist() == cycle


def test_trains_by_the_sign_of_their_pulses_keep_a_train_that_fails(lines: Callable[..., Path]) -> None:
    """The second train of positive pulses falls a little: it is LTP by its pulses."""
    volts = [1, 1, 1, -1, -1, 1, 1, -1, -1]
    states = [1, 2, 3, 2, 1, 1.2, 1.1, 0.9, 0.8]
    table = read(lines("pulse_voltage_v,conductance_s", *[f"{v},{s}e-5" for v, s in zip(volts, states, strict=True)]))
    assert trains(table, "ltp") == {1: [1e-5, 2e-5, 3e-5], 2: [1.2e-5, 1.1e-5]}
    assert trains(table, "ltd") == {1: [2e-5, 1e-5], 2: [0.9e-5, 0.8e-5]}


def test_an_stdp_window_in_ms_and_per_cent(lines: Callable[..., Path]) -> None:
    table = read(lines("dt (ms),dW (%)", "-20,-10", "-10,-25", "10,50", "20,30"))
    assert isinstance(table, StdpTable)
    np.testing.assert_allclose(table.frame["spike_delay_s"], [-0.02, -0.01, 0.01, 0.02], rtol=1e-12)
    np.testing.assert_allclose(table.frame["weight_change"], [-0.1, -0.25, 0.5, 0.3], rtol=1e-12)


def test_a_test_chip_log_gives_levels_conductance_and_time(lines: Callable[..., Path]) -> None:
    """HRS after RESET, LRS after SET, cycles as ENDURANCE lines state them, time since the first line."""
    table = read(
        lines(
            "C4,100.0,7,ENDURANCE,(2.5, 1.3),3,3,1e-06,50000",
            "C4,100.5,7,RESET,2.5,0,3,1e-06",
            "C4,101.0,7,READ,20000,5e-05,1e-05,0.2",
            "C4,101.5,7,SET,1.3,0,3,2e-06",
            "C4,102.0,7,READ,4000,2.5e-04,5e-05,0.2",
            "C4,103.0,7,ENDURANCE,(2.5, 1.3),3,3,1e-06,50000",
            "C4,103.5,7,RESET,2.5,0,3,1e-06",
            "C4,104.0,7,READ,25000,4e-05,8e-06,0.2",
        )
    )
    assert isinstance(table, EnduranceTable)
    frame = table.frame
    assert frame["cycle"].tolist() == [50000, 50000, 100000]
    assert frame["level"].tolist() == ["hrs", "lrs", "hrs"]
    np.testing.assert_allclose(frame["conductance_s"], [5e-5, 2.5e-4, 4e-5], rtol=1e-12)
    np.testing.assert_allclose(frame["time_s"], [1.0, 2.0, 4.0])
    assert frame["operation_voltage_v"].tolist() == [2.5, 1.3, 2.5]
    assert frame["pulse_width_s"].tolist() == [1e-6, 2e-6, 1e-6]


def test_an_arc_one_session_counts_pulses_not_reads(lines: Callable[..., Path]) -> None:
    """The state after a pulse is in its row; a read before the first is the state of pulse 0, a later one a repeat."""
    table = read(
        lines(
            "Wordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag,ReadTag,ReadVoltage",
            "1,2,10000,0.2,0,S R2,S R2 V=0.2,0.2",
            "1,2,8000,1.0,0.0001,P,S R2 V=0.2,0.2",
            "1,2,8000,0.2,0,S R2,S R2 V=0.2,0.2",
            "1,2,5000,1.0,0.0001,P,S R2 V=0.2,0.2",
            "1,2,8000,-1.0,0.0001,P,S R2 V=0.2,0.2",
            "1,2,16000,-1.0,0.0001,P,S R2 V=0.2,0.2",
        )
    )
    assert isinstance(table, PulseTable)
    assert trains(table, "ltp")[1] == pytest.approx([1e-4, 1.25e-4, 1.25e-4, 2e-4], rel=1e-12)
    assert trains(table, "ltd")[1] == pytest.approx([1.25e-4, 6.25e-5], rel=1e-12)
    assert table.frame["pulse_index"].tolist() == [0, 1, 1, 2, 1, 2]
    assert table.frame["direction"].tolist() == ["ltp"] * 4 + ["ltd"] * 2
    assert set(table.frame["device_id"]) == {"W1B2"}


def test_curve_tracer_rows_give_amplitude_over_resistance(lines: Callable[..., Path]) -> None:
    rows = [f"1,2,{ohm},{volt},0.001,CT,S R2 V=0.2,0.2" for volt, ohm in ((0.5, 10000), (1.0, 5000), (0.5, 2500))]
    table = read(lines("Wordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag,ReadTag,ReadVoltage", *rows))
    assert isinstance(table, SweepTable)
    np.testing.assert_allclose(table.frame["current_a"], [5e-5, 2e-4, 2e-4], rtol=1e-12)


def test_kickstart_units_and_limit(lines: Callable[..., Path]) -> None:
    """The limit is the size of the compliance; milliamperes become amperes; summary rows are dropped."""
    table = read(
        lines(
            ".Channel,SMU-1",
            ".Limit,-0.002",
            "Index,SMU-1 Time (ms),SMU-1 Voltage (V),SMU-1 Current (mA)",
            "1,0,0,0",
            "2,5,0.5,0.25",
            "3,10,1,2",
            "4,15,0.5,1",
            "Max,15,1,2",
        )
    )
    assert isinstance(table, SweepTable)
    frame = table.frame
    np.testing.assert_allclose(frame["time_s"], [0, 5e-3, 1e-2, 1.5e-2])
    np.testing.assert_allclose(frame["current_a"], [0, 2.5e-4, 2e-3, 1e-3], rtol=1e-12)
    assert frame["compliance_a"].tolist() == [0.002] * 4


def test_a_wgfmu_program_gives_lrs_and_hrs_of_each_pulse(lines: Callable[..., Path]) -> None:
    """5 kohm and 0.1 Mohm are 200 and 10 uS; the amplitude is kept as the pulse's voltage."""
    table = read(
        lines(
            "Setup title\tpulsedAmplitudeSweep",
            "Device ID\tB7",
            "Measurement Data",
            "index, pulse amplitude (V), R_low (kohm), R_high (Mohm)",
            "1, 0.8, 5, 0.1",
            "2, 0.9, 4, 0.2",
        )
    )
    assert isinstance(table, EnduranceTable)
    found = table.frame.set_index(["cycle", "level"])["conductance_s"].to_dict()
    wanted = {(1, "lrs"): 2e-4, (1, "hrs"): 1e-5, (2, "lrs"): 2.5e-4, (2, "hrs"): 5e-6}
    assert found == pytest.approx(wanted, rel=1e-12)
    assert table.frame["pulse_voltage_v"].tolist() == [0.8, 0.8, 0.9, 0.9]
    assert set(table.frame["device_id"]) == {"B7"}


def test_cycles_of_an_easyexpert_file_count_from_the_oldest_record(lines: Callable[..., Path]) -> None:
    """1 February stands before 2 January (month first); the limit is the size of the compliance; V2 is swept."""

    def record(date: str, current: float) -> list[str]:
        return [
            "SetupTitle, loop",
            "TestParameter, Channel.VName, V1, V2",
            "TestParameter, Channel.IName, I1, I2",
            "TestParameter, Channel.Func, CONST, VAR1",
            "TestParameter, Measurement.Primary.Compliance, -0.001",
            f"MetaData, TestRecord.RecordTime, {date}",
            "DataName, V1, I1, V2, I2",
            *(f"DataValue, 9, 9, {v}, {v * current}" for v in (0, 0.5, 1, 0.5)),
        ]

    table = read(lines(*record("02/01/2025 10:00:00", 2e-6), *record("01/02/2025 10:00:00", 1e-6)))
    assert isinstance(table, SweepTable)
    by = {(cycle, number): part for (cycle, number), part in table.frame.groupby(["cycle", "record"])}
    assert set(by) == {(1, 2), (2, 1)}
    assert by[1, 2]["voltage_v"].tolist() == [0, 0.5, 1, 0.5]
    np.testing.assert_allclose(by[1, 2]["current_a"], [0, 5e-7, 1e-6, 5e-7], rtol=1e-12)
    np.testing.assert_allclose(by[2, 1]["current_a"], [0, 1e-6, 2e-6, 1e-6], rtol=1e-12)
    assert set(table.frame["compliance_a"]) == {0.001}


def test_reversed_ltd_of_neurosim_is_corrected(lines: Callable[..., Path]) -> None:
    """LTD stored with rising conductances: its last row is the state before the first pulse; rows go by number."""
    up = ["exp_LTP_raw = [", "1 2e-6", "0 1e-6", "2 4e-6", "];"]
    down = ["exp_LTD_raw = [", "0 1e-6", "1 3e-6", "2 4e-6", "];"]
    table = read(lines(*up, *down, name="fit.m"))
    assert trains(table, "ltp") == {1: [1e-6, 2e-6, 4e-6]}
    assert trains(table, "ltd") == {1: [4e-6, 3e-6, 1e-6]}
    assert "reversed" in codes(table)
