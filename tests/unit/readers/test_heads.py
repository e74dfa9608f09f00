"""Names that are numbers, blanks within cells, and rows of names of other lengths than the rows of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pytest

from devicekit import read
from devicekit.core.errors import QuestionError


def test_levels_named_by_numbers_below_a_title_are_names(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    states = np.outer([1.01, 0.99, 1.02, 0.98, 2], [10.5, 20.5, 30.5])  # the last row holds whole numbers
    path.write_text("Sample: A12\n\n0,1,2\n" + "".join(",".join(f"{x:.7g}" for x in row) + "\n" for row in states))
    frame = read(path, kind="multilevel", columns_are="levels", unit="uS").frame
    assert frame.groupby("level").size().to_dict() == {"0": 5, "1": 5, "2": 5}
    assert frame["conductance_s"].min() == pytest.approx(0.98 * 10.5e-6)


def test_a_named_column_that_counts_is_not_a_level(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = "".join(f"{k},{10.1 + k / 100:.2f},{20.1 - k / 100:.2f},{31.3 + k / 50:.2f}\n" for k in range(1, 9))
    path.write_text(f"Read,0,1,2\n{rows}")
    frame = read(path, kind="multilevel", columns_are="levels", unit="uS").frame
    assert frame.groupby("level").size().to_dict() == {"0": 8, "1": 8, "2": 8}


def test_cells_may_hold_single_blanks_between_columns_two_blanks_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    rows = [
        f"2024-03-01 12:00:0{k}  {level}  {k}  {k * size:.4g}\n"
        for level, size in (("LRS", 1e-5), ("HRS", 1e-7))
        for k in range(1, 7)
    ]
    path.write_text("Timestamp  Level  Sweep  Device conductance [S]\n" + "".join(rows))
    table = read(path)
    assert table.kind == "endurance"
    assert table.frame["cycle"].tolist() == [1, 2, 3, 4, 5, 6] * 2
    assert table.frame["conductance_s"].max() == pytest.approx(6e-5)


@pytest.mark.parametrize("name", ["current density in mA/cm²", "Current density, mA/cm2", "J/mA cm⁻²", "J (mA cm^-2)"])
def test_densities_with_any_sign_of_powers(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.csv"
    volts = [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0]
    path.write_text(f'V (V),"{name}"\n' + "".join(f"{v},{2 * v}\n" for v in volts))
    with pytest.raises(QuestionError) as caught:
        read(path)
    assert "device_area" in caught.value.asked.fields
    frame = read(path, kind="sweep", map={"current_a": name}, device_area="0.5 cm2").frame
    assert frame["current_a"].max() == pytest.approx(1e-3)


def test_a_round_number_of_units_in_a_name_is_asked_about_whatever_the_quantity(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("pulse_number,current_100nA\n" + "".join(f"{k},{0.028 + k / 1000}\n" for k in range(1, 9)))
    given = {"kind": "pulse", "read_voltage": 1, "map": {"value": "current_100nA"}}
    for more in ({}, {"quantity": "current"}):
        with pytest.raises(QuestionError) as caught:
            read(path, **given, **more)  # type: ignore[arg-type]
    assert caught.value.asked.choices[0].options["unit"] == "1e-07 A"
    table = read(path, kind="pulse", read_voltage=1, unit="1e-07 A")
    assert table.frame["read_current_a"].iloc[0] == pytest.approx(2.9e-9)


def test_driven_currents_that_repeat_are_no_copies(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    amps = np.r_[np.arange(10), np.arange(10, -10, -1), np.arange(-10, 1)] * 1e-3
    noise = np.random.default_rng(3)
    rows = [(k, i, 5 * i + noise.normal(0, 1e-4)) for k in range(1, 4) for i in amps]
    path.write_text("cycle,I (A),V (V)\n" + "".join(f"{k},{i:.4g},{v:.6g}\n" for k, i, v in rows))
    assert "repeated_data" not in {each.code for each in read(path, accept=True).warnings}


def test_prefixes_in_some_cells_are_numbers_and_wires_are_words(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    amps = ["1e-6", "2u", "3e-6", "4e-6", "5e-6", "6e-6", "7u", "8e-6"]
    path.write_text("V (V),I (A),Sense\n" + "".join(f"{k / 10},{cell},2W\n" for k, cell in enumerate(amps, 1)))
    frame = read(path, accept=True).frame
    assert frame["current_a"].to_numpy() == pytest.approx(np.arange(1, 9) * 1e-6)
    assert frame["Sense"].unique().tolist() == ["2W"]


def test_columns_without_names_beside_a_time_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("".join(f"{2**k},{5e5 + k},{6e5 + k},{7e5 + k}\n" for k in range(12)))
    given = {"kind": "retention", "unit": "ohm", "map": {"time_s": "column 1"}}
    with pytest.raises(QuestionError) as caught:
        read(path, **given)  # type: ignore[arg-type]
    assert [each.options.get("columns_are") for each in caught.value.asked.choices[:3]] == [
        "devices",
        "cycles",
        "levels",
    ]


def test_the_sheets_own_name_above_a_column_names_no_column(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for k in (1, 2):
        sheet = book.create_sheet(f"Sample {k}")
        for row in [(f"Sample {k}", "V (V)", "I (A)"), *((n + 1, n / 10, k * n * 1e-6) for n in range(11))]:
            sheet.append(row)
    del book["Sheet"]
    book.save(tmp_path / "x.xlsx")
    frame = read(tmp_path / "x.xlsx", sheets_are="devices", accept=True).frame
    assert frame.groupby("device_id")["current_a"].max().to_dict() == pytest.approx(
        {"Sample 1": 1e-5, "Sample 2": 2e-5}
    )


@pytest.mark.slow
def test_a_question_about_many_sheets_is_whole(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for k in range(60):
        sheet = book.create_sheet(f"sheet with a long name {k}")
        for row in [("V (V)", "I (A)"), (0, 1), ("a", "b"), (1, 2), ("c", "d"), (2, 3), *((n, n) for n in range(9))]:
            sheet.append(row)
    book.save(tmp_path / "x.xlsx")
    with pytest.raises(QuestionError) as caught:
        read(tmp_path / "x.xlsx")
    assert "left out" not in caught.value.message
    assert len(caught.value.asked.each[0].choices) <= 8


def test_a_question_about_sheets_of_two_makes_is_whole(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for k in range(120):
        sheet = book.create_sheet(f"{k} is a sheet with a long name")
        for row in [("a", "b") if k % 2 else ("c", "d", "e"), *((n, n * k, 1)[: 3 - k % 2] for n in range(5))]:
            sheet.append(row)
    del book["Sheet"]
    book.save(tmp_path / "x.xlsx")
    with pytest.raises(QuestionError) as caught:
        read(tmp_path / "x.xlsx")
    assert "left out" not in caught.value.message
    first = caught.value.asked.each[0].choices[0].options
    assert len(first["sheet"].split(",")) == 8
    assert len(read(tmp_path / "x.xlsx", kind="record", **first).frame) == 40


@pytest.mark.parametrize("columns", [5, 6])
def test_fewer_names_than_columns_are_asked_about(tmp_path: Path, columns: int) -> None:
    path = tmp_path / "x.csv"
    loop = [*range(11), *range(10, -1, -1)]
    rows = [[k, *(v * c for c in range(1, columns))] for k, v in enumerate(loop)]
    path.write_text("Time,Current\nms,uA\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    with pytest.raises(QuestionError) as caught:
        read(path, kind="sweep")
    offered = [each.options.get("names") for each in caught.value.asked.each[0].choices]
    assert ",".join(["Time (ms)", *["Current (uA)"] * (columns - 1)]) in offered


def test_rows_that_are_columns_may_have_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    f = np.geomspace(1e3, 1e6, 12)
    rows = [("f", f), ("C", 1e-12 * (1 + 10 / np.sqrt(f))), ("D", 0.01 + 1e-9 * f)]
    lines = ["\t".join([name, *(f"{x:.7g}".replace(".", ",") for x in cells)]) for name, cells in rows]
    path.write_text("\n".join(lines) + "\n")
    frame = read(path, kind="record").frame
    assert frame["f"].to_numpy() == pytest.approx(f, rel=1e-6)


def test_a_remark_below_a_column_of_words_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = [f"{way},{k},{k if way == 'SET' else 13 - k}\n" for way in ("SET", "RESET") for k in range(1, 13)]
    path.write_text("Operation,Pulse,G (uS)\n" + "".join(rows) + "\nRemarks: none,,\n")
    table = read(path)
    assert table.frame["direction"].value_counts().to_dict() == {"ltp": 12, "ltd": 12}
    assert "dropped" in {each.code for each in table.warnings}


def test_units_go_with_the_names_that_are_fewer_than_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    loop = [*range(11), *range(9, -11, -1), *range(-9, 1)]
    path.write_text("V,I\nmV,uA\n" + "".join(f"{k},{100 * v},{v}\n" for k, v in enumerate(loop)))
    with pytest.raises(QuestionError) as caught:
        read(path)
    names = caught.value.asked.each[0].choices[0].options
    assert names == {"names": ",V (mV),I (uA)"}
    frame = read(path, **names, accept=True).frame
    assert (frame["voltage_v"].max(), frame["current_a"].max()) == pytest.approx((1.0, 1e-5))


def test_a_remark_below_tables_that_empty_rows_separate_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    loop = [*range(9), *range(7, -9, -1), *range(-7, 1)]
    table = "".join(f"{v},{v}e-6\n" for v in loop)
    path.write_text(f"V (V),I (A)\n{table}\n{table}\n--- finished ---\n")
    frame = read(path, blocks="empty-row", columns_are="devices").frame
    assert frame.groupby("device_id").size().tolist() == [len(loop)] * 2


def test_blanks_between_digits_leave_the_decimal_mark_to_other_cells(tmp_path: Path) -> None:
    for name, cells in (("a", ("0,5", "1 000", "2 000")), ("b", ("1 000", "1 500,5", "3 000"))):
        path = tmp_path / f"{name}.csv"
        path.write_text("f\tx\n" + "".join(f"{cell}\t{k}\n" for k, cell in enumerate(cells)))
        numbers = [float(cell.replace(" ", "").replace(",", ".")) for cell in cells]
        assert read(path, kind="record").frame["f"].tolist() == numbers
