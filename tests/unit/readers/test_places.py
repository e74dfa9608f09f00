"""Sheets, files and tables beside each other: devices, cycles or levels by their names or by an answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import devicekit
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.readers import read

from .small_files import LOOP, Write, asked, choices  # type: ignore[import-not-found]


def lines_of_text(folder: Path) -> Path:
    path = folder / "one.csv"
    path.write_text("SetupTitle, x\nDataName, V1, I1\nDataValue, 0, 0\nDataValue, 1, 1e-6\nDataValue, 0, 0\n")
    return path


def test_sheets_of_different_devices_are_kept_apart(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for size in ("0.3um", "1um"):
        sheet = book.create_sheet(f"W{size}")
        sheet.append(["V (V)", "I (A)"])
        for v in LOOP:
            sheet.append([v, v * 1e-4])
    book.save(tmp_path / "book.xlsx")
    table = read(tmp_path / "book.xlsx")
    assert len(table.devices) == 2
    assert set(table.frame["cycle"]) == {1}


def test_several_files_are_devices_by_their_names_or_by_an_answer(lines: Write) -> None:
    rows = ("pulse,G (uS)", "0,10", "1,12", "2,14", "3,15")
    named = [lines(*rows, name=f"dev{k}.csv") for k in (1, 2, 10)]
    assert read(named).devices == ["dev1", "dev2", "dev10"]
    numbered = [lines(*rows, name=f"{k}.csv") for k in (1, 2)]
    assert asked(numbered) == ("files_are", "key")
    assert read(numbered, files_are="devices").devices == ["1", "2"]
    cycles = read(numbered, files_are="cycles")
    assert [cycles.devices, sorted(set(cycles.frame["cycle"]))] == [["device1"], [1, 2]]
    with pytest.raises(DevicekitError, match="differ in columns"):
        read([named[0], lines("pulse,G (nS)", "0,10", "1,12", "2,14", name="dev3.csv")])


def test_two_files_of_opposite_direction_are_one_device(lines: Write) -> None:
    for device in (1, 2):
        for word, step in (("LTP", 1), ("LTD", -1)):
            rows = [f"{k},{50 + step * k + device}" for k in range(1, 13)]
            lines("No.,G (uS)", *rows, name=f"{device}-{word}.csv")
    folder = lines("x", name="notes.md").parent
    files = sorted(folder.glob("*.csv"))
    frame = devicekit.read(files, files_are="devices", accept=True).frame
    assert frame.groupby(["device_id", "direction"]).size().to_dict() == {
        (device, way): 12 for device in ("1", "2") for way in ("ltp", "ltd")
    }


def test_tables_beside_each_other_are_levels_with_columns_are(lines: Write) -> None:
    rows = [f"{10**k},{1e-5 / (k + 1)},{10**k},{1e-9 / (k + 1)}" for k in range(4)]
    path = lines("Time (s),I (A),Time (s),I (A)", *rows)
    table = devicekit.read(path, kind="retention", read_voltage=0.1, columns_are="levels")
    assert table.frame.groupby("level")["conductance_s"].max().to_dict() == {
        "state1": pytest.approx(1e-4),
        "state2": pytest.approx(1e-8),
    }


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
    table = devicekit.read(tmp_path / "g.xlsx", columns_are="cycles", accept=True)
    assert sorted(table.frame["cycle"].unique()) == [1, 2, 3, 4, 5]
    assert (table.frame.groupby(["cycle", "direction"]).size() == 20).all()
    assert not any(re.search(r"\d+ cycles", warning.message) for warning in table.warnings)


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
