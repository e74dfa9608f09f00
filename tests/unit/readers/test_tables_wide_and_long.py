"""Tables with units in their names, wide tables, long tables of every kind, spreadsheets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import FileError, QuestionError, TableError, UsageError
from devicekit.readers import read, readers
from devicekit.readers.header import split_unit
from devicekit.tables import EnduranceTable, PulseTable, RetentionTable, StdpTable, SweepTable


@pytest.mark.parametrize(
    ("name", "bare", "unit"),
    [
        ("I (uA)", "I", "uA"),
        ("V [mV]", "V", "mV"),
        ("R/kohm", "R", "kohm"),
        ("I_nA", "I", "nA"),
        ("Temp (C)", "Temp (C)", None),
        ("plain", "plain", None),
        ("Strom [µA]", "Strom", "µA"),
        ("a/b", "a/b", None),
    ],
)
def test_units_in_names(name: str, bare: str, unit: str | None) -> None:
    assert split_unit(name) == (bare, unit)


def test_decimal_comma_semicolon_device_and_cycle_columns(fixtures: Path) -> None:
    table = read(fixtures / "table" / "sweep_units.csv")
    assert isinstance(table, SweepTable)
    assert table.devices == ["A1", "B2"]
    assert list(table.frame["cycle"].unique()) == [1, 2]
    assert table.frame["current_a"].max() == pytest.approx(110.5e-6)
    assert table.frame["temperature_k"].unique() == pytest.approx([298.15, 299.15])
    assert table.meta["text"]["decimal"] == ","
    assert table.meta["text"]["delimiter"] == "semicolon"


def test_micro_sign_in_windows_encoding(fixtures: Path) -> None:
    table = read(fixtures / "table" / "sweep_micro.csv")
    assert table.frame["current_a"].max() == pytest.approx(1e-4)
    assert table.meta["text"]["encoding"] == "cp1252"


def test_one_current_column_a_cycle_and_pairs(fixtures: Path) -> None:
    cycles = read(fixtures / "table" / "wide_cycles.csv")
    assert list(cycles.frame.groupby("cycle")["current_a"].nth(1)) == pytest.approx([5e-7, 6e-7, 5.5e-7])
    pairs = read(fixtures / "table" / "pairs.csv", columns_are="cycles")
    assert list(pairs.frame.groupby("cycle").size()) == [3, 4]  # ragged at the tail


def test_currents_without_a_unit_are_refused_not_guessed(fixtures: Path) -> None:
    with pytest.raises(UsageError, match="unit="):
        read(fixtures / "table" / "no_unit.csv")
    table = read(fixtures / "table" / "no_unit.csv", unit="uA")
    assert table.frame["current_a"].max() == pytest.approx(1e-4)
    assert any(warning.code == "assumed_unit" and "volts" in warning.message for warning in table.warnings)


def test_wide_endurance_and_retention(fixtures: Path) -> None:
    endurance = read(fixtures / "table" / "endurance_wide.csv")
    assert isinstance(endurance, EnduranceTable)
    assert list(endurance.frame[endurance.frame["level"] == "hrs"]["cycle"]) == [1, 10, 100, 1000]
    retention = read(fixtures / "table" / "retention_wide.csv")
    assert isinstance(retention, RetentionTable)
    assert set(retention.frame["level"]) == {"LRS", "HRS"}
    assert retention.frame["conductance_s"].max() == pytest.approx(1 / 5e3)


def test_wide_trains_one_column_a_device_or_a_cycle(fixtures: Path) -> None:
    devices = read(fixtures / "table" / "wide_devices.csv", quantity="conductance", unit="uS")
    assert isinstance(devices, PulseTable)
    assert devices.devices == ["dev1", "dev2", "dev3"]
    assert len(devices) == 14
    with pytest.raises(QuestionError, match="columns_are="):
        read(fixtures / "table" / "wide_no_header.tsv", quantity="conductance", unit="uS")
    cycles = read(
        fixtures / "table" / "wide_no_header.tsv", quantity="conductance", unit="uS", columns_are="cycles", accept=True
    )
    assert list(cycles.frame["cycle"].unique()) == [1, 2, 3]
    with pytest.raises(UsageError, match="quantity="):
        read(fixtures / "table" / "wide_no_header.tsv")


def test_long_tables_of_every_kind(fixtures: Path) -> None:
    sweep = read(fixtures / "long" / "sweep.csv", accept=True)
    assert list(sweep.frame["cycle"]) == [1, 1, 1, 1, 2, 2, 2]
    assert set(sweep.frame["operator"]) == {"ab"}
    endurance = read(fixtures / "long" / "endurance.csv")
    assert isinstance(endurance, EnduranceTable)
    assert list(endurance.frame["level"]) == ["lrs", "hrs", "lrs", "hrs"]
    retention = read(fixtures / "long" / "retention.csv")
    assert isinstance(retention, RetentionTable)
    assert list(retention.frame["level"].unique()) == ["1", "2"]
    stdp = read(fixtures / "long" / "stdp.csv")
    assert isinstance(stdp, StdpTable)
    assert list(stdp.frame["repeat"]) == [1, 2, 1]


def test_spreadsheets_read_like_text_and_name_the_sheets_left_out(
    write_xlsx: Callable[..., Path], write_xls: Callable[..., Path]
) -> None:
    rows = [["V (V)", "I (mA)"], [0, 0], [0.5, 0.1], [1, 1]]
    for path in (
        write_xlsx({"data": rows, "scratch": [["old", 1]]}),
        write_xls({"data": rows, "scratch": [["old", 1]]}),
    ):
        table = read(path)
        assert isinstance(table, SweepTable)
        assert table.frame["current_a"].max() == pytest.approx(1e-3)
        assert any(warning.code == "sheets" and "scratch" in warning.message for warning in table.warnings)


def test_select_device_and_cycle_on_any_table(fixtures: Path) -> None:
    table = read(fixtures / "table" / "sweep_units.csv", device="B2")
    assert table.devices == ["B2"]
    with pytest.raises(TableError, match=r"device_id = C3.*A1, B2"):
        read(fixtures / "table" / "sweep_units.csv", device="C3")


def test_readers_of_other_packages_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:

    class Entry:
        name = "other"

        def load(self) -> object:
            raise ImportError("no such module")

    assert {"easyexpert", "keithley4200", "smu", "wgfmu", "arcone", "table"} <= set(readers())
    monkeypatch.setattr("devicekit.system.plugins.find_announcements", lambda group: [Entry()])
    with pytest.raises(UsageError, match="does not load"):
        readers()


def test_large_tables_take_the_fast_path_to_the_same_values(
    fixtures: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from devicekit.readers.layouts import gather

    for name in ("long/sweep.csv", "table/sweep_units.csv"):
        slow = read(fixtures / name, accept=True)
        monkeypatch.setattr(gather, "LARGE", 1)
        fast = read(fixtures / name, accept=True)
        monkeypatch.undo()
        np.testing.assert_array_equal(slow.frame["current_a"], fast.frame["current_a"])
        assert list(slow.frame.columns) == list(fast.frame.columns)
    bad = tmp_path / "bad.csv"
    bad.write_text("voltage_v,current_a\n0,0\n1,oops\n2,3\n")
    monkeypatch.setattr(gather, "LARGE", 1)
    with pytest.raises(TableError) as caught:
        read(bad)
    assert caught.value.rows[0].row == 3


def test_rows_and_tables_of_a_large_text_are_chosen_up_to_a_size(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from devicekit.readers.layouts import gather

    monkeypatch.setattr(gather, "LARGE", 1)
    rows = [f"{k % 10},{k}e-6" for k in range(1, 41)]
    file = tmp_path / "a.csv"
    file.write_text("\n".join(["V (V),I (A)", *rows[:20], "Mean,x", *rows[20:]]) + "\n")
    assert len(read(file, drop=("Mean*",), accept=True)) == 40
    file.write_text(
        "\n".join(["V (V),I (A)", *rows[:10], "time,note (V),n", *(f"{k},{k},{k}" for k in range(9))]) + "\n"
    )
    assert len(read(file, block="1", accept=True)) == 10
    monkeypatch.setattr(gather, "LARGEST_SPLIT", 100)
    with pytest.raises(FileError, match="Split the file"):
        read(file, block="1")


def test_stdp_window_and_retention_of_currents_with_units(fixtures: Path) -> None:
    window = read(fixtures / "table" / "stdp.csv")
    assert isinstance(window, StdpTable)
    assert list(window.frame["spike_delay_s"]) == pytest.approx([-0.02, -0.01, 0.01, 0.02])
    assert list(window.frame["weight_change"]) == pytest.approx([-0.3, -0.4, 0.5, 0.35])
    with pytest.raises(UsageError, match="read_voltage="):
        read(fixtures / "table" / "retention_current.csv")
    kept = read(fixtures / "table" / "retention_current.csv", read_voltage=0.1)
    assert isinstance(kept, RetentionTable)
    assert list(kept.frame["time_s"]) == [60, 600, 6000]
    assert kept.frame["conductance_s"][0] == pytest.approx(1e-4)


def test_the_state_among_two_quantities_is_asked_about(tmp_path: Path) -> None:
    file = tmp_path / "mixed.csv"
    file.write_text("R/kohm,I_nA\n" + "".join(f"{k},{k * k + 1}\n" for k in range(1, 7)))
    with pytest.raises(QuestionError, match=r"(?s)R/kohm.*I_nA"):
        read(file)
    table = read(file, map={"value": "R/kohm"}, pulses=(5,))
    assert table.frame["conductance_s"].tolist() == pytest.approx([1e-3 / k for k in range(1, 7)])


@pytest.mark.parametrize(("header", "kept"), [("G (uS),Temp", "Temp"), ("G (uS),Time (h)", "time_s")])
def test_a_column_beside_the_state_is_kept(header: str, kept: str, tmp_path: Path) -> None:
    file = tmp_path / "kept.csv"
    file.write_text("pulse," + header + "\n" + "".join(f"{k},{10 + k},{20 + k}\n" for k in range(6)))
    table = read(file)
    assert table.frame["conductance_s"].tolist() == pytest.approx([(10 + k) * 1e-6 for k in range(6)])
    assert table.frame[kept].tolist() == [(20 + k) * (3600 if kept == "time_s" else 1) for k in range(6)]


def test_a_unit_in_a_name_is_applied_once(tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    rows = "0,10,11\n1,14,15\n2,17,19\n3,19,20\n4,17,17\n5,11,12\n"
    file.write_text("pulse,dev1 (uS),dev2 (uS)\n" + rows, encoding="utf-8")
    for unit in (None, "uS"):
        assert read(file, unit=unit, pulses=(3, 2)).frame["conductance_s"].max() == pytest.approx(20e-6)
    with pytest.raises(UsageError, match=r"\(uS\).*unit=nS"):
        read(file, unit="nS")
    with pytest.raises(UsageError, match=r"\(uS\).*quantity=current"):
        read(file, quantity="current", read_voltage=0.1)


def test_a_mapped_column_keeps_the_unit_of_its_name(tmp_path: Path) -> None:
    file = tmp_path / "mapped.csv"
    file.write_text("n,G (uS),Vp (mV)\n0,10,900\n1,14,900\n2,17,900\n3,19,900\n", encoding="utf-8")
    columns = {"conductance_s": "G (uS)", "pulse_voltage_v": "Vp (mV)"}
    table = read(file, columns=columns).frame
    assert table["conductance_s"].max() == pytest.approx(19e-6)
    assert set(table["pulse_voltage_v"]) == {0.9}
    for options in ({"quantity": "conductance"}, {"unit": "uS"}):
        table = read(file, columns={"value": "G (uS)"}, **options).frame
        assert table["conductance_s"].max() == pytest.approx(19e-6)
    with pytest.raises(UsageError, match=r"G \(uS\).*unit=nS"):
        read(file, columns={"value": "G (uS)"}, unit="nS")
    with pytest.raises(UsageError, match=r"pulse_width_s: Vp \(mV\).*voltage.*time"):
        read(file, columns={"conductance_s": "G (uS)", "pulse_width_s": "Vp (mV)"})
