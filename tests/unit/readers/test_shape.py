"""Rows of a table: names, units, comments, delimiters, decimal marks, empty cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

import devicekit
from devicekit.core.errors import FileError, TableError
from devicekit.readers import read, source
from devicekit.readers.layouts import gather

from .small_files import ROWS, Write, asked  # type: ignore[import-not-found]


def test_a_comma_before_three_digits_is_asked_about(lines: Write) -> None:
    path = lines("pulse\tI (nA)", "1\t1,000", "2\t1,250", "3\t1,400", name="file.tsv")
    assert asked(path, read_voltage=0.1) == ("decimal",)
    assert read(path, read_voltage=0.1, decimal=".").frame["read_current_a"].iloc[0] == pytest.approx(1e-6)
    assert read(path, read_voltage=0.1, decimal=",").frame["read_current_a"].iloc[0] == pytest.approx(1e-9)
    plain = lines("pulse\tI (nA)", "1\t1,000.5", "2\t1,250.0", "3\t1,400.0", name="plain.tsv")
    assert read(plain, read_voltage=0.1).frame["read_current_a"].iloc[0] == pytest.approx(1000.5e-9)


def test_a_point_before_three_digits_beside_decimal_commas_groups_thousands(lines: Write) -> None:
    rows = [
        f"{k};{'1.500' if k < 4 else '-1.200'};{g}" for k, g in enumerate(("1,25", "1,4", "1,6", "1,8", "1,5", "1,3"))
    ]
    frame = read(lines("pulse;pulse voltage (mV);G (uS)", *rows), accept=True).frame
    assert frame["pulse_voltage_v"].tolist() == pytest.approx([1.5] * 4 + [-1.2] * 2)
    assert frame["conductance_s"].max() == pytest.approx(1.8e-6)


def test_a_blank_line_within_a_table_is_no_row(lines: Write) -> None:
    rows = ["1,1.2,-1.0,5,100", "2,1.3,-0.9,6,110", "", "3,1.1,-1.1,5,120"]
    table = read(lines("cycle,V_set (V),V_reset (V),LRS (kohm),HRS (kohm)", *rows))
    assert table.kind == "summary"
    assert table.frame["cycle"].tolist() == [1, 2, 3]
    assert table.frame["g_hrs_s"].tolist() == pytest.approx([1e-5, 1 / 1.1e5, 1 / 1.2e5])


def test_a_constant_gate_is_neither_a_read_voltage_nor_a_sweep(lines: Write) -> None:
    rows = [f"{way},{i},{{}}" for way, i in zip(["up"] * 4 + ["down"] * 4, (1, 2, 3, 4, 3.5, 3, 2, 1), strict=True)]
    for volts in ("0", "2"):
        path = lines("direction,Current (uA),Vg (V)", *[row.format(volts) for row in rows])
        frame = read(path, kind="pulse", read_voltage=0.5, accept=True).frame
        assert frame["conductance_s"].max() == pytest.approx(8e-6)


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
    table = devicekit.read(path, quantity="conductance", unit="uS", accept=True)
    for k, row in enumerate(states):
        found = table.frame[table.frame["cycle"] == k + 1]["conductance_s"]
        np.testing.assert_allclose(found, row * 1e-6)
    scipy.io.savemat(tmp_path / "G.mat", {"G_uS": np.linspace(1.5, 9.5, 60).reshape(3, 20)})
    table = devicekit.read(tmp_path / "G.mat", quantity="conductance", unit="uS", columns_are="cycles", accept=True)
    assert table.frame.groupby("cycle").size().tolist() == [20, 20, 20]


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


def test_a_row_of_empty_cells_is_a_missing_reading(lines: Write) -> None:
    rows = [f"{1 + k},{30 - k}" for k in range(12)]
    frame = devicekit.read(lines("G Potentiation {uS},G Depression {uS}", *rows[:6], ",", *rows[6:])).frame
    rising = frame[frame["direction"] == "ltp"].dropna(subset="conductance_s")
    assert rising["pulse_index"].tolist() == [*range(6), *range(7, 13)]


def test_one_word_in_every_column_is_a_comment_and_a_column_without_a_name_counts_rows(lines: Write) -> None:
    rows = [f"{k},{1572 + k},Dev 1,LTP" for k in range(1, 10)]
    table = devicekit.read(lines(",Resistance (ohm),Cell,Operation", ",raw,raw,raw", *rows), accept=True)
    assert table.devices == ["Dev 1"]
    assert "value" not in table.frame
    assert len(table.frame) == 9


def test_names_separated_by_two_tabs_above_numbers_separated_by_one(lines: Write) -> None:
    swept = (0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0)
    rows = [f"{0.1 * k:.1f}\t{v}\t{1e-6 * v}\t{1e-6 * v * v}" for k, v in enumerate(swept)]
    path = lines("t (s)\t\tV (V)\t\tI (A)\t\tP (W)\t\t", *rows, name="sweep.dat")
    frame = devicekit.read(path).frame
    np.testing.assert_allclose(frame["voltage_v"], swept, rtol=1e-12)
    np.testing.assert_allclose(frame["current_a"], [1e-6 * v for v in swept], rtol=1e-12)


def test_a_column_that_ends_early_is_read_and_rows_of_numbers_are_not_skipped(lines: Write) -> None:
    """57 rows, 25 of them in the last column: these were read as a heading, and 25 readings of LTP were lost."""
    rows = [f"{n},{28 / n**0.5:.4f},{5 + 0.9 * n:.4f}" if n <= 25 else f"{n},{28 / n**0.5:.4f}," for n in range(1, 58)]
    table = devicekit.read(lines(*rows), kind="pulse", quantity="resistance", unit="kohm", accept=True)
    assert table.frame.groupby("direction").size().to_dict() == {"ltp": 57, "ltd": 25}
    assert table.frame["conductance_s"].max() == pytest.approx(1 / (1e3 * 28 / 57**0.5), rel=1e-4)
    short = ["1,2,3", "2,3,4", "3,4,5", *(f"{n},{n * n}" for n in range(4, 104))]
    with pytest.raises(FileError, match=r"rows 1 to 3 .*skip=N"):
        devicekit.read(lines(*short), kind="pulse", quantity="conductance", unit="uS")


def test_errors_and_remarks_below_the_table_are_not_readings(lines: Write) -> None:
    volts = [-0.9 + 0.1 * k for k in range(10)]
    rows = [f"{v:.1f}\t{1e-3 * v:e}\t{2e-4}\t{1e-6 * v:e}" for v in volts]
    below = ["\t\t", "V_DS = \t-0.600\t", "Number of Averages = \t5\t", "Width/um =\t2000\t"]
    path = lines("V_D (V)\tI_D (A)\tI_D Error (A)\tI_G (A)", *rows, *below, name="file.txt")
    table = devicekit.read(path)
    assert len(table.frame) == 10
    np.testing.assert_allclose(table.frame["current_a"], [1e-3 * v for v in volts], rtol=1e-5)
    bad = lines("V (V)\tI (A)", "0.1\t1e-6", "0.2\t2e-6", "0.3\tnone", "0.4\t4e-6", "0.5\tfailed", name="bad.txt")
    with pytest.raises(TableError):
        devicekit.read(bad)  # words among the readings are not remarks


def test_comments_that_count_columns_are_not_readings(lines: Write) -> None:
    rows = [f"{45 - 2 * n},{47 - 2 * n},0.001" for n in range(20)]
    path = lines("R,R,I_limit", "kohm,kohm,A", "1,2,", *rows)
    table = devicekit.read(path, columns_are="cycles", kind="pulse")
    assert table.frame.groupby("cycle").size().tolist() == [20, 20]
    assert table.frame["conductance_s"].min() == pytest.approx(1 / 47e3)


def test_tabs_separate_columns_with_empty_last_cells(lines: Write) -> None:
    """Pulse, LTP and LTD by tab were split on blanks, because rows of LTP end in an empty cell."""
    rise, fall = [f"{k}\t{k / 10}\t" for k in range(1, 30)], [f"{k}\t\t{6 - k / 10}" for k in range(30, 59)]
    table = devicekit.read(lines("Pulse number\tLTP (uS)\tLTD(uS)", *rise, *fall, name="g.txt"))
    assert table.frame.groupby("direction")["conductance_s"].max().to_dict() == pytest.approx(
        {"ltp": 2.9e-6, "ltd": 3e-6}
    )


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


@pytest.mark.parametrize("end", ["\x1a", "\x1a\x1a", "\n\x1a"])
def test_the_end_mark_of_dos_is_not_a_row(
    tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    path = tmp_path / "dos.csv"
    path.write_bytes(ROWS.replace("\n", "\r\n").encode() + end.encode())
    usual = read(table).frame
    assert read(path).frame.equals(usual)
    for module in (source, gather):
        monkeypatch.setattr(module, "LARGE", 100)
    path.write_bytes(ROWS.encode() + b"\x1a")
    assert read(path).frame.equals(usual)


def test_kept_columns_have_the_decimal_mark_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "comma.csv"
    rows = [f"{k / 10};{k}e-6;{k / 4};a,b".replace(".", ",") for k in range(1, 30)]
    path.write_text("V (V);I (A);humidity;note\n" + "\n".join(rows) + "\n")
    frame = read(path).frame
    assert frame["humidity"].tolist() == [k / 4 for k in range(1, 30)]
    assert set(frame["note"]) == {"a,b"}
