"""Rows of names and labels, footers, tables below each other, encodings, and numbers with units in their cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from devicekit.core.errors import Blank, DevicekitError, NoTableError, QuestionError, UsageError
from devicekit.readers import read
from devicekit.tables import SweepTable, Table

from .small_files import Write  # type: ignore[import-not-found]

VOLTS = np.r_[np.linspace(0, 1, 11), np.linspace(1, -1, 21)[1:], np.linspace(-1, 0, 11)[1:]].round(3)


def amps(volts: np.ndarray, k: float = 1e-3) -> np.ndarray:
    return k * volts * (1 + volts**2)


def loop(k: float = 1e-3, form: str = "{:.3f},{:.6e}") -> list[str]:
    return [form.format(v, i) for v, i in zip(VOLTS, amps(VOLTS, k), strict=True)]


def answers(path: Path, depth: int = 3, **options: Any) -> list[tuple[dict[str, Any], Table]]:
    """Return what every choice of every question leads to; a choice without a table fails the test."""
    question = None
    try:
        return [(options, read(path, **options))]
    except QuestionError as error:
        question = error.question
    assert question is not None
    assert depth, f"asked again and again: {question}"
    found = []
    for choice in question.choices:
        given = {**options}
        for name, value in choice.options.items():
            given[name] = {**given.get(name, {}), **value} if isinstance(value, Mapping) else value
        values = [
            each for value in given.values() for each in (value.values() if isinstance(value, Mapping) else [value])
        ]
        found += [] if any(isinstance(each, Blank) for each in values) else answers(path, depth - 1, **given)
    return found


def choices(path: Path, **options: Any) -> list[str]:
    with pytest.raises(QuestionError) as raised:
        read(path, **options)
    assert raised.value.question is not None
    return [choice.typed_options for choice in raised.value.question.choices]


def left_out(table: Table) -> tuple[int, int]:
    """Return how many rows a warning counts, and the number of the first."""
    text = next(str(each) for each in table.warnings if each.code == "dropped")
    found = re.search(r": (\d+) rows? .*?\(row (\d+)", text)
    assert found
    return int(found[1]), int(found[2])


def check_loop(table: Table, k: float = 1e-3) -> None:
    assert isinstance(table, SweepTable)
    np.testing.assert_allclose(table.frame["voltage_v"], VOLTS, rtol=1e-9)
    np.testing.assert_allclose(table.frame["current_a"], amps(VOLTS, k), rtol=1e-5, atol=1e-15)


# rows of names


def test_a_name_more_than_cells_is_a_question_never_shifted(lines: Write) -> None:
    """`Index,V,I,t` above three cells: the voltages were read as the index, silently."""
    rows = [f"{row},{k}" for k, row in enumerate(loop())]
    path = lines("Index,V (V),I (A),T (s)", *rows)
    assert choices(path)[:2] == ["names='V (V),I (A),T (s)'", "names='Index,V (V),I (A)'"]
    check_loop(read(path, names="V (V),I (A),T (s)"))


def test_a_name_fewer_than_cells_is_a_question(lines: Write) -> None:
    path = lines("V (V),I (A)", *(f"{k},{row}" for k, row in enumerate(loop())))
    assert choices(path)[:2] == ["names=',V (V),I (A)'", "names='V (V),I (A),'"]
    check_loop(read(path, names=",V (V),I (A)"))
    with pytest.raises(UsageError, match=r"2 names are given.*3 columns"):
        read(path, names="V (V),I (A)")


def test_names_with_blanks_in_columns_of_fixed_width(lines: Write) -> None:
    rows = [f"{k:8d}   {10 + k:20.3f}" for k in range(1, 30)]
    table = read(lines("Pulse no   Read current (uA)", *rows, name="fixed.txt"), read_voltage=0.1)
    np.testing.assert_allclose(table.frame["conductance_s"], (10 + np.arange(1, 30)) * 1e-5)
    path = lines("Cell A read out V  Gate I drain", *(f"{row}  0.1".replace(",", "  ") for row in loop()), name="x.txt")
    assert choices(path) == ["names=NAMES", "header=0"]
    check_loop(read(path, names="V (V),I (A),gate"))


def test_two_rows_of_names(lines: Write) -> None:
    rows = [f"{k},{a},{b}" for k, (a, b) in enumerate(zip(range(10, 40), range(50, 80), strict=True), 1)]
    path = lines("Test,Device 1,Device 2", "Pulse,G (uS),G (uS)", *rows)
    table = read(path, header=2, kind="pulse")
    first, second = (table.frame[table.frame["device_id"] == name]["conductance_s"] for name in table.devices)
    np.testing.assert_allclose(first, np.arange(10, 40) * 1e-6)
    np.testing.assert_allclose(second, np.arange(50, 80) * 1e-6)


def test_a_row_of_labels_gives_the_amplitude_or_the_cycle_of_each_column(lines: Write) -> None:
    rows = [f"{k},{10 + k},{20 + k},{30 + k}" for k in range(1, 30)]
    path = lines("Amplitude (mV),1000,1200,1400", "Pulse,G (uS),G (uS),G (uS)", *rows)
    assert choices(path)[0] == "label_rows={pulse_voltage_v: 1}"
    frame = read(path, label_rows={"pulse_voltage_v": "1"}).frame
    assert frame.groupby("pulse_voltage_v")["conductance_s"].min().to_dict() == pytest.approx(
        {1.0: 11e-6, 1.2: 21e-6, 1.4: 31e-6}
    )
    swept = (f"{v:.3f},{i:.4e},{2 * i:.4e},{3 * i:.4e}" for v, i in zip(VOLTS, amps(VOLTS), strict=True))
    cycles = lines("Cycle,1,10,100", "V (V),I (A),I (A),I (A)", *swept)
    assert choices(cycles)[0] == "label_rows={cycle: 1}"
    assert sorted(read(cycles, label_rows={"cycle": "1"}).frame["cycle"].unique()) == [1, 10, 100]
    for row in ("2", "9"):
        with pytest.raises(UsageError, match="label"):
            read(cycles, label_rows={"cycle": row})


def test_a_row_of_labels_names_tables_beside_each_other(lines: Write) -> None:
    rows = [f"{a},{b}" for a, b in zip(loop(1e-3), loop(2e-3), strict=True)]
    path = lines("left one,,right one,", "V (V),I (A),V (V),I (A)", *rows)
    table = read(path, label_rows={"device_id": "1"})
    assert table.devices == ["left one", "right one"]
    for name, k in (("left one", 1e-3), ("right one", 2e-3)):
        check_loop(table.select(name), k)


def test_a_recipe_keeps_names_labels_and_dropped_rows(lines: Write, tmp_path: Path) -> None:
    rows = [f"{k},{10 + k},{20 + k}" for k in range(1, 30)]
    path = lines("Level,low,high", "no,name,here", *rows, "Mean,1,2")
    options = {"names": "Pulse,G (uS),G (uS)", "label_rows": {"cycle": "1"}, "drop": ("Mean*",)}
    with pytest.raises(UsageError, match="'low'"):
        read(path, **options)
    table = read(path, **{**options, "label_rows": {"device_id": "1"}})
    table.meta["layout"].save(tmp_path / "lab.toml")
    again = read(path, recipe=tmp_path / "lab.toml")
    assert again.devices == ["low", "high"]
    assert again.frame.equals(table.frame)


# footers, comments, further names


def test_a_footer_is_reported_and_rows_of_statistics_are_asked_about(lines: Write) -> None:
    path = lines("V (V),I (A)", *loop(), "", "Measured by hand", "End of data")
    table = read(path)
    check_loop(table)
    assert left_out(table) == (2, 44)
    path = lines("V (V),I (A)", *loop(), "Mean,0.5", "Max,1.0")
    assert choices(path) == ["drop=(text)"]
    for options in ({"drop": ("text",)}, {"drop": ("Mean*", "Max*")}):
        table = read(path, **options)
        check_loop(table)
        assert left_out(table) == (2, 43)
    with pytest.raises(UsageError, match="no row matches drop=Median"):
        read(path, drop=("Median", "text"))


def test_comments_between_readings_begin_tables_or_are_left_out(lines: Write) -> None:
    path = lines("V (V),I (A)", "# sweep 1", *loop(), "# sweep 2", *loop(2e-3))
    found = dict(zip(choices(path), ("labels", "dropped"), strict=True))
    assert found == {"blocks=text-row": "labels", "drop=(text)": "dropped"}
    table = read(path, blocks="text-row")
    assert table.frame.groupby("cycle").size().to_dict() == {1: 41, 2: 41}
    assert table.frame.groupby("cycle")["current_a"].max().to_dict() == pytest.approx({1: 2e-3, 2: 4e-3})
    assert len(read(path, drop=("text",)).frame) == 82


def test_tables_of_other_columns_below_each_other_are_a_choice(lines: Write) -> None:
    """80 of 101 points were dropped without a word; other files were refused: each table into its own file."""
    pulses = [f"{k},{10 + k}" for k in range(1, 31)]
    path = lines("IV curve", "V (V),I (A)", *loop(), "", "Potentiation", "Pulse,G (uS)", *pulses)
    assert choices(path)[:2] == ["block=1", "block=2"]
    check_loop(read(path, block="1"))
    table = read(path, block="2")
    np.testing.assert_allclose(table.frame["conductance_s"], (10 + np.arange(1, 31)) * 1e-6)
    assert [each.code for each in table.warnings].count("dropped") == 1
    with pytest.raises(UsageError, match=r"block=3.*2 tables"):
        read(path, block="3")
    ragged = lines("V (V),I (A)", *loop()[:9], "V (V),I (A),t (s)", *(f"{row},{k}" for k, row in enumerate(loop())))
    # each table alone, or both by their common columns, as devices, cycles or one sweep
    assert [len(table.frame) for _, table in answers(ragged)] == [9, 41, 50, 50, 50]
    renamed = lines("V (V),I (A)", *loop(), "Bias (V),Amps (A)", *loop())
    assert [len(table.frame) for _, table in answers(renamed)] == [41, 41, 82]


def test_an_appended_file_is_one_table_or_several(lines: Write) -> None:
    path = lines("V (V),I (A)", *loop(), "V (V),I (A)", *loop())
    found = answers(path)
    assert len(found) == 4
    assert all(len(table.frame) == 82 for _, table in found)
    assert left_out(read(path, blocks="none")) == (1, 43)


# encodings and numbers


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        ("Напряжение (В),Ток (мкА)", "cp1251"),
        ("전압 (V),전류 (uA)", "cp949"),
        ("电压 (V),电流 (uA)", "gbk"),
        ("電圧 (V),電流 (uA)", "shift_jis"),
        ("電壓 (V),電流 (uA)", "big5"),
        ("전압 (V),전류 (uA)", "utf-16-be"),
        ("V (V),I (µA)", "latin-1"),
        ("V (V),I (µA)", "cp437"),
        ("V (V),I (µA)", "utf-16-le"),
        ("Größe Spannung (V),Strom (µA)", "cp1252"),
    ],
)
def test_names_in_any_encoding(tmp_path: Path, names: str, encoding: str) -> None:
    path = tmp_path / "sweep.csv"
    path.write_bytes("\n".join([names, *loop(1e3), ""]).encode(encoding))
    table = read(path)
    check_loop(table)
    assert [column.name for column in table.meta["layout"].columns] == names.split(",")


def test_an_encoding_that_nothing_settles_is_a_question(tmp_path: Path) -> None:
    path = tmp_path / "sweep.csv"
    path.write_bytes("\n".join(["样品 V (V),样品 I (A)", *loop(), ""]).encode("gbk"))
    assert "encoding=gb18030" in choices(path)
    for options, table in answers(path):
        check_loop(table)
        assert options["encoding"] in ("gb18030", "big5", "cp949", "euc_jp", "cp1251")
    assert read(path, encoding="gbk").meta["layout"].columns[0].name == "样品 V (V)"
    with pytest.raises(UsageError, match="encoding=utf-8"):
        read(path, encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("e-", "D-"),
        lambda text: text.replace("-", "\N{MINUS SIGN}"),
        lambda text: text.replace(",", ";").replace(".", ","),
    ],
    ids=["fortran", "minus", "comma"],
)
def test_numbers_as_other_programs_write_them(lines: Write, change: Callable[[str], str]) -> None:
    check_loop(read(lines("V (V)" + change(",") + "I (A)", *map(change, loop()))))


def test_numbers_with_units_in_their_cells(lines: Write) -> None:
    volts, currents = VOLTS * 1e3, amps(VOLTS)
    cells = [f"{i * 1e3:.5f} mA" if abs(i) > 1e-4 else f"{i * 1e6:.5f} uA" for i in currents]
    check_loop(read(lines("Voltage,Current", *(f"{v:.3f} mV,{i}" for v, i in zip(volts, cells, strict=True)))))
    check_loop(read(lines("V,I (mA)", *(f"{v:.3f} V,{i}" for v, i in zip(VOLTS, cells, strict=True)))))
    table = read(lines("Pulse,R (ohm)", *(f"{k},{10 + k / 10:.1f}k" for k in range(1, 31))))
    np.testing.assert_allclose(table.frame["conductance_s"], 1 / (1e4 + 100.0 * np.arange(1, 31)))
    named = lines("Cell,Pulse,G (uS)", *(f"{cell}A,{k},{k + 5}" for cell in (1, 2) for k in range(1, 20)))
    assert read(named).devices == ["1A", "2A"]


def test_words_for_overflow_are_missing_readings(lines: Write) -> None:
    rows = loop()
    rows[4], rows[7] = "0.400,OVERFLOW", "0.700,#DIV/0!"
    table = read(lines("V (V),I (A)", *rows))
    assert len(table.frame) == 41
    assert table.frame["current_a"].isna().sum() == 2
    with pytest.raises(DevicekitError, match="row 6"):
        read(lines("V (V),I (A)", *rows[:4], "0.4,broken", *rows[5:]))


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_shorter_last_column_below_a_title_keeps_the_table(delimiter: str, tmp_path: Path) -> None:
    """Twelve readings of LTD beside thirty of LTP: most rows end in a delimiter, the title holds none."""
    rows = [f"{1 + 0.1 * k:.2f}{delimiter}{f'{4 - 0.2 * k:.2f}' if k < 12 else ''}" for k in range(30)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["Program version 2.1", f"LTP (uS){delimiter}LTD (uS)", *rows]) + "\n")
    assert read(path).frame.groupby("direction").size().to_dict() == {"ltp": 30, "ltd": 12}


def test_a_column_of_read_voltages_is_not_asked_about_with_the_unit(lines: Write) -> None:
    rows = [f"{n},{90000 + 10 * n},{4000000 + 10 * n},0.3" for n in range(1, 14)]
    path = lines("cycle,Current OFF (PA),Current ON (PA),Vmeas (V)", *rows)
    assert choices(path) == ["unit=pA"]
    frame = read(path, unit="pA").frame
    assert frame["conductance_s"].iloc[0] == pytest.approx(90010e-12 / 0.3)


def test_one_repetition_alone_is_no_part_of_a_table(lines: Write) -> None:
    delays = [-5 + 0.625 * k for k in range(16) if k != 8]
    path = lines("repeat,dt (us),dG/G (%)", *(f"1,{t},{30 / (t + 0.1):.3f}" for t in delays))
    assert len(read(path, kind="stdp", map={"weight_change": "dG/G (%)"}, unit="%").frame) == 15


def test_names_with_blanks_stand_beside_a_column_without_a_name(tmp_path: Path) -> None:
    rows = [f"{k}  {k + 1}  {1.1 + 0.01 * k:g}  {-0.8 - 0.01 * k:g}" for k in range(12)]
    (tmp_path / "a.txt").write_text("\n".join(["  Cycle  Set voltage [V]  V_reset [V]", *rows]) + "\n")
    frame = read(tmp_path / "a.txt", kind="summary").frame
    assert frame["v_set_v"].iloc[[0, -1]].tolist() == pytest.approx([1.1, 1.21])
    assert frame["v_reset_v"].iloc[[0, -1]].tolist() == pytest.approx([-0.8, -0.91])


def test_a_label_over_each_of_several_tables_side_by_side_names_it(tmp_path: Path) -> None:
    """The labels stand over the second column of each pair."""
    path = tmp_path / "a.txt"
    rows = [f"{v / 20:g}\t{v * k}e-9" for k in (1, 2, 3) for v in range(1, 21)]
    pairs = ["\t".join(each) for each in zip(rows[:20], rows[20:40], rows[40:], strict=True)]
    head = ["\t".join(["Potential", "Current"] * 3), "\t".join(["V", "A"] * 3), "\t1 mHz\t\t2 mHz\t\t16 mHz"]
    path.write_text("\n".join([*head, *pairs]) + "\n")
    assert choices(path)[:3] == [f"label_rows={{{name}: 3}}" for name in ("device_id", "cycle", "level")]
    found = read(path, label_rows={"level": "3"}).frame
    assert found.groupby("level", sort=False)["current_a"].max().to_dict() == pytest.approx(
        {"1 mHz": 2e-8, "2 mHz": 4e-8, "16 mHz": 6e-8}
    )
    with pytest.raises(UsageError, match="blocks"):
        read(path, label_rows={"level": "1"})


def test_rows_of_words_between_single_rows_of_numbers_leave_no_table(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("V (V),I (A)\n0.1,1e-6\nabc,def\n0.2,2e-6\nghi,jkl\n")
    with pytest.raises(NoTableError, match=r"x\.csv"):
        read(path, blocks="text-row")


def test_a_sheet_that_cannot_be_read_leaves_the_others_to_choose(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for title in ("first", "second"):
        sheet = book.create_sheet(title)
        sheet.append(["V (V)", "I (A)"])
        for v, i in zip(VOLTS, amps(VOLTS), strict=True):
            sheet.append([float(v), float(i)])
            if title == "second" and v == 1:
                sheet.append(["pause"])
    book.remove(book["Sheet"])
    book.save(tmp_path / "book.xlsx")
    whole = ["sheet=first", "sheet=second blocks=text-row", "sheet=second drop=(text)"]
    assert choices(tmp_path / "book.xlsx") == whole
    check_loop(read(tmp_path / "book.xlsx", sheet="first"))
    check_loop(read(tmp_path / "book.xlsx", sheet="second", drop=("pause",)))
    table = read(tmp_path / "book.xlsx", drop=("pause",), sheets_are="devices")
    assert table.devices == ["first", "second"]
    with pytest.raises(UsageError, match="drop=stop"):
        read(tmp_path / "book.xlsx", drop=("pause", "stop"), sheets_are="devices")


# devices in turn, densities, none of these


@pytest.mark.parametrize("name", ["Board Nr", "Device #", "Resistor No"])
def test_numbered_devices_in_turn(lines: Write, name: str) -> None:
    """The voltages of three boards were one sweep of one device, silently."""
    rows = [f"{n},{v},{i:.6e}" for v in VOLTS for n, i in ((1, amps(v)), (2, amps(v, 2e-3)), (3, amps(v, 3e-3)))]
    table = read(lines(f"{name},Voltage (V),Current (A)", *rows))
    assert table.devices == ["1", "2", "3"]
    check_loop(table.select("2"), 2e-3)


def test_other_columns_whose_values_alternate_are_a_question(lines: Write) -> None:
    rows = [f"{n},{v},{i:.6e}" for v in VOLTS for n, i in (("a", amps(v)), ("b", amps(v, 2e-3)))]
    path = lines("Widget,Voltage (V),Current (A)", *rows)
    assert [(sorted(table.devices), len(table.frame)) for _, table in answers(path)] == [
        (["a", "b"], 82),
        (["device1"], 82),
    ]
    times = [f"{n},{t},{n * 1000 + t}" for t in range(1, 20) for n in (1, 2, 3)]
    path = lines("Widget Nr,Time (s),Resistance (ohm)", *times)
    assert read(path, map={"device_id": "Widget Nr"}).frame.groupby("device_id").size().tolist() == [19, 19, 19]


@pytest.mark.parametrize(
    ("unit", "size", "factor"),
    [("A/cm2", "25 um2", 2.5e-7), ("uA/um", "10 um", 1e-5), ("mA/mm", "0.5 mm", 5e-4), ("A/cm2", "1e-4 cm2", 1e-4)],
)
def test_a_density_needs_the_size_of_the_device(
    lines: Write, tmp_path: Path, unit: str, size: str, factor: float
) -> None:
    path = lines(f"Voltage (V),Current density ({unit})", *loop())
    assert choices(path)[0] == "device_area=SIZE"
    assert {table.kind for _, table in answers(path)} == {"sweep", "record"}
    table = read(path, device_area=size)
    check_loop(table, 1e-3 * factor)
    table.meta["layout"].save(tmp_path / "lab.toml")
    check_loop(read(path, recipe=tmp_path / "lab.toml"), 1e-3 * factor)
    with pytest.raises(UsageError, match="device_area"):
        read(path, recipe=tmp_path / "lab.toml", device_area="7 nm")
    unnamed = lines("Voltage (V),J", *loop())
    check_loop(read(unnamed, kind="sweep", unit=unit, device_area=size), 1e-3 * factor)
    for wrong in (None, "25 um2/5 nm/1 nm", "3 m2/2 um2"):
        with pytest.raises(UsageError, match="device_area"):
            read(unnamed, kind="sweep", unit=unit, device_area=wrong)


def test_a_conductivity_needs_an_area_over_a_length(lines: Write) -> None:
    path = lines("Pulse,Conductivity (S/m)", *(f"{k},{10 + k}" for k in range(1, 31)))
    table = read(path, device_area="25 um2/50 nm", kind="pulse", accept=True)
    np.testing.assert_allclose(table.frame["conductance_s"], (10 + np.arange(1, 31)) * 25e-12 / 50e-9)
    for wrong in ("25 um2", "5 V", "-1 um", "1 um/"):
        with pytest.raises(UsageError, match="device_area"):
            read(path, device_area=wrong)
    with pytest.raises(UsageError, match="device_area"):
        read(lines("V (V),I (A)", *loop()), device_area="25 um2")


def test_a_density_of_several_files(lines: Write) -> None:
    paths = [lines("Voltage (V),J (A/cm2)", *loop(k), name=f"device {k:.0f}.csv") for k in (1, 2)]
    table = read(paths, device_area="25 um2")
    assert table.frame.groupby("device_id")["current_a"].max().tolist() == pytest.approx([5e-7 * 1e0, 1e-6])


def test_columns_of_no_known_quantity_are_kept_as_records_or_swept(lines: Write) -> None:
    path = lines("alpha,beta", *loop())
    found = choices(path)
    assert "kind=record" in found
    assert found[0] == "kind=sweep map={voltage_v: alpha, current_a: beta} unit=mA"
    check_loop(read(path, map={"voltage_v": "alpha", "current_a": "beta"}))
    table = read(path, kind="record")
    assert table.kind == "record"
    np.testing.assert_allclose(table.frame["beta"], amps(VOLTS), rtol=1e-5, atol=1e-12)
    assert table.frame["point"].tolist() == list(range(1, 42))


def test_a_time_in_capital_s_is_in_seconds(lines: Write) -> None:
    path = lines("Time [S],Resistance [ohm]", *(f"{10 * 1.3**k:.1f},{1000 + k}" for k in range(40)))
    assert choices(path)[0] == "map={time_s: Time [S]}"
    table = read(path, map={"time_s": "Time [S]"})
    assert table.frame["time_s"].max() == pytest.approx(10 * 1.3**39, abs=0.1)


@pytest.mark.parametrize("index", [True, False])
def test_numbers_of_columns_that_pandas_writes_are_names(tmp_path: Path, index: bool) -> None:
    states = 1e-6 * (np.arange(1, 4) + 0.01 * np.arange(9)[:, None])
    path = tmp_path / "a.csv"
    pd.DataFrame(states).to_csv(path, index=index)
    frame = read(path, kind="multilevel", unit="S", columns_are="levels").frame
    assert frame.groupby("level")["conductance_s"].min().to_dict() == pytest.approx({"0": 1e-6, "1": 2e-6, "2": 3e-6})
    assert len(frame) == 27


@pytest.mark.parametrize("beside", [True, False])
def test_columns_that_map_names_by_place_are_those_of_each_table(tmp_path: Path, beside: bool) -> None:
    tables = [[f"{k},{scale * (k + 0.5):g}" for k in range(1, 10)] for scale in (1, 2)]
    lines = [",,".join(row) for row in zip(*tables, strict=True)] if beside else [*tables[0], "", *tables[1]]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n")
    told = {"kind": "pulse", "map": {"pulse_index": "column 1", "value": "column 2"}, "unit": "uS"}
    if beside:
        with pytest.raises(QuestionError):
            read(path, **told)
    found = {} if beside else {"blocks": "empty-row"}
    frame = read(path, **told, **found, columns_are="devices").frame
    assert frame.groupby("device_id")["conductance_s"].max().tolist() == pytest.approx([9.5e-6, 19e-6])


def test_cycles_that_begin_anew_below_an_empty_row_are_asked_about(tmp_path: Path) -> None:
    loop = [*range(0, 9), *range(8, -9, -1), *range(-8, 1)]
    table = [f"{cycle},{v / 8},{cycle * v * 1e-6}" for cycle in (1, 2) for v in loop]
    path = tmp_path / "a.csv"
    path.write_text("cycle,V (V),I (A)\n" + "\n".join([*table, "", *table]) + "\n")
    with pytest.raises(QuestionError) as caught:
        read(path)
    assert [each.options for each in caught.value.asked.choices] == [
        {"accept": True},
        {"rows_per": {"device": "70"}},
        {"blocks": "empty-row", "columns_are": "devices"},
    ]
    assert read(path, blocks="none").frame["device_id"].nunique() == 1
    assert read(path, blocks="empty-row", columns_are="devices").frame["device_id"].nunique() == 2


def test_names_with_doubled_delimiters_are_those_of_the_columns(tmp_path: Path) -> None:
    table = "".join(f"{k}\t{k / 10}\t{(k % 20) * 1e-6}\t\n" for k in range(21))
    path = tmp_path / "a.dat"
    path.write_text("".join(f"#! step {each}\nn\t\tV (V)\t\tI (A)\t\t\n{table}" for each in (1, 2)))
    frame = read(path, key={"third_voltage_v": r"step (\d)"}, accept=True).frame
    assert frame.groupby("third_voltage_v")["voltage_v"].max().tolist() == [2, 2]
    assert frame["current_a"].max() == pytest.approx(19e-6)


def test_a_train_that_begins_below_empty_cells_has_no_pulses_there(tmp_path: Path) -> None:
    rows = [f"{k},{k}e-6," for k in range(1, 9)] + [f"{k},,{17 - k}e-6" for k in range(9, 17)]
    path = tmp_path / "a.csv"
    path.write_text("Pulse number,LTP (S),LTD (S)\n" + "\n".join(rows) + "\n")
    frame = read(path, accept=True).frame
    assert frame.groupby("direction")["pulse_index"].agg(["min", "max", "size"]).to_numpy().tolist() == [[1, 8, 8]] * 2
    assert frame.query("direction == 'ltd'")["conductance_s"].iloc[[0, -1]].tolist() == pytest.approx([8e-6, 1e-6])


@pytest.mark.parametrize("name", ["Pulsspannung/V", "脉冲电压/V"])
def test_compounds_that_end_in_a_voltage_are_voltages(tmp_path: Path, name: str) -> None:
    rows = [f"{k / 1000},{2 if k % 7 == 5 else 0},{1e6 / (1 + k // 7)}" for k in range(29)]
    path = tmp_path / "a.csv"
    path.write_text(f"time/s,{name},R/ohm\n" + "\n".join(rows) + "\n", encoding="utf-8")
    frame = read(path).frame
    assert frame["pulse_voltage_v"].value_counts().to_dict() == {0: 25, 2: 4}


def test_columns_of_one_form_of_name_are_offered_as_the_states(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{1.5 if k < 9 else -1.2},{min(k, 18 - k) + 1},{2 * min(k, 18 - k) + 3}" for k in range(18)]
    path.write_text("Amplitude,dev1,dev2\n" + "\n".join(rows) + "\n")
    with pytest.raises(QuestionError) as caught:
        read(path, kind="pulse", unit="uS")
    assert caught.value.asked.choices[0].options == {"map": {"value": "dev1,dev2"}}
    frame = read(path, kind="pulse", unit="uS", map={"value": "dev1,dev2"}, accept=True).frame
    assert frame.groupby("device_id")["conductance_s"].max().to_dict() == pytest.approx({"dev1": 10e-6, "dev2": 21e-6})


def test_codes_above_columns_are_names(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f",{k + 1.5}e-6,{k + 20.5}e-6,{k + 40.5}e-6" for k in range(6)]
    path.write_text("\n".join(["figure 1,1100,1011,0100", *rows]) + "\n")
    frame = read(path, kind="multilevel", columns_are="levels", unit="S").frame
    assert frame.groupby("level").size().to_dict() == {"1100": 6, "1011": 6, "0100": 6}
    assert frame["conductance_s"].max() == pytest.approx(45.5e-6)


def test_cells_of_records_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{10**k} nF,{('0000', '0101', '1111')[k]},{k + 0.5}" for k in range(3)]
    path.write_text("\n".join(["capacitor,mask,x", *rows]) + "\n")
    frame = read(path, kind="record").frame
    assert frame["capacitor"].tolist() == ["1 nF", "10 nF", "100 nF"]
    assert frame["mask"].tolist() == ["0000", "0101", "1111"]
    assert frame["x"].tolist() == [0.5, 1.5, 2.5]


def test_a_voltage_that_is_held_in_time_is_no_sweep(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time_s,voltage_V,current_A\n" + "".join(f"{k},0.2,{1.2e-5 - k * 1e-8}\n" for k in range(12)))
    table = read(path)
    assert table.kind == "retention"
    assert table.frame["conductance_s"].iloc[[0, -1]].tolist() == pytest.approx([6e-5, 5.945e-5])
    assert read(path, kind="sweep").frame["voltage_v"].tolist() == [0.2] * 12


def test_pulse_numbers_that_are_rounded_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "".join(f"{k + 0.1 * (k % 3 - 1)},{k + 1}\n" for k in range(1, 20)))
    table = read(path, kind="pulse", map={"pulse_index": "x", "value": "y"}, unit="uS", accept=True)
    assert table.frame["pulse_index"].tolist() == list(range(1, 20))
    assert [each.code for each in table.warnings if "12 " in each.message] == ["columns"]
