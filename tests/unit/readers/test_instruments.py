"""Every instrument format reads its fixtures, several dialects each, and loses nothing of the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import FileError, QuestionError, TableError, UsageError
from devicekit.readers import read
from devicekit.tables import EnduranceTable, PulseTable, RecordTable, SweepTable

KEITHLEY_DATA = [
    ["Time", "AnodeI", "AnodeV", "GM", "Note"],
    [0.1, 1e-9, 0.0, "#REF", "a"],
    [0.2, 5e-7, 0.5, 1e-6, ""],
    [0.3, 1e-3, 1.0, 2e-3, "b"],
]
KTEI = [
    ["Test Name", "dc#1@1"],
    ["Last Executed", "09/27/2018 20:08:24"],
    ["KTEI Version", "V7.2"],
    [],
    ["Device Terminal", "Anode", "Cathode"],
    ["Instrument", "SMU1", "SMU2"],
    ["Name", "AnodeV", "CathodeV"],
    ["Forcing Function", "Voltage Sweep", "Common"],
    ["Compliance", "0.001", "0.1"],
]


def codes(table: SweepTable | PulseTable | EnduranceTable | RecordTable) -> set[str]:
    return {warning.code for warning in table.warnings}


def test_easyexpert_header_with_three_records_newest_first(fixtures: Path) -> None:
    table = read(fixtures / "easyexpert" / "header_crlf.csv")
    assert isinstance(table, SweepTable)
    assert len(table) == 27
    assert table.devices == ["D7"]
    assert list(table.frame.groupby("record")["cycle"].first()) == [3, 2, 1]  # oldest record is cycle 1
    assert {"IBottom", "absI", "R"} <= set(table.frame)  # columns of unknown role keep their names
    assert table.frame["compliance_a"].unique() == pytest.approx([1e-3])
    peak = table.frame[table.frame["record"] == 3]["current_a"].max()
    assert peak == pytest.approx(1e-3)
    facts = table.meta["records"][0]
    assert facts["name"] == "Set, reset DC"  # a comma inside the title
    assert facts["date"] == "03/09/2025 10:00:30"
    assert facts["units"] == {"absI": "A", "R": "ohm", "VTop": "V"}
    assert facts["settings"]["TestRecord.Remarks"] == ["first die", "edge"]
    assert {"columns", "assumed_unit", "split"} <= codes(table)


def test_easyexpert_bom_empty_column_no_newline_at_end(fixtures: Path) -> None:
    table = read(fixtures / "easyexpert" / "header_bom_empty_column.csv")
    assert table.frame["IBottom"].isna().all()
    assert table.frame["R"].isna().sum() == 2
    assert table.meta["text"]["encoding"] == "utf-8-sig"


def test_easyexpert_var2_steps_become_sweeps(fixtures: Path) -> None:
    table = read(fixtures / "easyexpert" / "var2.csv")
    assert list(table.frame["cycle"]) == [1, 1, 1, 2, 2, 2]
    assert list(table.frame["GateV"]) == [1, 1, 1, 2, 2, 2]
    assert table.frame["current_a"][1] == 8.85e-09


def test_easyexpert_sampling_keeps_time(fixtures: Path) -> None:
    table = read(fixtures / "easyexpert" / "sampling.csv")
    assert list(table.frame["time_s"]) == [0, 0.01, 0.02, 0.03]
    assert set(table.frame["cycle"]) == {1}


def test_easyexpert_data_only_and_single_file_agree(fixtures: Path) -> None:
    bare = read(fixtures / "easyexpert" / "data_only.csv")
    single = read(fixtures / "easyexpert" / "single_file.csv")
    np.testing.assert_allclose(bare.frame["current_a"], single.frame["current_a"])
    assert single.devices == ["chip 3, cell 12"]
    assert single.meta["records"][0]["date"] == "2025/03/03 23:29:49"
    assert single.frame["compliance_a"][0] == 5e-4


def test_one_bad_cell_is_named_by_row_and_column(fixtures: Path) -> None:
    with pytest.raises(TableError) as caught:
        read(fixtures / "easyexpert" / "bad_cell.csv")
    assert [(bad.row, bad.column) for bad in caught.value.rows] == [(3, "I1")]


def test_map_overrides_the_settings(fixtures: Path) -> None:
    table = read(fixtures / "easyexpert" / "header_crlf.csv", columns={"current_a": "IBottom"})
    assert table.frame["current_a"].min() == pytest.approx(-1.2e-3)
    assert "ITop" in table.frame
    with pytest.raises(UsageError, match="no column 'nothing'"):
        read(fixtures / "easyexpert" / "header_crlf.csv", columns={"current_a": "nothing"})


@pytest.mark.parametrize("header", [True, False])
def test_easyexpert_blocks_side_by_side_in_a_sheet(write_xls: Callable[..., Path], header: bool) -> None:
    names = [["DataName", "V1", "I1", None, "DataName", "V1", "I1"]] if header else []
    rows = [["DataValue", 0.1 * k, 1e-6 * k, None, "DataValue", 0.1 * k, 2e-6 * k] for k in range(4)]
    path = write_xls({"Sheet1": [*names, *rows], "scratch": [["x"]]})
    options = {} if header else {"columns": {"voltage_v": "column 1", "current_a": "column 2"}}
    table = read(path, columns_are="cycles", **options)
    assert isinstance(table, SweepTable)
    assert list(table.frame.groupby("record")["current_a"].max()) == pytest.approx([3e-6, 6e-6])


def test_keithley_ktei_workbook(write_xls: Callable[..., Path], capfd: pytest.CaptureFixture[str]) -> None:
    table = read(write_xls({"Data": KEITHLEY_DATA, "Calc": [], "Settings": KTEI, "mine": [["scratch", 1.0]]}))
    assert any(warning.code == "sheets" and "mine" in warning.message for warning in table.warnings)
    assert isinstance(table, SweepTable)
    assert list(table.frame["voltage_v"]) == [0, 0.5, 1]
    assert list(table.frame["current_a"]) == [1e-9, 5e-7, 1e-3]
    assert np.isnan(table.frame["GM"][0])  # an error cell
    assert list(table.frame["Note"]) == ["a", "", "b"]
    assert table.frame["compliance_a"][0] == 1e-3
    assert table.meta["records"][0]["date"] == "09/27/2018 20:08:24"
    assert capfd.readouterr().out == ""  # remarks on the container stay out of it


def test_keithley_clarius_workbook_with_stacked_runs(write_xls: Callable[..., Path]) -> None:
    def run(name: str, compliance: str) -> list[list[str]]:
        return [
            ["====="],
            [name],
            ["====="],
            ["Test Name", name],
            ["Clarius+ Version", "V1.6.1"],
            [],
            ["Device Terminal", "Anode", "Cathode"],
            ["Operation Mode", "Voltage Linear Sweep", "Voltage Bias"],
            ["Compliance", compliance, "0.1"],
            [],
        ]

    sheets = {
        "Run1": KEITHLEY_DATA,
        "Run2": KEITHLEY_DATA,
        "Settings": [*run("Run1", "1e-3"), *run("Run2", "2e-3")],
    }
    table = read(write_xls(sheets))
    assert list(table.frame.groupby("record")["compliance_a"].first()) == [1e-3, 2e-3]
    assert list(table.frame.groupby("record")["cycle"].first()) == [1, 2]


def test_keithley_stepped_sweeps_side_by_side(write_xls: Callable[..., Path]) -> None:
    names = ["DrainI(1)", "DrainV(1)", "GateV(1)", "DrainI(2)", "DrainV(2)", "GateV(2)"]
    rows = [[1e-9 * k, 0.1 * k, 1.0, 2e-9 * k, 0.1 * k, 2.0] for k in range(3)]
    settings = [
        ["Test Name", "output"],
        ["Device Terminal", "Drain", "Gate"],
        ["Forcing Function", "Voltage Sweep", "Voltage Step"],
        ["Compliance", "0.1", "0.1"],
    ]
    table = read(write_xls({"Data": [names, *rows], "Settings": settings}))
    assert list(table.frame.groupby("record")["GateV"].first()) == [1.0, 2.0]
    assert list(table.frame["current_a"]) == pytest.approx([0, 1e-9, 2e-9, 0, 2e-9, 4e-9])


def test_smu_buffers(fixtures: Path) -> None:
    acs = read(fixtures / "smu" / "acs.csv")
    assert np.isnan(acs.frame["Smu1.R[1][1]"][0])  # 9.91e37 is not a number
    two = read(fixtures / "smu" / "acs_two_buffers.csv")
    assert list(two.frame["record"]) == [1, 1, 1, 2, 2]
    assert np.isnan(two.frame["current_a"][2])
    tsp = read(fixtures / "smu" / "tsp.csv")
    assert list(tsp.frame["Status"]) == [20486, 20486, 20487]
    assert np.isnan(tsp.frame["current_a"][2])


def test_smu_buffers_side_by_side_in_a_sheet(write_xls: Callable[..., Path]) -> None:
    names = ["Item", "Smu1.V[1][1]", "Smu1.I[1][1]", None, "Item", "Smu1.V[1][2]", "Smu1.I[1][2]"]
    rows = [[k, 0.1 * k, 1e-6 * k, None, k, 0.2 * k, 2e-6 * k] for k in range(1, 5)]
    table = read(write_xls({"Sheet1": [names, *rows]}))
    assert list(table.frame.groupby("record")["voltage_v"].max()) == pytest.approx([0.4, 0.8])
    bare = write_xls({"Sheet1": rows}, "bare.xls")
    with pytest.raises(UsageError, match="map="):
        read(bare)
    table = read(bare, columns={"voltage_v": "column 6", "current_a": "column 7"})
    assert table.frame["current_a"].max() == pytest.approx(8e-6)
    assert "column 3" in table.frame


def test_kickstart_units_limit_and_summary_rows(fixtures: Path) -> None:
    table = read(fixtures / "smu" / "kickstart.csv")
    assert list(table.frame["current_a"]) == pytest.approx([0, 2.5e-4, 5e-3])  # the file is in mA
    assert table.frame["compliance_a"][0] == 0.1
    assert any("5 summary rows" in warning.message for warning in table.warnings)
    assert "assumed_unit" not in codes(table)


@pytest.mark.parametrize("name", ["session.csv", "session.csv.gz", "bare.csv"])
def test_arcone_session(fixtures: Path, name: str) -> None:
    table = read(fixtures / "arcone" / name)
    assert isinstance(table, PulseTable)
    assert len(table) == 8
    assert list(table.frame["direction"]) == ["ltp"] * 5 + ["ltd"] * 3
    assert list(table.frame["pulse_index"]) == [0, 1, 2, 3, 4, 1, 2, 3]
    assert table.frame["conductance_s"][0] == pytest.approx(1e-4)
    assert table.widths == [1e-4]
    assert {"Tag", "ReadTag"} <= set(table.frame)


def test_arcone_curve_tracer_is_a_sweep(fixtures: Path) -> None:
    table = read(fixtures / "arcone" / "curve_tracer.csv")
    assert isinstance(table, SweepTable)
    assert table.frame["current_a"][2] == pytest.approx(0.6 / 2e3)
    assert "time_s" not in table.frame  # a pulse width is not a time


def test_wgfmu_both_kinds(fixtures: Path) -> None:
    fast = read(fixtures / "wgfmu" / "application.csv")
    assert isinstance(fast, SweepTable)
    assert fast.frame["time_s"][3] == 3e-6
    custom = read(fixtures / "wgfmu" / "custom.csv")
    assert isinstance(custom, EnduranceTable)
    assert custom.devices == ["B7"]
    assert custom.meta["V_read (V)"] == "0.1"
    assert custom.frame["conductance_s"].isna().sum() == 1


def test_an_empty_export_is_a_devicekit_error(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("DataName, V1, I1\n")
    with pytest.raises(FileError, match="no DataValue"):
        read(path)


def test_columns_of_other_quantities_are_kept_as_records_if_the_user_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cv.csv"
    path.write_text("DataName, Cp, D\nDataValue, 1E-12, 0.1\nDataValue, 2E-12, 0.2\n")
    with pytest.raises(QuestionError) as caught:
        read(path)
    assert caught.value.question is not None
    last = caught.value.question.choices[-1].options
    assert last == {"map": {"keep": "Cp"}}
    table = read(path, **last)
    assert isinstance(table, RecordTable)
    assert list(table.frame["Cp"]) == [1e-12, 2e-12]


def test_instrument_records_are_pulse_trains_where_a_state_is_mapped(tmp_path: Path) -> None:
    """An analyser's record holds readings after pulses, which only the user can say."""
    lines = [
        "SetupTitle, trains",
        "TestParameter, Channel.IName, Iread",
        "MetaData, TestRecord.TestTarget, D7",
        "DataName, Pulse, Vp, Iread",
    ]
    up = [1e-6 * k for k in range(1, 11)]
    values = [(0.95, i) for i in up] + [(-0.95, i) for i in reversed(up[:-1])]
    lines += [f"DataValue, {n}, {v}, {i}" for n, (v, i) in enumerate(2 * values, 1)]
    file = tmp_path / "trains.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    columns = {"read_current_a": "Iread", "pulse_voltage_v": "Vp"}
    table = read(file, columns=columns, read_voltage=0.1)
    assert isinstance(table, PulseTable)
    assert table.devices == ["D7"]
    assert {direction: [len(index) for _, _, index, _ in table.traces(direction)] for direction in ("ltp", "ltd")} == {
        "ltp": [10, 10],
        "ltd": [9, 9],
    }
    assert table.frame["conductance_s"].max() == pytest.approx(1e-4)
    assert list(table.frame["Pulse"]) == list(range(1, 39))  # other columns are kept
    assert {"columns", "assumed_unit", "split"} <= codes(table)
    assert table.meta["records"][0]["name"] == "trains"


def test_pulse_records_take_the_columns_units(fixtures: Path) -> None:
    columns = {"read_current_a": "SMU-2 Current (mA)"}
    table = read(fixtures / "smu" / "kickstart.csv", columns=columns, read_voltage=0.1)
    assert isinstance(table, PulseTable)
    assert list(table.frame["conductance_s"]) == pytest.approx([0.0, 2.5e-3, 5e-2])
    with pytest.raises(UsageError, match=r"SMU-2 Voltage \(V\).*current"):
        read(
            fixtures / "smu" / "kickstart.csv",
            columns={"read_current_a": "SMU-2 Voltage (V)"},
            read_voltage=0.1,
        )
