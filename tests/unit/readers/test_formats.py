"""Instrument formats, computed by hand for files of a few rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import devicekit
from devicekit.core.errors import UsageError
from devicekit.readers import read
from devicekit.tables import EnduranceTable, PulseTable, SweepTable

from .small_files import Write, choices, codes, trains  # type: ignore[import-not-found]


def easyexpert(names: str, rows: list[str], *settings: str) -> tuple[str, ...]:
    return ("SetupTitle, x", *settings, f"DataName, {names}", *(f"DataValue, {row}" for row in rows))


def test_crosssim_ramps_take_the_number_of_their_column_and_drop_padding(tmp_path: Path) -> None:
    """A zero is padding, so the second ramp has two readings."""
    for name, rows in (("set", ("1e-6,1e-6", "2e-6,3e-6", "4e-6,0")), ("reset", ("4e-6,5e-6", "2e-6,4e-6", "1e-6,0"))):
        (tmp_path / f"{name}.csv").write_text("\n".join(("rmp7,rmp2", *rows)) + "\n")
    table = read(tmp_path, quantity="conductance")
    assert trains(table, "ltp") == {7: [1e-6, 2e-6, 4e-6], 2: [1e-6, 3e-6]}
    assert trains(table, "ltd") == {7: [4e-6, 2e-6, 1e-6], 2: [5e-6, 4e-6]}


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


def test_the_answers_about_borders_of_an_instrument_are_never_refused(lines: Write) -> None:
    """A waveform of pulses of several heights is no sweep: each offered answer reads it."""
    volts = [0, 1, 2, 1, 0, 1, 0, -1, -2, -1, 0, 2, 3, 0, -1, -3, 0, 0.5]
    path = lines(*easyexpert("Time, V1, I1", [f"{1e-3 * k}, {v}, {1e-6 * v + 1.5e-6}" for k, v in enumerate(volts)]))
    offered = choices(path)
    assert offered == ["accept=True", "rows_per={cycle: N}", "kind=transient", "kind=record"]
    loop = devicekit.read(path, rows_per={"cycle": "9"})
    assert loop.frame["cycle"].tolist() == [1] * 9 + [2] * 9
    times = devicekit.read(path, kind="transient")
    assert times.frame["current_a"].tolist() == pytest.approx([1e-6 * v + 1.5e-6 for v in volts])
    assert times.frame["voltage_v"].tolist() == volts
    plain = devicekit.read(path, kind="record")
    assert plain.meta["format"] == "easyexpert"
    assert plain.frame[["V1", "record"]].to_numpy().tolist() == [[v, 1] for v in volts]
    with pytest.raises(UsageError, match="18 rows"):
        devicekit.read(path, rows_per={"cycle": "5"})


def test_a_kind_that_a_format_does_not_read_is_read_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "session.csv"
    path.write_text("Time,V,I,Status\n" + "".join(f"{k},0.1,{1e-6 * (k + 1)},0\n" for k in range(12)))
    assert devicekit.read(path, kind="record").meta["format"] == "smu"
    options = {"time_s": "Time", "current_a": "I"}
    table = devicekit.read(path, kind="retention", columns=options)
    assert table.meta["format"] == "table"
    assert table.frame["conductance_s"].tolist() == pytest.approx([1e-5 * (k + 1) for k in range(12)])


def test_a_folder_is_read_without_its_files_that_hold_no_table(tmp_path: Path) -> None:
    rows = [(v, 1e-6 * v) for v in (0, 1, 2, 1, 0)]
    for name in ("dev1.csv", "dev2.csv"):
        (tmp_path / name).write_text("Voltage (V),Current (A)\n" + "".join(f"{v},{i}\n" for v, i in rows))
    (tmp_path / "setup.cfg").write_text("[Dimensions]\nWidth (um):\t4000\nLength (um):\t20\n")
    (tmp_path / "station.log").write_text("started at ten\nprobe lowered\nfinished\n")
    (tmp_path / "chip.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    table = devicekit.read(tmp_path)
    assert table.frame["device_id"].nunique() == 2
    assert len(table.frame) == 10
    left = next(each.message for each in table.warnings if each.code == "dropped")
    assert [file.name for file in sorted(tmp_path.iterdir()) if file.name in left] == [
        "chip.png",
        "setup.cfg",
        "station.log",
    ]
    listed = devicekit.read([tmp_path / name for name in ("dev1.csv", "dev2.csv", "setup.cfg")])
    assert listed.frame["device_id"].nunique() == 2
